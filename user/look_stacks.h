/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the owners of waited-for locks are doing: the stacks of those that do not run are read at
 * the looks, those that run are sampled in between. Both are charged with the wait they cause.
 */
#ifndef LOOK_STACKS_H
#define LOOK_STACKS_H

#include "samples.h"
#include "source.h"

struct looks;
struct look_lock;

struct look_stacks {
	struct source *source;
	struct processes *processes;
	struct samples *samples;
	struct proc *proc;
	uint64_t *sampled;	 /* threads sampled as they run */
	struct held_word *words; /* the lock of each that most wait for */
	size_t n_sampled, capacity, words_capacity;
};

/* Borrows all. */
void look_stacks__init(struct look_stacks *s, struct source *source, struct processes *processes,
		       struct samples *samples, struct proc *proc);
void look_stacks__done(struct look_stacks *s);

void look_stacks__done(struct look_stacks *s);

/* At a look: locks that are waited for; passed_ns: since the look before. */
void look_stacks__take(struct look_stacks *s, struct looks *l, struct look_lock **locks, size_t n,
		       uint64_t passed_ns, uint64_t now_ns);

/* Reads the stacks of all dumped threads that do not run; those that do are sampled from now on. */
void look_stacks__dump(struct look_stacks *s, struct looks *l, const pid_t *pids, size_t n,
		       uint64_t now_ns);

/* A sampled running thread; locks: all that are known (uthash). */
void look_stacks__event(struct look_stacks *s, struct looks *l, struct look_lock *locks,
			const struct stack_event *e);

#endif
