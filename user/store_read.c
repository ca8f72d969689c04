// SPDX-License-Identifier: GPL-2.0-only
/*
 * Snapshots out of a recording. Whatever stands in the file may be wrong: numbers are checked
 * against the range of what they become, references against the rows that there are, and what
 * screens rely on (a deadlock has threads, ...) is asked for here.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_internal.h"
#include "store_reading.h"
#include "util.h"

#define ROWS_MAX      (1 << 22) /* of one table in one interval; --max-locks goes that far */
#define INTERVALS_MAX (1 << 24)

/* Columns of each statement: the row's number, its owner's, then the table's own. */
enum { NUMBER, OWNER, VALUES };

static const char *number_name(int id)
{
	return id == STORE_TABLE_INTERVAL ? "interval"
					  : store_tables[store_schema__numbers(id)].name;
}

/* Of what there is once only, and of the snapshot's own tables, the row's number itself. */
static const char *owner_name(int id)
{
	enum store_table_id owner = store_schema__owner(id);

	return owner == STORE_TABLE_INTERVAL ? number_name(id) : store_tables[owner].name;
}

static int prepare_select(struct store *s, int id)
{
	const struct store_table *t = &store_tables[id];
	const char *number = number_name(id), *owner = owner_name(id);
	_cleanup_(util__freep) char *sql = NULL;
	size_t size;
	FILE *out = open_memstream(&sql, &size);

	if (!out)
		return SQLITE_NOMEM;
	fprintf(out, "SELECT %s, %s", number, owner);
	for (size_t i = 0; i < t->n_columns; i++)
		fprintf(out, ", %s",
			t->columns[i].since <= s->version ? t->columns[i].name : "NULL");
	if (id == STORE_TABLE_INTERVAL || s->version == 1)
		fprintf(out, " FROM %s WHERE interval = ?1 ORDER BY %s, %s", t->name, owner,
			number);
	else
		fprintf(out, " FROM %s WHERE %s BETWEEN ?2 AND ?3 ORDER BY %s", t->name, number,
			number);
	fclose(out);
	return store__prepare(s, &s->rows[id], "%s", sql);
}

/* The first and the last number that an interval has in a table, and how many rows are there. */
static int prepare_range(struct store *s, int id)
{
	const char *name = store_tables[id].name;

	if (s->version == 1) /* numbers begin anew in each interval */
		return store__prepare(s, &s->range[id],
				      "SELECT 0, count(*) - 1, count(*) FROM %s WHERE interval = ?",
				      name);
	return store__prepare(s, &s->range[id],
			      "SELECT %s_first, %s_last, (SELECT count(*) FROM %s t WHERE "
			      "t.%s BETWEEN i.%s_first AND i.%s_last) FROM interval i WHERE "
			      "interval = ?",
			      name, name, name, name, name, name);
}

/* A table whose rows stand in an array of the snapshot itself. */
static bool is_top(int id)
{
	return store_tables[id].shape == SHAPE_ARRAY &&
	       store_tables[id].parent == STORE_TABLE_INTERVAL;
}

int store_read__prepare(struct store *s)
{
	const struct {
		sqlite3_stmt **statement;
		const char *sql;
	} list[] = {
		{ &s->list, "SELECT interval, time, interval_ns, wait_ns, losses FROM interval "
			    "WHERE interval > ? ORDER BY interval" },
		{ &s->string, "SELECT text FROM string WHERE string = ?" },
		{ &s->frame,
		  s->version >= 2
			  ? "SELECT function, module, file, language, offset, line, build_id "
			    "FROM frame WHERE frame = ?"
			  : "SELECT function, module, file, language, offset, line, NULL "
			    "FROM frame WHERE frame = ?" },
		{ &s->stack, "SELECT depth, frame FROM stack WHERE stack = ? ORDER BY depth" },
		{ &s->losses, "SELECT name, count FROM loss WHERE interval = ?" },
	};
	int code = SQLITE_OK;

	for (size_t i = 0; i < ARRAY_SIZE(list) && !code; i++)
		code = store__prepare(s, list[i].statement, "%s", list[i].sql);
	for (int i = 0; i < STORE_TABLES && !code; i++) {
		if (store_tables[i].since > s->version)
			continue;
		code = prepare_select(s, i);
		if (!code && (s->version == 1 ? is_top(i) : store_schema__is_numbered(i)))
			code = prepare_range(s, i);
	}
	return code;
}

