// SPDX-License-Identifier: GPL-2.0-only
/* Two sides -> rows: what is matched, what it is normalised to, what chance can do. By place:
 * test_diff_places.c. */
#include "diff_fixture.h"

#include <errno.h>

/* The same seen twice has not changed: no lock is new or gone, idle ones are left out. */
static void test_same(void **state)
{
	struct diff_side *a = diff_side__new("a", false), *b = diff_side__new("b", false);
	struct diff *d;

	(void)state;
	take(a, fixture__new(1));
	take(b, fixture__new(1));
	d = diff__new(a, b);
	assert_int_equal(d->n, 5);
	for (size_t i = 0; i < d->n; i++) {
		assert_false(diff_row__is_new(&d->rows[i]) || diff_row__is_gone(&d->rows[i]));
		assert_true(d->rows[i].change == 0);
		assert_int_equal(d->rows[i].class, CLASS_CONTENTION);
	}
	assert_close(d->total.values[DIFF_A][FIGURE_LOAD].n, 3.058);
	assert_close(d->total.values[DIFF_B][FIGURE_LOAD].n, 3.058);
	diff_done(d, a, b);
}

/* With idle waits they count too, in the total as well. */
static void test_idle(void **state)
{
	struct diff_side *a = diff_side__new("a", true), *b = diff_side__new("b", true);
	struct diff *d;

	(void)state;
	take(a, fixture__new(1));
	take(b, fixture__new(1));
	d = diff__new(a, b);
	assert_int_equal(d->n, 7);
	assert_close(d->total.values[DIFF_A][FIGURE_LOAD].n, 37.058);
	diff_done(d, a, b);
}

/* Neither address nor process number matter; several with one identity are one row. */
static void test_identity(void **state)
{
	struct diff_side *a = diff_side__new("a", false), *b = diff_side__new("b", false);
	struct snapshot *s = interval(1, 1000);
	const struct diff_row *row;
	struct diff *d;

	(void)state;
	add_lock(s, 100, 0x1000, "table", 200);
	add_lock(s, 101, 0x1000, "table", 300);
	add_lock(s, 100, 0x2000, "queue", 50);
	take(a, s);
	s = interval(1, 1000);
	add_lock(s, 900, 0x7000, "table", 400);
	add_lock(s, 900, 0x8000, "queue", 50)->comm = "other";
	add_lock(s, 900, 0x9000, "queue", 50)->kind = KIND_SEM;
	take(b, s);
	d = diff__new(a, b);
	assert_int_equal(d->n, 4);
	row = row_of(d, "table");
	assert_int_equal(row->locks[DIFF_A], 2);
	assert_int_equal(row->locks[DIFF_B], 1);
	assert_close(row->values[DIFF_A][FIGURE_LOAD].n, 0.5);
	assert_close(row->values[DIFF_A][FIGURE_SLEEPS].n, 20);
	assert_close(row->values[DIFF_A][FIGURE_WAIT].n, 25 * MS);
	assert_close(row->change, -0.1);
	for (size_t i = 0; i < d->n; i++) /* of another command or kind it is another lock */
		if (d->rows[i].name && !strcmp(d->rows[i].name, "queue"))
			assert_int_equal(d->rows[i].locks[DIFF_A] + d->rows[i].locks[DIFF_B], 1);
	diff_done(d, a, b);
}

/* One lock of one process stays one over the intervals. */
static void test_intervals(void **state)
{
	struct diff_side *a = side_of("x", WAITS(100, 300)), *b = side_of("x", WAITS(200));
	struct diff *d = diff__new(a, b);

	(void)state;
	assert_int_equal(d->n, 1);
	assert_int_equal(d->rows[0].locks[DIFF_A], 1);
	assert_close(d->rows[0].change, 0);
	diff_done(d, a, b);
}

