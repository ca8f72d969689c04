// SPDX-License-Identifier: GPL-2.0-only
/* Snapshots into a recording; what is oldest out of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_internal.h"
#include "util.h"

/* What a chapter may take: of memory, and of a bounded file. */
#define CHAPTER_BYTES (6 << 20)
#define CHAPTER_PART  8

/* "INSERT INTO name VALUES (?, ?, ...)", with one ? for each key and column. */
static int prepare_insert(struct store *s, int id)
{
	size_t n, size;
	_cleanup_(util__freep) char *marks = NULL;

	store_schema__keys(id, &n);
	n += store_tables[id].n_columns + (id == STORE_TABLE_INTERVAL ? 2 : 0);
	size = 2 * n;
	marks = xcalloc(size + 1, 1);
	for (size_t i = 0; i < n; i++)
		memcpy(&marks[2 * i], i + 1 < n ? "?," : "?", i + 1 < n ? 2 : 1);
	return store__prepare(s, &s->rows[id], "INSERT INTO %s VALUES (%s)", store_tables[id].name,
			      marks);
}

int store_write__prepare(struct store *s)
{
	struct store_words *w = &s->words;
	const struct {
		sqlite3_stmt **statement;
		const char *sql;
	} list[] = {
		{ &w->add_string, "INSERT INTO string VALUES (?, ?)" },
		{ &w->add_frame, "INSERT INTO frame VALUES (?, ?, ?, ?, ?, ?, ?)" },
		{ &w->add_stack, "INSERT INTO stack VALUES (?, ?, ?)" },
		{ &s->loss, "INSERT INTO loss VALUES (?, ?, ?)" },
		{ &s->chapter, "INSERT INTO chapter VALUES (?, ?, ?, ?)" },
	};
	int code = SQLITE_OK;

	for (size_t i = 0; i < ARRAY_SIZE(list) && !code; i++)
		code = store__prepare(s, list[i].statement, "%s", list[i].sql);
	for (int i = 0; i < STORE_TABLES && !code; i++)
		code = prepare_insert(s, i);
	w->strings = dictionary__new();
	w->frames = dictionary__new();
	w->stacks = dictionary__new();
	w->next_string = w->next_frame = w->next_stack = 1;
	s->first = 1;
	s->last = 0;
	return code ? code : store_rotate__prepare(s);
}

void store_write__done(struct store *s)
{
	struct store_words *w = &s->words;

	sqlite3_finalize(w->add_string);
	sqlite3_finalize(w->add_frame);
	sqlite3_finalize(w->add_stack);
	sqlite3_finalize(s->loss);
	sqlite3_finalize(s->chapter);
	store_rotate__done(s);
	dictionary__free(w->strings);
	dictionary__free(w->frames);
	dictionary__free(w->stacks);
}

/* One interval being written. */
struct writing {
	struct store *s;
	const struct snapshot *snapshot;
	int64_t id;
};

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

static int word(struct writing *w, sqlite3_stmt *to, int at, const struct store_column *c,
		const char *text)
{
	int64_t number;
	int code;

	if (!text && c->null == NULL_NONE)
		text = "?";
	if (!text)
		return sqlite3_bind_null(to, at);
	code = store_words__string(w->s, text, &number);
	return code ? code : sqlite3_bind_int64(to, at, number);
}

static int reference(struct writing *w, sqlite3_stmt *to, int at, const struct store_column *c,
		     const void *row)
{
	const struct snapshot *s = w->snapshot;

	if (!row)
		return sqlite3_bind_null(to, at);
	return sqlite3_bind_int64(to, at,
				  c->type == TYPE_LOCK ? (const struct lock *)row - s->locks
						       : (const struct thread *)row - s->threads);
}

