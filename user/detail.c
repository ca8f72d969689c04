// SPDX-License-Identifier: GPL-2.0-only
#include "detail.h"

#include <stdlib.h>

#include "util.h"

struct detail *detail__new(void)
{
	struct detail *d = xcalloc(1, sizeof(*d));

	d->waits = d->holds = (struct hist_range){ HIST_BUCKETS, -1 };
	return d;
}

void detail__free(struct detail *d)
{
	if (!d)
		return;
	for (int role = 0; role < ROLE_COUNT; role++)
		site_tree__free(d->trees[role]);
	free(d);
}

static void widen(struct hist_range *range, const uint32_t *hist)
{
	for (int i = 0; i < HIST_BUCKETS; i++) {
		if (!hist[i])
			continue;
		range->low = MIN(range->low, i);
		range->high = MAX(range->high, i);
	}
}

void detail__update(struct detail *d, const struct lock *lock, bool keep)
{
	/* Without the lock the trees stay for their order; nothing else in them is valid. */
	d->lock = lock;
	if (!lock)
		return;
	for (int role = 0; role < ROLE_COUNT; role++) {
		struct site_tree *earlier = d->trees[role];

		d->trees[role] = site_tree__new(lock, role, keep ? earlier : NULL);
		site_tree__free(earlier);
	}
	widen(&d->waits, lock->hist);
	widen(&d->holds, lock->hold_hist);
}

static int last_top(const struct detail *d)
{
	return MAX(0, d->lines - d->rows);
}

void detail__settle(struct detail *d)
{
	int part = MIN(d->part, MAX(d->n_parts - 1, 0));

	d->top = MAX(0, MIN(d->starts[part] + d->offset, last_top(d)));
}

void detail__scroll(struct detail *d, long top)
{
	d->top = MAX(0, MIN(top, (long)last_top(d)));
	d->part = 0;
	for (int i = 0; i < d->n_parts; i++)
		if (d->starts[i] <= d->top && d->starts[i] >= d->starts[d->part])
			d->part = i;
	d->offset = d->top - d->starts[d->part];
}

int detail__part(const struct detail *d, int by)
{
	int next = -1, edge = 0;

	/* Parts may stand side by side: their lines decide, not their order. */
	for (int i = 0; i < d->n_parts; i++) {
		int start = MIN(d->starts[i], last_top(d));

		if (by > 0 ? start > d->top && (next < 0 || start < next)
			   : start < d->top && start > next)
			next = start;
		edge = MAX(edge, start);
	}
	if (next >= 0)
		return next;
	return by > 0 ? 0 : edge;
}
