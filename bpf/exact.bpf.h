/* SPDX-License-Identifier: GPL-2.0-only */
/* The exact tier's maps and what its operations are made of: totals, held locks, orders, samples.
 */
#ifndef EXACT_BPF_H
#define EXACT_BPF_H

#include "hist.bpf.h"
#include "stack.bpf.h"

/* Probes run where memory may be allocated: only what is used takes room. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, EXACT_DEFAULT);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct exact_key);
	__type(value, struct exact_stats);
} exact_locks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ORDERS_DEFAULT);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct order_key);
	__type(value, struct order_stats);
} orders SEC(".maps");

struct exact_buffer {
	__u32 taken; /* a probe that is preempted may be followed by another on this CPU */
	__u32 pad;
	struct sample_buffer sample;
};

/* One for each CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct exact_buffer);
} exact_buffers SEC(".maps");

static const struct exact_stats no_exact_stats;

__u64 exact_hits[HIT_CPUS * HIT_WORDS] __attribute__((aligned(64))) = {};

__u32 last_taker_id = 0;
/* The stack samples' bound holds for this tier's apart. */
__u64 taker_window_ns = 0;
__u32 taker_window_count = 0;

/* A call as its probe sees it. */
struct call {
	struct task_struct *task;
	struct pt_regs *regs;
	struct exact_thread *thread;
	__u64 cookie;
	__u64 addr;
	__u64 now;     /* of calls that let go, early; of those that take, late */
	__u64 sp, ret; /* where its return address stands, and what it is; 0: not read */
	__u32 op;
	bool several; /* a semaphore that more than one may have */
};

/* Of the call; a probe at the function's end may have replaced it already. */
static __always_inline __u64 return_address(const struct call *c)
{
	struct hidden_return hidden = {};
	__u64 address = 0;

	if (COOKIE_RETURNS & c->cookie) {
		task__hidden(c->task, &hidden);
		if (hidden.at == c->sp)
			return hidden.address;
	}
	bpf_probe_read_user(&address, sizeof(address), (void *)c->sp);
	return address;
}

static __always_inline struct exact_stats *exact__get(const struct call *c, __u64 addr)
{
	struct exact_key key = { .tgid = c->task->tgid, .gen = c->thread->gen, .addr = addr };
	struct exact_stats *stats = bpf_map_lookup_elem(&exact_locks, &key);

	if (stats)
		return stats;
	bpf_map_update_elem(&exact_locks, &key, &no_exact_stats, BPF_NOEXIST);
	stats = bpf_map_lookup_elem(&exact_locks, &key);
	if (!stats) {
		loss__count(LOSS_LOCKS_FULL);
		return NULL;
	}
	if (!stats->last_ns)
		stats->family = exact_family(addr == c->addr ? c->op : OP_MUTEX_LOCK);
	return stats;
}

#define ADD(member, n) __sync_fetch_and_add(&(member), n)

/* A program may be preempted by another on this CPU. */
static __always_inline void hit__count(void)
{
	__u32 cpu = bpf_get_smp_processor_id() & (HIT_CPUS - 1);

	ADD(exact_hits[cpu * HIT_WORDS], 1);
}

/*
 * Sends the stack of the current thread. Returns the sample's id, 0 if none was sent. Like others
 * below a function of its own for the verifier, which else would follow it along every way there.
 */
__noinline __u32 taker__send(__u32 type, __u64 addr, __u32 family)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 cpu = bpf_get_smp_processor_id(), id;
	struct exact_buffer *buffer = bpf_map_lookup_elem(&exact_buffers, &cpu);
	struct stack_event *event;

	if (!buffer || !knob_stack_bytes)
		return 0;
	if (__sync_val_compare_and_swap(&buffer->taken, 0, 1)) {
		loss__count(LOSS_SAMPLES_DROPPED);
		return 0;
	}
	id = (ADD(last_taker_id, 1) + 1) | 0x80000000;
	event = &buffer->sample.event;
	__builtin_memset(&event->key, 0, sizeof(event->key));
	event->key.tgid = task->tgid;
	event->key.gen = task__gen(task);
	event->key.addr = addr;
	event->key.signature = OP_EXACT | family;
	event->sample_id = id;
	event->val = 0;
	event->lock_id = 0;
	event->words = 0;
	stack__begin(event, type, task, (struct pt_regs *)bpf_task_pt_regs(task),
		     bpf_ktime_get_ns());
	if (!stack__send(&buffer->sample, STACK_BYTES_MAX / 2, BPF_RB_NO_WAKEUP))
		id = 0;
	buffer->taken = 0;
	return id;
}

/* Reads the clock, and if a sample was due, which takes a while, reads it again. */
static __always_inline __u32 taker__sample(struct call *c, struct exact_stats *stats)
{
	__u32 id;

	c->now = bpf_ktime_get_ns();
	if (c->now < stats->next_sample_ns ||
	    !rate__allows(&taker_window_ns, &taker_window_count, knob_samples_second, c->now))
		return 0;
	stats->next_sample_ns = c->now + knob_sample_period_ns;
	id = taker__send(EVENT_TAKER_STACK, c->addr, stats->family);
	c->now = bpf_ktime_get_ns();
	return id;
}

