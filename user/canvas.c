// SPDX-License-Identifier: GPL-2.0-only
#include "canvas.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "util.h"

/* More than a row of the widest terminal takes; longer text is cut. */
#define LINE_BYTES 4096

struct canvas *canvas__new(int width, int height)
{
	struct canvas *c = xcalloc(1, sizeof(*c));

	canvas__resize(c, width, height);
	return c;
}

void canvas__free(struct canvas *c)
{
	if (!c)
		return;
	free(c->cells);
	free(c);
}

void canvas__resize(struct canvas *c, int width, int height)
{
	c->width = MAX(width, 0);
	c->height = MAX(height, 0);
	c->cells = xrealloc(c->cells, (size_t)c->width * c->height, sizeof(*c->cells));
	canvas__clear(c);
}

static void blank(struct cell *cell, enum style style)
{
	memset(cell, 0, sizeof(*cell));
	cell->text[0] = ' ';
	cell->style = style;
}

void canvas__clear(struct canvas *c)
{
	for (size_t i = 0; i < (size_t)c->width * c->height; i++)
		blank(&c->cells[i], STYLE_NORMAL);
}

/* Whoever overwrites one half of a wide character leaves a blank in place of the other. */
static void detach(struct cell *row, int width, int x)
{
	if (!row[x].text[0] && x > 0)
		blank(&row[x - 1], row[x - 1].style);
	if (x + 1 < width && !row[x + 1].text[0])
		blank(&row[x + 1], row[x + 1].style);
}

static void put(struct canvas *c, int x, int y, enum style style, const char *character,
		size_t bytes, int columns)
{
	struct cell *row = c->cells + (size_t)y * c->width;

	for (int i = 0; i < columns; i++) {
		detach(row, c->width, x + i);
		memset(&row[x + i], 0, sizeof(*row));
		row[x + i].style = style;
	}
	memcpy(row[x].text, character, MIN(bytes, sizeof(row[x].text) - 1));
}

/* Adds a combining mark to the character before x; what does not fit in its cell is left out. */
static void combine(struct canvas *c, int x, int y, const char *mark, size_t bytes)
{
	struct cell *row = c->cells + (size_t)y * c->width;
	size_t used;

	if (x > 0 && x < c->width && !row[x].text[0])
		x--;
	used = strlen(row[x].text);
	if (used && used + bytes < sizeof(row[x].text))
		memcpy(row[x].text + used, mark, bytes);
}

static size_t character_bytes(const char *s)
{
	size_t n = 1;

	while (((unsigned char)s[n] & 0xc0) == 0x80)
		n++;
	return n;
}

/* text is clean; start and end bound the columns that may be touched. */
static int draw(struct canvas *c, int start, int end, int y, enum style style, const char *text)
{
	int from = MAX(start, 0), x = start;

	end = MIN(end, c->width);
	while (*text) {
		size_t bytes = character_bytes(text);
		char one[8] = { 0 };
		int columns;

		memcpy(one, text, MIN(bytes, sizeof(one) - 1));
		columns = text__columns(one);
		if (columns > 0 && x + columns > end)
			break;
		if (columns > 0 && x >= from)
			put(c, x, y, style, one, strlen(one), columns);
		else if (columns == 0 && x > from)
			combine(c, x - 1, y, one, strlen(one));
		x += columns;
		text += bytes;
	}
	return MAX(x - from, 0);
}

int canvas__text(struct canvas *c, int x, int y, int columns, enum style style, const char *text)
{
	char clean[LINE_BYTES];

	if (y < 0 || y >= c->height || x >= c->width || !text)
		return 0;
	if (columns < 0 || columns > c->width - x)
		columns = c->width - x;
	return draw(c, x, x + columns, y, style, text__clean(clean, sizeof(clean), text));
}

int canvas__right(struct canvas *c, int x, int y, int columns, enum style style, const char *text)
{
	char clean[LINE_BYTES];
	int used;

	if (columns < 0)
		columns = c->width - x;
	used = text__columns(text__clean(clean, sizeof(clean), text ? text : ""));
	if (used >= columns)
		return canvas__text(c, x, y, columns, style, clean);
	return canvas__text(c, x + columns - used, y, used, style, clean);
}

int canvas__printf(struct canvas *c, int x, int y, int columns, enum style style,
		   const char *format, ...)
{
	char line[LINE_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	return canvas__text(c, x, y, columns, style, line);
}

void canvas__style(struct canvas *c, int x, int y, int columns, enum style style)
{
	int end;

	if (y < 0 || y >= c->height || x >= c->width)
		return;
	end = columns < 0 || columns > c->width - x ? c->width : x + columns;
	for (x = MAX(x, 0); x < end; x++)
		c->cells[(size_t)y * c->width + x].style = style;
}

char *canvas__dump(const struct canvas *c)
{
	size_t room = (size_t)c->height * ((size_t)c->width * sizeof(c->cells->text) + 1) + 1;
	char *dump = xcalloc(room, 1), *end = dump;

	for (int y = 0; y < c->height; y++) {
		char *row = end;

		for (int x = 0; x < c->width; x++)
			end = stpcpy(end, c->cells[(size_t)y * c->width + x].text);
		while (end > row && end[-1] == ' ')
			end--;
		*end++ = '\n';
	}
	*end = 0;
	return dump;
}
