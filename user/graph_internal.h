/* SPDX-License-Identifier: GPL-2.0-only */
/* What graph.c and graph_cycles.c share while a graph is built. */
#ifndef GRAPH_INTERNAL_H
#define GRAPH_INTERNAL_H

#include "graph.h"

struct graph_work {
	struct graph *g;
	size_t n_threads, n_locks;
	const uint32_t *owners_from;
	/* The input without numbers that are out of range. */
	uint32_t *waits_for, *owners;
};

/* n numbers from malloc, all of them fill. */
uint32_t *graph__numbers(size_t n, uint32_t fill);

/* The lock that owners[i] waits for. */
static inline uint32_t graph__lock_behind(const struct graph_work *w, uint32_t i)
{
	return w->owners[i] == GRAPH_NONE ? GRAPH_NONE : w->waits_for[w->owners[i]];
}

/* Fills cycles, n_cycles and cycle, and the holders of the locks that are part of a cycle. */
void graph__find_cycles(const struct graph_work *w);

#endif
