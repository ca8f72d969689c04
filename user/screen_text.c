// SPDX-License-Identifier: GPL-2.0-only
/* A text to read: a thread dump. */
#include "screen.h"

#include <stdio.h>
#include <string.h>

#include "text_page.h"

void screen_text__draw(const struct view *v, const struct layout *l, struct canvas *c)
{
	const struct level *level = view__clevel(v);
	const struct text_page *t = level->text;

	for (int i = 0; i < l->list_rows && (size_t)(level->top + i) < t->n_lines; i++) {
		const char *line = t->lines[level->top + i];
		bool selected = level->top + i == level->position;
		enum style style = !strncmp(line, "DEADLOCK", 8) ? STYLE_ALARM : STYLE_NORMAL;
		int y = l->list + i;

		if (selected)
			canvas__style(c, 0, y, -1, STYLE_SELECTED);
		canvas__text(c, 0, y, -1, selected ? STYLE_SELECTED : style, line);
		screen__mark(v, c, 0, y, c->width, line);
	}
	if (!t->n_lines && l->list_rows)
		canvas__text(c, 0, l->list, -1, STYLE_NORMAL, "Nothing to show.");
}

int screen_text__status(const struct view *v, char *buf, size_t size)
{
	const struct level *l = view__clevel(v);

	return snprintf(buf, size, "line %zu of %zu", MIN((size_t)l->position + 1, v->n_rows),
			v->n_rows);
}
