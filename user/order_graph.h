/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The graph of lock orders: an edge from each lock to each that was wanted while it was held. A
 * cycle in it is an inversion: threads that take these locks at the wrong moment wait for ever.
 * Knows neither processes nor names.
 */
#ifndef ORDER_GRAPH_H
#define ORDER_GRAPH_H

#include <uthash.h>

#include "model.h"

#define ORDER_CYCLE_MAX 64 /* locks of a cycle */

/* An address that locks have, one after the other. */
struct order_lock {
	struct exact_key key;
	uint32_t lives;		 /* exact_stats.lives: which of them it is now */
	struct order_edge **out; /* orders in which it is held */
	size_t n_out, out_capacity;
	size_t n_in;
	size_t unmet;		/* of order_cycles.c: orders before it that are not settled */
	bool ordered;		/* all locks can be numbered so that those before it are lower */
	uint32_t round, labels; /* of the running search */
	UT_hash_handle hh;
};

struct order_edge {
	struct order_key key;
	struct order_stats stats;
	struct order_lock *from, *to; /* NULL: it was dropped */
	size_t at;		      /* in from->out */
	uint64_t used_ns;	      /* when it was last seen to be taken */
	unsigned int users;	      /* it is freed when they are gone */
	bool queued;
	bool suppressed; /* part of no cycle: the user says so */
	/* filled by orders.c; strings are interned, frames from malloc */
	struct inversion_edge shown;
	bool from_snapshot, to_snapshot; /* its name is the one that the lists show */
	unsigned int asked;		 /* how often for from_frame */
	UT_hash_handle hh;
};

struct order_label; /* order_cycles.c */

struct order_graph {
	struct order_lock *locks;
	struct order_edge *edges;
	struct order_edge **queue; /* new or changed: cycles through them are to be looked for */
	size_t n_queue, queue_capacity;
	size_t max;	/* edges */
	uint64_t lost;	/* edges that did not fit, searches that were cut short */
	uint64_t steps; /* of all searches */
	bool sorted;	/* order_lock.ordered is right */
	struct order_label *labels;
	size_t labels_capacity;
	uint32_t round;
};

void order_graph__init(struct order_graph *g, size_t max);
void order_graph__done(struct order_graph *g);

/*
 * Takes in what is known of an edge by now; it is queued if that may make a cycle. NULL: there is
 * no room for it, or it leads nowhere.
 */
struct order_edge *order_graph__take(struct order_graph *g, const struct order_key *key,
				     const struct order_stats *stats, uint64_t now_ns);

/* Looks for cycles through it (again). */
void order_graph__queue(struct order_graph *g, struct order_edge *e);

/* The next of the queue that still is in the graph, or NULL. */
struct order_edge *order_graph__next(struct order_graph *g);

/* A lock of this address has been destroyed so often. */
void order_graph__lives(struct order_graph *g, const struct exact_key *key, uint32_t lives);

/* Was one of its locks destroyed since? */
bool order_edge__is_stale(const struct order_edge *e);

/* Takes it out of the graph; those who use it keep it. */
void order_graph__drop(struct order_graph *g, struct order_edge *e);

struct order_edge *order_edge__use(struct order_edge *e);
void order_edge__put(struct order_edge *e);

/*
 * A shortest cycle that begins with this edge and may become a deadlock: its length, edges in ret;
 * 0: there is none. No deadlock can come of a cycle that one thread made alone, of one in which
 * all locks are only read, and of one that a further lock, held each time, keeps apart (gates).
 */
size_t order_graph__cycle(struct order_graph *g, struct order_edge *first,
			  struct order_edge *ret[ORDER_CYCLE_MAX]);

#endif
