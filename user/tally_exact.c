// SPDX-License-Identifier: GPL-2.0-only
/* The exact tier's counters -> figures of one interval. */
#include <string.h>

#include "tally_internal.h"
#include "util.h"

#define FULL_SHARE 0.98 /* of an interval: what is missing then is the readings' own time */

/* Members of exact_stats that only grow, by the names of their sums. */
#define SUMS(X)          \
	X(calls)         \
	X(reads)         \
	X(contended)     \
	X(failures)      \
	X(releases)      \
	X(signals)       \
	X(owner_changes) \
	X(wait_ns)       \
	X(hold_ns)       \
	X(read_hold_ns)

void tally_exact__begin(struct tally_exact *x)
{
	x->known = x->reborn = x->joined = false;
	x->delta = (struct exact_sums){};
	x->max_hold_ns = 0;
	x->spinners = 0;
}

static uint64_t events_of(const struct exact_sums *s)
{
	return s->calls + s->failures + s->releases + s->signals;
}

/* Forgotten and made anew by the kernel: it counts from 0 again. */
static void restart(struct tally_key *k)
{
	*k->exact = (struct tally_exact){ .spinners = k->exact->spinners };
	memset(k->hist, 0, sizeof(k->hist));
}

static void take_sums(struct tally_exact *x, const struct exact_sums *now, bool count)
{
#define GROW(name) x->delta.name = tally__grow(&x->raw.name, now->name, count);
	SUMS(GROW)
#undef GROW
}

/* The lock was made since the last reading: what its memory was before counted for another. */
static void begin_life(struct tally_exact *x, const struct exact_before *before)
{
#define BEGIN(name) x->raw.name = MAX(x->raw.name, before->name)
	BEGIN(calls);
	BEGIN(contended);
	BEGIN(failures);
	BEGIN(releases);
	BEGIN(wait_ns);
	BEGIN(hold_ns);
	BEGIN(owner_changes);
#undef BEGIN
	x->unbalanced = false;
}

/*
 * A semaphore's hold, whoever let go: each call adds the time it was taken to one sum, each release
 * its own time to another; those that have not let go hold until now. An entry is read while probes
 * write it: a call whose time is not in the sum yet is off by all of `now`, which no interval's
 * growth comes near.
 */
static void take_held(struct tally_exact *x, const struct exact_stats *stats, uint64_t now_ns,
		      bool count)
{
	uint64_t held =
		stats->released_sum - stats->taken_sum + (stats->calls - stats->releases) * now_ns;
	__int128 grown = (int64_t)(held - x->held), half = now_ns / 2;

	if (half && (grown > half || grown < -half))
		grown -= (grown + (grown > 0 ? half : -half)) / now_ns * now_ns;
	x->held += grown;
	x->held_ns = (uint64_t)x->held_ns + (uint64_t)grown;
	x->delta.hold_ns = tally__grow(&x->shown_held_ns, MAX(x->held_ns, 0), count);
}

static void scale(struct exact_sums *s, uint64_t on_ns, uint64_t interval_ns)
{
#define SCALE(name) s->name = ((unsigned __int128)s->name * interval_ns + on_ns / 2) / on_ns;
	SUMS(SCALE)
#undef SCALE
}

static bool is_sem(const struct tally_key *k)
{
	return SIGNATURE_OP(k->key.signature) == (OP_EXACT | OP_SEM_WAIT);
}

static void take_hist(struct tally_key *k, const struct exact_stats *stats, bool count)
{
	for (int i = 0; i < HIST_BUCKETS; i++) {
		k->hist_delta[i] = count ? stats->hold_hist[i] - k->hist[i] : 0;
		k->hist[i] = stats->hold_hist[i];
	}
}

/*
 * One holder at a time: the probes have timed each hold, as a mutex's. With several, who let go
 * need not be who took it last: only the sum of all holds can be told.
 */
static void take_sem(struct tally *t, struct tally_key *k, const struct exact_stats *stats,
		     uint64_t now_ns)
{
	struct tally_exact *x = k->exact;
	uint64_t timed = x->delta.hold_ns;

	take_held(x, stats, now_ns, t->started && stats->multiple && !x->unbalanced);
	if (stats->multiple)
		memset(k->hist_delta, 0, sizeof(k->hist_delta));
	else
		x->delta.hold_ns = timed;
}

