// SPDX-License-Identifier: GPL-2.0-only
#include "select.h"

#include <stdlib.h>
#include <uthash.h>

#include "util.h"

static const struct field *sort_field(const struct options *o, enum entity entity)
{
	const struct field *f = o->sort_key ? fields__find(entity, o->sort_key) : NULL;

	return f ? f : fields__default_sort(entity);
}

bool select__is_quiet(const struct lock *l)
{
	return l->exact && !l->sleeps && !l->wait_ns && !l->waiting && !l->deadlocked &&
	       !select__is_used(l);
}

static bool is_shown(const void *row, enum entity entity, const struct options *o)
{
	const struct process *p = row;
	const struct lock *l = row;
	const struct thread *t = row;

	if (entity == ENTITY_LOCK && select__is_quiet(l))
		return false;
	if (o->idle)
		return true;
	switch (entity) {
	case ENTITY_PROCESS:
		return p->sleeps || p->wait_ns || p->waiting;
	case ENTITY_LOCK:
		return l->class != CLASS_IDLE || l->deadlocked;
	default:
		return t->sleeps || t->wait_ns ||
		       (t->waiting_for && t->waiting_for->class != CLASS_IDLE);
	}
}

static const void *row_at(const struct snapshot *s, enum entity entity, size_t i)
{
	switch (entity) {
	case ENTITY_PROCESS:
		return &s->processes[i];
	case ENTITY_LOCK:
		return &s->locks[i];
	default:
		return &s->threads[i];
	}
}

static size_t row_count(const struct snapshot *s, enum entity entity)
{
	switch (entity) {
	case ENTITY_PROCESS:
		return s->n_processes;
	case ENTITY_LOCK:
		return s->n_locks;
	default:
		return s->n_threads;
	}
}

static void mark_thread(const struct snapshot *s, const struct thread *t, bool *marks)
{
	if (t >= s->threads && t < s->threads + s->n_threads)
		marks[t - s->threads] = true;
}

static void mark_process(const struct snapshot *s, pid_t pid, bool *marks)
{
	for (size_t i = 0; i < s->n_processes; i++)
		marks[i] |= s->processes[i].pid == pid;
}

bool select__is_used(const struct lock *l)
{
	return l->exact && (l->acquisitions || l->try_failures || l->releases || l->signals);
}

static int compare_pids(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return x < y ? -1 : x > y;
}

bool *select__using(const struct snapshot *s)
{
	bool *marks = xcalloc(s->n_processes, sizeof(*marks));
	pid_t *pids = xcalloc(s->n_locks, sizeof(*pids));
	size_t n = 0;

	for (size_t i = 0; i < s->n_locks; i++)
		if (s->locks[i].class != CLASS_IDLE && select__is_used(&s->locks[i]))
			pids[n++] = s->locks[i].pid;
	qsort(pids, n, sizeof(*pids), compare_pids);
	for (size_t i = 0; i < s->n_processes; i++)
		marks[i] = bsearch(&s->processes[i].pid, pids, n, sizeof(*pids), compare_pids);
	free(pids);
	return marks;
}

/*
 * Rows that are shown because of others: who holds a lock that is shown, whose locks are, and all
 * that belongs to a deadlock. For free.
 */
static bool *involved(const struct snapshot *s, const struct options *o, enum entity entity)
{
	bool *marks = entity == ENTITY_PROCESS ? select__using(s)
					       : xcalloc(row_count(s, entity), sizeof(*marks));

	for (size_t i = 0; i < s->n_locks; i++) {
		const struct lock *l = &s->locks[i];

		if (entity == ENTITY_THREAD && l->owner && is_shown(l, ENTITY_LOCK, o))
			mark_thread(s, l->owner->thread, marks);
		else if (entity == ENTITY_PROCESS && l->deadlocked)
			mark_process(s, l->pid, marks);
	}
	for (size_t i = 0; entity == ENTITY_THREAD && i < s->n_deadlocks; i++)
		for (size_t j = 0; j < s->deadlocks[i].n_threads; j++)
			mark_thread(s, s->deadlocks[i].threads[j].thread, marks);
	return marks;
}

/* How many rows of a process were seen. */
struct seen {
	pid_t pid;
	unsigned int n;
	UT_hash_handle hh;
};

static pid_t pid_of(const void *row, enum entity entity)
{
	return entity == ENTITY_LOCK ? ((const struct lock *)row)->pid
				     : ((const struct thread *)row)->pid;
}

static bool always_kept(const void *row, enum entity entity)
{
	return entity == ENTITY_LOCK && ((const struct lock *)row)->deadlocked;
}

size_t select__top(const void **rows, size_t n, enum entity entity, unsigned int top)
{
	struct seen *table = NULL, *seen, *next;
	size_t kept = 0;

	for (size_t i = 0; top && i < n; i++) {
		pid_t pid = pid_of(rows[i], entity);

		HASH_FIND(hh, table, &pid, sizeof(pid), seen);
		if (!seen) {
			seen = xcalloc(1, sizeof(*seen));
			seen->pid = pid;
			HASH_ADD(hh, table, pid, sizeof(pid), seen);
		}
		if (seen->n++ < top || always_kept(rows[i], entity))
			rows[kept++] = rows[i];
	}
	HASH_ITER (hh, table, seen, next) {
		HASH_DELETE(hh, table, seen);
		free(seen);
	}
	return top ? kept : n;
}

const void **select__all(const struct snapshot *s, const struct options *o, enum entity entity,
			 size_t *n)
{
	size_t count = row_count(s, entity);
	const void **rows = xcalloc(count, sizeof(*rows));
	bool *marks = involved(s, o, entity);

	*n = 0;
	for (size_t i = 0; i < count; i++)
		if (marks[i] || is_shown(row_at(s, entity, i), entity, o))
			rows[(*n)++] = row_at(s, entity, i);
	free(marks);
	fields__sort(sort_field(o, entity), o->reverse, rows, *n);
	return rows;
}

const void **select__rows(const struct snapshot *s, const struct options *o, enum entity entity,
			  size_t *n)
{
	const void **rows = select__all(s, o, entity, n);

	if (entity == ENTITY_LOCK)
		*n = select__top(rows, *n, entity, o->top);
	return rows;
}
