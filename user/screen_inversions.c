// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lock orders that contradict each other, above the graph: no thread waits because of them yet, so
 * the graph itself does not have them. A line for each, and one for each of its steps.
 */
#include "screen.h"

#include <inttypes.h>
#include <stdio.h>

#include "text.h"
#include "words.h"

#define INDENT 2

static int lines_of(const struct inversion *inversion)
{
	return 1 + (int)MIN(inversion->n_edges, (size_t)1000);
}

/* How many stand whole in room lines; *rows: how many lines they take. */
static size_t fitting(const struct snapshot *s, int room, int *rows)
{
	size_t n = 0;

	*rows = 0;
	while (n < s->n_inversions) {
		int lines = *rows + lines_of(&s->inversions[n]);

		/* One more is for saying how many are left out. */
		if (lines + (n + 1 < s->n_inversions) > room)
			break;
		*rows = lines;
		n++;
	}
	return n;
}

int screen_inversions__rows(const struct snapshot *s, int room)
{
	int rows;
	size_t n = fitting(s, room, &rows);

	return rows + (n && n < s->n_inversions);
}

static void draw_head(const struct inversion *inversion, struct canvas *c, int y)
{
	char comm[64];
	int x;

	text__clean(comm, sizeof(comm), inversion->comm ? inversion->comm : "?");
	x = canvas__printf(c, 0, y, -1, STYLE_WARM, "ORDER INVERSION in %s %d", comm,
			   (int)inversion->pid);
	canvas__text(c, x + 2, y, -1, STYLE_DIM, "no deadlock yet: the threads need only meet");
}

/* What does not fit is left out whole: half a number misleads. Returns the columns used. */
static int put_if_fits(struct canvas *c, int x, int y, const char *text)
{
	return text__columns(text) <= c->width - x ? canvas__text(c, x, y, -1, STYLE_DIM, text) : 0;
}

static void draw_edge(const struct inversion_edge *e, struct canvas *c, int y)
{
	const struct frame *own = words__edge_frame(e);
	char from[WORDS_MAX], to[WORDS_MAX], frame[WORDS_MAX], text[WORDS_MAX];
	int x = INDENT;

	words__edge_lock(from, sizeof(from), e->from, e->from_name);
	words__edge_lock(to, sizeof(to), e->to, e->to_name);
	x += canvas__printf(c, x, y, -1, STYLE_VALUE, "%s -> %s", from, to);
	if (own)
		x += canvas__printf(c, x, y, -1, STYLE_NORMAL, "  in %s",
				    words__frame(frame, sizeof(frame), own));
	snprintf(text, sizeof(text), "  %" PRIu64 " time%s, first by %d", e->count,
		 e->count == 1 ? "" : "s", (int)e->tid);
	x += put_if_fits(c, x, y, text);
	if (!e->from_frame)
		return;
	words__frame(frame, sizeof(frame), e->from_frame);
	snprintf(text, sizeof(text), "  %.400s taken in %.500s", from, frame);
	put_if_fits(c, x, y, text);
}

void screen_inversions__draw(const struct snapshot *s, const struct view *v, const struct layout *l,
			     struct canvas *c)
{
	int rows, y = l->block;
	size_t n = fitting(s, l->block_rows, &rows);

	(void)v;
	for (size_t i = 0; i < n; i++) {
		draw_head(&s->inversions[i], c, y++);
		for (int j = 0; j + 1 < lines_of(&s->inversions[i]); j++)
			draw_edge(&s->inversions[i].edges[j], c, y++);
	}
	if (n < s->n_inversions)
		canvas__printf(c, INDENT, y, -1, STYLE_DIM, "%zu more", s->n_inversions - n);
}
