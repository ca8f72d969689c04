/* SPDX-License-Identifier: GPL-2.0-only */
/* Sleeps one by one (--events): from the probes' events to the rows of a snapshot. */
#ifndef SLEEPS_H
#define SLEEPS_H

#include "parts.h"
#include "proc.h"

struct sleeps;

/* Borrows both. */
struct sleeps *sleeps__new(const struct processes *processes, struct proc *proc);
/* Takes NULL. */
void sleeps__free(struct sleeps *s);

/* One event from the source, as it came: what is no struct sleep_event is left to others (false).
 */
bool sleeps__event(struct sleeps *s, const void *data, size_t size);

/* Observation begins: what ended before does not count. */
void sleeps__begin(struct sleeps *s, uint64_t now_ns);

/*
 * The sleeps that ended in the interval into its snapshot, whose locks and threads stand; with
 * those that have no place in it as a loss. The parts are those that the locks were made of.
 */
void sleeps__fill(struct sleeps *s, struct snapshot *snapshot, const struct parts *parts,
		  const struct tally *tally);

#endif
