/* SPDX-License-Identifier: GPL-2.0-only */
/* What each operation on a lock does to its totals, and to what its thread holds. */
#ifndef EXACT_OPS_BPF_H
#define EXACT_OPS_BPF_H

#include "exact_words.bpf.h"

#define CALLERS_NOTED 256
#define OWNER_DEAD    130 /* EOWNERDEAD: taken, and its data are to be mended */

/* Does it let something go? The mutex, of those that wait for a condition. */
static __always_inline bool is_release(__u32 op)
{
	const __u32 releases = 1u << OP_MUTEX_UNLOCK | 1u << OP_RWLOCK_UNLOCK |
			       1u << OP_SPIN_UNLOCK | 1u << OP_SEM_POST | 1u << OP_COND_WAIT |
			       1u << OP_COND_TIMEDWAIT;

	return releases >> (op & 31) & 1;
}

/*
 * Who had it one after the other is told by who let go: the takers' order is not known where a call
 * found it free and another was faster. A semaphore may be let go by others than took it.
 */
static __always_inline void note_change(struct exact_stats *stats, __u32 *last, __u32 tid)
{
	if (*last == tid)
		return;
	if (*last)
		ADD(stats->owner_changes, 1);
	*last = tid;
}

static __always_inline void note_owner(struct exact_stats *stats, __u32 tid, __u64 now)
{
	if (stats->family == OP_SEM_WAIT)
		note_change(stats, &stats->taker, tid);
	stats->owner = tid;
	stats->last_ns = now;
}

/* Among the locks that the thread holds; since_ns 0: it will, when the call comes back. */
static __always_inline void hold(const struct call *c, __u64 addr, __u64 since_ns, __u32 sample,
				 bool reader)
{
	struct exact_thread *t = c->thread;
	__u32 at = held__place(t->n);

	if (t->n >= HELD_MAX) {
		loss__count(LOSS_HELD_FULL);
		return;
	}
	t->held[at].addr = addr;
	t->held[at].since_ns = since_ns;
	t->held[at].caller = c->ret;
	t->held[at].sample_id = sample;
	t->held[at].depth = 1;
	t->held[at].reader = reader;
	t->n = at + 1;
}

/*
 * The thread has it, since then; 0: it will, the call found it taken. A semaphore is nobody's:
 * others may let it go.
 */
static __always_inline void take(const struct call *c, struct exact_stats *stats, __u64 since_ns,
				 __u32 sample, bool reader)
{
	if (is_sem(c->op))
		ADD(stats->taken_sum, since_ns);
	else
		hold(c, c->addr, since_ns, sample, reader);
}

static __always_inline void count_taken(const struct call *c, struct exact_stats *stats,
					bool reader)
{
	ADD(stats->calls, 1);
	if (reader)
		ADD(stats->reads, 1);
}

/* The mutex that was let go for a condition is taken back. */
static __always_inline struct exact_stats *retake_cond(const struct call *c)
{
	struct exact_stats *stats = exact__get(c, c->thread->cond_mutex);

	c->thread->cond_mutex = 0;
	if (stats)
		ADD(stats->waiting, -1);
	return stats;
}

/* The thread came back from a wait for a condition: it has the mutex again. */
static __always_inline void settle_cond(const struct call *c)
{
	struct exact_thread *t = c->thread;
	__u64 addr = t->cond_mutex, at = t->ran_ns ? t->ran_ns : t->call_ns;
	struct exact_stats *stats = retake_cond(c);

	if (!stats)
		return;
	ADD(stats->calls, 1);
	if (t->ran_ns && t->ran_addr - addr < OBJECT_MAX)
		ADD(stats->contended, 1);
	note_owner(stats, c->task->pid, at);
	hold(c, addr, at, 0, false); /* the stack is the next call's by now */
}

/*
 * The call found the lock taken, or slept: it has it since it ran again. A call that found it free
 * was counted then.
 */
static __always_inline void settle_wait(const struct call *c)
{
	struct exact_thread *t = c->thread;
	__u64 at_ns = t->ran_ns ? t->ran_ns : t->call_ns, wait;
	struct exact_stats *stats = exact__get(c, t->call_addr);
	__u32 at;

	if (!stats)
		return;
	/* without a sleep it span, in user space or in the kernel, until another let go */
	if (stats->released_ns > at_ns && !is_reader(t->op))
		at_ns = stats->released_ns;
	wait = since(t->call_ns, at_ns);
	ADD(stats->wait_ns, wait);
	ADD(stats->contended, 1);
	if (t->contended) {
		ADD(stats->waiting, -1);
		count_taken(c, stats, is_reader(t->op));
	}
	if (is_sem(t->op))
		stats->taken_ns = at_ns;
	note_owner(stats, c->task->pid, at_ns);
	if (is_sem(t->op)) {
		ADD(stats->taken_sum, t->contended ? at_ns : wait);
		return;
	}
	at = held__find(t, t->call_addr);
	if (at < HELD_MAX)
		t->held[at].since_ns = at_ns;
}