void store_read__done(struct store *s)
{
	sqlite3_finalize(s->list);
	sqlite3_finalize(s->string);
	sqlite3_finalize(s->frame);
	sqlite3_finalize(s->stack);
	sqlite3_finalize(s->losses);
	for (int i = 0; i < STORE_TABLES; i++)
		sqlite3_finalize(s->range[i]);
	free(s->intervals);
}

size_t store__count(struct store *s)
{
	sqlite3_bind_int64(s->list, 1,
			   s->n_intervals ? s->intervals[s->n_intervals - 1].id : INT64_MIN);
	while (s->n_intervals < INTERVALS_MAX && sqlite3_step(s->list) == SQLITE_ROW) {
		struct store_row *row;

		array__grow(s->intervals, s->n_intervals, s->capacity);
		row = &s->intervals[s->n_intervals++];
		row->id = sqlite3_column_int64(s->list, 0);
		row->interval = (struct store_interval){
			.time = store_reading__time(sqlite3_column_int64(s->list, 1)),
			.interval_ns = sqlite3_column_int64(s->list, 2),
			.wait_ns = sqlite3_column_int64(s->list, 3),
			.losses = sqlite3_column_int64(s->list, 4),
		};
	}
	sqlite3_reset(s->list);
	return s->n_intervals;
}

int store__interval(struct store *s, size_t index, struct store_interval *ret)
{
	if (index >= s->n_intervals)
		return -ENOENT;
	*ret = s->intervals[index].interval;
	return 0;
}

/* The array of the snapshot itself or of one of its rows, and how many rows it has. */
static char **array_at(const struct store_table *t, char *parent)
{
	return (char **)(parent + t->array);
}

static size_t *count_at(const struct store_table *t, char *parent)
{
	return (size_t *)(parent + t->count);
}

/* The row that others belong to; NULL: there is none of that number. */
static char *find_parent(struct reading *r, int id, int64_t number)
{
	const struct store_table *t = &store_tables[id];
	uint64_t at = (uint64_t)number - r->first[id];
	char *parent;

	if (id == STORE_TABLE_INTERVAL)
		return (char *)r->snapshot;
	if (is_top(id)) {
		parent = (char *)r->snapshot;
		return at < *count_at(t, parent) ? *array_at(t, parent) + at * t->row_size : NULL;
	}
	parent = find_parent(r, t->parent, number);
	return parent ? *array_at(t, parent) : NULL;
}

static int get_row(struct reading *r, int id, char *row)
{
	const struct store_table *t = &store_tables[id];
	int err = 0;

	for (size_t i = 0; i < t->n_columns && !err; i++)
		err = store_reading__value(r, r->s->rows[id], VALUES + i, &t->columns[i], row);
	return err;
}

/* Rows of one parent, while they come in. */
struct rows {
	char *parent;
	char *items;
	size_t n, capacity;
	size_t all; /* of all parents */
};

static void end_parent(struct reading *r, const struct store_table *t, struct rows *rows)
{
	if (!rows->n)
		return;
	*array_at(t, rows->parent) = snapshot__alloc(r->snapshot, rows->n, t->row_size);
	memcpy(*array_at(t, rows->parent), rows->items, rows->n * t->row_size);
	*count_at(t, rows->parent) = rows->n;
	rows->n = 0;
}

/* Rows have all numbers that there are, in version 1 anew for each parent. */
static bool is_next(const struct reading *r, int id, const struct rows *rows, int64_t number)
{
	size_t before = r->s->version == 1 ? rows->n : rows->all;

	return (uint64_t)number - r->first[id] == before;
}

