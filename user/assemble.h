/* SPDX-License-Identifier: GPL-2.0-only */
/* The figures of an interval -> its snapshot: keys joined into locks, totals, processes, threads.
 */
#ifndef ASSEMBLE_H
#define ASSEMBLE_H

#include "looks.h"
#include "model.h"
#include "parts.h"
#include "processes.h"
#include "samples.h"
#include "sleeps.h"
#include "tally.h"

/*
 * Fills the arrays and totals of s. Processes out of scope are left out everywhere. sleeps: NULL
 * where they are not kept one by one.
 */
void assemble(struct snapshot *s, struct identities *identities, struct tally *t,
	      struct samples *samples, struct processes *processes, struct looks *looks,
	      struct sleeps *sleeps);

#endif
