// SPDX-License-Identifier: GPL-2.0-only
/* The pages that lie on top of lists: the wait graph and a dump, and the ways to and from them. */
#include "keys_fixture.h"

#include "../../user/forest.h"
#include "../../user/text_page.h"

/* g shows the graph from anywhere and leaves it; Enter opens what a line waits for. */
static void shows_the_graph(void **state)
{
	struct world *w = *state;

	fixture__add_owners(w->s);
	press(w, 'g');
	assert_int_equal(view__mode(w->v), MODE_GRAPH);
	assert_int_equal(w->v->depth, 1);
	press(w, KEYS_ENTER); /* a thread that blocks: the lock that it holds */
	assert_int_equal(view__mode(w->v), MODE_DETAIL);
	assert_int_equal(view__clevel(w->v)->address, 0x7f10a4000b60);
	press(w, 'g'); /* the same graph again */
	assert_int_equal(view__mode(w->v), MODE_GRAPH);
	assert_int_equal(w->v->depth, 1);
	press(w, KEYS_TAB);
	assert_int_equal(view__clevel(w->v)->position, 8);
	press(w, KEYS_BACK_TAB);
	assert_int_equal(view__clevel(w->v)->position, 0);
	press(w, KEYS_BACK_TAB);
	assert_int_equal(view__clevel(w->v)->position, 0);
	press(w, '/');
	type(w, "updater");
	press(w, KEYS_ENTER);
	assert_int_equal(view__mode(w->v), MODE_GRAPH);
	press(w, KEYS_ENTER); /* a thread that waits */
	assert_int_equal(view__clevel(w->v)->address, 0x5581f2a40c00);
	press(w, KEYS_ESC);
	press(w, 'i');
	assert_true(w->v->idle);
	press(w, 'g');
	assert_int_equal(w->v->depth, 0);
	assert_int_equal(view__mode(w->v), MODE_LIST);
	press(w, 'g');
	press(w, '2'); /* and a list's key leads out of it */
	assert_int_equal(w->v->depth, 0);
	assert_int_equal(view__clevel(w->v)->entity, ENTITY_LOCK);
}

/* However deep one is, the graph and a dump find room on top, once each. */
static void finds_room_for_pages(void **state)
{
	static const struct timespec when = { 0 };
	struct world *w = *state;

	press(w, '3');
	for (int i = 0; i < 20; i++) {
		press(w, KEYS_ENTER);
		press(w, KEYS_ENTER);
		press(w, KEYS_DOWN);
	}
	for (int i = 0; i < 20; i++) {
		view__show_text(w->v, "dump", text_page__new(1 + i, &when, "a\nb\n"));
		view__update(w->v, w->s, 10);
		assert_int_equal(view__mode(w->v), MODE_TEXT);
		assert_int_equal(view__pid(w->v), 1 + i);
		assert_int_equal(w->v->n_rows, 2);
		press(w, 'g');
		assert_int_equal(view__mode(w->v), MODE_GRAPH);
	}
	assert_in_range(w->v->depth, 2, VIEW_DEPTH - 1);
}

/* D is about the process that the cursor is on, in every list and page. */
static void dumps_the_cursors_process(void **state)
{
	struct world *w = *state;

	fixture__add_owners(w->s);
	assert_true(press(w, 'D') & OUTCOME_DUMP);
	assert_int_equal(view__pid(w->v), 4242);
	press(w, KEYS_DOWN);
	assert_int_equal(view__pid(w->v), 977);
	press(w, '2');
	assert_int_equal(view__pid(w->v), 4242);
	press(w, KEYS_ENTER);
	assert_int_equal(view__pid(w->v), 4242);
	press(w, KEYS_ENTER);
	assert_int_equal(view__pid(w->v), 4242);
	press(w, 'g');
	press(w, KEYS_END);
	assert_int_equal(view__pid(w->v), 977);
	assert_true(press(w, 'D') & OUTCOME_DUMP);
	press(w, KEYS_ESC);
	press(w, '1');
	strcpy(view__level(w->v)->filter, "nosuch");
	view__update(w->v, w->s, 10);
	assert_int_equal(view__pid(w->v), 0);
}

/* As the loop does: the view follows before the last interval's snapshot is freed. */
static void next(struct view *v, struct snapshot **shown, struct snapshot *s)
{
	view__update(v, s, 3);
	snapshot__free(*shown);
	*shown = s;
}

/* Locks 1 to n, each with as many waiters as it says; owners 1000 + i, moved on by shift. */
static struct snapshot *queues(uint64_t number, size_t n, const unsigned int *waiters, int shift)
{
	struct snapshot *s = fixture__empty(number);

	for (size_t i = 0; i < n; i++) {
		struct lock *l = fixture__new_lock(s, 1, "a", 0x1000 * (i + 1), KIND_MUTEX, NULL);

		fixture__own(
			s, l,
			fixture__add_thread(s, 1, 1000 + i + shift, "a", "owner", STATE_RUNNING),
			PROOF_LOCK_WORD, 0);
		for (unsigned int j = 0; j < waiters[i]; j++)
			fixture__wait(s,
				      fixture__add_thread(s, 1, 2000 + 100 * i + j, "a", "waiter",
							  STATE_WAITING),
				      l, (j + 1) * MS);
	}
	return s;
}

/* The locks of the graph's roots from top to bottom, as digits. */
static void assert_roots(const struct view *v, const char *expected)
{
	char order[32];
	size_t n = 0;

	for (size_t i = 0; i < v->n_rows; i++) {
		const struct forest_line *line = v->rows[i];

		if (line->guides.depth == 0)
			n += snprintf(order + n, sizeof(order) - n, "%d",
				      (int)(line->lock->address / 0x1000));
	}
	order[n] = 0;
	assert_string_equal(order, expected);
}

/*
 * On its first line the graph is put in order every time; off it, roots keep their places though
 * their locks have other owners by now, and the cursor keeps its line.
 */
static void keeps_the_graph_steady(void **state)
{
	struct world *w = *state;
	struct view *v = w->v;
	const struct level *l;
	struct snapshot *s = NULL;

	view__show_graph(v);
	l = view__clevel(v);
	next(v, &s, queues(1, 3, (unsigned int[]){ 1, 3, 2 }, 0));
	assert_roots(v, "231");
	next(v, &s, queues(2, 3, (unsigned int[]){ 3, 2, 1 }, 0));
	assert_roots(v, "123");
	view__move(v, 5); /* the root of lock 2 */
	view__move(v, 1); /* lock 2 itself */
	view__update(v, s, 3);
	next(v, &s, queues(3, 4, (unsigned int[]){ 1, 2, 3, 9 }, 50));
	assert_roots(v, "1234");
	assert_int_equal(((const struct forest_line *)view__row(v))->lock->address, 0x2000);
	assert_int_equal(((const struct forest_line *)view__row(v))->mark, FOREST_LOCK);
	assert_true(l->reading);
	view__home(v);
	view__update(v, s, 3);
	assert_roots(v, "4321");
	next(v, &s, fixture__empty(4));
	assert_int_equal(v->n_rows, 0);
	view__move(v, 1);
	assert_false(view__enter(v));
	view__update(v, NULL, 3);
	snapshot__free(s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(shows_the_graph),
		TEST(finds_room_for_pages),
		TEST(dumps_the_cursors_process),
		TEST(keeps_the_graph_steady),
	};

	return cmocka_run_group_tests_name("view_levels", tests, NULL, NULL);
}
