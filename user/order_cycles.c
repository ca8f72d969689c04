// SPDX-License-Identifier: GPL-2.0-only
/*
 * The search for a shortest cycle, in breadth. Whether a cycle may become a deadlock depends on all
 * of its edges, so what is visited is a lock together with what the way there adds up to: a label.
 * A way that is no shorter and no better than another to the same lock is not followed. That can
 * hide a cycle among those with gates, readers and single threads, where the better way leads
 * through a lock that is needed later on; the others are all found.
 */
#include "order_graph.h"

#include <stdlib.h>

#include "util.h"

#define LABELS_MAX 65536
#define STEPS_MAX  (1 << 20) /* of one search */
#define NONE	   UINT32_MAX

enum {
	WRITTEN = 1, /* an edge of the way was not always between readers */
	SEVERAL = 2, /* more than one thread made the edges of the way */
	DANGEROUS = WRITTEN | SEVERAL,
};

struct order_label {
	struct order_edge *edge; /* that led here */
	uint64_t gates;		 /* held on all edges of the way */
	uint32_t before;	 /* label; NONE: this is the first edge */
	uint32_t other;		 /* label of the same lock; NONE: the last */
	uint32_t length;	 /* edges of the way */
	uint8_t life;		 /* of the lock that it leads to */
	uint8_t flags;
};

static struct order_label begin(struct order_edge *e)
{
	return (struct order_label){
		.edge = e,
		.gates = e->stats.gates,
		.before = NONE,
		.length = 1,
		.life = e->stats.to_life,
		.flags = (e->stats.shared == 3 ? 0 : WRITTEN) | (e->stats.others ? SEVERAL : 0),
	};
}

static struct order_label extend(const struct order_graph *g, uint32_t at, struct order_edge *e)
{
	struct order_label next = begin(e);
	const struct order_label *l = &g->labels[at];

	next.before = at;
	next.length = l->length + 1;
	next.gates &= l->gates;
	next.flags |= l->flags;
	/* edges of one thread alone have its number each */
	if (e->stats.tid != l->edge->stats.tid)
		next.flags |= SEVERAL;
	return next;
}

static void add_label(struct order_graph *g, const struct order_label *l, uint32_t *n)
{
	struct order_lock *lock = l->edge->to;

	array__grow(g->labels, *n, g->labels_capacity);
	g->labels[*n] = *l;
	g->labels[*n].other = lock->round == g->round ? lock->labels : NONE;
	lock->round = g->round;
	lock->labels = (*n)++;
}

/* Is there a way to this lock already that may go on wherever this one may? */
static bool is_covered(const struct order_graph *g, const struct order_label *l)
{
	const struct order_lock *lock = l->edge->to;
	uint32_t at = lock->round == g->round ? lock->labels : NONE;

	for (; at != NONE; at = g->labels[at].other) {
		const struct order_label *known = &g->labels[at];

		if (known->life == l->life && !(known->gates & ~l->gates) &&
		    (known->flags & l->flags) == l->flags)
			return true;
	}
	return false;
}

/* No lock twice in a cycle. */
static bool leads_through(const struct order_graph *g, uint32_t at, const struct order_lock *lock)
{
	for (; at != NONE; at = g->labels[at].before)
		if (g->labels[at].edge->to == lock)
			return true;
	return false;
}

/* May this way be followed any further? */
static bool goes_on(const struct order_graph *g, const struct order_label *l)
{
	return l->length < ORDER_CYCLE_MAX && !is_covered(g, l) &&
	       !leads_through(g, l->before, l->edge->to);
}

static bool closes(const struct order_label *l, const struct order_edge *first)
{
	return l->life == first->stats.from_life && !l->gates && l->flags == DANGEROUS;
}

static size_t trace(const struct order_graph *g, const struct order_label *last,
		    struct order_edge **ret)
{
	const struct order_label *l = last;

	for (uint32_t i = last->length; i-- > 0; l = &g->labels[l->before]) {
		ret[i] = l->edge;
		if (!i)
			break;
	}
	return last->length;
}

/* The ways that are one edge longer. Returns the length of a cycle, 0: none yet. */
static size_t follow(struct order_graph *g, uint32_t at, uint32_t *n, struct order_edge *first,
		     struct order_edge **ret)
{
	const struct order_lock *lock = g->labels[at].edge->to;

	for (size_t i = 0; i < lock->n_out; i++) {
		struct order_edge *e = lock->out[i];
		struct order_label next = extend(g, at, e);

		g->steps++;
		if (e->suppressed || e->stats.from_life != g->labels[at].life)
			continue;
		if (e->to == first->from) {
			if (closes(&next, first))
				return trace(g, &next, ret);
		} else if (*n < LABELS_MAX && goes_on(g, &next)) {
			add_label(g, &next, n);
		}
	}
	return 0;
}

/*
 * Takes away the locks that no lock comes before, then those that none comes before any more ...
 * What is left has the cycles: in a program without inversions nothing, and nothing is searched.
 */
static void sort(struct order_graph *g)
{
	struct order_lock **ready = xcalloc(HASH_COUNT(g->locks), sizeof(*ready)), *lock, *next;
	size_t n = 0;

	HASH_ITER (hh, g->locks, lock, next) {
		lock->unmet = lock->n_in;
		lock->ordered = !lock->n_in;
		if (lock->ordered)
			ready[n++] = lock;
	}
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < ready[i]->n_out; j++) {
			lock = ready[i]->out[j]->to;
			lock->ordered = !--lock->unmet;
			if (lock->ordered)
				ready[n++] = lock;
		}
	}
	free(ready);
	g->sorted = true;
}

size_t order_graph__cycle(struct order_graph *g, struct order_edge *first,
			  struct order_edge *ret[ORDER_CYCLE_MAX])
{
	struct order_label start = begin(first);
	uint64_t end = g->steps + STEPS_MAX;
	size_t length = 0;
	uint32_t n = 0;

	if (!g->sorted)
		sort(g);
	if (first->from->ordered || first->to->ordered || !first->to->n_out)
		return 0;
	g->round++;
	add_label(g, &start, &n);
	for (uint32_t at = 0; at < n && !length && g->steps < end; at++)
		length = follow(g, at, &n, first, ret);
	if (!length && (g->steps >= end || n >= LABELS_MAX))
		g->lost++;
	return length;
}
