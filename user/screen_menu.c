// SPDX-License-Identifier: GPL-2.0-only
/* A menu, over what the screen shows: the columns to sort by, the formats to export in. */
#include "screen.h"

#include "menu.h"

#define TITLE_WIDTH 12
#define TITLE_ROWS  3 /* a page has no line of column heads: from here on a row of it is taken */

static void draw_title(const char *title, struct canvas *c, int y)
{
	canvas__printf(c, 0, y, -1, STYLE_TITLE, "%*s", c->width, "");
	canvas__text(c, 0, y, -1, STYLE_TITLE, title);
}

void screen_menu__draw(const struct view *v, const struct layout *l, struct canvas *c)
{
	int y = l->list, rows = l->list_rows, top;
	struct menu menu;

	menu__list(v, &menu);
	for (int i = 0; i < rows; i++)
		canvas__printf(c, 0, y + i, -1, STYLE_NORMAL, "%*s", c->width, "");
	if (l->heads >= 0) {
		draw_title(menu.title, c, l->heads);
	} else if (rows >= TITLE_ROWS) {
		draw_title(menu.title, c, y++);
		rows--;
	}
	top = MAX(0, v->menu - rows + 1);
	for (int i = top; i < menu.n && i < top + rows; i++, y++) {
		enum style style = i == v->menu ? STYLE_SELECTED : STYLE_NORMAL;

		canvas__style(c, 0, y, -1, style);
		canvas__text(c, 0, y, TITLE_WIDTH, style, menu.items[i].title);
		canvas__text(c, TITLE_WIDTH + 1, y, -1, style, menu.items[i].help);
	}
}
