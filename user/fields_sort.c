// SPDX-License-Identifier: GPL-2.0-only
/* The order of rows by any column. */
#include "fields.h"

#include <stdlib.h>
#include <string.h>

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_values(enum unit unit, const struct value *a, const struct value *b)
{
	switch (unit) {
	case UNIT_TEXT:
		return strcmp(value__text(a), value__text(b));
	case UNIT_ID:
		return ORDER(a->number, b->number);
	case UNIT_ADDRESS:
		return ORDER((uint64_t)a->number, (uint64_t)b->number);
	default:
		return ORDER(b->number, a->number);
	}
}

static int compare(const struct field *f, bool reverse, const void *a, const void *b)
{
	struct value x = f->get(a), y = f->get(b);

	if (!x.known || !y.known)
		return y.known - x.known;
	return reverse ? compare_values(f->unit, &y, &x) : compare_values(f->unit, &x, &y);
}

static int compare_identity(enum entity entity, const void *a, const void *b)
{
	const struct process *p = a, *q = b;
	const struct lock *k = a, *l = b;
	const struct thread *t = a, *u = b;
	int order = 0;

	switch (entity) {
	case ENTITY_PROCESS:
		order = ORDER(p->pid, q->pid);
		order = order ? order : ORDER(p->gen, q->gen);
		break;
	case ENTITY_LOCK:
		order = ORDER(k->pid, l->pid);
		order = order ? order : ORDER(k->address, l->address);
		order = order ? order : ORDER(k->kind, l->kind);
		break;
	case ENTITY_THREAD:
		order = ORDER(t->pid, u->pid);
		order = order ? order : ORDER(t->tid, u->tid);
		break;
	default:
		break;
	}
	return order ? order : ORDER((uintptr_t)a, (uintptr_t)b);
}

/* Locks that nobody waited for are many: those that are used most stand before the others. */
static int compare_use(const struct lock *a, const struct lock *b)
{
	int order = ORDER(b->exact, a->exact);

	return order || !a->exact ? order : ORDER(b->acquisitions, a->acquisitions);
}

struct order {
	const struct field *field;
	bool reverse;
	bool by_wait; /* rows are locks, by the default order */
};

static int compare_rows(const void *a, const void *b, void *context)
{
	const void *x = *(const void *const *)a, *y = *(const void *const *)b;
	const struct order *order = context;
	int result = compare(order->field, order->reverse, x, y);

	if (!result && order->by_wait)
		result = compare_use(order->reverse ? y : x, order->reverse ? x : y);
	return result ? result : compare_identity(order->field->entity, x, y);
}

void fields__sort(const struct field *f, bool reverse, const void **rows, size_t n)
{
	struct order order = { .field = f, .reverse = reverse };

	order.by_wait = f->entity == ENTITY_LOCK && f == fields__default_sort(ENTITY_LOCK);
	if (n > 1)
		qsort_r(rows, n, sizeof(*rows), compare_rows, &order);
}