static int add_to_array(struct reading *r, int id, char *parent, int64_t number, struct rows *rows)
{
	const struct store_table *t = &store_tables[id];
	bool top = is_top(id);
	char *row;

	if (!top && parent != rows->parent) {
		end_parent(r, t, rows);
		rows->parent = parent;
	}
	if (!is_next(r, id, rows, number) || rows->n >= (top ? *count_at(t, parent) : ROWS_MAX) ||
	    (!top && *count_at(t, parent)))
		return store_reading__damaged(r, "rows are missing");
	if (!top && rows->n >= rows->capacity) {
		rows->capacity = rows->capacity ? 2 * rows->capacity : 16;
		rows->items = xrealloc(rows->items, rows->capacity, t->row_size);
	}
	row = (top ? *array_at(t, parent) : rows->items) + rows->n * t->row_size;
	memset(row, 0, t->row_size);
	rows->n++;
	rows->all++;
	return get_row(r, id, row);
}

static int add_row(struct reading *r, int id, struct rows *rows)
{
	const struct store_table *t = &store_tables[id];
	sqlite3_stmt *from = r->s->rows[id];
	char *parent = find_parent(r, t->parent, sqlite3_column_int64(from, OWNER));

	if (!parent)
		return store_reading__damaged(r, "a row belongs to none");
	if (t->shape == SHAPE_ARRAY)
		return add_to_array(r, id, parent, sqlite3_column_int64(from, NUMBER), rows);
	if (t->shape == SHAPE_PART)
		return get_row(r, id, parent);
	if (*array_at(t, parent))
		return store_reading__damaged(r, "a row is there twice");
	*array_at(t, parent) = snapshot__alloc(r->snapshot, 1, t->row_size);
	return get_row(r, id, *array_at(t, parent));
}

static void bind_range(const struct reading *r, int id, sqlite3_stmt *from)
{
	enum store_table_id of = store_schema__numbers(id);

	sqlite3_bind_int64(from, 1, r->id);
	if (r->s->version == 1)
		return;
	sqlite3_bind_int64(from, 2, r->first[of]);
	sqlite3_bind_int64(from, 3, r->first[of] + (int64_t)r->rows[of] - 1);
}

static int read_table(struct reading *r, int id)
{
	const struct store_table *t = &store_tables[id];
	sqlite3_stmt *from = r->s->rows[id];
	struct rows rows = {};
	int err = 0, code;

	if (!from)
		return 0; /* files of that version have no such table */
	bind_range(r, id, from);
	while (!err && (code = sqlite3_step(from)) == SQLITE_ROW)
		err = add_row(r, id, &rows);
	if (!err && code != SQLITE_DONE)
		err = store__failed(r->s, code, r->error);
	if (!err && r->s->range[id] && rows.all != r->rows[id])
		err = store_reading__damaged(r, "rows are missing");
	if (!err && t->shape == SHAPE_ARRAY && !is_top(id))
		end_parent(r, t, &rows);
	sqlite3_reset(from);
	free(rows.items);
	return err;
}

/* Numbers that are there, all of them: what a file claims makes no array. */
static int read_range(struct reading *r, int id)
{
	sqlite3_stmt *from = r->s->range[id];
	int64_t first, last, n;
	int code, err = 0;

	sqlite3_bind_int64(from, 1, r->id);
	code = sqlite3_step(from);
	if (code != SQLITE_ROW) {
		sqlite3_reset(from);
		return store__failed(r->s, code, r->error);
	}
	first = sqlite3_column_int64(from, 0);
	last = sqlite3_column_int64(from, 1);
	n = sqlite3_column_int64(from, 2);
	if (n > ROWS_MAX)
		err = store_reading__damaged(r, "there are too many rows");
	else if (first < 0 || last < first - 1 || last - first != n - 1)
		err = store_reading__damaged(r, "rows are missing");
	sqlite3_reset(from);
	r->first[id] = first;
	r->rows[id] = err ? 0 : n;
	return err;
}

/* Arrays that others point into stand where they stay before anything is read. */
static int make_arrays(struct reading *r)
{
	for (int i = 0; i < STORE_TABLES; i++) {
		const struct store_table *t = &store_tables[i];
		int err = r->s->range[i] ? read_range(r, i) : 0;

		if (err)
			return err;
		if (!is_top(i))
			continue;
		*array_at(t, (char *)r->snapshot) =
			snapshot__alloc(r->snapshot, r->rows[i], t->row_size);
		*count_at(t, (char *)r->snapshot) = r->rows[i];
	}
	return 0;
}

