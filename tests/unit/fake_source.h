/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A source that tests fill by hand. It behaves as the kernel's maps do: what is forgotten is gone,
 * and is made anew, under another id, when it is slept on again.
 */
#ifndef FAKE_SOURCE_H
#define FAKE_SOURCE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../user/source.h"
#include "../../user/util.h"

#define MS	  1000000ULL
#define FAKE_MAX  64
#define FAKE_GEN  7
#define SIG_MUTEX SIGNATURE(0x80, VALUE_2)
#define SIG_COND  SIGNATURE(0x189, VALUE_0)
#define SIG_JOIN  SIGNATURE(0x109, VALUE_OTHER)

struct fake_event {
	const void *data;
	size_t size;
};

/* What the kernel holds. */
struct fake_maps {
	struct lock_key lock_keys[FAKE_MAX];
	struct lock_stats locks[FAKE_MAX];
	size_t n_locks;
	struct wait_key wait_keys[FAKE_MAX];
	struct wait_stats waits[FAKE_MAX];
	size_t n_waits;
	struct process_key process_keys[FAKE_MAX];
	struct process_stats processes[FAKE_MAX];
	size_t n_processes;
	struct open_sleep open[FAKE_MAX];
	size_t n_open;
	struct exact_key exact_keys[FAKE_MAX];
	struct exact_stats exact[FAKE_MAX];
	size_t n_exact;
	struct order_key order_keys[FAKE_MAX];
	struct order_stats orders[FAKE_MAX];
	size_t n_orders;
	struct open_call spinning[FAKE_MAX];
	size_t n_spinning;
};

struct fake {
	struct source source;
	struct fake_maps maps, reading; /* reading: a copy, for what goes on does not change it */
	struct fake_event events[FAKE_MAX];
	size_t n_events;
	size_t locks_max, waits_max, exact_max;
	bool exact_on;
	uint64_t exact_off_ns; /* cumulative: how long its probes did not count */
	uint64_t now_ns;
	uint32_t epoch, last_id;
	uint64_t losses[LOSS_COUNT];
	struct self_cost self;
	int read_err, drain_err;
	void (*on_drain)(struct fake *f); /* something that happens after the maps were read */
	size_t forgot_locks, forgot_waits, forgot_processes, forgot_exact, forgot_orders;
	/* after fake__watches(): what threads do, and what was asked of the source */
	struct thread_look looks[FAKE_MAX], looked[FAKE_MAX];
	size_t n_looks;
	uint64_t watched[FAKE_MAX], sampled[FAKE_MAX];
	size_t n_watched, n_sampled, looks_taken;
	uint64_t sample_period_ns;
	uint64_t look_cost_ns; /* of the next readings */
	int look_err, threads_err;
	void (*on_look)(struct fake *f); /* something that happens between readings */
};

static inline struct fake *fake_of(struct source *s)
{
	return (struct fake *)s;
}

static inline int fake_read(struct source *s, struct records *ret)
{
	struct fake *f = fake_of(s);

	if (f->read_err)
		return f->read_err;
	f->reading = f->maps;
	*ret = (struct records){ .now_ns = f->now_ns,
				 .epoch = f->epoch++,
				 .lock_keys = f->reading.lock_keys,
				 .locks = f->reading.locks,
				 .n_locks = f->reading.n_locks,
				 .wait_keys = f->reading.wait_keys,
				 .waits = f->reading.waits,
				 .n_waits = f->reading.n_waits,
				 .process_keys = f->reading.process_keys,
				 .processes = f->reading.processes,
				 .n_processes = f->reading.n_processes,
				 .open = f->reading.open,
				 .n_open = f->reading.n_open,
				 .spinning = f->reading.spinning,
				 .n_spinning = f->reading.n_spinning,
				 .look_cost_ns = f->look_cost_ns,
				 .exact_on = f->exact_on,
				 .exact_ns = f->now_ns - f->exact_off_ns,
				 .exact_keys = f->reading.exact_keys,
				 .exact = f->reading.exact,
				 .n_exact = f->reading.n_exact,
				 .order_keys = f->reading.order_keys,
				 .orders = f->reading.orders,
				 .n_orders = f->reading.n_orders,
				 .exact_max = f->exact_max,
				 .locks_max = f->locks_max,
				 .waits_max = f->waits_max,
				 .self = f->self };
	memcpy(ret->losses, f->losses, sizeof(ret->losses));
	return 0;
}

