// SPDX-License-Identifier: GPL-2.0-only
#include "tally.h"

#include <stdlib.h>
#include <string.h>

#include "tally_internal.h"
#include "util.h"

void tally__init(struct tally *t)
{
	*t = (struct tally){};
}

static void drop_key(struct tally *t, struct tally_key *k)
{
	if (k->id)
		HASH_DELETE(hh_id, t->by_id, k);
	HASH_DELETE(hh, t->keys, k);
	free(k->exact);
	free(k);
}

static void drop_wait(struct tally *t, struct tally_wait *w)
{
	if (w->waiting)
		recall__forget(&t->sleepers);
	HASH_DELETE(hh, t->waits, w);
	free(w);
}

void tally__sweep(struct tally *t)
{
	struct tally_wait *w, *next_wait;
	struct tally_key *k, *next_key;

	HASH_ITER (hh, t->waits, w, next_wait)
		if (w->gone || w->id.key->gone)
			drop_wait(t, w);
	HASH_ITER (hh, t->keys, k, next_key)
		if (k->gone)
			drop_key(t, k);
}

void tally__done(struct tally *t)
{
	struct tally_key *k, *next_key;

	HASH_ITER (hh, t->keys, k, next_key)
		k->gone = true;
	tally__sweep(t);
	recall__done(&t->sleepers);
}

struct tally_key *tally__find(struct tally *t, const struct lock_key *key)
{
	struct tally_key *k;

	HASH_FIND(hh, t->keys, key, sizeof(*key), k);
	return k;
}

struct tally_key *tally__get(struct tally *t, const struct lock_key *key)
{
	struct tally_key *k = tally__find(t, key);

	if (k)
		return k;
	k = xcalloc(1, sizeof(*k));
	k->key = *key;
	k->fresh = true;
	if (SIGNATURE_OP(key->signature) & OP_EXACT)
		k->exact = xcalloc(1, sizeof(*k->exact));
	HASH_ADD(hh, t->keys, key, sizeof(k->key), k);
	return k;
}

static void set_id(struct tally *t, struct tally_key *k, uint32_t id)
{
	if (k->id == id)
		return;
	if (k->id) { /* forgotten and made anew by the kernel: it counts from 0 again */
		HASH_DELETE(hh_id, t->by_id, k);
		k->closed = (struct tally_sums){};
		k->shown = (struct tally_sums){};
		memset(k->hist, 0, sizeof(k->hist));
	}
	k->id = id;
	if (id)
		HASH_ADD(hh_id, t->by_id, id, sizeof(k->id), k);
}

static struct tally_wait *get_wait(struct tally *t, uint32_t tid, struct tally_key *k)
{
	struct tally_wait_id id;
	struct tally_wait *w;

	memset(&id, 0, sizeof(id));
	id.tid = tid;
	id.key = k;
	HASH_FIND(hh, t->waits, &id, sizeof(id), w);
	if (w)
		return w;
	w = xcalloc(1, sizeof(*w));
	w->id = id;
	w->tgid = k->key.tgid;
	HASH_ADD(hh, t->waits, id, sizeof(w->id), w);
	return w;
}

static uint64_t since(uint64_t then, uint64_t now)
{
	return now > then ? now - then : 0;
}

/*
 * The histogram's counters are 32 bits wide: differences hold across their wrap. They are signed,
 * for a sleep that goes on after a signal moves to another bucket.
 */
static void take_stats(struct tally *t, struct tally_key *k, const struct lock_stats *stats,
		       uint32_t epoch)
{
	const struct interval_max *max = &stats->max[epoch & 1];

	set_id(t, k, stats->id);
	k->present = true;
	k->val = stats->val;
	k->last_ns = stats->last_ns;
	k->last_waker = stats->last_waker;
	k->closed.blocked_ns = stats->blocked_ns;
	k->closed.delay_ns = stats->delay_ns;
	k->closed.timeouts = stats->timeouts;
	k->max_ns = max->epoch == epoch ? max->ns : 0;
	for (int i = 0; i < HIST_BUCKETS; i++) {
		int32_t grown = stats->hist[i] - k->hist[i];

		k->hist_delta[i] = MAX(grown, 0);
		k->closed.sleeps += grown;
		k->hist[i] = stats->hist[i];
	}
}

static void take_wait(struct tally *t, const struct wait_key *key, const struct wait_stats *stats)
{
	struct tally_key *k;
	struct tally_wait *w;

	HASH_FIND(hh_id, t->by_id, &key->lock_id, sizeof(key->lock_id), k);
	if (!k)
		return;
	w = get_wait(t, key->tid, k);
	if (stats->wait_ns < w->closed_wait_ns) /* made anew by the kernel */
		w->shown_wait_ns = w->shown_sleeps = w->closed_sleeps = w->raw_sleeps = 0;
	w->present = true;
	w->closed_wait_ns = stats->wait_ns;
	w->closed_sleeps += stats->sleeps - w->raw_sleeps;
	w->raw_sleeps = stats->sleeps;
	w->last_ns = stats->last_ns;
	memcpy(w->comm, stats->comm, sizeof(w->comm));
}

