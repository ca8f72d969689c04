// SPDX-License-Identifier: GPL-2.0-only
#include "python_fixture.h"

#include <stdlib.h>

#include "../../user/site_tree.h"

/* The tree as text: depth, then * for the beginning of a branch, then the function or mark. */
static char *text_of(const struct site_tree *t)
{
	char *text = xcalloc(1, 64 * 1024), *at = text;

	for (size_t i = 0; i < t->n_lines; i++) {
		const struct tree_line *l = &t->lines[i];
		const char *name = l->mark == TREE_TRUNCATED ? "[truncated]"
				   : l->mark == TREE_MORE    ? "more"
				   : l->mark == TREE_SAME    ? "same"
				   : l->frame->function	     ? l->frame->function
							     : "?";

		at += sprintf(at, "%d%s%.12s\n", l->depth, l->head ? "*" : " ", name);
	}
	return text;
}

static void assert_tree(const struct site_tree *t, const char *expected)
{
	char *text = text_of(t);

	assert_string_equal(text, expected);
	free(text);
}

static struct lock *lock_with_stacks(struct snapshot *s)
{
	fixture__add_stacks(s, &s->locks[0]);
	return &s->locks[0];
}

/* Stacks of c, an array of letters innermost first; each letter is a function. */
static void set_stacks(struct snapshot *s, struct lock *l, const char *const *stacks,
		       const double *shares, size_t n)
{
	l->sites = snapshot__alloc(s, n, sizeof(*l->sites));
	l->n_sites = n;
	for (size_t i = 0; i < n; i++) {
		struct site *site = &l->sites[i];

		site->role = ROLE_WAITER;
		site->samples = 1;
		site->share = shares[i];
		site->wait_ns = shares[i] * 1000;
		site->n_frames = strlen(stacks[i]);
		site->frames = snapshot__alloc(s, site->n_frames, sizeof(*site->frames));
		for (size_t j = 0; j < site->n_frames; j++) {
			site->frames[j].function = snapshot__string(s, (char[]){ stacks[i][j], 0 });
			site->frames[j].module = FIXTURE_DB;
		}
	}
}

/*
 * From the lock function's caller outwards to the thread's own function; what is common stands
 * once, what parts ways is a level further in, and tiny branches are one line.
 */
static void merges_stacks(void **state)
{
	struct snapshot *s = fixture__new(1);
	struct lock *l = lock_with_stacks(s);
	struct site_tree *t = site_tree__new(l, ROLE_WAITER, NULL);

	(void)state;
	assert_tree(t, "0*open_table\n"
		       "1*execute_quer\n"
		       "2*worker_main\n"
		       "2*?\n"
		       "2 [truncated]\n"
		       "1*std::map<std\n"
		       "1 worker_main\n"
		       "0*close_table\n"
		       "1*worker_main\n"
		       "1*more\n");
	assert_int_equal(t->n_sites, 6);
	assert_int_equal((int)(t->lines[0].share * 1000 + 0.5), 920);
	assert_in_range(t->lines[0].wait_ns, 2310 * MS * 92 / 100 - 10, 2310 * MS * 92 / 100);
	assert_int_equal((int)(t->lines[1].share * 1000 + 0.5), 800);
	assert_int_equal(t->lines[9].sites, 2);
	assert_false(t->lines[1].last);
	assert_true(t->lines[3].last);
	/* A sibling of execute_query follows below its branches, none of worker_main's. */
	assert_int_equal(t->lines[2].guides >> 1 & 1, 1);
	assert_int_equal(t->lines[4].guides >> 2 & 1, 0);
	site_tree__free(t);
	t = site_tree__new(l, ROLE_WAKER, NULL);
	assert_tree(t, "0*close_table\n0 worker_main\n");
	site_tree__free(t);
	t = site_tree__new(l, ROLE_HOLDER, NULL);
	assert_int_equal(t->n_lines + t->n_sites, 0);
	site_tree__free(t);
	site_tree__free(NULL);
	snapshot__free(s);
}

