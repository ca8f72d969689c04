// SPDX-License-Identifier: GPL-2.0-only
/* Random lock orders: what is reported against what a graph without the tool's own code has. */
#include "orders_fixture.h"

#define LOCKS 5

/* Which locks can be reached from which. */
static void close_paths(bool path[LOCKS][LOCKS])
{
	for (int k = 0; k < LOCKS; k++)
		for (int i = 0; i < LOCKS; i++)
			for (int j = 0; j < LOCKS; j++)
				path[i][j] |= path[i][k] && path[k][j];
}

static int lock_of(const char *id)
{
	return strtoull(strchr(id, ':') + 1, NULL, 16) - HEAP;
}

/* Each reported once, each real; every order that closed a cycle is part of a reported one. */
static void check_all(const struct snapshot *s, bool edge[LOCKS][LOCKS], bool fresh[LOCKS][LOCKS])
{
	bool path[LOCKS][LOCKS], told[LOCKS][LOCKS] = {};

	memcpy(path, edge, sizeof(path));
	close_paths(path);
	for (size_t i = 0; i < s->n_inversions; i++) {
		const struct inversion *v = &s->inversions[i];

		for (size_t j = 0; j < v->n_edges; j++) {
			int from = lock_of(v->edges[j].from), to = lock_of(v->edges[j].to);

			assert_true(edge[from][to]);
			told[from][to] = true;
			assert_string_equal(v->edges[j].to, v->edges[(j + 1) % v->n_edges].from);
			assert_true(lock_of(v->edges[0].from) <= from);
		}
		for (size_t k = 0; k < i; k++) {
			const struct inversion *other = &s->inversions[k];
			size_t same = 0;

			while (v->n_edges == other->n_edges && same < v->n_edges &&
			       !strcmp(v->edges[same].from, other->edges[same].from))
				same++;
			assert_int_not_equal(same, v->n_edges);
		}
	}
	for (int i = 0; i < LOCKS; i++)
		for (int j = 0; j < LOCKS; j++)
			if (fresh[i][j])
				assert_int_equal(told[i][j], path[j][i]);
}

/* Random orders, some at a time. */
static void test_random(void **state)
{
	unsigned int seed = 3;

	for (int round = 0; round < 40; round++) {
		struct orders *o = begin(*state, NULL);
		bool edge[LOCKS][LOCKS] = {};
		struct maps_of m = {};

		for (int step = 0; step < 10; step++) {
			bool fresh[LOCKS][LOCKS] = {};
			struct snapshot *s;

			for (int i = rand_r(&seed) % 3; i > 0; i--) {
				int from = rand_r(&seed) % LOCKS, to = rand_r(&seed) % LOCKS;

				if (from == to || edge[from][to])
					continue;
				edge[from][to] = fresh[from][to] = true;
				add(&m, HEAP + from, HEAP + to, i);
			}
			s = fill(o, &m);
			check_all(s, edge, fresh);
			snapshot__free(s);
		}
		orders__free(o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
