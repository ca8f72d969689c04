// SPDX-License-Identifier: GPL-2.0-only
/* A text to read: a thread dump. */
#include "screen.h"

#include <stdio.h>
#include <string.h>

#include "text.h"
#include "text_page.h"

void screen_text__draw(const struct view *v, const struct layout *l, struct canvas *c)
{
	const struct level *level = view__clevel(v);
	const struct text_page *t = level->text;
	char clean[4096];

	for (int i = 0; i < l->list_rows && (size_t)(level->top + i) < t->n_lines; i++) {
		bool selected = level->top + i == level->position;
		enum style style = selected ? STYLE_SELECTED : STYLE_NORMAL;
		int y = l->list + i;

		text__clean(clean, sizeof(clean), t->lines[level->top + i]);
		if (!strncmp(clean, "DEADLOCK", 8) && !selected)
			style = STYLE_ALARM;
		if (selected)
			canvas__style(c, 0, y, -1, style);
		canvas__text(c, -t->left, y, c->width + t->left, style, clean);
		screen__mark(v, c, -t->left, y, c->width + t->left, clean);
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
