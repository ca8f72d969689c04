// SPDX-License-Identifier: GPL-2.0-only
/* Random graphs, judged by a search that is written another way: over matrices, by relaxation. */
#include "small_graph.h"

struct judge {
	const struct small *s;
	const struct graph *g;
	/* Fewest steps from thread to thread, over any owners; NONE: no way. */
	uint32_t steps[MOST][MOST];
	uint32_t distance[MOST]; /* steps from a lock to one of a cycle */
};

static bool owns(const struct small *s, uint32_t thread, uint32_t lock)
{
	for (int i = 0; s->owners[lock][i] != NONE; i++)
		if (s->owners[lock][i] == thread)
			return true;
	return false;
}

static bool waits(const struct small *s, uint32_t thread)
{
	return s->waits_for[thread] < s->n_locks;
}

static uint32_t sum(uint32_t a, uint32_t b)
{
	return a == NONE || b == NONE ? NONE : a + b;
}

/* By relaxing every pair over every third one. */
static void measure_steps(struct judge *j)
{
	size_t n = j->s->n_threads;

	for (uint32_t a = 0; a < n; a++)
		for (uint32_t b = 0; b < n; b++)
			j->steps[a][b] =
				waits(j->s, a) && owns(j->s, b, j->s->waits_for[a]) ? 1 : NONE;
	for (uint32_t by = 0; by < n; by++)
		for (uint32_t a = 0; a < n; a++)
			for (uint32_t b = 0; b < n; b++)
				j->steps[a][b] =
					MIN(j->steps[a][b], sum(j->steps[a][by], j->steps[by][b]));
}

static bool same_set(const struct judge *j, uint32_t a, uint32_t b)
{
	return j->steps[a][b] != NONE && j->steps[b][a] != NONE;
}

/* A real one, of a set that has no other one, as short as any, from its smallest thread. */
static void judge_cycle(const struct judge *j, uint32_t number)
{
	const struct graph_cycle *c = &j->g->cycles[number];
	uint32_t first = c->threads[0], shortest = NONE;

	for (uint32_t t = 0; t < j->s->n_threads; t++)
		if (same_set(j, first, t))
			shortest = MIN(shortest, j->steps[t][t]);
	assert_int_equal(c->n, shortest);
	for (size_t i = 0; i < c->n; i++) {
		assert_int_equal(j->g->cycle[c->threads[i]], number);
		assert_int_equal(c->locks[i], j->s->waits_for[c->threads[i]]);
		assert_true(owns(j->s, c->threads[(i + 1) % c->n], c->locks[i]));
		assert_int_equal(j->g->holder[c->locks[i]], c->threads[(i + 1) % c->n]);
		assert_true(c->threads[i] >= first);
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(c->threads[i], c->threads[k]);
	}
	for (uint32_t other = 0; other < number; other++)
		assert_false(same_set(j, first, j->g->cycles[other].threads[0]));
}

static void judge_cycles(const struct judge *j)
{
	size_t sets = 0, threads = 0, in_cycles = 0;

	for (uint32_t t = 0; t < j->s->n_threads; t++) {
		bool first = j->steps[t][t] != NONE;

		for (uint32_t before = 0; before < t; before++)
			first &= !same_set(j, t, before);
		sets += first;
		threads += j->g->cycle[t] != NONE;
	}
	assert_int_equal(j->g->n_cycles, sets);
	for (uint32_t i = 0; i < sets; i++) {
		judge_cycle(j, i);
		in_cycles += j->g->cycles[i].n;
	}
	assert_int_equal(threads, in_cycles);
}

/* By relaxing every lock until nothing changes; then the first of the nearest owners. */
static void judge_holders(struct judge *j)
{
	const struct small *s = j->s;

	for (uint32_t l = 0; l < s->n_locks; l++)
		j->distance[l] = NONE;
	for (size_t i = 0; i < j->g->n_cycles; i++)
		for (size_t k = 0; k < j->g->cycles[i].n; k++)
			j->distance[j->g->cycles[i].locks[k]] = 0;
	for (size_t round = 0; round < s->n_locks; round++)
		for (uint32_t l = 0; l < s->n_locks; l++)
			for (uint32_t t = 0; t < s->n_threads; t++)
				if (owns(s, t, l) && waits(s, t))
					j->distance[l] = MIN(j->distance[l],
							     sum(1, j->distance[s->waits_for[t]]));
	for (uint32_t l = 0; l < s->n_locks; l++) {
		uint32_t best = NONE, nearest = NONE;

		for (int i = 0; s->owners[l][i] != NONE; i++) {
			uint32_t t = s->owners[l][i], distance;

			if (t >= s->n_threads)
				continue;
			distance = waits(s, t) ? j->distance[s->waits_for[t]] : NONE;
			if (best == NONE || distance < nearest) {
				best = t;
				nearest = distance;
			}
		}
		if (j->distance[l]) /* those of cycles were judged with them */
			assert_int_equal(j->g->holder[l], best);
	}
}

