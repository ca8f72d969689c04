// SPDX-License-Identifier: GPL-2.0-only
/* The graph of lock orders: which cycles are found, by rule and against a search by brute force. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "../../user/order_graph.h"
#include "../../user/util.h"

#define EDGES 64

static int set_up(void **state)
{
	struct order_graph *g = xcalloc(1, sizeof(*g));

	order_graph__init(g, EDGES);
	*state = g;
	return 0;
}

static int tear_down(void **state)
{
	order_graph__done(*state);
	free(*state);
	return 0;
}

static struct order_key key_of(uint64_t from, uint64_t to)
{
	return (struct order_key){ .tgid = 1, .gen = 1, .from = from, .to = to };
}

/* An order that several threads took, with nothing that makes it harmless. */
static struct order_stats plain(uint32_t tid)
{
	return (struct order_stats){ .count = 1, .tid = tid, .others = 1 };
}

static struct order_edge *take(struct order_graph *g, uint64_t from, uint64_t to,
			       struct order_stats stats)
{
	struct order_key key = key_of(from, to);

	return order_graph__take(g, &key, &stats, 1);
}

/* The length of the first cycle that the queue leads to; the queue is empty then. */
static size_t find(struct order_graph *g)
{
	struct order_edge *e, *cycle[ORDER_CYCLE_MAX];
	size_t length = 0;

	while ((e = order_graph__next(g))) {
		size_t n = order_graph__cycle(g, e, cycle);

		length = length ? length : n;
	}
	return length;
}

/* Orders that agree are no cycle; the one that contradicts them is, also at a distance. */
static void test_cycle(void **state)
{
	struct order_graph *g = *state;

	take(g, 1, 2, plain(1));
	take(g, 2, 3, plain(1));
	take(g, 1, 3, plain(1));
	assert_int_equal(find(g), 0);
	take(g, 3, 1, plain(1));
	assert_int_equal(find(g), 2); /* by 1 -> 3: shorter than by 2 */
	take(g, 2, 3, plain(1));
	assert_int_equal(find(g), 0); /* nothing new: nothing is searched */
}

/* Another lock, held each time, keeps the threads apart: until it is seen not to be. */
static void test_gates(void **state)
{
	struct order_graph *g = *state;
	struct order_stats gated = plain(1), open = plain(1), other = plain(2);

	gated.gates = 6;
	other.gates = 4;
	take(g, 1, 2, gated);
	take(g, 2, 1, other);
	assert_int_equal(find(g), 0);
	other.gates = 12;
	take(g, 2, 1, other);
	assert_int_equal(find(g), 0);
	open.gates = 2;
	open.count = 5;
	take(g, 1, 2, open);
	assert_int_equal(find(g), 2);
}

/* A longer way without a gate counts where a shorter one has it. */
static void test_way_round_gates(void **state)
{
	struct order_graph *g = *state;
	struct order_stats gated = plain(1);

	gated.gates = 1;
	take(g, 1, 2, gated);
	take(g, 2, 1, gated);
	take(g, 2, 3, plain(1));
	assert_int_equal(find(g), 0);
	take(g, 3, 1, plain(1));
	assert_int_equal(find(g), 3);
}

/* The same where both ways lead to the same lock, and neither passes a lock twice. */
static void test_two_ways(void **state)
{
	struct order_graph *g = *state;
	struct order_edge *first, *cycle[ORDER_CYCLE_MAX];
	struct order_stats gated = plain(1);

	gated.gates = 1;
	first = take(g, 1, 2, gated);
	take(g, 2, 3, gated);
	take(g, 3, 1, gated);
	take(g, 3, 4, plain(1));
	take(g, 4, 3, plain(1));
	assert_int_equal(order_graph__cycle(g, first, cycle), 0);
	take(g, 2, 5, plain(1));
	take(g, 5, 3, plain(1));
	assert_int_equal(order_graph__cycle(g, first, cycle), 4);
	assert_int_equal(cycle[2]->key.from, 5);
}

