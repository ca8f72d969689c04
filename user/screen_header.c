// SPDX-License-Identifier: GPL-2.0-only
/* The lines above the list: what the machine loses now, what locktop itself costs, where one is. */
#include "screen.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "recording.h"
#include "text.h"

#define SPARK_LEVELS 8
#define SPARK_LEAST  6 /* columns below which a history says nothing */
#define SPARK_MOST   120
#define WIDTH_WIDE   100 /* from here on there is room for details */
#define WIDTH_NARROW 70

/* A line being filled from the left; figures that do not fit are left out whole. */
struct line {
	struct canvas *c;
	int x, y, end;
};

static void put(struct line *line, const char *label, enum style style, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void put(struct line *line, const char *label, enum style style, const char *format, ...)
{
	char value[256], clean[256];
	int blank = label[0] != 0, columns;
	va_list args;

	va_start(args, format);
	vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	text__clean(clean, sizeof(clean), value);
	columns = text__columns(label) + blank + text__columns(clean);
	/* The first figure stands even if it must be cut. */
	if (line->x > 0 && line->x + columns > line->end)
		return;
	line->x += canvas__text(line->c, line->x, line->y, line->end - line->x, STYLE_LABEL, label);
	line->x += blank;
	line->x += canvas__text(line->c, line->x, line->y, line->end - line->x, style, clean);
	line->x += 2;
}

static const char *load_text(char *buf, size_t size, uint64_t ns, uint64_t interval_ns)
{
	text__load(buf, size, interval_ns ? (double)ns / interval_ns : 0);
	return buf;
}

static const char *count_text(char *buf, size_t size, double n)
{
	text__count(buf, size, n);
	return buf;
}

/* Integers only: the locale's decimal comma stays out. */
static const char *percent_text(char *buf, size_t size, uint64_t ns, uint64_t interval_ns)
{
	uint64_t permille = interval_ns ? (ns * 1000 + interval_ns / 2) / interval_ns : 0;

	if (permille < 100)
		snprintf(buf, size, "%u.%u%%", (unsigned int)permille / 10,
			 (unsigned int)permille % 10);
	else
		snprintf(buf, size, "%u%%", (unsigned int)MIN(permille / 10, 99999));
	return buf;
}

static void put_losses(struct line *line, const struct snapshot *s)
{
#define X(name, key, help) [LOSS_##name] = key,
	static const char *const keys[LOSS_COUNT] = { LOCKTOP_LOSSES(X) };
#undef X
	uint64_t total = snapshot__losses(s);
	char all[16], most[16];
	int largest = 0;

	if (!total) {
		put(line, "Lost", STYLE_VALUE, "0");
		return;
	}
	for (int i = 1; i < LOSS_COUNT; i++)
		if (s->losses[i] > s->losses[largest])
			largest = i;
	put(line, "Lost", STYLE_ALARM, "%s (%s %s)", count_text(all, sizeof(all), total),
	    keys[largest], count_text(most, sizeof(most), s->losses[largest]));
}

static void put_idle(struct line *line, const struct snapshot *s)
{
	char load[16], n[16];

	put(line, "Idle", STYLE_VALUE,
	    line->end < WIDTH_NARROW ? "%s (%s now)" : "%s (%s threads now)",
	    load_text(load, sizeof(load), s->idle.wait_ns, s->interval_ns),
	    count_text(n, sizeof(n), s->idle.waiting));
}

static void put_load(struct line *line, const struct snapshot *s)
{
	char text[16];

	put(line, "Load", STYLE_VALUE, "%s",
	    load_text(text, sizeof(text), s->totals.wait_ns, s->interval_ns));
	put(line, "Waiting", STYLE_VALUE, "%s now",
	    count_text(text, sizeof(text), s->totals.waiting));
}

static void interval_text(char *buf, size_t size, uint64_t ns)
{
	uint64_t ms = (ns + 500000) / 1000000;

	if (ms % 1000 == 0)
		snprintf(buf, size, "%llus", (unsigned long long)ms / 1000);
	else
		snprintf(buf, size, "%llu.%02us", (unsigned long long)ms / 1000,
			 (unsigned int)(ms % 1000) / 10);
}

/* From the right edge to the left, as it is written; what is left of the line is the caller's. */
static void put_marker(struct line *line, enum style style, const char *format, const char *text)
{
	char marker[160], clean[160];
	int room = line->end - line->x, columns;

	snprintf(marker, sizeof(marker), format, text);
	columns = MIN(text__columns(text__clean(clean, sizeof(clean), marker)), room);
	canvas__text(line->c, line->end - columns, line->y, columns, style, clean);
	line->end = MAX(line->x, line->end - columns - 2);
}

/* The tier, if it is not the usual one; by how much its figures are scaled must be seen. */
static void put_tier(struct line *line, const struct snapshot *s)
{
	char share[16];

	if (!s->exact)
		return;
	if (!fields__scaled(s)) {
		put(line, "", STYLE_VALUE, "Exact");
		return;
	}
	text__percent(share, sizeof(share), s->exact_share);
	put(line, "Exact", STYLE_WARM, line->end < WIDTH_NARROW ? "%s%s" : "%s%s of the time",
	    share[0] == '<' ? "" : "~", share);
}

/* What is seen of a recording. */
static void put_recording(struct line *line, const struct recording *r)
{
	char text[48];

	if (r->summed)
		snprintf(text, sizeof(text), "SUM OF %zu INTERVALS", r->at - r->first + 1);
	else if (r->playing)
		snprintf(text, sizeof(text), "PLAYING x%u", r->speed);
	else
		snprintf(text, sizeof(text), r->marked ? "MARKED" : "RECORDED");
	put_marker(line, STYLE_WARM, "%s", text);
}

static void put_every(struct line *line, const struct snapshot *s, const struct view *v)
{
	const struct recording *r = v->recording;
	char length[32];

	interval_text(length, sizeof(length), r ? (s ? s->interval_ns : 0) : v->delay_ns);
	if (!r)
		put(line, "every", STYLE_VALUE, "%s", length);
	else if (r->summed)
		put(line, "the sum of", STYLE_VALUE, "%s", length);
	else
		put(line, "interval", STYLE_VALUE, "%zu of %zu, %s", r->at + 1, r->timeline.n,
		    length);
}

static void draw_title(const struct snapshot *s, const struct view *v, struct canvas *c, int y)
{
	/* Markers leave room for the program's name. */
	struct line line = { c, MIN(c->width, 9), y, c->width };
	const struct level *l = view__clevel(v);
	char text[32];
	struct tm tm;

	if (v->paused)
		put_marker(&line, STYLE_WARM, "%s", "PAUSED");
	if (v->recording)
		put_recording(&line, v->recording);
	if (l->filter[0])
		put_marker(&line, STYLE_WARM, "filter \"%s\"", l->filter);
	if (v->scope[0])
		put_marker(&line, STYLE_WARM, "only %s", v->scope);
	line.x = 0;
	put(&line, "", STYLE_VALUE, "locktop");
	if (s && localtime_r(&s->time.tv_sec, &tm) &&
	    strftime(text, sizeof(text), v->recording ? "%F %T" : "%T", &tm))
		put(&line, "", STYLE_NORMAL, "%s", text);
	put_every(&line, s, v);
	if (s)
		put_tier(&line, s);
	if (s && s->host)
		put(&line, "on", STYLE_VALUE, "%s", s->host);
	if (s && s->kernel && c->width >= WIDTH_WIDE)
		put(&line, "Linux", STYLE_NORMAL, "%s", s->kernel);
}

static double history_at(const struct view *v, size_t back)
{
	return v->history[(v->shown_history - 1 - back) % VIEW_HISTORY];
}

/* How many of the last loads are still known: while the display stands still, the ring goes on. */
static size_t history_length(const struct view *v)
{
	size_t newer = v->n_history - v->shown_history;
	size_t kept = newer < VIEW_HISTORY ? VIEW_HISTORY - newer : 0;

	return MIN(v->shown_history, kept);
}

/* The load of the last intervals, the newest at the right, in what is left of the line. */
static void draw_history(struct line *line, const struct view *v)
{
	static const char *const blocks[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const ascii[] = { "_", ".", ":", "-", "=", "+", "*", "#" };
	char peak_text[16];
	size_t n = history_length(v);
	double peak = 0;
	int room;

	room = MIN(line->end - line->x - (int)strlen("peak 00000 "), SPARK_MOST);
	if (room < SPARK_LEAST || !n)
		return;
	n = MIN(n, (size_t)room);
	for (size_t i = 0; i < n; i++)
		peak = fmax(peak, history_at(v, i));
	text__load(peak_text, sizeof(peak_text), peak);
	canvas__printf(line->c, line->end - 10, line->y, 10, STYLE_DIM, "peak %s", peak_text);
	for (size_t i = 0; i < n; i++) {
		double load = history_at(v, i);
		int step = peak > 0 ? (int)(load / peak * (SPARK_LEVELS - 1) + 0.5) : 0;

		canvas__text(line->c, line->end - 12 - (int)i, line->y, 1,
			     load > 0 ? STYLE_BAR : STYLE_DIM,
			     v->utf8 ? blocks[step] : ascii[step]);
	}
}

static void draw_figures(const struct snapshot *s, const struct view *v, struct canvas *c, int y)
{
	struct line line = { c, 0, y, c->width };
	char text[16], memory[16];

	put_load(&line, s);
	put(&line, "Sleeps", STYLE_VALUE, "%s/s",
	    count_text(text, sizeof(text),
		       s->interval_ns ? (double)s->totals.sleeps * NSEC_PER_SEC / s->interval_ns
				      : 0));
	if (c->width >= WIDTH_WIDE) {
		put(&line, "Blocked", STYLE_VALUE, "%s",
		    load_text(text, sizeof(text), s->totals.blocked_ns, s->interval_ns));
		put(&line, "Delay", STYLE_VALUE, "%s",
		    load_text(text, sizeof(text), s->totals.delay_ns, s->interval_ns));
	}
	draw_history(&line, v);

	line = (struct line){ c, 0, y + 1, c->width };
	if (snapshot__losses(s))
		put_losses(&line, s);
	put_idle(&line, s);
	if (!snapshot__losses(s))
		put_losses(&line, s);
	text__bytes(memory, sizeof(memory), s->self.rss_bytes);
	put(&line, "Self", STYLE_VALUE, c->width < WIDTH_NARROW ? "%s %s" : "%s CPU %s",
	    percent_text(text, sizeof(text), s->self.cpu_ns, s->interval_ns), memory);
	put(&line, "Probes", STYLE_VALUE, "%s",
	    s->self.probe_known ? percent_text(text, sizeof(text), s->self.probe_ns, s->interval_ns)
				: "?");
}

/* All in one line, for a handful of rows. */
static void draw_short(const struct snapshot *s, const struct view *v, struct canvas *c, int y)
{
	struct line line = { c, 0, y, c->width };

	if (!s) {
		put(&line, "", STYLE_VALUE, "locktop");
		return;
	}
	if (snapshot__losses(s))
		put_losses(&line, s);
	put_load(&line, s);
	put_tier(&line, s);
	if (v->paused)
		put(&line, "", STYLE_WARM, "PAUSED");
	if (view__clevel(v)->filter[0])
		put(&line, "filter", STYLE_WARM, "\"%s\"", view__clevel(v)->filter);
	put_idle(&line, s);
}

/* Outermost: the lists there are. Further in: the way here. */
static void draw_place(const struct view *v, struct canvas *c, int y)
{
	const struct level *l = view__clevel(v);
	const char *title = screen__of(l->entity)->title;
	const char *sorted = v->sort[l->entity]->title;
	char status[96];
	bool page = l->detail || l->forest || l->text;
	int x = 0, columns;

	if (l->detail)
		columns = screen_lock__status(v, status, sizeof(status));
	else if (l->text)
		columns = screen_text__status(v, status, sizeof(status));
	else if (l->forest && !l->reading)
		columns = screen_graph__status(v, status, sizeof(status));
	else if (l->reading)
		columns = snprintf(status, sizeof(status), "row %d of %zu, order kept",
				   l->position + 1, v->n_rows);
	else
		columns = snprintf(status, sizeof(status), "%zu %s by %s%s", v->n_rows,
				   v->n_rows == 1 ? "row" : "rows", sorted,
				   v->reverse[l->entity] ? " reversed" : "");
	if (v->depth == 0) {
		for (int e = 0; e < ENTITY_COUNT; e++) {
			x += canvas__printf(c, x, y, -1, STYLE_KEY, "%d", e + 1) + 1;
			x += canvas__text(c, x, y, -1,
					  e == (int)l->entity ? STYLE_SORTED : STYLE_DIM,
					  screen__of(e)->title);
			x += 2;
		}
	} else {
		int room = MAX(c->width - columns - 2, c->width / 2);

		for (int i = 1; i <= v->depth; i++) {
			bool here = i == v->depth && page;

			if (!v->levels[i].label[0])
				continue;
			x += canvas__text(c, x, y, room - x, here ? STYLE_SORTED : STYLE_VALUE,
					  v->levels[i].label);
			if (!here)
				x += canvas__text(c, x, y, room - x, STYLE_DIM, " > ");
		}
		if (!page)
			x += canvas__text(c, x, y, room - x, STYLE_SORTED, title);
		x += 2;
	}
	if (x + columns <= c->width)
		canvas__right(c, x, y, -1, STYLE_DIM, status);
}

void screen_header__draw(const struct snapshot *s, const struct view *v, const struct layout *l,
			 struct canvas *c)
{
	if (l->header == 1) {
		draw_short(s, v, c, l->top);
		return;
	}
	if (l->header == 0)
		return;
	draw_title(s, v, c, l->top);
	if (s)
		draw_figures(s, v, c, l->top + 1);
	if (l->chart_rows)
		screen_chart__draw(v, l, c);
	draw_place(v, c, l->top + l->header - 1);
}
