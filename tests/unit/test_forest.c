// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

#include <stdlib.h>

#include "../../user/forest.h"
#include "../../user/words.h"

/* A chain of n threads: each but the first waits for the lock of the one before. */
static struct snapshot *chain(int n)
{
	struct snapshot *s = fixture__empty(1);
	struct thread *before = NULL;

	s->threads = snapshot__alloc(s, n, sizeof(*s->threads));
	s->locks = snapshot__alloc(s, n, sizeof(*s->locks));
	s->thread_locks = snapshot__alloc(s, n, sizeof(*s->thread_locks));
	for (int i = 0; i < n; i++) {
		struct thread *t = fixture__add_thread(s, 1, 100 + i, "a", "t", STATE_RUNNING);

		if (before) {
			struct lock *l =
				fixture__new_lock(s, 1, "a", 0x1000 + 64 * i, KIND_MUTEX, NULL);

			fixture__own(s, l, before, PROOF_LOCK_WORD, 0);
			fixture__wait(s, t, l, (n - i) * MS);
		}
		before = t;
	}
	return s;
}

/* Nothing, and nothing that waits. */
static void is_empty(void **state)
{
	struct snapshot *s = fixture__empty(1);
	struct forest *f = forest__new(NULL, false, NULL);

	(void)state;
	assert_int_equal(f->n_lines, 0);
	forest__free(f);
	f = forest__new(s, true, NULL);
	assert_int_equal(f->n_lines + f->n_roots + f->n_waiting, 0);
	forest__free(f);
	forest__free(NULL);
	snapshot__free(s);
}

/* A chain of ten thousand has a line for each thread and lock, and overflows nothing. */
static void follows_long_chains(void **state)
{
	struct snapshot *s = chain(10000);
	struct forest *f = forest__new(s, false, NULL);

	(void)state;
	assert_int_equal(f->n_lines, 10000 + 9999);
	assert_int_equal(f->n_roots, 1);
	assert_int_equal(f->n_waiting, 9999);
	for (size_t i = 0; i < f->n_lines; i++) {
		assert_int_equal(f->lines[i].guides.depth, i);
		assert_int_equal(f->lines[i].mark, i == 0  ? FOREST_ROOT
						   : i % 2 ? FOREST_LOCK
							   : FOREST_WAITER);
		assert_int_equal(f->lines[i].behind, 9999 - i / 2);
	}
	forest__free(f);
	snapshot__free(s);
}

/* Every thread that waits has a line or is counted in one, once; so does each lock. */
static void loses_nobody(void **state)
{
	struct snapshot *s = fixture__new(1);
	size_t threads = 0, locks = 0, waiting = 0;
	struct forest *f;

	(void)state;
	fixture__add_owners(s);
	fixture__add_deadlock(s);
	f = forest__new(s, true, NULL);
	for (size_t i = 0; i < s->n_threads; i++)
		waiting += s->threads[i].waiting_for != NULL;
	for (size_t i = 0; i < f->n_lines; i++) {
		const struct forest_line *line = &f->lines[i];

		threads += line->mark == FOREST_WAITER || line->mark == FOREST_LINK;
		threads += line->mark == FOREST_MORE ? line->n : 0;
		locks += line->mark == FOREST_LOCK;
		if (line->mark == FOREST_MORE)
			assert_in_range(line->least_ns, 1, line->age_ns);
	}
	assert_int_equal(threads, waiting);
	assert_int_equal(f->n_waiting, waiting);
	/* All that are waited for, but the two that only threads of their own cycle wait for. */
	assert_int_equal(locks, 5 + 2 + 1);
	forest__free(f);
	snapshot__free(s);
}