/* Everything is per second: sides of other lengths, with intervals of other lengths. */
static void test_per_second(void **state)
{
	struct diff_side *a = diff_side__new("a", false), *b = diff_side__new("b", false);
	struct diff *d;

	(void)state;
	for (int i = 1; i <= 10; i++) {
		struct snapshot *s = interval(i, 1000);

		add_lock(s, 1, 0x10, "x", 300);
		take(a, s);
	}
	for (int i = 1; i <= 4; i++) {
		struct snapshot *s = interval(i, 500);

		add_lock(s, 1, 0x10, "x", 150)->sleeps = 5;
		take(b, s);
	}
	d = diff__new(a, b);
	for (int side = 0; side < DIFF_SIDES; side++) {
		assert_close(d->rows[0].values[side][FIGURE_LOAD].n, 0.3);
		assert_close(d->rows[0].values[side][FIGURE_SLEEPS].n, 10);
		assert_close(d->rows[0].values[side][FIGURE_WAIT].n, 30 * MS);
		assert_close(d->rows[0].values[side][FIGURE_MAX].n, MS);
	}
	assert_close(a->seconds, 10);
	assert_close(b->seconds, 2);
	assert_int_equal(b->end.tv_sec - b->begin.tv_sec, 4); /* as the fixture's clock has it */
	diff_done(d, a, b);
}

/* Where a lock is not there it had no load; how long its waits were is not known. */
static void test_new_and_gone(void **state)
{
	struct diff_side *a = side_of("old", WAITS(200)), *b = side_of("fresh", WAITS(500));
	struct diff *d = diff__new(a, b);
	const struct diff_row *row = &d->rows[0]; /* the larger change */

	(void)state;
	assert_int_equal(d->n, 2);
	assert_string_equal(row->name, "fresh");
	assert_true(diff_row__is_new(row) && !diff_row__is_gone(row));
	assert_close(row->change, 0.5);
	assert_true(row->values[DIFF_A][FIGURE_LOAD].known);
	assert_false(row->values[DIFF_A][FIGURE_WAIT].known);
	assert_false(row->values[DIFF_A][FIGURE_P99].known);
	assert_false(row->values[DIFF_A][FIGURE_MAX].known);
	assert_true(row->values[DIFF_B][FIGURE_P99].known);
	assert_true(diff_row__is_gone(&d->rows[1]));
	assert_close(d->rows[1].change, -0.2);
	diff_done(d, a, b);
}

/* 1 and 3 have a mean of 2 with a standard error of 1; t for one degree of freedom is 12.71. */
static void test_noise(void **state)
{
	struct diff_side *a = side_of("x", WAITS(1000, 3000)), *b = side_of("x", WAITS(4000, 4000));
	struct diff *d = diff__new(a, b);

	(void)state;
	assert_close(d->rows[0].change, 2);
	assert_true(d->rows[0].noise.known);
	assert_close(d->rows[0].noise.n, 12.71);
	assert_true(diff_row__is_noise(&d->rows[0]));
	assert_close(d->total.noise.n, 12.71);
	diff_done(d, a, b);
}

/* What stands still is no noise, and its smallest change is one. */
static void test_no_noise(void **state)
{
	struct diff_side *a = side_of("x", WAITS(100, 100, 100)),
			 *b = side_of("x", WAITS(101, 101, 101));
	struct diff *d = diff__new(a, b);

	(void)state;
	assert_true(d->rows[0].noise.known);
	assert_true(d->rows[0].noise.n < 1e-9);
	assert_false(diff_row__is_noise(&d->rows[0]));
	diff_done(d, a, b);
}

/* One interval says nothing about chance. */
static void test_noise_unknown(void **state)
{
	struct diff_side *a = side_of("x", WAITS(100)), *b = side_of("x", WAITS(101, 105));
	struct diff *d = diff__new(a, b);

	(void)state;
	assert_false(d->rows[0].noise.known);
	assert_false(diff_row__is_noise(&d->rows[0]));
	diff_done(d, a, b);
}

