// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

#include <stdlib.h>

#include "../../user/detail.h"
#include "../../user/view.h"

static struct view *new_view(enum entity entity)
{
	struct options o = fixture__options();
	struct view *v = view__new(&o);

	view__show(v, entity);
	return v;
}

/* A machine of n locks that wait[i] ms were waited for, at addresses 1, 2, ... of pid 1. */
static struct snapshot *locks(uint64_t number, size_t n, const uint64_t *wait)
{
	struct snapshot *s = fixture__empty(number);

	for (size_t i = 0; i < n; i++) {
		struct fixture_lock f = { .pid = 1, .comm = "a", .address = i + 1, .sleeps = 1 };

		f.wait_ms = wait[i];
		if (wait[i])
			fixture__add_lock(s, &f);
	}
	return s;
}

/* The order of addresses on screen, as digits. */
static void assert_order(const struct view *v, const char *expected)
{
	char order[32];
	size_t n = 0;

	for (size_t i = 0; i < v->n_rows; i++)
		n += snprintf(order + n, sizeof(order) - n, "%d",
			      (int)((const struct lock *)v->rows[i])->address);
	order[n] = 0;
	assert_string_equal(order, expected);
}

/* Shows a new interval as the loop does: the view follows before the last one is freed. */
static void next(struct view *v, struct snapshot **shown, struct snapshot *s)
{
	view__update(v, s, 3);
	snapshot__free(*shown);
	*shown = s;
}

static int cursor(const struct view *v)
{
	return ((const struct lock *)view__row(v))->address;
}

/* On the first row every interval is put in order, and the cursor stays on top. */
static void sorts_while_on_top(void **state)
{
	struct view *v = new_view(ENTITY_LOCK);
	struct snapshot *s = NULL;

	(void)state;
	next(v, &s, locks(1, 3, (uint64_t[]){ 30, 20, 10 }));
	assert_order(v, "123");
	next(v, &s, locks(2, 3, (uint64_t[]){ 10, 20, 30 }));
	assert_order(v, "321");
	assert_int_equal(view__clevel(v)->position, 0);
	snapshot__free(s);
	view__free(v);
}

/* Off the first row nothing moves: rows gone go, new ones come last, the cursor keeps its row. */
static void stands_still_while_read(void **state)
{
	struct view *v = new_view(ENTITY_LOCK);
	struct snapshot *s = NULL;

	(void)state;
	next(v, &s, locks(1, 4, (uint64_t[]){ 40, 30, 20, 10 }));
	view__move(v, 2);
	view__update(v, s, 3);
	assert_int_equal(cursor(v), 3);
	next(v, &s, locks(2, 4, (uint64_t[]){ 10, 20, 30, 40 }));
	assert_order(v, "1234");
	next(v, &s, locks(3, 6, (uint64_t[]){ 1, 0, 30, 40, 50, 60 }));
	assert_order(v, "13465");
	assert_int_equal(cursor(v), 3);
	assert_int_equal(view__clevel(v)->position, 1);
	/* The row above went too: still reading, though the cursor is now on the first row. */
	next(v, &s, locks(4, 6, (uint64_t[]){ 0, 0, 1, 40, 50, 60 }));
	assert_order(v, "3465");
	assert_int_equal(view__clevel(v)->position, 0);
	next(v, &s, locks(5, 6, (uint64_t[]){ 0, 0, 1, 40, 50, 60 }));
	assert_order(v, "3465");
	view__home(v);
	view__update(v, s, 3);
	assert_order(v, "6543");
	snapshot__free(s);
	view__free(v);
}

/* A key on the same interval moves no row, even one that brings the cursor to the top. */
static void moves_no_row_between_intervals(void **state)
{
	struct view *v = new_view(ENTITY_LOCK);
	struct snapshot *s = NULL;

	(void)state;
	next(v, &s, locks(1, 3, (uint64_t[]){ 30, 20, 10 }));
	view__move(v, 1);
	view__update(v, s, 3);
	next(v, &s, locks(2, 3, (uint64_t[]){ 10, 20, 30 }));
	assert_order(v, "123");
	view__move(v, -1);
	view__update(v, s, 3);
	assert_order(v, "123");
	next(v, &s, locks(3, 3, (uint64_t[]){ 10, 20, 30 }));
	assert_order(v, "321");
	snapshot__free(s);
	view__free(v);
}

