/* SPDX-License-Identifier: GPL-2.0-only */
/* What sum*.c share: rows that grow from interval to interval. */
#ifndef SUM_INTERNAL_H
#define SUM_INTERNAL_H

#include <uthash.h>

#include "model.h"
#include "sum.h"

struct sum_process {
	struct process_key key;
	struct process row;
	unsigned int stamp; /* of the last interval that it was in, as below */
	UT_hash_handle hh;
};

struct sum_thread_key {
	uint32_t pid, gen, tid, zero;
};

struct sum_thread {
	struct sum_thread_key key;
	struct thread row;
	unsigned int stamp;
	size_t index; /* in the sum's snapshot */
	UT_hash_handle hh;
};

/* Weight of a site or a holder among its like: wait, and shares for where nobody waited. */
struct sum_weight {
	double wait, share;
};

struct sum_site {
	struct site row;
	uint64_t hash;
	struct sum_weight weight;
	size_t number; /* in the order that they came in */
};

struct sum_holder {
	struct holder row;
	struct thread thread; /* names only */
	struct sum_weight weight;
};

/* A call that the owner was asleep in, at so many looks. */
struct sum_call {
	const char *name;
	unsigned int n;
};

struct sum_lock_key {
	uint64_t pid, gen, address;
};

struct sum_lock {
	struct sum_lock_key key;
	struct sum_lock *next; /* of another kind at the same address */
	struct lock row;
	uint64_t told_ns; /* wait of the interval that told what it is */
	unsigned int stamp;
	bool hold_unknown;
	struct sum_site *sites;
	size_t n_sites, sites_capacity;
	struct sum_holder *holders;
	size_t n_holders, holders_capacity;
	struct sum_call *calls;
	size_t n_calls, calls_capacity;
	size_t index;
	struct sum_lock *after; /* all of them, in the order that they came in */
	UT_hash_handle hh;
};

struct sum_part_key {
	const struct sum_thread *thread;
	const struct sum_lock *lock;
};

struct sum_part {
	struct sum_part_key key;
	uint64_t sleeps, wait_ns;
	UT_hash_handle hh;
};

struct sum_text {
	UT_hash_handle hh;
	char text[];
};

struct sum {
	struct snapshot *s; /* the sum in the making */
	unsigned int n;	    /* intervals added; the stamp of the one being added */
	struct snapshot *last;
	double exact_ns;       /* exact shares times their intervals */
	double probe_known_ns; /* intervals whose probe figures are known */
	struct sum_process *processes;
	struct sum_thread *threads;
	struct sum_lock *locks, *first_lock, **end_lock;
	struct sum_part *parts;
	struct sum_text *texts;
	const char **fresh; /* inversions first reported in one of the intervals */
	size_t n_fresh, fresh_capacity;
	/* of the interval being added, later of the last one: its rows' places in the sum */
	struct sum_thread **thread_of;
	struct sum_lock **lock_of;
};

/* Text as the sum keeps it, once; NULL for NULL. */
const char *sum__text(struct sum *sum, const char *text);
struct frame *sum__frames(struct sum *sum, const struct frame *frames, size_t n);

/* sum_locks.c: a lock's figures of one interval into its row; and what becomes of them. */
struct sum_lock *sum_lock__add(struct sum *sum, const struct sum_lock_key *key,
			       const struct lock *from);
void sum_lock__finish(struct sum *sum, struct sum_lock *l, struct lock *to);
void sum_lock__free(struct sum_lock *l);

/* sum_last.c: what the last interval says of its end; threads and locks are in the sum already. */
void sum_last__fill(struct sum *sum);
/* What an interval, whichever, has to say for that. */
void sum_last__note(struct sum *sum, const struct snapshot *s);

#endif