/* Long recordings are put into at most so many parts of equal length, of which nothing is lost. */
static void test_blocks(void **state)
{
	struct diff_side *a = diff_side__new("a", false), *b = side_of("x", WAITS(100, 100));
	double waits = 0, lengths = 0;
	struct diff *d;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct snapshot *s = interval(i + 1, 1000);

		if (i >= 500) /* a lock that comes late has the blocks of all others */
			add_lock(s, 1, 0x10, "x", i % 2 ? 200 : 400);
		take(a, s);
	}
	assert_int_equal(a->per_block, 32);
	assert_int_equal(a->n_blocks, 32);
	for (size_t i = 0; i < DIFF_BLOCKS; i++) {
		waits += a->seen->sum.block_wait_s[i];
		lengths += a->block_s[i];
		assert_close(a->block_s[i], i < 31 ? 32 : 8);
	}
	assert_close(waits, 150);
	assert_close(lengths, 1000);
	assert_close(a->seen->sum.block_wait_s[14], 0);
	assert_close(a->seen->sum.block_wait_s[15], 3.6);
	assert_close(a->seen->sum.block_wait_s[16], 9.6);
	assert_close(a->seen->sum.block_wait_s[31], 2.4);
	d = diff__new(a, b);
	assert_close(d->rows[0].values[DIFF_A][FIGURE_LOAD].n, 0.15);
	diff_done(d, a, b);
}

/* Percentiles come from all waits of a side, also where there are more than 32 bits can count. */
static void test_percentiles(void **state)
{
	struct diff_side *a = diff_side__new("a", false), *b = side_of("x", WAITS(100));
	struct diff *d;
	uint64_t p99;

	(void)state;
	for (int i = 0; i < 200; i++) {
		struct snapshot *s = interval(i + 1, 1000);
		struct lock *l = add_lock(s, 1, 0x10, "x", 100);

		memset(l->hist, 0, sizeof(l->hist));
		l->hist[i < 195 ? 40 : 80] = UINT32_MAX;
		l->max_ns = 0;
		take(a, s);
	}
	d = diff__new(a, b);
	p99 = (uint64_t)d->rows[0].values[DIFF_A][FIGURE_P99].n;
	assert_in_range(p99, hist__edge(80), hist__edge(81));
	assert_in_range((uint64_t)d->rows[0].values[DIFF_A][FIGURE_P50].n, hist__edge(40),
			hist__edge(41));
	diff_done(d, a, b);
}

static struct snapshot *counted(uint64_t number, double share, uint64_t acquisitions)
{
	struct snapshot *s = interval(number, 1000);
	struct lock *l = add_lock(s, 1, 0x10, "x", 100);

	s->exact = true;
	s->exact_share = share;
	l->exact = l->hold_known = share > 0;
	l->acquisitions = acquisitions;
	l->hold_ns = acquisitions * MS;
	l->try_failures = acquisitions / 10;
	return s;
}

/* The exact tier's figures are those of the time that it counted. */
static void test_exact(void **state)
{
	struct diff_side *a = diff_side__new("a", false), *b = diff_side__new("b", false);
	const struct diff_value *values;
	struct snapshot *s;
	struct diff *d;

	(void)state;
	take(a, counted(1, 1, 100));
	take(a, counted(2, 0, 0)); /* an interval without a slice */
	s = interval(3, 1000);	   /* it was not taken */
	s->exact = true;
	s->exact_share = 0.5;
	take(a, s);
	s = counted(4, 1, 300);
	s->locks[0].hold_known = false;
	take(a, s);
	s = interval(1, 1000);
	s->exact = true;
	s->exact_share = 1;
	take(b, s);
	d = diff__new(a, b);
	values = d->rows[0].values[DIFF_A];
	assert_close(values[FIGURE_ACQUISITIONS].n, 400 / 3.0);
	assert_close(values[FIGURE_TRY_FAILURES].n, 40 / 3.0);
	assert_close(values[FIGURE_HOLD].n, 0.1 / 2);
	assert_true(a->scaled && !b->scaled);
	values = d->rows[0].values[DIFF_B]; /* gone: not taken */
	assert_true(values[FIGURE_ACQUISITIONS].known && values[FIGURE_HOLD].known);
	assert_true(values[FIGURE_ACQUISITIONS].n == 0);
	diff_done(d, a, b);
}