static inline int fake_drain(struct source *s, source_event_fn fn, void *ctx)
{
	struct fake *f = fake_of(s);

	if (f->drain_err)
		return f->drain_err;
	for (size_t i = 0; i < f->n_events; i++)
		fn(ctx, f->events[i].data, f->events[i].size);
	f->n_events = 0;
	if (f->on_drain)
		f->on_drain(f);
	return 0;
}

/* Takes an entry out of a pair of arrays: the last one fills its place. */
#define FAKE_FORGET(f, keys, values, n, wanted)                                            \
	for (size_t i_ = 0; i_ < (f)->maps.n; i_++) {                                      \
		if (memcmp(&(f)->maps.keys[i_], (wanted), sizeof((f)->maps.keys[0])) != 0) \
			continue;                                                          \
		(f)->maps.n--;                                                             \
		(f)->maps.keys[i_] = (f)->maps.keys[(f)->maps.n];                          \
		(f)->maps.values[i_] = (f)->maps.values[(f)->maps.n];                      \
		break;                                                                     \
	}

static inline void fake_forget_locks(struct source *s, const struct lock_key *keys, size_t n)
{
	struct fake *f = fake_of(s);

	f->forgot_locks += n;
	for (size_t i = 0; i < n; i++)
		FAKE_FORGET(f, lock_keys, locks, n_locks, &keys[i]);
}

static inline void fake_forget_waits(struct source *s, const struct wait_key *keys, size_t n)
{
	struct fake *f = fake_of(s);

	f->forgot_waits += n;
	for (size_t i = 0; i < n; i++)
		FAKE_FORGET(f, wait_keys, waits, n_waits, &keys[i]);
}

static inline void fake_forget_processes(struct source *s, const struct process_key *keys, size_t n)
{
	struct fake *f = fake_of(s);

	f->forgot_processes += n;
	for (size_t i = 0; i < n; i++)
		FAKE_FORGET(f, process_keys, processes, n_processes, &keys[i]);
}

static inline void fake_forget_exact(struct source *s, const struct exact_key *keys, size_t n)
{
	struct fake *f = fake_of(s);

	f->forgot_exact += n;
	for (size_t i = 0; i < n; i++)
		FAKE_FORGET(f, exact_keys, exact, n_exact, &keys[i]);
}

static inline void fake_forget_orders(struct source *s, const struct order_key *keys, size_t n)
{
	struct fake *f = fake_of(s);

	f->forgot_orders += n;
	for (size_t i = 0; i < n; i++)
		FAKE_FORGET(f, order_keys, orders, n_orders, &keys[i]);
}

static inline int fake_exact_lock(struct source *s, const struct exact_key *key,
				  struct exact_stats *ret)
{
	struct fake *f = fake_of(s);

	for (size_t i = 0; i < f->maps.n_exact; i++) {
		if (memcmp(&f->maps.exact_keys[i], key, sizeof(*key)) != 0)
			continue;
		*ret = f->maps.exact[i];
		return 0;
	}
	return -ENOENT;
}

static inline int fake_look(struct source *s, struct look *ret)
{
	struct fake *f = fake_of(s);
	uint64_t begun = util__cpu_ns();

	if (f->look_err)
		return f->look_err;
	f->looks_taken++;
	if (f->on_look)
		f->on_look(f);
	memcpy(f->reading.open, f->maps.open, sizeof(f->maps.open));
	memcpy(f->reading.spinning, f->maps.spinning, sizeof(f->maps.spinning));
	*ret = (struct look){ .now_ns = f->now_ns,
			      .open = f->reading.open,
			      .n_open = f->maps.n_open,
			      .spinning = f->reading.spinning,
			      .n_spinning = f->maps.n_spinning,
			      .cost_ns = util__cpu_ns() - begun };
	return 0;
}