/* A sort key orders anew at once; the cursor stays on its row all the same. */
static void sorts_on_request(void **state)
{
	struct view *v = new_view(ENTITY_LOCK);
	struct snapshot *s = NULL;

	(void)state;
	next(v, &s, locks(1, 3, (uint64_t[]){ 30, 20, 10 }));
	view__move(v, 2);
	view__reverse(v);
	view__update(v, s, 3);
	assert_order(v, "321");
	assert_int_equal(cursor(v), 3);
	view__sort_by(v, fields__find(ENTITY_LOCK, "wait_ns"));
	view__reverse(v);
	view__update(v, s, 3);
	assert_order(v, "123");
	assert_int_equal(cursor(v), 3);
	snapshot__free(s);
	view__free(v);
}

/* When the cursor's row goes, the cursor stays where it was, at the next row. */
static void loses_its_row(void **state)
{
	struct view *v = new_view(ENTITY_LOCK);
	struct snapshot *s = NULL;

	(void)state;
	next(v, &s, locks(1, 3, (uint64_t[]){ 30, 20, 10 }));
	view__move(v, 1);
	view__update(v, s, 3);
	next(v, &s, locks(2, 3, (uint64_t[]){ 30, 0, 10 }));
	assert_int_equal(cursor(v), 3);
	next(v, &s, locks(3, 3, (uint64_t[]){ 30, 0, 0 }));
	assert_int_equal(cursor(v), 1);
	next(v, &s, locks(4, 3, (uint64_t[]){ 0, 0, 0 }));
	assert_null(view__row(v));
	assert_int_equal(v->n_rows, 0);
	view__move(v, 1);
	view__end(v);
	assert_false(view__enter(v));
	next(v, &s, locks(5, 3, (uint64_t[]){ 1, 2, 3 }));
	assert_non_null(view__row(v));
	snapshot__free(s);
	view__free(v);
}

/* The cursor is always on the page, and a row that is read keeps its height on the screen. */
static void scrolls(void **state)
{
	struct view *v = new_view(ENTITY_LOCK);
	struct snapshot *s = NULL;
	const struct level *l = view__clevel(v);

	(void)state;
	next(v, &s, locks(1, 9, (uint64_t[]){ 90, 80, 70, 60, 50, 40, 30, 20, 10 }));
	view__move(v, 4);
	view__update(v, s, 3);
	assert_int_equal(l->top, 2);
	view__move(v, -1);
	view__update(v, s, 3);
	assert_int_equal(l->top, 2);
	next(v, &s, locks(2, 9, (uint64_t[]){ 0, 80, 70, 60, 50, 40, 30, 20, 10 }));
	assert_int_equal(cursor(v), 4);
	assert_int_equal(l->top, 1);
	view__end(v);
	view__update(v, s, 3);
	assert_int_equal(cursor(v), 9);
	assert_int_equal(l->top, 5);
	view__update(v, s, 100);
	assert_int_equal(l->top, 0);
	view__update(v, s, 1);
	assert_int_equal(l->top, l->position);
	view__update(v, s, 0);
	view__home(v);
	view__update(v, s, 3);
	assert_int_equal(l->top, 0);
	snapshot__free(s);
	view__free(v);
}

/* Idle waits are hidden everywhere, unless asked for; then they stand behind all contention. */
static void hides_idle(void **state)
{
	struct snapshot *s = fixture__new(1);
	struct view *v = new_view(ENTITY_LOCK);
	const struct lock *last;

	(void)state;
	view__update(v, s, 10);
	assert_int_equal(v->n_rows, 5);
	view__toggle_idle(v);
	view__update(v, s, 10);
	assert_int_equal(v->n_rows, 7);
	last = v->rows[4];
	assert_int_equal(last->class, CLASS_CONTENTION);
	last = v->rows[5];
	assert_int_equal(last->wait_ns, 31000 * MS);
	assert_int_equal(last->class, CLASS_IDLE);
	view__show(v, ENTITY_THREAD);
	view__update(v, s, 10);
	assert_int_equal(v->n_rows, s->n_threads);
	view__toggle_idle(v);
	view__update(v, s, 10);
	assert_int_equal(v->n_rows, s->n_threads - 32 - 4);
	view__free(v);
	snapshot__free(s);
}

