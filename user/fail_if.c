// SPDX-License-Identifier: GPL-2.0-only
#include "fail_if.h"

#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diff.h"
#include "text.h"
#include "util.h"

static const struct {
	const char *word, *help;
} counts[] = {
	[FAIL_IF_NEW] = { "new", "number of locks that A does not have" },
	[FAIL_IF_DEADLOCKS] = { "deadlocks", "number of deadlocks in B, the most at a time" },
};

static const struct {
	const char *name;
	double ns;
} durations[] = { { "ns", 1 }, { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 } };

static int wrong(const char *text, const char *what, char *error, size_t size)
{
	snprintf(error, size, "'%s': %s", text, what);
	return -EINVAL;
}

/* The word before the sign: the whole of it, or what follows the last colon. */
static bool find_what(struct fail_if *f, const char *word, size_t len)
{
	for (int i = 0; i < FIGURE_COUNT; i++) {
		if (strlen(diff_figures[i].word) == len &&
		    !strncmp(diff_figures[i].word, word, len)) {
			f->what = FAIL_IF_FIGURE;
			f->figure = i;
			return true;
		}
	}
	for (size_t i = FAIL_IF_NEW; i < ARRAY_SIZE(counts); i++) {
		if (strlen(counts[i].word) == len && !strncmp(counts[i].word, word, len) &&
		    !f->name_len) {
			f->what = i;
			return true;
		}
	}
	return false;
}

static bool is_duration(const struct fail_if *f)
{
	return f->what == FAIL_IF_FIGURE && diff_figures[f->figure].unit == UNIT_DURATION;
}

/* "1.2x", "0.5", "5ms": only durations have a unit, and need one. */
static bool find_limit(struct fail_if *f, const char *number)
{
	char *end;

	f->limit = strtod(number, &end);
	if (end == number || !isfinite(f->limit) || f->limit < 0)
		return false;
	f->ratio = !strcmp(end, "x");
	if (f->ratio)
		return f->what == FAIL_IF_FIGURE;
	if (!is_duration(f))
		return !*end;
	for (size_t i = 0; i < ARRAY_SIZE(durations); i++) {
		if (!strcmp(end, durations[i].name)) {
			f->limit *= durations[i].ns;
			return true;
		}
	}
	return false;
}

int fail_if__parse(const char *text, struct fail_if *ret, char *error, size_t size)
{
	struct fail_if f = { .text = text };
	const char *sign = NULL, *word = text;

	/* names may hold any of the signs: the last one counts */
	for (const char *c = text; *c; c++)
		if (*c == '>' || *c == '<')
			sign = c;
	if (!sign)
		return wrong(text, "no condition: it needs a > or a <", error, size);
	for (const char *c = text; c < sign; c++)
		if (*c == ':')
			word = c + 1;
	f.name_len = word > text ? (size_t)(word - text - 1) : 0;
	if (word > text && !f.name_len)
		return wrong(text, "the name before the colon is empty", error, size);
	f.less = *sign == '<';
	if (!find_what(&f, word, (size_t)(sign - word)))
		return wrong(text, "no such figure (locktop --help lists them)", error, size);
	if (!find_limit(&f, sign + 1))
		return wrong(
			text,
			is_duration(&f) ? "what follows the sign is neither a time (5ms) nor a "
					  "factor (1.2x)"
			: f.what == FAIL_IF_FIGURE
				? "what follows the sign is neither a number nor a factor (1.2x)"
				: "what follows the sign is no number",
			error, size);
	*ret = f;
	return 0;
}

bool fail_if__can_tell(const struct fail_if *f, const struct diff *d, char *error, size_t size)
{
	for (int side = f->ratio ? DIFF_A : DIFF_B; side < DIFF_SIDES; side++) {
		if (f->what != FAIL_IF_FIGURE || !diff_figures[f->figure].exact ||
		    d->sides[side]->exact_s > 0)
			continue;
		snprintf(error, size, "--fail-if '%s': %s was recorded without the exact tier (-x)",
			 f->text, d->sides[side]->path);
		return false;
	}
	return true;
}

static bool is_name(const struct fail_if *f, const char *name)
{
	_cleanup_(util__freep) char *wanted = strndup(f->text, f->name_len);

	return wanted && name && (!strcmp(wanted, name) || !fnmatch(wanted, name, 0));
}

