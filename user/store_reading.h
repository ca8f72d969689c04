/* SPDX-License-Identifier: GPL-2.0-only */
/* One interval being read: values of columns into rows of the model. */
#ifndef STORE_READING_H
#define STORE_READING_H

#include "store_internal.h"

struct reading_known; /* texts, frames and stacks that this interval has asked for */

struct reading {
	struct store *s;
	struct snapshot *snapshot;
	int64_t id;		     /* of the interval */
	int64_t first[STORE_TABLES]; /* number of its first row in a table */
	size_t rows[STORE_TABLES];   /* so many: of tables that have a range */
	char *error;
	struct reading_known *strings, *frames, *stacks;
};

/* Sets what a column tells of a row. 0, or -errno with a line in r->error. */
int store_reading__value(struct reading *r, sqlite3_stmt *from, int at,
			 const struct store_column *c, char *row);

/* Forgets what was asked for; the snapshot keeps it. */
void store_reading__done(struct reading *r);

int store_reading__damaged(struct reading *r, const char *what);

struct timespec store_reading__time(int64_t ns);

#endif
