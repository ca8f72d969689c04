/* SPDX-License-Identifier: GPL-2.0-only */
/* Which rows of a snapshot an export shows, and in which order. */
#ifndef SELECT_H
#define SELECT_H

#include "model.h"
#include "options.h"

/*
 * Rows of an entity as options ask: the idle class only if wanted, sorted, at most options->top
 * locks a process. An array of n row pointers from malloc.
 */
const void **select__rows(const struct snapshot *s, const struct options *o, enum entity entity,
			  size_t *n);

/* Locks that select__rows left out because of options->top. */
size_t select__left_out(const struct snapshot *s, const struct options *o);

#endif
