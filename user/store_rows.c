// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rows of a snapshot as SQLite sees them: a virtual table for each table of a recording, so
 * that one INSERT ... SELECT takes them all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_internal.h"
#include "util.h"

static int64_t integer_of(const struct store_column *c, const void *at)
{
	const struct timespec *time = at;

	switch (c->type) {
	case TYPE_U32:
		return *(const uint32_t *)at;
	case TYPE_INT:
		return *(const int *)at;
	case TYPE_BOOL:
		return *(const bool *)at;
	case TYPE_TIME:
		return (int64_t)time->tv_sec * (int64_t)NSEC_PER_SEC + time->tv_nsec;
	default:
		return *(const int64_t *)at; /* of unsigned ones, the same bits */
	}
}

/* What is not given is NULL. */
static int word(struct store *s, sqlite3_context *to, const struct store_column *c,
		const char *text)
{
	int64_t number;
	int code;

	if (!text && c->null == NULL_NONE)
		text = "?";
	if (!text)
		return SQLITE_OK;
	code = store_words__string(s, text, &number);
	if (!code)
		sqlite3_result_int64(to, number);
	return code;
}

static int compare_threads(const void *a, const void *b)
{
	const struct thread *const *x = a, *const *y = b;

	return *x < *y ? -1 : *x > *y;
}

static bool is_row(const struct snapshot *s, const struct thread *t)
{
	return t >= s->threads && t < s->threads + s->n_threads;
}

static void add_other(struct store *s, const struct snapshot *snapshot, const struct thread *t)
{
	if (!t || is_row(snapshot, t))
		return;
	array__grow(s->others, s->n_others, s->others_capacity);
	s->others[s->n_others++] = t;
}

/* Few threads in many rows: most are known to have been added. */
static void find_in_sleeps(struct store *s, const struct snapshot *snapshot)
{
	const struct thread *added[256] = {};

	for (size_t i = 0; i < snapshot->n_sleeps; i++) {
		const struct sleep *sleep = &snapshot->sleeps[i];
		const struct thread *of[] = { sleep->thread, sleep->waker };

		for (size_t j = 0; j < ARRAY_SIZE(of); j++) {
			size_t slot = (uintptr_t)of[j] / sizeof(*of[j]) % ARRAY_SIZE(added);

			if (added[slot] == of[j])
				continue;
			add_other(s, snapshot, of[j]);
			added[slot] = of[j];
		}
	}
}

void store_rows__find_others(struct store *s, const struct snapshot *snapshot)
{
	size_t n = 0;

	s->n_others = 0;
	for (size_t i = 0; i < snapshot->n_locks; i++) {
		const struct lock *l = &snapshot->locks[i];

		if (l->owner)
			add_other(s, snapshot, l->owner->thread);
		for (size_t j = 0; j < l->n_holders; j++)
			add_other(s, snapshot, l->holders[j].thread);
		for (size_t j = 0; l->python && j < l->python->n_missing; j++)
			add_other(s, snapshot, l->python->missing[j]);
	}
	find_in_sleeps(s, snapshot);
	if (s->n_others)
		qsort(s->others, s->n_others, sizeof(*s->others), compare_threads);
	for (size_t i = 0; i < s->n_others; i++)
		if (!i || s->others[i] != s->others[i - 1])
			s->others[n++] = s->others[i];
	s->n_others = n;
}

/* Threads that are no rows follow those that are. -1: neither. */
static int64_t thread_index(const struct store *s, const struct thread *t)
{
	const struct thread *const *found;

	if (is_row(s->snapshot, t))
		return t - s->snapshot->threads;
	found = s->n_others
			? bsearch(&t, s->others, s->n_others, sizeof(*s->others), compare_threads)
			: NULL;
	return found ? (int64_t)s->snapshot->n_threads + (found - s->others) : -1;
}

static int reference(const struct store *s, sqlite3_context *to, const struct store_column *c,
		     const void *row)
{
	bool lock = c->type == TYPE_LOCK;
	int64_t index = !row   ? -1
			: lock ? (const struct lock *)row - s->snapshot->locks
			       : thread_index(s, row);

	if (index >= 0)
		sqlite3_result_int64(to,
				     s->next[lock ? STORE_TABLE_LOCK : STORE_TABLE_THREAD] + index);
	return SQLITE_OK;
}

static int stack(struct store *s, sqlite3_context *to, const struct store_column *c,
		 const struct frame *frames, const char *row)
{
	int64_t number;
	int code;

	if (!frames)
		return SQLITE_OK;
	code = c->type == TYPE_FRAME
		       ? store_words__frame(s, frames, &number)
		       : store_words__stack(s, frames, *(const size_t *)(row + c->more), &number);
	if (!code)
		sqlite3_result_int64(to, number);
	return code;
}

