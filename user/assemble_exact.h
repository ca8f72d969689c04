/* SPDX-License-Identifier: GPL-2.0-only */
/* The exact tier's figures of a lock: from its keys into its row. */
#ifndef ASSEMBLE_EXACT_H
#define ASSEMBLE_EXACT_H

#include "parts.h"

/* k has exact figures. */
void assemble_exact__add(struct lock *lock, const struct tally_key *k);

/* Was any taker of the lock sampled and how long it held it, so that this divides it? */
bool assemble_exact__has_holders(const struct part *parts, size_t n);

#endif
