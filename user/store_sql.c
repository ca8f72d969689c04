// SPDX-License-Identifier: GPL-2.0-only
/* The tables as SQL. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_schema.h"
#include "util.h"

#define FRAME_TABLE(more)                                                                   \
	"CREATE TABLE frame (frame INTEGER PRIMARY KEY, function INTEGER, module INTEGER, " \
	"offset INTEGER, file INTEGER, line INTEGER, language INTEGER" more ")"
#define FRAME_VIEW(more)                                                           \
	"CREATE VIEW frames AS SELECT t.stack, t.depth, t.frame, "                 \
	"(SELECT text FROM string WHERE string = f.function) AS function, "        \
	"(SELECT text FROM string WHERE string = f.module) AS module, f.offset, "  \
	"(SELECT text FROM string WHERE string = f.file) AS file, f.line, "        \
	"(SELECT text FROM string WHERE string = f.language) AS language" more " " \
	"FROM stack t JOIN frame f ON f.frame = t.frame"

const struct store_statement store_others[] = {
	/* texts, frames and stacks are shared by the intervals of a chapter: their first numbers */
	{ .name = "chapter",
	  .sql = "CREATE TABLE chapter (chapter INTEGER PRIMARY KEY, string INTEGER, "
		 "frame INTEGER, stack INTEGER)" },
	{ .name = "string", .sql = "CREATE TABLE string (string INTEGER PRIMARY KEY, text TEXT)" },
	{ .name = "frame", .sql = FRAME_TABLE(""), .until = 1 },
	{ .name = "frame", .sql = FRAME_TABLE(", build_id INTEGER"), .since = 2 },
	{ .name = "stack",
	  .sql = "CREATE TABLE stack (stack INTEGER, depth INTEGER, frame INTEGER, "
		 "PRIMARY KEY (stack, depth)) WITHOUT ROWID" },
	{ .name = "loss",
	  .sql = "CREATE TABLE loss (interval INTEGER, name TEXT, count INTEGER, "
		 "PRIMARY KEY (interval, name)) WITHOUT ROWID" },
	{ .name = "frames", .sql = FRAME_VIEW(""), .until = 1 },
	{ .name = "frames",
	  .sql = FRAME_VIEW(", (SELECT text FROM string WHERE string = f.build_id) AS build_id"),
	  .since = 2 },
	{},
};

bool store_schema__has(const struct store_statement *o, int version)
{
	return o->since <= version && (!o->until || o->until >= version);
}

bool store_schema__is_numbered(enum store_table_id id)
{
	return store_tables[id].shape == SHAPE_ARRAY;
}

enum store_table_id store_schema__numbers(enum store_table_id id)
{
	while (id != STORE_TABLE_INTERVAL && !store_schema__is_numbered(id))
		id = store_tables[id].parent;
	return id;
}

enum store_table_id store_schema__owner(enum store_table_id id)
{
	return store_schema__numbers(store_tables[id].parent);
}

static const char *type_of(const struct store_column *c)
{
	switch (c->type) {
	case TYPE_SHARE:
		return "REAL";
	case TYPE_TEXT:
	case TYPE_HIST:
	case TYPE_STATES:
		return "TEXT";
	default:
		return "INTEGER";
	}
}

static void add_columns(FILE *out, const struct store_table *t, int version)
{
	for (size_t i = 0; i < t->n_columns; i++)
		if (t->columns[i].since <= version)
			fprintf(out, "%s %s, ", t->columns[i].name, type_of(&t->columns[i]));
}

/* Of each interval, the first and the last number in each table: its rows, in one piece. */
static void interval_table(FILE *out, int version)
{
	fputs("interval INTEGER PRIMARY KEY, chapter INTEGER, losses INTEGER", out);
	for (int i = 0; i < STORE_TABLES && version >= 2; i++)
		if (store_schema__is_numbered(i))
			fprintf(out, ", %s_first INTEGER, %s_last INTEGER", store_tables[i].name,
				store_tables[i].name);
	for (size_t i = 0; i < store_tables[STORE_TABLE_INTERVAL].n_columns; i++) {
		const struct store_column *c = &store_tables[STORE_TABLE_INTERVAL].columns[i];

		if (c->since <= version)
			fprintf(out, ", %s %s", c->name, type_of(c));
	}
}