/* Walks each chain alone, and counts where it came through. */
static void judge_chains(const struct judge *j)
{
	const struct small *s = j->s;
	const struct graph *g = j->g;
	uint32_t behind[MOST] = {}, impact[MOST] = {};

	for (uint32_t t = 0; t < s->n_threads; t++) {
		uint32_t at = t, lock = NONE, depth = 0;
		bool passed[MOST] = {};

		while (waits(s, at) && g->cycle[at] == NONE) {
			lock = s->waits_for[at];
			if (g->holder[lock] == NONE)
				break;
			at = g->holder[lock];
			passed[at] = true;
			depth++;
			assert_true(depth <= s->n_threads);
		}
		if (g->cycle[at] != NONE) {
			const struct graph_cycle *c = &g->cycles[g->cycle[at]];

			for (size_t i = 0; i < c->n && depth; i++)
				passed[c->threads[i]] = true;
			at = c->threads[0];
			lock = c->locks[0];
		}
		assert_int_equal(g->root[t], at);
		assert_int_equal(g->root_lock[t], lock);
		assert_int_equal(g->depth[t], depth);
		for (uint32_t u = 0; u < s->n_threads; u++)
			behind[u] += passed[u];
		if (lock != NONE)
			impact[lock]++;
	}
	assert_numbers("behind", g->behind, behind, s->n_threads);
	assert_numbers("impact", g->impact, impact, s->n_locks);
}

/* The two indexes hold what scanning finds, in order of numbers. */
static void judge_indexes(const struct judge *j)
{
	const struct graph *g = j->g;
	uint32_t n = 0;

	for (uint32_t l = 0; l < j->s->n_locks; l++) {
		assert_int_equal(g->queue_from[l], n);
		for (uint32_t t = 0; t < j->s->n_threads; t++)
			if (j->s->waits_for[t] == l)
				assert_int_equal(g->queue[n++], t);
		assert_int_equal(g->queue_from[l + 1], n);
		assert_int_equal(g->waiters[l], n - g->queue_from[l]);
	}
	n = 0;
	for (uint32_t t = 0; t < j->s->n_threads; t++) {
		assert_int_equal(g->holds_from[t], n);
		for (uint32_t l = 0; l < j->s->n_locks; l++)
			if (g->holder[l] == t && g->waiters[l])
				assert_int_equal(g->holds[n++], l);
		assert_int_equal(g->holds_from[t + 1], n);
	}
}

static void judge(const struct small *s)
{
	struct judge j = { .s = s, .g = build(s) };

	measure_steps(&j);
	judge_cycles(&j);
	judge_holders(&j);
	judge_chains(&j);
	judge_indexes(&j);
	graph__free((struct graph *)j.g);
}

/* Graphs of all densities, from threads that all run to locks that everybody holds. */
static void random_small(uint32_t seed, uint32_t threads, uint32_t locks, struct small *s)
{
	uint32_t asleep = any(&seed, 5), owners = 1 + any(&seed, 4);

	s->n_threads = 1 + any(&seed, threads);
	s->n_locks = 1 + any(&seed, locks);
	for (size_t t = 0; t < s->n_threads; t++) {
		s->waits_for[t] = any(&seed, 4) <= asleep ? any(&seed, s->n_locks) : NONE;
		if (!any(&seed, 40))
			s->waits_for[t] = s->n_locks + any(&seed, 3); /* out of range */
	}
	for (size_t l = 0; l < s->n_locks; l++) {
		uint32_t n = any(&seed, 8) ? 1 + any(&seed, owners) : 0;

		for (uint32_t i = 0; i < n; i++)
			s->owners[l][i] = any(&seed, s->n_threads + !any(&seed, 10));
		s->owners[l][n] = NONE;
	}
}

static void agrees_with_a_plain_search(void **state)
{
	struct small s;

	(void)state;
	for (uint32_t seed = 0; seed < 20000; seed++) {
		random_small(seed * 2654435761u, seed % 4 ? 8 : 15, seed % 4 ? 6 : 12, &s);
		judge(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_a_plain_search),
	};

	return cmocka_run_group_tests_name("graph_random", tests, NULL, NULL);
}
