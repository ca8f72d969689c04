/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Screens: pure functions of a snapshot and a view onto a canvas. screen__prepare() is the one step
 * that changes the view: it fits scrolling to the size.
 */
#ifndef SCREEN_H
#define SCREEN_H

#include "canvas.h"
#include "keys.h"
#include "model.h"
#include "view.h"

/* Rows of the screen; what has no room is -1 or 0 rows high. */
struct layout {
	int alarm;	       /* y of the line that tells of a deadlock or an inversion */
	int top;	       /* y of the header */
	int header;	       /* its lines: 0, 1 (all in one) or 4, and the chart's */
	int chart, chart_rows; /* y of a recording's load over time, in the header */
	int block, block_rows; /* y of the inversions above the graph, and how many lines */
	int heads;	       /* y of the column heads */
	int list, list_rows;
	int bar; /* y of the bottom line */
};

/* One row a list; one file each. */
struct list_screen {
	const char *title;
	/* Why the list is empty, in one line. */
	void (*empty)(const struct snapshot *s, const struct view *v, char *buf, size_t size);
};
extern const struct list_screen screen_processes, screen_locks, screen_threads;

const struct list_screen *screen__of(enum entity entity);

/* Picks and scrolls rows for this size. s may be NULL: nothing measured yet. */
void screen__prepare(struct view *v, const struct snapshot *s, int width, int height);

/* Draws all of the screen. The canvas has the size that the view was prepared for. */
void screen__draw(const struct snapshot *s, const struct view *v, struct canvas *c);

/* Parts. */
void screen_header__draw(const struct snapshot *s, const struct view *v, const struct layout *l,
			 struct canvas *c);
void screen_chart__draw(const struct view *v, const struct layout *l, struct canvas *c);
int screen_chart__rows(int height);
void screen_list__draw(const struct snapshot *s, const struct view *v, const struct layout *l,
		       struct canvas *c);
void screen_lock__draw(const struct snapshot *s, const struct view *v, const struct layout *l,
		       struct canvas *c);
void screen_graph__draw(const struct snapshot *s, const struct view *v, const struct layout *l,
			struct canvas *c);
void screen_text__draw(const struct view *v, const struct layout *l, struct canvas *c);
void screen_menu__draw(const struct view *v, const struct layout *l, struct canvas *c);
void screen_help__draw(const struct view *v, const struct layout *l, struct canvas *c);
int screen_help__lines(const struct view *v, int width);

/* The deadlocks in one line; without any, the inversions of lock order. */
void screen_alarm__draw(const struct snapshot *s, const struct view *v, struct canvas *c, int y);
/* The inversions with their stacks, above the graph; how many of room lines they take. */
int screen_inversions__rows(const struct snapshot *s, int room);
void screen_inversions__draw(const struct snapshot *s, const struct view *v, const struct layout *l,
			     struct canvas *c);

/* A lock's page: where it is scrolled to, and in words for the header; returns their length. */
void screen_lock__prepare(struct view *v, const struct snapshot *s, const struct layout *l,
			  int width);
int screen_lock__status(const struct view *v, char *buf, size_t size);
int screen_graph__status(const struct view *v, char *buf, size_t size);
int screen_text__status(const struct view *v, char *buf, size_t size);

/* How bad a load is. */
enum style screen__heat(double load);

/* Marks where the search text is found in a text that begins at x. */
void screen__mark(const struct view *v, struct canvas *c, int x, int y, int width,
		  const char *text);
/* Broken at blanks, in rows from y on. */
void screen__wrapped(struct canvas *c, int x, int y, int rows, const char *text);

/* Why nothing is listed, where the reason is none of the list's own. False: it is. */
bool screen_list__why_empty(const struct snapshot *s, const struct view *v, char *buf, size_t size);

#endif
