// SPDX-License-Identifier: GPL-2.0-only
#include "report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "export.h"
#include "output.h"
#include "stage.h"
#include "sum.h"
#include "util.h"

struct report {
	const struct options *o;
	struct store *store;
	struct recording recording;
	char *error;
};

static enum report_result failed(struct report *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static enum report_result failed(struct report *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->error, REPORT_ERROR, format, args);
	va_end(args);
	return REPORT_FAILED;
}

int report__read(struct store *s, size_t first, size_t last, struct snapshot **ret,
		 char error[STORE_ERROR])
{
	struct sum *sum = sum__new();

	for (size_t i = first; i <= last; i++) {
		struct snapshot *one;
		int err = store__read(s, i, &one, error);

		if (err) {
			sum__free(sum);
			return err;
		}
		sum__add(sum, one);
	}
	*ret = sum__finish(sum);
	return *ret ? 0 : -ENODATA;
}

static void date_text(char *buf, size_t size, uint64_t ns)
{
	time_t seconds = ns / NSEC_PER_SEC;
	struct tm tm;

	if (!localtime_r(&seconds, &tm) || !strftime(buf, size, "%F %T", &tm))
		snprintf(buf, size, "?");
}

/* Of the whole recording, to the part of it that is wanted. */
static enum report_result choose_range(struct report *r)
{
	struct timeline *t = &r->recording.timeline;
	uint64_t begin = t->items[0].begin_ns, end = t->items[t->n - 1].end_ns;
	char begins[32], ends[32];

	if (!r->o->from && !r->o->to)
		return REPORT_FINE;
	recording__done(&r->recording);
	recording__init(&r->recording);
	if ((r->o->from && timeline__parse(r->o->from, begin, end, &t->from_ns)) ||
	    (r->o->to && timeline__parse(r->o->to, begin, end, &t->to_ns)))
		return failed(r, "--from and --to: these are no times");
	if (timeline__follow(t, r->store))
		return failed(r, "%s: cannot be read", r->o->files[0]);
	if (t->n)
		return REPORT_FINE;
	date_text(begins, sizeof(begins), begin);
	date_text(ends, sizeof(ends), end);
	return failed(r, "no interval lies there: the recording goes from %s to %s", begins, ends);
}

static enum report_result open_recording(struct report *r)
{
	const char *path = r->o->files[0];
	char line[STORE_ERROR];
	int err = store__open(path, &r->store, line);

	if (err)
		return failed(r, "%s", line);
	err = timeline__follow(&r->recording.timeline, r->store);
	if (err)
		return failed(r, "%s: %s", path, strerror(-err));
	if (!r->recording.timeline.n)
		return failed(r, "%s: no interval was recorded", path);
	return choose_range(r);
}

/* Is one of what --fail-on names in it? */
static bool is_found(struct report *r, const struct snapshot *s)
{
	for (const struct fail_on *const *f = r->o->fail_on; *f; f++)
		if ((*f)->found(s, r->error, REPORT_ERROR))
			return true;
	return false;
}

static enum report_result cannot_write(struct report *r, int err)
{
	if (err == -ENODATA) /* from a format that is about them */
		return failed(r, "%s has no single sleeps%s: record with --events", r->o->files[0],
			      r->o->from || r->o->to ? " there" : "");
	return failed(r, "cannot write to %s: %s", r->o->output ? r->o->output : "stdout",
		      strerror(-err));
}

static enum report_result print_one(struct report *r, struct export_run *e, struct output *out,
				    size_t first, size_t last)
{
	enum report_result result = REPORT_FINE;
	char line[STORE_ERROR];
	struct snapshot *s;
	int err = report__read(r->store, first, last, &s, line);

	if (err)
		return failed(r, "%s", line);
	err = export__print(e, out, s);
	if (err)
		result = cannot_write(r, err);
	else if (is_found(r, s))
		result = REPORT_FOUND;
	snapshot__free(s);
	return result;
}

static enum report_result print_all(struct report *r, struct export_run *e, struct output *out)
{
	const struct timeline *t = &r->recording.timeline;
	enum report_result result = REPORT_FINE;
	size_t n = r->o->count ? MIN(t->n, r->o->count) : t->n;

	if (r->o->sum)
		return print_one(r, e, out, t->offset, t->offset + n - 1);
	for (size_t i = 0; i < n && result == REPORT_FINE; i++)
		result = print_one(r, e, out, t->offset + i, t->offset + i);
	return result;
}

static enum report_result print(struct report *r)
{
	struct output output;
	enum report_result result;
	struct export_run *e;
	int err = output__open(&output, r->o->output);

	if (err)
		return cannot_write(r, err);
	e = export__new(r->o);
	result = print_all(r, e, &output);
	if (result != REPORT_FAILED) {
		err = export__print(e, &output, NULL);
		if (!err)
			err = output__commit(&output);
		if (err)
			result = cannot_write(r, err);
	}
	export__free(e);
	output__abandon(&output);
	return result;
}

static enum report_result show(struct report *r)
{
	char line[STORE_ERROR] = "";
	int err = report_screen__run(r->o, r->store, &r->recording, line);

	if (!err)
		return REPORT_FINE;
	if (line[0])
		return failed(r, "%s", line);
	return failed(r, "%s", stage__error(err) ? stage__error(err) : strerror(-err));
}

enum report_result report__run(const struct options *o, char error[REPORT_ERROR])
{
	struct report r = { .o = o, .error = error };
	enum report_result result;

	recording__init(&r.recording);
	result = open_recording(&r);
	if (result == REPORT_FINE)
		result = o->live ? show(&r) : print(&r);
	recording__done(&r.recording);
	if (r.store)
		store__close(r.store);
	return result;
}