static void take_stats(struct tally *t, struct tally_key *k, const struct exact_stats *stats,
		       const struct records *r)
{
	const struct interval_max *max = &stats->max_hold[r->epoch & 1];
	struct tally_exact *x = k->exact;
	struct exact_sums now;
	bool count = t->started;

#define READ(name) now.name = stats->name;
	SUMS(READ)
#undef READ
	k->present = true;
	/*
	 * Of a semaphore with several holders no call and no release must have been missed. One
	 * that is let go by others than took it, also while nobody has it, counts something.
	 */
	if (is_sem(k) && stats->multiple)
		x->unbalanced |= stats->releases > stats->calls || t->exact_share < 1;
	else if (is_sem(k))
		x->unbalanced = stats->foreign * 2 > stats->releases && stats->spare;
	if (count && !t->exact_share) /* what came meanwhile is the next interval's */
		return;
	if (events_of(&now) < events_of(&x->raw))
		restart(k);
	if (!k->last_ns || events_of(&now) != events_of(&x->raw))
		k->last_ns = r->now_ns;
	if (is_sem(k) && stats->lives != x->lives)
		begin_life(x, &stats->before);
	take_sums(x, &now, count);
	take_hist(k, stats, count);
	if (is_sem(k))
		take_sem(t, k, stats, r->now_ns);
	if (count && t->exact_share < 1)
		scale(&x->delta, r->exact_ns - t->exact_ns, r->now_ns - t->now_ns);
	x->max_hold_ns = count && max->epoch == r->epoch && !stats->multiple ? max->ns : 0;
	x->reborn = stats->lives != x->lives;
	x->lives = stats->lives;
	x->owner = stats->owner;
	x->known = count;
}

/* The share of the interval that the probes counted. */
static double share_of(const struct tally *t, const struct records *r)
{
	uint64_t interval = r->now_ns > t->now_ns ? r->now_ns - t->now_ns : 0;
	uint64_t on = r->exact_ns > t->exact_ns ? r->exact_ns - t->exact_ns : 0;

	if (!r->exact_on)
		return 0;
	if (!t->started || !interval || on >= interval * FULL_SHARE)
		return 1;
	return (double)on / interval;
}

static struct lock_key key_of(const struct exact_key *key, uint32_t family)
{
	return (struct lock_key){ .tgid = key->tgid,
				  .gen = key->gen,
				  .addr = key->addr,
				  .signature = SIGNATURE(OP_EXACT | family, 0) };
}

void tally_exact__take(struct tally *t, const struct records *r)
{
	t->exact_on = r->exact_on;
	t->exact_share = share_of(t, r);
	for (size_t i = 0; i < r->n_exact; i++) {
		const struct exact_stats *stats = &r->exact[i];
		struct lock_key key = key_of(&r->exact_keys[i], stats->family);

		/* let go only: taken before anybody looked, or made (spin_init is spin_unlock) */
		if (stats->calls || stats->failures || stats->signals)
			take_stats(t, tally__get(t, &key), stats, r);
	}
	for (size_t i = 0; i < r->n_spinning; i++) {
		struct lock_key key = key_of(&r->spinning[i].key, exact_family(r->spinning[i].op));

		tally__get(t, &key)->exact->spinners++;
	}
	t->exact_ns = r->exact_ns;
}

bool tally_exact__active(const struct tally_exact *x)
{
	return x->spinners || events_of(&x->delta) || x->delta.wait_ns || x->delta.hold_ns;
}

bool tally_exact__is_held(const struct tally_exact *x)
{
	return x->owner || (x->raw.calls > x->raw.releases && x->held_ns > 0);
}

struct tally_key *tally__find_exact(struct tally *t, const struct process_key *process,
				    uint64_t address, uint32_t family)
{
	struct exact_key object = { .tgid = process->tgid, .gen = process->gen, .addr = address };
	struct lock_key key = key_of(&object, family);

	return tally__find(t, &key);
}
