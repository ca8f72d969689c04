// SPDX-License-Identifier: GPL-2.0-only
/* What of a snapshot becomes its wait graph: proved owners, and waits that hold somebody up. */
#include "fixture.h"

#include <stdlib.h>

#include "../../user/wait_graph.h"

/* Threads that run, numbered from 0. */
static struct snapshot *with(size_t threads)
{
	struct snapshot *s = fixture__empty(1);

	for (size_t i = 0; i < threads; i++)
		fixture__add_thread(s, 100, 101 + i, "made-up", "thread", STATE_RUNNING);
	return s;
}

static struct lock *add_lock(struct snapshot *s, enum lock_class class)
{
	struct lock *l = fixture__new_lock(s, 100, "made-up", 0x1000 + 0x40 * s->n_locks,
					   class == CLASS_IDLE ? KIND_COND : KIND_MUTEX, NULL);

	l->class = class;
	return l;
}

static void assert_waits(const struct graph *g, uint32_t lock, size_t n)
{
	assert_int_equal(g->waiters[lock], n);
}

/* Numbers are places in the snapshot; what is not part of it has none. */
static void numbers_by_place(void **state)
{
	struct snapshot *s = fixture__new(1), *none = snapshot__new();
	struct thread other;
	struct lock stray;

	(void)state;
	assert_int_equal(wait_graph__thread(s, &s->threads[0]), 0);
	assert_int_equal(wait_graph__thread(s, &s->threads[7]), 7);
	assert_int_equal(wait_graph__lock(s, &s->locks[3]), 3);
	assert_int_equal(wait_graph__thread(s, NULL), GRAPH_NONE);
	assert_int_equal(wait_graph__lock(s, NULL), GRAPH_NONE);
	assert_int_equal(wait_graph__thread(s, &other), GRAPH_NONE);
	assert_int_equal(wait_graph__lock(s, &stray), GRAPH_NONE);
	assert_int_equal(wait_graph__thread(s, s->threads + s->n_threads), GRAPH_NONE);
	assert_int_equal(wait_graph__lock(none, &s->locks[0]), GRAPH_NONE);
	snapshot__free(s);
	snapshot__free(none);
}

/* The chain of the made-up machine, and its deadlocks. */
static void follows_owners(void **state)
{
	struct snapshot *s = fixture__new(1);
	uint32_t flusher, middle;
	struct graph *g;

	(void)state;
	fixture__add_owners(s);
	fixture__add_deadlock(s);
	g = wait_graph__new(s, false);
	flusher = wait_graph__thread(s, fixture__thread(s, 4300));
	middle = wait_graph__thread(s, fixture__thread(s, 4293));
	assert_int_equal(g->holder[0], middle);
	assert_int_equal(g->root[0], flusher);
	assert_int_equal(g->depth[0], 2);
	assert_int_equal(g->behind[flusher], 4);
	assert_int_equal(g->impact[1], 4);
	assert_int_equal(g->n_cycles, 2);
	assert_int_equal(g->behind[wait_graph__thread(s, fixture__thread(s, 5151))], 1);
	assert_int_equal(g->cycles[g->cycle[wait_graph__thread(s, fixture__thread(s, 5170))]].n, 1);
	graph__free(g);
	snapshot__free(s);
}

