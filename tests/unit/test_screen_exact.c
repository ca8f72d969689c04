// SPDX-License-Identifier: GPL-2.0-only
/* What the exact tier adds to the screens: columns, figures, hold times, lock orders. */
#include "screen_fixture.h"

#include <time.h>

static const int sizes[][2] = { { 80, 24 }, { 120, 40 }, { 200, 50 }, { 60, 15 }, { 10, 3 } };

static void assert_goldens(struct view *v, const struct snapshot *s, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		assert_golden(v, s, name, sizes[i][0], sizes[i][1]);
}

static struct snapshot *exact(double share)
{
	struct snapshot *s = fixture__new(7);

	fixture__add_exact(s, share);
	return s;
}

/* A lock's page, of the lock at this place of the snapshot. */
static struct view *open_lock(const struct snapshot *s, size_t i)
{
	struct view *v = new_view();

	v->idle = true;
	view__show(v, ENTITY_LOCK);
	screen__prepare(v, s, 80, 24);
	for (size_t row = 0; row < v->n_rows; row++)
		if (v->rows[row] == &s->locks[i])
			view__move(v, row);
	assert_true(view__enter(v));
	return v;
}

/* Columns of the tier, locks that nobody waited for below the others; processes with such locks. */
static void draws_lists(void **state)
{
	struct snapshot *s = exact(1);
	struct view *v = new_view();
	struct canvas *c;

	(void)state;
	assert_golden(v, s, "exact_processes", 120, 40);
	view__show(v, ENTITY_LOCK);
	assert_goldens(v, s, "exact_locks");
	c = draw(v, s, 120, 20);
	assert_true(shows(c, "ACQUIRE/s CONT%  HOLD AVGHOLD MAXHOLD"));
	assert_true(shows(c, "0x601000"));
	assert_true(shows(c, "0x601040"));  /* only tried */
	assert_false(shows(c, "0x601080")); /* not used */
	assert_int_equal(style_of(c, "Exact"), STYLE_VALUE);
	canvas__free(c);
	view__sort_by(v, fields__find(ENTITY_LOCK, "acquisitions"));
	c = draw(v, s, 60, 20);
	assert_true(shows(c, "ACQUIRE/s"));
	assert_ptr_equal(v->rows[0], fixture__lock(s, "6000:0x601000"));
	canvas__free(c);
	view__free(v);
	snapshot__free(s);
}

/* Where the tier worked in slices, each of its figures and heads has a ~, and nothing else has. */
static void marks_what_is_scaled(void **state)
{
	struct snapshot *s = exact(0.12);
	struct view *v = new_view();
	struct canvas *c;

	(void)state;
	view__show(v, ENTITY_LOCK);
	assert_goldens(v, s, "exact_sliced");
	c = draw(v, s, 160, 20);
	assert_true(shows(c, "~ACQUIRE/s ~CONT%  ~HOLD ~AVGHOLD ~MAXHOLD"));
	assert_true(shows(c, "~912k"));
	assert_true(shows(c, " 2.31 "));
	assert_int_equal(style_of(c, "~12% of the time"), STYLE_WARM);
	canvas__free(c);
	s->exact_share = 0.001;
	c = draw(v, s, 160, 20);
	assert_true(shows(c, "Exact <1% of the time"));
	canvas__free(c);
	view__free(v);
	snapshot__free(s);
}

/* Without the tier there is nothing of it: no column, no sort key, no word in the help. */
static void hides_it_without(void **state)
{
	struct snapshot *s = fixture__new(7);
	struct view *v = new_view();
	struct canvas *c;
	size_t n;

	(void)state;
	view__show(v, ENTITY_LOCK);
	for (int mode = MODE_LIST; mode <= MODE_SORT; mode++) {
		v->mode = mode;
		c = draw(v, s, 250, 80);
		assert_false(shows(c, "ACQUIRE"));
		assert_false(shows(c, "Exact"));
		canvas__free(c);
	}
	v->mode = MODE_LIST;
	n = v->n_rows;
	fixture__add_exact(s, 1);
	for (int mode = MODE_LIST; mode <= MODE_SORT; mode++) {
		v->mode = mode;
		c = draw(v, s, 250, 80);
		assert_true(shows(c, "ACQUIRE/s"));
		canvas__free(c);
	}
	assert_int_equal(v->n_rows, n + 3);
	view__free(v);
	snapshot__free(s);
}

