// SPDX-License-Identifier: GPL-2.0-only
/* Chains, roots and cycles of graphs drawn by hand; and what large ones cost. */
#include "small_graph.h"

#define ASSERT(g, member, n, ...) \
	assert_numbers(#member, (g)->member, (const uint32_t[]){ __VA_ARGS__ }, n)

static inline void assert_cycle(const struct graph_cycle *c, size_t n, const uint32_t *threads,
				const uint32_t *locks)
{
	assert_int_equal(c->n, n);
	assert_numbers("threads", c->threads, threads, n);
	assert_numbers("locks", c->locks, locks, n);
}

/* A chain of four: each waits for the next one's lock, and the last one for nothing. */
static void follows_a_chain(void **state)
{
	const struct small s = {
		4, 3, { 2, 0, 1, NONE }, { { 2, NONE }, { 3, NONE }, { 1, NONE } }
	};
	struct graph *g = build(&s);

	(void)state;
	ASSERT(g, root, 4, 3, 3, 3, 3);
	ASSERT(g, root_lock, 4, 1, 1, 1, NONE);
	ASSERT(g, depth, 4, 3, 2, 1, 0);
	ASSERT(g, behind, 4, 0, 1, 2, 3);
	ASSERT(g, waiters, 3, 1, 1, 1);
	ASSERT(g, impact, 3, 0, 3, 0);
	ASSERT(g, cycle, 4, NONE, NONE, NONE, NONE);
	ASSERT(g, holder, 3, 2, 3, 1);
	ASSERT(g, holds_from, 5, 0, 0, 1, 2, 3);
	ASSERT(g, holds, 3, 2, 0, 1);
	assert_int_equal(g->n_cycles, 0);
	graph__free(g);
}

/* Two threads that took two locks in two orders, and two that queue behind one of them. */
static void finds_a_pair(void **state)
{
	const struct small s = {
		5, 3, { 0, 2, 1, 0, NONE }, { { 2, NONE }, { 0, NONE }, { 3, NONE } }
	};
	struct graph *g = build(&s);

	(void)state;
	assert_int_equal(g->n_cycles, 1);
	assert_cycle(&g->cycles[0], 2, (uint32_t[]){ 0, 2 }, (uint32_t[]){ 0, 1 });
	ASSERT(g, root, 5, 0, 0, 0, 0, 4);
	ASSERT(g, root_lock, 5, 0, 0, 0, 0, NONE);
	ASSERT(g, depth, 5, 0, 2, 0, 1, 0);
	ASSERT(g, behind, 5, 2, 0, 2, 1, 0);
	ASSERT(g, impact, 3, 4, 0, 0);
	ASSERT(g, cycle, 5, 0, NONE, 0, NONE, NONE);
	ASSERT(g, queue_from, 4, 0, 2, 3, 4);
	ASSERT(g, queue, 4, 0, 3, 2, 1);
	graph__free(g);
}

/* Three in a ring beside a thread that waits for itself: two cycles, each its own. */
static void finds_two_cycles(void **state)
{
	const struct small s = {
		5, 4, { 3, 2, 0, 1, 1 }, { { 4, NONE }, { 1, NONE }, { 2, NONE }, { 0, 0, NONE } }
	};
	struct graph *g = build(&s);

	(void)state;
	assert_int_equal(g->n_cycles, 2);
	assert_cycle(&g->cycles[g->cycle[0]], 1, (uint32_t[]){ 0 }, (uint32_t[]){ 3 });
	assert_cycle(&g->cycles[g->cycle[1]], 3, (uint32_t[]){ 1, 2, 4 }, (uint32_t[]){ 2, 0, 1 });
	ASSERT(g, root, 5, 0, 1, 1, 1, 1);
	ASSERT(g, depth, 5, 0, 0, 0, 1, 0);
	ASSERT(g, behind, 5, 0, 1, 1, 0, 1);
	graph__free(g);
}

/* Of several readers the first leads on, unless another one can never let go. */
static void chooses_among_owners(void **state)
{
	/* 0 waits for the writer's turn behind 1, 2 and 3; 2 waits for 4, which runs. */
	struct small s = { 5, 2, { 0, NONE, 1, NONE, NONE }, { { 1, 2, 3, NONE }, { 4, NONE } } };
	struct graph *g = build(&s);

	(void)state;
	ASSERT(g, holder, 2, 1, 4);
	ASSERT(g, root, 5, 1, 1, 4, 3, 4);
	assert_int_equal(g->n_cycles, 0);
	graph__free(g);
	s.waits_for[4] = 0; /* now 4 waits for 2, which waits for 4 */
	g = build(&s);
	assert_int_equal(g->n_cycles, 1);
	assert_cycle(&g->cycles[0], 2, (uint32_t[]){ 2, 4 }, (uint32_t[]){ 1, 0 });
	ASSERT(g, holder, 2, 2, 4);
	ASSERT(g, root, 5, 2, 1, 2, 3, 2);
	ASSERT(g, behind, 5, 0, 0, 1, 0, 1);
	graph__free(g);
}

/* Of the cycles that share threads, one of the fewest threads. */
static void prefers_the_shortest(void **state)
{
	/* A ring of five, and a reader more of one lock that closes it after two. */
	const struct small s = {
		5,
		5,
		{ 0, 1, 2, 3, 4 },
		{ { 1, NONE }, { 2, 0, NONE }, { 3, NONE }, { 4, NONE }, { 0, NONE } }
	};
	struct graph *g = build(&s);

	(void)state;
	assert_int_equal(g->n_cycles, 1);
	assert_cycle(&g->cycles[0], 2, (uint32_t[]){ 0, 1 }, (uint32_t[]){ 0, 1 });
	ASSERT(g, root, 5, 0, 0, 0, 0, 0);
	ASSERT(g, depth, 5, 0, 0, 3, 2, 1);
	ASSERT(g, behind, 5, 3, 3, 0, 1, 2);
	graph__free(g);
}

/* Locks without an owner end chains; numbers out of range are nobody. */
static void knows_nobody(void **state)
{
	const struct small s = {
		4, 3, { 0, 1, 7, 2 }, { { NONE }, { 9, 0, NONE }, { 77, 1u << 31, NONE } }
	};
	struct graph_input nothing = {};
	struct graph *g = build(&s);

	(void)state;
	ASSERT(g, holder, 3, NONE, 0, NONE);
	ASSERT(g, root, 4, 0, 0, 2, 3);
	ASSERT(g, root_lock, 4, 0, 0, NONE, 2);
	ASSERT(g, depth, 4, 0, 1, 0, 0);
	ASSERT(g, impact, 3, 2, 0, 1);
	ASSERT(g, waiters, 3, 1, 1, 1);
	graph__free(g);
	g = graph__new(&nothing);
	assert_int_equal(g->n_cycles, 0);
	assert_int_equal(g->queue_from[0], 0);
	graph__free(g);
	graph__free(NULL);
}

enum { MANY = 10000 };

struct large {
	uint32_t waits_for[MANY], owners_from[MANY + 1], owners[2 * MANY];
	struct graph_input in;
};

/* Lock i is held by thread i + 1, the last one by the first: closed, it is a ring. */
static void make_chain(struct large *l, bool closed)
{
	l->in.n_threads = l->in.n_locks = MANY;
	for (uint32_t i = 0; i < MANY; i++) {
		l->waits_for[i] = i;
		l->owners_from[i] = i;
		l->owners[i] = i + 1 < MANY ? i + 1 : closed ? 0 : NONE;
	}
	l->owners_from[MANY] = MANY;
}

/* n locks, each with as many waiters; thread l owns lock l and waits for the lock before. */
static void make_stars(struct large *l, uint32_t n)
{
	l->in.n_threads = MANY;
	l->in.n_locks = n;
	for (uint32_t i = 0; i < MANY; i++)
		l->waits_for[i] = i % n;
	for (uint32_t i = 0; i < n; i++) {
		l->waits_for[i] = i ? i - 1 : NONE;
		l->owners_from[i] = l->owners[i] = i;
	}
	l->owners_from[n] = n;
}

/* Two owners of each lock: one set of all threads, in which every lock leads on to two. */
static void make_tangle(struct large *l)
{
	uint32_t seed = 1;

	make_chain(l, true);
	for (uint32_t i = 0; i < MANY; i++) {
		l->owners_from[i] = 2 * i;
		l->owners[2 * i] = (i + 1) % MANY;
		l->owners[2 * i + 1] = (i + 1 + any(&seed, 3)) % MANY; /* never far back */
	}
	l->owners_from[MANY] = 2 * MANY;
}

/* The best of a few runs: others use this machine too. */
static uint64_t cost_ns(const struct large *l, struct graph **ret)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 5; i++) {
		uint64_t start = util__monotonic_ns();

		*ret = graph__new(&l->in);
		best = MIN(best, util__monotonic_ns() - start);
		if (i < 4)
			graph__free(*ret);
	}
	return best;
}

