// SPDX-License-Identifier: GPL-2.0-only
/* A comparison for people: what the sides are, then a line a lock, A and B beside each other. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "diff.h"
#include "options.h"
#include "text.h"
#include "util.h"

#define CELL	     256
#define LISTED_LEAST 0.99 /* below this share of the wait it is said that locks are missing */

enum align { RIGHT, LEFT };

/* A column: figures of both sides, or what cell() writes. */
struct column {
	const char *title;
	enum align align;
	void (*cell)(const struct diff_row *row, char *buf, size_t size);
	enum diff_figure figure; /* without cell */
};

/* "0.12 -> 0.83"; - where the lock is not there. */
static void figure_cell(const struct diff_row *row, enum diff_figure f, char *buf, size_t size)
{
	char side[DIFF_SIDES][32];

	for (int i = 0; i < DIFF_SIDES; i++)
		if (row->locks[i])
			diff_value__format(&row->values[i][f], f, side[i], sizeof(side[i]));
		else
			snprintf(side[i], sizeof(side[i]), "-");
	snprintf(buf, size, "%s -> %s", side[DIFF_A], side[DIFF_B]);
}

/* "+0.71 +-0.02"; "~" before what may be chance, "?" behind where nothing is known of that. */
static void change_cell(const struct diff_row *row, char *buf, size_t size)
{
	char change[16], noise[16] = "?";

	text__load(change, sizeof(change), fabs(row->change));
	if (row->noise.known)
		text__load(noise, sizeof(noise), row->noise.n);
	snprintf(buf, size, "%s%c%s +-%s", diff_row__is_noise(row) ? "~" : "",
		 row->change < 0 ? '-' : '+', change, noise);
}

static void status_cell(const struct diff_row *row, char *buf, size_t size)
{
	snprintf(buf, size, "%s",
		 diff_row__is_new(row)	  ? "new"
		 : diff_row__is_gone(row) ? "gone"
					  : "");
}

static void kind_cell(const struct diff_row *row, char *buf, size_t size)
{
	snprintf(buf, size, "%s", lock_kind_names[row->kind]);
}

static void comm_cell(const struct diff_row *row, char *buf, size_t size)
{
	text__clean(buf, MIN(size, (size_t)64), row->comm ? row->comm : "?");
}

/* How many stand for one, if that differs from one each. */
static void lock_cell(const struct diff_row *row, char *buf, size_t size)
{
	size_t n;

	diff_row__label(row, buf, size - 40);
	n = strlen(buf);
	if (row->locks[DIFF_A] > 1 || row->locks[DIFF_B] > 1)
		snprintf(buf + n, size - n, " (%u -> %u locks)", row->locks[DIFF_A],
			 row->locks[DIFF_B]);
}

static const struct column columns[] = {
	{ "CHANGE", RIGHT, change_cell, 0 },
	{ "", LEFT, status_cell, 0 },
	{ NULL, RIGHT, NULL, FIGURE_LOAD },
	{ NULL, RIGHT, NULL, FIGURE_WAIT },
	{ NULL, RIGHT, NULL, FIGURE_P50 },
	{ NULL, RIGHT, NULL, FIGURE_P99 },
	{ NULL, RIGHT, NULL, FIGURE_MAX },
	{ NULL, RIGHT, NULL, FIGURE_SLEEPS },
	{ NULL, RIGHT, NULL, FIGURE_ACQUISITIONS },
	{ NULL, RIGHT, NULL, FIGURE_HOLD },
	{ NULL, RIGHT, NULL, FIGURE_TRY_FAILURES },
	{ "COMMAND", LEFT, comm_cell, 0 },
	{ "KIND", LEFT, kind_cell, 0 },
	{ "LOCK", LEFT, lock_cell, 0 },
};

/* row NULL: the column's head. */
static void format_cell(const struct column *c, const struct diff_row *row, char *buf, size_t size)
{
	if (!row)
		snprintf(buf, size, "%s", c->title ? c->title : diff_figures[c->figure].title);
	else if (c->cell)
		c->cell(row, buf, size);
	else
		figure_cell(row, c->figure, buf, size);
}