/* The sleep tier does not know how often a lock was taken: that is not never. */
static void test_not_exact(void **state)
{
	struct diff_side *a = side_of("x", WAITS(100)), *b = side_of("y", WAITS(100));
	struct diff *d = diff__new(a, b);

	(void)state;
	for (size_t i = 0; i < d->n; i++)
		for (int side = 0; side < DIFF_SIDES; side++)
			assert_false(d->rows[i].values[side][FIGURE_ACQUISITIONS].known ||
				     d->rows[i].values[side][FIGURE_HOLD].known ||
				     d->rows[i].values[side][FIGURE_TRY_FAILURES].known);
	diff_done(d, a, b);
}

/* The largest change comes first, whichever its direction. */
static void test_order(void **state)
{
	struct diff_side *a = diff_side__new("a", false), *b = diff_side__new("b", false);
	static const char *const order[] = { "down", "up", "same", "idle" };
	struct snapshot *s = interval(1, 1000);
	struct diff *d;

	(void)state;
	add_lock(s, 1, 0x10, "up", 100);
	add_lock(s, 1, 0x20, "down", 900);
	add_lock(s, 1, 0x30, "same", 500);
	add_lock(s, 1, 0x40, "idle", 0);
	take(a, s);
	s = interval(1, 1000);
	add_lock(s, 1, 0x10, "up", 500);
	add_lock(s, 1, 0x20, "down", 100);
	add_lock(s, 1, 0x30, "same", 500);
	add_lock(s, 1, 0x40, "idle", 0);
	take(b, s);
	d = diff__new(a, b);
	assert_int_equal(d->n, ARRAY_SIZE(order));
	for (size_t i = 0; i < d->n; i++)
		assert_string_equal(d->rows[i].name, order[i]);
	diff_done(d, a, b);
}

/* A recording that was cut to the largest locks is told by what they leave of the total. */
static void test_listed(void **state)
{
	struct diff_side *a = diff_side__new("a", false);
	struct snapshot *s = interval(1, 1000);

	(void)state;
	assert_close(diff_side__listed(a), 1); /* nobody waited: nothing is missing */
	add_lock(s, 1, 0x10, "x", 300);
	s->totals.wait_ns = 400 * MS;
	take(a, s);
	assert_close(diff_side__listed(a), 0.75);
	diff_side__free(a);
}

/* Losses add up, deadlocks do not: they are there in each interval. */
static void test_sums(void **state)
{
	struct diff_side *a = diff_side__new("a", false);

	(void)state;
	for (int i = 1; i <= 3; i++) {
		struct snapshot *s = interval(i, 1000);

		s->losses[0] = 2;
		s->losses[1] = i;
		s->n_deadlocks = i % 3;
		take(a, s);
	}
	assert_int_equal(a->losses, 12);
	assert_int_equal(a->deadlocks, 2);
	diff_side__free(a);
}

/* More locks than can be told apart are an error, not a sum that lacks some. */
static void test_too_many(void **state)
{
	struct diff_side *a = diff_side__new("a", false);
	struct snapshot *s = interval(1, 1000);
	struct lock *l = add_lock(s, 1, 0x10, "x", 1);
	int err = 0;

	(void)state;
	diff_side__begin(a, s);
	for (unsigned int i = 0; i <= DIFF_LOCKS && !err; i++) {
		snprintf(l->id, sizeof(l->id), "1:0x%x", i);
		err = diff_side__lock(a, s, l);
		assert_int_equal(err, i < DIFF_LOCKS ? 0 : -ENOSPC);
	}
	snapshot__free(s);
	diff_side__free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),	      cmocka_unit_test(test_idle),
		cmocka_unit_test(test_identity),      cmocka_unit_test(test_intervals),
		cmocka_unit_test(test_per_second),    cmocka_unit_test(test_new_and_gone),
		cmocka_unit_test(test_noise),	      cmocka_unit_test(test_no_noise),
		cmocka_unit_test(test_noise_unknown), cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_percentiles),   cmocka_unit_test(test_exact),
		cmocka_unit_test(test_not_exact),     cmocka_unit_test(test_order),
		cmocka_unit_test(test_listed),	      cmocka_unit_test(test_sums),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
