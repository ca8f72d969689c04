/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The user's own names for locks, from ~/.config/locktop/names: a line each, "GLOB NAME". GLOB is
 * matched against the symbol of a static lock or the call site that a lock is named after, alone
 * and behind its module ("libfoo.so:queue_lock", "server:cache_get+0x2c"). The first match counts.
 */
#ifndef ALIASES_H
#define ALIASES_H

#include <stddef.h>

struct aliases;

/*
 * path NULL: the user's file, which need not exist; with sudo, that of the user who called it.
 * 0, or -errno after filling error with one line.
 */
int aliases__load(const char *path, struct aliases **ret, char *error, size_t size);
void aliases__free(struct aliases *a);

/* The name for text in module (a path; NULL: none), or NULL. a may be NULL. */
const char *aliases__find(const struct aliases *a, const char *module, const char *text);

#endif
