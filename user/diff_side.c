// SPDX-License-Identifier: GPL-2.0-only
#include "diff_side.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "fields_exact.h"
#include "select.h"
#include "util.h"
#include "words.h"

/* Strings outlive the snapshots that they came with. */
struct diff_text {
	UT_hash_handle hh;
	char text[];
};

static const char *intern(struct diff_side *side, const char *text)
{
	size_t len = text ? strlen(text) : 0;
	struct diff_text *t;

	if (!text)
		return NULL;
	HASH_FIND(hh, side->texts, text, len, t);
	if (t)
		return t->text;
	t = xcalloc(1, sizeof(*t) + len + 1);
	memcpy(t->text, text, len);
	HASH_ADD(hh, side->texts, text[0], len, t);
	return t->text;
}

struct diff_side *diff_side__new(const char *path, bool idle)
{
	struct diff_side *side = xcalloc(1, sizeof(*side));

	side->path = path;
	side->idle = idle;
	side->per_block = 1;
	return side;
}

void diff_side__free(struct diff_side *side)
{
	struct diff_seen *seen, *next_seen;
	struct diff_text *text, *next_text;

	if (!side)
		return;
	HASH_ITER (hh, side->seen, seen, next_seen) {
		HASH_DEL(side->seen, seen);
		free(seen->sum.hist);
		free(seen);
	}
	HASH_ITER (hh, side->texts, text, next_text) {
		HASH_DEL(side->texts, text);
		free(text);
	}
	free(side->total.hist);
	free(side);
}

static double seconds(uint64_t ns)
{
	return (double)ns / NSEC_PER_SEC;
}

/* Half as many blocks, each twice as long. */
static void halve(double *blocks)
{
	for (size_t i = 0; i < DIFF_BLOCKS; i++)
		blocks[i] = i < DIFF_BLOCKS / 2 ? blocks[2 * i] + blocks[2 * i + 1] : 0;
}

static void halve_all(struct diff_side *side)
{
	struct diff_seen *seen, *next;

	halve(side->block_s);
	halve(side->total.block_wait_s);
	HASH_ITER (hh, side->seen, seen, next)
		halve(seen->sum.block_wait_s);
	side->per_block *= 2;
}

static size_t block(const struct diff_side *side)
{
	return (side->intervals - 1) / side->per_block;
}

static void set_times(struct diff_side *side, const struct snapshot *s)
{
	time_t whole = (time_t)(s->interval_ns / NSEC_PER_SEC);
	long rest = (long)(s->interval_ns % NSEC_PER_SEC);

	side->end = s->time;
	if (side->intervals)
		return;
	side->begin = s->time;
	side->begin.tv_nsec -= rest;
	if (side->begin.tv_nsec < 0)
		side->begin.tv_nsec += (long)NSEC_PER_SEC, whole++;
	if (__builtin_sub_overflow(s->time.tv_sec, whole, &side->begin.tv_sec))
		side->begin = s->time;
}

void diff_side__begin(struct diff_side *side, const struct snapshot *s)
{
	const struct totals *all[] = { &s->totals, side->idle ? &s->idle : NULL };
	double length = seconds(s->interval_ns);

	set_times(side, s);
	if (!side->intervals) {
		side->host = intern(side, s->host);
		side->version = intern(side, s->version);
	}
	if (side->intervals == side->per_block * DIFF_BLOCKS)
		halve_all(side);
	side->intervals++;
	side->n_blocks = block(side) + 1;
	side->block_s[block(side)] += length;
	side->seconds += length;
	if (s->exact && s->exact_share > 0)
		side->exact_s += length;
	side->scaled |= s->exact && s->exact_share < 1;
	if (__builtin_add_overflow(side->losses, snapshot__losses(s), &side->losses))
		side->losses = UINT64_MAX;
	side->deadlocks = MAX(side->deadlocks, s->n_deadlocks);
	for (size_t i = 0; i < ARRAY_SIZE(all) && all[i]; i++) {
		side->total.wait_s += seconds(all[i]->wait_ns);
		side->total.sleeps += (double)all[i]->sleeps;
		side->total.block_wait_s[block(side)] += seconds(all[i]->wait_ns);
	}
}

/* Is it called after a place? Then the same lock may be called otherwise next time. */
static bool is_named(const struct lock *lock)
{
	return lock->name && lock->name[0] &&
	       !(lock->name_from && !strcmp(lock->name_from, "site"));
}

/* The same lock in all intervals: comm and name are of any length and from anybody. */
static struct diff_seen *find(struct diff_side *side, const struct lock *lock)
{
	const char *comm = lock->comm ? lock->comm : "", *name = lock->name ? lock->name : "";
	_cleanup_(util__freep) char *key =
		xasprintf("%d %zu %s %s %s", lock->kind, strlen(comm), comm, lock->id, name);
	struct diff_seen *seen;

	HASH_FIND_STR(side->seen, key, seen);
	if (seen || HASH_COUNT(side->seen) >= DIFF_LOCKS)
		return seen;
	seen = xcalloc(1, sizeof(*seen));
	seen->key = intern(side, key);
	seen->comm = intern(side, lock->comm);
	seen->name = is_named(lock) ? intern(side, lock->name) : NULL;
	seen->name_from = intern(side, lock->name_from);
	seen->kind = lock->kind;
	seen->class = lock->class;
	HASH_ADD_KEYPTR(hh, side->seen, seen->key, strlen(seen->key), seen);
	return seen;
}

