/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Because of whom: owners, holders, impact and deadlocks of an interval, from its looks and samples
 * into its snapshot.
 */
#ifndef BLAME_H
#define BLAME_H

#include "looks.h"
#include "parts.h"

/*
 * Fills what struct lock and struct thread say of owners, and s->deadlocks. Locks, threads and the
 * parts' locks are there; s->threads has room for blame__rows() more.
 */
void blame(struct snapshot *s, const struct parts *parts, struct looks *looks,
	   struct samples *samples, struct processes *processes);

/* How many rows of threads may come to those that waited: they hold locks, or are dumped. */
size_t blame__rows(struct looks *looks);

#endif
