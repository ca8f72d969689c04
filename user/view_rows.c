// SPDX-License-Identifier: GPL-2.0-only
/* Which rows of a snapshot are on screen, in which order, and where the cursor stands among them.
 */
#include "view.h"

#include <stdlib.h>
#include <string.h>

#include "detail.h"
#include "forest.h"
#include "select.h"
#include "text_page.h"
#include "words.h"

/* A line of the graph is about a thread, or about a lock. */
static struct row_key line_key(const struct forest_line *line)
{
	const struct thread *t = line->thread;
	const struct lock *l = line->lock;

	switch (line->mark) {
	case FOREST_LOCK:
		return (struct row_key){ l->pid, l->address };
	case FOREST_MORE:
		return (struct row_key){ l->pid, ~l->address };
	case FOREST_DEADLOCK:
	case FOREST_CYCLE:
		return (struct row_key){ -t->pid, t->tid };
	case FOREST_FRAME:
		return (struct row_key){ t->pid, ~(uint64_t)t->tid };
	default:
		return (struct row_key){ t->pid, t->tid };
	}
}

struct row_key view__key(const struct level *level, const void *row)
{
	const struct process *p = row;
	const struct lock *l = row;
	const struct thread *t = row;

	if (level->forest)
		return line_key(row);
	if (level->text)
		return (struct row_key){ level->text->pid,
					 (char *const *)row - level->text->lines };
	switch (level->entity) {
	case ENTITY_PROCESS:
		return (struct row_key){ p->pid, 0 };
	case ENTITY_LOCK:
		return (struct row_key){ l->pid, l->address };
	default:
		return (struct row_key){ t->pid, t->tid };
	}
}

static bool same_key(struct row_key a, struct row_key b)
{
	return a.pid == b.pid && a.sub == b.sub;
}

bool view__has_column(const struct view *v, const struct field *f)
{
	return (f->flags & FIELD_SCREEN) && (v->exact || !(f->flags & FIELD_EXACT));
}

void view__format(const struct view *v, const struct field *f, const void *row, char *buf,
		  size_t size)
{
	field__format_scaled(f, row, v->interval_ns, v->scaled, buf, size);
}

bool view__row_idle(const struct view *v, const void *row)
{
	const struct level *l = view__clevel(v);

	return l->entity == ENTITY_LOCK && !l->forest && !l->text &&
	       ((const struct lock *)row)->class == CLASS_IDLE;
}

static bool line_matches(const struct forest_line *line, uint64_t interval_ns, const char *text)
{
	char what[WORDS_MAX], remark[WORDS_MAX];

	forest__words(line, interval_ns, what, remark);
	return strcasestr(what, text) || strcasestr(remark, text);
}

bool view__row_matches(const struct view *v, const void *row, const char *text)
{
	char value[VIEW_TEXT];

	if (view__clevel(v)->forest)
		return line_matches(row, v->interval_ns, text);
	if (view__clevel(v)->text)
		return strcasestr(*(char *const *)row, text);
	for (const struct field *f = fields__of(view__clevel(v)->entity); f->key; f++) {
		if (!view__has_column(v, f))
			continue;
		view__format(v, f, row, value, sizeof(value));
		if (strcasestr(value, text))
			return true;
	}
	return false;
}

static bool process_shown(const struct view *v, const struct process *p)
{
	if (p->sleeps || p->wait_ns || p->waiting)
		return true;
	return v->idle && p->idle_wait_ns;
}

static bool lock_shown(const struct view *v, const struct lock *l)
{
	if (l->class == CLASS_IDLE && !v->idle)
		return false;
	return l->sleeps || l->wait_ns || l->waiting || select__is_used(l);
}

static bool thread_shown(const struct view *v, const struct thread *t)
{
	const struct level *level = view__clevel(v);

	if (level->pid && t->pid != level->pid)
		return false;
	if (v->idle)
		return t->sleeps || t->wait_ns || t->idle_wait_ns || t->waiting_for;
	return t->wait_ns || (t->waiting_for && t->waiting_for->class == CLASS_CONTENTION);
}

static void add_row(struct view *v, const void *row)
{
	const char *filter = view__clevel(v)->filter;

	if (filter[0] && !view__row_matches(v, row, filter))
		v->n_filtered_out++;
	else
		v->rows[v->n_rows++] = row;
}

