// SPDX-License-Identifier: GPL-2.0-only
/* From level to level: what opens on top of what is shown, and the way back. */
#include "view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detail.h"
#include "forest.h"
#include "text_page.h"

static void reset_level(struct level *l, enum entity entity)
{
	free(l->order);
	detail__free(l->detail);
	forest__free(l->forest);
	text_page__free(l->text);
	memset(l, 0, sizeof(*l));
	l->entity = entity;
}

/* Inside a process its name stands before this one already. */
static void label_lock(char *buf, size_t size, const struct lock *lock, bool with_process)
{
	const char *kind = lock_kind_names[lock->kind];
	char process[40] = "", address[32];

	if (with_process)
		snprintf(process, sizeof(process), "%.16s %d ", lock->comm ? lock->comm : "?",
			 lock->pid);
	snprintf(address, sizeof(address), "0x%" PRIx64, lock->address);
	/* A lock named by its site says what it is: "sem at take_slot+0x10". */
	if (lock->name && !strncmp(lock->name, kind, strlen(kind)) &&
	    lock->name[strlen(kind)] == ' ')
		kind = "";
	snprintf(buf, size, "%s%s%s%s", process, kind, kind[0] ? " " : "",
		 lock->name ? lock->name : address);
}

/* The lists' rows are read here, before update() drops them. */
static bool open_row(const struct level *from, const void *row, struct level *to)
{
	const struct lock *lock = row;

	if (from->text)
		return false;
	if (from->detail) {
		to->entity = ENTITY_THREAD;
		to->pid = from->pid;
		to->address = from->address;
		return true;
	}
	if (from->forest) {
		lock = ((const struct forest_line *)row)->lock;
	} else if (from->entity == ENTITY_PROCESS) {
		const struct process *p = row;

		to->entity = ENTITY_LOCK;
		to->pid = p->pid;
		snprintf(to->label, sizeof(to->label), "%s %d", p->comm ? p->comm : "?", p->pid);
		return true;
	} else if (from->entity == ENTITY_THREAD) {
		lock = ((const struct thread *)row)->waiting_for;
	}
	if (!lock || (from->address == lock->address && from->pid == lock->pid))
		return false;
	to->entity = ENTITY_THREAD;
	to->pid = lock->pid;
	to->address = lock->address;
	to->detail = detail__new();
	label_lock(to->label, sizeof(to->label), lock, from->pid != lock->pid);
	return true;
}

bool view__enter(struct view *v)
{
	const void *row = view__row(v);
	struct level next = { 0 };

	if (v->depth + 1 >= VIEW_ENTER || (!row && !view__level(v)->detail) ||
	    !open_row(view__level(v), row, &next))
		return false;
	v->depth++;
	reset_level(view__level(v), next.entity);
	*view__level(v) = next;
	return true;
}

void view__leave(struct view *v)
{
	/* Its lines were the rows. */
	if (view__level(v)->forest || view__level(v)->text)
		v->n_rows = 0;
	if (v->depth > 0) {
		reset_level(view__level(v), ENTITY_PROCESS);
		v->depth--;
		return;
	}
	view__level(v)->filter[0] = 0;
	v->search[0] = 0;
}

/* Inside a process its locks and its threads are two lists of one level. */
void view__show(struct view *v, enum entity entity)
{
	struct level *l, next = { .entity = entity };

	while (v->depth > 0 && (entity == ENTITY_PROCESS || view__level(v)->address ||
				view__level(v)->forest || view__level(v)->text))
		view__leave(v);
	l = view__level(v);
	if (l->entity == entity)
		return;
	next.pid = l->pid;
	memcpy(next.filter, l->filter, sizeof(next.filter));
	memcpy(next.label, l->label, sizeof(next.label));
	free(l->order);
	*l = next;
}

/* A page of a kind that there is one of: it is gone back to, or lies on top of what is shown. */
static struct level *top_level(struct view *v, bool (*is)(const struct level *))
{
	struct level *next;

	for (int i = 0; i <= v->depth; i++) {
		while (is(&v->levels[i]) && v->depth > i)
			view__leave(v);
	}
	if (is(view__level(v)) || v->depth + 1 >= VIEW_DEPTH)
		return view__level(v);
	next = &v->levels[v->depth + 1];
	reset_level(next, view__level(v)->entity);
	v->depth++;
	return next;
}

static bool is_graph(const struct level *l)
{
	return l->forest;
}

static bool is_text(const struct level *l)
{
	return l->text;
}

void view__show_graph(struct view *v)
{
	struct level *l = view__level(v);

	v->mode = MODE_LIST;
	if (l->forest) {
		view__leave(v);
		return;
	}
	l = top_level(v, is_graph);
	if (!l->forest) {
		l->forest = forest__new(NULL, false, NULL);
		snprintf(l->label, sizeof(l->label), "Wait graph");
	}
}

void view__show_text(struct view *v, const char *label, struct text_page *text)
{
	struct level *l = top_level(v, is_text);

	v->mode = MODE_LIST;
	v->n_rows = 0;
	reset_level(l, l->entity);
	l->text = text;
	snprintf(l->label, sizeof(l->label), "%s", label);
}