static int stack(struct writing *w, sqlite3_stmt *to, int at, const struct store_column *c,
		 const struct frame *frames, const char *row)
{
	int64_t number;
	int code;

	if (!frames)
		return sqlite3_bind_null(to, at);
	code = c->type == TYPE_FRAME
		       ? store_words__frame(w->s, frames, &number)
		       : store_words__stack(w->s, frames, *(const size_t *)(row + c->more),
					    &number);
	return code ? code : sqlite3_bind_int64(to, at, number);
}

static int histogram(sqlite3_stmt *to, int at, const uint32_t *hist)
{
	char json[STORE_HIST];
	size_t size = store_hist__format(json, hist);

	return size ? sqlite3_bind_text(to, at, json, size, SQLITE_TRANSIENT)
		    : sqlite3_bind_null(to, at);
}

static int integer(sqlite3_stmt *to, int at, const struct store_column *c, int64_t n)
{
	if ((c->null == NULL_ZERO && !n) || (c->null == NULL_MINUS && n == -1))
		return sqlite3_bind_null(to, at);
	return sqlite3_bind_int64(to, at, n);
}

static int bind(struct writing *w, sqlite3_stmt *to, int at, const struct store_column *c,
		const char *row)
{
	const char *value = row + c->offset;
	unsigned int n;

	if (c->known && !*(const bool *)(row + c->known))
		return sqlite3_bind_null(to, at);
	switch (c->type) {
	case TYPE_SHARE:
		return sqlite3_bind_double(to, at, *(const double *)value);
	case TYPE_WORD:
		return word(w, to, at, c, *(const char *const *)value);
	case TYPE_CHARS:
		return word(w, to, at, c, value);
	case TYPE_ENUM:
		n = *(const unsigned int *)value;
		return word(w, to, at, c, n < (unsigned int)c->n_names ? c->names[n] : NULL);
	case TYPE_TEXT:
		return sqlite3_bind_text(to, at, *(const char *const *)value, -1, SQLITE_STATIC);
	case TYPE_HIST:
		return histogram(to, at, (const uint32_t *)value);
	case TYPE_LOCK:
	case TYPE_THREAD:
		return reference(w, to, at, c, *(const void *const *)value);
	case TYPE_FRAME:
	case TYPE_STACK:
		return stack(w, to, at, c, *(const struct frame *const *)value, row);
	default:
		return integer(to, at, c, integer_of(c, value));
	}
}

static int write_table(struct writing *w, int id, const char *parent, const int64_t *keys,
		       size_t n_keys);

/* Keys are bound by those who know them; then the columns, and what belongs to the row. */
static int write_row(struct writing *w, int id, const char *row, const int64_t *keys, size_t n_keys)
{
	const struct store_table *t = &store_tables[id];
	sqlite3_stmt *to = w->s->rows[id];
	int at = 1, code = SQLITE_OK;

	for (size_t i = 0; i < n_keys && !code; i++)
		code = sqlite3_bind_int64(to, at++, keys[i]);
	if (id == STORE_TABLE_INTERVAL) {
		sqlite3_bind_int64(to, at++, w->s->chapter_number);
		sqlite3_bind_int64(to, at++, snapshot__losses(w->snapshot));
	}
	for (size_t i = 0; i < t->n_columns && !code; i++)
		code = bind(w, to, at++, &t->columns[i], row);
	if (!code)
		code = sqlite3_step(to);
	sqlite3_reset(to);
	if (code != SQLITE_DONE)
		return code;
	code = SQLITE_OK;
	for (int i = STORE_TABLE_INTERVAL + 1; i < STORE_TABLES && !code; i++)
		if ((int)store_tables[i].parent == id)
			code = write_table(w, i, row, keys, n_keys);
	return code;
}