/* Readers do not keep each other out; one writer among them is enough. */
static void test_readers(void **state)
{
	struct order_graph *g = *state;
	struct order_stats reads = plain(1), writes = plain(1);

	reads.shared = 3;
	writes.shared = 1;
	take(g, 1, 2, reads);
	take(g, 2, 1, reads);
	assert_int_equal(find(g), 0);
	take(g, 2, 1, writes);
	assert_int_equal(find(g), 2);
}

/* One thread does not wait for itself: neither in two steps nor in three. */
static void test_one_thread(void **state)
{
	struct order_graph *g = *state;
	struct order_stats alone = { .count = 1, .tid = 7 }, another = { .count = 1, .tid = 8 };

	take(g, 1, 2, alone);
	take(g, 2, 3, alone);
	take(g, 3, 1, alone);
	take(g, 2, 1, alone);
	assert_int_equal(find(g), 0);
	alone.others = 1;
	take(g, 2, 1, alone);
	assert_int_equal(find(g), 2);
	take(g, 4, 5, another);
	alone.others = 0;
	take(g, 5, 4, alone);
	assert_int_equal(find(g), 2);
}

/* Orders of a lock that was destroyed do not meet those of the next one at its address. */
static void test_lives(void **state)
{
	struct order_graph *g = *state;
	struct exact_key second = { .tgid = 1, .gen = 1, .addr = 2 };
	struct order_stats reborn = plain(2), both = plain(2);
	struct order_edge *before = take(g, 1, 2, plain(1)), *after;

	assert_false(order_edge__is_stale(before));
	reborn.from_life = 1;
	after = take(g, 2, 1, reborn);
	assert_int_equal(find(g), 0);
	order_graph__lives(g, &second, 257); /* only its low bits are in the orders */
	assert_true(order_edge__is_stale(before));
	assert_false(order_edge__is_stale(after));
	order_graph__drop(g, before);
	both.to_life = 1;
	take(g, 1, 2, both);
	assert_int_equal(find(g), 2);
}

/* What the user does not want to hear of is part of no cycle. */
static void test_suppressed(void **state)
{
	struct order_graph *g = *state;
	struct order_edge *first = take(g, 1, 2, plain(1)), *cycle[ORDER_CYCLE_MAX];

	take(g, 2, 3, plain(1));
	take(g, 3, 1, plain(1));
	assert_int_equal(find(g), 3);
	take(g, 2, 1, plain(1))->suppressed = true;
	assert_int_equal(find(g), 0);
	assert_int_equal(order_graph__cycle(g, first, cycle), 3);
}

/* No more edges than there is room for, no edge to itself; what did not fit is counted. */
static void test_bounds(void **state)
{
	struct order_graph *g = *state;
	struct order_edge *edge = take(g, 1, 2, plain(1));

	assert_null(take(g, 3, 3, plain(1)));
	for (uint64_t i = 1; i < EDGES + 10; i++)
		take(g, 100, 100 + i, plain(1));
	assert_int_equal(HASH_COUNT(g->edges), EDGES);
	assert_int_equal(g->lost, 10);
	assert_ptr_equal(take(g, 1, 2, plain(1)), edge);
	order_edge__use(edge);
	order_graph__drop(g, edge);
	assert_null(edge->from);
	order_graph__queue(g, edge); /* it is nobody's any more */
	order_edge__put(edge);
	assert_int_equal(find(g), 0);
	assert_int_equal(HASH_COUNT(g->locks), EDGES);
}

/* What is dropped is gone, and what stays can be dropped after it. */
static void test_drop(void **state)
{
	struct order_graph *g = *state;
	struct order_edge *a = take(g, 1, 2, plain(1)), *b = take(g, 1, 3, plain(1));
	struct order_edge *c = take(g, 1, 4, plain(1));

	order_graph__drop(g, a);
	order_graph__drop(g, c);
	assert_int_equal(b->from->n_out, 1);
	assert_ptr_equal(b->from->out[0], b);
	assert_ptr_equal(order_graph__next(g), b);
	assert_null(order_graph__next(g));
	assert_int_equal(HASH_COUNT(g->locks), 2);
}

