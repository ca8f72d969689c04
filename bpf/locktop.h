/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The contract between the probes and user space: keys, values, events and loss names.
 * Fixed-width types, explicit padding, sizes asserted. Times are CLOCK_MONOTONIC nanoseconds.
 */
#ifndef LOCKTOP_H
#define LOCKTOP_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define LOCKTOP_COMM 16

/*
 * Wait histogram: HIST_STEPS linear steps in each doubling, from 2^HIST_FIRST ns. What is shorter
 * falls into the first bucket, what is longer (18 minutes) into the last.
 */
#define HIST_STEP_BITS 2
#define HIST_STEPS     (1 << HIST_STEP_BITS)
#define HIST_FIRST     8
#define HIST_DOUBLINGS 32
#define HIST_BUCKETS   (HIST_STEPS * HIST_DOUBLINGS)

/* A process in time: gen tells a reused pid, or the program before an exec, from this one. */
struct process_key {
	__u32 tgid;
	__u32 gen;
};

/*
 * What the kernel can tell apart: a futex word and how it is waited for. User space joins keys of
 * one object (two words of a condition variable, readers and writers of a rwlock) into one lock.
 */
struct lock_key {
	__u32 tgid;
	__u32 gen;
	__u64 addr;
	__u32 signature; /* SIGNATURE(op, value class) */
	__u32 pad;
};

/* Values a waiter expects in the word, as far as they tell kinds apart (FUTEX_WAIT's val). */
enum value_class {
	VALUE_0,
	VALUE_1,
	VALUE_2,
	VALUE_3,
	VALUE_GUARD, /* 0x10100: __cxa_guard_acquire */
	VALUE_ALL,   /* 0xffffffff: musl sem, rwlock */
	VALUE_TOP,   /* bit 31 set: robust mutexes, musl's mutex and rwlock */
	VALUE_OTHER, /* a round, a thread id, a sequence number */
};

/* op: futex(2)'s op with its PRIVATE (0x80) and REALTIME (0x100) bits, or OP_WAITV; | OP_TIMED. */
#define SIGNATURE(op, value) (((__u32)(value) << 16) | ((op)&0xffff))
#define SIGNATURE_OP(sig)    ((sig)&0xffff)
#define SIGNATURE_VALUE(sig) ((enum value_class)((sig) >> 16))
#define OP_WAITV	     0x200
#define OP_TIMED	     0x400 /* the call has a time-out */
#define OP_EXACT	     0x800 /* no futex: a lock of the exact tier, | exact_family() */

/* The longest wait of each of the last two intervals: [epoch & 1], valid if its epoch matches. */
struct interval_max {
	__u64 ns;
	__u32 epoch;
	__u32 pad;
};

/* Totals of one lock_key since it was first slept on; never cleared while it lives. */
struct lock_stats {
	__u32 id;	  /* unique; names this key in struct wait_key and in events */
	__u32 val;	  /* the value expected by the first sleep */
	__u64 last_ns;	  /* when the latest sleep ended */
	__u64 blocked_ns; /* closed sleeps only */
	__u64 delay_ns;
	__u64 timeouts; /* sleeps that ended by their time-out */
	__u64 next_sample_ns;
	__u32 last_waker;
	__u32 pad;
	struct interval_max max[2];
	/*
	 * By blocked + delay. Differences are signed: a sleep that goes on after a signal moves
	 * from one bucket to another. The sum is the number of sleeps, mod 2^32.
	 */
	__u32 hist[HIST_BUCKETS];
};

/* One thread's share in one lock_key. */
struct wait_key {
	__u32 tid;
	__u32 lock_id;
};

struct wait_stats {
	__u64 wait_ns; /* blocked + delay of closed sleeps */
	__u64 last_ns;
	__u32 sleeps;
	__u32 tgid;
	char comm[LOCKTOP_COMM];
};