static int counts(sqlite3_context *to, const struct store_column *c, const void *value)
{
	char json[STORE_HIST];
	size_t size = c->type == TYPE_HIST ? store_hist__format(json, value)
					   : store_states__format(json, value);

	if (size)
		sqlite3_result_text(to, json, size, SQLITE_TRANSIENT);
	return SQLITE_OK;
}

static int integer(sqlite3_context *to, const struct store_column *c, int64_t n)
{
	if ((c->null != NULL_ZERO || n) && (c->null != NULL_MINUS || n != -1))
		sqlite3_result_int64(to, n);
	return SQLITE_OK;
}

static int give(struct store *s, sqlite3_context *to, const struct store_column *c, const char *row)
{
	const char *value = row + c->offset;
	unsigned int n;

	if (c->known && !*(const bool *)(row + c->known))
		return SQLITE_OK;
	switch (c->type) {
	case TYPE_SHARE:
		sqlite3_result_double(to, *(const double *)value);
		return SQLITE_OK;
	case TYPE_WORD:
		return word(s, to, c, *(const char *const *)value);
	case TYPE_CHARS:
		return word(s, to, c, value);
	case TYPE_ENUM:
		n = *(const unsigned int *)value;
		return word(s, to, c, n < (unsigned int)c->n_names ? c->names[n] : NULL);
	case TYPE_TEXT:
		sqlite3_result_text(to, *(const char *const *)value, -1, SQLITE_STATIC);
		return SQLITE_OK;
	case TYPE_HIST:
	case TYPE_STATES:
		return counts(to, c, value);
	case TYPE_LOCK:
	case TYPE_THREAD:
		return reference(s, to, c, *(const void *const *)value);
	case TYPE_FRAME:
	case TYPE_STACK:
		return stack(s, to, c, *(const struct frame *const *)value, row);
	default:
		return integer(to, c, integer_of(c, value));
	}
}

/* ---- what SQLite calls ---- */

struct table {
	sqlite3_vtab base;
	struct store_source *source;
	int first; /* column that is the table's own first one */
};

struct cursor {
	sqlite3_vtab_cursor base;
	size_t at;
};

/* Columns before the table's own: of the interval, number, chapter, losses, ranges; its owner. */
#define INTERVAL_KEYS 3

static int first_value(enum store_table_id id)
{
	int n = INTERVAL_KEYS;

	if (id != STORE_TABLE_INTERVAL)
		return store_schema__is_numbered(id) &&
		       store_schema__owner(id) != STORE_TABLE_INTERVAL;
	for (int i = 0; i < STORE_TABLES; i++)
		n += store_schema__is_numbered(i) ? 2 : 0;
	return n;
}

static int connect_table(sqlite3 *db, void *source, int argc, const char *const *argv,
			 sqlite3_vtab **ret, char **error)
{
	struct store_source *from = source;
	struct table *t = sqlite3_malloc(sizeof(*t));
	char sql[1024] = "CREATE TABLE x (";
	size_t n;

	if (!t)
		return SQLITE_NOMEM;
	*t = (struct table){ .source = from, .first = first_value(from->id) };
	n = t->first + store_tables[from->id].n_columns + (from->id != STORE_TABLE_INTERVAL);
	for (size_t i = 0; i < n; i++)
		snprintf(sql + strlen(sql), sizeof(sql) - strlen(sql), "%sc%zu", i ? "," : "", i);
	snprintf(sql + strlen(sql), sizeof(sql) - strlen(sql), ")");
	*ret = &t->base;
	return sqlite3_declare_vtab(db, sql);
}

static int disconnect_table(sqlite3_vtab *base)
{
	sqlite3_free(base);
	return SQLITE_OK;
}

static int best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	return SQLITE_OK; /* there is one way: from the first row to the last */
}

static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **ret)
{
	struct cursor *c = sqlite3_malloc(sizeof(*c));

	if (!c)
		return SQLITE_NOMEM;
	*c = (struct cursor){};
	*ret = &c->base;
	return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
	sqlite3_free(base);
	return SQLITE_OK;
}

static int first_row(sqlite3_vtab_cursor *base, int number, const char *name, int argc,
		     sqlite3_value **argv)
{
	((struct cursor *)base)->at = ((struct table *)base->pVtab)->source->begin;
	return SQLITE_OK;
}

static int next_row(sqlite3_vtab_cursor *base)
{
	((struct cursor *)base)->at++;
	return SQLITE_OK;
}

