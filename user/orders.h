/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lock orders (exact tier): records and stacks -> the graph of orders -> inversions in the
 * snapshot. An inversion is reported from the interval that closed it until its process ends.
 */
#ifndef ORDERS_H
#define ORDERS_H

#include "processes.h"
#include "samples.h"
#include "source.h"
#include "suppressions.h"

struct orders;

/* Borrows all until orders__free; suppressions may be NULL. */
struct orders *orders__new(struct processes *processes, struct samples *samples,
			   const struct suppressions *suppressions);
void orders__free(struct orders *o);

/* An event from the source, as it came. False: it is none of an order. */
bool orders__event(struct orders *o, const void *data, size_t size);

/* Takes a reading in. */
void orders__update(struct orders *o, const struct records *r);

/* Looks for inversions in what is new, and fills those of the snapshot; its locks are filled. */
void orders__fill(struct orders *o, struct snapshot *s, uint64_t now_ns);

/*
 * Drops what is over, after the snapshot was filled: orders of processes whose last numbers were
 * shown and of locks that were destroyed; when room gets short, those unused for a minute.
 * Returns how many the source should forget too; *keys is valid until the next call.
 */
size_t orders__forget(struct orders *o, uint64_t now_ns, const struct order_key **keys);

/* Orders and inversions that there was no room or time for, since the beginning. */
uint64_t orders__lost(const struct orders *o);

#endif