/* Written when a process first sleeps on a lock, so that short-lived ones have a name too. */
struct process_stats {
	__u64 start_boottime_ns;
	__u32 uid;
	__u32 ppid;
	char comm[LOCKTOP_COMM];
};

/* Registers that unwinding needs. In DWARF's numbering of the architecture, then the pc. */
#define REGS_MAX 17
struct user_regs {
	__u64 r[REGS_MAX];
};

#define OPEN_RESUMED 2 /* goes on with a sleep that a signal interrupted: not another one */
#define OPEN_ADOPTED 1 /* slept before observation began: start is when observation began */

/* A return address that a probe at a function's end has replaced by its own. */
struct hidden_return {
	__u64 at; /* where it stands on the stack; 0: none */
	__u64 address;
};

/* A sleep that is still going on, as the task iterator sees it. */
struct open_sleep {
	struct lock_key key;
	__u64 start_ns;
	__u64 woken_ns;	  /* 0 = still blocked; else woken and not yet running */
	__u64 carried_ns; /* of OPEN_RESUMED: wait of the parts before */
	__u32 lock_id;	  /* 0 = no closed sleep yet on this key */
	__u32 tid;
	__u32 sequence; /* changes with each sleep of this thread */
	__u32 flags;
	__u32 sample_id; /* != 0: a waiter stack was sent for this sleep */
	__u32 val;
	char comm[LOCKTOP_COMM];
	struct hidden_return hidden; /* the innermost */
	struct user_regs regs;
};

/* How a sleep ended: X(enumerator, name in exports). */
#define SLEEP_ENDS(X)                                                        \
	X(OTHER, "other")     /* by what is not seen: the kernel, an exit */ \
	X(WOKEN, "woken")     /* by another thread's call */                 \
	X(TIMEOUT, "timeout") /* the call's own; who wants a GIL waits on */ \
	X(SIGNAL, "signal")   /* the kernel, or the program, may wait on */

enum sleep_end {
#define X(name, title) END_##name,
	SLEEP_ENDS(X)
#undef X
		END_COUNT
};

/* What a thread does at one moment: X(enumerator, name in screens and exports). */
#define THREAD_STATES(X)                                                        \
	X(UNKNOWN, "unknown")                                                   \
	X(RUNNING, "running")	  /* on a CPU */                                \
	X(RUNNABLE, "runnable")	  /* wants a CPU, and has none */               \
	X(WAITING, "waiting")	  /* in a futex wait */                         \
	X(SLEEPING, "sleeping")	  /* in another system call, interruptibly */   \
	X(BLOCKED, "blocked")	  /* uninterruptibly: a disk, a page fault */   \
	X(STOPPED, "stopped")	  /* by a signal */                             \
	X(TRACED, "traced")	  /* stopped by a debugger */                   \
	X(FROZEN, "frozen")	  /* by its control group */                    \
	X(THROTTLED, "throttled") /* its control group's CPU time is used up */ \
	X(EXITED, "exited")

enum thread_state {
#define X(name, title) STATE_##name,
	THREAD_STATES(X)
#undef X
		STATE_COUNT
};

/* Which threads user space watches: keys are thread numbers, or process numbers with this bit. */
#define WATCH_PROCESS (1ULL << 32)

/* What is wanted of them, or'ed: values of the map of watched threads. */
#define WATCH_LOOK   1 /* struct thread_look from the iterator */
#define WATCH_SAMPLE 2 /* EVENT_RUNNING_STACK while they run */

/* The word that says that a sampled thread holds a lock. While it says otherwise, no sample is
 * taken: what the thread does then is not what its waiters wait for. */
struct held_word {
	__u64 at; /* 0: there is none to ask */
	__u32 number;
	__u32 mask;
};