static int at_end(sqlite3_vtab_cursor *base)
{
	return ((struct cursor *)base)->at >= ((struct table *)base->pVtab)->source->end;
}

static int row_number(sqlite3_vtab_cursor *base, sqlite3_int64 *ret)
{
	*ret = ((struct cursor *)base)->at;
	return SQLITE_OK;
}

/* The first number of the interval in a table, its last, the next table's first, ... */
static int64_t range_end(const struct store *s, int at)
{
	int id = 0;

	for (; id < STORE_TABLES - 1; id++) {
		if (!store_schema__is_numbered(id))
			continue;
		if (at < 2)
			break;
		at -= 2;
	}
	return s->next[id] + (at ? (int64_t)s->sources[id].n - 1 : 0);
}

static int64_t interval_key(const struct store *s, int at)
{
	switch (at) {
	case 0:
		return s->sources[STORE_TABLE_INTERVAL].rows->number;
	case 1:
		return s->chapter_number;
	case 2:
		return snapshot__losses(s->snapshot);
	default:
		return range_end(s, at - INTERVAL_KEYS);
	}
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *to, int at)
{
	const struct table *t = (struct table *)base->pVtab;
	const struct store_source_row *row = &t->source->rows[((struct cursor *)base)->at];
	const struct store_table *of = &store_tables[t->source->id];
	struct store *s = t->source->s;
	size_t value = at - t->first;

	if (at >= t->first && value < of->n_columns)
		return give(s, to, &of->columns[value], row->row);
	if (t->source->id == STORE_TABLE_INTERVAL)
		sqlite3_result_int64(to, interval_key(s, at));
	else
		sqlite3_result_int64(to, at < t->first ? row->owner : row->number);
	return SQLITE_OK;
}

static const sqlite3_module module = {
	.xConnect = connect_table,
	.xBestIndex = best_index,
	.xDisconnect = disconnect_table,
	.xOpen = open_cursor,
	.xClose = close_cursor,
	.xFilter = first_row,
	.xNext = next_row,
	.xEof = at_end,
	.xColumn = column,
	.xRowid = row_number,
};

/* All columns but the number, which is the last one. */
static int prepare_more(struct store *s, int id, const char *virtual)
{
	const struct store_table *t = &store_tables[id];
	_cleanup_(util__freep) char *sql = NULL;
	size_t size, first = first_value(id);
	FILE *out = open_memstream(&sql, &size);

	if (!out)
		return SQLITE_NOMEM;
	fprintf(out, "INSERT INTO %s (", t->name);
	if (first)
		fprintf(out, "%s, ", store_tables[store_schema__owner(id)].name);
	for (size_t i = 0; i < t->n_columns; i++)
		fprintf(out, "%s%s", i ? ", " : "", t->columns[i].name);
	for (size_t i = 0; i < first + t->n_columns; i++)
		fprintf(out, "%s c%zu", i ? "," : ") SELECT", i);
	fprintf(out, " FROM %s", virtual);
	fclose(out);
	return store__prepare(s, &s->more[id], "%s", sql);
}

int store_rows__prepare(struct store *s, int id)
{
	const char *name = store_tables[id].name;
	char virtual[64];
	int code;

	s->sources[id].s = s;
	s->sources[id].id = id;
	if (id != STORE_TABLE_INTERVAL)
		s->sources[store_tables[id].parent].is_parent = true;
	snprintf(virtual, sizeof(virtual), "snapshot_%s", name);
	code = sqlite3_create_module(s->db, virtual, &module, &s->sources[id]);
	if (!code)
		code = store__prepare(s, &s->rows[id], "INSERT INTO %s SELECT * FROM %s", name,
				      virtual);
	if (!code && store_schema__is_numbered(id))
		code = prepare_more(s, id, virtual);
	return code;
}

static int insert(struct store_source *source, sqlite3_stmt *statement, size_t begin, size_t end)
{
	int code;

	source->begin = begin;
	source->end = end;
	code = sqlite3_step(statement);
	sqlite3_reset(statement);
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

/*
 * In few statements: SQLite takes half the time of one for each row. Where rows are numbered, the
 * first one says its number and SQLite counts on: it looks up each number that it is told.
 */
int store_rows__write(struct store *s, int id)
{
	struct store_source *source = &s->sources[id];
	size_t told = s->more[id] ? MIN(source->n, 1) : source->n;
	int code = told ? insert(source, s->rows[id], 0, told) : SQLITE_OK;

	if (!code && told < source->n)
		code = insert(source, s->more[id], told, source->n);
	return code;
}
