// SPDX-License-Identifier: GPL-2.0-only
#include "diff.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "text.h"
#include "util.h"

#define X(name, key, word, title, unit, exact, help) \
	[FIGURE_##name] = { key, word, title, unit, exact, help },
const struct diff_figure_row diff_figures[FIGURE_COUNT] = { DIFF_FIGURES(X) };
#undef X

/* Locks that are one by their identity, on both sides, while they are put together. */
struct group {
	const char *comm, *name, *name_from;
	struct diff_place place;
	enum lock_kind kind;
	enum lock_class class;
	unsigned int locks[DIFF_SIDES];
	struct diff_sum sum[DIFF_SIDES];
	struct diff_value counts[DIFF_SIDES][DIFF_EXACT]; /* a second */
	char *key;
	UT_hash_handle hh;
};

static void group_free(struct group *g)
{
	free(g->sum[DIFF_A].hist);
	free(g->sum[DIFF_B].hist);
	free(g->key);
	free(g);
}

static void add_value(struct diff_value *to, struct diff_value from)
{
	to->known |= from.known;
	to->n += from.known ? from.n : 0;
}

/* Of the time in which it was counted; a lock that an interval does not list was not taken. */
static struct diff_value per_second(const struct diff_counter *c, const struct diff_side *side)
{
	double counted_s = side->exact_s - c->unknown_s;

	if (!c->known || counted_s <= 0)
		return (struct diff_value){};
	return (struct diff_value){ true, c->sum / counted_s };
}

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

/* Foreign strings of any length: the length of the first keeps them apart. */
static char *make_key(const struct diff_seen *seen, const char *what)
{
	return xasprintf("%d %d %zu %s %s", seen->kind, !!seen->name, strlen(or_empty(seen->comm)),
			 or_empty(seen->comm), what);
}

static struct group *group_of(struct group **groups, const struct diff_seen *seen)
{
	const struct diff_place *place = seen->name ? NULL : diff_seen__place(seen);
	char *key = make_key(seen, seen->name ? seen->name : place ? place->text : "");
	struct group *g;

	HASH_FIND_STR(*groups, key, g);
	if (g) {
		free(key);
		return g;
	}
	g = xcalloc(1, sizeof(*g));
	g->comm = seen->comm;
	g->name = seen->name;
	g->name_from = seen->name_from;
	if (place)
		g->place = *place;
	g->kind = seen->kind;
	g->class = seen->class;
	g->key = key;
	HASH_ADD_KEYPTR(hh, *groups, g->key, strlen(g->key), g);
	return g;
}

static void take_in(struct group **groups, const struct diff_side *side, int which)
{
	const struct diff_seen *seen;

	for (seen = side->seen; seen; seen = seen->hh.next) {
		struct group *g = group_of(groups, seen);

		g->locks[which]++;
		diff_sum__add(&g->sum[which], &seen->sum);
		for (int i = 0; i < DIFF_EXACT; i++)
			add_value(&g->counts[which][i], per_second(&seen->counters[i], side));
	}
}

static int compare_text(const char *a, const char *b)
{
	return strcmp(or_empty(a), or_empty(b));
}

/* By what is left of an identity when the program was built anew: lines have moved. */
static int compare_functions(const struct group *a, const struct group *b)
{
	int c = compare_text(a->comm, b->comm);

	if (!c)
		c = (int)a->kind - (int)b->kind;
	return c ? c : compare_text(a->place.function, b->place.function);
}

static int compare_movable(const void *a, const void *b)
{
	return compare_functions(*(struct group *const *)a, *(struct group *const *)b);
}

static void merge(struct group *to, const struct group *from)
{
	to->place.text = to->place.function;
	for (int side = 0; side < DIFF_SIDES; side++) {
		to->locks[side] += from->locks[side];
		diff_sum__add(&to->sum[side], &from->sum[side]);
		for (int i = 0; i < DIFF_EXACT; i++)
			add_value(&to->counts[side][i], from->counts[side][i]);
	}
}

/* One side each knows a line of the same function that the other does not: it has moved. */
static void match_moved_lines(struct group **groups)
{
	size_t n = 0, all = HASH_COUNT(*groups);
	struct group **movable = xcalloc(all + 1, sizeof(struct group *)), *g;

	for (g = *groups; g; g = g->hh.next)
		if (!g->name && g->place.function && !(g->locks[DIFF_A] && g->locks[DIFF_B]))
			movable[n++] = g;
	qsort(movable, n, sizeof(*movable), compare_movable);
	for (size_t i = 0, end; i < n; i = end) {
		bool has[DIFF_SIDES] = {};

		for (end = i; end < n && !compare_functions(movable[i], movable[end]); end++)
			has[movable[end]->locks[DIFF_A] ? DIFF_A : DIFF_B] = true;
		for (size_t j = i + 1; j < end && has[DIFF_A] && has[DIFF_B]; j++) {
			merge(movable[i], movable[j]);
			HASH_DEL(*groups, movable[j]);
			group_free(movable[j]);
		}
	}
	free(movable);
}

/* Counts of a long time may be more than a snapshot's histogram can hold: then all are fewer. */
static void fill_percentiles(struct diff_value *values, const struct diff_sum *sum)
{
	struct lock scratch = { .max_ns = sum->max_ns };
	uint64_t largest = 0;
	int shift = 0;

	for (size_t i = 0; sum->hist && i < HIST_BUCKETS; i++)
		largest = MAX(largest, sum->hist[i]);
	while (largest >> shift > UINT32_MAX)
		shift++;
	for (size_t i = 0; sum->hist && i < HIST_BUCKETS; i++)
		scratch.hist[i] = (uint32_t)(sum->hist[i] >> shift);
	if (!hist__count(scratch.hist))
		return;
	lock__percentiles(&scratch);
	values[FIGURE_P50] = (struct diff_value){ true, (double)scratch.p50_ns };
	values[FIGURE_P99] = (struct diff_value){ true, (double)scratch.p99_ns };
}

static void fill_values(struct diff_value *values, const struct diff_sum *sum,
			const struct diff_side *side, bool there)
{
	values[FIGURE_LOAD] = (struct diff_value){ true, sum->wait_s / side->seconds };
	values[FIGURE_SLEEPS] = (struct diff_value){ true, sum->sleeps / side->seconds };
	if (sum->sleeps > 0)
		values[FIGURE_WAIT] =
			(struct diff_value){ true, sum->wait_s / sum->sleeps * NSEC_PER_SEC };
	if (there)
		values[FIGURE_MAX] = (struct diff_value){ true, (double)sum->max_ns };
	fill_percentiles(values, sum);
}

/* What the exact tier did not see taken was not taken; without it, nothing is known. */
static void fill_counts(struct diff_value *values, const struct diff_value *counts,
			const struct diff_side *side, bool there)
{
	static const enum diff_figure figures[DIFF_EXACT] = {
		[DIFF_ACQUISITIONS] = FIGURE_ACQUISITIONS,
		[DIFF_HOLD] = FIGURE_HOLD,
		[DIFF_TRY_FAILURES] = FIGURE_TRY_FAILURES,
	};

	for (int i = 0; i < DIFF_EXACT; i++) {
		values[figures[i]] = counts[i];
		if (!there)
			values[figures[i]].known = side->exact_s > 0;
	}
	if (values[FIGURE_HOLD].known) /* ns a second */
		values[FIGURE_HOLD].n /= NSEC_PER_SEC;
}

/* Standard error of the load, from how the parts of the side's time differ; two at least. */
static double standard_error(const struct diff_sum *sum, const struct diff_side *side)
{
	double mean = sum->wait_s / side->seconds, squares = 0, n = (double)side->n_blocks;

	for (size_t i = 0; i < side->n_blocks; i++) {
		double off = sum->block_wait_s[i] - mean * side->block_s[i];

		if (fabs(off) >= 1e-9) /* less than a nanosecond is rounding */
			squares += off * off;
	}
	return sqrt(squares * n / (n - 1)) / side->seconds;
}

/* Student's t for 95 %, by the degrees of freedom of the side that has fewer. */
static double student(size_t blocks)
{
	static const double t[] = { 12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23 };

	return blocks - 2 < ARRAY_SIZE(t) ? t[blocks - 2] : 2.2;
}

static struct diff_value noise(const struct diff_sum *sums, const struct diff_side *const *sides)
{
	size_t blocks = MIN(sides[DIFF_A]->n_blocks, sides[DIFF_B]->n_blocks);
	double a, b;

	if (blocks < 2)
		return (struct diff_value){};
	a = standard_error(&sums[DIFF_A], sides[DIFF_A]);
	b = standard_error(&sums[DIFF_B], sides[DIFF_B]);
	return (struct diff_value){ true, student(blocks) * sqrt(a * a + b * b) };
}

static void fill_row(struct diff_row *row, const struct diff *d, const struct diff_sum *sums)
{
	for (int side = 0; side < DIFF_SIDES; side++)
		fill_values(row->values[side], &sums[side], d->sides[side], row->locks[side]);
	row->change = row->values[DIFF_B][FIGURE_LOAD].n - row->values[DIFF_A][FIGURE_LOAD].n;
	row->noise = noise(sums, d->sides);
}

static void add_row(struct diff *d, const struct group *g)
{
	struct diff_row *row = &d->rows[d->n++];

	row->comm = g->comm;
	row->name = g->name;
	row->place = g->place.text;
	row->name_from = g->name_from;
	row->kind = g->kind;
	row->class = g->class;
	memcpy(row->locks, g->locks, sizeof(row->locks));
	fill_row(row, d, g->sum);
	for (int side = 0; side < DIFF_SIDES; side++)
		fill_counts(row->values[side], g->counts[side], d->sides[side], g->locks[side]);
}

static int compare_numbers(double a, double b)
{
	return (a < b) - (a > b); /* largest first */
}

static int compare_rows(const void *x, const void *y)
{
	const struct diff_row *a = x, *b = y;
	int c = compare_numbers(fabs(a->change), fabs(b->change));

	if (!c)
		c = compare_numbers(a->values[DIFF_B][FIGURE_LOAD].n,
				    b->values[DIFF_B][FIGURE_LOAD].n);
	if (!c)
		c = compare_text(a->comm, b->comm);
	if (!c)
		c = compare_text(a->name, b->name);
	if (!c)
		c = compare_text(a->place, b->place);
	return c ? c : (int)a->kind - (int)b->kind;
}

struct diff *diff__new(const struct diff_side *a, const struct diff_side *b)
{
	struct diff *d = xcalloc(1, sizeof(*d));
	struct group *groups = NULL, *g, *next;
	const struct diff_sum totals[] = { a->total, b->total };

	d->sides[DIFF_A] = a;
	d->sides[DIFF_B] = b;
	take_in(&groups, a, DIFF_A);
	take_in(&groups, b, DIFF_B);
	match_moved_lines(&groups);
	d->rows = xcalloc(HASH_COUNT(groups) + 1, sizeof(*d->rows));
	HASH_ITER (hh, groups, g, next) {
		add_row(d, g);
		HASH_DEL(groups, g);
		group_free(g);
	}
	qsort(d->rows, d->n, sizeof(*d->rows), compare_rows);
	d->total.locks[DIFF_A] = HASH_COUNT(a->seen);
	d->total.locks[DIFF_B] = HASH_COUNT(b->seen);
	fill_row(&d->total, d, totals);
	return d;
}

void diff__free(struct diff *d)
{
	if (!d)
		return;
	free(d->rows);
	free(d);
}

bool diff_row__is_new(const struct diff_row *row)
{
	return !row->locks[DIFF_A];
}

bool diff_row__is_gone(const struct diff_row *row)
{
	return !row->locks[DIFF_B];
}

bool diff_row__is_noise(const struct diff_row *row)
{
	return row->noise.known && fabs(row->change) <= row->noise.n;
}

char *diff_row__label(const struct diff_row *row, char *buf, size_t size)
{
	_cleanup_(util__freep) char *at = row->name    ? xstrdup(row->name)
					  : row->place ? xasprintf("at %s", row->place)
						       : xstrdup("?");

	return text__clean(buf, size, at);
}

void diff_value__format(const struct diff_value *v, enum diff_figure f, char *buf, size_t size)
{
	enum unit unit = diff_figures[f].unit;

	if (!v->known)
		snprintf(buf, size, "?");
	else if (unit == UNIT_DURATION)
		text__duration(buf, size, (uint64_t)MIN(v->n, 9.2e18));
	else if (unit == UNIT_LOAD)
		text__load(buf, size, v->n);
	else
		text__count(buf, size, v->n);
}

double diff_side__listed(const struct diff_side *side)
{
	return side->total.wait_s > 0 ? MIN(side->listed_s / side->total.wait_s, 1.0) : 1;
}
