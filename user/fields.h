/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one table of columns. A row here is a column on the screens, a sort key, a column in csv and
 * text output, a field in json, and a line in --help and the man page.
 */
#ifndef FIELDS_H
#define FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model.h"

enum entity { ENTITY_PROCESS, ENTITY_LOCK, ENTITY_THREAD, ENTITY_COUNT };

enum unit {
	UNIT_TEXT,
	UNIT_ID,       /* a number that is a name: pid, tid */
	UNIT_COUNT,    /* how many now */
	UNIT_RATE,     /* how many in the interval; screens show it per second */
	UNIT_LOAD,     /* ns in the interval; screens show ns per ns: mean number of threads */
	UNIT_DURATION, /* ns */
	UNIT_ADDRESS,
	UNIT_FLAG,  /* yes or no */
	UNIT_RATIO, /* parts of VALUE_WHOLE; 0..1 in json and csv, a percentage on screens */
};

#define VALUE_WHOLE 1000000000 /* a ratio of 1 */

enum field_flags {
	FIELD_SCREEN = 1, /* a column of the live screens and of text output */
	FIELD_JSON = 2,	  /* a scalar of json and csv under `key` */
	FIELD_LEFT = 4,	  /* text grows to the right and may take the spare width */
	FIELD_CSV = 8,	  /* a column of csv only: in json it is part of an object */
	FIELD_EXACT = 16, /* known to the exact tier only: without it there is no such column */
	FIELD_RARE = 32,  /* known of few rows: no such column on screen while it is of none */
};

#define VALUE_MADE 48

/* A value of one field of one row. */
struct value {
	bool known;	  /* false: prints as ? and null */
	const char *text; /* UNIT_TEXT; if unknown: what prints instead of ? (- where nothing is) */
	int64_t number;	  /* all other units */
	char made[VALUE_MADE]; /* UNIT_TEXT that stands nowhere else: valid where text is NULL */
};

/* The text of a value, wherever it stands; NULL if there is none. */
const char *value__text(const struct value *v);

struct field {
	enum entity entity;
	const char *key;   /* json key, sort key */
	const char *title; /* column head */
	enum unit unit;
	int width; /* columns on screen; the least for FIELD_LEFT */
	unsigned int flags;
	unsigned int priority; /* 0 = always shown; higher ones go first when room is short */
	struct value (*get)(const void *row);
	const char *help;
};

/* All fields of an entity, in screen order; the array ends with a field without a key. */
const struct field *fields__of(enum entity entity);

/*
 * The field with this key, or NULL. Keys may come without their "_ns"; the column head does as
 * well, in upper or lower case.
 */
const struct field *fields__find(enum entity entity, const char *key);

/* Is it a column for these rows? Only FIELD_RARE asks for more than that there is such a field. */
bool field__is_known(const struct field *f, const void *const *rows, size_t n);

/* The field that an entity is sorted by when nothing else is asked. */
const struct field *fields__default_sort(enum entity entity);

/*
 * The value as people read it (1.2ms, 84k, 2.41), escaped for a terminal, at most size - 1 bytes.
 * interval_ns scales rates and loads; 0 shows them as they are.
 */
void field__format(const struct field *f, const void *row, uint64_t interval_ns, char *buf,
		   size_t size);

/*
 * The same; scaled: the exact tier was on for a part of the interval, and a figure of it begins
 * with a ~. That takes a column more than the field's width.
 */
void field__format_scaled(const struct field *f, const void *row, uint64_t interval_ns, bool scaled,
			  char *buf, size_t size);
/* Is it marked so? Only locks are seen in slices: calls of processes are counted all the time. */
bool field__is_scaled(const struct field *f, bool scaled);

/* Were the exact tier's figures of this snapshot scaled up from a part of the interval? */
bool fields__scaled(const struct snapshot *s);

/*
 * Sorts an array of row pointers of one entity: numbers descend (largest first), text and ids
 * ascend. Stable: equal rows keep a fixed order by identity
 * (pid, address, tid), so that rows do not jump; of locks that waited equally long, those come
 * first that were taken more often. Unknown values come last in reverse order too.
 */
void fields__sort(const struct field *f, bool reverse, const void **rows, size_t n);

#endif
