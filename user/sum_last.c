// SPDX-License-Identifier: GPL-2.0-only
/* What is true at a moment only: of the sum it is so at its end, as the last interval has it. */
#include <stdlib.h>

#include "sum_internal.h"
#include "util.h"

static bool is_row(const struct snapshot *s, const struct thread *t)
{
	return t >= s->threads && t < s->threads + s->n_threads;
}

static const struct lock *lock_of(const struct sum *sum, const struct lock *lock)
{
	return lock ? &sum->s->locks[sum->lock_of[lock - sum->last->locks]->index] : NULL;
}

static const struct python_row *copy_python(struct sum *sum, const struct python_row *from)
{
	struct python_row *to;

	if (!from)
		return NULL;
	to = snapshot__alloc(sum->s, 1, sizeof(*to));
	*to = *from;
	to->name = sum__text(sum, from->name);
	return to;
}

static void fill_thread(struct sum *sum, struct thread *to, const struct thread *from)
{
	to->waiting_for = lock_of(sum, from->waiting_for);
	to->waiting_ns = from->waiting_ns;
	to->state = from->state;
	to->syscall = sum__text(sum, from->syscall);
	to->state_ns = from->state_ns;
	to->python = copy_python(sum, from->python);
	to->frames = from->frames ? sum__frames(sum, from->frames, from->n_frames) : NULL;
	to->n_frames = from->n_frames;
	to->truncated = from->truncated;
}

static const struct thread *thread_of(struct sum *sum, const struct thread *t)
{
	struct thread *to;

	if (!t)
		return NULL;
	if (is_row(sum->last, t))
		return &sum->s->threads[sum->thread_of[t - sum->last->threads]->index];
	to = snapshot__alloc(sum->s, 1, sizeof(*to)); /* it is no row, but it has a name */
	*to = *t;
	to->comm = sum__text(sum, t->comm);
	to->process_comm = sum__text(sum, t->process_comm);
	fill_thread(sum, to, t);
	return to;
}

static const struct python_lock_state *copy_state(struct sum *sum,
						  const struct python_lock_state *from)
{
	struct python_lock_state *to;

	if (!from)
		return NULL;
	to = snapshot__alloc(sum->s, 1, sizeof(*to));
	*to = *from;
	to->missing = snapshot__alloc(sum->s, from->n_missing, sizeof(*to->missing));
	for (size_t i = 0; i < from->n_missing; i++)
		to->missing[i] = thread_of(sum, from->missing[i]);
	return to;
}

static void fill_lock(struct sum *sum, struct lock *to, const struct lock *from)
{
	to->waiting = from->waiting;
	to->oldest_ns = from->oldest_ns;
	to->owner_died = from->owner_died;
	to->readers = from->readers;
	to->overtaken = from->overtaken;
	to->deadlocked = from->deadlocked;
	to->python = copy_state(sum, from->python);
	if (!from->owner)
		return;
	to->owner = snapshot__alloc(sum->s, 1, sizeof(*to->owner));
	*to->owner = *from->owner;
	to->owner->thread = thread_of(sum, from->owner->thread);
}

static void fill_deadlocks(struct sum *sum)
{
	const struct snapshot *from = sum->last;
	struct snapshot *s = sum->s;

	s->n_deadlocks = from->n_deadlocks;
	s->deadlocks = snapshot__alloc(s, s->n_deadlocks, sizeof(*s->deadlocks));
	for (size_t i = 0; i < s->n_deadlocks; i++) {
		struct deadlock *d = &s->deadlocks[i];

		*d = from->deadlocks[i];
		d->threads = snapshot__alloc(s, d->n_threads, sizeof(*d->threads));
		for (size_t j = 0; j < d->n_threads; j++) {
			const struct deadlock_thread *t = &from->deadlocks[i].threads[j];

			d->threads[j] = (struct deadlock_thread){
				.thread = thread_of(sum, t->thread),
				.waits_for = lock_of(sum, t->waits_for),
				.held_by = thread_of(sum, t->held_by),
			};
		}
	}
}

static void copy_edge(struct sum *sum, struct inversion_edge *to, const struct inversion_edge *from)
{
	*to = *from;
	to->from_name = sum__text(sum, from->from_name);
	to->to_name = sum__text(sum, from->to_name);
	to->frames = from->frames ? sum__frames(sum, from->frames, from->n_frames) : NULL;
	to->from_frame = from->from_frame ? sum__frames(sum, from->from_frame, 1) : NULL;
}

/* Which inversion: the locks in their order. */
static const char *inversion_key(struct sum *sum, const struct inversion *inversion)
{
	char *key = xasprintf("%d", (int)inversion->pid);
	const char *kept;

	for (size_t i = 0; i < inversion->n_edges; i++) {
		char *longer = xasprintf("%s %s", key, inversion->edges[i].from);

		free(key);
		key = longer;
	}
	kept = sum__text(sum, key);
	free(key);
	return kept;
}

void sum_last__note(struct sum *sum, const struct snapshot *s)
{
	for (size_t i = 0; i < s->n_inversions; i++) {
		if (!s->inversions[i].fresh)
			continue;
		array__grow(sum->fresh, sum->n_fresh, sum->fresh_capacity);
		sum->fresh[sum->n_fresh++] = inversion_key(sum, &s->inversions[i]);
	}
}

static bool is_fresh(struct sum *sum, const struct inversion *inversion)
{
	const char *key = inversion_key(sum, inversion);

	for (size_t i = 0; i < sum->n_fresh; i++)
		if (sum->fresh[i] == key)
			return true;
	return false;
}

static void fill_inversions(struct sum *sum)
{
	const struct snapshot *from = sum->last;
	struct snapshot *s = sum->s;

	s->n_inversions = from->n_inversions;
	s->inversions = snapshot__alloc(s, s->n_inversions, sizeof(*s->inversions));
	for (size_t i = 0; i < s->n_inversions; i++) {
		struct inversion *to = &s->inversions[i];

		*to = from->inversions[i];
		to->comm = sum__text(sum, to->comm);
		to->fresh = is_fresh(sum, &from->inversions[i]);
		to->edges = snapshot__alloc(s, to->n_edges, sizeof(*to->edges));
		for (size_t j = 0; j < to->n_edges; j++)
			copy_edge(sum, &to->edges[j], &from->inversions[i].edges[j]);
	}
}

void sum_last__fill(struct sum *sum)
{
	const struct snapshot *last = sum->last;
	struct snapshot *s = sum->s;

	for (size_t i = 0; i < last->n_threads; i++)
		fill_thread(sum, &s->threads[sum->thread_of[i]->index], &last->threads[i]);
	for (size_t i = 0; i < last->n_locks; i++)
		fill_lock(sum, &s->locks[sum->lock_of[i]->index], &last->locks[i]);
	fill_deadlocks(sum);
	fill_inversions(sum);
}