static int read_interval(struct reading *r)
{
	sqlite3_stmt *from = r->s->rows[STORE_TABLE_INTERVAL];
	int code, err;

	sqlite3_bind_int64(from, 1, r->id);
	code = sqlite3_step(from);
	if (code == SQLITE_ROW)
		err = get_row(r, STORE_TABLE_INTERVAL, (char *)r->snapshot);
	else if (code == SQLITE_DONE)
		err = -ENOENT;
	else
		err = store__failed(r->s, code, r->error);
	sqlite3_reset(from);
	if (err == -ENOENT)
		snprintf(r->error, STORE_ERROR,
			 "the interval is no longer in the recording: it has made room for others");
	return err;
}

/* Losses that this program does not know are counted as the first one: they are not hidden. */
static int read_losses(struct reading *r)
{
	sqlite3_stmt *from = r->s->losses;
	int code;

	sqlite3_bind_int64(from, 1, r->id);
	while ((code = sqlite3_step(from)) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(from, 0);
		int loss = 0;

		while (loss < LOSS_COUNT && (!name || strcmp(name, loss_names[loss])))
			loss++;
		r->snapshot->losses[loss % LOSS_COUNT] += sqlite3_column_int64(from, 1);
	}
	sqlite3_reset(from);
	return code == SQLITE_DONE ? 0 : store__failed(r->s, code, r->error);
}

/* Of tables of the snapshot itself: each row has as many as screens rely on. */
static int check_counts(struct reading *r)
{
	char *snapshot = (char *)r->snapshot;

	for (int i = 0; i < STORE_TABLES; i++) {
		const struct store_table *t = &store_tables[i], *of = &store_tables[t->parent];

		if (!t->rows_min)
			continue;
		for (size_t j = 0; j < *count_at(of, snapshot); j++)
			if (*count_at(t, *array_at(of, snapshot) + j * of->row_size) < t->rows_min)
				return store_reading__damaged(r, "rows are missing");
	}
	return 0;
}

/* Their order, and that of a sleep's parts, are promises of the model's. */
static int check_sleeps(struct reading *r)
{
	const struct snapshot *s = r->snapshot;

	for (size_t i = 0; i < s->n_sleeps; i++) {
		const struct sleep *sleep = &s->sleeps[i];

		if (sleep->start_ns > sleep->woken_ns || sleep->woken_ns > sleep->end_ns ||
		    (i && sleep->end_ns < sleep[-1].end_ns))
			return store_reading__damaged(r, "sleeps are not in order");
	}
	return 0;
}

static int read_all(struct reading *r)
{
	int err = read_interval(r);
	size_t listed = r->snapshot->n_threads, sleeps = r->snapshot->n_sleeps;

	if (!err)
		err = make_arrays(r);
	for (int i = STORE_TABLE_INTERVAL + 1; i < STORE_TABLES && !err; i++)
		err = read_table(r, i);
	if (!err)
		err = read_losses(r);
	if (!err && (listed > r->snapshot->n_threads || sleeps != r->snapshot->n_sleeps))
		err = store_reading__damaged(r, "rows are missing");
	if (!err) /* the threads behind them are there to be pointed at */
		r->snapshot->n_threads = listed;
	if (!err)
		err = check_counts(r);
	if (!err)
		err = check_sleeps(r);
	for (size_t i = 0; i < r->snapshot->n_locks && !err; i++) {
		struct lock *lock = &r->snapshot->locks[i];

		snprintf(lock->id, sizeof(lock->id), "%d:0x%" PRIx64, (int)lock->pid,
			 lock->address);
	}
	return err;
}

int store__read(struct store *s, size_t index, struct snapshot **ret, char error[STORE_ERROR])
{
	struct reading r = { .s = s, .error = error };
	int code, err;

	if (index >= s->n_intervals) {
		snprintf(error, STORE_ERROR, "the recording has no interval %zu", index);
		return -ENOENT;
	}
	r.id = s->intervals[index].id;
	/* one state of the file: it may be growing, and what is old be going */
	code = sqlite3_exec(s->db, "BEGIN", NULL, NULL, NULL);
	if (code)
		return store__failed(s, code, error);
	r.snapshot = snapshot__new();
	err = read_all(&r);
	store_reading__done(&r);
	sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
	if (err)
		snapshot__free(r.snapshot);
	else
		*ret = r.snapshot;
	return err;
}
