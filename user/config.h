/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The user's own small files: lines of text, "#" begins a comment. They are found in
 * ~/.config/locktop; with sudo, in that of the user who called it.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stddef.h>

struct config {
	const char *name;   /* of the file, in that directory */
	const char *wanted; /* what a line should be, for the error */
	/* One line without blanks around it, which may be cut up in place. False: it is wrong. */
	bool (*line)(void *ctx, char *line);
};

/*
 * Reads path; NULL: the user's file, which need not exist. *text is for free(); lines point into
 * it. 0, or -errno after filling error with one line.
 */
int config__read(const struct config *c, const char *path, void *ctx, char **text, char *error,
		 size_t size);

#endif
