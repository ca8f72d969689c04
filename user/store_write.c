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

int store_write__prepare(struct store *s)
{
	struct store_words *w = &s->words;
	const struct {
		sqlite3_stmt **statement;
		const char *sql;
	} list[] = {
		{ &w->add_string, "INSERT INTO string VALUES (?, ?)" },
		{ &w->add_frame, "INSERT INTO frame VALUES (?, ?, ?, ?, ?, ?, ?, ?)" },
		{ &w->add_stack, "INSERT INTO stack VALUES (?, ?, ?)" },
		{ &s->loss, "INSERT INTO loss VALUES (?, ?, ?)" },
		{ &s->chapter, "INSERT INTO chapter VALUES (?, ?, ?, ?)" },
	};
	int code = SQLITE_OK;

	for (size_t i = 0; i < ARRAY_SIZE(list) && !code; i++)
		code = store__prepare(s, list[i].statement, "%s", list[i].sql);
	for (int i = 0; i < STORE_TABLES && !code; i++)
		code = store_rows__prepare(s, i);
	w->strings = dictionary__new();
	w->frames = dictionary__new();
	w->stacks = dictionary__new();
	w->next_string = w->next_frame = w->next_stack = 1;
	for (int i = 0; i < STORE_TABLES; i++)
		s->next[i] = 1;
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
	for (int i = 0; i < STORE_TABLES; i++) {
		sqlite3_finalize(s->more[i]);
		free(s->sources[i].rows);
	}
	free(s->others);
	store_rotate__done(s);
	dictionary__free(w->strings);
	dictionary__free(w->frames);
	dictionary__free(w->stacks);
}

static void collect(struct store *s, int id, const char *parent, int64_t owner);

/* A row, the number of what it belongs to, its own; what belongs to it. */
static void collect_row(struct store *s, int id, const char *row, int64_t owner)
{
	struct store_source *source = &s->sources[id];
	int64_t number = store_schema__is_numbered(id) ? s->next[id] + (int64_t)source->n : owner;

	array__grow(source->rows, source->n, source->capacity);
	source->rows[source->n++] = (struct store_source_row){ row, number, owner };
	if (!source->is_parent)
		return;
	for (int i = STORE_TABLE_INTERVAL + 1; i < STORE_TABLES; i++)
		if ((int)store_tables[i].parent == id)
			collect(s, i, row, number);
}

/* All rows that a table has of one row of its parent. */
static void collect(struct store *s, int id, const char *parent, int64_t owner)
{
	const struct store_table *t = &store_tables[id];
	const char *rows;

	if (t->shape == SHAPE_PART) {
		if (t->present(parent))
			collect_row(s, id, parent, owner);
		return;
	}
	rows = *(const char *const *)(parent + t->array);
	if (t->shape == SHAPE_POINTER) {
		if (rows)
			collect_row(s, id, rows, owner);
		return;
	}
	for (size_t i = 0; i < *(const size_t *)(parent + t->count); i++)
		collect_row(s, id, rows + i * t->row_size, owner);
}

static int write_tables(struct store *s, const struct snapshot *snapshot, int64_t id)
{
	int code = SQLITE_OK;

	s->snapshot = snapshot;
	for (int i = 0; i < STORE_TABLES; i++)
		s->sources[i].n = 0;
	collect_row(s, STORE_TABLE_INTERVAL, (const char *)snapshot, id);
	store_rows__find_others(s, snapshot);
	for (size_t i = 0; i < s->n_others; i++)
		collect_row(s, STORE_TABLE_THREAD, (const char *)s->others[i], id);
	for (int i = 0; i < STORE_TABLES && !code; i++)
		code = store_rows__write(s, i);
	s->snapshot = NULL;
	return code;
}

static int write_losses(struct store *s, const struct snapshot *snapshot, int64_t id)
{
	sqlite3_stmt *to = s->loss;
	int code = SQLITE_DONE;

	for (int i = 0; i < LOSS_COUNT && code == SQLITE_DONE; i++) {
		if (!snapshot->losses[i])
			continue;
		sqlite3_bind_int64(to, 1, id);
		sqlite3_bind_text(to, 2, loss_names[i], -1, SQLITE_STATIC);
		sqlite3_bind_int64(to, 3, snapshot->losses[i]);
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
	uint64_t now = (uint64_t)snapshot->time.tv_sec * NSEC_PER_SEC + snapshot->time.tv_nsec;
	int64_t first = s->first, id = s->last + 1;
	int code;

	store_words__new_interval(s);
	code = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (!code)
		code = begin_chapter(s, now);
	if (!code)
		code = store_rotate__make_room(s, id, &first);
	if (!code)
		code = write_tables(s, snapshot, id);
	if (!code)
		code = write_losses(s, snapshot, id);
	if (!code)
		code = store_rotate(s, now, id, &first);
	if (!code)
		code = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
	if (code)
		return code;
	s->first = first;
	s->last = id;
	for (int i = 0; i < STORE_TABLES; i++)
		s->next[i] += s->sources[i].n;
	return SQLITE_OK;
}

static void roll_back(struct store *s)
{
	sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	s->words.begun = false; /* the dictionaries know of rows that are gone now */
}

int store__append(struct store *s, const struct snapshot *snapshot, char error[STORE_ERROR])
{
	int code = write_all(s, snapshot), err;

	if (code == STORE_NO_ROOM) {
		roll_back(s);
		code = write_all(s, snapshot);
	}
	if (!code)
		return 0;
	err = code == SQLITE_TOOBIG
		      ? store__say(s, -EFBIG, "an interval is larger than --max-size", error)
		      : store__failed(s, code, error);
	roll_back(s);
	return err;
}
