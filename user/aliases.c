// SPDX-License-Identifier: GPL-2.0-only
#include "aliases.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "util.h"

struct alias {
	const char *glob, *name; /* in text */
};

struct aliases {
	char *text;
	struct alias *items;
	size_t n, capacity;
};

static bool add_line(void *ctx, char *line)
{
	struct aliases *a = ctx;
	char *name = line + strcspn(line, " \t");

	if (!*name)
		return false;
	*name++ = 0;
	name += strspn(name, " \t");
	array__grow(a->items, a->n, a->capacity);
	a->items[a->n++] = (struct alias){ line, name };
	return true;
}

static const struct config config = {
	.name = "names",
	.wanted = "a pattern and a name are wanted",
	.line = add_line,
};

int aliases__load(const char *path, struct aliases **ret, char *error, size_t size)
{
	struct aliases *a = xcalloc(1, sizeof(*a));
	int err = config__read(&config, path, a, &a->text, error, size);

	if (err) {
		aliases__free(a);
		return err;
	}
	*ret = a;
	return 0;
}

void aliases__free(struct aliases *a)
{
	if (!a)
		return;
	free(a->items);
	free(a->text);
	free(a);
}

const char *aliases__find(const struct aliases *a, const char *module, const char *text)
{
	const char *base = module ? strrchr(module, '/') : NULL;
	char full[1024];

	if (!a || !a->n || !text)
		return NULL;
	snprintf(full, sizeof(full), "%s:%s", base ? base + 1 : module ? module : "", text);
	for (size_t i = 0; i < a->n; i++)
		if (!fnmatch(a->items[i].glob, text, 0) || !fnmatch(a->items[i].glob, full, 0))
			return a->items[i].name;
	return NULL;
}