/* A place, with its bound where the verifier sees it. */
static __always_inline __u32 held__place(__u32 i)
{
	__asm__ volatile("" : "+r"(i));
	return i & (HELD_MAX - 1);
}

/* The place of a lock among those that the thread holds, the latest first; HELD_MAX: it has not. */
__noinline __u32 held__search(struct exact_thread *t, __u64 addr)
{
	__u32 n = t ? t->n : 0;

	for (__u32 i = 0; i < HELD_MAX && i < n; i++) {
		__u32 at = held__place(n - 1 - i);

		if (t->held[at].addr == addr)
			return at;
	}
	return HELD_MAX;
}

/* Most threads hold one or two, and let go what they took last. */
static __always_inline __u32 held__find(struct exact_thread *t, __u64 addr)
{
	__u32 n = t->n, at;

	if (!n)
		return HELD_MAX;
	at = held__place(n - 1);
	if (t->held[at].addr == addr)
		return at;
	return n == 1 ? HELD_MAX : held__search(t, addr);
}

/* Those above it come down. Returns 0: a function of its own returns something. */
__noinline int held__close(struct exact_thread *t, __u32 at)
{
	__u32 n = t ? t->n : 0;

	for (__u32 i = 0; i < HELD_MAX - 1 && at + 1 < n; i++, at++)
		t->held[held__place(at)] = t->held[held__place(at + 1)];
	return 0;
}

static __always_inline void held__remove(struct exact_thread *t, __u32 at)
{
	__u32 n = t->n;

	if (!n)
		return;
	if (at + 1 < n)
		held__close(t, at);
	t->n = n - 1;
}

static __always_inline __u64 gate_bit(__u64 addr)
{
	return 1ULL << ((addr * 0x9e3779b97f4a7c15ULL) >> 58);
}

/* Which of the locks that had this address, one after the other, it is. */
static __always_inline __u8 exact__life(const struct order_key *order, __u64 addr)
{
	struct exact_key key = { .tgid = order->tgid, .gen = order->gen, .addr = addr };
	const struct exact_stats *stats = bpf_map_lookup_elem(&exact_locks, &key);

	return stats ? stats->lives : 0;
}

/* Of the locks that a thread holds below the latest. */
__noinline __u64 held__gates(struct exact_thread *t)
{
	__u64 gates = 0;

	if (!t)
		return 0;
	for (__u32 i = 0; i < HELD_MAX && i + 1 < t->n; i++)
		gates |= gate_bit(t->held[i].addr);
	return gates;
}

/* From now on it is noted where this lock is taken. */
static __always_inline void exact__nested(const struct order_key *order)
{
	struct exact_key key = { .tgid = order->tgid, .gen = order->gen, .addr = order->from };
	struct exact_stats *stats = bpf_map_lookup_elem(&exact_locks, &key);

	if (stats)
		stats->nested = 1;
}

/* An edge that has not been seen before. Linux 6.1 wants what goes into maps on this stack. */
__noinline int order__add(const struct order_key *edge, const struct order_stats *first,
			  __u32 family)
{
	__u64 now = bpf_ktime_get_ns();
	struct order_key key;
	struct order_stats order;

	if (!edge || !first)
		return 0;
	key = *edge;
	order = *first;
	exact__nested(&key);
	order.first_ns = now;
	order.from_life = exact__life(&key, key.from);
	order.to_life = exact__life(&key, key.to);
	if (rate__allows(&taker_window_ns, &taker_window_count, knob_samples_second, now))
		order.sample_id = taker__send(EVENT_ORDER_STACK, key.to, family);
	if (bpf_map_update_elem(&orders, &key, &order, BPF_NOEXIST) &&
	    !bpf_map_lookup_elem(&orders, &key))
		loss__count(LOSS_ORDERS_FULL);
	return 0;
}

/* The lock is wanted while another is held: an edge from the latest of those. */
static __always_inline void order__note(const struct call *c, bool reader)
{
	struct exact_thread *t = c->thread;
	struct order_stats *order, first = {};
	struct order_key key = {};
	__u32 n = t->n, top;
	__u64 gates;
	__u8 shared;

	if (!n)
		return;
	key.tgid = c->task->tgid;
	key.gen = t->gen;
	key.to = c->addr;
	top = held__place(n - 1);
	key.from = t->held[top].addr;
	if (key.from == key.to)
		return;
	gates = n > 1 ? held__gates(t) : 0;
	shared = t->held[top].reader | reader << 1;
	order = bpf_map_lookup_elem(&orders, &key);
	if (order) {
		ADD(order->count, 1);
		if (order->tid != (__u32)c->task->pid)
			order->others = 1;
		else if (!order->caller)
			order->caller = t->held[top].caller;
		if (order->gates & ~gates)
			__sync_fetch_and_and(&order->gates, gates);
		if (order->shared & ~shared)
			order->shared &= shared;
		return;
	}
	first.count = 1;
	first.gates = gates;
	first.shared = shared;
	first.tid = c->task->pid;
	first.caller = t->held[top].caller;
	order__add(&key, &first, exact_family(c->op));
}

#endif
