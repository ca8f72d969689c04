/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Looks: moments, several an interval, at which the locks that threads wait for are asked who holds
 * them, and those threads what they do. What an interval's looks found is the evidence for owners,
 * blame, deadlocks and verdicts. A look costs time, so they come as often as they are cheap.
 */
#ifndef LOOKS_H
#define LOOKS_H

#include "deadlocks.h"
#include "hash.h"
#include "owners.h"
#include "samples.h"
#include "source.h"
#include "tally.h"

#define LOOK_CALLS 4 /* system calls of owners that are told apart for one lock */

/* One key that is waited for, through an interval. */
struct look_lock {
	struct lock_key key;
	/* the latest look: */
	struct sample_key *sample;
	struct process_entry *process;
	uint32_t place; /* in its graph; GRAPH_NONE: nobody waited */
	unsigned int waiters;
	uint64_t oldest_start_ns;
	uint32_t oldest_tid, oldest_sequence;
	int readers; /* -1: not recorded */
	pid_t owner; /* a live thread of the right process; 0: none */
	enum owner_proof proof;
	pid_t python;	  /* who has it, as its interpreter knows; 0: nobody, or it is not asked */
	bool python_told; /* that is certain */
	pid_t taker; /* who took it last, as the exact tier saw; 0: nobody, or it is not asked */
	uint32_t number;    /* as the lock has it, in the owner's namespace */
	uint64_t number_at; /* where, in every process that the owner can be of; 0: nowhere */
	uint32_t number_mask;
	bool moved;	  /* the owner had let go by the time that it was asked what it does */
	uint32_t missing; /* number of an owner that is not there */
	pid_t died;	  /* the same number at two looks in a row: it ended holding the lock */
	/* the running interval: */
	struct lock_looks looks;
	struct {
		int nr;
		unsigned int n;
	} calls[LOOK_CALLS];
	int last_readers;
	struct look_root {
		struct lock_key key;
		uint64_t weight; /* waiters times time */
	} * roots;		 /* the locks at the end of its waiters' chains */
	size_t n_roots, roots_capacity;
	bool used;
	/* wakes that went to others since its oldest waiter fell asleep */
	uint64_t overtaken;
	uint32_t overtaken_tid, overtaken_sequence;
	UT_hash_handle hh;
};

/* A thread that holds what is waited for. */
struct look_thread {
	uint32_t tid;
	struct thread_look now; /* at the latest look */
	uint64_t since_ns; /* it has not run since, at least; 0: it has, or that is not known */
	bool present;	   /* at the latest look */
	bool waits;	   /* in a futex wait, or spinning */
	uint64_t spins_ns; /* since when; 0: it does not spin */
	struct lock_key waits_for;
	struct named_stack stack; /* frames NULL: not taken */
	uint64_t stack_ns;	  /* when it was taken ... */
	uint64_t stack_switches;  /* ... and how often the thread had left a CPU by then */
	UT_hash_handle hh;
};

struct looks;

/* Borrows all. */
struct looks *looks__new(struct source *source, struct processes *processes,
			 struct samples *samples, struct owners *owners, struct proc *proc);
void looks__free(struct looks *l);

/* The look that ends an interval: at these open sleeps, and at all locks that were waited for. */
void looks__interval(struct looks *l, const struct look *look, struct tally *tally);

/* A look between, if it is time; whether or not, the time until the next one is due. */
uint64_t looks__tick(struct looks *l, uint64_t now_ns);

/* A look now; ret may be NULL. 0 or -errno. */
int looks__now(struct looks *l, struct look *ret);

/*
 * From now on, all threads of these processes are asked what they do, with their stacks; n = 0: of
 * none. Borrows pids.
 */
void looks__dump(struct looks *l, const pid_t *pids, size_t n);
bool looks__dumps(const struct looks *l, pid_t pid);

/* All threads that were ever asked about and are not forgotten (uthash). */
struct look_thread *looks__threads(struct looks *l);

/* EVENT_RUNNING_STACK; what is malformed is dropped. */
void looks__event(struct looks *l, const struct stack_event *e);

/* The interval was read: its figures begin anew. */
void looks__next_interval(struct looks *l);

/* What was found; NULL: nothing. Valid until the next look. */
struct look_lock *looks__lock(struct looks *l, const struct lock_key *key);
struct look_thread *looks__thread(struct looks *l, pid_t tid);
const struct deadlocks *looks__deadlocks(const struct looks *l);
/* Time of the latest look. */
uint64_t looks__time(const struct looks *l);

#endif