static bool is_meant(const struct fail_if *f, const struct diff_row *row, double min_load)
{
	if (row->values[DIFF_A][FIGURE_LOAD].n < min_load &&
	    row->values[DIFF_B][FIGURE_LOAD].n < min_load)
		return false;
	return !f->name_len || is_name(f, row->name) || is_name(f, row->place);
}

/* By the factor: from nothing, anything is more than that. */
static bool is_beyond(const struct fail_if *f, const struct diff_row *row)
{
	const struct diff_value *a = &row->values[DIFF_A][f->figure];
	const struct diff_value *b = &row->values[DIFF_B][f->figure];
	double limit = f->ratio ? f->limit * a->n : f->limit;

	if (!b->known || (f->ratio && !a->known))
		return false;
	return f->less ? b->n < limit : b->n > limit;
}

static void say_row(const struct fail_if *f, const struct diff_row *row, size_t more, char *message,
		    size_t size)
{
	const struct diff_figure_row *figure = &diff_figures[f->figure];
	char label[200], comm[64], a[16], b[16], others[48] = "";

	diff_value__format(&row->values[DIFF_A][f->figure], f->figure, a, sizeof(a));
	diff_value__format(&row->values[DIFF_B][f->figure], f->figure, b, sizeof(b));
	if (more)
		snprintf(others, sizeof(others), ", and %zu more", more);
	snprintf(message, size, "%s: %s of %s %s (%s): %s -> %s%s%s", f->text, figure->word,
		 lock_kind_names[row->kind], diff_row__label(row, label, sizeof(label)),
		 text__clean(comm, sizeof(comm), row->comm ? row->comm : "?"), a, b,
		 f->figure == FIGURE_LOAD && diff_row__is_noise(row) ? " (may be chance)" : "",
		 others);
}

static bool check_figures(const struct fail_if *f, const struct diff *d, double min_load,
			  char *message, size_t size)
{
	const struct diff_row *first = NULL;
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++) {
		if (!is_meant(f, &d->rows[i], min_load) || !is_beyond(f, &d->rows[i]))
			continue;
		first = first ? first : &d->rows[i];
		n++;
	}
	if (first)
		say_row(f, first, n - 1, message, size);
	return first;
}

static bool check_new(const struct fail_if *f, const struct diff *d, double min_load, char *message,
		      size_t size)
{
	const struct diff_row *first = NULL;
	char label[200] = "none";
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++) {
		if (!diff_row__is_new(&d->rows[i]) || !is_meant(f, &d->rows[i], min_load))
			continue;
		first = first ? first : &d->rows[i];
		n++;
	}
	if (f->less ? (double)n >= f->limit : (double)n <= f->limit)
		return false;
	if (first)
		diff_row__label(first, label, sizeof(label));
	snprintf(message, size, "%s: %zu new lock%s: %s%s", f->text, n, n == 1 ? "" : "s", label,
		 n > 1 ? ", ..." : "");
	return true;
}

static bool check_deadlocks(const struct fail_if *f, const struct diff *d, char *message,
			    size_t size)
{
	size_t n = d->sides[DIFF_B]->deadlocks;

	if (f->less ? (double)n >= f->limit : (double)n <= f->limit)
		return false;
	snprintf(message, size, "%s: %zu deadlock%s in %s", f->text, n, n == 1 ? "" : "s",
		 d->sides[DIFF_B]->path);
	return true;
}

bool fail_if__check(const struct fail_if *f, const struct diff *d, double min_load, char *message,
		    size_t size)
{
	if (f->what == FAIL_IF_NEW)
		return check_new(f, d, min_load, message, size);
	if (f->what == FAIL_IF_DEADLOCKS)
		return check_deadlocks(f, d, message, size);
	return check_figures(f, d, min_load, message, size);
}

void fail_if__help(FILE *out)
{
	for (int i = 0; i < FIGURE_COUNT; i++)
		fprintf(out, "  %-26s %s\n", diff_figures[i].word, diff_figures[i].help);
	for (size_t i = FAIL_IF_NEW; i < ARRAY_SIZE(counts); i++)
		fprintf(out, "  %-26s %s\n", counts[i].word, counts[i].help);
}
