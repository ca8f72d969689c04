// SPDX-License-Identifier: GPL-2.0-only
#include "forest.h"

#include <stdlib.h>

#include "util.h"
#include "wait_graph.h"
#include "words.h"

struct forest_place {
	pid_t pid;
	uint64_t address;
	size_t rank;
};

/* A thread or lock by its place in the snapshot, with what it is ordered by. */
struct ranked {
	uint32_t index;
	bool is_lock;
	size_t rank; /* in the earlier forest */
	size_t behind;
	uint64_t age_ns;
};

struct builder {
	const struct snapshot *s;
	const struct graph *g;
	struct forest *f;
	size_t lines_capacity, places_capacity;
	bool *shown; /* threads that have their line */
	/* Lines still to come, the next one last: no chain is too deep. */
	struct forest_line *stack;
	size_t n_stack, stack_capacity;
	struct forest_line *children; /* of the line being laid out */
	size_t n_children, children_capacity;
	struct ranked *ranked; /* scratch */
	size_t ranked_capacity;
};

static int by_weight(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (x->behind != y->behind)
		return x->behind > y->behind ? -1 : 1;
	if (x->age_ns != y->age_ns)
		return x->age_ns > y->age_ns ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static int by_age(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->age_ns != y->age_ns)
		return x->age_ns > y->age_ns ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static int by_place(const void *a, const void *b)
{
	const struct forest_place *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->address < y->address ? -1 : x->address > y->address;
}

/* qsort wants an array even where it is empty. */
static void sort(void *items, size_t n, size_t size, int (*compare)(const void *, const void *))
{
	if (n > 1)
		qsort(items, n, size, compare);
}

static void add_ranked(struct builder *b, size_t *n, struct ranked one)
{
	array__grow(b->ranked, *n, b->ranked_capacity);
	b->ranked[(*n)++] = one;
}

static void add_child(struct builder *b, struct forest_line line)
{
	array__grow(b->children, b->n_children, b->children_capacity);
	b->children[b->n_children++] = line;
}

/* Threads behind a lock, but for those that have a line: the cycle's own. */
static size_t behind_lock(const struct builder *b, uint32_t l)
{
	const struct graph *g = b->g;
	size_t n = 0;

	for (uint32_t i = g->queue_from[l]; i < g->queue_from[l + 1]; i++)
		if (!b->shown[g->queue[i]])
			n += 1 + g->behind[g->queue[i]];
	return n;
}

static struct forest_line lock_line(const struct builder *b, uint32_t l, size_t behind)
{
	struct forest_line line = { .mark = FOREST_LOCK, .lock = &b->s->locks[l] };

	line.behind = behind;
	line.age_ns = line.lock->oldest_ns;
	return line;
}

static void add_frame(struct builder *b, const struct thread *t)
{
	struct forest_line line = { .mark = FOREST_FRAME, .thread = t };

	if (t->frames && words__own_frame(t->frames, t->n_frames))
		add_child(b, line);
}

static void add_held(struct builder *b, uint32_t t)
{
	const struct graph *g = b->g;
	size_t n = 0;

	for (uint32_t i = g->holds_from[t]; i < g->holds_from[t + 1]; i++) {
		uint32_t l = g->holds[i];
		struct ranked one = { l, true, 0, behind_lock(b, l), b->s->locks[l].oldest_ns };

		if (one.behind)
			add_ranked(b, &n, one);
	}
	sort(b->ranked, n, sizeof(*b->ranked), by_weight);
	for (size_t i = 0; i < n; i++)
		add_child(b, lock_line(b, b->ranked[i].index, b->ranked[i].behind));
}

/* Those that hold others up stay in sight before those that only wait long. */
static void add_waiters(struct builder *b, const struct lock *lock)
{
	const struct graph *g = b->g;
	uint32_t l = wait_graph__lock(b->s, lock);
	struct forest_line more = { .mark = FOREST_MORE, .lock = lock, .least_ns = UINT64_MAX };
	size_t n = 0, shown;

	for (uint32_t i = g->queue_from[l]; i < g->queue_from[l + 1]; i++) {
		uint32_t t = g->queue[i];
		struct ranked one = { t, false, 0, g->behind[t], b->s->threads[t].waiting_ns };

		if (!b->shown[t])
			add_ranked(b, &n, one);
	}
	sort(b->ranked, n, sizeof(*b->ranked), by_weight);
	shown = n > FOREST_WAITERS + 1 ? FOREST_WAITERS : n;
	for (size_t i = shown; i < n; i++) {
		more.n++;
		more.behind += b->ranked[i].behind;
		more.age_ns = MAX(more.age_ns, b->ranked[i].age_ns);
		more.least_ns = MIN(more.least_ns, b->ranked[i].age_ns);
	}
	sort(b->ranked, shown, sizeof(*b->ranked), by_age);
	for (size_t i = 0; i < shown; i++) {
		const struct ranked *one = &b->ranked[i];
		struct forest_line line = { .mark = FOREST_WAITER, .lock = lock };

		line.thread = &b->s->threads[one->index];
		line.behind = one->behind;
		line.age_ns = one->age_ns;
		add_child(b, line);
	}
	if (more.n)
		add_child(b, more);
}

/* Puts the children on the stack; the rules to them follow from those to their parent. */
static void push_children(struct builder *b, const struct guides *parent)
{
	int depth = parent->depth;

	for (size_t i = b->n_children; i-- > 0;) {
		struct guides *g = &b->children[i].guides;

		g->depth = depth + 1;
		g->rest = parent->rest;
		if (depth > 0 && depth < 64 && !parent->last)
			g->rest |= 1ULL << depth;
		g->head = b->children[i].mark != FOREST_FRAME;
		g->last = i + 1 == b->n_children;
		array__grow(b->stack, b->n_stack, b->stack_capacity);
		b->stack[b->n_stack++] = b->children[i];
	}
	b->n_children = 0;
}

static void add_children(struct builder *b, const struct forest_line *line)
{
	uint32_t t = wait_graph__thread(b->s, line->thread);

	switch (line->mark) {
	case FOREST_LINK:
	case FOREST_ROOT:
		add_frame(b, line->thread);
		/* fall through */
	case FOREST_WAITER:
		if (t != GRAPH_NONE)
			add_held(b, t);
		break;
	case FOREST_LOCK:
		add_waiters(b, line->lock);
		break;
	default:
		break;
	}
}

/* The line and all below it, with the children that are collected already as its first. */
static void lay_out(struct builder *b, struct forest_line line)
{
	size_t bottom = b->n_stack;

	for (;;) {
		uint32_t t = wait_graph__thread(b->s, line.thread);

		array__grow(b->f->lines, b->f->n_lines, b->lines_capacity);
		b->f->lines[b->f->n_lines++] = line;
		if (t != GRAPH_NONE)
			b->shown[t] = true;
		add_children(b, &line);
		push_children(b, &line.guides);
		if (b->n_stack == bottom)
			return;
		line = b->stack[--b->n_stack];
	}
}

static void add_link(struct builder *b, const struct thread *thread, const struct lock *lock,
		     const struct thread *holder)
{
	struct forest_line line = { .mark = FOREST_LINK, .thread = thread, .lock = lock };

	line.holder = holder;
	line.age_ns = thread->waiting_ns;
	add_child(b, line);
}

static void add_cycle_head(struct builder *b, enum forest_mark mark, uint64_t age_ns)
{
	struct forest_line head = { .mark = mark, .n = b->n_children, .age_ns = age_ns };
	uint32_t t;

	if (!head.n)
		return;
	head.thread = b->children[0].thread;
	head.lock = b->children[0].lock;
	t = wait_graph__thread(b->s, head.thread);
	head.behind = head.n + (t == GRAPH_NONE ? 0 : b->g->behind[t]);
	b->f->n_roots++;
	lay_out(b, head);
}

static void add_deadlock(struct builder *b, const struct deadlock *d)
{
	for (size_t i = 0; i < d->n_threads; i++)
		if (d->threads[i].thread)
			add_link(b, d->threads[i].thread, d->threads[i].waits_for,
				 d->threads[i].held_by);
	add_cycle_head(b, FOREST_DEADLOCK, d->since_ns);
}

/* One that is no deadlock yet: it may be gone at the next look. */
static void add_cycle(struct builder *b, const struct graph_cycle *cycle)
{
	const struct snapshot *s = b->s;
	uint64_t age_ns = UINT64_MAX;

	for (size_t i = 0; i < cycle->n; i++) {
		const struct thread *t = &s->threads[cycle->threads[i]];

		add_link(b, t, &s->locks[cycle->locks[i]],
			 &s->threads[cycle->threads[(i + 1) % cycle->n]]);
		age_ns = MIN(age_ns, t->waiting_ns);
	}
	add_cycle_head(b, FOREST_CYCLE, age_ns);
}

/* Their threads are known as such before any line is made: what queues behind them is a tree. */
static void add_cycles(struct builder *b)
{
	const struct snapshot *s = b->s;
	bool *confirmed = xcalloc(s->n_threads, sizeof(*confirmed));

	for (size_t i = 0; i < s->n_deadlocks; i++) {
		for (size_t j = 0; j < s->deadlocks[i].n_threads; j++) {
			uint32_t t = wait_graph__thread(s, s->deadlocks[i].threads[j].thread);

			if (t != GRAPH_NONE)
				b->shown[t] = confirmed[t] = true;
		}
	}
	for (size_t i = 0; i < b->g->n_cycles; i++)
		for (size_t j = 0; j < b->g->cycles[i].n; j++)
			b->shown[b->g->cycles[i].threads[j]] = true;
	for (size_t i = 0; i < s->n_deadlocks; i++)
		add_deadlock(b, &s->deadlocks[i]);
	for (size_t i = 0; i < b->g->n_cycles; i++)
		if (b->g->cycles[i].n && !confirmed[b->g->cycles[i].threads[0]])
			add_cycle(b, &b->g->cycles[i]);
	free(confirmed);
}

static size_t earlier_rank(const struct forest *earlier, const struct lock *l)
{
	struct forest_place wanted = { l->pid, l->address, 0 }, *found = NULL;

	if (earlier && earlier->n_places)
		found = bsearch(&wanted, earlier->places, earlier->n_places, sizeof(wanted),
				by_place);
	return found ? found->rank : SIZE_MAX;
}

static void add_place(struct builder *b, const struct lock *l, size_t rank)
{
	array__grow(b->f->places, b->f->n_places, b->places_capacity);
	b->f->places[b->f->n_places++] = (struct forest_place){ l->pid, l->address, rank };
}

/*
 * Threads that block others and do not wait, and locks nobody is known to hold. A root is known
 * again by its locks: their owner may be another one every time.
 */
static struct ranked *find_roots(struct builder *b, const struct forest *earlier, size_t *n)
{
	const struct snapshot *s = b->s;
	const struct graph *g = b->g;
	struct ranked *roots;

	*n = 0;
	for (uint32_t t = 0; t < s->n_threads; t++) {
		struct ranked one = { t, false, SIZE_MAX, g->behind[t], 0 };

		b->f->n_waiting += g->root_lock[t] != GRAPH_NONE;
		if (!one.behind || g->root_lock[t] != GRAPH_NONE)
			continue;
		for (uint32_t i = g->holds_from[t]; i < g->holds_from[t + 1]; i++) {
			const struct lock *l = &s->locks[g->holds[i]];

			one.rank = MIN(one.rank, earlier_rank(earlier, l));
			one.age_ns = MAX(one.age_ns, l->oldest_ns);
		}
		add_ranked(b, n, one);
	}
	for (uint32_t l = 0; l < s->n_locks; l++) {
		struct ranked one = { l, true, 0, g->impact[l], s->locks[l].oldest_ns };

		if (!g->waiters[l] || g->holder[l] != GRAPH_NONE)
			continue;
		one.rank = earlier_rank(earlier, &s->locks[l]);
		add_ranked(b, n, one);
	}
	sort(b->ranked, *n, sizeof(*b->ranked), by_weight);
	roots = b->ranked; /* the scratch is wanted for other things now */
	b->ranked = NULL;
	b->ranked_capacity = 0;
	return roots;
}

static void add_root(struct builder *b, const struct ranked *root, size_t rank)
{
	const struct graph *g = b->g;
	struct forest_line line = { .mark = FOREST_ROOT };
	uint32_t t = root->index;

	if (root->is_lock) {
		line = lock_line(b, root->index, root->behind);
		add_place(b, line.lock, rank);
	} else {
		line.thread = &b->s->threads[t];
		line.lock = &b->s->locks[g->holds[g->holds_from[t]]];
		line.behind = root->behind;
		line.age_ns = root->age_ns;
		for (uint32_t i = g->holds_from[t]; i < g->holds_from[t + 1]; i++)
			add_place(b, &b->s->locks[g->holds[i]], rank);
	}
	b->f->n_roots++;
	lay_out(b, line);
}

struct forest *forest__new(const struct snapshot *s, bool idle, const struct forest *earlier)
{
	struct forest *f = xcalloc(1, sizeof(*f));
	struct builder b = { .s = s, .f = f };
	struct ranked *roots;
	struct graph *g;
	size_t n;

	if (!s)
		return f;
	g = wait_graph__new(s, idle);
	b.g = g;
	b.shown = xcalloc(s->n_threads, sizeof(*b.shown));
	add_cycles(&b);
	roots = find_roots(&b, earlier, &n);
	for (size_t i = 0; i < n; i++)
		add_root(&b, &roots[i], i);
	sort(f->places, f->n_places, sizeof(*f->places), by_place);
	graph__free(g);
	free(roots);
	free(b.shown);
	free(b.stack);
	free(b.children);
	free(b.ranked);
	return f;
}

void forest__free(struct forest *f)
{
	if (!f)
		return;
	free(f->lines);
	free(f->places);
	free(f);
}
