/* SPDX-License-Identifier: GPL-2.0-only */
/* Where records come from: live probes now, recordings later. Cumulative counters, as read. */
#ifndef SOURCE_H
#define SOURCE_H

#include <stddef.h>

#include "../bpf/locktop.h"
#include "model.h"

/* One reading. Arrays belong to the source and are valid until its next reading. */
struct records {
	uint64_t now_ns; /* CLOCK_MONOTONIC, of the reading */
	uint32_t epoch;	 /* the interval that this reading ends: selects lock_stats.max */
	const struct lock_key *lock_keys;
	const struct lock_stats *locks;
	size_t n_locks;
	const struct wait_key *wait_keys;
	const struct wait_stats *waits;
	size_t n_waits;
	const struct process_key *process_keys;
	const struct process_stats *processes;
	size_t n_processes;
	const struct open_sleep *open;
	size_t n_open;
	const struct open_call *spinning; /* threads that spin for a lock (exact tier) */
	size_t n_spinning;
	uint64_t look_cost_ns; /* CPU time that finding the sleeps took */
	/* the exact tier; without it there are none */
	bool exact_on;	   /* it is there, though perhaps between two time slices */
	uint64_t exact_ns; /* cumulative: how long its probes counted; less than the time: slices */
	const struct exact_key *exact_keys;
	const struct exact_stats *exact;
	size_t n_exact;
	const struct order_key *order_keys;
	const struct order_stats *orders;
	size_t n_orders;
	const struct process_key *futex_keys;
	const struct futex_stats *futexes; /* calls, whether they slept or not */
	size_t n_futexes;
	/* how many fit: near it, old ones are forgotten sooner; exact_max 0: not known */
	size_t locks_max, waits_max, exact_max;
	uint64_t losses[LOSS_COUNT]; /* cumulative */
	struct self_cost self;	     /* cumulative cpu_ns, probe_ns, probe_runs; rss_bytes now */
};

/* The sleeps that go on now, without the totals. The array belongs to the source, as above. */
struct look {
	uint64_t now_ns;
	const struct open_sleep *open;
	size_t n_open;
	const struct open_call *spinning; /* threads that spin for a lock (exact tier) */
	size_t n_spinning;
	uint64_t cost_ns; /* CPU time that finding them took */
};

/* Called for each event in order; data is valid during the call. */
typedef void (*source_event_fn)(void *ctx, const void *data, size_t size);

struct source;

struct source_ops {
	/* Reads everything. 0 or -errno. */
	int (*read)(struct source *s, struct records *ret);
	/* Hands over the stack samples that have come since. 0 or -errno. */
	int (*drain)(struct source *s, source_event_fn fn, void *ctx);
	/*
	 * Optional, as the next two. Looks at the open sleeps between readings; a look is valid
	 * until the next look or reading. 0 or -errno.
	 */
	int (*look)(struct source *s, struct look *ret);
	/*
	 * What these threads do now: keys are thread numbers, or WATCH_PROCESS | process number for
	 * all of a process's threads. Threads that have ended are missing. Valid until the next
	 * call. 0 or -errno.
	 */
	int (*threads)(struct source *s, const uint64_t *keys, size_t n,
		       const struct thread_look **ret, size_t *n_ret);
	/*
	 * From now on, stacks of these threads are sampled as they run (EVENT_RUNNING_STACK,
	 * period_ns of running apart), each only while its word (words: one for each key) says that
	 * it holds the lock; n = 0: of none.
	 */
	void (*sample)(struct source *s, const uint64_t *keys, const struct held_word *words,
		       size_t n, uint64_t period_ns);
	/*
	 * An interpreter's process: from now on its frames come with its stacks; NULL: no longer.
	 * The words of its GILs: a wait for one goes on after its time-outs.
	 */
	void (*python)(struct source *s, uint32_t tgid, const struct python_process *process);
	/* word NULL: no longer */
	void (*gil)(struct source *s, const struct gil_key *key, const struct gil_word *word);
	/* The exact tier's totals of one lock now. 0, or -errno: it knows nothing of it. */
	int (*exact_lock)(struct source *s, const struct exact_key *key, struct exact_stats *ret);
	void (*forget_exact)(struct source *s, const struct exact_key *keys, size_t n);
	void (*forget_futexes)(struct source *s, const struct process_key *keys, size_t n);
	void (*forget_orders)(struct source *s, const struct order_key *keys, size_t n);
	/* Entries whose last numbers were read: make room for others. */
	void (*forget_locks)(struct source *s, const struct lock_key *keys, size_t n);
	void (*forget_waits)(struct source *s, const struct wait_key *keys, size_t n);
	void (*forget_processes)(struct source *s, const struct process_key *keys, size_t n);
	/* Stacks of this lock (lock_stats.id) are deeper than the usual copy: copy more from now
	 * on. */
	void (*deepen)(struct source *s, uint32_t lock_id);
	/* Something to do between readings (cost slices); the time until it wants to be called. */
	uint64_t (*tick)(struct source *s, uint64_t now_ns);
	/* A descriptor that polls readable when samples should be drained soon; -1: none. */
	int (*fd)(struct source *s);
	void (*free)(struct source *s);
};

struct source {
	const struct source_ops *ops;
};

#endif