/* The exact tier's only if one of the sides has it. */
static bool is_printed(const struct column *c, const struct diff *d)
{
	return c->cell || !diff_figures[c->figure].exact || d->sides[DIFF_A]->exact_s > 0 ||
	       d->sides[DIFF_B]->exact_s > 0;
}

static void print_cell(FILE *out, const struct column *c, const char *cell, int width)
{
	int pad = MAX(width - text__columns(cell), 0);
	bool last = c == &columns[ARRAY_SIZE(columns) - 1];

	if (c->align == RIGHT)
		fprintf(out, "%*s%s  ", pad, "", cell);
	else if (last)
		fprintf(out, "%s\n", cell);
	else
		fprintf(out, "%s%*s  ", cell, pad, "");
}

static void print_table(FILE *out, const struct diff *d, size_t n)
{
	int widths[ARRAY_SIZE(columns)] = {};
	char cell[CELL + 512];

	for (size_t c = 0; c < ARRAY_SIZE(columns); c++) {
		for (size_t i = 0; i <= n; i++) {
			format_cell(&columns[c], i ? &d->rows[i - 1] : NULL, cell, sizeof(cell));
			widths[c] = MAX(widths[c], text__columns(cell));
		}
	}
	for (size_t i = 0; i <= n; i++) {
		for (size_t c = 0; c < ARRAY_SIZE(columns); c++) {
			if (!is_printed(&columns[c], d))
				continue;
			format_cell(&columns[c], i ? &d->rows[i - 1] : NULL, cell, sizeof(cell));
			print_cell(out, &columns[c], cell, widths[c]);
		}
	}
}

static void print_side(FILE *out, char letter, const struct diff_side *side,
		       const struct diff_row *total, int which)
{
	char path[512], host[256], time[32], load[16], length[16];
	struct tm tm;

	localtime_r(&side->begin.tv_sec, &tm);
	strftime(time, sizeof(time), "%Y-%m-%d %H:%M:%S", &tm);
	text__load(load, sizeof(load), total->values[which][FIGURE_LOAD].n);
	text__duration(length, sizeof(length), (uint64_t)(side->seconds * NSEC_PER_SEC));
	fprintf(out, "%c  %s  %s  %s  %s in %" PRIu64 " interval%s%s  load %s", letter,
		text__clean(path, sizeof(path), side->path),
		text__clean(host, sizeof(host), side->host ? side->host : "?"), time, length,
		side->intervals, side->intervals == 1 ? "" : "s",
		side->exact_s > 0 ? side->scaled ? "  ~exact" : "  exact" : "", load);
	if (side->deadlocks)
		fprintf(out, "  %zu DEADLOCK%s", side->deadlocks, side->deadlocks == 1 ? "" : "S");
	if (side->losses)
		fprintf(out, "  %" PRIu64 " lost", side->losses);
	if (diff_side__listed(side) < LISTED_LEAST)
		fprintf(out, "  its locks are %.0f%% of that (recorded without --top 0)",
			100 * diff_side__listed(side));
	fputc('\n', out);
}

static void print_total(FILE *out, const struct diff_row *total)
{
	double a = total->values[DIFF_A][FIGURE_LOAD].n, b = total->values[DIFF_B][FIGURE_LOAD].n;
	char change[CELL];

	change_cell(total, change, sizeof(change));
	fprintf(out, "change of load %s", change);
	if (a > 0)
		fprintf(out, ", %.2fx", b / a);
	fputs(total->noise.known ? diff_row__is_noise(total) ? " (no more than chance)\n" : "\n"
				 : " (one interval does not tell what is chance)\n",
	      out);
}

int diff_text__write(FILE *out, const struct diff *d, const struct options *o)
{
	size_t n = o->top ? MIN(d->n, (size_t)o->top) : d->n;

	for (int side = 0; side < DIFF_SIDES; side++)
		print_side(out, side == DIFF_A ? 'A' : 'B', d->sides[side], &d->total, side);
	print_total(out, &d->total);
	if (!n) {
		fputs("\nno thread waited for a lock\n", out);
	} else {
		fputc('\n', out);
		print_table(out, d, n);
	}
	if (n < d->n)
		fprintf(out, "... and %zu more (--top 0 shows all)\n", d->n - n);
	return ferror(out) ? -EIO : 0;
}