/* A watched thread at the moment of a look. */
struct thread_look {
	__u64 time_ns;
	__u64 switches; /* how often it left a CPU so far: unchanged means that it did not run */
	__u32 tid;
	__u32 tgid;
	__u32 gen;
	__u32 state;	/* enum thread_state */
	__s32 syscall;	/* number of the call that it is in; -1: none, or not of the native kind */
	__u32 sequence; /* of STATE_WAITING: that of its open_sleep */
	char comm[LOCKTOP_COMM];
	struct hidden_return hidden; /* the innermost */
	struct user_regs regs;	     /* meaningless if it is running */
};

/* ---- the exact tier ---- */

/* What a probed function does with its lock. */
enum exact_op {
	OP_MUTEX_LOCK,
	OP_MUTEX_TRYLOCK,
	OP_MUTEX_TIMEDLOCK, /* timed is with a clock too */
	OP_MUTEX_UNLOCK,
	OP_MUTEX_DESTROY,
	OP_RWLOCK_RDLOCK,
	OP_RWLOCK_WRLOCK,
	OP_RWLOCK_TRYRDLOCK,
	OP_RWLOCK_TRYWRLOCK,
	OP_RWLOCK_TIMEDRDLOCK,
	OP_RWLOCK_TIMEDWRLOCK,
	OP_RWLOCK_UNLOCK,
	OP_RWLOCK_DESTROY,
	OP_SPIN_LOCK,
	OP_SPIN_TRYLOCK,
	OP_SPIN_UNLOCK,
	OP_SEM_WAIT,
	OP_SEM_TRYWAIT,
	OP_SEM_TIMEDWAIT,
	OP_SEM_POST,
	OP_SEM_INIT,
	OP_COND_WAIT,
	OP_COND_TIMEDWAIT,
	OP_COND_SIGNAL,
	OP_COND_BROADCAST,
	OP_BARRIER_WAIT,
	OP_ONCE,
	EXACT_OPS,
};

/* The operation that stands for all those of one kind of lock. */
static inline __u32 exact_family(__u32 op)
{
	return op < OP_RWLOCK_RDLOCK  ? OP_MUTEX_LOCK
	       : op < OP_SPIN_LOCK    ? OP_RWLOCK_WRLOCK
	       : op < OP_SEM_WAIT     ? OP_SPIN_LOCK
	       : op < OP_COND_WAIT    ? OP_SEM_WAIT
	       : op < OP_BARRIER_WAIT ? OP_COND_WAIT
				      : op;
}

/*
 * What a probe knows of its place: the operation; COOKIE_*; bytes from the stack pointer up to the
 * return address; operations that the function does on behalf of the same call (1 << exact_op).
 */
#define COOKIE(op, flags, stack, inner) \
	((__u64)(op) | (flags) | (__u64)(stack) << 16 | (__u64)(inner) << 32)
#define COOKIE_OP(c)	((__u32)(c)&0xff)
#define COOKIE_STACK(c) ((__u32)((c) >> 16) & 0xffff)
#define COOKIE_INNER(c) ((__u32)((c) >> 32))
#define COOKIE_MUSL	0x100 /* a mutex's word is its second one; a spinlock is free at 0 */
#define COOKIE_TRIED	0x200 /* stands behind the try: the zero flag says that it succeeded */
#define COOKIE_DEAR	0x400 /* the kernel single-steps it: a hit costs ten times the others */
#define COOKIE_RETURNS	0x800 /* its end is probed too */

struct exact_key {
	__u32 tgid;
	__u32 gen;
	__u64 addr; /* of the object */
};

/* What exact_stats counted of the lock that was at the address before; of semaphores only. */
struct exact_before {
	__u64 calls;
	__u64 contended;
	__u64 failures;
	__u64 releases;
	__u64 wait_ns;
	__u64 hold_ns;
	__u64 owner_changes;
};

/*
 * Runs of the exact tier's programs are counted here: the kernel's own statistics would tell them
 * too, but read the clock twice for each. One place for each CPU, so that none waits for another;
 * more of them share.
 */
#define HIT_CPUS  64
#define HIT_WORDS 8 /* a cache line */

