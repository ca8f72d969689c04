/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One side of a comparison: its intervals added up, lock by lock. A lock is one row here for each
 * address of each process; diff.c finds out which of them are the same. Pure.
 */
#ifndef DIFF_SIDE_H
#define DIFF_SIDE_H

#include <uthash.h>

#include "model.h"

#define DIFF_BLOCKS 32	      /* parts of its time that the spread of a load is taken from */
#define DIFF_PLACES 8	      /* where a lock is waited for; the first ones are remembered */
#define DIFF_LOCKS  (1 << 18) /* told apart on one side */

/* What the exact tier counts. */
enum diff_exact { DIFF_ACQUISITIONS, DIFF_HOLD, DIFF_TRY_FAILURES, DIFF_EXACT };

struct diff_counter {
	bool known;	  /* in one interval at least */
	double sum;	  /* of the intervals in which it is */
	double unknown_s; /* length of those intervals of the exact tier in which it is not */
};

struct diff_sum {
	double wait_s;
	double sleeps;
	uint64_t max_ns;
	uint64_t *hist; /* HIST_BUCKETS; NULL: no wait has ended */
	double block_wait_s[DIFF_BLOCKS];
};

struct diff_place {
	const char *text;     /* as words__frame says it */
	const char *function; /* NULL: none is known, or the text says no more */
	double weight;
};

struct diff_seen {
	const char *key;
	const char *comm; /* NULL: unknown */
	const char *name; /* of its own; NULL: it is called after a place */
	const char *name_from;
	enum lock_kind kind;
	enum lock_class class;
	struct diff_place places[DIFF_PLACES];
	size_t n_places;
	struct diff_sum sum;
	struct diff_counter counters[DIFF_EXACT];
	UT_hash_handle hh;
};

struct diff_side {
	const char *path; /* the caller's */
	const char *host;
	const char *version;
	bool idle; /* waits of that class count too */
	struct timespec begin, end;
	uint64_t intervals;
	double seconds;
	double exact_s; /* of them, counted by the exact tier */
	bool scaled;	/* its figures were, from a part of the time */
	uint64_t losses;
	size_t deadlocks; /* the most at a time */
	struct diff_sum total;
	double listed_s; /* wait of the locks that the intervals list: short of the total if cut */
	double block_s[DIFF_BLOCKS];
	size_t n_blocks;
	uint64_t per_block; /* intervals */
	struct diff_seen *seen;
	struct diff_text *texts;
};

struct diff_side *diff_side__new(const char *path, bool idle);
void diff_side__free(struct diff_side *side);

/* Begins an interval: all of the snapshot but its locks. */
void diff_side__begin(struct diff_side *side, const struct snapshot *s);

/* A lock of this interval. -ENOSPC: too many. */
int diff_side__lock(struct diff_side *side, const struct snapshot *s, const struct lock *lock);

/* Both, for a snapshot that is whole: its locks are those that exports list. */
int diff_side__add(struct diff_side *side, const struct snapshot *s);

/* Where it is mostly waited for (of what nobody waits for: taken); NULL: not known. */
const struct diff_place *diff_seen__place(const struct diff_seen *seen);

void diff_sum__add(struct diff_sum *to, const struct diff_sum *from);

#endif
