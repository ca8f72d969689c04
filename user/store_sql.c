// SPDX-License-Identifier: GPL-2.0-only
/* The tables as SQL. */
#include <stdio.h>
#include <stdlib.h>

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

const char *const *store_schema__keys(enum store_table_id id, size_t *n)
{
	static const char *keys[STORE_KEYS];
	const struct store_table *t = &store_tables[id];
	const struct store_table *parent = &store_tables[t->parent];

	/* what there is once only goes by the number of what it belongs to */
	while (parent->shape == SHAPE_POINTER || parent->shape == SHAPE_PART)
		parent = &store_tables[parent->parent];
	*n = 0;
	keys[(*n)++] = "interval";
	if (parent->shape == SHAPE_ARRAY)
		keys[(*n)++] = parent->name;
	if (t->shape == SHAPE_ARRAY)
		keys[(*n)++] = t->name;
	return keys;
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

char *store_schema__table(enum store_table_id id, int version)
{
	const struct store_table *t = &store_tables[id];
	size_t n, size;
	const char *const *keys = store_schema__keys(id, &n);
	char *sql = NULL;
	FILE *out = open_memstream(&sql, &size);

	if (!out)
		return NULL;
	fprintf(out, "CREATE TABLE %s (", t->name);
	if (id == STORE_TABLE_INTERVAL)
		fprintf(out, "interval INTEGER PRIMARY KEY, chapter INTEGER, losses INTEGER");
	for (size_t i = 0; i < n && id != STORE_TABLE_INTERVAL; i++)
		fprintf(out, "%s%s INTEGER", i ? ", " : "", keys[i]);
	for (size_t i = 0; i < t->n_columns; i++)
		if (t->columns[i].since <= version)
			fprintf(out, ", %s %s", t->columns[i].name, type_of(&t->columns[i]));
	for (size_t i = 0; i < n && id != STORE_TABLE_INTERVAL; i++)
		fprintf(out, "%s%s", i ? ", " : ", PRIMARY KEY (", keys[i]);
	fputs(id == STORE_TABLE_INTERVAL ? ")" : ")) WITHOUT ROWID", out);
	fclose(out);
	return sql;
}

static bool is_text(const struct store_column *c)
{
	return c->type == TYPE_WORD || c->type == TYPE_CHARS || c->type == TYPE_ENUM;
}

char *store_schema__view(enum store_table_id id)
{
	const struct store_table *t = &store_tables[id];
	size_t n, size;
	const char *const *keys = store_schema__keys(id, &n);
	char *sql = NULL;
	FILE *out = open_memstream(&sql, &size);

	if (!out)
		return NULL;
	fprintf(out, "CREATE VIEW %s AS SELECT ", t->view);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s%s", i ? ", " : "", keys[i]);
	if (t->extra)
		fprintf(out, ", %s", t->extra);
	for (size_t i = 0; i < t->n_columns; i++) {
		const char *name = t->columns[i].name;

		if (is_text(&t->columns[i]))
			fprintf(out, ", (SELECT text FROM string WHERE string = t.%s) AS %s", name,
				name);
		else
			fprintf(out, ", %s", name);
	}
	if (id == STORE_TABLE_INTERVAL)
		fputs(", losses", out);
	fprintf(out, " FROM %s t", t->name);
	fclose(out);
	return sql;
}
