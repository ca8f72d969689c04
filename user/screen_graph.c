// SPDX-License-Identifier: GPL-2.0-only
/* The wait graph: who blocks, which locks, who queues behind. */
#include "screen.h"

#include <stdio.h>
#include <string.h>

#include "forest.h"
#include "text.h"
#include "words.h"

#define QUEUE_WIDTH 5
#define AGE_WIDTH   6
#define WIDTH_BOTH  50 /* of the screen, from which on both figures have room */
#define WIDTH_AGE   30

/* Where the columns of a line begin. -1: no room for it. */
struct columns {
	int queue, age, words;
};

static struct columns choose_columns(int width)
{
	if (width >= WIDTH_BOTH)
		return (struct columns){ 0, QUEUE_WIDTH + 1, QUEUE_WIDTH + AGE_WIDTH + 3 };
	if (width >= WIDTH_AGE)
		return (struct columns){ -1, 0, AGE_WIDTH + 1 };
	return (struct columns){ -1, -1, 0 };
}

static void draw_heads(const struct columns *cs, int y, struct canvas *c)
{
	canvas__style(c, 0, y, -1, STYLE_TITLE);
	if (cs->queue >= 0)
		canvas__right(c, cs->queue, y, QUEUE_WIDTH, STYLE_TITLE, "QUEUE");
	if (cs->age >= 0)
		canvas__right(c, cs->age, y, AGE_WIDTH, STYLE_TITLE, "AGE");
	canvas__text(c, cs->words, y, -1, STYLE_TITLE, "WHO BLOCKS, AND WHO QUEUES BEHIND");
}

static void draw_figures(const struct forest_line *line, const struct columns *cs, int y,
			 enum style style, struct canvas *c)
{
	char text[16];

	if (line->mark == FOREST_FRAME)
		return;
	text__count(text, sizeof(text), line->behind);
	if (cs->queue >= 0 && line->behind)
		canvas__right(c, cs->queue, y, QUEUE_WIDTH, style, text);
	text__duration(text, sizeof(text), line->age_ns);
	if (cs->age >= 0 && line->age_ns)
		canvas__right(c, cs->age, y, AGE_WIDTH, style, text);
}

struct look {
	enum style what, remark;
};

static struct look look_of(const struct forest_line *line, uint64_t interval_ns)
{
	static const struct look looks[] = {
		[FOREST_DEADLOCK] = { STYLE_ALARM, STYLE_ALARM },
		[FOREST_CYCLE] = { STYLE_WARM, STYLE_WARM },
		[FOREST_LINK] = { STYLE_VALUE, STYLE_NORMAL },
		[FOREST_ROOT] = { STYLE_VALUE, STYLE_NORMAL },
		[FOREST_FRAME] = { STYLE_DIM, STYLE_DIM },
		[FOREST_LOCK] = { STYLE_NORMAL, STYLE_DIM },
		[FOREST_WAITER] = { STYLE_NORMAL, STYLE_DIM },
		[FOREST_MORE] = { STYLE_DIM, STYLE_DIM },
	};
	struct look look = looks[line->mark];

	if (line->mark != FOREST_LOCK)
		return look;
	if (line->lock->owner_died)
		look.remark = STYLE_ALARM;
	if (interval_ns && line->lock->class != CLASS_IDLE)
		look.what = screen__heat((double)line->lock->wait_ns / interval_ns);
	return look;
}

/* What has no room is left out at a comma: half a number misleads. */
static void cut_remark(char *remark, int room)
{
	size_t n = text__prefix(remark, room), cut = n;

	if (!remark[n])
		return;
	while (cut > 0 && remark[cut] != ',' && remark[cut] != ';')
		cut--;
	remark[cut ? cut : n] = 0;
}

static void draw_line(const struct view *v, const struct forest_line *line,
		      const struct columns *cs, int y, bool selected, struct canvas *c)
{
	struct look look = look_of(line, v->interval_ns);
	char what[WORDS_MAX], remark[WORDS_MAX];
	int x = cs->words;

	forest__words(line, v->interval_ns, what, remark);
	if (selected) {
		canvas__style(c, 0, y, -1, STYLE_SELECTED);
		look.what = look.remark = STYLE_SELECTED;
	}
	draw_figures(line, cs, y, look.what == STYLE_NORMAL ? look.what : look.remark, c);
	x += guides__draw(c, x, y, c->width - x, &line->guides, v->utf8);
	if (selected)
		canvas__style(c, 0, y, -1, STYLE_SELECTED);
	if (what[0]) {
		int used = canvas__text(c, x, y, -1, look.what, what);

		screen__mark(v, c, x, y, used, what);
		x += used + 2;
	}
	cut_remark(remark, MAX(c->width - x, 0));
	screen__mark(v, c, x, y, canvas__text(c, x, y, -1, look.remark, remark), remark);
}

void screen_graph__draw(const struct snapshot *s, const struct view *v, const struct layout *l,
			struct canvas *c)
{
	const struct level *level = view__clevel(v);
	const struct forest *f = level->forest;
	struct columns cs = choose_columns(c->width);

	if (l->heads >= 0)
		draw_heads(&cs, l->heads, c);
	for (int i = 0; i < l->list_rows && (size_t)(level->top + i) < f->n_lines; i++)
		draw_line(v, &f->lines[level->top + i], &cs, l->list + i,
			  level->top + i == level->position, c);
	if (!f->n_lines && l->list_rows) {
		char why[256];

		if (!screen_list__why_empty(s, v, why, sizeof(why)))
			snprintf(why, sizeof(why), "No thread waits for a lock now.");
		screen__wrapped(c, l->list_rows > 3, l->list + (l->list_rows > 3), l->list_rows,
				why);
	}
}

int screen_graph__status(const struct view *v, char *buf, size_t size)
{
	const struct forest *f = view__clevel(v)->forest;
	char roots[16], waiting[16];

	text__count(roots, sizeof(roots), f->n_roots);
	text__count(waiting, sizeof(waiting), f->n_waiting);
	return snprintf(buf, size, "%s %s, %s waiting", roots, f->n_roots == 1 ? "root" : "roots",
			waiting);
}