/* The lock that the level on screen is about; NULL: none, or it is not in this snapshot. */
static const struct lock *lock_of(const struct view *v, const struct snapshot *s)
{
	const struct level *level = view__clevel(v);

	for (size_t i = 0; s && level->address && i < s->n_locks; i++)
		if (s->locks[i].pid == level->pid && s->locks[i].address == level->address)
			return &s->locks[i];
	return NULL;
}

/* A thread's numbers become those of the one lock that the list is about. */
static void add_lock_threads(struct view *v, const struct snapshot *s)
{
	const struct lock *lock = lock_of(v, s);
	size_t n = 0;

	if (v->threads_capacity < s->n_thread_locks) {
		v->threads_capacity = s->n_thread_locks;
		v->threads = xrealloc(v->threads, v->threads_capacity, sizeof(*v->threads));
	}
	for (size_t i = 0; i < s->n_thread_locks; i++) {
		const struct thread_lock *tl = &s->thread_locks[i];
		struct thread *t = &v->threads[n];

		if (!lock || !tl->thread || tl->lock != lock)
			continue;
		*t = *tl->thread;
		t->sleeps = tl->sleeps;
		t->wait_ns = tl->lock->class == CLASS_IDLE ? 0 : tl->wait_ns;
		t->idle_wait_ns = tl->wait_ns - t->wait_ns;
		n++;
		add_row(v, t);
	}
}

/* A lock that processes share is listed in each of them. */
static void add_locks(struct view *v, const struct snapshot *s)
{
	pid_t pid = view__clevel(v)->pid;
	bool *inside = xcalloc(s->n_locks, sizeof(*inside));

	for (size_t i = 0; i < s->n_thread_locks; i++) {
		const struct thread_lock *tl = &s->thread_locks[i];

		if (tl->thread && tl->lock && tl->thread->pid == pid)
			inside[tl->lock - s->locks] = true;
	}
	for (size_t i = 0; i < s->n_locks; i++) {
		const struct lock *l = &s->locks[i];

		if ((!pid || l->pid == pid || inside[i]) && lock_shown(v, l))
			add_row(v, l);
	}
	free(inside);
}

static void add_rows(struct view *v, const struct snapshot *s)
{
	bool *using;

	switch (view__clevel(v)->entity) {
	case ENTITY_PROCESS:
		using = select__using(s);
		for (size_t i = 0; i < s->n_processes; i++)
			if (using[i] || process_shown(v, &s->processes[i]))
				add_row(v, &s->processes[i]);
		free(using);
		break;
	case ENTITY_LOCK:
		add_locks(v, s);
		break;
	default:
		for (size_t i = 0; i < s->n_threads; i++)
			if (thread_shown(v, &s->threads[i]))
				add_row(v, &s->threads[i]);
	}
}

struct entry {
	struct row_key key;
	const void *row;
	bool placed;
};

static int compare_entries(const void *a, const void *b)
{
	const struct row_key *x = &((const struct entry *)a)->key;
	const struct row_key *y = &((const struct entry *)b)->key;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->sub < y->sub ? -1 : x->sub > y->sub;
}

static void place(struct view *v, struct entry *entries, struct row_key key, size_t *n)
{
	struct entry wanted = { .key = key };
	struct entry *e = bsearch(&wanted, entries, v->n_rows, sizeof(*entries), compare_entries);

	if (e && !e->placed) {
		e->placed = true;
		v->rows[(*n)++] = e->row;
	}
}

/* Rows come sorted; those of the last frame go back to their places, new ones follow. */
static void keep_order(struct view *v)
{
	const struct level *level = view__clevel(v);
	struct entry *entries = xcalloc(v->n_rows, sizeof(*entries));
	struct row_key *sorted = xcalloc(v->n_rows, sizeof(*sorted));
	size_t n = 0;

	for (size_t i = 0; i < v->n_rows; i++) {
		sorted[i] = view__key(level, v->rows[i]);
		entries[i] = (struct entry){ .key = sorted[i], .row = v->rows[i] };
	}
	qsort(entries, v->n_rows, sizeof(*entries), compare_entries);
	for (size_t i = 0; i < level->n_order; i++)
		place(v, entries, level->order[i], &n);
	for (size_t i = 0; i < v->n_rows; i++)
		place(v, entries, sorted[i], &n);
	/* Twice the same identity in one snapshot is one row here. */
	v->n_rows = n;
	free(entries);
	free(sorted);
}

static void remember_order(struct view *v)
{
	struct level *level = view__level(v);

	level->order = xrealloc(level->order, v->n_rows, sizeof(*level->order));
	level->n_order = v->n_rows;
	for (size_t i = 0; i < v->n_rows; i++)
		level->order[i] = view__key(level, v->rows[i]);
	level->number = v->number;
	level->resort = false;
}