/*
 * Numbers that are never used twice: rows are added at the end, which costs least; and the last
 * column, so that a row without it is the others as they are.
 */
static void numbered_table(FILE *out, enum store_table_id id, int version)
{
	enum store_table_id own = store_schema__numbers(id), owner = store_schema__owner(id);

	if (own == id && owner != STORE_TABLE_INTERVAL)
		fprintf(out, "%s INTEGER, ", store_tables[owner].name);
	add_columns(out, &store_tables[id], version);
	fprintf(out, "%s INTEGER PRIMARY KEY", store_tables[own].name);
}

/* Version 1: numbers began anew in each interval and each owner. */
static void keyed_table(FILE *out, enum store_table_id id)
{
	enum store_table_id own = store_schema__numbers(id), owner = store_schema__owner(id);
	char keys[128] = "interval";

	if (owner != STORE_TABLE_INTERVAL)
		snprintf(keys, sizeof(keys), "interval, %s", store_tables[owner].name);
	if (own == id)
		snprintf(keys + strlen(keys), sizeof(keys) - strlen(keys), ", %s",
			 store_tables[own].name);
	fputs("interval INTEGER, ", out);
	if (owner != STORE_TABLE_INTERVAL)
		fprintf(out, "%s INTEGER, ", store_tables[owner].name);
	if (own == id)
		fprintf(out, "%s INTEGER, ", store_tables[own].name);
	add_columns(out, &store_tables[id], 1);
	fprintf(out, "PRIMARY KEY (%s)", keys);
}

char *store_schema__table(enum store_table_id id, int version)
{
	char *sql = NULL;
	size_t size;
	FILE *out = open_memstream(&sql, &size);

	if (!out)
		return NULL;
	fprintf(out, "CREATE TABLE %s (", store_tables[id].name);
	if (id == STORE_TABLE_INTERVAL)
		interval_table(out, version);
	else if (version >= 2)
		numbered_table(out, id, version);
	else
		keyed_table(out, id);
	fputs(id == STORE_TABLE_INTERVAL || version >= 2 ? ")" : ") WITHOUT ROWID", out);
	fclose(out);
	return sql;
}

static bool is_text(const struct store_column *c)
{
	return c->type == TYPE_WORD || c->type == TYPE_CHARS || c->type == TYPE_ENUM;
}

/* The interval first: of one, or of all, a view reads what belongs to it and nothing else. */
char *store_schema__view(enum store_table_id id)
{
	const struct store_table *t = &store_tables[id];
	enum store_table_id own = store_schema__numbers(id), owner = store_schema__owner(id);
	const char *number = store_tables[own].name;
	char *sql = NULL;
	size_t size;
	FILE *out = open_memstream(&sql, &size);

	if (!out)
		return NULL;
	fprintf(out, "CREATE VIEW %s AS SELECT ", t->view);
	if (id == STORE_TABLE_INTERVAL)
		fputs("t.interval", out);
	else if (own == id && owner != STORE_TABLE_INTERVAL)
		fprintf(out, "i.interval, t.%s, t.%s", store_tables[owner].name, number);
	else
		fprintf(out, "i.interval, t.%s", number);
	if (t->extra)
		fprintf(out, ", %s", t->extra);
	for (size_t i = 0; i < t->n_columns; i++) {
		const char *name = t->columns[i].name;

		if (is_text(&t->columns[i]))
			fprintf(out, ", (SELECT text FROM string WHERE string = t.%s) AS %s", name,
				name);
		else
			fprintf(out, ", t.%s", name);
	}
	if (id == STORE_TABLE_INTERVAL)
		fputs(", t.losses FROM interval t", out);
	else
		fprintf(out,
			" FROM interval i CROSS JOIN %s t ON t.%s BETWEEN i.%s_first AND i.%s_last",
			t->name, number, number, number);
	fclose(out);
	return sql;
}
