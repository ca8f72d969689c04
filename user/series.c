// SPDX-License-Identifier: GPL-2.0-only
#include "series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

#define HALF_LIFE_NS (600 * NSEC_PER_SEC)  /* of what a row weighs */
#define FORGET_NS    (3600 * NSEC_PER_SEC) /* a row without a figure for so long goes */
#define STAY	     1.5 /* who has a row keeps it until another weighs so much more */

void series__init(struct series_table *t, size_t max, size_t top,
		  const char *const others[CLASS_COUNT])
{
	*t = (struct series_table){ .max = max, .top = top && top < max ? top : max };
	for (int c = 0; c < CLASS_COUNT; c++) {
		t->others[c].labels = xstrdup(others[c]);
		t->others[c].class = c;
	}
}

static void forget(struct series_table *t, struct series *row)
{
	HASH_DELETE(hh, t->rows, row);
	free(row->labels);
	free(row);
}

void series__done(struct series_table *t)
{
	struct series *row, *next;

	HASH_ITER (hh, t->rows, row, next)
		forget(t, row);
	for (int c = 0; c < CLASS_COUNT; c++)
		free(t->others[c].labels);
	free(t->ordered);
}

static void calm(struct figures *f)
{
	f->waiting = 0;
	f->oldest_ns = 0;
}

void series__begin(struct series_table *t, uint64_t interval_ns)
{
	double left = exp2(-(double)interval_ns / HALF_LIFE_NS);
	struct series *row, *next;

	t->clock_ns = series__sum(t->clock_ns, interval_ns);
	HASH_ITER (hh, t->rows, row, next) {
		row->score *= left;
		calm(&row->own);
		calm(&row->fresh);
	}
	for (int c = 0; c < CLASS_COUNT; c++) {
		calm(&t->others[c].own);
		calm(&t->others[c].fresh);
	}
}

static void add(struct figures *to, const struct figures *from)
{
	for (int i = 0; i < COUNTERS; i++)
		to->n[i] = series__sum(to->n[i], from->n[i]);
	to->known |= from->known;
	to->waiting = series__sum(to->waiting, from->waiting);
	to->oldest_ns = MAX(to->oldest_ns, from->oldest_ns);
}

void series__add(struct series_table *t, const char *labels, enum lock_class class,
		 const struct figures *figures, uint64_t weight)
{
	struct series *row;

	HASH_FIND_STR(t->rows, labels, row);
	/* a row that is called as the others' row is would stand there twice */
	if (!row && HASH_COUNT(t->rows) < t->max && strcmp(labels, t->others[class].labels)) {
		row = xcalloc(1, sizeof(*row));
		row->labels = xstrdup(labels);
		row->class = class;
		HASH_ADD_KEYPTR(hh, t->rows, row->labels, strlen(row->labels), row);
	}
	if (!row)
		row = &t->others[class];
	add(&row->fresh, figures);
	row->score += weight;
	row->seen_ns = t->clock_ns;
}

/* What came since last time becomes the row's own. */
static void take(struct series *row, struct figures *fresh)
{
	add(&row->own, fresh);
	memset(fresh, 0, sizeof(*fresh));
}

static int heavier(const void *a, const void *b)
{
	const struct series *x = *(struct series *const *)a, *y = *(struct series *const *)b;
	double left = x->score * (x->shown ? STAY : 1), right = y->score * (y->shown ? STAY : 1);

	if (left != right)
		return left > right ? -1 : 1;
	return strcmp(x->labels, y->labels);
}

static int by_labels(const void *a, const void *b)
{
	return strcmp((*(struct series *const *)a)->labels, (*(struct series *const *)b)->labels);
}

void series__settle(struct series_table *t)
{
	struct series *row, *next, **rows;
	size_t n = 0;

	HASH_ITER (hh, t->rows, row, next)
		if (t->clock_ns - row->seen_ns > FORGET_NS) {
			take(&t->others[row->class], &row->fresh);
			forget(t, row);
		}
	rows = xcalloc(HASH_COUNT(t->rows), sizeof(struct series *));
	HASH_ITER (hh, t->rows, row, next)
		rows[n++] = row;
	qsort(rows, n, sizeof(struct series *), heavier);
	for (size_t i = 0; i < n; i++) {
		rows[i]->shown = i < t->top;
		take(rows[i]->shown ? rows[i] : &t->others[rows[i]->class], &rows[i]->fresh);
	}
	for (int c = 0; c < CLASS_COUNT; c++)
		take(&t->others[c], &t->others[c].fresh);
	n = MIN(n, t->top);
	qsort(rows, n, sizeof(struct series *), by_labels);
	free(t->ordered);
	t->ordered = rows;
	t->n_ordered = n;
}