/* Each kind of lock with the figures that it has; hold times below waits; where it was taken. */
static void draws_a_lock(void **state)
{
	static const struct {
		size_t lock;
		const char *name;
	} pages[] = {
		{ 0, "exact_lock" }, { 1, "exact_rwlock" },   { 2, "exact_cond" },
		{ 3, "exact_sem" },  { 8, "exact_unwaited" },
	};
	struct snapshot *s = exact(1);

	(void)state;
	fixture__add_stacks(s, &s->locks[0]);
	fixture__add_owners(s);
	s->locks[0].sites[5].role = ROLE_HOLDER;
	s->locks[0].sites[5].share = 1;
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		struct view *v = open_lock(s, pages[i].lock);

		assert_golden(v, s, pages[i].name, 80, 24);
		if (!i) {
			assert_golden(v, s, pages[i].name, 120, 40);
			assert_golden(v, s, pages[i].name, 200, 50);
			screen__prepare(v, s, 80, 24);
			view__end(v);
			assert_golden(v, s, "exact_lock_end", 80, 24);
		}
		view__free(v);
	}
	s->exact_share = 0.12;
	for (int i = 0; i < 2; i++) {
		struct view *v = open_lock(s, 0);
		struct canvas *c;

		if (i)
			memset(s->locks[0].hold_hist, 0, sizeof(s->locks[0].hold_hist));
		c = draw(v, s, 120, 60);
		assert_true(shows(c, "Taken ~912k/s  contended ~9%"));
		assert_true(shows(c, "Held ~0.87  Avg hold ~953ns  Max hold ~1.9ms"));
		assert_true(shows(c, "HOW LONG IT WAS HELD"));
		assert_true(shows(c, i ? "no hold has ended" : "912k seen"));
		canvas__free(c);
		view__free(v);
	}
	snapshot__free(s);
}

/* Orders that contradict each other: a line on each screen, all of it above the graph and on the
 * page of each of the locks. */
static void draws_inversions(void **state)
{
	struct snapshot *s = exact(1);
	struct view *v = new_view();
	struct canvas *c;

	(void)state;
	fixture__add_owners(s);
	fixture__add_inversions(s);
	assert_goldens(v, s, "inversion");
	c = draw(v, s, 200, 24);
	assert_int_equal(style_of(c, "ORDER INVERSION in dbserver 4242"), STYLE_WARM);
	assert_true(
		shows(c, ": table_cache_lock -> 0x7f10a4000b60 at open_table (table_cache.cc:412), "
			 "0x7f10a4000b60 -> table_cache_lock at flush_log_to_disk (log.cc:120) "
			 "(and 1 more)  g shows it\n"));
	canvas__free(c);
	c = draw(v, s, 120, 24); /* without the places, all of the circle */
	assert_true(shows(c,
			  "dbserver 4242: table_cache_lock -> 0x7f10a4000b60 -> table_cache_lock "
			  "(and 1 more)  g shows it\n"));
	canvas__free(c);
	c = draw(v, s, 80, 5); /* too low for more than the list */
	assert_false(shows(c, "ORDER INVERSION"));
	canvas__free(c);
	view__show_graph(v);
	assert_goldens(v, s, "inversion_graph");
	c = draw(v, s, 80, 10); /* the block leaves the graph its room */
	assert_true(shows(c, "log-flusher 4300"));
	canvas__free(c);
	view__free(v);
	v = open_lock(s, 1);
	assert_golden(v, s, "inversion_lock", 120, 40);
	view__free(v);
	/* A deadlock is more urgent. */
	fixture__add_deadlock(s);
	v = new_view();
	c = draw(v, s, 120, 24);
	assert_true(shows(c, "DEADLOCK bank 5150"));
	assert_false(shows(c, "ORDER INVERSION"));
	canvas__free(c);
	view__free(v);
	snapshot__free(s);
}

/* Every size, huge figures, and names that want to drive the terminal. */
static void bears_all(void **state)
{
	static const char *const names[] = { "\033[2J\033]0;x\007", "\xff\xfe\xc3\x28",
					     "日本語の名前です長い", "\n\r\t\b", "" };
	struct snapshot *s = exact(0.5);
	struct view *v = new_view();

	(void)state;
	fixture__add_inversions(s);
	for (size_t i = 0; i < s->n_inversions; i++) {
		s->inversions[i].comm = names[i];
		for (size_t j = 0; j < s->inversions[i].n_edges; j++) {
			struct inversion_edge *e = &s->inversions[i].edges[j];

			e->from_name = names[j];
			e->to_name = names[j + 1];
			e->count = UINT64_MAX;
			for (size_t k = 0; k < e->n_frames; k++)
				e->frames[k].function = names[k];
		}
	}
	for (size_t i = 0; i < s->n_locks; i++)
		s->locks[i].acquisitions = s->locks[i].hold_ns = s->locks[i].max_hold_ns =
			UINT64_MAX;
	view__show(v, ENTITY_LOCK);
	for (int page = 0; page < 3; page++) {
		for (int height = 0; height < 60; height += 1 + height / 8) {
			for (int width = 0; width < 140; width += 1 + width / 12) {
				struct canvas *c = draw(v, s, width, height);

				for (int i = 0; i < width * height; i++) {
					unsigned char t = c->cells[i].text[0];

					assert_true(!t || (t >= ' ' && t != 0x7f && t != 0x9b));
				}
				canvas__free(c);
			}
		}
		screen__prepare(v, s, 80, 24);
		if (page == 0)
			assert_true(view__enter(v));
		else
			view__show_graph(v);
	}
	view__free(v);
	snapshot__free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(draws_lists),	    cmocka_unit_test(marks_what_is_scaled),
		cmocka_unit_test(hides_it_without), cmocka_unit_test(draws_a_lock),
		cmocka_unit_test(draws_inversions), cmocka_unit_test(bears_all),
	};

	setenv("TZ", "UTC0", 1);
	tzset();
	return cmocka_run_group_tests_name("screen_exact", tests, NULL, NULL);
}