/* Two lines of one function are two places; two addresses of one line are one. */
static void tells_lines_apart(void **state)
{
	static const char *const stacks[] = { "ab", "ab", "ab" };
	struct snapshot *s = fixture__new(1);
	struct lock *l = &s->locks[0];
	struct site_tree *t;

	(void)state;
	set_stacks(s, l, stacks, (double[]){ 0.5, 0.3, 0.2 }, 3);
	for (int i = 0; i < 3; i++) {
		l->sites[i].frames[0].file = "a.c";
		l->sites[i].frames[0].line = i < 2 ? 10 : 20;
		l->sites[i].frames[0].offset = i;
	}
	t = site_tree__new(l, ROLE_WAITER, NULL);
	assert_tree(t, "0*a\n0 b\n0*a\n0 b\n");
	assert_int_equal(t->lines[0].sites, 2);
	site_tree__free(t);
	snapshot__free(s);
}

/* While one reads, branches stay in their places and new ones follow; later the largest leads. */
static void keeps_the_order(void **state)
{
	static const char *const stacks[] = { "ax", "b", "c", "ay" };
	struct snapshot *s = fixture__new(1);
	struct lock *l = &s->locks[0];
	struct site_tree *first, *kept, *fresh;

	(void)state;
	set_stacks(s, l, stacks, (double[]){ 0.5, 0.3, 0, 0.2 }, 4);
	l->sites[2].role = ROLE_WAKER;
	first = site_tree__new(l, ROLE_WAITER, NULL);
	assert_tree(first, "0*a\n1*x\n1*y\n0*b\n");
	set_stacks(s, l, stacks, (double[]){ 0.1, 0.2, 0.4, 0.3 }, 4);
	kept = site_tree__new(l, ROLE_WAITER, first);
	assert_tree(kept, "0*a\n1*x\n1*y\n0*b\n0*c\n");
	fresh = site_tree__new(l, ROLE_WAITER, NULL);
	/* a and c have the same share: either may lead, but b is last */
	assert_string_equal(fresh->lines[fresh->n_lines - 1].frame->function, "b");
	site_tree__free(first);
	site_tree__free(kept);
	site_tree__free(fresh);
	snapshot__free(s);
}

/* A stack that ends where another goes on is a branch of its own: its share is not lost. */
static void shows_where_stacks_end(void **state)
{
	static const char *const stacks[] = { "abc", "ab" };
	struct snapshot *s = fixture__new(1);
	struct site_tree *t;

	(void)state;
	set_stacks(s, &s->locks[0], stacks, (double[]){ 0.6, 0.4 }, 2);
	t = site_tree__new(&s->locks[0], ROLE_WAITER, NULL);
	assert_tree(t, "0*a\n0 b\n1*c\n");
	assert_int_equal((int)(t->lines[2].share * 10 + 0.5), 6);
	s->locks[0].sites[1].truncated = true;
	site_tree__free(t);
	t = site_tree__new(&s->locks[0], ROLE_WAITER, NULL);
	assert_tree(t, "0*a\n0 b\n1*c\n1*[truncated]\n");
	site_tree__free(t);
	snapshot__free(s);
}

/* A way out that stands above already is one line, if it is long enough to be worth one. */
static void shows_a_way_once(void **state)
{
	static const char *const stacks[] = { "abcdefgh", "axdefgh", "ayfgh", "aefgh", "bcdefgh" };
	struct snapshot *s = fixture__new(1);
	struct site_tree *t;

	(void)state;
	set_stacks(s, &s->locks[0], stacks, (double[]){ 0.5, 0.3, 0.1, 0.05, 0.05 }, 5);
	t = site_tree__new(&s->locks[0], ROLE_WAITER, NULL);
	assert_tree(t, "0*a\n"
		       "1*b\n1 c\n1 d\n1 e\n1 f\n1 g\n1 h\n"
		       "1*x\n1 same\n"
		       "1*y\n1 f\n1 g\n1 h\n"
		       "1*e\n1 f\n1 g\n1 h\n"
		       "0*b\n0 same\n");
	assert_int_equal(t->lines[9].frames, 5);
	assert_string_equal(t->lines[9].frame->function, "d");
	assert_int_equal(t->lines[19].frames, 6);
	site_tree__free(t);
	snapshot__free(s);
}

