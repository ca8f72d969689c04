// SPDX-License-Identifier: GPL-2.0-only
#include "store_reading.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "util.h"

#define DEPTH_MAX 65536
#define SHARE_MAX 1e6 /* shares are about 1 at most; what is no such number is no share */

struct reading_known {
	int64_t number;
	const void *at;
	size_t n; /* of a stack: frames */
	UT_hash_handle hh;
};

static struct reading_known *find(struct reading_known *known, int64_t number)
{
	struct reading_known *found;

	HASH_FIND(hh, known, &number, sizeof(number), found);
	return found;
}

static void remember(struct reading *r, struct reading_known **known, int64_t number,
		     const void *at, size_t n)
{
	struct reading_known *new = snapshot__alloc(r->snapshot, 1, sizeof(*new));

	new->number = number;
	new->at = at;
	new->n = n;
	HASH_ADD(hh, *known, number, sizeof(number), new);
}

void store_reading__done(struct reading *r)
{
	HASH_CLEAR(hh, r->strings);
	HASH_CLEAR(hh, r->frames);
	HASH_CLEAR(hh, r->stacks);
}

int store_reading__damaged(struct reading *r, const char *what)
{
	return store__damaged(r->s, what, r->error);
}

struct timespec store_reading__time(int64_t ns)
{
	int64_t second = NSEC_PER_SEC, rest = ns % second;

	return (struct timespec){ .tv_sec = ns / second - (rest < 0),
				  .tv_nsec = rest < 0 ? rest + second : rest };
}

/* A copy of a text, which has no NUL in it. */
static int text(struct reading *r, sqlite3_stmt *from, int at, const char **ret)
{
	const unsigned char *bytes = sqlite3_column_text(from, at);
	int size = sqlite3_column_bytes(from, at);
	char *copy;

	if (!bytes || size < 0 || memchr(bytes, 0, size))
		return store_reading__damaged(r, "a text is none");
	copy = snapshot__alloc(r->snapshot, (size_t)size + 1, 1);
	memcpy(copy, bytes, size);
	*ret = copy;
	return 0;
}

static int string(struct reading *r, int64_t number, const char **ret)
{
	struct reading_known *known = find(r->strings, number);
	sqlite3_stmt *from = r->s->string;
	int err = 0, code;

	if (known) {
		*ret = known->at;
		return 0;
	}
	sqlite3_bind_int64(from, 1, number);
	code = sqlite3_step(from);
	if (code == SQLITE_ROW)
		err = text(r, from, 0, ret);
	else if (code == SQLITE_DONE)
		err = store_reading__damaged(r, "a text is missing");
	else
		err = store__failed(r->s, code, r->error);
	sqlite3_reset(from);
	if (!err)
		remember(r, &r->strings, number, *ret, 0);
	return err;
}

static int string_or_null(struct reading *r, sqlite3_stmt *from, int at, const char **ret)
{
	*ret = NULL;
	if (sqlite3_column_type(from, at) == SQLITE_NULL)
		return 0;
	return string(r, sqlite3_column_int64(from, at), ret);
}

static int fill_frame(struct reading *r, sqlite3_stmt *from, struct frame *f)
{
	int64_t line = sqlite3_column_int64(from, 5);
	int err = string_or_null(r, from, 0, &f->function);

	if (!err)
		err = string_or_null(r, from, 1, &f->module);
	if (!err)
		err = string_or_null(r, from, 2, &f->file);
	if (!err)
		err = string_or_null(r, from, 3, &f->language);
	if (!err)
		err = string_or_null(r, from, 6, &f->build_id);
	if (!err && (line < INT_MIN || line > INT_MAX))
		err = store_reading__damaged(r, "a number is out of range");
	f->offset = sqlite3_column_int64(from, 4);
	f->line = err ? 0 : line;
	return err;
}

static int frame(struct reading *r, int64_t number, struct frame **ret)
{
	struct reading_known *known = find(r->frames, number);
	sqlite3_stmt *from = r->s->frame;
	int err, code;

	if (known) {
		*ret = (struct frame *)known->at;
		return 0;
	}
	sqlite3_bind_int64(from, 1, number);
	code = sqlite3_step(from);
	*ret = snapshot__alloc(r->snapshot, 1, sizeof(**ret));
	if (code == SQLITE_ROW)
		err = fill_frame(r, from, *ret);
	else if (code == SQLITE_DONE)
		err = store_reading__damaged(r, "a frame is missing");
	else
		err = store__failed(r->s, code, r->error);
	sqlite3_reset(from);
	if (!err)
		remember(r, &r->frames, number, *ret, 0);
	return err;
}

/* The numbers of a stack's frames, for free(). */
static int frame_numbers(struct reading *r, int64_t number, int64_t **ret, size_t *n)
{
	sqlite3_stmt *from = r->s->stack;
	size_t capacity = 0;
	int err = 0, code;

	*ret = NULL;
	*n = 0;
	sqlite3_bind_int64(from, 1, number);
	while (!err && (code = sqlite3_step(from)) == SQLITE_ROW) {
		if (sqlite3_column_int64(from, 0) != (int64_t)*n || *n == DEPTH_MAX)
			err = store_reading__damaged(r, "a stack has holes");
		array__grow(*ret, *n, capacity);
		(*ret)[(*n)++] = sqlite3_column_int64(from, 1);
	}
	if (!err && code != SQLITE_DONE)
		err = store__failed(r->s, code, r->error);
	if (!err && !*n && number)
		err = store_reading__damaged(r, "a stack is missing");
	sqlite3_reset(from);
	return err;
}

