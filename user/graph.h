/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who waits for whom: chains, root blockers, cycles. Pure: threads and locks are numbers. A thread
 * waits for one lock at most; a lock is held by any number of threads, and all of them must let go
 * before it is free (one owner of a mutex, the readers that a writer waits for).
 */
#ifndef GRAPH_H
#define GRAPH_H

#include <stddef.h>
#include <stdint.h>

#define GRAPH_NONE UINT32_MAX

/* Used by graph__new only while it runs. */
struct graph_input {
	size_t n_threads, n_locks;
	const uint32_t *waits_for;   /* [n_threads] a lock, or GRAPH_NONE */
	const uint32_t *owners_from; /* [n_locks + 1] where a lock's owners begin in owners */
	const uint32_t *owners;	     /* threads; one may be named twice */
};

/* A cycle: threads[i] waits for locks[i], which threads[i + 1] holds; the last one's, threads[0].
 */
struct graph_cycle {
	uint32_t *threads, *locks;
	size_t n; /* 1: a thread that waits for what it holds itself */
};

/*
 * All arrays have n_threads entries, or what is said. A chain leads from a thread to the lock that
 * it waits for, on to that lock's holder, and so on; it ends at a thread that does not wait, at a
 * lock without an owner, or in a cycle.
 */
struct graph {
	/*
	 * [n_locks] The one owner that chains follow, GRAPH_NONE: no owner. It is the first of the
	 * lock's owners; but where some of them lead into a cycle, the lock will never be free,
	 * and it is the first of those nearest to one.
	 */
	uint32_t *holder;
	uint32_t *root;	     /* the last thread of its chain; itself if it does not wait, or if its
				lock has no owner; in or behind a cycle: the cycle's threads[0] */
	uint32_t *root_lock; /* the last lock of its chain: of those in or behind a cycle, the one
				that the root waits for; GRAPH_NONE: it does not wait */
	uint32_t *depth;     /* locks between it and its root, or the cycle that it is behind; 0 of
				the root itself and of all threads of a cycle */
	uint32_t *behind;    /* threads whose chain passes through it, those of its own cycle not
				counted: one number for all threads of a cycle */
	uint32_t *waiters;   /* [n_locks] threads that wait for this lock */
	uint32_t *impact;    /* [n_locks] threads whose root_lock it is */
	uint32_t *cycle;     /* the one that it is part of, not only behind; or GRAPH_NONE */
	/* Threads by lock: those that wait for lock l stand at queue[queue_from[l]] and on. */
	uint32_t *queue, *queue_from; /* [n_threads], [n_locks + 1] */
	/* Locks by holder, the same way; only locks that someone waits for. */
	uint32_t *holds, *holds_from; /* [n_locks], [n_threads + 1] */
	/*
	 * One for each set of threads that can all reach each other by any owners, a shortest one
	 * (in a set where hundreds of locks have several owners: a short one, so that the search
	 * ends); it begins with its smallest thread.
	 */
	struct graph_cycle *cycles;
	size_t n_cycles;
};

/* Time and memory grow with threads + locks + owners. Numbers out of range count as GRAPH_NONE. */
struct graph *graph__new(const struct graph_input *in);
void graph__free(struct graph *g);

#endif