static struct tally_wait *wait_of(struct tally *t, const struct open_sleep *o)
{
	struct tally_wait *w = recall__find(&t->sleepers, o->tid);

	if (!w || memcmp(&w->id.key->key, &o->key, sizeof(o->key)))
		w = get_wait(t, o->tid, tally__get(t, &o->key));
	recall__note(&t->sleepers, o->tid, w);
	return w;
}

static void take_open(struct tally *t, const struct open_sleep *o, uint64_t now)
{
	struct tally_wait *w = wait_of(t, o);
	struct tally_key *k = w->id.key;
	uint64_t age = since(o->start_ns, now);
	uint64_t delay = o->woken_ns ? MIN(since(o->woken_ns, now), age) : 0;

	if (!k->id)
		k->val = o->val;
	k->open_n++;
	if (!(o->flags & OPEN_RESUMED))
		k->open_new++;
	k->open_blocked_ns += age - delay;
	k->open_delay_ns += delay;
	k->oldest_ns = MAX(k->oldest_ns, age + o->carried_ns);
	w->waiting = true;
	w->resumed = o->flags & OPEN_RESUMED;
	w->open_ns = age;
	memcpy(w->comm, o->comm, sizeof(w->comm));
}

/*
 * Growth since the last reading. A sleep that ends between the two halves of a reading is missing
 * from this one: the sum dips, and what was shown stands until it is passed again.
 */
uint64_t tally__grow(uint64_t *shown, uint64_t now, bool count)
{
	uint64_t delta = now > *shown ? now - *shown : 0;

	if (now > *shown)
		*shown = now;
	return count ? delta : 0;
}

static void settle_key(struct tally_key *k, bool count)
{
	bool there = k->present || k->open_n || (k->exact && k->exact->spinners);

	k->delta.sleeps = tally__grow(&k->shown.sleeps, k->closed.sleeps + k->open_new, count);
	k->delta.blocked_ns =
		tally__grow(&k->shown.blocked_ns, k->closed.blocked_ns + k->open_blocked_ns, count);
	k->delta.delay_ns =
		tally__grow(&k->shown.delay_ns, k->closed.delay_ns + k->open_delay_ns, count);
	k->delta.timeouts = tally__grow(&k->shown.timeouts, k->closed.timeouts, count);
	k->max_ns = MAX(k->max_ns, k->oldest_ns);
	k->absent = there ? 0 : k->absent + 1;
	if (!count) {
		memset(k->hist_delta, 0, sizeof(k->hist_delta));
		k->max_ns = 0;
	}
}

static void settle_wait(struct tally_wait *w, bool count)
{
	w->absent = w->present || w->waiting ? 0 : w->absent + 1;
	w->sleeps = tally__grow(&w->shown_sleeps, w->closed_sleeps + (w->waiting && !w->resumed),
				count);
	w->wait_ns = tally__grow(&w->shown_wait_ns,
				 w->closed_wait_ns + (w->waiting ? w->open_ns : 0), count);
}

static void begin(struct tally *t)
{
	struct tally_key *k, *next_key;
	struct tally_wait *w, *next_wait;

	HASH_ITER (hh, t->keys, k, next_key) {
		k->fresh = k->present = false;
		k->open_n = k->open_new = k->open_blocked_ns = k->open_delay_ns = 0;
		k->oldest_ns = k->max_ns = 0;
		memset(k->hist_delta, 0, sizeof(k->hist_delta));
		if (k->exact)
			tally_exact__begin(k->exact);
	}
	HASH_ITER (hh, t->waits, w, next_wait) {
		w->waiting = w->present = false;
		w->open_ns = 0;
	}
	recall__begin(&t->sleepers);
}

void tally__update(struct tally *t, const struct records *r)
{
	bool count = t->started;
	struct tally_key *k, *next_key;
	struct tally_wait *w, *next_wait;

	begin(t);
	for (size_t i = 0; i < r->n_locks; i++)
		if (r->locks[i].id)
			take_stats(t, tally__get(t, &r->lock_keys[i]), &r->locks[i], r->epoch);
	for (size_t i = 0; i < r->n_open; i++)
		take_open(t, &r->open[i], r->now_ns);
	recall__end(&t->sleepers);
	tally_exact__take(t, r);
	for (size_t i = 0; i < r->n_waits; i++)
		take_wait(t, &r->wait_keys[i], &r->waits[i]);
	HASH_ITER (hh, t->keys, k, next_key)
		settle_key(k, count);
	HASH_ITER (hh, t->waits, w, next_wait)
		settle_wait(w, count);
	t->then_ns = t->started ? t->now_ns : r->now_ns;
	t->now_ns = r->now_ns;
	t->started = true;
}

bool tally_key__active(const struct tally_key *k)
{
	if (k->exact)
		return tally_exact__active(k->exact);
	return k->open_n || k->delta.sleeps || k->delta.blocked_ns || k->delta.delay_ns ||
	       k->delta.timeouts;
}
