/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a recording is made of: one table of tables, one row a column. It says where each figure
 * stands in a snapshot; the CREATE statements, the views, writing and reading come from it. What
 * is not known is NULL. docs/recording.md describes it for people. What a version of the format
 * added says so (`since`; 0: it was always there): in older files it is not known.
 */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include "model.h"

#define STORE_APPLICATION_ID 0x6c6b7470 /* "lktp" */

enum store_type {
	TYPE_U64, /* from 2^63 on (addresses only) it is negative in SQL */
	TYPE_U32,
	TYPE_INT,
	TYPE_I64,
	TYPE_BOOL,
	TYPE_SHARE,  /* double */
	TYPE_WORD,   /* text, kept once: the number of a row in string */
	TYPE_CHARS,  /* the same of char[32] */
	TYPE_ENUM,   /* the same of one of `names` */
	TYPE_TEXT,   /* text that is another one each time */
	TYPE_HIST,   /* JSON: { "upper bound of a bucket, ns": count } */
	TYPE_STATES, /* JSON: { "state of a thread": count }, from unsigned int[STATE_COUNT] */
	TYPE_TIME,   /* struct timespec, as ns */
	TYPE_LOCK,   /* a pointer to a lock: its number in the interval */
	TYPE_THREAD,
	TYPE_FRAME, /* a pointer to one frame: the number of a row in frame */
	TYPE_STACK, /* frames and, at `more`, their number: the number of rows in stack */
};

/* Which value is NULL in the file. */
enum store_null {
	NULL_NONE,  /* none: NULL is damage */
	NULL_ZERO,  /* 0, NULL */
	NULL_MINUS, /* -1 */
};

struct store_column {
	const char *name;
	enum store_type type;
	enum store_null null;
	size_t offset; /* in the row's struct */
	size_t more;   /* TYPE_STACK: offset of n_frames */
	size_t known;  /* offset of the bool that says whether it is known; 0: no such */
	const char *const *names;
	int n_names;
	int since;
};

enum store_shape {
	SHAPE_SNAPSHOT, /* the one row of the interval */
	SHAPE_ARRAY,	/* in the parent: a pointer at `array`, the number of rows at `count` */
	SHAPE_POINTER,	/* in the parent: a pointer at `array`; NULL: no row */
	SHAPE_PART,	/* of the parent itself, where `present` says so */
};

enum store_table_id {
	STORE_TABLE_INTERVAL,
	STORE_TABLE_PROCESS,
	STORE_TABLE_LOCK,
	STORE_TABLE_THREAD,
	STORE_TABLE_THREAD_LOCK,
	STORE_TABLE_DEADLOCK,
	STORE_TABLE_INVERSION,
	STORE_TABLE_SLEEP,
	/* what belongs to one of their rows */
	STORE_TABLE_SITE,
	STORE_TABLE_OWNER,
	STORE_TABLE_HOLDER,
	STORE_TABLE_LOOKS,
	STORE_TABLE_EXACT,
	STORE_TABLE_SWITCHES,
	STORE_TABLE_PYTHON_LOCK,
	STORE_TABLE_ABSENTEE,
	STORE_TABLE_VERDICT,
	STORE_TABLE_PYTHON_THREAD,
	STORE_TABLE_DEADLOCK_THREAD,
	STORE_TABLE_INVERSION_EDGE,
	STORE_TABLES
};

struct store_table {
	const char *name;
	const char *view; /* the same with texts in place of numbers */
	enum store_shape shape;
	enum store_table_id parent; /* STORE_TABLE_INTERVAL: the snapshot */
	size_t array, count;
	size_t row_size;
	size_t rows_min; /* of SHAPE_ARRAY; a parent with fewer is damage */
	bool (*present)(const void *parent);
	const char *extra; /* SQL: more columns of the view */
	const struct store_column *columns;
	size_t n_columns;
	int since;
};

extern const struct store_table store_tables[STORE_TABLES];

/* A table whose rows stand in an array: they have numbers of their own. */
bool store_schema__is_numbered(enum store_table_id id);

/*
 * The table that rows are numbered with: itself; of what its parent has once only, the parent's.
 * And the one that its rows belong to, STORE_TABLE_INTERVAL for those of the snapshot itself.
 */
enum store_table_id store_schema__numbers(enum store_table_id id);
enum store_table_id store_schema__owner(enum store_table_id id);

/* "CREATE TABLE name (...)" of a version that has it; for free(). */
char *store_schema__table(enum store_table_id id, int version);
char *store_schema__view(enum store_table_id id);

/* Statements of tables that are not the model's, and of their views; the list ends with NULL. */
struct store_statement {
	const char *name;
	const char *sql;
	int since, until; /* versions that have it; until 0: to this day */
};
extern const struct store_statement store_others[];

bool store_schema__has(const struct store_statement *o, int version);

#endif
