// SPDX-License-Identifier: GPL-2.0-only
/* A recording's load over time, above the list, with the interval that is on screen. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "recording.h"
#include "screen.h"
#include "text.h"

#define LEVELS	    8 /* of a row */
#define LABEL_WIDTH 6
#define TIME_WIDTH  8

/* A column of the chart: one interval or more, at their highest. */
struct column {
	size_t first, end; /* intervals */
	double load;
	bool lossy;
};

static int chart_width(const struct canvas *c)
{
	return MAX(c->width - LABEL_WIDTH, 1);
}

static struct column column_at(const struct timeline *t, int x, int width)
{
	struct column column = { .first = t->n * x / width, .end = t->n * (x + 1) / width };

	column.end = MAX(column.end, column.first + 1);
	for (size_t i = column.first; i < column.end; i++) {
		column.load = fmax(column.load, t->items[i].load);
		column.lossy |= t->items[i].lossy;
	}
	return column;
}

static double peak_of(const struct timeline *t)
{
	double peak = 0;

	for (size_t i = 0; i < t->n; i++)
		peak = fmax(peak, t->items[i].load);
	return peak;
}

static const char *cell(int level, bool utf8)
{
	static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const ascii[] = { " ", "_", ".", ":", "-", "=", "+", "*", "#" };

	level = MAX(0, MIN(level, LEVELS));
	return utf8 ? blocks[level] : ascii[level];
}

/* The interval on screen, or those whose sum is. */
static bool is_shown(const struct recording *r, const struct column *column)
{
	size_t first = r->summed ? r->first : r->at;

	return column->first <= r->at && column->end > first;
}

static void draw_bars(const struct view *v, const struct layout *l, int rows, struct canvas *c)
{
	const struct recording *r = v->recording;
	double peak = peak_of(&r->timeline);
	int width = chart_width(c);

	for (int x = 0; x < width; x++) {
		struct column column = column_at(&r->timeline, x, width);
		int level = peak > 0 ? (int)(column.load / peak * (rows * LEVELS) + 0.5) : 0;

		level = column.load > 0 ? MAX(level, 1) : 0;
		for (int row = 0; row < rows; row++) {
			int y = l->chart + rows - 1 - row;

			canvas__text(c, LABEL_WIDTH + x, y, 1, STYLE_BAR,
				     cell(level - row * LEVELS, v->utf8));
			if (is_shown(r, &column))
				canvas__style(c, LABEL_WIDTH + x, y, 1, STYLE_SELECTED);
		}
	}
}

static void clock_text(char *buf, size_t size, uint64_t ns)
{
	time_t seconds = ns / NSEC_PER_SEC;
	struct tm tm;

	if (!localtime_r(&seconds, &tm) || !strftime(buf, size, "%T", &tm))
		snprintf(buf, size, "?");
}

/* Where one is, the mark, and where something was lost. */
static void draw_marks(const struct view *v, int y, struct canvas *c)
{
	const struct recording *r = v->recording;
	int width = chart_width(c);

	for (int x = 0; x < width; x++) {
		struct column column = column_at(&r->timeline, x, width);

		if (r->marked && r->mark >= column.first && r->mark < column.end)
			canvas__text(c, LABEL_WIDTH + x, y, 1, STYLE_KEY, "m");
		else if (is_shown(r, &column))
			canvas__text(c, LABEL_WIDTH + x, y, 1, STYLE_VALUE, v->utf8 ? "▲" : "^");
		else if (column.lossy)
			canvas__text(c, LABEL_WIDTH + x, y, 1, STYLE_ALARM, "!");
	}
}

/* Begin and end, where no mark has to stand. */
static void draw_clocks(const struct view *v, int y, struct canvas *c)
{
	const struct recording *r = v->recording;
	const struct timeline *t = &r->timeline;
	int width = chart_width(c);
	struct column first, last;
	char text[16];

	if (width < 4 * TIME_WIDTH)
		return;
	first = column_at(t, TIME_WIDTH, width);
	last = column_at(t, width - TIME_WIDTH - 1, width);
	clock_text(text, sizeof(text), t->items[0].begin_ns);
	if ((r->summed ? r->first : r->at) >= first.first)
		canvas__text(c, LABEL_WIDTH, y, -1, STYLE_DIM, text);
	clock_text(text, sizeof(text), t->items[t->n - 1].end_ns);
	if (r->at < last.end)
		canvas__right(c, c->width - TIME_WIDTH, y, TIME_WIDTH, STYLE_DIM, text);
}

static void draw_axis(const struct view *v, int y, struct canvas *c)
{
	for (int x = LABEL_WIDTH; x < c->width; x++)
		canvas__text(c, x, y, 1, STYLE_DIM, v->utf8 ? "─" : "-");
	draw_clocks(v, y, c);
	draw_marks(v, y, c);
}

int screen_chart__rows(int height)
{
	return height >= 40 ? 5 : height >= 24 ? 3 : height >= 16 ? 2 : 0;
}

void screen_chart__draw(const struct view *v, const struct layout *l, struct canvas *c)
{
	int rows = l->chart_rows - 1;
	char peak[16];

	text__load(peak, sizeof(peak), peak_of(&v->recording->timeline));
	canvas__right(c, 0, l->chart, LABEL_WIDTH - 1, STYLE_DIM, peak);
	draw_bars(v, l, rows, c);
	draw_axis(v, l->chart + rows, c);
}
