// SPDX-License-Identifier: GPL-2.0-only
/* Nothing here recurses, because a chain may be as long as there are threads. */
#include "graph.h"

#include <stdlib.h>

#include "graph_internal.h"
#include "util.h"

uint32_t *graph__numbers(size_t n, uint32_t fill)
{
	uint32_t *a = xcalloc(n, sizeof(*a));

	for (size_t i = 0; i < n && fill; i++)
		a[i] = fill;
	return a;
}

/* Sorts 0 .. n - 1 by key into items, n_groups of them: group k begins at from[k]. */
static void group(const uint32_t *key, size_t n, size_t n_groups, uint32_t *items, uint32_t *from)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		if (key[i] != GRAPH_NONE)
			from[key[i]]++;
	for (size_t k = 0; k <= n_groups; k++) {
		sum += from[k];
		from[k] = sum;
	}
	for (size_t i = n; i-- > 0;)
		if (key[i] != GRAPH_NONE)
			items[--from[key[i]]] = i;
}

/* ---- the input ---- */

static size_t count_owners(const struct graph_work *w)
{
	return w->n_locks ? w->owners_from[w->n_locks] : 0;
}

static void take_input(struct graph_work *w, const struct graph_input *in)
{
	w->n_threads = in->n_threads;
	w->n_locks = in->n_locks;
	w->owners_from = in->owners_from;
	w->waits_for = graph__numbers(w->n_threads, GRAPH_NONE);
	w->owners = graph__numbers(count_owners(w), GRAPH_NONE);
	for (size_t t = 0; t < w->n_threads; t++)
		if (in->waits_for[t] < w->n_locks)
			w->waits_for[t] = in->waits_for[t];
	for (size_t i = 0; i < count_owners(w); i++)
		if (in->owners[i] < w->n_threads)
			w->owners[i] = in->owners[i];
}

static void new_outputs(const struct graph_work *w)
{
	struct graph *g = w->g;

	g->holder = graph__numbers(w->n_locks, GRAPH_NONE);
	g->root = graph__numbers(w->n_threads, GRAPH_NONE);
	g->root_lock = graph__numbers(w->n_threads, GRAPH_NONE);
	g->depth = graph__numbers(w->n_threads, 0);
	g->behind = graph__numbers(w->n_threads, 0);
	g->waiters = graph__numbers(w->n_locks, 0);
	g->impact = graph__numbers(w->n_locks, 0);
	g->cycle = graph__numbers(w->n_threads, GRAPH_NONE);
	g->queue = graph__numbers(w->n_threads, GRAPH_NONE);
	g->queue_from = graph__numbers(w->n_locks + 1, 0);
	g->holds = graph__numbers(w->n_locks, GRAPH_NONE);
	g->holds_from = graph__numbers(w->n_threads + 1, 0);
	group(w->waits_for, w->n_threads, w->n_locks, g->queue, g->queue_from);
	for (size_t l = 0; l < w->n_locks; l++)
		g->waiters[l] = g->queue_from[l + 1] - g->queue_from[l];
}

/* ---- chains ---- */

/* Fills by_owner with the locks of each owner. */
static void index_owners(const struct graph_work *w, uint32_t *by_owner, uint32_t *from)
{
	size_t n = count_owners(w);
	uint32_t *lock_of = graph__numbers(n, GRAPH_NONE);

	group(w->owners, n, w->n_threads, by_owner, from);
	for (size_t l = 0; l < w->n_locks; l++)
		for (uint32_t i = w->owners_from[l]; i < w->owners_from[l + 1]; i++)
			lock_of[i] = l;
	for (size_t i = 0; i < from[w->n_threads]; i++)
		by_owner[i] = lock_of[by_owner[i]];
	free(lock_of);
}

/* How many locks each lock is from a cycle, by the nearest owners; GRAPH_NONE: no way. */
static void measure_distances(const struct graph_work *w, uint32_t *distance)
{
	const struct graph *g = w->g;
	uint32_t *order = graph__numbers(w->n_locks, 0);
	uint32_t *by_owner = graph__numbers(count_owners(w), 0);
	uint32_t *from = graph__numbers(w->n_threads + 1, 0);
	size_t n = 0;

	index_owners(w, by_owner, from);
	for (size_t i = 0; i < g->n_cycles; i++) {
		for (size_t j = 0; j < g->cycles[i].n; j++) {
			order[n++] = g->cycles[i].locks[j];
			distance[g->cycles[i].locks[j]] = 0;
		}
	}
	for (size_t at = 0; at < n; at++) {
		uint32_t lock = order[at];

		for (uint32_t q = g->queue_from[lock]; q < g->queue_from[lock + 1]; q++) {
			uint32_t t = g->queue[q];

			for (uint32_t i = from[t]; i < from[t + 1]; i++) {
				if (distance[by_owner[i]] != GRAPH_NONE)
					continue;
				distance[by_owner[i]] = distance[lock] + 1;
				order[n++] = by_owner[i];
			}
		}
	}
	free(order);
	free(by_owner);
	free(from);
}

