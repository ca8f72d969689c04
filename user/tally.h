/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Cumulative counters -> figures of one interval. What an interval shows is
 * (closed + open, now) - (closed + open, then), so that a thread that never wakes still counts one
 * second every second. Pure: reads records, knows neither kernel nor /proc. The exact tier's
 * counters are in tally_exact.c.
 */
#ifndef TALLY_H
#define TALLY_H

#include "hash.h"
#include "recall.h"
#include "source.h"

/* Counters that only grow, or the growth of them in one interval. */
struct tally_sums {
	uint64_t sleeps;
	uint64_t blocked_ns;
	uint64_t delay_ns;
	uint64_t timeouts;
};

/* The same of the exact tier. */
struct exact_sums {
	uint64_t calls, reads, contended, failures, releases, signals, owner_changes;
	uint64_t wait_ns, hold_ns, read_hold_ns;
};

/* What the exact tier counts of an object; its tally_key's histogram is one of holds. */
struct tally_exact {
	struct exact_sums raw; /* as read */
	uint64_t held;	       /* of a semaphore: time that it was held so far; wraps */
	int64_t held_ns;       /* the same since it was first read */
	uint64_t shown_held_ns;
	uint32_t lives, owner;
	bool unbalanced; /* of a semaphore: what it was held cannot be told from its calls */
	/* the latest interval, sums scaled to all of it: */
	bool known;  /* the probes counted, and the kernel has an entry */
	bool reborn; /* destroyed in it: its address may be another lock's by now */
	bool joined; /* nothing happened to it, but its figures are wanted (parts.c) */
	struct exact_sums delta;
	uint64_t max_hold_ns;
	unsigned int spinners;
};

/* One lock_key through time. */
struct tally_key {
	struct lock_key key;
	uint32_t id;  /* lock_stats.id; 0 while no sleep on it has been entered by the kernel */
	uint32_t val; /* expected value of its first sleep */
	bool fresh;   /* new at this reading */
	bool present; /* in the latest reading */
	bool gone;    /* to be swept */
	unsigned int absent; /* latest readings in a row that knew nothing of it */
	/* what stands for it in the snapshot that is made: its ended waits, its open ones */
	const struct part *part, *current;
	struct tally_sums closed;
	struct tally_sums shown;     /* the most that closed + open ever was */
	uint32_t hist[HIST_BUCKETS]; /* closed, as read */
	uint64_t last_ns;
	uint32_t last_waker; /* 0: none yet */
	/* the latest interval: */
	struct tally_sums delta;
	uint32_t hist_delta[HIST_BUCKETS];
	uint64_t max_ns, oldest_ns;
	uint64_t open_n, open_blocked_ns, open_delay_ns;
	uint64_t open_new;	   /* of open_n: not the rest of an interrupted sleep */
	struct tally_exact *exact; /* of OP_EXACT | family and an object; NULL: a futex word */
	UT_hash_handle hh, hh_id;
};

/* One thread's part in one key. */
struct tally_wait_id {
	uint32_t tid;
	uint32_t pad;
	struct tally_key *key;
};

struct tally_wait {
	struct tally_wait_id id;
	uint32_t tgid;
	bool present; /* in the latest reading */
	bool gone;    /* to be swept */
	bool waiting;
	bool resumed; /* the open sleep is the rest of an interrupted one */
	char comm[LOCKTOP_COMM];
	unsigned int absent; /* latest readings in a row that knew nothing of it */
	uint32_t raw_sleeps; /* as read: wraps */
	uint64_t closed_sleeps, closed_wait_ns;
	uint64_t shown_sleeps, shown_wait_ns;
	uint64_t last_ns;
	/* the latest interval: */
	uint64_t sleeps, wait_ns;
	uint64_t open_ns; /* age of its open sleep; valid if waiting */
	UT_hash_handle hh;
};

struct tally {
	struct tally_key *keys;	  /* by key */
	struct tally_key *by_id;  /* by id */
	struct tally_wait *waits; /* by id */
	struct recall sleepers;	  /* their waits */
	uint64_t then_ns, now_ns;
	bool started;
	bool exact_on;
	uint64_t exact_ns;  /* cumulative, as read */
	double exact_share; /* of the latest interval that the exact tier's probes counted, 0..1 */
};

void tally__init(struct tally *t);
void tally__done(struct tally *t);

/* Takes a reading in: fills the interval figures of every key and wait. */
void tally__update(struct tally *t, const struct records *r);

struct tally_key *tally__find(struct tally *t, const struct lock_key *key);

/* Did anything happen on it in the latest interval? */
bool tally_key__active(const struct tally_key *k);

/* The exact tier's key of an object; NULL: it has seen none of this family (exact_family()). */
struct tally_key *tally__find_exact(struct tally *t, const struct process_key *process,
				    uint64_t address, uint32_t family);

/* Is it taken, as far as the exact tier knows? */
bool tally_exact__is_held(const struct tally_exact *x);

/* Removes the keys and waits marked `gone`, and the waits of such keys, in one pass. */
void tally__sweep(struct tally *t);

#endif
