/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The exact tier's probes: which files get them, when they are on, and that they keep to their
 * budget. When the probes' own time passes it, they are taken away until the next time slice.
 */
#ifndef EXACT_H
#define EXACT_H

#include "options.h"
#include "proc.h"

struct locktop_bpf;
struct exact;

/* Borrows all. Nothing is attached before the first tick. */
struct exact *exact__new(const struct options *o, struct locktop_bpf *skel, struct proc *proc);
/* Takes all probes away. Takes NULL. */
void exact__free(struct exact *e);

/* Before the first tick: a process in scope will execute this program, named as for execvp(). */
void exact__prepare(struct exact *e, const char *program, pid_t pid);

/* Looks for new files, keeps the budget. Returns when it wants to be called again, in ns. */
uint64_t exact__tick(struct exact *e, uint64_t now_ns);

/* There is a new process in scope: the next tick looks for it. */
void exact__born(struct exact *e, pid_t pid);
/* Such processes whose first calls are not known: their probes came later than they. */
uint64_t exact__late(const struct exact *e);
/*
 * Files and processes whose calls are not seen: there was no room for them (counted at each look),
 * or the kernel refused the probes.
 */
uint64_t exact__unprobed(const struct exact *e);
/* Why there is no probe at all, though there were places for them: -errno; 0: there are some. */
int exact__refused(const struct exact *e);

/* How long the probes have counted so far. */
uint64_t exact__on_ns(struct exact *e, uint64_t now_ns);

/*
 * Runs of the tier's programs at locks so far, and what they took of the threads that made them.
 * False: they are not counted here, but by the kernel's statistics, which are on all the time.
 */
bool exact__hits(const struct exact *e, uint64_t *n, uint64_t *ns);

/* Where they are not: what entering the programs takes beside their run time, so far. */
uint64_t exact__enter_ns(const struct exact *e);

#endif
