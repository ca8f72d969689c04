/* SPDX-License-Identifier: GPL-2.0-only */
/* The wait graph of a snapshot: its threads and locks by their places in s->threads and s->locks.
 */
#ifndef WAIT_GRAPH_H
#define WAIT_GRAPH_H

#include "graph.h"
#include "model.h"

/*
 * Edges are proved owners only (an inferred one, PROOF_LAST_WAKER, blocks nobody here). idle:
 * threads that wait for a lock of the idle class wait in the graph too; without it, those only
 * that hold a lock that others wait for in the graph, or whose lock is deadlocked: a worker
 * without work blocks nobody by being waited for when the program ends. For graph__free.
 */
struct graph *wait_graph__new(const struct snapshot *s, bool idle);

/* Places in the snapshot; GRAPH_NONE for NULL and for what is not part of it. */
uint32_t wait_graph__thread(const struct snapshot *s, const struct thread *t);
uint32_t wait_graph__lock(const struct snapshot *s, const struct lock *l);

#endif
