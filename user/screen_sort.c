// SPDX-License-Identifier: GPL-2.0-only
/* The menu of sort columns, over the list. */
#include "screen.h"

#include <stdio.h>

#define TITLE_WIDTH 12

void screen_sort__draw(const struct view *v, const struct layout *l, struct canvas *c)
{
	const struct level *level = view__clevel(v);
	int top = MAX(0, v->menu - l->list_rows + 1), i = 0;

	for (int y = 0; y < l->list_rows; y++)
		canvas__printf(c, 0, l->list + y, -1, STYLE_NORMAL, "%*s", c->width, "");
	if (l->heads >= 0) {
		canvas__printf(c, 0, l->heads, -1, STYLE_TITLE, "%*s", c->width, "");
		canvas__text(c, 0, l->heads, -1, STYLE_TITLE, "SORT BY");
	}
	for (const struct field *f = fields__of(level->entity); f->key; f++) {
		int y = l->list + i - top;
		enum style style = i == v->menu ? STYLE_SELECTED : STYLE_NORMAL;

		if (!view__has_column(v, f))
			continue;
		i++;
		if (y < l->list || y >= l->list + l->list_rows)
			continue;
		canvas__style(c, 0, y, -1, style);
		canvas__text(c, 0, y, TITLE_WIDTH, style, f->title);
		canvas__text(c, TITLE_WIDTH + 1, y, -1, style, f->help);
	}
}
