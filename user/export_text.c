// SPDX-License-Identifier: GPL-2.0-only
/* The snapshot as tables for people: the columns that the live screen has, as wide as they need. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "export.h"
#include "select.h"
#include "text.h"
#include "util.h"
#include "words.h"

#define COLUMNS_MAX 32
#define LEFT_MAX    60 /* columns that a text may take when others follow it */
#define PRIORITY    7  /* columns up to this one are printed */

static bool is_printed(const struct field *f, const struct snapshot *s, const void **rows, size_t n)
{
	if ((f->flags & FIELD_EXACT) && !s->exact)
		return false;
	if (!field__is_known(f, rows, n))
		return false;
	return f->flags & FIELD_SCREEN && f->priority <= PRIORITY;
}

static void print_cell(FILE *out, const struct field *f, const char *text, int width, bool last)
{
	int pad = width - text__columns(text);

	if (pad < 0)
		pad = 0;
	if (!(f->flags & FIELD_LEFT))
		fprintf(out, "%*s%s", pad, "", text);
	else if (last)
		fputs(text, out);
	else
		fprintf(out, "%s%*s", text, pad, "");
}

/* row NULL: the column's head. */
static void format_cell(const struct field *f, const void *row, const struct snapshot *s, char *buf,
			size_t size, bool last)
{
	bool scaled = fields__scaled(s);

	if (row)
		field__format_scaled(f, row, s->interval_ns, scaled, buf, size);
	else
		snprintf(buf, size, "%s%s", field__is_scaled(f, scaled) ? "~" : "", f->title);
	if (!last)
		buf[text__prefix(buf, LEFT_MAX)] = 0;
}

static void print_table(FILE *out, enum entity entity, const void **rows, size_t n,
			const struct snapshot *s)
{
	const struct field *fields[COLUMNS_MAX];
	int widths[COLUMNS_MAX], columns = 0;
	char buf[1024];

	for (const struct field *f = fields__of(entity); f->key && columns < COLUMNS_MAX; f++)
		if (is_printed(f, s, rows, n))
			fields[columns++] = f;
	for (int c = 0; c < columns; c++) {
		widths[c] = 0;
		for (size_t i = 0; i <= n; i++) {
			format_cell(fields[c], i ? rows[i - 1] : NULL, s, buf, sizeof(buf),
				    c == columns - 1);
			widths[c] = MAX(widths[c], text__columns(buf));
		}
	}
	for (size_t i = 0; i <= n; i++) {
		for (int c = 0; c < columns; c++) {
			bool last = c == columns - 1;

			format_cell(fields[c], i ? rows[i - 1] : NULL, s, buf, sizeof(buf), last);
			print_cell(out, fields[c], buf, widths[c], last);
			fputs(last ? "\n" : "  ", out);
		}
	}
}

static void print_losses(FILE *out, const struct snapshot *s)
{
	for (int i = 0; i < LOSS_COUNT; i++)
		if (s->losses[i])
			fprintf(out, "lost: %s %" PRIu64 " (%s)\n", loss_names[i], s->losses[i],
				loss_help[i]);
}

/* The tier, if it is not the usual one, and by how much its figures are scaled. */
static char *tier_text(char *buf, size_t size, const struct snapshot *s)
{
	char share[16];

	text__percent(share, sizeof(share), s->exact_share);
	if (fields__scaled(s))
		snprintf(buf, size, "exact %s%s of the time  ", share[0] == '<' ? "" : "~", share);
	else
		snprintf(buf, size, "%s", s->exact ? "exact  " : "");
	return buf;
}