static inline size_t fake_keys(uint64_t *to, const uint64_t *keys, size_t n)
{
	assert_true(n <= FAKE_MAX);
	if (n)
		memcpy(to, keys, n * sizeof(*keys));
	return n;
}

static inline bool fake_watched(const struct fake *f, const struct thread_look *l)
{
	for (size_t i = 0; i < f->n_watched; i++)
		if (f->watched[i] == l->tid || f->watched[i] == (WATCH_PROCESS | l->tgid))
			return true;
	return false;
}

static inline int fake_threads(struct source *s, const uint64_t *keys, size_t n,
			       const struct thread_look **ret, size_t *n_ret)
{
	struct fake *f = fake_of(s);

	if (f->threads_err)
		return f->threads_err;
	f->n_watched = fake_keys(f->watched, keys, n);
	*n_ret = 0;
	for (size_t i = 0; i < f->n_looks; i++)
		if (fake_watched(f, &f->looks[i]))
			f->looked[(*n_ret)++] = f->looks[i];
	*ret = f->looked;
	return 0;
}

static inline void fake_sample(struct source *s, const uint64_t *keys,
			       const struct held_word *words, size_t n, uint64_t period_ns)
{
	struct fake *f = fake_of(s);

	f->n_sampled = fake_keys(f->sampled, keys, n);
	f->sample_period_ns = n ? period_ns : 0;
}

static const struct source_ops fake_ops = {
	.read = fake_read,
	.drain = fake_drain,
	.forget_locks = fake_forget_locks,
	.forget_waits = fake_forget_waits,
	.forget_processes = fake_forget_processes,
};

/* The same with all that is optional. */
static const struct source_ops fake_watching_ops = {
	.read = fake_read,
	.drain = fake_drain,
	.look = fake_look,
	.threads = fake_threads,
	.sample = fake_sample,
	.exact_lock = fake_exact_lock,
	.forget_exact = fake_forget_exact,
	.forget_orders = fake_forget_orders,
	.forget_locks = fake_forget_locks,
	.forget_waits = fake_forget_waits,
	.forget_processes = fake_forget_processes,
};

static inline void fake__init(struct fake *f)
{
	*f = (struct fake){ .source = { .ops = &fake_ops },
			    .locks_max = 1000,
			    .waits_max = 1000,
			    .exact_max = 1000,
			    .now_ns = 1000 * NSEC_PER_SEC };
}

static inline void fake__watches(struct fake *f)
{
	f->source.ops = &fake_watching_ops;
}

/* What a thread does from now on. */
static inline struct thread_look *fake__thread(struct fake *f, pid_t pid, uint32_t tid,
					       enum thread_state state)
{
	struct thread_look *l = NULL;

	for (size_t i = 0; i < f->n_looks; i++)
		if (f->looks[i].tid == tid)
			l = &f->looks[i];
	if (!l)
		l = &f->looks[f->n_looks++];
	*l = (struct thread_look){ .tid = tid,
				   .tgid = pid,
				   .gen = FAKE_GEN,
				   .state = state,
				   .syscall = -1,
				   .time_ns = f->now_ns,
				   .switches = l->switches + 1,
				   .comm = "thread" };
	return l;
}

static inline struct lock_key fake__key(pid_t pid, uint64_t address, uint32_t signature)
{
	return (struct lock_key){
		.tgid = pid, .gen = FAKE_GEN, .addr = address, .signature = signature
	};
}

