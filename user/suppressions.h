/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inversions that the user does not want to hear of, from ~/.config/locktop/suppressions. A line
 * is "inversion PATTERN", for orders of a lock with such a name or id, or that such a function (in
 * any frame of their stacks) makes; or "inversion PATTERN PATTERN", for orders of two such locks.
 * Patterns are globs; ? stands for a blank in a name.
 */
#ifndef SUPPRESSIONS_H
#define SUPPRESSIONS_H

#include "model.h"

struct suppressions;

/*
 * path NULL: the user's file, which need not exist; with sudo, that of the user who called it.
 * 0, or -errno after filling error with one line.
 */
int suppressions__load(const char *path, struct suppressions **ret, char *error, size_t size);
void suppressions__free(struct suppressions *s);

/* Is this order one of them? s may be NULL. */
bool suppressions__match(const struct suppressions *s, const struct inversion_edge *edge);

#endif
