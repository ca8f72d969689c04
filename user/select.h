/* SPDX-License-Identifier: GPL-2.0-only */
/* Which rows of a snapshot an export shows, and in which order. */
#ifndef SELECT_H
#define SELECT_H

#include "model.h"
#include "options.h"

/*
 * Rows of an entity as options ask: the idle class only if wanted, sorted, at most options->top
 * locks a process. What belongs to a deadlock is always there, and so are the threads that hold a
 * lock that is shown. An array of *n row pointers from malloc.
 */
const void **select__rows(const struct snapshot *s, const struct options *o, enum entity entity,
			  size_t *n);

/* The same, whatever their number. */
const void **select__all(const struct snapshot *s, const struct options *o, enum entity entity,
			 size_t *n);

/* Was the lock used, as the exact tier sees it? It may be that nobody waited for it. */
bool select__is_used(const struct lock *l);
/* The exact tier knows it, but nobody wanted it in this interval: it is not listed. */
bool select__is_quiet(const struct lock *l);
/* Of each of s->processes: has it such a lock that is not idle? From malloc. */
bool *select__using(const struct snapshot *s);

/*
 * Keeps the first `top` locks or threads of each process (0: all) and what is deadlocked, in the
 * order that they have. Returns how many stay.
 */
size_t select__top(const void **rows, size_t n, enum entity entity, unsigned int top);

#endif
