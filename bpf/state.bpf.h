/* SPDX-License-Identifier: GPL-2.0-only */
/* What the probe families share: maps, knobs, loss counters. */
#ifndef STATE_BPF_H
#define STATE_BPF_H

#include "kernel.bpf.h"
#include "locktop.h"

/* Default map sizes; the loader sets them from the options. */
#define LOCKS_DEFAULT	  32768
#define THREADS_DEFAULT	  65536
#define PROCESSES_DEFAULT 16384
#define DEEP_DEFAULT	  4096
#define SCOPE_DEFAULT	  16384
#define HELD_DEFAULT	  256
#define WATCHED_DEFAULT	  8192
#define RING_BYTES	  (4 << 20)

/* Knobs, set before load. */
extern const volatile bool knob_scoped;		  /* only processes in the scope map */
extern const volatile bool knob_switch_has_state; /* sched_switch's 4th argument, since 5.18 */
extern const volatile __u32 knob_stack_bytes;
extern const volatile __u64 knob_sample_period_ns; /* at most one sample a lock in this time */
extern const volatile __u32 knob_samples_second;   /* at most so many a second in all */

/* Written by user space while the probes run. */
extern __u32 enabled;
extern __u32 epoch; /* number of the running interval */

extern __u64 losses[LOSS_COUNT];

/* One thread's running sleep. start_ns == 0: none. */
struct sleep_state {
	struct lock_key key;
	__u64 start_ns;
	__u64 woken_ns;
	__u64 next_sample_ns; /* copied from the lock: before it, this lock needs no look-up */
	__u32 lock_id;
	__u32 sequence;
	__u32 sample_id;
	__u32 waker;
	__u32 val;
	__u16 flags; /* OPEN_* */
	__u8 timed;  /* the call has a time-out */
	/* a wait that a signal interrupted: the kernel, or the program, may go on with it */
	__u8 interrupted;
	__u32 bucket; /* where its parts so far stand in the histogram */
	__u64 carried_ns;
	__u64 sp;
};

extern struct sleeps_map {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct sleep_state);
} sleeps SEC(".maps");

extern struct events_map {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_BYTES);
} events SEC(".maps");

struct sample_buffer {
	struct stack_event event;
	__u8 stack[STACK_BYTES_MAX + PAGE];
};

/* One for each CPU; values of a per-CPU map could not be so large. */
extern struct sample_buffers_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sample_buffer);
} sample_buffers SEC(".maps");

/* The process in time (struct process_key) that a thread belongs to. */
static __always_inline __u32 task__gen(struct task_struct *task)
{
	return (__u32)(task->group_leader->start_boottime >> 10) * 31 + (__u32)task->self_exec_id;
}

static __always_inline void loss__count(enum loss loss)
{
	__sync_fetch_and_add(&losses[loss], 1);
}

#endif