static int stack(struct reading *r, int64_t number, struct frame **ret, size_t *n)
{
	struct reading_known *known = find(r->stacks, number);
	_cleanup_(util__freep) int64_t *numbers = NULL;
	int err;

	if (known) {
		*ret = (struct frame *)known->at;
		*n = known->n;
		return 0;
	}
	err = frame_numbers(r, number, &numbers, n);
	if (err)
		return err;
	*ret = snapshot__alloc(r->snapshot, *n, sizeof(**ret));
	for (size_t i = 0; i < *n && !err; i++) {
		struct frame *one;

		err = frame(r, numbers[i], &one);
		if (!err)
			(*ret)[i] = *one;
	}
	if (!err)
		remember(r, &r->stacks, number, *ret, *n);
	return err;
}

static int stack_value(struct reading *r, sqlite3_stmt *from, int at, const struct store_column *c,
		       char *row)
{
	return stack(r, sqlite3_column_int64(from, at), (struct frame **)(row + c->offset),
		     (size_t *)(row + c->more));
}

static int word(struct reading *r, sqlite3_stmt *from, int at, const struct store_column *c,
		char *value)
{
	const char *found;
	int err = string(r, sqlite3_column_int64(from, at), &found);

	if (err)
		return err;
	if (c->type == TYPE_WORD) {
		*(const char **)value = found;
		return 0;
	}
	if (c->type == TYPE_CHARS) {
		if (strlen(found) >= sizeof(((struct lock *)0)->id))
			return store_reading__damaged(r, "a text is too long");
		strcpy(value, found);
		return 0;
	}
	for (int i = 0; i < c->n_names; i++) {
		if (c->names[i] && !strcmp(found, c->names[i])) {
			*(unsigned int *)value = i;
			return 0;
		}
	}
	return store_reading__damaged(r, "a word in it is not known");
}

static int reference(struct reading *r, sqlite3_stmt *from, int at, const struct store_column *c,
		     char *value)
{
	const struct snapshot *s = r->snapshot;
	enum store_table_id of = c->type == TYPE_LOCK ? STORE_TABLE_LOCK : STORE_TABLE_THREAD;
	uint64_t n = (uint64_t)sqlite3_column_int64(from, at) - r->first[of];

	if (n >= (of == STORE_TABLE_LOCK ? s->n_locks : s->n_threads))
		return store_reading__damaged(r, "a lock or thread is missing");
	*(const void **)value =
		c->type == TYPE_LOCK ? (const void *)&s->locks[n] : (const void *)&s->threads[n];
	return 0;
}

/* Integers by the type that they become. */
static int integer(struct reading *r, sqlite3_stmt *from, int at, const struct store_column *c,
		   char *value)
{
	bool whole = sqlite3_column_type(from, at) == SQLITE_INTEGER, fits = true;
	int64_t n = sqlite3_column_int64(from, at);

	if (!whole)
		return store_reading__damaged(r, "a number is none");
	switch (c->type) {
	case TYPE_U32:
		fits = n >= 0 && n <= UINT32_MAX;
		*(uint32_t *)value = n;
		break;
	case TYPE_INT:
		fits = n >= INT_MIN && n <= INT_MAX;
		*(int *)value = fits ? n : 0;
		break;
	case TYPE_BOOL:
		fits = n == 0 || n == 1;
		*(bool *)value = n == 1;
		break;
	case TYPE_TIME:
		*(struct timespec *)value = store_reading__time(n);
		break;
	default:
		*(int64_t *)value = n;
	}
	return fits ? 0 : store_reading__damaged(r, "a number is out of range");
}

static int null(struct reading *r, const struct store_column *c, char *value)
{
	if (c->known || c->null == NULL_ZERO)
		return 0; /* rows begin as zeroes */
	if (c->null == NULL_NONE)
		return store_reading__damaged(r, "a value is missing");
	if (c->type == TYPE_INT)
		*(int *)value = -1;
	else
		*(int64_t *)value = -1;
	return 0;
}

static int counts(struct reading *r, sqlite3_stmt *from, int at, const struct store_column *c,
		  char *value)
{
	const char *json = (const char *)sqlite3_column_text(from, at);
	size_t size = sqlite3_column_bytes(from, at);

	if (json && (c->type == TYPE_HIST ? store_hist__parse(json, size, (uint32_t *)value)
					  : store_states__parse(json, size, (unsigned int *)value)))
		return 0;
	return store_reading__damaged(r, "a histogram is none");
}

int store_reading__value(struct reading *r, sqlite3_stmt *from, int at,
			 const struct store_column *c, char *row)
{
	char *value = row + c->offset;
	struct frame **frames = (struct frame **)value;
	double share;

	if (sqlite3_column_type(from, at) == SQLITE_NULL)
		return null(r, c, value);
	if (c->known)
		*(bool *)(row + c->known) = true;
	switch (c->type) {
	case TYPE_SHARE:
		share = sqlite3_column_double(from, at);
		if (!isfinite(share) || fabs(share) > SHARE_MAX)
			return store_reading__damaged(r, "a number is out of range");
		*(double *)value = share;
		return 0;
	case TYPE_WORD:
	case TYPE_CHARS:
	case TYPE_ENUM:
		return word(r, from, at, c, value);
	case TYPE_TEXT:
		return text(r, from, at, (const char **)value);
	case TYPE_HIST:
	case TYPE_STATES:
		return counts(r, from, at, c, value);
	case TYPE_LOCK:
	case TYPE_THREAD:
		return reference(r, from, at, c, value);
	case TYPE_FRAME:
		return frame(r, sqlite3_column_int64(from, at), frames);
	case TYPE_STACK:
		return stack_value(r, from, at, c, row);
	default:
		return integer(r, from, at, c, value);
	}
}
