// SPDX-License-Identifier: GPL-2.0-only
#include "source_watch.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdlib.h>
#include <string.h>

#include "iterator.h"
#include "locktop.skel.h"
#include "sampler.h"
#include "util.h"

/*
 * Asking for one thread takes as long as passing by a hundred. So few are asked for one by one: the
 * machine may have ten thousand.
 */
#define EACH_MAX 256

/* What is wanted of a thread, in the order of the bits WATCH_LOOK and WATCH_SAMPLE. */
enum purpose { LOOK, SAMPLE, PURPOSES };

struct keys {
	uint64_t *v; /* ascending, each once */
	size_t n;
};

struct watch {
	struct locktop_bpf *skel;
	struct sampler *sampler;    /* NULL: running threads are not sampled */
	struct keys keys[PURPOSES]; /* what the map holds */
	struct iteration looks;
	bool each; /* single threads can be asked for */
	uint64_t full;
};

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool has(const struct keys *k, uint64_t key)
{
	return k->n && bsearch(&key, k->v, k->n, sizeof(key), by_value);
}

static struct keys sorted(const uint64_t *v, size_t n)
{
	struct keys k = { .v = xcalloc(n + 1, sizeof(*v)) };

	if (n) {
		memcpy(k.v, v, n * sizeof(*v));
		qsort(k.v, n, sizeof(*v), by_value);
	}
	for (size_t i = 0; i < n; i++)
		if (!i || k.v[i] != k.v[i - 1])
			k.v[k.n++] = k.v[i];
	return k;
}

/* flags == 0: no longer watched. Returns whether there was room. */
static bool put(struct watch *w, uint64_t key, uint32_t flags)
{
	int fd = bpf_map__fd(w->skel->maps.watched);

	if (!flags) {
		bpf_map_delete_elem(fd, &key);
		return true;
	}
	if (!bpf_map_update_elem(fd, &key, &flags, BPF_ANY))
		return true;
	w->full++;
	return false;
}

/* Watches these threads, and no others, for one purpose. Only what changes is written. */
static void watch_for(struct watch *w, enum purpose purpose, const uint64_t *keys, size_t n)
{
	const struct keys *other = &w->keys[!purpose];
	struct keys old = w->keys[purpose], new = sorted(keys, n);
	uint32_t flag = 1u << purpose, other_flag = 1u << !purpose;
	size_t held = 0;

	for (size_t i = 0; i < old.n; i++) /* first, for it makes room */
		if (!has(&new, old.v[i]))
			put(w, old.v[i], has(other, old.v[i]) ? other_flag : 0);
	for (size_t i = 0; i < new.n; i++) {
		uint64_t key = new.v[i];

		if (has(&old, key) || put(w, key, flag | (has(other, key) ? other_flag : 0)))
			new.v[held++] = key;
	}
	new.n = held;
	w->keys[purpose] = new;
	free(old.v);
}

/* One after the other; false: some must be looked for among all. */
static bool look_at_each(struct watch *w)
{
	const struct keys *k = &w->keys[LOOK];

	if (!w->each || k->n > EACH_MAX)
		return false;
	w->looks.n = 0;
	for (size_t i = 0; i < k->n; i++) {
		const struct thread_look *found = w->looks.data;
		size_t n = w->looks.n;

		if (k->v[i] & WATCH_PROCESS ||
		    iterator__add_thread(w->skel->progs.on_watched, k->v[i], sizeof(*found),
					 &w->looks))
			return false;
		found = w->looks.data;
		if (w->looks.n > n && (w->looks.n > n + 1 || found[n].tid != k->v[i])) {
			w->each = false; /* this kernel cannot */
			return false;
		}
	}
	return true;
}

int watch__threads(struct watch *w, const uint64_t *keys, size_t n, const struct thread_look **ret,
		   size_t *n_ret)
{
	int err = 0;

	watch_for(w, LOOK, keys, n);
	if (!look_at_each(w)) {
		w->looks.n = 0;
		err = w->keys[LOOK].n ? iterator__run(w->skel->links.on_watched,
						      sizeof(struct thread_look), &w->looks)
				      : 0;
	}
	if (err)
		return err;
	*ret = w->looks.data;
	*n_ret = w->looks.n;
	return 0;
}

void watch__sample(struct watch *w, const uint64_t *keys, const struct held_word *words, size_t n,
		   uint64_t period_ns)
{
	int fd = bpf_map__fd(w->skel->maps.held);
	struct keys old;

	if (!w->sampler)
		return;
	old = w->keys[SAMPLE];
	for (size_t i = 0; i < old.n; i++) /* those that stay are written anew below */
		bpf_map_delete_elem(fd, &old.v[i]);
	for (size_t i = 0; i < n; i++)
		if (words[i].at)
			bpf_map_update_elem(fd, &keys[i], &words[i], BPF_ANY);
	watch_for(w, SAMPLE, keys, period_ns ? n : 0);
	sampler__set(w->sampler, w->keys[SAMPLE].n ? period_ns : 0);
}

void watch__losses(const struct watch *w, uint64_t losses[LOSS_COUNT])
{
	losses[LOSS_WATCHED_FULL] += w->full;
	losses[LOSS_ITERATOR_SHORT] += w->looks.cut;
}

struct watch *watch__new(struct locktop_bpf *skel)
{
	struct watch *w = xcalloc(1, sizeof(*w));

	w->skel = skel;
	w->each = true;
	if (bpf_program__fd(skel->progs.on_running) >= 0)
		sampler__new(bpf_program__fd(skel->progs.on_running), &w->sampler);
	return w;
}

void watch__free(struct watch *w)
{
	if (!w)
		return;
	sampler__free(w->sampler);
	for (int i = 0; i < PURPOSES; i++)
		free(w->keys[i].v);
	free(w->looks.data);
	free(w);
}
