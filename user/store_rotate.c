// SPDX-License-Identifier: GPL-2.0-only
/* A recording that may not grow for ever: whole intervals go, the oldest first. */
#include "store_internal.h"
#include "util.h"

static int prepare_delete(struct store *s, int id)
{
	const char *number = store_tables[store_schema__numbers(id)].name;

	if (id == STORE_TABLE_INTERVAL)
		return store__prepare(s, &s->rotation.delete[id],
				      "DELETE FROM interval WHERE interval = ?");
	return store__prepare(s, &s->rotation.delete[id],
			      "DELETE FROM %s WHERE %s BETWEEN "
			      "(SELECT %s_first FROM interval WHERE interval = ?1) AND "
			      "(SELECT %s_last FROM interval WHERE interval = ?1)",
			      store_tables[id].name, number, number, number);
}

int store_rotate__prepare(struct store *s)
{
	static const char *const words[] = {
		"DELETE FROM string WHERE string < (SELECT string FROM chapter WHERE chapter = ?)",
		"DELETE FROM frame WHERE frame < (SELECT frame FROM chapter WHERE chapter = ?)",
		"DELETE FROM stack WHERE stack < (SELECT stack FROM chapter WHERE chapter = ?)",
		"DELETE FROM chapter WHERE chapter < ?",
	};
	struct store_rotation *r = &s->rotation;
	int code;

	if (!s->limits.bytes && !s->limits.keep_ns)
		return SQLITE_OK;
	code = store__prepare(s, &r->page_count, "PRAGMA page_count");
	if (!code)
		code = store__prepare(s, &r->free_count, "PRAGMA freelist_count");
	if (!code)
		code = store__prepare(s, &r->time, "SELECT time FROM interval WHERE interval = ?");
	if (!code)
		code = store__prepare(s, &r->chapter,
				      "SELECT chapter FROM interval WHERE interval = ?");
	for (int i = 0; i < STORE_TABLES && !code; i++)
		code = prepare_delete(s, i);
	if (!code)
		code = store__prepare(s, &r->delete[STORE_TABLES],
				      "DELETE FROM loss WHERE interval = ?");
	for (size_t i = 0; i < ARRAY_SIZE(words) && !code; i++)
		code = store__prepare(s, &r->words[i], "%s", words[i]);
	return code;
}

void store_rotate__done(struct store *s)
{
	struct store_rotation *r = &s->rotation;

	sqlite3_finalize(r->page_count);
	sqlite3_finalize(r->free_count);
	sqlite3_finalize(r->time);
	sqlite3_finalize(r->chapter);
	for (size_t i = 0; i < ARRAY_SIZE(r->delete); i++)
		sqlite3_finalize(r->delete[i]);
	for (size_t i = 0; i < ARRAY_SIZE(r->words); i++)
		sqlite3_finalize(r->words[i]);
}

static int run(sqlite3_stmt *statement, int64_t argument)
{
	int code;

	sqlite3_bind_int64(statement, 1, argument);
	code = sqlite3_step(statement);
	sqlite3_reset(statement);
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int lookup(sqlite3_stmt *statement, int64_t argument, int64_t *ret)
{
	sqlite3_bind_int64(statement, 1, argument);
	return store__number(statement, ret);
}

/* Its own row last: it says which the others are. */
static int delete_interval(struct store *s, int64_t id)
{
	int code = SQLITE_OK;

	for (size_t i = ARRAY_SIZE(s->rotation.delete); i > 0 && !code; i--)
		code = run(s->rotation.delete[i - 1], id);
	return code;
}

/* Texts, frames and stacks of chapters that no interval is left of. */
static int delete_chapters(struct store *s, int64_t first)
{
	struct store_rotation *r = &s->rotation;
	int64_t chapter = s->chapter_number;
	int code = first > s->last ? SQLITE_OK : lookup(r->chapter, first, &chapter);

	for (size_t i = 0; i < ARRAY_SIZE(r->words) && !code; i++)
		code = run(r->words[i], chapter);
	return code;
}

/* Pages of the file, and those of them that something is in. */
static int count_pages(struct store *s, int64_t *all, int64_t *used)
{
	int64_t free_pages = 0;
	int code = store__number(s->rotation.page_count, all);

	if (!code)
		code = store__number(s->rotation.free_count, &free_pages);
	*used = *all - free_pages;
	return code;
}

static int drop_old(struct store *s, uint64_t now, int64_t last, int64_t *first)
{
	int code = SQLITE_OK;

	while (!code && s->limits.keep_ns && *first < last) {
		int64_t time;

		code = lookup(s->rotation.time, *first, &time);
		if (code || (uint64_t)time + s->limits.keep_ns >= now)
			break;
		code = delete_interval(s, (*first)++);
	}
	return code;
}

/* Takes out intervals before `last` until so many pages are in use, or none is left to go. */
static int drop_until(struct store *s, int64_t pages, int64_t last, int64_t *first, int64_t *used)
{
	int64_t all;
	int code = count_pages(s, &all, used);

	while (!code && *used > pages && *first < last) {
		code = delete_interval(s, (*first)++);
		if (!code)
			code = delete_chapters(s, *first);
		if (!code)
			code = count_pages(s, &all, used);
	}
	return code;
}

/*
 * What the last interval took is kept free twice over, so that the next one finds its place in the
 * file as it is: a file of SQLite's does not become smaller.
 */
static int drop_large(struct store *s, int64_t last, int64_t *first)
{
	struct store_rotation *r = &s->rotation;
	int64_t most = s->limits.bytes / STORE_PAGE_BYTES, all, used, taken;
	int code = count_pages(s, &all, &used);

	if (code)
		return code;
	taken = used - r->pages;
	if (all > most && r->room)
		return SQLITE_TOOBIG;
	if (all > most) {
		r->room = taken + most / 8; /* texts of a new chapter come on top */
		return STORE_NO_ROOM;
	}
	code = drop_until(s, most - MAX(MIN(2 * taken, most / 8), 0), last, first, &used);
	r->pages = used;
	r->room = 0;
	return code;
}

int store_rotate__make_room(struct store *s, int64_t last, int64_t *first)
{
	struct store_rotation *r = &s->rotation;

	if (!r->room)
		return SQLITE_OK;
	return drop_until(s, (int64_t)(s->limits.bytes / STORE_PAGE_BYTES) - r->room, last, first,
			  &r->pages);
}

int store_rotate(struct store *s, uint64_t now_ns, int64_t last, int64_t *first)
{
	int64_t before = *first;
	int code = drop_old(s, now_ns, last, first);

	if (!code && *first > before)
		code = delete_chapters(s, *first);
	if (!code && s->limits.bytes)
		code = drop_large(s, last, first);
	return code;
}