/* Totals of one lock since it was first used under observation; never cleared while it lives. */
struct exact_stats {
	__u32 family;	 /* exact_family() of the call that was seen first */
	__u32 lives;	 /* how often it was destroyed: its address may be another lock's since */
	__u64 calls;	 /* to take it: each succeeds in time, unless it is counted as a failure */
	__u64 reads;	 /* of them, by readers */
	__u64 contended; /* of them, found it taken or slept */
	__u64 failures;	 /* tries that found it taken, time-outs */
	__u64 releases;
	__u64 signals;	    /* of condition variables */
	__u64 wait_ns;	    /* from the call until it had it, where it was not free */
	__u64 hold_ns;	    /* of holds that ended */
	__u64 read_hold_ns; /* of them, by readers */
	__u64 taken_sum;    /* sum of the times it was taken ... */
	__u64 released_sum; /* ... and let go at: their difference is hold, whoever let go */
	__u64 foreign;	    /* releases of a semaphore by others than who took it last */
	__u64 spare;	    /* of a semaphore that nobody had */
	__u64 multiple;	    /* a semaphore was taken while another thread had it: it is no lock */
	__u64 taken_ns;	    /* of a semaphore: when it was taken last */
	__u64 released_ns;  /* when it was let go last */
	__u64 owner_changes;
	__u64 last_ns;
	__u64 next_sample_ns;
	__u32 owner;   /* who took it last; 0: it was let go */
	__u32 taker;   /* who let it go last; of a semaphore: who took it last */
	__u32 nested;  /* others were wanted while it was held */
	__u32 slice;   /* in which its word was last seen free: all that took it since are known */
	__u32 waiting; /* calls that found it taken, or wait for a condition, and are not settled */
	__u32 pad;
	struct exact_before before;
	struct interval_max max_hold[2];
	__u32 hold_hist[HIST_BUCKETS]; /* of holds that ended */
};

/* `to` was wanted while `from` was held. */
struct order_key {
	__u32 tgid;
	__u32 gen;
	__u64 from, to;
};

struct order_stats {
	__u64 count;
	__u64 first_ns;
	__u64 gates;  /* other locks that were held each time: a bit for each, by hash; 0: none */
	__u64 caller; /* where `from` was taken: the return address */
	__u32 tid;    /* of the first time */
	__u32 sample_id; /* of its EVENT_ORDER_STACK; 0: none */
	__u8 shared;	 /* bit 0: from, bit 1: to was always taken for reading */
	__u8 others;	 /* other threads than the first did so too */
	__u8 from_life;	 /* exact_stats.lives then, mod 256: which lock it was at that address */
	__u8 to_life;
	__u8 pad[4];
};

/* Futex calls of one process, whether they slept or not. */
struct futex_stats {
	__u64 calls;
	__u64 again; /* waits that came back at once: the word had changed (EAGAIN) */
	__u64 wakes;
	__u64 idle_wakes; /* of them, woke nobody */
};

/* A thread inside of a call that has not come back, where that is no sleep: it spins. */
struct open_call {
	struct exact_key key;
	__u64 start_ns;
	__u32 tid;
	__u32 op;
	__u32 sequence;
	__u32 pad;
	char comm[LOCKTOP_COMM];
	struct user_regs regs;
};

/* ---- CPython ---- */

#define PYTHON_FRAMES_MAX 64
#define PYTHON_HEAD	  112 /* bytes of a frame from its beginning on */
#define PYTHON_SLOTS	  6   /* its first local variables */

/* A frame as it stands in memory. */
struct python_head {
	__u64 at;
	__u64 slots[PYTHON_SLOTS];
	__u8 bytes[PYTHON_HEAD];
};

