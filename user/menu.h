/* SPDX-License-Identifier: GPL-2.0-only */
/* What the menus that lie over the screen have to choose from: one list for each such mode. */
#ifndef MENU_H
#define MENU_H

#include "view.h"

#define MENU_MAX 64

struct menu_item {
	const char *title, *help;
	const void *row; /* of its table: struct field, struct exporter */
};

struct menu {
	const char *title;
	int n;
	struct menu_item items[MENU_MAX];
};

/* The menu of the view's mode, without items in a mode that is none. */
void menu__list(const struct view *v, struct menu *menu);

#endif
