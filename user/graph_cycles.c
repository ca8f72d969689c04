// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cycles are looked for among locks: one lock leads to those that its owners wait for. Sets of
 * locks that can all reach each other come from Tarjan's algorithm; in each of them, a search in
 * breadth finds a shortest cycle.
 */
#include "graph_internal.h"

#include <stdlib.h>

#include "util.h"

/* Steps of the search for a shortest cycle, as a multiple of the owners that its set has. */
#define SEARCH_MAX 64

struct search {
	const struct graph_work *in;
	/* Of each lock: Tarjan's numbers (0: not visited), and its set when that is known. */
	uint32_t *index, *low, *set;
	uint32_t *open; /* locks whose set is not known, n_open of them; the last are of one set */
	uint32_t *path; /* locks from the first one to the one visited, n_path of them */
	uint32_t *edge; /* the owner that a lock of the path goes on with */
	uint32_t n_open, n_path, n_visited, n_sets;
	/* In breadth: the order of locks, the last round to see each, from where and how far. */
	uint32_t *order, *seen, *from, *distance;
	uint32_t round;
	size_t cycles_capacity;
};

/* Steps from a lock to locks of its own set. */
static unsigned int steps_inside(const struct search *s, uint32_t lock)
{
	unsigned int n = 0;

	for (uint32_t i = s->in->owners_from[lock]; i < s->in->owners_from[lock + 1]; i++) {
		uint32_t next = graph__lock_behind(s->in, i);

		n += next != GRAPH_NONE && s->set[next] == s->set[lock];
	}
	return n;
}

/*
 * The length of a shortest cycle through start if it is below limit, else limit. *last: its last
 * lock; s->from leads from there back to start.
 */
static uint32_t search_cycle(struct search *s, uint32_t start, uint32_t limit, uint32_t *last,
			     uint64_t *steps)
{
	uint32_t n = 0;

	s->round++;
	s->seen[start] = s->round;
	s->distance[start] = 0;
	s->order[n++] = start;
	for (uint32_t at = 0; at < n; at++) {
		uint32_t lock = s->order[at];

		if (s->distance[lock] + 1 >= limit)
			return limit;
		for (uint32_t i = s->in->owners_from[lock]; i < s->in->owners_from[lock + 1]; i++) {
			uint32_t next = graph__lock_behind(s->in, i);

			++*steps;
			if (next == start) {
				*last = lock;
				return s->distance[lock] + 1;
			}
			if (next == GRAPH_NONE || s->set[next] != s->set[start] ||
			    s->seen[next] == s->round)
				continue;
			s->seen[next] = s->round;
			s->distance[next] = s->distance[lock] + 1;
			s->from[next] = lock;
			s->order[n++] = next;
		}
	}
	return limit;
}

/* The first owner of a lock that waits for another one. */
static uint32_t owner_waiting_for(const struct search *s, uint32_t lock, uint32_t other)
{
	for (uint32_t i = s->in->owners_from[lock]; i < s->in->owners_from[lock + 1]; i++)
		if (graph__lock_behind(s->in, i) == other)
			return s->in->owners[i];
	return GRAPH_NONE;
}

/* Keeps the cycle of n locks that ends with last, s->from leading back. */
static void keep_cycle(struct search *s, uint32_t last, uint32_t n)
{
	struct graph *g = s->in->g;
	struct graph_cycle *c;
	uint32_t *threads = graph__numbers(n, 0), *locks = graph__numbers(n, 0);
	size_t smallest = 0;

	array__grow(g->cycles, g->n_cycles, s->cycles_capacity);
	c = &g->cycles[g->n_cycles];
	*c = (struct graph_cycle){ graph__numbers(n, 0), graph__numbers(n, 0), n };
	for (uint32_t i = n; i-- > 0; last = s->from[last])
		locks[i] = last;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t before = locks[(i + n - 1) % n];

		threads[i] = owner_waiting_for(s, before, locks[i]);
		g->holder[before] = threads[i];
		g->cycle[threads[i]] = g->n_cycles;
		if (threads[i] < threads[smallest])
			smallest = i;
	}
	for (uint32_t i = 0; i < n; i++) {
		c->threads[i] = threads[(smallest + i) % n];
		c->locks[i] = locks[(smallest + i) % n];
	}
	g->n_cycles++;
	free(threads);
	free(locks);
}

/*
 * A set of locks that can all reach each other. It is one cycle, or each of its cycles passes
 * through a lock that leads to several: only those are searched from.
 */
static void find_cycle(struct search *s, const uint32_t *locks, size_t n)
{
	uint32_t best = GRAPH_NONE, start = locks[0], last = GRAPH_NONE;
	uint64_t inside = 0, owners = 0, steps = 0;

	for (size_t i = 0; i < n; i++) {
		inside += steps_inside(s, locks[i]);
		owners += s->in->owners_from[locks[i] + 1] - s->in->owners_from[locks[i]];
	}
	if (!inside)
		return; /* a lock alone, not waited for by its owner */
	for (size_t i = 0; i < n && inside > n && steps <= SEARCH_MAX * owners; i++) {
		uint32_t length;

		if (steps_inside(s, locks[i]) < 2)
			continue;
		length = search_cycle(s, locks[i], best, &last, &steps);
		if (length < best) {
			best = length;
			start = locks[i];
		}
	}
	best = search_cycle(s, start, GRAPH_NONE, &last, &steps);
	keep_cycle(s, last, best);
}

static void visit(struct search *s, uint32_t lock)
{
	s->index[lock] = s->low[lock] = ++s->n_visited;
	s->edge[lock] = s->in->owners_from[lock];
	s->open[s->n_open++] = lock;
	s->path[s->n_path++] = lock;
}

/* All locks opened since this one are of its set. */
static void close_set(struct search *s, uint32_t lock)
{
	uint32_t first = s->n_open;

	do
		s->set[s->open[--first]] = s->n_sets;
	while (s->open[first] != lock);
	s->n_sets++;
	find_cycle(s, &s->open[first], s->n_open - first);
	s->n_open = first;
}

/* Tarjan's algorithm, its recursion in s->path. */
static void find_sets(struct search *s, uint32_t first)
{
	visit(s, first);
	while (s->n_path) {
		uint32_t lock = s->path[s->n_path - 1], next;

		if (s->edge[lock] < s->in->owners_from[lock + 1]) {
			next = graph__lock_behind(s->in, s->edge[lock]++);
			if (next == GRAPH_NONE)
				continue;
			if (!s->index[next])
				visit(s, next);
			else if (s->set[next] == GRAPH_NONE)
				s->low[lock] = MIN(s->low[lock], s->index[next]);
			continue;
		}
		if (--s->n_path) {
			uint32_t before = s->path[s->n_path - 1];

			s->low[before] = MIN(s->low[before], s->low[lock]);
		}
		if (s->low[lock] == s->index[lock])
			close_set(s, lock);
	}
}

void graph__find_cycles(const struct graph_work *in)
{
	struct search s = { .in = in };
	uint32_t **of_locks[] = { &s.index, &s.low,   &s.open, &s.path, &s.edge,
				  &s.set,   &s.order, &s.seen, &s.from, &s.distance };

	for (size_t i = 0; i < ARRAY_SIZE(of_locks); i++)
		*of_locks[i] = graph__numbers(in->n_locks, of_locks[i] == &s.set ? GRAPH_NONE : 0);
	for (size_t l = 0; l < in->n_locks; l++)
		if (!s.index[l])
			find_sets(&s, l);
	for (size_t i = 0; i < ARRAY_SIZE(of_locks); i++)
		free(*of_locks[i]);
}
