// SPDX-License-Identifier: GPL-2.0-only
/* The snapshot as JSON, schema locktop/1: one object a line. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "export.h"
#include "select.h"
#include "text.h"
#include "util.h"

/* Text that is not UTF-8 is made so: jansson refuses it. NULL becomes null. */
static json_t *text(const char *s)
{
	char clean[4096];

	if (!s)
		return json_null();
	return json_string(text__clean(clean, sizeof(clean), s));
}

static json_t *number(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

static json_t *scalar(const struct field *f, const void *row)
{
	struct value v = f->get(row);
	char hex[32];

	if (!v.known)
		return json_null();
	if (f->unit == UNIT_TEXT)
		return text(v.text);
	if (f->unit == UNIT_ADDRESS) {
		snprintf(hex, sizeof(hex), "0x%" PRIx64, (uint64_t)v.number);
		return json_string(hex);
	}
	return json_integer(v.number);
}

static json_t *scalars(enum entity entity, const void *row)
{
	json_t *o = json_object();

	for (const struct field *f = fields__of(entity); f->key; f++)
		if (f->flags & FIELD_JSON)
			json_object_set_new(o, f->key, scalar(f, row));
	return o;
}

static json_t *histogram(const struct lock *lock)
{
	json_t *a = json_array();

	for (unsigned int i = 0; i < HIST_BUCKETS; i++)
		if (lock->hist[i])
			json_array_append_new(a, json_pack("{s:o, s:I}", "le_ns",
							   number(hist__edge(i + 1)), "count",
							   (json_int_t)lock->hist[i]));
	return a;
}

static json_t *frames(const struct site *site)
{
	json_t *a = json_array();

	for (size_t i = 0; i < site->n_frames; i++) {
		const struct frame *f = &site->frames[i];
		char hex[32];

		snprintf(hex, sizeof(hex), "0x%" PRIx64, f->offset);
		json_array_append_new(a, json_pack("{s:o, s:o, s:s, s:o, s:o, s:o}", "function",
						   text(f->function), "module", text(f->module),
						   "offset", hex, "file", text(f->file), "line",
						   f->line ? json_integer(f->line) : json_null(),
						   "language", text(f->language)));
	}
	return a;
}

static json_t *sites(const struct lock *lock)
{
	json_t *a = json_array();

	for (size_t i = 0; i < lock->n_sites; i++) {
		const struct site *s = &lock->sites[i];

		json_array_append_new(a, json_pack("{s:s, s:o, s:f, s:o, s:b, s:o}", "role",
						   site_role_names[s->role], "samples",
						   number(s->samples), "share", s->share, "wait_ns",
						   number(s->wait_ns), "truncated", s->truncated,
						   "frames", frames(s)));
	}
	return a;
}

/*
 * Rows are dumped one by one: a tree of ten thousand threads would be larger than all else that
 * locktop holds. flags: JSON_EMBED leaves an object's braces out. 0 or -errno.
 */
static int dump(FILE *out, json_t *json, size_t flags)
{
	char *text = json ? json_dumps(json, JSON_COMPACT | flags) : NULL;
	int err = 0;

	json_decref(json);
	if (!text)
		return -ENOMEM;
	errno = 0;
	if (fputs(text, out) == EOF)
		err = errno ? -errno : -EIO;
	free(text);
	return err;
}

static json_t *row_object(enum entity entity, const void *row)
{
	json_t *object = scalars(entity, row);

	if (entity == ENTITY_LOCK) {
		json_object_set_new(object, "histogram", histogram(row));
		json_object_set_new(object, "owner", json_null());
		json_object_set_new(object, "sites", sites(row));
	}
	return object;
}

static int write_rows(FILE *out, const char *key, const struct snapshot *s, const struct options *o,
		      enum entity entity)
{
	size_t n;
	const void **row = select__rows(s, o, entity, &n);
	int err = 0;

	fprintf(out, ",\"%s\":[", key);
	for (size_t i = 0; i < n && !err; i++) {
		if (i)
			fputc(',', out);
		err = dump(out, row_object(entity, row[i]), 0);
	}
	fputc(']', out);
	free(row);
	return err;
}

static json_t *losses(const struct snapshot *s)
{
	json_t *o = json_object();

	for (int i = 0; i < LOSS_COUNT; i++)
		json_object_set_new(o, loss_names[i], number(s->losses[i]));
	return o;
}

static json_t *self(const struct self_cost *c)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "cpu_ns", number(c->cpu_ns), "rss_bytes",
			 number(c->rss_bytes), "probe_ns",
			 c->probe_known ? number(c->probe_ns) : json_null(), "probe_runs",
			 c->probe_known ? number(c->probe_runs) : json_null());
}

static json_t *head(const struct snapshot *s)
{
	const struct totals *t = &s->totals;
	char time[64], seconds[32];
	struct tm tm;

	gmtime_r(&s->time.tv_sec, &tm);
	strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(time, sizeof(time), "%s.%03ldZ", seconds, s->time.tv_nsec / 1000000);
	return json_pack("{s:s, s:s, s:o, s:o, s:s, s:o, s:s, s:o, s:o,"
			 " s:{s:o, s:o, s:o, s:o, s:o}, s:{s:o, s:o, s:o}}",
			 "schema", "locktop/1", "version", s->version, "host", text(s->host),
			 "kernel", text(s->kernel), "time", time, "interval_ns",
			 number(s->interval_ns), "tier", s->exact ? "exact" : "sleep", "losses",
			 losses(s), "self", self(&s->self), "totals", "sleeps", number(t->sleeps),
			 "wait_ns", number(t->wait_ns), "blocked_ns", number(t->blocked_ns),
			 "delay_ns", number(t->delay_ns), "waiting", number(t->waiting), "idle",
			 "sleeps", number(s->idle.sleeps), "wait_ns", number(s->idle.wait_ns),
			 "waiting", number(s->idle.waiting));
}

int export_json__write(FILE *out, const struct snapshot *s, const struct options *o, bool first)
{
	int err;

	fputc('{', out);
	err = dump(out, head(s), JSON_EMBED);
	if (!err)
		err = write_rows(out, "processes", s, o, ENTITY_PROCESS);
	if (!err)
		err = write_rows(out, "locks", s, o, ENTITY_LOCK);
	if (!err)
		err = write_rows(out, "threads", s, o, ENTITY_THREAD);
	errno = 0;
	if (!err &&
	    (fputs(",\"deadlocks\":null,\"inversions\":null}\n", out) == EOF || ferror(out)))
		err = errno ? -errno : -EIO;
	return err;
}
