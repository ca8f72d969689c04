// SPDX-License-Identifier: GPL-2.0-only
/* Locks without a name are matched by the place where they are waited for. */
#include "diff_fixture.h"

#define PLACE(function, file, line) \
	((struct frame){ function, FIXTURE_DB, 0x41f20, file, line, "native", NULL })

static struct diff *places(struct diff_side *a, struct diff_side *b, const struct frame *fa,
			   const struct frame *fb)
{
	struct snapshot *s = interval(1, 1000);

	for (uint64_t i = 0; fa[i].module; i++)
		add_place(s, add_lock(s, 1, 0x10 + i, NULL, 100), fa[i]);
	take(a, s);
	s = interval(1, 1000);
	for (uint64_t i = 0; fb[i].module; i++)
		add_place(s, add_lock(s, 2, 0x90 + i, NULL, 100), fb[i]);
	take(b, s);
	return diff__new(a, b);
}

/* Without a name the place counts: function and line, function, or module and offset. */
static void test_places(void **state)
{
	struct diff_side *a = diff_side__new("a", false), *b = diff_side__new("b", false);
	const struct frame frames[] = { PLACE("open_table", "sql/table.c", 412),
					PLACE("open_table", "sql/table.c", 500),
					PLACE("close_table", NULL, 0),
					{ NULL, FIXTURE_DB, 0x2f000, NULL, 0, "native", NULL },
					{} };
	struct diff *d = places(a, b, frames, frames);

	(void)state;
	assert_int_equal(d->n, 4);
	assert_non_null(row_of(d, "at open_table (table.c:412)"));
	assert_non_null(row_of(d, "at open_table (table.c:500)"));
	assert_non_null(row_of(d, "at close_table (dbserver)"));
	assert_non_null(row_of(d, "at dbserver+0x2f000"));
	for (size_t i = 0; i < d->n; i++)
		assert_int_equal(d->rows[i].locks[DIFF_A] + d->rows[i].locks[DIFF_B], 2);
	diff_done(d, a, b);
}

/* A program that was built anew has its locks on other lines: what only one side knows moved. */
static void test_moved_lines(void **state)
{
	struct diff_side *a = diff_side__new("a", false), *b = diff_side__new("b", false);
	const struct frame before[] = { PLACE("f", "f.c", 10),
					PLACE("f", "f.c", 20),
					PLACE("g", "g.c", 5),
					PLACE("h", "h.c", 7),
					{} };
	const struct frame after[] = { PLACE("f", "f.c", 10), PLACE("f", "f.c", 25),
				       PLACE("g", "g.c", 5),  PLACE("g", "g.c", 9),
				       PLACE("i", "h.c", 7),  {} };
	struct diff *d = places(a, b, before, after);

	(void)state;
	assert_int_equal(d->n, 6);
	assert_int_equal(row_of(d, "at f (f.c:10)")->locks[DIFF_B], 1);
	assert_int_equal(row_of(d, "at f")->locks[DIFF_A], 1);
	assert_int_equal(row_of(d, "at f")->locks[DIFF_B], 1);
	assert_close(row_of(d, "at f")->change, 0);
	assert_true(diff_row__is_new(row_of(d, "at g (g.c:9)")));
	assert_true(diff_row__is_gone(row_of(d, "at h (h.c:7)")));
	assert_true(diff_row__is_new(row_of(d, "at i (h.c:7)")));
	diff_done(d, a, b);
}

/* An address that is no file's is another one in each run: all such locks are one. */
static void test_no_place(void **state)
{
	struct diff_side *a = diff_side__new("a", false), *b = diff_side__new("b", false);
	struct frame jit = { NULL, NULL, 0x7f1234, NULL, 0, NULL, NULL };
	struct snapshot *s = interval(1, 1000);
	struct diff *d;

	(void)state;
	add_place(s, add_lock(s, 1, 0x10, NULL, 100), jit);
	take(a, s);
	s = interval(1, 1000);
	add_lock(s, 2, 0x20, NULL, 100);
	take(b, s);
	d = diff__new(a, b);
	assert_int_equal(d->n, 1);
	assert_ptr_equal(row_of(d, "?"), &d->rows[0]);
	diff_done(d, a, b);
}

/* A lock that waits in two places is called after the one that it waits longer in, over all. */
static void test_main_place(void **state)
{
	struct diff_side *a = diff_side__new("a", false), *b = diff_side__new("b", false);
	struct diff *d;

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct snapshot *s = interval(i + 1, 1000);
		struct lock *l = add_lock(s, 1, 0x10, NULL, i == 1 ? 500 : 100);

		add_place(s, l, i == 1 ? PLACE("slow", "f.c", 1) : PLACE("often", "f.c", 2));
		take(a, s);
	}
	take(b, interval(1, 1000));
	d = diff__new(a, b);
	assert_int_equal(d->n, 1);
	assert_non_null(row_of(d, "at slow (f.c:1)"));
	diff_done(d, a, b);
}

/* Who lets waiters go does not say where a lock is; who holds it does if nobody waits. */
static void test_roles(void **state)
{
	static const struct {
		enum site_role roles[2];
		const char *label;
	} rows[] = {
		{ { ROLE_WAKER, ROLE_WAITER }, "at second (dbserver)" },
		{ { ROLE_HOLDER, ROLE_WAITER }, "at second (dbserver)" },
		{ { ROLE_WAITER, ROLE_HOLDER }, "at first (dbserver)" },
		{ { ROLE_WAKER, ROLE_HOLDER }, "at second (dbserver)" },
		{ { ROLE_WAITER, ROLE_WAITER }, "at first (dbserver)" },
		{ { ROLE_WAKER, ROLE_WAKER }, "?" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct diff_side *a = diff_side__new("a", false), *b = side_of("x", WAITS(1));
		struct snapshot *s = interval(1, 1000);
		struct lock *l = add_lock(s, 1, 0x10, NULL, 100);
		struct frame frames[] = { PLACE("first", NULL, 0), PLACE("second", NULL, 0) };
		struct site sites[] = {
			{ rows[i].roles[0], 1, 0.6, 0, &frames[0], 1, false },
			{ rows[i].roles[1], 1, 0.4, 0, &frames[1], 1, false },
		};
		struct diff *d;

		l->sites = sites;
		l->n_sites = 2;
		take(a, s);
		d = diff__new(a, b);
		assert_non_null(row_of(d, rows[i].label));
		diff_done(d, a, b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),	 cmocka_unit_test(test_moved_lines),
		cmocka_unit_test(test_no_place), cmocka_unit_test(test_main_place),
		cmocka_unit_test(test_roles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
