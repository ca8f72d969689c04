/* SPDX-License-Identifier: GPL-2.0-only */
/* What looks.c, look_owners.c and look_graph.c share; nobody else includes it. */
#ifndef LOOKS_INTERNAL_H
#define LOOKS_INTERNAL_H

#include "graph.h"
#include "look_stacks.h"
#include "looks.h"
#include "recall.h"
#include "util.h"

/* An open sleep, or a thread that spins, with the lock that it waits for and its place in the
 * graph. */
struct look_wait {
	const struct open_sleep *open;
	struct look_lock *lock;
	uint32_t place;
	bool waits; /* it is blocked, and the word stands for one lock */
	bool spins;
};

struct looks {
	struct source *source;
	struct processes *processes;
	struct samples *samples;
	struct owners *owners;
	struct look_stacks stacks;
	struct look_lock *locks;
	struct look_thread *threads;
	struct recall sleepers; /* what they wait for */
	struct deadlocks deadlocks;
	const pid_t *dumped; /* processes */
	size_t n_dumped;
	uint64_t then_ns, due_ns;
	uint64_t cost_ns; /* of the running look */
	bool busy;
	/* of the running look: */
	uint64_t now_ns;
	struct look_wait *waits;
	size_t n_waits, waits_capacity;
	struct open_sleep *spins; /* threads that spin, as if they slept */
	size_t spins_capacity;
	struct look_lock **asked; /* whose owner is wanted; those that are waited for come first */
	size_t n_asked, asked_capacity, n_waited;
	uint64_t *wanted; /* threads to ask about, as the source has them */
	size_t n_wanted, wanted_capacity;
};

struct process_entry *looks__process(struct looks *l, uint32_t tgid, uint32_t gen);

/* Asks for a thread, by a key of source_ops.threads. */
void looks__want(struct looks *l, uint64_t key);

/* Ascending uint64_t, for qsort and bsearch. */
int looks__compare_numbers(const void *a, const void *b);

/* Reads who holds the locks that were asked for, and asks what those threads do. */
void look_owners__find(struct looks *l);

/* Chains, cycles and evidence of the running look; passed_ns: since the look before. */
void look_graph__judge(struct looks *l, uint64_t passed_ns);

#endif
