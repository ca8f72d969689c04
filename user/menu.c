// SPDX-License-Identifier: GPL-2.0-only
#include "menu.h"

#include "export.h"

static void add(struct menu *menu, const char *title, const char *help, const void *row)
{
	if (menu->n < MENU_MAX)
		menu->items[menu->n++] = (struct menu_item){ title, help, row };
}

static void list_columns(const struct view *v, struct menu *menu)
{
	menu->title = "SORT BY";
	for (const struct field *f = fields__of(view__clevel(v)->entity); f->key; f++)
		if (view__has_column(v, f))
			add(menu, f->title, f->help, f);
}

static void list_formats(struct menu *menu)
{
	menu->title = "EXPORT AS";
	for (const struct exporter *e = exporters; e->name; e++)
		add(menu, e->name, e->help, e);
}

void menu__list(const struct view *v, struct menu *menu)
{
	menu->title = "";
	menu->n = 0;
	if (v->mode == MODE_SORT)
		list_columns(v, menu);
	else if (v->mode == MODE_EXPORT)
		list_formats(menu);
}
