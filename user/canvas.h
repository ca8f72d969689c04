/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A grid of styled cells. Screens draw here; term.c puts it on the terminal, tests compare its
 * text. Knows no curses. Drawing outside the grid is clipped; no size is too small.
 */
#ifndef CANVAS_H
#define CANVAS_H

#include <stdbool.h>
#include <stddef.h>

/* Colours are meanings; term.c maps them, also for monochrome terminals and NO_COLOR. */
enum style {
	STYLE_NORMAL,
	STYLE_DIM,
	STYLE_TITLE,	/* column heads */
	STYLE_SORTED,	/* the head of the sort column */
	STYLE_SELECTED, /* the cursor's row */
	STYLE_LABEL,	/* names of figures in the header */
	STYLE_VALUE,	/* their values */
	STYLE_BAR,	/* filled part of a bar */
	STYLE_WARM,	/* worth a look */
	STYLE_HOT,	/* most of the wait */
	STYLE_ALARM,	/* deadlock, losses, errors */
	STYLE_KEY,	/* key names in the bottom line */
	STYLE_MATCH,	/* search hits */
	STYLE_COUNT
};

struct cell {
	char text[8]; /* one UTF-8 character with its combining marks; "" = right half of a wide one
		       */
	unsigned char style;
};

struct canvas {
	int width, height;
	struct cell *cells; /* height rows of width */
};

struct canvas *canvas__new(int width, int height);
void canvas__free(struct canvas *c);
void canvas__resize(struct canvas *c, int width, int height);
void canvas__clear(struct canvas *c);

/* Writes UTF-8 text at x, y in at most columns columns (-1: to the edge). Returns columns written.
 */
int canvas__text(struct canvas *c, int x, int y, int columns, enum style style, const char *text);
/* The same, right-aligned in its columns. */
int canvas__right(struct canvas *c, int x, int y, int columns, enum style style, const char *text);
int canvas__printf(struct canvas *c, int x, int y, int columns, enum style style,
		   const char *format, ...) __attribute__((format(printf, 6, 7)));
/* Sets the style of a stretch of cells. */
void canvas__style(struct canvas *c, int x, int y, int columns, enum style style);

/* All text, a line a row, trailing blanks removed; from malloc. */
char *canvas__dump(const struct canvas *c);

#endif