/* Nine waiters have a line each; of ten, two share one: a line that hides one saves none. */
static void folds_what_is_worth_it(void **state)
{
	(void)state;
	for (int n = FOREST_WAITERS; n < FOREST_WAITERS + 4; n++) {
		struct snapshot *s = fixture__empty(1);
		struct lock *l = fixture__new_lock(s, 1, "a", 0x1000, KIND_MUTEX, "m");
		const struct forest_line *last;
		struct forest *f;

		for (int i = 0; i < n; i++)
			fixture__wait(s, fixture__add_thread(s, 1, 2 + i, "a", "t", STATE_WAITING),
				      l, (i + 1) * MS);
		f = forest__new(s, false, NULL);
		last = &f->lines[f->n_lines - 1];
		assert_true(last->guides.last);
		if (n <= FOREST_WAITERS + 1) {
			assert_int_equal(f->n_lines, 1 + n);
			assert_int_equal(last->age_ns, MS);
		} else {
			assert_int_equal(f->n_lines, 1 + FOREST_WAITERS + 1);
			assert_int_equal(last->mark, FOREST_MORE);
			assert_int_equal(last->n, n - FOREST_WAITERS);
			assert_int_equal(last->age_ns, (n - FOREST_WAITERS) * MS);
		}
		assert_int_equal(f->lines[1].age_ns, n * MS); /* the oldest first */
		forest__free(f);
		snapshot__free(s);
	}
}

/* An inferred owner blocks nobody: its lock is a root, which says who let go last. */
static void trusts_proofs_only(void **state)
{
	struct snapshot *s = fixture__new(1);
	char what[WORDS_MAX], remark[WORDS_MAX];
	struct forest *f;

	(void)state;
	fixture__add_owners(s);
	f = forest__new(s, false, NULL);
	for (size_t i = 0; i < f->n_lines; i++) {
		const struct forest_line *line = &f->lines[i];

		if (line->mark != FOREST_LOCK || line->lock != &s->locks[3])
			continue;
		assert_int_equal(line->guides.depth, 0);
		forest__words(line, s->interval_ns, what, remark);
		assert_string_equal(what, "sem slots");
		assert_non_null(strstr(remark, "last let go by taker 990 (inferred)"));
	}
	forest__free(f);
	snapshot__free(s);
}

/* In a cycle each thread says whom it waits for; its process, where the cycle leaves it. */
static void names_links(void **state)
{
	static const char *const expected[] = { "teller-1 5151 (bank 5150)",
						"waits for accounts_lock, held by 5152",
						"teller-2 5152 (bank 5199)",
						"waits for audit_lock, held by 5151",
						"loner 5170",
						"waits for mutex 0x6000, held by itself" };
	struct snapshot *s = fixture__new(1);
	char what[WORDS_MAX], remark[WORDS_MAX];
	struct forest *f;
	size_t n = 0;

	(void)state;
	fixture__add_deadlock(s);
	fixture__thread(s, 5152)->pid = 5199;
	f = forest__new(s, false, NULL);
	for (size_t i = 0; i < f->n_lines; i++) {
		if (f->lines[i].mark != FOREST_LINK)
			continue;
		forest__words(&f->lines[i], s->interval_ns, what, remark);
		assert_string_equal(what, expected[n++]);
		assert_string_equal(remark, expected[n++]);
	}
	assert_int_equal(n, ARRAY_SIZE(expected));
	forest__free(f);
	snapshot__free(s);
}

/* What is unknown or NULL in a deadlock does no harm. */
static void bears_gaps(void **state)
{
	struct snapshot *s = fixture__new(1);
	struct deadlock_thread *threads = snapshot__alloc(s, 2, sizeof(*threads));
	struct deadlock d[] = { { 1, 0, threads, 2 }, { 1, 0, NULL, 0 } };
	char what[WORDS_MAX], remark[WORDS_MAX];
	struct forest *f;

	(void)state;
	threads[0].thread = &s->threads[0];
	s->deadlocks = d;
	s->n_deadlocks = 2;
	s->threads[0].comm = s->threads[0].process_comm = NULL;
	f = forest__new(s, false, NULL);
	assert_int_equal(f->lines[0].mark, FOREST_DEADLOCK);
	for (size_t i = 0; i < f->n_lines; i++)
		forest__words(&f->lines[i], 0, what, remark);
	forest__free(f);
	snapshot__free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_empty),	      cmocka_unit_test(follows_long_chains),
		cmocka_unit_test(loses_nobody),	      cmocka_unit_test(folds_what_is_worth_it),
		cmocka_unit_test(trusts_proofs_only), cmocka_unit_test(bears_gaps),
		cmocka_unit_test(names_links),
	};

	return cmocka_run_group_tests_name("forest", tests, NULL, NULL);
}
