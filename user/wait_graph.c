// SPDX-License-Identifier: GPL-2.0-only
#include "wait_graph.h"

#include <stdlib.h>

#include "util.h"

static uint32_t place(const void *item, const void *items, size_t n, size_t size)
{
	uintptr_t offset = (uintptr_t)item - (uintptr_t)items;

	return item && offset < n * size ? offset / size : GRAPH_NONE;
}

uint32_t wait_graph__thread(const struct snapshot *s, const struct thread *t)
{
	return place(t, s->threads, s->n_threads, sizeof(*t));
}

uint32_t wait_graph__lock(const struct snapshot *s, const struct lock *l)
{
	return place(l, s->locks, s->n_locks, sizeof(*l));
}

/* The thread that is proved to hold a lock. */
static uint32_t proved_owner(const struct snapshot *s, const struct lock *l)
{
	if (!l->owner || l->owner->proof == PROOF_LAST_WAKER)
		return GRAPH_NONE;
	return wait_graph__thread(s, l->owner->thread);
}

/*
 * The locks that threads wait for, without idle waits that hold nobody up: a thread that waits
 * for work is of interest to those whose lock it took along.
 */
static void find_waits(const struct snapshot *s, bool idle, uint32_t *waits_for)
{
	uint32_t *queue = xcalloc(s->n_threads, sizeof(*queue));
	size_t n = 0;

	for (size_t t = 0; t < s->n_threads; t++) {
		const struct lock *l = s->threads[t].waiting_for;

		waits_for[t] = GRAPH_NONE;
		if (!l || (l->class == CLASS_IDLE && !idle && !l->deadlocked))
			continue;
		waits_for[t] = wait_graph__lock(s, l);
		if (waits_for[t] != GRAPH_NONE)
			queue[n++] = t;
	}
	for (size_t at = 0; at < n; at++) {
		uint32_t owner = proved_owner(s, &s->locks[waits_for[queue[at]]]);

		if (owner == GRAPH_NONE || waits_for[owner] != GRAPH_NONE)
			continue;
		waits_for[owner] = wait_graph__lock(s, s->threads[owner].waiting_for);
		if (waits_for[owner] != GRAPH_NONE)
			queue[n++] = owner;
	}
	free(queue);
}

struct graph *wait_graph__new(const struct snapshot *s, bool idle)
{
	uint32_t *waits_for = xcalloc(s->n_threads, sizeof(*waits_for));
	uint32_t *owners_from = xcalloc(s->n_locks + 1, sizeof(*owners_from));
	uint32_t *owners = xcalloc(s->n_locks, sizeof(*owners));
	struct graph_input in = { s->n_threads, s->n_locks, waits_for, owners_from, owners };
	struct graph *g;

	find_waits(s, idle, waits_for);
	for (size_t l = 0; l < s->n_locks; l++) {
		owners[l] = proved_owner(s, &s->locks[l]);
		owners_from[l + 1] = l + 1;
	}
	g = graph__new(&in);
	free(waits_for);
	free(owners_from);
	free(owners);
	return g;
}