/* Stacks of the C library alone, without names, without frames: shown as they are. */
static void bears_odd_stacks(void **state)
{
	static const struct frame libc = { "abort", FIXTURE_LIBC, 1, NULL, 0, "native", NULL };
	static const struct frame nothing = { 0 };
	struct snapshot *s = fixture__new(1);
	struct lock *l = &s->locks[0];
	struct site_tree *t;

	(void)state;
	l->sites = snapshot__alloc(s, 3, sizeof(*l->sites));
	l->n_sites = 3;
	l->sites[0].frames = (struct frame *)&libc;
	l->sites[1].frames = (struct frame *)&nothing;
	l->sites[0].n_frames = l->sites[1].n_frames = 1;
	l->sites[2].truncated = true;
	t = site_tree__new(l, ROLE_WAITER, NULL);
	assert_int_equal(t->n_sites, 3);
	assert_int_equal(t->n_lines, 3);
	site_tree__free(t);
	snapshot__free(s);
}

/* Of a Python stack: from the program's own line to the function that its thread runs. */
static void begins_at_python(void **state)
{
	struct snapshot *s = python_fixture__new(1);
	struct site_tree *t = site_tree__new(&s->locks[0], ROLE_WAITER, NULL);
	struct lock *queue = &s->locks[3];

	(void)state;
	assert_tree(t, "0*UserCache.re\n0 refresher\n");
	site_tree__free(t);
	/* What holds it may do so in the C library. */
	t = site_tree__new(&s->locks[0], ROLE_HOLDER, NULL);
	assert_tree(t, "0*UserCache.re\n0 refresher\n");
	assert_int_equal(t->lines[0].frame->line, 8);
	site_tree__free(t);
	t = site_tree__new(queue, ROLE_WAITER, NULL);
	assert_tree(t, "0*worker\n");
	site_tree__free(t);
	/* What is cut is not taken for a whole stack. */
	queue->sites[0].truncated = true;
	t = site_tree__new(queue, ROLE_WAITER, NULL);
	assert_tree(t, "0*worker\n0 Thread.run\n0 Thread._boot\n0 Thread._boot\n0 [truncated]\n");
	site_tree__free(t);
	/* A thread of the library's own. */
	queue->sites[0].truncated = false;
	queue->sites[0].frames[4] = queue->sites[0].frames[5];
	t = site_tree__new(queue, ROLE_WAITER, NULL);
	assert_tree(t, "0*Condition.wa\n");
	site_tree__free(t);
	snapshot__free(s);
}

/* As deep and as branched as can be: every level of a long stack parts ways. */
static void bears_deep_stacks(void **state)
{
	enum { DEPTH = 127 };
	struct snapshot *s = fixture__new(1);
	struct lock *l = &s->locks[0];
	struct site_tree *t;

	(void)state;
	l->sites = snapshot__alloc(s, DEPTH, sizeof(*l->sites));
	l->n_sites = DEPTH;
	for (int i = 0; i < DEPTH; i++) {
		struct site *site = &l->sites[i];

		site->share = 1.0 / DEPTH;
		site->n_frames = i + 1;
		site->frames = snapshot__alloc(s, i + 1, sizeof(*site->frames));
		for (int j = 0; j <= i; j++)
			site->frames[j].offset = j < i ? j : 1000 + j;
	}
	t = site_tree__new(l, ROLE_WAITER, NULL);
	assert_int_equal(t->n_lines, 2 * DEPTH - 1);
	site_tree__free(t);
	snapshot__free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins_at_python),	  cmocka_unit_test(merges_stacks),
		cmocka_unit_test(tells_lines_apart),	  cmocka_unit_test(keeps_the_order),
		cmocka_unit_test(bears_odd_stacks),	  cmocka_unit_test(shows_a_way_once),
		cmocka_unit_test(shows_where_stacks_end), cmocka_unit_test(bears_deep_stacks),
	};

	return cmocka_run_group_tests_name("site_tree", tests, NULL, NULL);
}
