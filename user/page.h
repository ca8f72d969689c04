/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of a lock's page. Each draws its lines from p->y on and moves p->y behind them; without
 * a canvas they are only counted.
 */
#ifndef PAGE_H
#define PAGE_H

#include "canvas.h"
#include "detail.h"
#include "view.h"

struct page {
	struct canvas *c; /* NULL: lines are only counted */
	int x, width;	  /* columns of the canvas to write in */
	int y;		  /* next line of the page */
	int top;	  /* line of the page on the first row */
	int row, rows;	  /* rows of the canvas that show the page */
};

/* The row of the canvas where the next line goes; -1: it is not in sight. */
static inline int page__row(const struct page *p)
{
	int row = p->y - p->top;

	return p->c && row >= 0 && row < p->rows ? p->row + row : -1;
}

/* A line in the style of column heads: a title, and a remark at the right if there is room. */
void page__heading(struct page *p, const char *title, const char *remark);
/* A line of words. */
void page__say(struct page *p, const char *text);
/* As many lines as it takes, broken at blanks, set in by indent columns. The text is clean. */
void page__wrapped(struct page *p, int indent, enum style style, const char *text);

void page_verdicts__draw(struct page *p, const struct snapshot *s, const struct view *v);
void page_facts__draw(struct page *p, const struct snapshot *s, const struct view *v);
void page_owner__draw(struct page *p, const struct snapshot *s, const struct view *v);
void page_waiters__draw(struct page *p, const struct snapshot *s, const struct view *v);
void page_holders__draw(struct page *p, const struct snapshot *s, const struct view *v);
void page_wakers__draw(struct page *p, const struct snapshot *s, const struct view *v);
void page_times__draw(struct page *p, const struct snapshot *s, const struct view *v);
void page_holds__draw(struct page *p, const struct snapshot *s, const struct view *v);
void page_inversions__draw(struct page *p, const struct snapshot *s, const struct view *v);
void page_threads__draw(struct page *p, const struct snapshot *s, const struct view *v);

#endif
