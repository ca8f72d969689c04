// SPDX-License-Identifier: GPL-2.0-only
/* A comparison as one JSON object, schema locktop-diff/1. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "diff.h"
#include "options.h"
#include "text.h"
#include "util.h"

static json_t *text(const char *s)
{
	char clean[4096];

	return s ? json_string(text__clean(clean, sizeof(clean), s)) : json_null();
}

static json_t *count(uint64_t n)
{
	return json_integer((json_int_t)MIN(n, (uint64_t)INT64_MAX));
}

/* Durations are whole nanoseconds, as everywhere. */
static json_t *value(const struct diff_value *v, enum unit unit)
{
	if (!v->known || !isfinite(v->n))
		return json_null();
	if (unit == UNIT_DURATION)
		return count((uint64_t)MIN(v->n, 9.2e18));
	return json_real(v->n);
}

static json_t *time_of(const struct timespec *t)
{
	char seconds[32], whole[64];
	struct tm tm;

	gmtime_r(&t->tv_sec, &tm);
	strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(whole, sizeof(whole), "%s.%03ldZ", seconds, t->tv_nsec / 1000000);
	return json_string(whole);
}

static json_t *figures(const struct diff_row *row, int side)
{
	json_t *o = json_object();

	for (int f = 0; f < FIGURE_COUNT; f++)
		json_object_set_new(o, diff_figures[f].key,
				    value(&row->values[side][f], diff_figures[f].unit));
	return o;
}

/* What a lock was on one side; null: it was not there. */
static json_t *half(const struct diff_row *row, int side)
{
	json_t *o;

	if (!row->locks[side])
		return json_null();
	o = figures(row, side);
	json_object_set_new(o, "locks", json_integer(row->locks[side]));
	return o;
}

static void set_change(json_t *o, const struct diff_row *row)
{
	json_object_set_new(o, "change", json_real(row->change));
	json_object_set_new(o, "noise", value(&row->noise, UNIT_LOAD));
	json_object_set_new(o, "within_noise",
			    row->noise.known ? json_boolean(diff_row__is_noise(row)) : json_null());
}

static json_t *lock(const struct diff_row *row)
{
	const char *status = diff_row__is_new(row)    ? "new"
			     : diff_row__is_gone(row) ? "gone"
						      : "both";
	json_t *o =
		json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:s}", "comm", text(row->comm), "kind",
			  lock_kind_names[row->kind], "class", lock_class_names[row->class], "name",
			  text(row->name), "name_from", text(row->name ? row->name_from : NULL),
			  "place", text(row->place), "status", status);

	set_change(o, row);
	json_object_set_new(o, "a", half(row, DIFF_A));
	json_object_set_new(o, "b", half(row, DIFF_B));
	return o;
}

static json_t *side(const struct diff *d, int which)
{
	const struct diff_side *s = d->sides[which];
	json_t *total = json_object();

	json_object_set_new(total, "load", value(&d->total.values[which][FIGURE_LOAD], UNIT_LOAD));
	json_object_set_new(total, "sleeps_per_s",
			    value(&d->total.values[which][FIGURE_SLEEPS], UNIT_RATE));
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:b, s:o, s:o, s:f, s:o}",
			 "file", text(s->path), "host", text(s->host), "version", text(s->version),
			 "begin", time_of(&s->begin), "end", time_of(&s->end), "intervals",
			 count(s->intervals), "duration_ns",
			 count((uint64_t)MIN(s->seconds * NSEC_PER_SEC, 9.2e18)), "tier",
			 s->exact_s > 0 ? "exact" : "sleep", "scaled", s->exact_s > 0 && s->scaled,
			 "losses", count(s->losses), "deadlocks", count(s->deadlocks), "listed",
			 diff_side__listed(s), "total", total);
}

int diff_json__write(FILE *out, const struct diff *d, const struct options *o)
{
	size_t n = o->top ? MIN(d->n, (size_t)o->top) : d->n;
	json_t *total = json_object(), *locks = json_array(), *root;
	int err;

	set_change(total, &d->total);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(locks, lock(&d->rows[i]));
	root = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "schema", "locktop-diff/1", "a",
			 side(d, DIFF_A), "b", side(d, DIFF_B), "total", total, "locks", locks,
			 "not_listed", count(d->n - n));
	err = root ? json_dumpf(root, out, JSON_COMPACT | JSON_REAL_PRECISION(12)) : -1;
	json_decref(root);
	if (!err)
		fputc('\n', out);
	return err ? -ENOMEM : ferror(out) ? -EIO : 0;
}