/* Whatever the order, a pool of idle workers does not push contention down the list. */
static void idle_last(struct view *v)
{
	const void **idle = xcalloc(v->n_rows, sizeof(*idle));
	size_t n = 0, n_idle = 0;

	for (size_t i = 0; i < v->n_rows; i++) {
		if (view__row_idle(v, v->rows[i]))
			idle[n_idle++] = v->rows[i];
		else
			v->rows[n++] = v->rows[i];
	}
	memcpy(v->rows + n, idle, n_idle * sizeof(*idle));
	free(idle);
}

static void sort_rows(struct view *v)
{
	struct level *level = view__level(v);
	bool fresh = !level->reading && level->number != v->number;

	fields__sort(v->sort[level->entity], v->reverse[level->entity], v->rows, v->n_rows);
	idle_last(v);
	if (level->n_order && !fresh && !level->resort)
		keep_order(v);
}

/* The cursor stays on its row, and that row at its height on the screen. */
static void place_cursor(struct view *v)
{
	struct level *l = view__level(v);
	int height = l->position - l->top;
	int n = v->n_rows;

	if (!l->reading)
		l->position = 0;
	for (int i = 0; l->reading && i < n; i++) {
		if (same_key(l->cursor, l->order[i])) {
			l->position = i;
			break;
		}
	}
	l->position = MAX(0, MIN(l->position, n - 1));
	if (n)
		l->cursor = l->order[l->position];
	height = MAX(0, MIN(height, v->page - 1));
	l->top = MAX(0, MIN(l->position - height, n - v->page));
}

/* Off the first line of the graph its roots keep their order, as the rows of a list do. */
static void add_lines(struct view *v, const struct snapshot *s)
{
	struct level *l = view__level(v);
	bool fresh = l->resort || (!l->reading && l->number != v->number);
	struct forest *earlier = l->forest;

	l->forest = forest__new(s, v->idle, fresh ? NULL : earlier);
	forest__free(earlier);
	v->rows = xrealloc(v->rows, l->forest->n_lines, sizeof(*v->rows));
	for (size_t i = 0; i < l->forest->n_lines; i++)
		v->rows[v->n_rows++] = &l->forest->lines[i];
}

static void add_text(struct view *v)
{
	struct text_page *t = view__level(v)->text;

	v->rows = xrealloc(v->rows, t->n_lines, sizeof(*v->rows));
	for (size_t i = 0; i < t->n_lines; i++)
		v->rows[v->n_rows++] = &t->lines[i];
}

static void add_list(struct view *v, const struct snapshot *s)
{
	size_t most = s ? s->n_processes + s->n_locks + s->n_threads + s->n_thread_locks : 0;

	v->rows = xrealloc(v->rows, most, sizeof(*v->rows));
	if (s && view__level(v)->address)
		add_lock_threads(v, s);
	else if (s)
		add_rows(v, s);
	sort_rows(v);
}

void view__update(struct view *v, const struct snapshot *s, int page)
{
	struct level *l = view__level(v);

	v->page = MAX(page, 1);
	v->n_rows = 0;
	v->n_filtered_out = 0;
	v->interval_ns = s ? s->interval_ns : 0;
	v->number = s ? s->number : 0;
	v->exact = s && s->exact;
	v->scaled = s && fields__scaled(s);
	if (l->detail)
		detail__update(l->detail, lock_of(v, s), l->reading);
	if (l->forest)
		add_lines(v, s);
	else if (l->text)
		add_text(v);
	else
		add_list(v, s);
	remember_order(v);
	if (!l->detail)
		place_cursor(v);
}

pid_t view__pid(const struct view *v)
{
	const struct level *l = view__clevel(v);
	const void *row = view__row(v);
	const struct forest_line *line = row;

	if (l->text)
		return l->text->pid;
	if (l->detail || !row)
		return l->pid;
	if (l->forest)
		return line->thread ? line->thread->pid : line->lock->pid;
	return view__key(l, row).pid;
}

bool view__find(struct view *v, int direction)
{
	struct level *l = view__level(v);
	int n = v->n_rows, step = direction < 0 ? -1 : 1;

	for (int i = direction ? 1 : 0; v->search[0] && i < n + (direction != 0); i++) {
		int at = (((l->position + step * i) % n) + n) % n;

		if (!view__row_matches(v, v->rows[at], v->search))
			continue;
		view__move(v, at - l->position);
		return true;
	}
	return false;
}