#define ASSERT_CHEAP(what, l, g, most_ms)                       \
	do {                                                    \
		uint64_t ns = cost_ns(l, &(g));                 \
                                                                \
		print_message("%s: %.2f ms\n", what, ns / 1e6); \
		assert_true(ns < (most_ms)*1000000ULL);         \
	} while (0)

/* Ten thousand waiting threads in any shape, far below what a screen may take. */
static void is_cheap(void **state)
{
	struct large *l = xcalloc(1, sizeof(*l));
	struct graph *g;

	(void)state;
	l->in = (struct graph_input){ 0, 0, l->waits_for, l->owners_from, l->owners };
	make_chain(l, false);
	ASSERT_CHEAP("chain", l, g, 50);
	assert_int_equal(g->depth[0], MANY - 1);
	assert_int_equal(g->root[0], MANY - 1);
	assert_int_equal(g->behind[MANY - 1], MANY - 1);
	assert_int_equal(g->impact[MANY - 1], MANY);
	graph__free(g);
	make_chain(l, true);
	ASSERT_CHEAP("ring", l, g, 50);
	assert_int_equal(g->n_cycles, 1);
	assert_int_equal(g->cycles[0].n, MANY);
	graph__free(g);
	make_stars(l, 1);
	ASSERT_CHEAP("star", l, g, 50);
	assert_int_equal(g->behind[0], MANY - 1);
	graph__free(g);
	make_stars(l, 1000);
	ASSERT_CHEAP("1,000 locks", l, g, 50);
	assert_int_equal(g->behind[0], MANY - 1);
	assert_int_equal(g->waiters[500], 10);
	graph__free(g);
	free(l);
}

/* The search for a shortest cycle gives up in time where there are thousands of ways. */
static void ends_in_a_tangle(void **state)
{
	struct large *l = xcalloc(1, sizeof(*l));
	struct graph *g;

	(void)state;
	l->in = (struct graph_input){ 0, 0, l->waits_for, l->owners_from, l->owners };
	make_tangle(l);
	ASSERT_CHEAP("tangle", l, g, 200);
	assert_int_equal(g->n_cycles, 1);
	assert_true(g->cycles[0].n >= MANY / 3 && g->cycles[0].n <= MANY);
	graph__free(g);
	free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_a_chain),
		cmocka_unit_test(finds_a_pair),
		cmocka_unit_test(finds_two_cycles),
		cmocka_unit_test(chooses_among_owners),
		cmocka_unit_test(prefers_the_shortest),
		cmocka_unit_test(knows_nobody),
		cmocka_unit_test(is_cheap),
		cmocka_unit_test(ends_in_a_tangle),
	};

	return cmocka_run_group_tests_name("graph", tests, NULL, NULL);
}