static inline void fake__process(struct fake *f, pid_t pid, uint32_t gen, const char *comm)
{
	struct process_stats *stats = &f->maps.processes[f->maps.n_processes];

	f->maps.process_keys[f->maps.n_processes++] =
		(struct process_key){ .tgid = pid, .gen = gen };
	*stats = (struct process_stats){ .uid = 0 };
	memcpy(stats->comm, comm, MIN(strlen(comm), sizeof(stats->comm)));
}

/* More sleeps on a key, by one thread: as the kernel enters them when they end. */
static inline void fake__sleeps(struct fake *f, struct lock_key key, uint32_t tid, uint32_t sleeps,
				uint64_t blocked_ms, uint64_t delay_ms)
{
	struct lock_stats *stats = NULL;
	struct wait_stats *wait = NULL;

	for (size_t i = 0; i < f->maps.n_locks; i++)
		if (!memcmp(&f->maps.lock_keys[i], &key, sizeof(key)))
			stats = &f->maps.locks[i];
	if (!stats) {
		f->maps.lock_keys[f->maps.n_locks] = key;
		stats = &f->maps.locks[f->maps.n_locks++];
		*stats = (struct lock_stats){ .id = ++f->last_id };
	}
	stats->hist[40] += sleeps;
	stats->blocked_ns += blocked_ms * MS;
	stats->delay_ns += delay_ms * MS;
	stats->last_ns = f->now_ns;
	for (size_t i = 0; i < f->maps.n_waits; i++)
		if (f->maps.wait_keys[i].tid == tid && f->maps.wait_keys[i].lock_id == stats->id)
			wait = &f->maps.waits[i];
	if (!wait) {
		f->maps.wait_keys[f->maps.n_waits] =
			(struct wait_key){ .tid = tid, .lock_id = stats->id };
		wait = &f->maps.waits[f->maps.n_waits++];
		*wait = (struct wait_stats){ .tgid = key.tgid, .comm = "waiter" };
	}
	wait->sleeps += sleeps;
	wait->wait_ns += (blocked_ms + delay_ms) * MS;
	wait->last_ns = f->now_ns;
}

/* What the exact tier counts of an object; made if need be. */
static inline struct exact_stats *fake__exact(struct fake *f, pid_t pid, uint64_t address,
					      enum exact_op family)
{
	struct exact_key key = { .tgid = pid, .gen = FAKE_GEN, .addr = address };
	struct exact_stats *stats;

	for (size_t i = 0; i < f->maps.n_exact; i++)
		if (!memcmp(&f->maps.exact_keys[i], &key, sizeof(key)))
			return &f->maps.exact[i];
	f->maps.exact_keys[f->maps.n_exact] = key;
	stats = &f->maps.exact[f->maps.n_exact++];
	*stats = (struct exact_stats){ .family = family };
	return stats;
}

/* A thread that has spun for a lock since then. */
static inline struct open_call *fake__spin(struct fake *f, pid_t pid, uint64_t address,
					   uint32_t tid, uint64_t start_ns)
{
	struct open_call *c = &f->maps.spinning[f->maps.n_spinning++];

	*c = (struct open_call){ .key = { .tgid = pid, .gen = FAKE_GEN, .addr = address },
				 .start_ns = start_ns,
				 .tid = tid,
				 .op = OP_SPIN_LOCK,
				 .sequence = 1,
				 .comm = "spinner" };
	return c;
}

/* age_ms: at the next reading, which is a second later. */
static inline struct open_sleep *fake__open(struct fake *f, struct lock_key key, uint32_t tid,
					    uint64_t age_ms)
{
	struct open_sleep *o = &f->maps.open[f->maps.n_open++];

	*o = (struct open_sleep){ .key = key, .tid = tid, .comm = "sleeper" };
	o->start_ns = f->now_ns + NSEC_PER_SEC - age_ms * MS;
	return o;
}

static inline void fake__event(struct fake *f, const void *data, size_t size)
{
	f->events[f->n_events++] = (struct fake_event){ data, size };
}

#endif
