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
	int header; /* lines of the header: 0, 1 (all in one) or 4 */
	int heads;  /* y of the column heads */
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

struct layout screen__layout(const struct view *v, int width, int height);

/* Picks and scrolls rows for this size. s may be NULL: nothing measured yet. */
void screen__prepare(struct view *v, const struct snapshot *s, int width, int height);

/* Draws all of the screen. The canvas has the size that the view was prepared for. */
void screen__draw(const struct snapshot *s, const struct view *v, struct canvas *c);

/* Parts. */
void screen_header__draw(const struct snapshot *s, const struct view *v, const struct layout *l,
			 struct canvas *c);
void screen_list__draw(const struct snapshot *s, const struct view *v, const struct layout *l,
		       struct canvas *c);
void screen_lock__draw(const struct snapshot *s, const struct view *v, const struct layout *l,
		       struct canvas *c);
void screen_sort__draw(const struct view *v, const struct layout *l, struct canvas *c);
void screen_help__draw(const struct view *v, struct canvas *c);
int screen_help__lines(const struct view *v, int width);

/* A lock's page: where it is scrolled to, and in words for the header; returns their length. */
void screen_lock__prepare(struct view *v, const struct snapshot *s, const struct layout *l,
			  int width);
int screen_lock__status(const struct view *v, char *buf, size_t size);

/* How bad a load is. */
enum style screen__heat(double load);

/* Why nothing is listed, where the reason is none of the list's own. False: it is. */
bool screen_list__why_empty(const struct snapshot *s, const struct view *v, char *buf, size_t size);

#endif