/* A cycle longer than is told of ends no search badly, and a full graph takes bounded work. */
static void test_large(void **state)
{
	struct order_graph g;
	struct order_edge *e, *cycle[ORDER_CYCLE_MAX];

	order_graph__init(&g, 100000);
	for (uint64_t i = 0; i < ORDER_CYCLE_MAX; i++)
		take(&g, i, i + 1, plain(1));
	assert_int_equal(find(&g), 0);
	take(&g, ORDER_CYCLE_MAX, 0, plain(1));
	assert_int_equal(find(&g), 0);
	take(&g, ORDER_CYCLE_MAX - 1, 0, plain(1));
	assert_int_equal(find(&g), ORDER_CYCLE_MAX);
	for (uint64_t i = 1000; i < 1300; i++)
		for (uint64_t j = 1000; j < 1300; j++) {
			struct order_stats gated = plain(1);

			gated.gates = ~(1ULL << ((i * 300 + j) % 61));
			take(&g, i, j, gated);
		}
	e = order_graph__next(&g);
	g.lost = g.steps = 0;
	order_graph__cycle(&g, e, cycle);
	assert_true(g.steps < 2000000);
	order_graph__done(&g);
}

/* ---- against brute force ---- */

#define LOCKS 7

struct brute {
	bool edge[LOCKS][LOCKS];
	bool on_path[LOCKS];
	size_t shortest; /* 0: none */
};

/* All simple paths, one after the other. */
static void walk(struct brute *b, int at, int end, size_t length)
{
	if (at == end) {
		if (!b->shortest || length < b->shortest)
			b->shortest = length;
		return;
	}
	b->on_path[at] = true;
	for (int next = 0; next < LOCKS; next++)
		if (b->edge[at][next] && !b->on_path[next])
			walk(b, next, end, length + 1);
	b->on_path[at] = false;
}

/* Is it one simple cycle of edges that are there, that begins with this one? */
static void check_cycle(const struct brute *b, struct order_edge *const *cycle, size_t n,
			const struct order_edge *first)
{
	assert_ptr_equal(cycle[0], first);
	for (size_t i = 0; i < n; i++) {
		const struct order_key *key = &cycle[i]->key;

		assert_true(b->edge[key->from][key->to]);
		assert_int_equal(key->to, cycle[(i + 1) % n]->key.from);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(key->from, cycle[j]->key.from);
	}
}

/* Edges come and go at random: each new one has a cycle just if one exists, and a shortest one. */
static void test_random(void **state)
{
	unsigned int seed = 1, cycles = 0;

	for (int round = 0; round < 300; round++) {
		struct order_graph g;
		struct brute b = {};

		order_graph__init(&g, LOCKS * LOCKS);
		for (int step = 0; step < 60; step++) {
			int from = rand_r(&seed) % LOCKS, to = rand_r(&seed) % LOCKS;
			struct order_edge *cycle[ORDER_CYCLE_MAX], *e;
			bool is_new = from != to && !b.edge[from][to];
			size_t n;

			e = take(&g, from, to, plain(step % 2));
			assert_true(!e == (from == to));
			if (is_new && rand_r(&seed) % 5 == 0) {
				order_graph__drop(&g, e);
				is_new = false;
			} else if (e) {
				b.edge[from][to] = true;
			}
			e = order_graph__next(&g);
			assert_true(!!e == is_new);
			if (!e)
				continue;
			n = order_graph__cycle(&g, e, cycle);
			b.shortest = 0;
			walk(&b, to, from, 1);
			assert_int_equal(n, b.shortest);
			if (n)
				check_cycle(&b, cycle, n, e);
			cycles += n > 0;
		}
		assert_int_equal(g.lost, 0);
		order_graph__done(&g);
	}
	assert_true(cycles > 1000);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_cycle),
		TEST(test_gates),
		TEST(test_way_round_gates),
		TEST(test_two_ways),
		TEST(test_drop),
		TEST(test_readers),
		TEST(test_one_thread),
		TEST(test_lives),
		TEST(test_suppressed),
		TEST(test_bounds),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
