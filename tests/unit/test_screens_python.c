// SPDX-License-Identifier: GPL-2.0-only
/* A Python program on the screens: its own lines, names of locks and threads, at every width. */
#include "screen_fixture.h"

#include "python_fixture.h"

static const int widths[][2] = { { 40, 16 }, { 80, 24 }, { 120, 40 }, { 200, 50 } };

static void assert_goldens(struct view *v, const struct snapshot *s, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(widths); i++)
		assert_golden(v, s, name, widths[i][0], widths[i][1]);
}

/* The lists: who has which runtime, what locks are called, what threads are called. */
static void draws_lists(void **state)
{
	static const char *const names[] = { "python_processes", "python_locks", "python_threads" };
	struct snapshot *s = python_fixture__new(7);

	(void)state;
	for (int e = 0; e < ENTITY_COUNT; e++) {
		struct view *v = new_view();

		view__show(v, e);
		v->idle = e == ENTITY_LOCK;
		assert_goldens(v, s, names[e]);
		view__free(v);
	}
	snapshot__free(s);
}

/* A lock's page: its stacks begin with the program's line. The GIL's: how often it was handed on.
 */
static void draws_locks(void **state)
{
	struct snapshot *s = python_fixture__new(7);
	struct view *v = new_view();

	(void)state;
	view__show(v, ENTITY_LOCK);
	screen__prepare(v, s, 80, 24);
	view__enter(v);
	assert_golden(v, s, "python_lock", 80, 60);
	assert_golden(v, s, "python_lock", 120, 40);
	view__leave(v);
	screen__prepare(v, s, 80, 24);
	view__move(v, 1);
	view__enter(v);
	assert_golden(v, s, "python_gil", 80, 60);
	view__leave(v);
	v->idle = true;
	screen__prepare(v, s, 80, 24);
	view__end(v);
	view__enter(v);
	assert_golden(v, s, "python_barrier", 80, 60);
	view__free(v);
	snapshot__free(s);
}

/* A name that is longer than its column gets room that others do not need, at every width. */
static void shows_names(void **state)
{
	struct snapshot *s = python_fixture__new(7);
	struct view *v = new_view();

	(void)state;
	view__show(v, ENTITY_LOCK);
	for (int width = 40; width <= 220; width++) {
		struct canvas *c = draw(v, s, width, 24);

		assert_true(shows(c, width < 60 ? "meta_lock" : "UserCache._meta_lock"));
		assert_true(shows(c, "app.stats_lock"));
		assert_false(shows(c, "(app.py:1 "));
		canvas__free(c);
	}
	view__free(v);
	snapshot__free(s);
}

/* The alarm and the graph call threads by their names, where there is room. */
static void draws_deadlocks(void **state)
{
	struct snapshot *s = python_fixture__deadlocked(7);
	struct view *v = new_view();

	(void)state;
	assert_golden(v, s, "python_alarm", 80, 6);
	assert_golden(v, s, "python_alarm", 200, 6);
	view__show_graph(v);
	assert_golden(v, s, "python_graph", 80, 24);
	view__free(v);
	snapshot__free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(draws_lists),
		cmocka_unit_test(draws_locks),
		cmocka_unit_test(shows_names),
		cmocka_unit_test(draws_deadlocks),
	};

	return cmocka_run_group_tests_name("screens_python", tests, NULL, NULL);
}