/* The thread is seen elsewhere, so its last call is over. */
static __always_inline void settle(const struct call *c)
{
	struct exact_thread *t = c->thread;

	if (t->cond_mutex)
		settle_cond(c);
	else if (t->call_addr && !t->returns && (t->contended || t->ran_ns))
		settle_wait(c);
	t->call_addr = 0;
	t->ran_ns = 0;
	t->call_inner = 0;
	t->returns = 0;
}

static __always_inline void begin_call(const struct call *c, bool contended, bool returns)
{
	struct exact_thread *t = c->thread;

	t->call_addr = c->addr;
	t->call_ns = c->now;
	t->call_sp = c->sp;
	t->call_ret = c->ret;
	t->call_inner = COOKIE_INNER(c->cookie);
	t->op = c->op;
	t->contended = contended;
	t->returns = returns;
	t->sequence++;
}

/*
 * Wanted again by the thread that holds it: a recursive mutex, one more reader's turn; an
 * error-checking one refuses; of any other type, the thread waits for itself. tried: the call has
 * succeeded already.
 */
static __always_inline bool take_again(struct call *c, bool tried)
{
	bool mutex = c->op == OP_MUTEX_LOCK || c->op == OP_MUTEX_TIMEDLOCK;
	struct exact_thread *t = c->thread;
	__u32 at = is_sem(c->op) ? HELD_MAX : held__find(t, c->addr), type;
	struct exact_stats *stats;

	if (at >= HELD_MAX)
		return false;
	stats = exact__get(c, c->addr);
	type = mutex && !tried ? mutex_type(c) : MUTEX_RECURSIVE;
	if (type == MUTEX_RECURSIVE) {
		t->held[held__place(at)].depth++;
		if (stats)
			count_taken(c, stats, is_reader(c->op));
	}
	if (!tried) {
		c->now = bpf_ktime_get_ns();
		begin_call(c, false, false);
	}
	return true;
}

/*
 * Where it is taken matters to locks that others are wanted under, and to new ones, which may be.
 * Reading it costs as much as all else.
 */
static __always_inline bool wants_caller(const struct exact_stats *stats)
{
	return stats->nested || stats->calls < CALLERS_NOTED;
}

/* A call that comes back with the lock, sooner or later. */
static __always_inline void on_take(struct call *c)
{
	bool contended, reader = is_reader(c->op);
	struct exact_stats *stats;
	__u32 sample;

	if (take_again(c, false))
		return;
	stats = exact__get(c, c->addr);
	if (!stats)
		return;
	if (!c->ret && wants_caller(stats))
		c->ret = return_address(c);
	contended = find_taken(c, stats);
	if (!is_sem(c->op))
		order__note(c, reader);
	sample = taker__sample(c, stats);
	if (!contended) {
		count_taken(c, stats, reader);
		if (is_sem(c->op))
			stats->taken_ns = c->now;
		note_owner(stats, c->task->pid, c->now);
	}
	take(c, stats, contended ? 0 : c->now, sample, reader);
	begin_call(c, contended, false);
}

/* A call that may fail: what came of it is known at its end. */
static __always_inline void on_try(struct call *c)
{
	bool contended = is_taken(c);
	struct exact_stats *stats = c->several ? exact__get(c, c->addr) : NULL;

	if (stats)
		stats->multiple = 1;
	c->ret = return_address(c);
	if (c->op == OP_MUTEX_TIMEDLOCK || c->op == OP_RWLOCK_TIMEDRDLOCK ||
	    c->op == OP_RWLOCK_TIMEDWRLOCK)
		order__note(c, is_reader(c->op));
	c->now = bpf_ktime_get_ns();
	begin_call(c, contended, true);
}

/* alone: nobody else writes here, for the lock is this thread's still. */
static __always_inline void count_hold(struct exact_stats *stats, __u64 hold, bool alone)
{
	__u32 n = epoch, bucket = hist__masked(hist__bucket(hold));
	struct interval_max *max = &stats->max_hold[n & 1];

	if (alone) {
		stats->hold_ns += hold;
		stats->hold_hist[bucket]++;
	} else {
		ADD(stats->hold_ns, hold);
		ADD(stats->hold_hist[bucket], 1);
	}
	if (max->epoch != n) {
		max->ns = 0;
		max->epoch = n;
	}
	if (hold > max->ns)
		max->ns = hold;
}

