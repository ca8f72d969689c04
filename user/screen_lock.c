// SPDX-License-Identifier: GPL-2.0-only
/*
 * All about one lock, on one page: what is wrong, figures, who holds it, who waits where, who lets
 * go, how long, which threads.
 */
#include "screen.h"

#include <stdio.h>
#include <string.h>

#include "page.h"
#include "text.h"

/* From this width on the page has two columns; the right one is for what is narrow. */
#define WIDTH_BESIDE 110
#define RIGHT_LEAST  46
#define RIGHT_MOST   80
#define GAP	     2

static const struct part {
	void (*draw)(struct page *p, const struct snapshot *s, const struct view *v);
	enum { ACROSS, LEFT, RIGHT } place;
	bool set_off; /* a blank line above it, but not at the top */
} parts[] = {
	{ page_verdicts__draw, ACROSS, true }, { page_facts__draw, ACROSS, true },
	{ page_owner__draw, LEFT, true },      { page_waiters__draw, LEFT, true },
	{ page_holders__draw, LEFT, true },    { page_wakers__draw, LEFT, true },
	{ page_inversions__draw, LEFT, true }, { page_times__draw, RIGHT, true },
	{ page_holds__draw, RIGHT, true },     { page_threads__draw, RIGHT, true },
};

void page__heading(struct page *p, const char *title, const char *remark)
{
	int row = page__row(p), room = p->width - text__columns(title) - 2;

	p->y++;
	if (row < 0)
		return;
	canvas__style(p->c, p->x, row, p->width, STYLE_TITLE);
	canvas__text(p->c, p->x, row, p->width, STYLE_TITLE, title);
	if (text__columns(remark) <= room)
		canvas__right(p->c, p->x + p->width - room, row, room, STYLE_TITLE, remark);
}

void page__say(struct page *p, const char *text)
{
	int row = page__row(p);

	p->y++;
	if (row >= 0)
		canvas__text(p->c, p->x, row, p->width, STYLE_DIM, text);
}

void page__wrapped(struct page *p, int indent, enum style style, const char *text)
{
	int room = MAX(p->width - indent, 8);

	while (*text) {
		size_t n = text__prefix(text, room), cut = n;
		int row = page__row(p);

		while (text[n] && cut > 0 && text[cut] != ' ')
			cut--;
		/* A word that is wider than the page is cut; what cannot be shown at all ends it.
		 */
		n = cut ? cut : n;
		if (!n)
			return;
		if (row >= 0)
			canvas__printf(p->c, p->x + indent, row, MAX(p->width - indent, 0), style,
				       "%.*s", (int)n, text);
		p->y++;
		text += n;
		text += strspn(text, " ");
	}
}

/* Where a part stands: its column of the page, and the line that the column has come to. */
static struct page *column_of(const struct part *part, struct page columns[2], bool beside)
{
	struct page *left = &columns[0], *right = &columns[1];

	return beside && part->place == RIGHT ? right : left;
}

/* Returns the lines of the page. starts: of each part; NULL: they are known. */
static int lay_out(struct page whole, const struct snapshot *s, const struct view *v, int *starts)
{
	bool beside = whole.width >= WIDTH_BESIDE;
	struct page columns[2] = { whole, whole };
	int right = MAX(RIGHT_LEAST, MIN(whole.width * 2 / 5, RIGHT_MOST));

	columns[1].x = whole.x + whole.width - right;
	columns[1].width = right;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		struct page *p = column_of(&parts[i], columns, beside);
		int before = p->y, set_off = parts[i].set_off && p->y > 0;

		if (p == &columns[0])
			p->width = whole.width -
				   (beside && parts[i].place != ACROSS ? right + GAP : 0);
		p->y += set_off;
		if (starts)
			starts[i] = p->y;
		parts[i].draw(p, s, v);
		if (p->y == before + set_off) /* nothing to say */
			p->y = before;
		if (parts[i].place == ACROSS)
			columns[1].y = p->y;
	}
	return beside ? MAX(columns[0].y, columns[1].y) : columns[0].y;
}

void screen_lock__prepare(struct view *v, const struct snapshot *s, const struct layout *l,
			  int width)
{
	struct detail *d = view__level(v)->detail;
	struct page page = { .width = width };

	_Static_assert(ARRAY_SIZE(parts) <= DETAIL_PARTS, "a part has no place");
	d->n_parts = ARRAY_SIZE(parts);
	d->rows = l->list_rows;
	d->lines = lay_out(page, s, v, d->starts);
	v->page = MAX(1, d->rows - 1); /* a line of the last page stays in sight */
	detail__settle(d);
}

void screen_lock__draw(const struct snapshot *s, const struct view *v, const struct layout *l,
		       struct canvas *c)
{
	const struct detail *d = view__clevel(v)->detail;
	struct page page = { .c = c, .width = c->width, .top = d->top };

	page.row = l->list;
	page.rows = l->list_rows;
	lay_out(page, s, v, NULL);
}

int screen_lock__status(const struct view *v, char *buf, size_t size)
{
	const struct detail *d = view__clevel(v)->detail;

	if (d->lines <= d->rows)
		return snprintf(buf, size, "all of it");
	return snprintf(buf, size, "lines %d-%d of %d", d->top + 1, d->top + d->rows, d->lines);
}
