// SPDX-License-Identifier: GPL-2.0-only
/* The stacks of a lock as trees: the caller of the lock function first, its callers below. */
#include <stdio.h>
#include <string.h>

#include "doing.h"
#include "guides.h"
#include "page.h"
#include "shorten.h"
#include "text.h"

#define SHARE_WIDTH 4 /* 100% */
#define WAIT_WIDTH  6
#define NAME_LEAST  20 /* columns of a function that a source line leaves it */
#define PLACE_LEAST 14 /* and those of a place that a function leaves it */

static void place_text(const struct frame *f, char *buf, size_t size)
{
	const char *slash = f->module ? strrchr(f->module, '/') : NULL;
	const char *module = slash ? slash + 1 : f->module;

	if (f->file && f->line)
		snprintf(buf, size, "%s:%d", f->file, f->line);
	else if (module)
		snprintf(buf, size, "%s+0x%llx", module, (unsigned long long)f->offset);
	else
		snprintf(buf, size, "0x%llx", (unsigned long long)f->offset);
}

/*
 * A source line is short and says most: there it is the function that is cut. An address is for
 * tools: there it is the module.
 */
static void draw_frame(const struct frame *f, struct canvas *c, int x, int row, int room,
		       const struct view *v, enum style style)
{
	char text[512], place[512], name[VIEW_TEXT];
	int wanted, used;

	place_text(f, text, sizeof(text));
	if (!f->function) {
		shorten__place(place, sizeof(place), text, room, v->utf8);
		canvas__text(c, x, row, room, style, place);
		return;
	}
	wanted = f->file && f->line ? MIN(text__columns(f->function), NAME_LEAST)
				    : text__columns(f->function);
	shorten__place(place, sizeof(place), text, MAX(room - wanted - 2, PLACE_LEAST), v->utf8);
	used = MAX(room - text__columns(place) - 2, 4);
	shorten__function(name, sizeof(name), f->function, used, v->utf8);
	used = canvas__text(c, x, row, room, style, name) + 2;
	if (used < room)
		canvas__text(c, x + used, row, room - used, STYLE_DIM, place);
}

static void draw_same(const struct tree_line *line, struct canvas *c, int x, int row, int room,
		      const struct view *v)
{
	char remark[48], place[512], name[VIEW_TEXT];
	int used;

	snprintf(remark, sizeof(remark), "(%zu more, as above)", line->frames - 1);
	used = text__columns(remark) + 1;
	place_text(line->frame, place, sizeof(place));
	shorten__function(name, sizeof(name), line->frame->function ? line->frame->function : place,
			  MAX(room - used, 4), v->utf8);
	x += canvas__text(c, x, row, room, STYLE_DIM, name) + 1;
	canvas__text(c, x, row, MIN(room, used), STYLE_DIM, remark);
}

/* Who holds a lock is charged with hold in the exact tier, and with its waiters' wait without. */
static bool is_hold(const struct lock *lock, enum site_role role)
{
	return role == ROLE_HOLDER && lock->exact;
}

static void amount_text(char *buf, size_t size, const struct tree_line *line,
			const struct lock *lock, enum site_role role, const struct view *v)
{
	char text[16];

	if (!is_hold(lock, role)) {
		text__duration(buf, size, line->wait_ns);
		return;
	}
	text__duration(text, sizeof(text), line->share * lock->hold_ns);
	snprintf(buf, size, "%s%s", v->scaled ? "~" : "", lock->hold_known ? text : "?");
}

static void draw_line(const struct tree_line *line, enum site_role role, struct page *p,
		      const struct view *v)
{
	int row = page__row(p), x = p->x, end = p->x + p->width;
	enum style style = line->head ? STYLE_VALUE : STYLE_NORMAL;
	const struct guides guides = { line->depth, line->guides, line->head, line->last };
	char text[32];

	p->y++;
	if (row < 0)
		return;
	text__percent(text, sizeof(text), line->share);
	if (line->head)
		canvas__right(p->c, x, row, MIN(SHARE_WIDTH, p->width), style, text);
	x += SHARE_WIDTH + 1;
	amount_text(text, sizeof(text), line, view__clevel(v)->detail->lock, role, v);
	if (line->head && x + WAIT_WIDTH <= end)
		canvas__right(p->c, x, row, WAIT_WIDTH, STYLE_NORMAL, text);
	x += WAIT_WIDTH + 2;
	if (x >= end)
		return;
	x += guides__draw(p->c, x, row, end - x, &guides, v->utf8);
	if (line->mark == TREE_FRAME)
		draw_frame(line->frame, p->c, x, row, end - x, v, style);
	else if (line->mark == TREE_SAME)
		draw_same(line, p->c, x, row, end - x, v);
	else if (line->mark == TREE_TRUNCATED)
		canvas__text(p->c, x, row, end - x, STYLE_WARM, "[truncated]");
	else
		canvas__printf(p->c, x, row, end - x, STYLE_DIM, "%zu stacks more", line->sites);
}

static void draw_tree(struct page *p, const struct view *v, enum site_role role, const char *title)
{
	const struct detail *d = view__clevel(v)->detail;
	const struct site_tree *t = d->lock ? d->trees[role] : NULL;
	char remark[96];
	int count;

	if (!t)
		return;
	count = snprintf(remark, sizeof(remark), "%zu %s, ", t->n_sites,
			 t->n_sites == 1 ? "stack" : "stacks");
	if (t->samples)
		snprintf(remark + count, sizeof(remark) - count, "%llu sampled",
			 (unsigned long long)t->samples);
	else
		snprintf(remark + count, sizeof(remark) - count, "sampled earlier");
	page__heading(p, title, t->n_sites ? remark : "");
	if (!t->n_sites)
		page__say(p, "no stack sampled yet");
	for (size_t i = 0; i < t->n_lines; i++)
		draw_line(&t->lines[i], role, p, v);
}

void page_waiters__draw(struct page *p, const struct snapshot *s, const struct view *v)
{
	(void)s;
	draw_tree(p, v, ROLE_WAITER, "WAITS HERE, CALLED FROM");
}

void page_wakers__draw(struct page *p, const struct snapshot *s, const struct view *v)
{
	const struct detail *d = view__clevel(v)->detail;

	(void)s;
	draw_tree(p, v, ROLE_WAKER,
		  d->lock && doing__has_owner(d->lock->kind) ? "LET GO BY THIS UNLOCK, CALLED FROM"
							     : "LET GO BY THIS CALL, CALLED FROM");
}

/* Holders are known to some kinds of lock only: without one there is nothing to say. */
void page_holders__draw(struct page *p, const struct snapshot *s, const struct view *v)
{
	const struct detail *d = view__clevel(v)->detail;

	(void)s;
	if (d->lock && d->trees[ROLE_HOLDER]->n_sites)
		draw_tree(p, v, ROLE_HOLDER,
			  is_hold(d->lock, ROLE_HOLDER) ? "HELD BY, TAKEN FROM (share of hold time)"
							: "HELD BY, CALLED FROM");
}