static __always_inline void let_go(const struct call *c, __u64 addr)
{
	struct exact_thread *t = c->thread;
	struct exact_stats *stats = exact__get(c, addr);
	__u32 at = held__find(t, addr);
	struct held_lock *held;
	__u64 hold, since_ns;

	if (!stats) {
		if (at < HELD_MAX)
			held__remove(t, at);
		return;
	}
	ADD(stats->releases, 1);
	note_change(stats, &stats->taker, c->task->pid);
	stats->last_ns = c->now;
	if (at >= HELD_MAX) { /* taken before anybody looked, or by another thread */
		stats->released_ns = c->now;
		stats->owner = 0;
		return;
	}
	held = &t->held[at & (HELD_MAX - 1)];
	if (held->depth > 1) {
		held->depth--;
		return;
	}
	if (stats->owner == (__u32)c->task->pid)
		stats->owner = 0;
	since_ns = held->since_ns;
	/* it was another's until then: the call came when it was free for a moment, or span */
	if (!held->reader && stats->released_ns > since_ns)
		since_ns = stats->released_ns;
	stats->released_ns = c->now;
	hold = since(since_ns + exact_bias_ns, c->now);
	count_hold(stats, hold, !held->reader);
	if (held->reader)
		ADD(stats->read_hold_ns, hold);
	if (held->sample_id) {
		struct end_event end = { .type = EVENT_HOLD_END,
					 .sample_id = held->sample_id,
					 .blocked_ns = hold };

		if (bpf_ringbuf_output(&events, &end, sizeof(end), BPF_RB_NO_WAKEUP))
			loss__count(LOSS_SAMPLES_DROPPED);
	}
	held__remove(t, at);
}

static __always_inline void on_post(const struct call *c)
{
	struct exact_stats *stats = exact__get(c, c->addr);

	if (!stats)
		return;
	ADD(stats->releases, 1);
	ADD(stats->released_sum, c->now);
	if (stats->taker && stats->taker != (__u32)c->task->pid)
		ADD(stats->foreign, 1);
	if (!stats->owner)
		ADD(stats->spare, 1);
	else if (stats->taken_ns)
		count_hold(stats, since(stats->taken_ns + exact_bias_ns, c->now), true);
	stats->owner = 0;
	stats->last_ns = stats->released_ns = c->now;
}

/* The mutex is let go while the thread waits, and taken back before the call returns. */
static __always_inline void on_cond_wait(struct call *c)
{
	struct exact_stats *stats = exact__get(c, c->addr);
	__u64 mutex = arch__argument1(c->regs);

	if (stats)
		ADD(stats->calls, 1);
	c->ret = return_address(c);
	begin_call(c, false, false);
	let_go(c, mutex);
	stats = exact__get(c, mutex);
	if (stats)
		ADD(stats->waiting, 1);
	c->thread->cond_mutex = mutex;
}

static __always_inline void on_signal(const struct call *c)
{
	struct exact_stats *stats = exact__get(c, c->addr);

	if (stats)
		ADD(stats->signals, 1);
}

static __always_inline void on_destroy(const struct call *c)
{
	struct exact_stats *stats = exact__get(c, c->addr);
	__u32 at = held__find(c->thread, c->addr);

	if (at < HELD_MAX)
		held__remove(c->thread, at);
	if (!stats)
		return;
	ADD(stats->lives, 1);
	stats->owner = stats->slice = 0;
}

/*
 * A semaphore is made. Python makes one for each lock, over and over in the same memory: what was
 * counted there was another's.
 */
static __always_inline void on_sem_init(const struct call *c)
{
	struct exact_key key = { .tgid = c->task->tgid, .gen = c->thread->gen, .addr = c->addr };
	struct exact_stats *stats = bpf_map_lookup_elem(&exact_locks, &key);

	if (!stats)
		return;
	stats->before.calls = stats->calls;
	stats->before.contended = stats->contended;
	stats->before.failures = stats->failures;
	stats->before.releases = stats->releases;
	stats->before.wait_ns = stats->wait_ns;
	stats->before.hold_ns = stats->hold_ns;
	stats->before.owner_changes = stats->owner_changes;
	stats->foreign = stats->spare = stats->multiple = 0;
	stats->owner = stats->taker = 0;
	stats->taken_ns = stats->released_ns = 0;
	ADD(stats->lives, 1);
}

/* The probe stands behind the try: it passes once for each, and the last one succeeds. */
static __always_inline void on_spin_try(struct call *c)
{
	struct exact_thread *t = c->thread;
	bool goes_on = t->call_addr == c->addr && t->op == OP_SPIN_LOCK;
	struct exact_stats *stats;
	__u32 sample;

	if (!goes_on) {
		settle(c);
		order__note(c, false);
	}
	if (!arch__zero_flag(c->regs)) {
		if (!goes_on) {
			c->now = bpf_ktime_get_ns();
			begin_call(c, true, true);
		}
		return;
	}
	stats = exact__get(c, c->addr);
	if (!stats)
		return;
	if (wants_caller(stats))
		c->ret = return_address(c);
	sample = taker__sample(c, stats);
	count_taken(c, stats, false);
	if (goes_on) {
		ADD(stats->contended, 1);
		ADD(stats->wait_ns, since(t->call_ns, c->now));
	}
	note_owner(stats, c->task->pid, c->now);
	take(c, stats, c->now, sample, false);
	t->call_addr = 0;
	t->returns = 0;
}

static __always_inline void on_count(struct call *c)
{
	struct exact_stats *stats = exact__get(c, c->addr);

	if (stats)
		ADD(stats->calls, 1);
	c->now = bpf_ktime_get_ns();
	begin_call(c, false, false);
}

#endif