static void print_head(FILE *out, const struct snapshot *s)
{
	double interval = s->interval_ns ? s->interval_ns : 1;
	char host[256], time[32], load[16], idle[16], rate[16], rss[16], tier[48], probes[16] = "?";
	struct tm tm;

	text__clean(host, sizeof(host), s->host);
	localtime_r(&s->time.tv_sec, &tm);
	strftime(time, sizeof(time), "%Y-%m-%d %H:%M:%S", &tm);
	text__load(load, sizeof(load), s->totals.wait_ns / interval);
	text__load(idle, sizeof(idle), s->idle.wait_ns / interval);
	text__count(rate, sizeof(rate), s->totals.sleeps * (double)NSEC_PER_SEC / interval);
	text__bytes(rss, sizeof(rss), s->self.rss_bytes);
	if (s->self.probe_known)
		snprintf(probes, sizeof(probes), "%.1f%%", 100 * s->self.probe_ns / interval);
	fprintf(out,
		"locktop %s  %s  %.2fs  %sload %s, %" PRIu64
		" waiting, %s sleeps/s  idle %s, %" PRIu64
		" threads  self %.1f%% cpu, probes %s, %s\n",
		time, host, interval / NSEC_PER_SEC, tier_text(tier, sizeof(tier), s), load,
		s->totals.waiting, rate, idle, s->idle.waiting, 100 * s->self.cpu_ns / interval,
		probes, rss);
	print_losses(out, s);
}

static void print_deadlocks(FILE *out, const struct snapshot *s)
{
	for (size_t i = 0; i < s->n_deadlocks; i++) {
		fputc('\n', out);
		words__deadlock(out, &s->deadlocks[i]);
	}
}

/* Once each: what is known already stands in an earlier interval. */
static void print_inversions(FILE *out, const struct snapshot *s)
{
	for (size_t i = 0; i < s->n_inversions; i++) {
		if (!s->inversions[i].fresh)
			continue;
		fputc('\n', out);
		words__inversion(out, &s->inversions[i]);
	}
}

/* Verdicts come from a lock's figures, but the names in them are foreign. */
static void print_verdict(FILE *out, const struct lock *lock, const struct verdict *v)
{
	char text[WORDS_MAX];

	fprintf(out, "%s", words__lock_name(text, sizeof(text), lock));
	fprintf(out, " (%s %d): ", text__clean(text, 64, lock->comm ? lock->comm : "?"),
		(int)lock->pid);
	fprintf(out, "%s", text__clean(text, sizeof(text), v->name));
	if (v->evidence)
		fprintf(out, ": %s", text__clean(text, sizeof(text), v->evidence));
	if (v->advice)
		fprintf(out, "; %s", text__clean(text, sizeof(text), v->advice));
	fputc('\n', out);
}

static void print_verdicts(FILE *out, const void **locks, size_t n)
{
	bool headed = false;

	for (size_t i = 0; i < n; i++) {
		const struct lock *lock = locks[i];

		for (size_t j = 0; j < lock->n_verdicts; j++) {
			if (!headed)
				fputs("\nverdicts\n", out);
			headed = true;
			print_verdict(out, lock, &lock->verdicts[j]);
		}
	}
}

/* One of the three tables, and what belongs below it. */
static void print_entity(FILE *out, enum entity entity, const char *what, const struct snapshot *s,
			 const struct options *o)
{
	size_t all, n;
	const void **rows = select__all(s, o, entity, &all);

	n = entity == ENTITY_PROCESS ? all : select__top(rows, all, entity, o->top);
	if (n) {
		fprintf(out, "\n%s\n", what);
		print_table(out, entity, rows, n, s);
	} else if (entity == ENTITY_PROCESS) {
		fprintf(out, "\nno %s%s\n",
			s->exact ? "lock was taken or waited for" : "thread waited for a lock",
			s->idle.waiting && !o->idle ? " (-i shows those waiting for work)" : "");
	}
	if (n < all)
		fprintf(out, "... and %zu more (--top 0 shows all)\n", all - n);
	if (entity == ENTITY_LOCK)
		print_verdicts(out, rows, n);
	free(rows);
}

int export_text__write(FILE *out, const struct snapshot *s, const struct options *o, bool first)
{
	static const struct {
		enum entity entity;
		const char *what;
	} tables[] = {
		{ ENTITY_PROCESS, "processes" },
		{ ENTITY_LOCK, "locks" },
		{ ENTITY_THREAD, "threads" },
	};

	if (!first)
		fputc('\n', out);
	print_head(out, s);
	print_deadlocks(out, s);
	print_inversions(out, s);
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		print_entity(out, tables[i].entity, tables[i].what, s, o);
	return ferror(out) ? -EIO : 0;
}
