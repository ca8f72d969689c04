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
#define EXACT_DEFAULT	  65536
#define ORDERS_DEFAULT	  16384
#define PYTHONS_DEFAULT	  4096
#define OBJECT_MAX	  56 /* bytes of the largest lock (rwlock); a futex word lies within */
#define RING_BYTES	  (4 << 20)

/* Knobs, set before load. */
extern const volatile bool knob_scoped;		  /* only processes in the scope map */
extern const volatile bool knob_switch_has_state; /* sched_switch's 4th argument, since 5.18 */
extern const volatile __u32 knob_stack_bytes;
extern const volatile __u64 knob_sample_period_ns; /* at most one sample a lock in this time */
extern const volatile __u32 knob_samples_second;   /* at most so many a second in all */

extern const volatile __u32 knob_events_second; /* sleeps one by one, at most; 0: none */

extern const volatile bool knob_exact;	      /* the exact tier's probes may be on ... */
extern const volatile bool knob_exact_scoped; /* ... for processes in the map exact_scope only */

/* Written by user space while the probes run. */
extern __u32 enabled;
extern __u32 epoch; /* number of the running interval */
/* By which holds are measured too long, by what the probes take; more, where a call's end tells. */
extern __u64 exact_bias_ns;
extern __u64 exact_end_bias_ns;
extern __u64 exact_dear;  /* hits of COOKIE_DEAR so far */
extern __u32 exact_self;  /* locktop's own process, whose calls are nobody's concern */
extern __u32 exact_slice; /* of the exact tier's time slices; 0: it is off */

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
	__u16 flags;  /* OPEN_* */
	__u8 timed;   /* the call has a time-out */
	__u8 ended;   /* how, of the last sleep: enum sleep_end */
	__u32 bucket; /* where its parts so far stand in the histogram */
	__u32 waker_tgid;
	__u64 carried_ns;
	__u64 sp;
};

extern struct sleeps_map {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct sleep_state);
} sleeps SEC(".maps");

#define HELD_MAX 16 /* locks that one thread holds at once, at most, so that they are known */

/* A lock that a thread holds. */
struct held_lock {
	__u64 addr;
	__u64 since_ns;
	__u64 caller;	 /* return address of the call that took it */
	__u32 sample_id; /* of its EVENT_TAKER_STACK; 0: none */
	__u16 depth;	 /* how often it was taken and not let go */
	__u8 reader;
	__u8 pad;
};

/* What the exact tier knows of a thread. */
struct exact_thread {
	__u64 call_addr; /* object of the call that it may still be in; 0: none */
	__u64 call_ns;
	__u64 ran_ns;	/* end of its last sleep since then; 0: none */
	__u64 ran_addr; /* what it slept on */
	__u64 call_sp;	/* where the call's return address stands, and what it is */
	__u64 call_ret;
	__u64 cond_mutex; /* to be taken back when the wait for a condition is over; 0: none */
	__u32 call_inner; /* operations that come on behalf of the same call */
	__u32 exec_id;
	__u32 gen;
	__u32 slice;
	__u32 sequence; /* of calls */
	__u8 op;
	__u8 contended; /* the call found it taken */
	__u8 returns;	/* what came of the call is known when it returns */
	__u8 n;		/* locks held */
	__u32 ignored;	/* its process is not of the exact tier's scope */
	struct held_lock held[HELD_MAX];
};

extern struct exact_threads_map {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct exact_thread);
} exact_threads SEC(".maps");

extern struct events_map {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_BYTES);
} events SEC(".maps");

/* struct sleep_event; the loader knows how many. */
extern struct sleep_events_map {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, PAGE);
} sleep_events SEC(".maps");

/* Processes of the exact tier, where it has a scope; children are added as they are forked. */
extern struct exact_scope_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SCOPE_DEFAULT);
	__type(key, __u32);
	__type(value, __u32);
} exact_scope SEC(".maps");

struct python_buffer {
	struct python_event event;
	struct python_head heads[PYTHON_FRAMES_MAX];
};

struct sample_buffer {
	struct stack_event event;
	__u8 stack[STACK_BYTES_MAX + PAGE];
	struct python_buffer python;
};

/* One for each CPU; values of a per-CPU map could not be so large. */
extern struct sample_buffers_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sample_buffer);
} sample_buffers SEC(".maps");

static __always_inline __u32 gen_of(__u64 start_boottime_ns, __u64 exec_id)
{
	return (__u32)(start_boottime_ns >> 10) * 31 + (__u32)exec_id;
}

/*
 * The process in time (struct process_key) that a thread belongs to. By helpers, here as in other
 * rare paths: for each pointer that a program follows itself, the verifier searches all of the
 * kernel's types, each time it comes by, and most of its time went there.
 */
static __always_inline __u32 task__gen(struct task_struct *task)
{
	return gen_of(BPF_CORE_READ(task, group_leader, start_boottime), task->self_exec_id);
}

/* The same, where every sleep and every call comes by. */
static __always_inline __u32 task__gen_fast(struct task_struct *task)
{
	return gen_of(task->group_leader->start_boottime, task->self_exec_id);
}

extern struct processes_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PROCESSES_DEFAULT);
	__type(key, struct process_key);
	__type(value, struct process_stats);
} processes SEC(".maps");

/* For user space, which reads the stacks of sleepers itself. */
static __always_inline void task__hidden(struct task_struct *task, struct hidden_return *out)
{
	struct return_instance *hidden = BPF_CORE_READ(task, utask, return_instances);

	if (!hidden)
		return;
	out->at = BPF_CORE_READ(hidden, stack);
	out->address = BPF_CORE_READ(hidden, orig_ret_vaddr);
}

/* A machine-wide bound: so many a second, in windows of 100 ms, so that no second starves at its
 * end. */
static __always_inline bool rate__allows(__u64 *window_ns, __u32 *count, __u32 second, __u64 now)
{
	if (now - *window_ns >= 100000000) {
		*window_ns = now;
		*count = 0;
	}
	return __sync_fetch_and_add(count, 1) < (second + 9) / 10;
}

static __always_inline void loss__count(enum loss loss)
{
	__sync_fetch_and_add(&losses[loss], 1);
}

/* Enters a process that has not been seen yet; returns whether it was one. */
static __always_inline bool process__note(struct task_struct *task)
{
	struct process_key key = { .tgid = task->tgid, .gen = task__gen(task) };
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct process_stats stats = {};

	if (bpf_map_lookup_elem(&processes, &key))
		return false;
	stats.start_boottime_ns = BPF_CORE_READ(leader, start_boottime);
	stats.uid = BPF_CORE_READ(leader, real_cred, uid.val);
	stats.ppid = BPF_CORE_READ(leader, real_parent, tgid);
	bpf_probe_read_kernel(stats.comm, sizeof(stats.comm), leader->comm);
	if (bpf_map_update_elem(&processes, &key, &stats, BPF_NOEXIST)) {
		if (!bpf_map_lookup_elem(&processes, &key)) /* not a race that another won */
			loss__count(LOSS_PROCESSES_FULL);
		return false;
	}
	return true;
}

#endif