/* All rows that a table has of one row of its parent. */
static int write_table(struct writing *w, int id, const char *parent, const int64_t *keys,
		       size_t n_keys)
{
	const struct store_table *t = &store_tables[id];
	int64_t own[STORE_KEYS];
	const char *rows;
	size_t n;
	int code = SQLITE_OK;

	if (t->shape == SHAPE_PART)
		return t->present(parent) ? write_row(w, id, parent, keys, n_keys) : SQLITE_OK;
	rows = *(const char *const *)(parent + t->array);
	if (t->shape == SHAPE_POINTER)
		return rows ? write_row(w, id, rows, keys, n_keys) : SQLITE_OK;
	n = *(const size_t *)(parent + t->count);
	memcpy(own, keys, n_keys * sizeof(*own));
	for (size_t i = 0; i < n && !code; i++) {
		own[n_keys] = i;
		code = write_row(w, id, rows + i * t->row_size, own, n_keys + 1);
	}
	return code;
}

static int write_losses(struct writing *w)
{
	sqlite3_stmt *to = w->s->loss;
	int code = SQLITE_DONE;

	for (int i = 0; i < LOSS_COUNT && code == SQLITE_DONE; i++) {
		if (!w->snapshot->losses[i])
			continue;
		sqlite3_bind_int64(to, 1, w->id);
		sqlite3_bind_text(to, 2, loss_names[i], -1, SQLITE_STATIC);
		sqlite3_bind_int64(to, 3, w->snapshot->losses[i]);
		code = sqlite3_step(to);
		sqlite3_reset(to);
	}
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

/*
 * A chapter ends when its words take much memory, or much of a bounded file: then what only old
 * intervals used goes with them.
 */
static bool chapter_is_over(struct store *s, uint64_t now)
{
	const struct store_words *w = &s->words;
	size_t bytes = dictionary__bytes(w->strings) + dictionary__bytes(w->frames) +
		       dictionary__bytes(w->stacks);
	uint64_t most = CHAPTER_BYTES;

	if (!w->begun)
		return true;
	if (s->limits.bytes)
		most = MIN(most, s->limits.bytes / CHAPTER_PART);
	if (s->limits.keep_ns && now - s->chapter_ns > s->limits.keep_ns)
		return true;
	return bytes > most + 3 * 16 * 1024; /* what empty ones take */
}

static int begin_chapter(struct store *s, uint64_t now)
{
	struct store_words *w = &s->words;
	int code;

	if (!chapter_is_over(s, now))
		return SQLITE_OK;
	dictionary__clear(w->strings);
	dictionary__clear(w->frames);
	dictionary__clear(w->stacks);
	sqlite3_bind_int64(s->chapter, 1, s->chapter_number + 1);
	sqlite3_bind_int64(s->chapter, 2, w->next_string);
	sqlite3_bind_int64(s->chapter, 3, w->next_frame);
	sqlite3_bind_int64(s->chapter, 4, w->next_stack);
	code = sqlite3_step(s->chapter);
	sqlite3_reset(s->chapter);
	if (code != SQLITE_DONE)
		return code;
	s->chapter_number++;
	s->chapter_ns = now;
	w->begun = true;
	return SQLITE_OK;
}

static int write_all(struct store *s, const struct snapshot *snapshot)
{
	struct writing w = { .s = s, .snapshot = snapshot, .id = s->last + 1 };
	uint64_t now = (uint64_t)snapshot->time.tv_sec * NSEC_PER_SEC + snapshot->time.tv_nsec;
	int64_t first = s->first;
	int code;

	memset(s->words.seen, 0, sizeof(s->words.seen));
	code = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (!code)
		code = begin_chapter(s, now);
	if (!code)
		code = write_row(&w, STORE_TABLE_INTERVAL, (const char *)snapshot, &w.id, 1);
	if (!code)
		code = write_losses(&w);
	if (!code)
		code = store_rotate(s, now, w.id, &first);
	if (!code)
		code = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
	if (code)
		return code;
	s->first = first;
	s->last = w.id;
	return SQLITE_OK;
}

int store__append(struct store *s, const struct snapshot *snapshot, char error[STORE_ERROR])
{
	int code = write_all(s, snapshot), err;

	if (!code)
		return 0;
	err = store__failed(s, code, error);
	sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	s->words.begun = false; /* the dictionaries know of rows that are gone now */
	return err;
}
