/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What each key adds to which lock. Most keys are words of one lock. A word of a thread's own (a
 * parker, a word on its stack) serves many: its figures are divided among the call sites that
 * waited, as their samples weigh. A word in memory that processes share is one lock for all.
 */
#ifndef PARTS_H
#define PARTS_H

#include "processes.h"
#include "samples.h"
#include "tally.h"

/* What tells locks apart. Of a shared lock: the process and address that were seen first. */
struct lock_identity {
	pid_t pid;
	uint32_t gen;
	uint64_t address;
};

struct part {
	struct tally_key *key; /* with exact figures: one of the exact tier's */
	struct sample_key *sample;
	struct process_entry *process;
	struct lock_identity id;
	const struct sample_site *site; /* the call site that is the lock; NULL: the word is */
	bool main;			/* of this key's parts: the one that waited most */
	bool current;			/* ... and the one that open sleeps are in */
	struct tally_sums sums;
	uint64_t open_n, oldest_ns, max_ns;
	uint32_t hist[HIST_BUCKETS];
	struct lock *lock; /* filled by assemble.c */
};

struct parts {
	struct part *items;
	size_t n, capacity;
};

struct identities; /* remembers who was first */

struct identities *identities__new(void);
void identities__free(struct identities *i);

/* Parts of all active keys in scope, those of one lock next to each other. */
void parts__collect(struct parts *p, struct identities *identities, struct tally *t,
		    struct samples *samples, struct processes *processes);
void parts__done(struct parts *p);

bool parts__same_lock(const struct part *a, const struct part *b);

#endif
