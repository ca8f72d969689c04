// SPDX-License-Identifier: GPL-2.0-only
#include "select.h"

#include <stdlib.h>

#include "util.h"

static const struct field *sort_field(const struct options *o, enum entity entity)
{
	const struct field *f = o->sort_key ? fields__find(entity, o->sort_key) : NULL;

	return f ? f : fields__default_sort(entity);
}

static bool is_shown(const void *row, enum entity entity, const struct options *o)
{
	const struct process *p = row;
	const struct lock *l = row;
	const struct thread *t = row;

	if (o->idle)
		return true;
	switch (entity) {
	case ENTITY_PROCESS:
		return p->sleeps || p->wait_ns || p->waiting;
	case ENTITY_LOCK:
		return l->class != CLASS_IDLE;
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

static int compare_pids(const void *a, const void *b)
{
	const struct lock *x = *(const struct lock *const *)a;
	const struct lock *y = *(const struct lock *const *)b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* Keeps the first `top` locks of each process, in the order that the rows have. */
static size_t keep_top(const void **rows, size_t n, unsigned int top)
{
	const void **by_pid = xcalloc(n, sizeof(*by_pid));
	unsigned int *seen = xcalloc(n, sizeof(*seen));
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		by_pid[i] = rows[i];
	qsort(by_pid, n, sizeof(*by_pid), compare_pids);
	for (size_t i = 0; i < n; i++) {
		const void *key = rows[i];
		const void **any = bsearch(&key, by_pid, n, sizeof(*by_pid), compare_pids);
		size_t first = any - by_pid;

		while (first && !compare_pids(&by_pid[first - 1], &key))
			first--;
		if (seen[first]++ < top)
			rows[kept++] = rows[i];
	}
	free(by_pid);
	free(seen);
	return kept;
}

static const void **all_rows(const struct snapshot *s, const struct options *o, enum entity entity,
			     size_t *n)
{
	size_t count = row_count(s, entity);
	const void **rows = xcalloc(count, sizeof(*rows));

	*n = 0;
	for (size_t i = 0; i < count; i++)
		if (is_shown(row_at(s, entity, i), entity, o))
			rows[(*n)++] = row_at(s, entity, i);
	return rows;
}

const void **select__rows(const struct snapshot *s, const struct options *o, enum entity entity,
			  size_t *n)
{
	const void **rows = all_rows(s, o, entity, n);

	fields__sort(sort_field(o, entity), o->reverse, rows, *n);
	if (entity == ENTITY_LOCK && o->top && *n)
		*n = keep_top(rows, *n, o->top);
	return rows;
}

size_t select__left_out(const struct snapshot *s, const struct options *o)
{
	size_t all, kept;

	free(all_rows(s, o, ENTITY_LOCK, &all));
	free(select__rows(s, o, ENTITY_LOCK, &kept));
	return all - kept;
}