/* A lock's threads carry their numbers for that lock, and an idle wait is not shown as WAIT. */
static void takes_a_locks_share(void **state)
{
	struct snapshot *s = fixture__new(1);
	struct view *v = new_view(ENTITY_LOCK);
	const struct thread *t;

	(void)state;
	s->thread_locks[0].wait_ns = 777;
	view__toggle_idle(v);
	view__update(v, s, 10);
	assert_true(view__enter(v));
	view__update(v, s, 10);
	assert_int_equal(v->n_rows, 4);
	t = v->rows[3];
	assert_int_equal(t->wait_ns, 777);
	assert_int_not_equal(s->threads[0].wait_ns, 777);
	view__leave(v);
	view__update(v, s, 10);
	view__move(v, 5);
	assert_true(view__enter(v));
	view__update(v, s, 10);
	assert_int_equal(v->n_rows, 32);
	t = v->rows[0];
	assert_int_equal(t->wait_ns, 0);
	assert_true(t->idle_wait_ns > 900 * MS);
	view__free(v);
	snapshot__free(s);
}

/* What processes share is listed inside each of them, and its page has the threads of all. */
static void lists_shared_locks(void **state)
{
	struct snapshot *s = fixture__new(1);
	struct view *v = new_view(ENTITY_PROCESS);

	(void)state;
	/* A thread of the queue worker waited for the database's lock. */
	s->thread_locks[s->n_thread_locks - 1].thread = &s->threads[s->n_threads - 8];
	s->threads[s->n_threads - 8].pid = 977;
	s->thread_locks[s->n_thread_locks - 1].lock = &s->locks[0];
	view__update(v, s, 10);
	view__move(v, 1);
	view__update(v, s, 10);
	assert_true(view__enter(v));
	view__update(v, s, 10);
	assert_int_equal(view__clevel(v)->pid, 977);
	assert_int_equal(v->n_rows, 3);
	assert_ptr_equal(v->rows[0], &s->locks[0]);
	assert_true(view__enter(v));
	view__update(v, s, 10);
	assert_int_equal(v->n_rows, 5);
	view__free(v);
	snapshot__free(s);
}

/* A lock that nobody waits for any more keeps its page, empty, until somebody does. */
static void keeps_a_locks_page(void **state)
{
	struct snapshot *s = fixture__new(1), *none = fixture__empty(2), *again = fixture__new(3);
	struct view *v = new_view(ENTITY_LOCK);
	struct detail *d;

	(void)state;
	view__update(v, s, 10);
	assert_true(view__enter(v));
	view__update(v, s, 10);
	d = view__level(v)->detail;
	assert_ptr_equal(d->lock, &s->locks[0]);
	assert_int_equal(d->trees[ROLE_WAITER]->n_sites, 1);
	view__update(v, none, 10);
	snapshot__free(s);
	assert_null(d->lock);
	assert_int_equal(v->n_rows, 0);
	view__update(v, again, 10);
	snapshot__free(none);
	assert_ptr_equal(d->lock, &again->locks[0]);
	assert_int_equal(v->n_rows, 4);
	view__update(v, NULL, 10);
	assert_null(d->lock);
	view__free(v);
	snapshot__free(again);
}

/* Going in and out again finds the outer list as it was left; 2 and 3 stay in the process. */
static void keeps_the_outer_list(void **state)
{
	struct snapshot *s = fixture__new(1);
	struct view *v = new_view(ENTITY_PROCESS);

	(void)state;
	view__update(v, s, 10);
	view__move(v, 1);
	view__update(v, s, 10);
	assert_true(view__enter(v));
	view__update(v, s, 10);
	assert_int_equal(v->n_rows, 2);
	assert_string_equal(view__clevel(v)->label, "queued 977");
	view__show(v, ENTITY_THREAD);
	view__update(v, s, 10);
	assert_int_equal(v->n_rows, 2);
	assert_int_equal(((const struct thread *)v->rows[0])->pid, 977);
	assert_string_equal(view__clevel(v)->label, "queued 977");
	view__leave(v);
	view__update(v, s, 10);
	assert_int_equal(((const struct process *)view__row(v))->pid, 977);
	view__leave(v);
	assert_int_equal(v->depth, 0);
	view__free(v);
	snapshot__free(s);
}

