// SPDX-License-Identifier: GPL-2.0-only
/* The threads that waited for a lock, in the order of the list of threads. */
#include <stdio.h>

#include "page.h"
#include "text.h"

static uint64_t wait_of(const struct thread *t)
{
	return t->wait_ns + t->idle_wait_ns; /* the one or the other: a lock has one class */
}

static void format(const char *key, const struct thread *t, const struct view *v, char *buf,
		   size_t size)
{
	field__format(fields__find(ENTITY_THREAD, key), t, v->interval_ns, buf, size);
}

static void draw_heads(struct page *p, size_t n)
{
	char remark[32], count[16];

	text__count(count, sizeof(count), n);
	snprintf(remark, sizeof(remark), "%s %s", count, n == 1 ? "thread" : "threads");
	page__heading(p, "    TID SHARE  WAIT SLEEP/s    AGE COMMAND", remark);
}

static void draw_row(const struct thread *t, uint64_t all, struct page *p, const struct view *v)
{
	int row = page__row(p), x = p->x, end = p->x + p->width;
	char tid[16], share[16], load[16], sleeps[16], age[16] = "-", text[96], name[64];
	enum style style =
		t->waiting_for == view__clevel(v)->detail->lock ? STYLE_VALUE : STYLE_NORMAL;

	if (row < 0)
		return;
	format("tid", t, v, tid, sizeof(tid));
	format("sleeps", t, v, sleeps, sizeof(sleeps));
	text__percent(share, sizeof(share), all ? (double)wait_of(t) / all : 0);
	text__load(load, sizeof(load), v->interval_ns ? (double)wait_of(t) / v->interval_ns : 0);
	if (t->waiting_for == view__clevel(v)->detail->lock)
		format("waiting_ns", t, v, age, sizeof(age));
	snprintf(text, sizeof(text), "%7s %5s %5s %7s %6s ", tid, share, load, sleeps, age);
	x += canvas__text(p->c, x, row, p->width, style, text);
	format("label", t, v, name, sizeof(name));
	if (x < end)
		canvas__text(p->c, x, row, end - x, style, name);
}

void page_threads__draw(struct page *p, const struct snapshot *s, const struct view *v)
{
	const struct detail *d = view__clevel(v)->detail;
	uint64_t all = 0;

	(void)s;
	if (!d->lock)
		return;
	draw_heads(p, v->n_rows);
	for (size_t i = 0; i < v->n_rows; i++)
		all += wait_of(v->rows[i]);
	/* There can be ten thousand, of which a screen shows a few. */
	for (size_t i = 0; p->c && i < v->n_rows; i++, p->y++)
		draw_row(v->rows[i], all, p, v);
	if (!p->c)
		p->y += v->n_rows;
}
