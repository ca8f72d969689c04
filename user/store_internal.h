/* SPDX-License-Identifier: GPL-2.0-only */
/* What store*.c share. */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include <sqlite3.h>

#include "dictionary.h"
#include "store.h"
#include "store_schema.h"

/* What the running chapter knows, so that each text, frame and stack is written once. */
struct store_words {
	struct dictionary *strings, *frames, *stacks;
	int64_t next_string, next_frame, next_stack;
	bool begun;
	/* of the interval being written, by address: equal addresses are equal texts */
	struct store_seen {
		const void *at;
		int64_t number;
	} seen[4096];
	struct store_seen_stack {
		const struct frame *frames;
		size_t n;
		int64_t number;
	} seen_stacks[512];
	sqlite3_stmt *add_string, *add_frame, *add_stack;
};

/* Larger pages than SQLite's own 4096: fewer of them to be balanced, and written twice. */
#define STORE_PAGE_BYTES 8192

#define STORE_TEXT_MAX (64 * 1024) /* bytes of a text; what is longer is cut */

/* What takes the oldest intervals out of a bounded file. */
struct store_rotation {
	sqlite3_stmt *page_count, *free_count, *time, *chapter;
	sqlite3_stmt *delete[STORE_TABLES + 1]; /* by interval; the last: losses */
	sqlite3_stmt *words[4];			/* by chapter */
	int64_t pages;				/* in use after the last interval */
	int64_t room;				/* to be made before the next one: pages */
};

/* The rows of an interval that go into one table. */
struct store_source {
	struct store *s;
	int id;
	bool is_parent; /* of rows of other tables */
	struct store_source_row {
		const char *row;
		int64_t number; /* its own; of what there is once only, its owner's */
		int64_t owner;
	} * rows;
	size_t n, capacity;
	size_t begin, end; /* those that the running statement takes */
};

struct store {
	char *path;
	sqlite3 *db;
	int version;
	struct store_limits limits;
	sqlite3_stmt *rows[STORE_TABLES]; /* writing: INSERT; reading: SELECT, by interval */
	/* writing */
	struct store_words words;
	struct store_source sources[STORE_TABLES];
	sqlite3_stmt *more[STORE_TABLES]; /* INSERT of rows that follow one; NULL: it has none */
	int64_t next[STORE_TABLES];	  /* number of the next row, from 1 on: of all intervals */
	const struct snapshot *snapshot;  /* being written */
	const struct thread **others;	  /* named in it, but none of its rows; by address */
	size_t n_others, others_capacity;
	struct store_rotation rotation;
	sqlite3_stmt *loss, *chapter;
	int64_t chapter_number;
	uint64_t chapter_ns; /* when it began */
	int64_t first, last; /* intervals that are there; none if first > last */
	bool created;
	/* reading */
	sqlite3_stmt *list, *range[STORE_TABLES], *string, *frame, *stack, *losses;
	struct store_row {
		int64_t id;
		struct store_interval interval;
	} * intervals;
	size_t n_intervals, capacity;
};

/* The line for what SQLite has just said; -errno. */
int store__failed(struct store *s, int code, char error[STORE_ERROR]);
/* The same of something of our own: any text, or what is damaged. */
int store__say(struct store *s, int err, const char *text, char error[STORE_ERROR]);
int store__damaged(struct store *s, const char *what, char error[STORE_ERROR]);

/* Prepares a statement that is kept; format is printf's. A SQLite code. */
int store__prepare(struct store *s, sqlite3_stmt **ret, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A statement that gives one number; 0 if none. A SQLite code. */
int store__number(sqlite3_stmt *statement, int64_t *ret);

/* The statements of writing and reading. SQLite codes. */
int store_write__prepare(struct store *s);
void store_write__done(struct store *s);
int store_rows__prepare(struct store *s, int id);
/* Writes what was collected for a table. */
int store_rows__write(struct store *s, int id);
/* Finds the threads that rows of the snapshot name and that are no rows themselves. */
void store_rows__find_others(struct store *s, const struct snapshot *snapshot);
int store_rotate__prepare(struct store *s);
void store_rotate__done(struct store *s);
int store_read__prepare(struct store *s);
void store_read__done(struct store *s);

/*
 * In the transaction that has written interval `last`: takes out what is beyond the limits. *first
 * is the oldest interval then. A SQLite code, or STORE_NO_ROOM: the file would become too large,
 * but need not if the transaction is rolled back and done again.
 */
#define STORE_NO_ROOM -1
int store_rotate(struct store *s, uint64_t now_ns, int64_t last, int64_t *first);

/* In the transaction that will write interval `last`: makes the room that it was told to lack. */
int store_rotate__make_room(struct store *s, int64_t last, int64_t *first);

/* The numbers that texts, frames and stacks have in the file; SQLite codes. */
void store_words__new_interval(struct store *s); /* its addresses are new */
int store_words__string(struct store *s, const char *text, int64_t *ret);
int store_words__frame(struct store *s, const struct frame *f, int64_t *ret);
int store_words__stack(struct store *s, const struct frame *frames, size_t n, int64_t *ret);

/* A histogram as JSON and back. Room for STORE_HIST bytes. False: it is no histogram. */
#define STORE_HIST (HIST_BUCKETS * 34 + 3)
size_t store_hist__format(char *buf, const uint32_t *hist);
bool store_hist__parse(const char *text, size_t size, uint32_t *hist);

/* The same of how often each thread state was seen, by its name; at most STORE_HIST bytes too. */
size_t store_states__format(char *buf, const unsigned int *counts);
bool store_states__parse(const char *text, size_t size, unsigned int *counts);

#endif
