// SPDX-License-Identifier: GPL-2.0-only
/*
 * Recordings of other people. A small one is made once; the input says which of its bytes are
 * others: five bytes each, where (4, modulo its size) and what.
 */
#include <stdlib.h>
#include <unistd.h>

#include "../../user/store.h"
#include "../../user/util.h"
#include "fuzz.h"

static uint8_t *good;
static size_t good_size;

static struct snapshot *make_snapshot(void)
{
	static const struct thread woke_only = { .pid = 7, .tid = 8 };
	struct snapshot *s = snapshot__new();
	struct lock *l = snapshot__alloc(s, 2, sizeof(*l));
	struct thread *t = snapshot__alloc(s, 2, sizeof(*t));

	s->version = "1";
	s->interval_ns = NSEC_PER_SEC;
	s->locks = l;
	s->threads = t;
	s->n_locks = s->n_threads = 2;
	s->deadlocks = snapshot__alloc(s, 1, sizeof(*s->deadlocks));
	s->deadlocks->threads = snapshot__alloc(s, 2, sizeof(*s->deadlocks->threads));
	s->n_deadlocks = 1;
	s->deadlocks->n_threads = 2;
	s->sleeps = snapshot__alloc(s, 2, sizeof(*s->sleeps));
	s->n_sleeps = 2;
	s->sleeps_known = true;
	for (int i = 0; i < 2; i++) {
		s->sleeps[i] = (struct sleep){ .thread = &t[i],
					       .lock = &l[i],
					       .waker = i ? &woke_only : &t[1],
					       .start_ns = 1000 + i,
					       .woken_ns = 2000,
					       .end_ns = 2000 + i,
					       .ended = END_WOKEN };
		l[i].comm = t[i].comm = t[i].process_comm = "worker";
		l[i].hist[40] = 7 + i;
		l[i].looks.n = l[i].looks.state[STATE_RUNNING] = 3;
		l[i].exact = true;
		l[i].owner = snapshot__alloc(s, 1, sizeof(*l[i].owner));
		l[i].owner->thread = &t[!i];
		l[i].verdicts = snapshot__alloc(s, 1, sizeof(*l[i].verdicts));
		*l[i].verdicts = (struct verdict){ "convoy", "12 wakes", NULL };
		l[i].n_verdicts = 1;
		l[i].sites = snapshot__alloc(s, 1, sizeof(*l[i].sites));
		l[i].n_sites = 1;
		l[i].sites->n_frames = 2;
		l[i].sites->frames = snapshot__alloc(s, 2, sizeof(struct frame));
		l[i].sites->frames[0].function = "lock";
		l[i].sites->frames[1].line = 12;
		l[i].sites->frames[1].build_id = "0123456789abcdef";
		t[i].waiting_for = &l[i];
		s->deadlocks->threads[i] = (struct deadlock_thread){ &t[i], &l[i], &t[!i] };
	}
	return s;
}

static void make_good(const char *path)
{
	const struct store_limits limits = {};
	char error[STORE_ERROR];
	struct snapshot *s = make_snapshot();
	struct store *store;
	FILE *f;

	PROMISE(!store__create(path, &limits, &store, error));
	for (int i = 0; i < 2; i++)
		PROMISE(!store__append(store, s, error));
	store__close(store);
	snapshot__free(s);
	good = xcalloc(1, 1 << 20);
	f = fopen(path, "r");
	PROMISE(f);
	good_size = fread(good, 1, 1 << 20, f);
	fclose(f);
	unlink(path);
}

static volatile int64_t touched; /* so that the sanitizer sees the threads read */

/* What exporters rely on. */
static void check_sleeps(const struct snapshot *s)
{
	PROMISE(s->sleeps_known || !s->n_sleeps);
	for (size_t i = 0; i < s->n_sleeps; i++) {
		const struct sleep *sleep = &s->sleeps[i];

		PROMISE(sleep->ended < END_COUNT);
		PROMISE(!i || sleep[-1].end_ns <= sleep->end_ns);
		PROMISE(sleep->lock >= s->locks && sleep->lock < s->locks + s->n_locks);
		touched += sleep->thread->tid;
		touched += sleep->waker ? sleep->waker->tid : 0;
	}
}

static void read_all(struct store *store)
{
	size_t n = store__count(store);

	for (size_t i = 0; i < n && i < 10; i++) {
		char error[STORE_ERROR] = "";
		struct snapshot *s;

		if (store__read(store, i, &s, error)) {
			PROMISE(error[0] && strnlen(error, sizeof(error)) < sizeof(error));
			continue;
		}
		for (size_t j = 0; j < s->n_deadlocks; j++)
			PROMISE(s->deadlocks[j].n_threads && s->deadlocks[j].threads[0].held_by);
		for (size_t j = 0; j < s->n_threads; j++)
			PROMISE(!s->threads[j].waiting_for ||
				s->threads[j].waiting_for < s->locks + s->n_locks);
		check_sleeps(s);
		snapshot__free(s);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *root = fuzz__directory();
	char path[512], error[STORE_ERROR] = "";
	struct store *store;
	uint8_t *bytes;

	snprintf(path, sizeof(path), "%s/recording", root);
	if (!good)
		make_good(path);
	bytes = xcalloc(1, good_size);
	memcpy(bytes, good, good_size);
	for (size_t i = 0; i + 5 <= size; i += 5) {
		uint32_t at;

		memcpy(&at, data + i, sizeof(at));
		bytes[at % good_size] = data[i + 4];
	}
	fuzz__put(root, "recording", bytes, good_size);
	free(bytes);
	if (store__open(path, &store, error)) {
		PROMISE(error[0] && strnlen(error, sizeof(error)) < sizeof(error));
		return 0;
	}
	read_all(store);
	store__close(store);
	return 0;
}
