/* SPDX-License-Identifier: GPL-2.0-only */
/* What tally.c and tally_exact.c share; nobody else includes it. */
#ifndef TALLY_INTERNAL_H
#define TALLY_INTERNAL_H

#include "tally.h"

/* The entry of a key, made if need be. */
struct tally_key *tally__get(struct tally *t, const struct lock_key *key);

/*
 * Growth since the last reading; count: it is shown. What was shown stands where now is less, until
 * it is passed again.
 */
uint64_t tally__grow(uint64_t *shown, uint64_t now, bool count);

/* A reading begins: the interval's figures go to zero. */
void tally_exact__begin(struct tally_exact *x);

/* Takes the exact tier's part of a reading in; then_ns and now_ns of t are not yet of this one. */
void tally_exact__take(struct tally *t, const struct records *r);

bool tally_exact__active(const struct tally_exact *x);

#endif