/* The site that says where a lock is: of its waiters; of what nobody waits for, of its holders. */
static const struct site *main_site(const struct lock *lock)
{
	const struct site *main = NULL;

	for (size_t i = 0; i < lock->n_sites; i++) {
		const struct site *site = &lock->sites[i];

		if (site->role == ROLE_WAKER || !site->n_frames)
			continue;
		if (!main || (main->role == ROLE_HOLDER && site->role == ROLE_WAITER) ||
		    (main->role == site->role && main->share < site->share))
			main = site;
	}
	return main;
}

/* Addresses that are no file's are others in each run: they say nothing. */
static void add_place(struct diff_side *side, struct diff_seen *seen, const struct lock *lock)
{
	const struct site *site = main_site(lock);
	const struct frame *frame = site ? words__own_frame(site->frames, site->n_frames) : NULL;
	bool has_function, has_line;
	char text[WORDS_MAX];
	const char *place;
	size_t i;

	if (!frame && site)
		frame = &site->frames[0];
	has_function = frame && frame->function && frame->function[0];
	has_line = frame && frame->file && frame->line;
	if (!frame || (!has_function && !frame->module))
		return;
	place = intern(side, words__frame(text, sizeof(text), frame));
	for (i = 0; i < seen->n_places && seen->places[i].text != place; i++)
		;
	if (i == DIFF_PLACES)
		return;
	if (i == seen->n_places)
		seen->places[seen->n_places++] = (struct diff_place){
			.text = place,
			.function = has_function && has_line ? intern(side, frame->function) : NULL,
		};
	seen->places[i].weight += (double)lock->wait_ns + 1;
}

static void add_hist(uint64_t **to, const uint32_t *hist)
{
	for (size_t i = 0; i < HIST_BUCKETS; i++) {
		if (!hist[i])
			continue;
		if (!*to)
			*to = xcalloc(HIST_BUCKETS, sizeof(**to));
		(*to)[i] += hist[i];
	}
}

static void add_counters(struct diff_seen *seen, const struct lock *lock, double length)
{
	const struct value values[DIFF_EXACT] = {
		[DIFF_ACQUISITIONS] = fields_exact__acquisitions(lock),
		[DIFF_HOLD] = fields_exact__hold(lock),
		[DIFF_TRY_FAILURES] = fields_exact__try_failures(lock),
	};

	for (size_t i = 0; i < DIFF_EXACT; i++) {
		struct diff_counter *c = &seen->counters[i];

		if (!values[i].known) {
			c->unknown_s += length;
			continue;
		}
		c->known = true;
		c->sum += (double)values[i].number;
	}
}

int diff_side__lock(struct diff_side *side, const struct snapshot *s, const struct lock *lock)
{
	struct diff_seen *seen;

	if (lock->class == CLASS_IDLE && !side->idle)
		return 0;
	seen = find(side, lock);
	if (!seen)
		return -ENOSPC;
	side->listed_s += seconds(lock->wait_ns);
	seen->sum.wait_s += seconds(lock->wait_ns);
	seen->sum.sleeps += (double)lock->sleeps;
	seen->sum.max_ns = MAX(seen->sum.max_ns, lock->max_ns);
	seen->sum.block_wait_s[block(side)] += seconds(lock->wait_ns);
	side->total.max_ns = MAX(side->total.max_ns, lock->max_ns);
	add_hist(&seen->sum.hist, lock->hist);
	add_hist(&side->total.hist, lock->hist);
	if (s->exact && s->exact_share > 0)
		add_counters(seen, lock, seconds(s->interval_ns));
	add_place(side, seen, lock);
	return 0;
}

int diff_side__add(struct diff_side *side, const struct snapshot *s)
{
	int err = 0;

	diff_side__begin(side, s);
	for (size_t i = 0; i < s->n_locks && !err; i++)
		if (!select__is_quiet(&s->locks[i]))
			err = diff_side__lock(side, s, &s->locks[i]);
	return err;
}

const struct diff_place *diff_seen__place(const struct diff_seen *seen)
{
	const struct diff_place *main = NULL;

	for (size_t i = 0; i < seen->n_places; i++)
		if (!main || main->weight < seen->places[i].weight)
			main = &seen->places[i];
	return main;
}

void diff_sum__add(struct diff_sum *to, const struct diff_sum *from)
{
	to->wait_s += from->wait_s;
	to->sleeps += from->sleeps;
	to->max_ns = MAX(to->max_ns, from->max_ns);
	for (size_t i = 0; i < DIFF_BLOCKS; i++)
		to->block_wait_s[i] += from->block_wait_s[i];
	if (!from->hist)
		return;
	if (!to->hist)
		to->hist = xcalloc(HIST_BUCKETS, sizeof(*to->hist));
	for (size_t i = 0; i < HIST_BUCKETS; i++)
		to->hist[i] += from->hist[i];
}
