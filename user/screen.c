// SPDX-License-Identifier: GPL-2.0-only
#include "screen.h"

#include <string.h>

#include "prompt.h"
#include "text.h"
#include "text_page.h"

/* Below this height the header is one line, and below the next the bottom line goes. */
#define HEIGHT_FULL  10
#define HEIGHT_BAR   6
#define HEIGHT_ALARM 6 /* the alarm has a line beside the header */
#define HEIGHT_HEAD  4

const struct list_screen *screen__of(enum entity entity)
{
	static const struct list_screen *const screens[ENTITY_COUNT] = {
		[ENTITY_PROCESS] = &screen_processes,
		[ENTITY_LOCK] = &screen_locks,
		[ENTITY_THREAD] = &screen_threads,
	};

	return screens[entity];
}

static struct layout lay_out(const struct view *v, const struct snapshot *s, int height)
{
	const struct level *level = view__clevel(v);
	struct layout l = { .alarm = -1, .heads = -1, .bar = -1 };
	int end = height;

	l.header = height >= HEIGHT_FULL ? 4 : height >= 1 ? 1 : 0;
	if (v->recording && l.header == 4)
		l.chart_rows = screen_chart__rows(height);
	/* Where there is no room for both, a deadlock is what must be seen. */
	if (s && s->n_deadlocks && height >= 1) {
		l.alarm = l.top++;
		l.header = height >= HEIGHT_ALARM ? l.header : 0;
	} else if (s && s->n_inversions && height >= HEIGHT_ALARM) {
		l.alarm = l.top++;
	}
	l.chart_rows = l.header > 1 ? l.chart_rows : 0;
	l.chart = l.top + 3;
	l.header += l.chart_rows;
	l.list = l.block = l.top + l.header;
	if (s && level->forest && height >= HEIGHT_FULL)
		l.block_rows = screen_inversions__rows(s, (height - l.list) / 2);
	l.list += l.block_rows;
	if (height >= HEIGHT_HEAD && !level->detail && !level->text)
		l.heads = l.list++;
	if (height >= HEIGHT_BAR)
		l.bar = --end;
	l.list_rows = MAX(0, end - l.list);
	return l;
}

void screen__prepare(struct view *v, const struct snapshot *s, int width, int height)
{
	struct layout l = lay_out(v, s, height);

	if (view__clevel(v)->text)
		text_page__wrap(view__clevel(v)->text, width);
	view__update(v, s, l.list_rows);
	if (view__clevel(v)->detail)
		screen_lock__prepare(v, s, &l, width);
	if (v->mode == MODE_HELP) {
		/* The help takes the whole screen but the alarm and the bottom line. */
		v->page = MAX(1, height - 1 - l.top);
		v->help_top = MIN(v->help_top, screen_help__lines(v, width) - v->page);
		v->help_top = MAX(v->help_top, 0);
	}
}

/* The first of a binding's names. Returns its length. */
static int first_name(const struct binding *b, char *buf, size_t size)
{
	return snprintf(buf, size, "%.*s", (int)strcspn(b->names, " "), b->names);
}

static bool in_bar(const struct binding *b, const struct view *v)
{
	return b->bar && (b->modes & (1u << view__mode(v))) && keys__applies(b, v->recording);
}

static void draw_keys(const struct view *v, struct canvas *c, int y)
{
	int x = 0, all = 0, gap;
	char name[16];

	for (const struct binding *b = bindings; b->names; b++)
		if (in_bar(b, v))
			all += first_name(b, name, sizeof(name)) + 1 + strlen(b->bar) + 2;
	gap = all - 2 > c->width ? 1 : 2;
	for (const struct binding *b = bindings; b->names; b++) {
		int columns;

		if (!in_bar(b, v))
			continue;
		columns = first_name(b, name, sizeof(name));
		if (x + columns + 1 + (int)strlen(b->bar) > c->width)
			return;
		canvas__text(c, x, y, -1, STYLE_KEY, name);
		x += columns + 1;
		x += canvas__text(c, x, y, -1, STYLE_DIM, b->bar) + gap;
	}
}

/* What is typed now must be seen: where the label leaves little room it goes, then the beginning.
 */
static void draw_prompt(const struct view *v, struct canvas *c, int y)
{
	const char *label = prompt__label(v), *text = v->input;
	int x = 0;

	if (2 * text__columns(label) < c->width)
		x = canvas__printf(c, 0, y, -1, STYLE_LABEL, "%s: ", label);
	if (x + text__columns(text) >= c->width) {
		x += canvas__text(c, x, y, -1, STYLE_DIM, "<");
		while (*text && x + text__columns(text) >= c->width)
			do
				text++;
			while (((unsigned char)*text & 0xc0) == 0x80);
	}
	x += canvas__text(c, x, y, -1, STYLE_VALUE, text);
	canvas__style(c, MIN(x, c->width - 1), y, 1, STYLE_SELECTED);
	if (v->message[0])
		canvas__printf(c, x + 2, y, -1, v->alarm ? STYLE_ALARM : STYLE_NORMAL, "%s",
			       v->message);
}

/* What must be seen takes the last line even where no room is left for a bottom line. */
static void draw_bar(const struct view *v, const struct layout *l, struct canvas *c)
{
	int y = l->bar >= 0 ? l->bar : c->height - 1;

	if (v->mode != MODE_PROMPT && !v->message[0] && l->bar < 0)
		return;
	canvas__printf(c, 0, y, -1, STYLE_NORMAL, "%*s", c->width, "");
	if (v->mode == MODE_PROMPT)
		draw_prompt(v, c, y);
	else if (v->message[0])
		canvas__text(c, 0, y, -1, v->alarm ? STYLE_ALARM : STYLE_VALUE, v->message);
	else
		draw_keys(v, c, y);
}

static void draw_graph(const struct snapshot *s, const struct view *v, const struct layout *l,
		       struct canvas *c)
{
	if (l->block_rows)
		screen_inversions__draw(s, v, l, c);
	screen_graph__draw(s, v, l, c);
}

static void draw_place(const struct snapshot *s, const struct view *v, const struct layout *l,
		       struct canvas *c)
{
	if (v->mode == MODE_HELP) {
		screen_help__draw(v, l, c);
		return;
	}
	if (view__clevel(v)->detail)
		screen_lock__draw(s, v, l, c);
	else if (view__clevel(v)->forest)
		draw_graph(s, v, l, c);
	else if (view__clevel(v)->text)
		screen_text__draw(v, l, c);
	else
		screen_list__draw(s, v, l, c);
	if (v->mode == MODE_SORT || v->mode == MODE_EXPORT)
		screen_menu__draw(v, l, c);
}

void screen__draw(const struct snapshot *s, const struct view *v, struct canvas *c)
{
	struct layout l = lay_out(v, s, c->height);

	canvas__clear(c);
	if (l.alarm >= 0)
		screen_alarm__draw(s, v, c, l.alarm);
	if (v->mode != MODE_HELP)
		screen_header__draw(s, v, &l, c);
	draw_place(s, v, &l, c);
	draw_bar(v, &l, c);
}