/* What the probes must know of a Python process to find its frames. Offsets in bytes. */
struct python_process {
	__s32 slot;	/* of the thread's own data, from the thread pointer on, its state ... */
	__s32 indirect; /* ... or the table that has it here; -1: none */
	__u32 frame;	/* in the state: the frame, or what points to it ... */
	__s32 cframe;	/* ... here; -1: it does itself */
	__u32 previous, slots;
	__u32 gen; /* of its process_key */
	__u32 pad;
};

/* A word that threads wait on for a GIL. */
struct gil_key {
	__u32 tgid;
	__u32 gen;
	__u64 addr; /* of the first of the two words of its condition variable */
};

struct gil_word {
	__u64 last_holder; /* address of the pointer to it */
};

enum event_type {
	EVENT_WAITER_STACK,  /* struct stack_event: a sampled sleep begins */
	EVENT_WAKER_STACK,   /* struct stack_event: its waker */
	EVENT_SLEEP_END,     /* struct end_event: how long it lasted */
	EVENT_RUNNING_STACK, /* struct stack_event without a lock: a watched thread runs here */
	EVENT_TAKER_STACK,   /* struct stack_event: the lock is taken; key.addr is the object */
	EVENT_HOLD_END,	     /* struct end_event: blocked_ns is how long it was held */
	EVENT_FORK,	     /* struct fork_event: another process for the exact tier's probes */
	EVENT_ORDER_STACK,   /* struct stack_event: where an order was seen first */
	EVENT_PYTHON,	     /* struct python_event: frames of the stack that follows */
	EVENT_SLEEP,	     /* struct sleep_event: a sleep ended (--events) */
};

#define STACK_BYTES_MAX	    32768
#define STACK_BYTES_DEFAULT 4096
#define WORDS_BEFORE	    48
#define WORDS_AFTER	    32
#define WORDS_HAVE_BEFORE   1
#define WORDS_HAVE_AFTER    2

struct stack_event {
	__u32 type;
	__u32 sample_id; /* joins the events of one sleep; never 0 */
	struct lock_key key;
	__u64 time_ns;
	__u32 tid; /* of the thread whose stack this is */
	__u32 tgid;
	__u32 val;
	__u32 words; /* WORDS_HAVE_BEFORE | WORDS_HAVE_AFTER */
	char comm[LOCKTOP_COMM];
	__u8 before[WORDS_BEFORE]; /* memory up to key.addr: the object around the word */
	__u8 after[WORDS_AFTER];   /* memory from key.addr on */
	struct user_regs regs;
	__u32 gen; /* of the thread whose stack this is */
	__u32 lock_id;
	__u32 pad;
	__u32 stack_len;
	__u8 stack[]; /* from the stack pointer up */
};

struct fork_event {
	__u32 type;
	__u32 tgid;
};

/* Comes before the stack_event of the same thread and time. */
struct python_event {
	__u32 type;
	__u32 tid;
	__u64 time_ns;
	__u64 gil_holder; /* of a wait for a GIL: state of the thread that has it; 0: none */
	__u32 tgid;
	__u32 gen;
	__u32 truncated; /* there are more frames */
	__u32 n;
	struct python_head heads[]; /* innermost first */
};

struct end_event {
	__u32 type;
	__u32 sample_id;
	__u64 blocked_ns;
	__u64 delay_ns;
};

/* Sleeps one by one come through a ring buffer of their own: they may not crowd the samples out. */
struct sleep_event {
	__u32 type;
	__u32 lock_id; /* lock_stats.id */
	__u32 tid;
	__u32 tgid;
	__u64 start_ns;
	__u64 woken_ns;
	__u64 end_ns;
	__u64 sp;    /* of the thread, in the wait */
	__u32 waker; /* thread; 0: none, or not known */
	__u32 waker_tgid;
	__u32 flags; /* OPEN_* */
	__u32 ended; /* enum sleep_end */
};

