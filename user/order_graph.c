// SPDX-License-Identifier: GPL-2.0-only
#include "order_graph.h"

#include <stdlib.h>

#include "util.h"

void order_graph__init(struct order_graph *g, size_t max)
{
	*g = (struct order_graph){ .max = max };
}

void order_graph__done(struct order_graph *g)
{
	struct order_edge *e, *next;

	HASH_ITER (hh, g->edges, e, next)
		order_graph__drop(g, e);
	while (g->n_queue)
		order_edge__put(g->queue[--g->n_queue]);
	free(g->queue);
	free(g->labels);
}

struct order_edge *order_edge__use(struct order_edge *e)
{
	e->users++;
	return e;
}

void order_edge__put(struct order_edge *e)
{
	if (--e->users)
		return;
	free(e->shown.frames);
	free(e->shown.from_frame);
	free(e);
}

static struct order_lock *get_lock(struct order_graph *g, const struct order_key *key,
				   uint64_t addr, uint8_t life)
{
	struct exact_key wanted = { .tgid = key->tgid, .gen = key->gen, .addr = addr };
	struct order_lock *lock;

	HASH_FIND(hh, g->locks, &wanted, sizeof(wanted), lock);
	if (lock)
		return lock;
	lock = xcalloc(1, sizeof(*lock));
	lock->key = wanted;
	lock->lives = life;
	HASH_ADD(hh, g->locks, key, sizeof(lock->key), lock);
	return lock;
}

static void drop_unused(struct order_graph *g, struct order_lock *lock)
{
	if (lock->n_out || lock->n_in)
		return;
	HASH_DELETE(hh, g->locks, lock);
	free(lock->out);
	free(lock);
}

void order_graph__queue(struct order_graph *g, struct order_edge *e)
{
	if (e->queued || !e->from || e->suppressed)
		return;
	array__grow(g->queue, g->n_queue, g->queue_capacity);
	g->queue[g->n_queue++] = order_edge__use(e);
	e->queued = true;
}

struct order_edge *order_graph__next(struct order_graph *g)
{
	while (g->n_queue) {
		struct order_edge *e = g->queue[--g->n_queue];
		bool wanted = e->from && !e->suppressed;

		e->queued = false;
		order_edge__put(e);
		if (wanted)
			return e; /* the graph has it still */
	}
	return NULL;
}

static struct order_edge *add_edge(struct order_graph *g, const struct order_key *key,
				   const struct order_stats *stats)
{
	struct order_edge *e;

	if (key->from == key->to)
		return NULL;
	if (HASH_COUNT(g->edges) >= g->max) {
		g->lost++;
		return NULL;
	}
	e = xcalloc(1, sizeof(*e));
	e->key = *key;
	e->from = get_lock(g, key, key->from, stats->from_life);
	e->to = get_lock(g, key, key->to, stats->to_life);
	e->at = e->from->n_out;
	array__grow(e->from->out, e->from->n_out, e->from->out_capacity);
	e->from->out[e->from->n_out++] = e;
	e->to->n_in++;
	g->sorted = false;
	HASH_ADD(hh, g->edges, key, sizeof(e->key), e);
	return order_edge__use(e);
}

/* Does it allow of more cycles than before? Counts and stacks make none. */
static bool allows_more(const struct order_stats *before, const struct order_stats *now)
{
	return before->gates != now->gates || before->shared != now->shared ||
	       before->others != now->others;
}

struct order_edge *order_graph__take(struct order_graph *g, const struct order_key *key,
				     const struct order_stats *stats, uint64_t now_ns)
{
	struct order_edge *e;
	bool changed;

	HASH_FIND(hh, g->edges, key, sizeof(*key), e);
	changed = !e || allows_more(&e->stats, stats);
	if (!e)
		e = add_edge(g, key, stats);
	if (!e)
		return NULL;
	if (e->stats.count != stats->count)
		e->used_ns = now_ns;
	e->stats = *stats;
	if (changed)
		order_graph__queue(g, e);
	return e;
}

void order_graph__drop(struct order_graph *g, struct order_edge *e)
{
	struct order_lock *from = e->from, *to = e->to;

	HASH_DELETE(hh, g->edges, e);
	from->out[e->at] = from->out[--from->n_out];
	from->out[e->at]->at = e->at;
	to->n_in--;
	e->from = e->to = NULL;
	drop_unused(g, from);
	drop_unused(g, to);
	order_edge__put(e);
}

void order_graph__lives(struct order_graph *g, const struct exact_key *key, uint32_t lives)
{
	struct order_lock *lock;

	HASH_FIND(hh, g->locks, key, sizeof(*key), lock);
	if (lock)
		lock->lives = lives;
}

/* An order may have been read later than the count of lives, and so be ahead of it. */
static bool is_past(const struct order_lock *lock, uint8_t life)
{
	return (int8_t)((uint8_t)lock->lives - life) > 0;
}

bool order_edge__is_stale(const struct order_edge *e)
{
	return is_past(e->from, e->stats.from_life) || is_past(e->to, e->stats.to_life);
}
