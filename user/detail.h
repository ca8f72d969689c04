/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A lock's page: what is shown of one lock, and which of its lines is on top. The page is longer
 * than the screen. Lines above the part that is being read may come and go; that part stands.
 */
#ifndef DETAIL_H
#define DETAIL_H

#include "model.h"
#include "site_tree.h"

#define DETAIL_PARTS 12

struct detail {
	const struct lock *lock;	     /* NULL: nobody waited for it in this interval */
	struct site_tree *trees[ROLE_COUNT]; /* NULL without a lock */
	/* buckets used since the page was opened, by waits and by holds; low > high: none */
	struct hist_range {
		int low, high;
	} waits, holds;

	/* From the layout: lines of the page, rows of the screen for it, where its parts begin. */
	int lines, rows;
	int starts[DETAIL_PARTS];
	int n_parts;
	int top;	  /* line on the first row */
	int part, offset; /* the same, from the start of the part that is being read */
};

struct detail *detail__new(void);
void detail__free(struct detail *d);

/* Follows a new snapshot (lock NULL: not in it). keep: branches keep their order. */
void detail__update(struct detail *d, const struct lock *lock, bool keep);

/* Puts the part that is being read where it was; call it when lines, rows and starts are known. */
void detail__settle(struct detail *d);

/* Brings line top, or the nearest that can be, to the first row. */
void detail__scroll(struct detail *d, long top);

/* The line where the next (1) or previous (-1) part begins; after the last comes the first. */
int detail__part(const struct detail *d, int by);

#endif
