/* SPDX-License-Identifier: GPL-2.0-only */
/* Readings made by hand, and what the latest interval must show for them. */
#ifndef TALLY_FIXTURE_H
#define TALLY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "../../user/tally.h"
#include "../../user/util.h"

#define MS    1000000ULL
#define ITEMS 4
#define SHORT 3 /* a bucket of the histogram */

/* One reading in the making; times in it are ms since an arbitrary start. */
struct reading {
	struct lock_key lock_keys[ITEMS];
	struct lock_stats locks[ITEMS];
	struct wait_key wait_keys[ITEMS];
	struct wait_stats waits[ITEMS];
	struct open_sleep open[ITEMS];
	struct records r;
};

static const struct lock_key mutex = { .tgid = 100, .gen = 1, .addr = 0x1000, .signature = 2 };
static const struct lock_key sem = { .tgid = 100, .gen = 1, .addr = 0x2000, .signature = 9 };

static inline struct reading at_ms(uint64_t ms)
{
	return (struct reading){ .r = { .now_ns = ms * MS, .epoch = (uint32_t)(ms / 1000) } };
}

static inline struct lock_stats *add_lock(struct reading *r, struct lock_key key, uint32_t id,
					  uint32_t sleeps, uint64_t blocked_ms, uint64_t delay_ms)
{
	struct lock_stats *stats = &r->locks[r->r.n_locks];

	r->lock_keys[r->r.n_locks++] = key;
	stats->id = id;
	stats->hist[SHORT] = sleeps;
	stats->blocked_ns = blocked_ms * MS;
	stats->delay_ns = delay_ms * MS;
	stats->last_ns = r->r.now_ns - MS;
	return stats;
}

static inline struct wait_stats *add_wait(struct reading *r, uint32_t tid, uint32_t lock_id,
					  uint32_t sleeps, uint64_t wait_ms)
{
	struct wait_stats *stats = &r->waits[r->r.n_waits];

	r->wait_keys[r->r.n_waits++] = (struct wait_key){ .tid = tid, .lock_id = lock_id };
	stats->wait_ns = wait_ms * MS;
	stats->sleeps = sleeps;
	stats->tgid = mutex.tgid;
	stats->last_ns = r->r.now_ns - MS;
	memcpy(stats->comm, "closed", 7);
	return stats;
}

static inline struct open_sleep *add_open(struct reading *r, struct lock_key key, uint32_t tid,
					  uint64_t start_ms, uint64_t woken_ms)
{
	struct open_sleep *o = &r->open[r->r.n_open++];

	o->key = key;
	o->tid = tid;
	o->start_ns = start_ms * MS;
	o->woken_ns = woken_ms * MS;
	o->val = 2;
	memcpy(o->comm, "open", 5);
	return o;
}

static inline void update(struct tally *t, struct reading r)
{
	r.r.lock_keys = r.lock_keys;
	r.r.locks = r.locks;
	r.r.wait_keys = r.wait_keys;
	r.r.waits = r.waits;
	r.r.open = r.open;
	tally__update(t, &r.r);
}

static const struct tally_key *key_of(struct tally *t, struct lock_key key)
{
	const struct tally_key *k = tally__find(t, &key);

	assert_non_null(k);
	return k;
}

static const struct tally_wait *wait_of(struct tally *t, uint32_t tid, struct lock_key key)
{
	const struct tally_key *k = key_of(t, key);
	struct tally_wait *w, *next;

	HASH_ITER (hh, t->waits, w, next)
		if (w->id.tid == tid && w->id.key == k)
			return w;
	return NULL;
}

/* What the interval shows for a key, in sleeps and ms. */
static inline void assert_delta(struct tally *t, struct lock_key key, uint64_t sleeps,
				uint64_t blocked_ms, uint64_t delay_ms)
{
	const struct tally_key *k = key_of(t, key);

	assert_int_equal(k->delta.sleeps, sleeps);
	assert_int_equal(k->delta.blocked_ns, blocked_ms * MS);
	assert_int_equal(k->delta.delay_ns, delay_ms * MS);
}

static inline void assert_wait(struct tally *t, uint32_t tid, uint64_t sleeps, uint64_t wait_ms)
{
	const struct tally_wait *w = wait_of(t, tid, mutex);

	assert_non_null(w);
	assert_int_equal(w->sleeps, sleeps);
	assert_int_equal(w->wait_ns, wait_ms * MS);
}

#endif