/* A thread leads to the lock it waits for; one that waits for none leads nowhere. */
static void follows_a_thread(void **state)
{
	struct snapshot *s = fixture__new(1);
	struct view *v = new_view(ENTITY_THREAD);
	size_t waiting = 0;

	(void)state;
	view__update(v, s, 10);
	for (size_t i = 0; i < v->n_rows; i++) {
		const struct thread *t = v->rows[i];

		view__home(v);
		view__move(v, i);
		assert_int_equal(view__enter(v), t->waiting_for != NULL);
		waiting += t->waiting_for != NULL;
		if (t->waiting_for) {
			assert_int_equal(view__clevel(v)->address, t->waiting_for->address);
			view__leave(v);
		}
	}
	assert_int_equal(waiting, 4);
	view__free(v);
	snapshot__free(s);
}

/* The filter of one list is not that of the list inside it. */
static void filters_each_level(void **state)
{
	struct snapshot *s = fixture__new(1);
	struct view *v = new_view(ENTITY_PROCESS);

	(void)state;
	strcpy(view__level(v)->filter, "DBSERV");
	view__update(v, s, 10);
	assert_int_equal(v->n_rows, 1);
	assert_int_equal(v->n_filtered_out, 2);
	view__enter(v);
	view__update(v, s, 10);
	assert_string_equal(view__clevel(v)->filter, "");
	assert_int_equal(v->n_rows, 2);
	view__leave(v);
	assert_string_equal(view__clevel(v)->filter, "DBSERV");
	view__leave(v);
	assert_string_equal(view__clevel(v)->filter, "");
	view__free(v);
	snapshot__free(s);
}

/* A command-line sort key applies to the lists that have it; the rest keep their own. */
static void takes_options(void **state)
{
	struct options o = fixture__options();
	struct view *v;

	(void)state;
	o.sort_key = "timeouts";
	o.reverse = true;
	o.idle = true;
	o.pids[0] = 12;
	o.pids[1] = 34;
	o.n_pids = 2;
	o.comm = "x*";
	v = view__new(&o);
	assert_string_equal(v->sort[ENTITY_LOCK]->key, "timeouts");
	assert_string_equal(v->sort[ENTITY_PROCESS]->key, "wait_ns");
	assert_string_equal(v->sort[ENTITY_THREAD]->key, "wait_ns");
	assert_true(v->reverse[ENTITY_LOCK]);
	assert_true(v->idle);
	assert_string_equal(v->scope, "-p 12,34 --comm x*");
	view__free(v);
	view__free(NULL);
}

/* Twice the same identity in a snapshot does no harm. */
static void bears_duplicates(void **state)
{
	struct view *v = new_view(ENTITY_LOCK);
	struct snapshot *s = NULL;

	(void)state;
	for (uint64_t i = 1; i <= 3; i++) {
		next(v, &s, locks(i, 3, (uint64_t[]){ 30, 20, 10 }));
		s->locks[1].address = 1;
		view__move(v, 1);
		view__update(v, s, 3);
		assert_in_range(v->n_rows, 2, 3);
		assert_non_null(view__row(v));
	}
	snapshot__free(s);
	view__free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorts_while_on_top),
		cmocka_unit_test(stands_still_while_read),
		cmocka_unit_test(moves_no_row_between_intervals),
		cmocka_unit_test(sorts_on_request),
		cmocka_unit_test(loses_its_row),
		cmocka_unit_test(scrolls),
		cmocka_unit_test(hides_idle),
		cmocka_unit_test(takes_a_locks_share),
		cmocka_unit_test(lists_shared_locks),
		cmocka_unit_test(keeps_a_locks_page),
		cmocka_unit_test(keeps_the_outer_list),
		cmocka_unit_test(follows_a_thread),
		cmocka_unit_test(filters_each_level),
		cmocka_unit_test(takes_options),
		cmocka_unit_test(bears_duplicates),
	};

	return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
