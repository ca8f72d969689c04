/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Several intervals as one: counts, times and histograms are added, maxima kept, sites and holders
 * merged, shares and percentiles made anew. What is of a moment (who waits, who holds, deadlocks)
 * is that of the last one. Pure.
 */
#ifndef SUM_H
#define SUM_H

#include "model.h"

struct sum;

struct sum *sum__new(void);
void sum__free(struct sum *sum);

/* Adds an interval that follows the ones before; takes it over. */
void sum__add(struct sum *sum, struct snapshot *s);

/*
 * The sum so far, as a snapshot of the whole time; of one interval it is that one. Ends and frees
 * the sum. NULL if nothing was added.
 */
struct snapshot *sum__finish(struct sum *sum);

#endif
