// SPDX-License-Identifier: GPL-2.0-only
#include "config.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "util.h"

#define FILE_MAX (1 << 20)

/* From malloc; NULL: there is no home. */
static char *default_path(const char *name)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	const char *caller = getenv("SUDO_USER");
	const struct passwd *pw = caller ? getpwnam(caller) : NULL;

	if (pw)
		return xasprintf("%s/.config/locktop/%s", pw->pw_dir, name);
	if (config && config[0] == '/')
		return xasprintf("%s/locktop/%s", config, name);
	return home ? xasprintf("%s/.config/locktop/%s", home, name) : NULL;
}

/* A pipe would hold the start up for ever. */
static int read_text(const char *path, char *text)
{
	struct stat st;
	int n;

	if (!stat(path, &st) && !S_ISREG(st.st_mode))
		return -EINVAL;
	n = util__read_file(path, text, FILE_MAX);
	if (n < 0)
		return n;
	if (n == FILE_MAX - 1)
		return -EFBIG;
	return strlen(text) == (size_t)n ? 0 : -EILSEQ; /* what follows a NUL would be lost */
}

static int cut(const struct config *c, void *ctx, char *rest, const char *path, char *error,
	       size_t size)
{
	char *line;

	for (unsigned int number = 1; (line = strsep(&rest, "\n")); number++) {
		size_t len;

		line += strspn(line, " \t");
		len = strlen(line);
		while (len && strchr(" \t\r", line[len - 1]))
			line[--len] = 0;
		if (!len || line[0] == '#' || c->line(ctx, line))
			continue;
		snprintf(error, size, "%s:%u: %s", path, number, c->wanted);
		return -EINVAL;
	}
	return 0;
}

int config__read(const struct config *c, const char *path, void *ctx, char **text, char *error,
		 size_t size)
{
	_cleanup_(util__freep) char *found = path ? NULL : default_path(c->name);
	/* pages that are not touched cost nothing */
	_cleanup_(util__freep) char *read = xcalloc(1, FILE_MAX);
	const char *from = path ? path : found;
	int err = from ? read_text(from, read) : 0;

	if (!path && (err == -ENOENT || err == -ENOTDIR))
		err = 0;
	if (err)
		snprintf(error, size, "%s: %s", from,
			 err == -EILSEQ ? "it is no text" : strerror(-err));
	else
		err = cut(c, ctx, read, from, error, size);
	if (err)
		return err;
	*text = read;
	read = NULL;
	return 0;
}