/* Of the locks that are not part of a cycle. */
static void choose_holders(const struct graph_work *w)
{
	uint32_t *distance = graph__numbers(w->n_locks, GRAPH_NONE);

	if (w->g->n_cycles)
		measure_distances(w, distance);
	for (size_t l = 0; l < w->n_locks; l++) {
		uint32_t *holder = &w->g->holder[l];

		for (uint32_t i = w->owners_from[l];
		     i < w->owners_from[l + 1] && *holder == GRAPH_NONE; i++) {
			uint32_t next = graph__lock_behind(w, i);

			if (distance[l] == GRAPH_NONE ||
			    (next != GRAPH_NONE && distance[next] == distance[l] - 1))
				*holder = w->owners[i];
		}
	}
	free(distance);
}

static void index_holders(const struct graph_work *w)
{
	uint32_t *key = graph__numbers(w->n_locks, GRAPH_NONE);

	for (size_t l = 0; l < w->n_locks; l++)
		if (w->g->waiters[l])
			key[l] = w->g->holder[l];
	group(key, w->n_locks, w->n_threads, w->g->holds, w->g->holds_from);
	free(key);
}

/* The threads that chains end at, into order. Returns how many. */
static size_t find_roots(const struct graph_work *w, uint32_t *order)
{
	struct graph *g = w->g;
	size_t n = 0;

	for (uint32_t t = 0; t < w->n_threads; t++) {
		uint32_t lock = w->waits_for[t];

		if (g->cycle[t] != GRAPH_NONE) {
			const struct graph_cycle *c = &g->cycles[g->cycle[t]];

			g->root[t] = c->threads[0];
			g->root_lock[t] = c->locks[0];
		} else if (lock == GRAPH_NONE || g->holder[lock] == GRAPH_NONE) {
			g->root[t] = t;
			g->root_lock[t] = lock;
		} else {
			continue;
		}
		order[n++] = t;
	}
	return n;
}

/* The queues of all locks that a thread holds go behind it. */
static size_t queue_behind(const struct graph_work *w, uint32_t t, uint32_t *order, size_t n)
{
	struct graph *g = w->g;

	for (uint32_t h = g->holds_from[t]; h < g->holds_from[t + 1]; h++) {
		uint32_t lock = g->holds[h];

		for (uint32_t q = g->queue_from[lock]; q < g->queue_from[lock + 1]; q++) {
			uint32_t waiter = g->queue[q];

			if (g->cycle[waiter] != GRAPH_NONE)
				continue;
			g->root[waiter] = g->root[t];
			g->root_lock[waiter] =
				g->root_lock[t] == GRAPH_NONE ? lock : g->root_lock[t];
			g->depth[waiter] = g->depth[t] + 1;
			order[n++] = waiter;
		}
	}
	return n;
}

/* From the roots back along the chains, then in the reverse order to count. */
static void follow_chains(const struct graph_work *w)
{
	struct graph *g = w->g;
	uint32_t *order = graph__numbers(w->n_threads, 0);
	size_t n = find_roots(w, order);

	for (size_t at = 0; at < n; at++)
		n = queue_behind(w, order[at], order, n);
	while (n-- > 0) {
		uint32_t t = order[n];

		if (g->depth[t])
			g->behind[g->holder[w->waits_for[t]]] += 1 + g->behind[t];
		if (g->root_lock[t] != GRAPH_NONE)
			g->impact[g->root_lock[t]]++;
	}
	for (size_t i = 0; i < g->n_cycles; i++) {
		const struct graph_cycle *c = &g->cycles[i];
		uint32_t sum = 0;

		for (size_t j = 0; j < c->n; j++)
			sum += g->behind[c->threads[j]];
		for (size_t j = 0; j < c->n; j++)
			g->behind[c->threads[j]] = sum;
	}
	free(order);
}

struct graph *graph__new(const struct graph_input *in)
{
	struct graph_work w = { .g = xcalloc(1, sizeof(*w.g)) };

	take_input(&w, in);
	new_outputs(&w);
	graph__find_cycles(&w);
	choose_holders(&w);
	index_holders(&w);
	follow_chains(&w);
	free(w.waits_for);
	free(w.owners);
	return w.g;
}

void graph__free(struct graph *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->n_cycles; i++) {
		free(g->cycles[i].threads);
		free(g->cycles[i].locks);
	}
	free(g->cycles);
	free(g->holder);
	free(g->root);
	free(g->root_lock);
	free(g->depth);
	free(g->behind);
	free(g->waiters);
	free(g->impact);
	free(g->cycle);
	free(g->queue);
	free(g->queue_from);
	free(g->holds);
	free(g->holds_from);
	free(g);
}
