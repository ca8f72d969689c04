/* SPDX-License-Identifier: GPL-2.0-only */
/* Records -> model: deltas between readings, keys joined into locks, stacks, names, losses. */
#ifndef COLLECTOR_H
#define COLLECTOR_H

#include "aliases.h"
#include "model.h"
#include "options.h"
#include "proc.h"
#include "source.h"
#include "suppressions.h"

struct collector;

/* Borrows all until collector__free; aliases and suppressions may be NULL. */
struct collector *collector__new(const struct options *o, struct source *source, struct proc *proc,
				 const struct aliases *aliases,
				 const struct suppressions *suppressions);
void collector__free(struct collector *c);

/* The first reading: what was before it does not count. 0 or -errno. */
int collector__start(struct collector *c);

/* Interpreters are looked for in these processes from now on, before their first wait; n 0: in all
 * that run now. Others are found when they wait. */
void collector__expect(struct collector *c, const pid_t *pids, size_t n);

/* Ends the running interval and begins the next. *ret for snapshot__free. 0 or -errno. */
int collector__interval(struct collector *c, struct snapshot **ret);

/*
 * Housekeeping between intervals: takes stack samples in, runs cost slices. Call it when the time
 * that it returned (ns from now) is over; earlier is fine too.
 */
uint64_t collector__tick(struct collector *c);

/*
 * A snapshot of now for dumps of these processes: all their threads with what they do and their
 * stacks, the locks they wait for, owners and deadlocks. It ends no interval. Takes a quarter of a
 * second: stacks of running threads are sampled, and deadlocks looked at twice. 0 or -errno
 * (-ESRCH: none of the processes is there).
 */
int collector__dump(struct collector *c, const pid_t *pids, size_t n, struct snapshot **ret);

/* A descriptor that polls readable when collector__tick is wanted sooner; -1: none. */
int collector__fd(struct collector *c);

#endif
