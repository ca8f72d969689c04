// SPDX-License-Identifier: GPL-2.0-only
/*
 * Locks as comma-separated values (RFC 4180): every scalar field of a lock, after the time and
 * length of the interval. Unknown values are empty cells.
 */
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

/*
 * Foreign text: quoted, and kept from being read as a formula by spreadsheets, which take cells
 * that begin with = + - @ for one.
 */
static void cell(FILE *out, const char *s)
{
	char clean[4096];

	text__clean(clean, sizeof(clean), s);
	fputc('"', out);
	if (clean[0] && strchr("=+-@", clean[0]))
		fputc('\'', out);
	for (const char *c = clean; *c; c++) {
		if (*c == '"')
			fputc('"', out);
		fputc(*c, out);
	}
	fputc('"', out);
}

static void value(FILE *out, const struct field *f, const void *row)
{
	struct value v = f->get(row);

	fputc(',', out);
	if (!v.known)
		return;
	if (f->unit == UNIT_RATIO)
		fprintf(out, "%" PRId64 ".%09" PRId64, v.number / VALUE_WHOLE,
			v.number % VALUE_WHOLE);
	else if (f->unit == UNIT_TEXT)
		cell(out, value__text(&v));
	else if (f->unit == UNIT_FLAG)
		fputs(v.number ? "true" : "false", out);
	else if (f->unit == UNIT_ADDRESS)
		fprintf(out, "0x%" PRIx64, (uint64_t)v.number);
	else
		fprintf(out, "%" PRId64, v.number);
}

/* What the figures of the exact tier were scaled up from; integers only, as in all cells. */
static void exact_share(FILE *out, const struct snapshot *s)
{
	int permille = (int)(MIN(MAX(s->exact_share, 0.0), 1.0) * 1000 + 0.5);

	fputc(',', out);
	if (s->exact)
		fprintf(out, "%d.%03d", permille / 1000, permille % 1000);
}

int export_csv__write(FILE *out, const struct snapshot *s, const struct options *o, bool first)
{
	const struct field *fields = fields__of(ENTITY_LOCK);
	char time[32];
	struct tm tm;
	size_t n;
	const void **rows = select__rows(s, o, ENTITY_LOCK, &n);

	gmtime_r(&s->time.tv_sec, &tm);
	strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%S", &tm);
	if (first) {
		fputs("time,interval_ns,comm", out);
		for (const struct field *f = fields; f->key; f++)
			if (f->flags & (FIELD_JSON | FIELD_CSV))
				fprintf(out, ",%s", f->key);
		fputs(",exact_share\r\n", out);
	}
	for (size_t i = 0; i < n; i++) {
		const struct lock *lock = rows[i];

		fprintf(out, "%s.%03ldZ,%" PRIu64 ",", time, s->time.tv_nsec / 1000000,
			s->interval_ns);
		cell(out, lock->comm ? lock->comm : "");
		for (const struct field *f = fields; f->key; f++)
			if (f->flags & (FIELD_JSON | FIELD_CSV))
				value(out, f, lock);
		exact_share(out, s);
		fputs("\r\n", out);
	}
	free(rows);
	return ferror(out) ? -EIO : 0;
}
