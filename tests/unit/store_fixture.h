/* SPDX-License-Identifier: GPL-2.0-only */
/* Recordings in a directory of their own, and a snapshot with every member set. */
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include "export_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../user/store.h"

static char directory[64], path[96];

static inline int set_up(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/test_store.XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/recording", directory);
	return 0;
}

static inline int tear_down(void **state)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		char name[128];

		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		unlink(name);
	}
	return rmdir(directory);
}

static inline struct store *create(const struct store_limits *limits)
{
	const struct store_limits none = {};
	char error[STORE_ERROR];
	struct store *s;

	if (store__create(path, limits ? limits : &none, &s, error))
		fail_msg("%s", error);
	return s;
}

static inline struct store *open_store(void)
{
	char error[STORE_ERROR];
	struct store *s;

	if (store__open(path, &s, error))
		fail_msg("%s", error);
	return s;
}

/* Takes the snapshot. */
static inline void append(struct store *s, struct snapshot *snapshot)
{
	char error[STORE_ERROR];

	if (store__append(s, snapshot, error))
		fail_msg("%s", error);
	snapshot__free(snapshot);
}

static inline struct snapshot *read_store(struct store *s, size_t index)
{
	char error[STORE_ERROR];
	struct snapshot *read;

	if (store__read(s, index, &read, error))
		fail_msg("interval %zu: %s", index, error);
	return read;
}

static inline void assert_one_line(const char *error)
{
	assert_true(*error && !strchr(error, '\n') && strlen(error) < STORE_ERROR);
}

static inline void store_fixture__python(struct snapshot *s)
{
	static struct python_row rows[] = { { "worker-2", 1, THREAD_GIL_WANTS },
					    { NULL, -1, THREAD_GIL_UNKNOWN } };
	struct python_lock_state *state = snapshot__alloc(s, 1, sizeof(*state));

	*state = (struct python_lock_state)PYTHON_LOCK_STATE_UNKNOWN;
	state->parties = 5;
	state->arrived = 0;
	state->recursion = 4;
	state->missing = snapshot__alloc(s, 2, sizeof(*state->missing));
	state->missing[0] = &s->threads[2];
	state->missing[1] = &s->threads[5];
	state->n_missing = 2;
	s->locks[0].python = state;
	s->locks[0].switches_known = true;
	s->locks[0].switches = 400;
	s->locks[0].forced_switches = 12;
	s->threads[2].python = &rows[0];
	s->threads[3].python = &rows[1];
	s->processes[0].runtime = "CPython 3.11";
}

#define STORE_FIXTURE_TIME (1700000008 * NSEC_PER_SEC) /* when the sleeps begin */

/* One sleep a lock: by threads of the list, woken by one of it, by one that is none, by nobody. */
static inline void store_fixture__sleeps(struct snapshot *s)
{
	struct thread *other = snapshot__alloc(s, 1, sizeof(*other));

	*other = (struct thread){ .pid = 977, .tid = 5123, .comm = "waker" };
	s->sleeps_known = true;
	s->sleeps_end_ns = STORE_FIXTURE_TIME + NSEC_PER_SEC;
	s->sleeps = snapshot__alloc(s, s->n_locks, sizeof(*s->sleeps));
	for (size_t i = 0; i < s->n_locks; i++) {
		uint64_t start = STORE_FIXTURE_TIME + i * MS;

		s->sleeps[i] = (struct sleep){ .thread = &s->threads[i % s->n_threads],
					       .lock = &s->locks[i],
					       .start_ns = start,
					       .woken_ns = start + 5 * MS + i,
					       .end_ns = start + 6 * MS + i,
					       .ended = i % END_COUNT,
					       .earlier = i == 0,
					       .resumed = i == 1,
					       .inferred = i == 2 };
	}
	s->n_sleeps = s->n_locks;
	s->sleeps[1].waker = &s->threads[0];
	s->sleeps[2].waker = other;
	s->sleeps[3].thread = other;
	s->sleeps[4].waker = snapshot__alloc(s, 1, sizeof(*other)); /* of which nothing is known */
}

/* Owners, deadlocks, the exact tier, inversions, Python, looks, losses, sleeps: all in one. */
static inline struct snapshot *store_fixture__full(void)
{
	struct snapshot *s = owned();
	struct lock *l = &s->locks[0];
	struct thread *other;

	fixture__add_exact(s, 0.25);
	fixture__add_inversions(s);
	store_fixture__python(s);
	s->time = (struct timespec){ 1700000009, 123456789 };
	s->number = 9;
	s->idle.blocked_ns = 77;
	s->idle.delay_ns = 78;
	s->self.probe_known = true;
	s->self.probe_ns = 5;
	s->losses[LOSS_COUNT - 1] = 7;
	s->losses[0] = UINT32_MAX;
	s->processes[0].gen = UINT32_MAX;
	s->processes[0].calls_known = true;
	s->processes[0].futex_calls = 1000;
	s->processes[0].futex_again = 4;
	s->processes[0].futex_wakes = 90;
	s->processes[0].futex_idle_wakes = 9;
	s->processes[1].ended = true;
	l->hist[0] = 5;
	l->hist[HIST_BUCKETS - 1] = UINT32_MAX;
	l->looks = (struct lock_looks){ .n = 10, .owned = 9, .readers = 2, .reader_changes = 3 };
	l->looks.syscall = "fsync";
	l->looks.syscalls = 6;
	l->looks.state[STATE_SLEEPING] = 7;
	l->overtaken = 41;
	l->processes = 2;
	l->exact = true;
	l->signals = 31;
	other = snapshot__alloc(s, 1, sizeof(*other));
	*other = (struct thread){ .pid = 4242, .tid = 4999 }; /* neither waits nor holds now */
	add_holder(s, l, other, PROOF_LAST_WAKER, 0.01);
	add_holder(s, lock_of(s, SLOTS), other, PROOF_PYTHON, 0.3);
	s->threads[4].frames = snapshot__alloc(s, 1, sizeof(*s->threads[4].frames));
	s->threads[4].n_frames = 0;
	s->threads[5].frames = NULL;
	s->threads[5].n_frames = 0;
	l->sites->frames[0].build_id = "0123456789abcdef0123456789abcdef01234567";
	store_fixture__sleeps(s);
	return s;
}

#endif
