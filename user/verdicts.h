/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is wrong with a lock, in plain words, with the figures that say so and what people do about
 * it. One table row for each verdict; the man page documents their thresholds. Pure.
 */
#ifndef VERDICTS_H
#define VERDICTS_H

#include "model.h"

/* Fills verdicts and n_verdicts of every lock of a finished snapshot. */
void verdicts__judge(struct snapshot *s);

/*
 * The i-th verdict that there is, the most telling first, without evidence; its name may go on in
 * parentheses. False: there are no more.
 */
bool verdicts__describe(size_t i, struct verdict *ret);

#endif