/* Every loss has a name: X(enumerator, key in exports, what it means). */
#define LOCKTOP_LOSSES(X)                                                                       \
	X(LOCKS_FULL, "locks_full", "sleeps on locks that no longer fitted (--max-locks)")      \
	X(THREADS_FULL, "threads_full", "sleeps not divided among threads: no room")            \
	X(PROCESSES_FULL, "processes_full", "processes that could not be named: no room")       \
	X(STORAGE_FAILED, "storage_failed", "sleeps unseen: no memory for a thread's state")    \
	X(SAMPLES_DROPPED, "samples_dropped", "stack samples dropped: ring buffer full")        \
	X(STACKS_UNREAD, "stacks_unread", "stack samples whose memory could not be read")       \
	X(WAITV_UNREAD, "waitv_unread", "futex_waitv sleeps with an unreadable vector")         \
	X(SWITCHES_UNSEEN, "switches_unseen", "sleeps whose end the scheduler did not report")  \
	X(PROBES_MISSED, "probes_missed", "probe runs that the kernel skipped (recursion)")     \
	X(CGROUPS_UNKNOWN, "cgroups_unknown",                                                   \
	  "processes that ended before their control group was read (--cgroup)")                \
	X(HELD_FULL, "held_full", "locks taken by threads that hold more than 16 (exact tier)") \
	X(ORDERS_FULL, "orders_full", "lock orders that no longer fitted (exact tier)")         \
	X(EXACT_LATE, "exact_late",                                                             \
	  "children whose first calls came before their probes (exact tier)")                   \
	X(EXACT_UNPROBED, "exact_unprobed",                                                     \
	  "files and processes without probes: no room, or refused (exact tier)")               \
	X(EVENTS_DROPPED, "events_dropped",                                                     \
	  "sleeps that are not among those kept one by one (--events)")                         \
	X(ITERATOR_SHORT, "iterator_short", "looks at open sleeps that could not be completed") \
	X(WATCHED_FULL, "watched_full", "owners whose state was not looked at: no room")

enum loss {
#define X(name, key, help) LOSS_##name,
	LOCKTOP_LOSSES(X)
#undef X
		LOSS_COUNT
};

_Static_assert((HIST_BUCKETS & (HIST_BUCKETS - 1)) == 0, "a power of two: probes mask with it");
_Static_assert(sizeof(struct process_key) == 8, "process_key");
_Static_assert(sizeof(struct python_head) == 168, "python_head");
_Static_assert(sizeof(struct python_event) == 40, "python_event");
_Static_assert(sizeof(struct lock_key) == 24, "lock_key");
_Static_assert(sizeof(struct lock_stats) == 88 + 4 * HIST_BUCKETS, "lock_stats");
_Static_assert(sizeof(struct wait_key) == 8, "wait_key");
_Static_assert(sizeof(struct wait_stats) == 40, "wait_stats");
_Static_assert(sizeof(struct process_stats) == 32, "process_stats");
_Static_assert(sizeof(struct open_sleep) == 104 + 8 * REGS_MAX, "open_sleep");
_Static_assert(sizeof(struct exact_key) == 16, "exact_key");
_Static_assert(sizeof(struct exact_stats) == 272 + 4 * HIST_BUCKETS, "exact_stats");
_Static_assert(sizeof(struct order_key) == 24, "order_key");
_Static_assert(sizeof(struct order_stats) == 48, "order_stats");
_Static_assert(sizeof(struct futex_stats) == 32, "futex_stats");
_Static_assert(sizeof(struct open_call) == 56 + 8 * REGS_MAX, "open_call");
_Static_assert(sizeof(struct thread_look) == 72 + 8 * REGS_MAX, "thread_look");
_Static_assert(sizeof(struct stack_event) == 72 + 80 + 8 * REGS_MAX + 16, "stack_event");
_Static_assert(sizeof(struct fork_event) == 8, "fork_event");
_Static_assert(sizeof(struct end_event) == 24, "end_event");
_Static_assert(sizeof(struct sleep_event) == 64, "sleep_event");

#endif