/* Who let the last waiter go blocks nobody by that: no chain, and no cycle, rests on it. */
static void trusts_proofs_only(void **state)
{
	static const struct {
		enum owner_proof proof;
		size_t cycles;
	} cases[] = {
		{ PROOF_LOCK_WORD, 1 },
		{ PROOF_EXACT, 1 },
		{ PROOF_PYTHON, 1 },
		{ PROOF_LAST_WAKER, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct snapshot *s = with(2);
		struct graph *g;

		for (size_t j = 0; j < 2; j++)
			fixture__wait(s, &s->threads[j], add_lock(s, CLASS_CONTENTION), 5 * MS);
		fixture__own(s, &s->locks[0], &s->threads[1], PROOF_LOCK_WORD, 0);
		fixture__own(s, &s->locks[1], &s->threads[0], cases[i].proof, 0);
		g = wait_graph__new(s, false);
		assert_int_equal(g->n_cycles, cases[i].cycles);
		assert_waits(g, 0, 1);
		assert_waits(g, 1, 1);
		assert_int_equal(g->root[0], cases[i].cycles ? 0 : 1);
		graph__free(g);
		snapshot__free(s);
	}
}

/* An owner that is not among the threads is none. */
static void ignores_strangers(void **state)
{
	struct snapshot *s = with(1);
	struct thread stranger = { .tid = 7 };
	struct graph *g;

	(void)state;
	fixture__wait(s, &s->threads[0], add_lock(s, CLASS_CONTENTION), 5 * MS);
	fixture__own(s, &s->locks[0], &stranger, PROOF_LOCK_WORD, 0);
	g = wait_graph__new(s, true);
	assert_int_equal(g->holder[0], GRAPH_NONE);
	assert_int_equal(g->root[0], 0);
	graph__free(g);
	snapshot__free(s);
}

/* Idle waits are left out, unless they are asked for. */
static void leaves_idle_out(void **state)
{
	struct snapshot *s = with(3);
	struct lock *jobs = add_lock(s, CLASS_IDLE);
	struct graph *g;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		fixture__wait(s, &s->threads[i], jobs, 5 * MS);
	g = wait_graph__new(s, false);
	assert_waits(g, 0, 0);
	assert_int_equal(g->root_lock[0], GRAPH_NONE);
	graph__free(g);
	g = wait_graph__new(s, true);
	assert_waits(g, 0, 3);
	graph__free(g);
	snapshot__free(s);
}

/* A worker that waits for work with a lock in its hands is waited for; the others are not. */
static void keeps_idle_owners(void **state)
{
	struct snapshot *s = with(4);
	struct lock *jobs = add_lock(s, CLASS_IDLE), *table, *log;
	struct graph *g;

	(void)state;
	table = add_lock(s, CLASS_CONTENTION);
	log = add_lock(s, CLASS_CONTENTION);
	fixture__wait(s, &s->threads[0], jobs, 5 * MS);
	fixture__wait(s, &s->threads[1], jobs, 5 * MS);
	fixture__wait(s, &s->threads[2], table, 5 * MS);
	fixture__own(s, table, &s->threads[1], PROOF_LOCK_WORD, 0);
	fixture__own(s, log, &s->threads[0], PROOF_LOCK_WORD, 0); /* which nobody wants */
	g = wait_graph__new(s, false);
	assert_waits(g, 0, 1);
	assert_int_equal(g->root[2], 1);
	assert_int_equal(g->root_lock[2], 0);
	assert_int_equal(g->root_lock[0], GRAPH_NONE);
	graph__free(g);
	s->locks[1].owner->proof = PROOF_LAST_WAKER; /* perhaps it does not hold it at all */
	g = wait_graph__new(s, false);
	assert_waits(g, 0, 0);
	graph__free(g);
	snapshot__free(s);
}

/* Main waits for the end of a worker, that one for work: a pool, and nobody is held up. */
static void leaves_joins_out(void **state)
{
	struct snapshot *s = with(3);
	struct lock *jobs = add_lock(s, CLASS_IDLE), *join = add_lock(s, CLASS_IDLE), *table;
	struct graph *g;

	(void)state;
	table = add_lock(s, CLASS_CONTENTION);
	fixture__wait(s, &s->threads[0], join, 5 * MS);
	fixture__wait(s, &s->threads[1], jobs, 5 * MS);
	fixture__own(s, join, &s->threads[1], PROOF_LOCK_WORD, 0);
	g = wait_graph__new(s, false);
	assert_waits(g, 0, 0);
	assert_waits(g, 1, 0);
	graph__free(g);
	/* But with a lock of main's that a third one wants, the chain is followed to its end. */
	fixture__wait(s, &s->threads[2], table, 5 * MS);
	fixture__own(s, table, &s->threads[0], PROOF_LOCK_WORD, 0);
	g = wait_graph__new(s, false);
	assert_int_equal(g->depth[2], 2);
	assert_int_equal(g->root[2], 1);
	assert_int_equal(g->root_lock[2], 0);
	graph__free(g);
	snapshot__free(s);
}

/* What is deadlocked is part of the graph, whatever its class. */
static void keeps_deadlocks(void **state)
{
	struct snapshot *s = with(1);
	struct lock *join = add_lock(s, CLASS_IDLE);
	struct graph *g;

	(void)state;
	fixture__wait(s, &s->threads[0], join, 5 * MS);
	fixture__own(s, join, &s->threads[0], PROOF_LOCK_WORD, 0);
	g = wait_graph__new(s, false);
	assert_int_equal(g->n_cycles, 0);
	graph__free(g);
	join->deadlocked = true;
	g = wait_graph__new(s, false);
	assert_int_equal(g->n_cycles, 1);
	graph__free(g);
	snapshot__free(s);
}

/* A snapshot without a row. */
static void takes_nothing(void **state)
{
	struct snapshot *s = snapshot__new();
	struct graph *g = wait_graph__new(s, true);

	(void)state;
	assert_int_equal(g->n_cycles, 0);
	graph__free(g);
	snapshot__free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_by_place),   cmocka_unit_test(follows_owners),
		cmocka_unit_test(trusts_proofs_only), cmocka_unit_test(ignores_strangers),
		cmocka_unit_test(leaves_idle_out),    cmocka_unit_test(keeps_idle_owners),
		cmocka_unit_test(leaves_joins_out),   cmocka_unit_test(keeps_deadlocks),
		cmocka_unit_test(takes_nothing),
	};

	return cmocka_run_group_tests_name("wait_graph", tests, NULL, NULL);
}
