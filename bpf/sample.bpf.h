/* SPDX-License-Identifier: GPL-2.0-only */
/* Stack samples: which sleeps are sampled, and how much of their stacks is copied. */
#ifndef SAMPLE_BPF_H
#define SAMPLE_BPF_H

#include "stack.bpf.h"
#include "totals.bpf.h"

/* Locks whose stacks are deeper than the usual copy. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DEEP_DEFAULT);
	__type(key, __u32);
	__type(value, __u32);
} deep_locks SEC(".maps");

#define SAMPLE_OF   4 /* one of so many sleeps ... */
#define SAMPLE_LATE 3 /* ... until so many periods have passed without */

__u32 last_sample_id = 0;
__u64 sample_window_ns = 0;
__u32 sample_window_count = 0;

/*
 * How much of a stack to copy: of the first on a lock all that fits, then the usual amount, and all
 * again where user space found that this was not enough to reach the outermost frame.
 */
static __always_inline __u32 stack__want(__u32 lock_id, bool first)
{
	return first || bpf_map_lookup_elem(&deep_locks, &lock_id) ? STACK_BYTES_MAX
								   : knob_stack_bytes;
}

/* Sends the current thread's registers and stack. Returns whether they were sent. */
static __always_inline bool sample__send(enum event_type type, struct task_struct *task,
					 struct pt_regs *regs, const struct sleep_state *s,
					 __u32 sample_id, __u64 now, __u32 want, __u64 wakeup)
{
	struct sample_buffer *buffer = stack__buffer();
	struct stack_event *event;

	if (!buffer)
		return false;
	event = &buffer->event;
	event->sample_id = sample_id;
	event->key = s->key;
	event->val = s->val;
	event->lock_id = s->lock_id;
	event->words = 0;
	stack__begin(event, type, task, regs, now);
	if (type == EVENT_WAITER_STACK) {
		if (!bpf_probe_read_user(event->after, WORDS_AFTER, (void *)s->key.addr))
			event->words |= WORDS_HAVE_AFTER;
		if (!bpf_probe_read_user(event->before, WORDS_BEFORE,
					 (void *)(s->key.addr - WORDS_BEFORE)))
			event->words |= WORDS_HAVE_BEFORE;
	}
	return stack__send(buffer, want, wakeup);
}

/*
 * The first sleep after a given moment is more often than not the one that follows a long one: of
 * two threads that hold a lock in turn, the one that holds it shortly would get nearly all of the
 * samples. So most are passed by, at random, unless they are rare.
 */
static __always_inline bool sample__passes_by(const struct lock_stats *stats, __u64 now)
{
	return stats->next_sample_ns &&
	       now - stats->next_sample_ns < SAMPLE_LATE * knob_sample_period_ns &&
	       bpf_get_prandom_u32() % SAMPLE_OF;
}

/* A sleep begins: samples the first on each lock, then one a period. */
static __always_inline void sleep__sample(struct task_struct *task, struct pt_regs *regs,
					  struct sleep_state *s, __u64 now)
{
	bool new_process = false;
	struct lock_stats *stats = lock__get(task, &s->key, s->val, &new_process);
	__u32 id, want;

	s->lock_id = 0;
	s->next_sample_ns = 0;
	if (!stats)
		return;
	s->lock_id = stats->id;
	s->next_sample_ns = stats->next_sample_ns;
	if (now < s->next_sample_ns || !knob_stack_bytes || sample__passes_by(stats, now) ||
	    !rate__allows(&sample_window_ns, &sample_window_count, knob_samples_second, now))
		return;
	want = stack__want(s->lock_id, !stats->next_sample_ns);
	stats->next_sample_ns = s->next_sample_ns = now + knob_sample_period_ns;
	id = __sync_fetch_and_add(&last_sample_id, 1) + 1;
	/* a new process may end soon: its mappings are wanted while it is there */
	if (id && sample__send(EVENT_WAITER_STACK, task, regs, s, id, now, want,
			       new_process ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP))
		s->sample_id = id;
}

#endif
