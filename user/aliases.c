// SPDX-License-Identifier: GPL-2.0-only
#include "aliases.h"

#include <errno.h>
#include <fnmatch.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "text.h"
#include "util.h"

#define FILE_MAX (1 << 20)

struct alias {
	const char *glob, *name; /* in text */
};

struct aliases {
	char *text;
	struct alias *items;
	size_t n, capacity;
};

/* From malloc; NULL: there is no home. */
static char *default_path(void)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	const char *caller = getenv("SUDO_USER");
	const struct passwd *pw = caller ? getpwnam(caller) : NULL;

	if (pw)
		return xasprintf("%s/.config/locktop/names", pw->pw_dir);
	if (config && config[0] == '/')
		return xasprintf("%s/locktop/names", config);
	return home ? xasprintf("%s/.config/locktop/names", home) : NULL;
}

/* Cuts one line in place. Returns false for a pattern without a name. */
static bool parse_line(struct aliases *a, char *line)
{
	char *name;
	size_t len;

	line += strspn(line, " \t");
	len = strlen(line);
	while (len && strchr(" \t\r", line[len - 1]))
		line[--len] = 0;
	if (!len || line[0] == '#')
		return true;
	name = line + strcspn(line, " \t");
	if (!*name)
		return false;
	*name++ = 0;
	name += strspn(name, " \t");
	array__grow(a->items, a->n, a->capacity);
	a->items[a->n++] = (struct alias){ line, name };
	return true;
}

static int parse(struct aliases *a, const char *path, char *error, size_t size)
{
	char *rest = a->text, *line;

	for (unsigned int number = 1; (line = strsep(&rest, "\n")); number++) {
		if (parse_line(a, line))
			continue;
		snprintf(error, size, "%s:%u: a pattern and a name are wanted", path, number);
		return -EINVAL;
	}
	return 0;
}

int aliases__load(const char *path, struct aliases **ret, char *error, size_t size)
{
	_cleanup_(util__freep) char *found = path ? NULL : default_path();
	struct aliases *a = xcalloc(1, sizeof(*a));
	struct stat st;
	int err;

	if (!path)
		path = found;
	a->text = xcalloc(1, FILE_MAX); /* pages that are not touched cost nothing */
	if (path && !stat(path, &st) && !S_ISREG(st.st_mode))
		err = -EINVAL; /* a pipe there would hold the start up for ever */
	else
		err = path ? util__read_file(path, a->text, FILE_MAX) : 0;
	if (err == -ENOENT || err == -ENOTDIR)
		err = 0;
	if (err < 0)
		snprintf(error, size, "%s: %s", path, strerror(-err));
	else
		err = parse(a, path, error, size);
	if (err < 0) {
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
