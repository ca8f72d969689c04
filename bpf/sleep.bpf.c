// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sleep tier: futex sleeps as the scheduler sees them. Nothing is attached to any system call;
 * a thread that is switched out says by its saved user registers which futex it waits on.
 */
#include "state.bpf.h"
#include "arch_x86.bpf.h"

#define PAGE 4096

/* linux/futex.h */
#define FUTEX_WAIT	      0
#define FUTEX_WAKE	      1
#define FUTEX_REQUEUE	      3
#define FUTEX_CMP_REQUEUE     4
#define FUTEX_WAKE_OP	      5
#define FUTEX_LOCK_PI	      6
#define FUTEX_UNLOCK_PI	      7
#define FUTEX_WAIT_BITSET     9
#define FUTEX_WAKE_BITSET     10
#define FUTEX_WAIT_REQUEUE_PI 11
#define FUTEX_CMP_REQUEUE_PI  12
#define FUTEX_LOCK_PI2	      13
#define FUTEX_CMD_MASK	      0x7f
#define FUTEX_PRIVATE	      0x80
#define FUTEX2_PRIVATE	      0x80

/* System calls of their own, with the same number on every architecture (since 5.16 and 6.7). */
#define NR_FUTEX_WAITV	 449
#define NR_FUTEX_WAKE	 454
#define NR_FUTEX_WAIT	 455
#define NR_FUTEX_REQUEUE 456

struct futex_waitv {
	__u64 val;
	__u64 uaddr;
	__u32 flags;
	__u32 reserved;
};

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

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct sleep_state);
} sleeps SEC(".maps");

/* Hash maps are preallocated: nothing may be allocated while a run queue is locked. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LOCKS_DEFAULT);
	__type(key, struct lock_key);
	__type(value, struct lock_stats);
} locks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, THREADS_DEFAULT);
	__type(key, struct wait_key);
	__type(value, struct wait_stats);
} waits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PROCESSES_DEFAULT);
	__type(key, struct process_key);
	__type(value, struct process_stats);
} processes SEC(".maps");

/* Processes to observe; children are added as they are forked. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SCOPE_DEFAULT);
	__type(key, __u32);
	__type(value, __u32);
} scope SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_BYTES);
} events SEC(".maps");

/* Locks whose stacks are deeper than the usual copy. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DEEP_DEFAULT);
	__type(key, __u32);
	__type(value, __u32);
} deep_locks SEC(".maps");

struct sample_buffer {
	struct stack_event event;
	__u8 stack[STACK_BYTES_MAX + PAGE];
};

/* One for each CPU; values of a per-CPU map could not be so large. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sample_buffer);
} sample_buffers SEC(".maps");

/* A new lock starts from these zeros: too large for the BPF stack. */
static const struct lock_stats no_stats;

__u32 last_lock_id = 0;
__u32 last_sample_id = 0;
__u64 sample_window_ns = 0;
__u32 sample_window_count = 0;

static __always_inline enum value_class value__class(__u32 val)
{
	if (val <= 3)
		return (enum value_class)val;
	if (val == 0x10100)
		return VALUE_GUARD;
	if (val == 0xffffffff)
		return VALUE_ALL;
	return val & 0x80000000 ? VALUE_TOP : VALUE_OTHER;
}

static __always_inline __u32 task__gen(struct task_struct *task)
{
	return (__u32)(task->group_leader->start_boottime >> 10) * 31 + (__u32)task->self_exec_id;
}

/* A futex wait as its caller asked for it. */
struct futex_wait {
	__u64 addr;
	__u32 op;
	__u32 val;
	bool timed;
};

static __always_inline __u32 wait__signature(const struct futex_wait *wait)
{
	return SIGNATURE(wait->op | (wait->timed ? OP_TIMED : 0), value__class(wait->val));
}

static __always_inline bool is_wait_command(__u32 cmd)
{
	return cmd == FUTEX_WAIT || cmd == FUTEX_WAIT_BITSET || cmd == FUTEX_LOCK_PI ||
	       cmd == FUTEX_LOCK_PI2 || cmd == FUTEX_WAIT_REQUEUE_PI;
}

/*
 * Is this thread inside a futex wait? vector is readable only where task is the current one;
 * elsewhere a futex_waitv sleep is known by the address of its vector.
 */
static __always_inline bool task__futex_wait(struct task_struct *task, struct pt_regs *regs,
					     bool current, struct futex_wait *wait)
{
	struct syscall call;

	arch__syscall(task, regs, &call);
	if (call.kind == SYS_FUTEX || call.kind == SYS_RESTART) {
		wait->op = call.arg[1] & 0x1ff;
		if (!is_wait_command(wait->op & FUTEX_CMD_MASK))
			return false;
		wait->addr = call.arg[0];
		wait->val = call.arg[2];
		wait->timed = call.arg[3] != 0;
		/* restart_syscall(2) goes on with nanosleep and poll too: the restart block tells
		 */
		if (call.kind == SYS_RESTART &&
		    ((__u64)task->restart_block.futex.uaddr != wait->addr ||
		     task->restart_block.futex.val != wait->val))
			return false;
		return true;
	}
	if (call.kind != SYS_COMMON)
		return false;
	if (call.nr == NR_FUTEX_WAIT) { /* uaddr, val, mask, flags, timeout, clock */
		wait->addr = call.arg[0];
		wait->val = call.arg[1];
		wait->op = FUTEX_WAIT_BITSET | (call.arg[3] & FUTEX2_PRIVATE);
		wait->timed = call.arg[4] != 0;
		return true;
	}
	if (call.nr == NR_FUTEX_WAITV) { /* waiters, count, flags, timeout, clock */
		struct futex_waitv first = {};

		wait->addr = call.arg[0];
		wait->val = 0;
		wait->op = OP_WAITV;
		wait->timed = call.arg[3] != 0;
		if (!current)
			return true;
		if (bpf_probe_read_user(&first, sizeof(first), (void *)call.arg[0])) {
			loss__count(LOSS_WAITV_UNREAD);
		} else {
			wait->addr = first.uaddr;
			wait->val = first.val;
			wait->op |= first.flags & FUTEX2_PRIVATE;
		}
		return true;
	}
	return false;
}

/* Enters a process that has not been seen yet; returns whether it was one. */
static __always_inline bool process__note(struct task_struct *task, const struct lock_key *lock)
{
	struct process_key key = { .tgid = lock->tgid, .gen = lock->gen };
	struct task_struct *leader = task->group_leader;
	struct process_stats stats = {};

	if (bpf_map_lookup_elem(&processes, &key))
		return false;
	stats.start_boottime_ns = leader->start_boottime;
	stats.cgroup_id = leader->cgroups->dfl_cgrp->kn->id;
	stats.uid = leader->real_cred->uid.val;
	stats.ppid = leader->real_parent->tgid;
	bpf_probe_read_kernel(stats.comm, sizeof(stats.comm), leader->comm);
	if (bpf_map_update_elem(&processes, &key, &stats, BPF_NOEXIST)) {
		if (!bpf_map_lookup_elem(&processes, &key)) /* not a race that another won */
			loss__count(LOSS_PROCESSES_FULL);
		return false;
	}
	return true;
}

/*
 * The lock's totals, made if this is the first sleep on it. NULL: no room. *new_process is set if
 * it is the first of its process.
 */
static __always_inline struct lock_stats *lock__get(struct task_struct *task,
						    const struct lock_key *key, __u32 val,
						    bool *new_process)
{
	struct lock_stats *stats = bpf_map_lookup_elem(&locks, key);

	if (stats)
		return stats;
	bpf_map_update_elem(&locks, key, &no_stats, BPF_NOEXIST);
	stats = bpf_map_lookup_elem(&locks, key);
	if (!stats)
		return NULL;
	if (!stats->id) {
		__u32 id = __sync_fetch_and_add(&last_lock_id, 1) + 1;

		if (!__sync_val_compare_and_swap(&stats->id, 0, id)) {
			stats->val = val;
			*new_process = process__note(task, key);
		}
	}
	return stats;
}

/* The machine-wide bound on samples, in windows of 100 ms so that no second starves at its end. */
static __always_inline bool sample__allowed(__u64 now)
{
	if (now - sample_window_ns >= 100000000) {
		sample_window_ns = now;
		sample_window_count = 0;
	}
	return __sync_fetch_and_add(&sample_window_count, 1) < (knob_samples_second + 9) / 10;
}

/*
 * Copies what is there of the current thread's stack, page by page: an absent page ends it. The
 * length goes through memory, where the verifier forgets it: or it would follow what comes after
 * once for each number of pages.
 */
static __always_inline void stack__copy(struct sample_buffer *buffer, __u32 want)
{
	__u64 sp = arch__stack_pointer(&buffer->event.regs);
	__u32 done = 0;

	for (int i = 0; i <= STACK_BYTES_MAX / PAGE; i++) {
		__u32 len = PAGE - ((sp + done) & (PAGE - 1));

		if (done >= want || done > STACK_BYTES_MAX || len > PAGE)
			break;
		if (bpf_probe_read_user(buffer->stack + done, len, (void *)(sp + done)))
			break;
		done += len;
	}
	buffer->event.stack_len = done < want ? done : want;
}

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
	__u32 cpu = bpf_get_smp_processor_id(); /* interrupts are off: nobody else comes here */
	struct sample_buffer *buffer = bpf_map_lookup_elem(&sample_buffers, &cpu);
	struct stack_event *event;
	__u32 len;

	if (!buffer)
		return false;
	event = &buffer->event;
	event->type = type;
	event->sample_id = sample_id;
	event->key = s->key;
	event->time_ns = now;
	event->tid = task->pid;
	event->tgid = task->tgid;
	event->val = s->val;
	event->lock_id = s->lock_id;
	event->pad = 0;
	event->gen = task__gen(task);
	event->words = 0;
	bpf_probe_read_kernel(event->comm, sizeof(event->comm), task->comm);
	if (type == EVENT_WAITER_STACK) {
		if (!bpf_probe_read_user(event->after, WORDS_AFTER, (void *)s->key.addr))
			event->words |= WORDS_HAVE_AFTER;
		if (!bpf_probe_read_user(event->before, WORDS_BEFORE,
					 (void *)(s->key.addr - WORDS_BEFORE)))
			event->words |= WORDS_HAVE_BEFORE;
	}
	arch__user_regs(regs, &event->regs);
	stack__copy(buffer, want);
	len = *(volatile __u32 *)&event->stack_len;
	if (!len)
		loss__count(LOSS_STACKS_UNREAD);
	if (len > STACK_BYTES_MAX)
		return false;
	if (bpf_ringbuf_output(&events, buffer, sizeof(*event) + len, wakeup)) {
		loss__count(LOSS_SAMPLES_DROPPED);
		return false;
	}
	return true;
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
	if (now < s->next_sample_ns || !knob_stack_bytes || !sample__allowed(now))
		return;
	want = stack__want(s->lock_id, !stats->next_sample_ns);
	stats->next_sample_ns = s->next_sample_ns = now + knob_sample_period_ns;
	id = __sync_fetch_and_add(&last_sample_id, 1) + 1;
	/* a new process may end soon: its mappings are wanted while it is there */
	if (id && sample__send(EVENT_WAITER_STACK, task, regs, s, id, now, want,
			       new_process ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP))
		s->sample_id = id;
}

static __always_inline __u64 since(__u64 then, __u64 now)
{
	return now > then ? now - then : 0; /* clocks of two CPUs can differ a little */
}

static __always_inline __u32 hist__bucket(__u64 ns)
{
	__u32 log = 0;
	__u64 v = ns;

	if (ns < (1ULL << HIST_FIRST))
		return 0;
	if (v >> 32) {
		v >>= 32;
		log += 32;
	}
	if (v >> 16) {
		v >>= 16;
		log += 16;
	}
	if (v >> 8) {
		v >>= 8;
		log += 8;
	}
	if (v >> 4) {
		v >>= 4;
		log += 4;
	}
	if (v >> 2) {
		v >>= 2;
		log += 2;
	}
	log += v >> 1;
	if (log >= HIST_FIRST + HIST_DOUBLINGS)
		return HIST_BUCKETS - 1;
	return ((log - HIST_FIRST) << HIST_STEP_BITS) +
	       ((ns >> (log - HIST_STEP_BITS)) & (HIST_STEPS - 1));
}

/* The bound as Linux 6.1's verifier sees it: a comparison gets lost in a register's copy. */
static __always_inline __u32 hist__masked(__u32 bucket)
{
	__asm__ volatile("" : "+r"(bucket));
	return bucket & (HIST_BUCKETS - 1);
}

static __always_inline void waits__add(struct task_struct *task, const struct sleep_state *s,
				       __u32 lock_id, __u64 wait_ns, __u64 now)
{
	struct wait_key key = { .tid = task->pid, .lock_id = lock_id };
	struct wait_stats *stats = bpf_map_lookup_elem(&waits, &key);

	if (!stats) {
		struct wait_stats first = { .tgid = s->key.tgid };

		bpf_probe_read_kernel(first.comm, sizeof(first.comm), task->comm);
		bpf_map_update_elem(&waits, &key, &first, BPF_NOEXIST);
		stats = bpf_map_lookup_elem(&waits, &key);
		if (!stats) {
			loss__count(LOSS_THREADS_FULL);
			return;
		}
	}
	stats->wait_ns += wait_ns; /* only its own thread writes here */
	stats->last_ns = now;
	if (!(s->flags & OPEN_RESUMED))
		stats->sleeps++;
}

/*
 * Did a signal or a stop end the sleep? By what is pending: the number of the flag for it
 * (TIF_SIGPENDING) is not in BTF and not the same on all kernels (it was not 2 on 6.18).
 */
static __always_inline bool task__interrupted(struct task_struct *task)
{
	unsigned long signals =
		task->pending.signal.sig[0] | task->signal->shared_pending.signal.sig[0];

	return (signals & ~task->blocked.sig[0]) || (task->jobctl & JOBCTL_PENDING);
}

static __always_inline void sleep__end(struct task_struct *task, struct sleep_state *s, __u64 now)
{
	__u64 blocked, delay, wait;
	struct lock_stats *stats;
	struct interval_max *max;
	__u32 bucket, n = epoch;
	bool new_process;

	if (!s->woken_ns) {
		if (s->flags & OPEN_ADOPTED) { /* it was awake by the time it was adopted */
			s->start_ns = 0;
			return;
		}
		s->woken_ns = now; /* woken while it was being switched out */
	}
	blocked = since(s->start_ns, s->woken_ns);
	delay = since(s->woken_ns, now);
	wait = blocked + delay;
	s->start_ns = 0;
	if (s->sample_id) {
		struct end_event end = { .type = EVENT_SLEEP_END,
					 .sample_id = s->sample_id,
					 .blocked_ns = blocked,
					 .delay_ns = delay };

		if (bpf_ringbuf_output(&events, &end, sizeof(end), BPF_RB_NO_WAKEUP))
			loss__count(LOSS_SAMPLES_DROPPED);
	}
	stats = lock__get(task, &s->key, s->val, &new_process);
	if (!stats) {
		loss__count(LOSS_LOCKS_FULL);
		return;
	}
	__sync_fetch_and_add(&stats->blocked_ns, blocked);
	__sync_fetch_and_add(&stats->delay_ns, delay);
	if (s->flags & OPEN_RESUMED) { /* one sleep with the part before: it moves on */
		bucket = hist__masked(s->bucket);
		__sync_fetch_and_add(&stats->hist[bucket], -1);
	}
	s->carried_ns += wait;
	s->bucket = bucket = hist__masked(hist__bucket(s->carried_ns));
	__sync_fetch_and_add(&stats->hist[bucket], 1);
	if (s->waker)
		stats->last_waker = s->waker;
	else if (task__interrupted(task))
		s->interrupted = 1;
	else if (s->timed)
		__sync_fetch_and_add(&stats->timeouts, 1);
	max = &stats->max[n & 1];
	if (max->epoch != n) {
		max->ns = 0;
		max->epoch = n;
	}
	if (s->carried_ns > max->ns)
		max->ns = s->carried_ns;
	stats->last_ns = now;
	s->next_sample_ns = stats->next_sample_ns;
	s->lock_id = stats->id;
	waits__add(task, s, stats->id, wait, now);
}

/*
 * The thread sleeps anew, so its last sleep ended, but no switch to it was reported. If it was seen
 * being woken, all but its delay is known.
 */
static __always_inline void sleep__unseen(struct task_struct *task, struct sleep_state *s)
{
	loss__count(LOSS_SWITCHES_UNSEEN);
	if (s->woken_ns)
		sleep__end(task, s, s->woken_ns);
	s->start_ns = 0;
}

static __always_inline void sleep__begin(struct task_struct *task, __u64 now, bool woken)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	struct futex_wait wait;
	struct sleep_state *s;
	struct lock_key key = {};
	__u64 sp;
	bool same;

	if (!task__futex_wait(task, regs, true, &wait))
		return;
	key.tgid = task->tgid;
	if (knob_scoped && !bpf_map_lookup_elem(&scope, &key.tgid))
		return;
	s = bpf_task_storage_get(&sleeps, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!s) {
		loss__count(LOSS_STORAGE_FAILED);
		return;
	}
	key.gen = task__gen(task);
	key.addr = wait.addr;
	key.signature = wait__signature(&wait);
	if (s->start_ns)
		sleep__unseen(task, s);
	same = s->key.addr == key.addr && s->key.signature == key.signature &&
	       s->key.gen == key.gen;
	sp = arch__user_sp(regs);
	s->flags = same && s->interrupted && s->sp == sp ? OPEN_RESUMED : 0;
	if (!s->flags)
		s->carried_ns = 0;
	s->interrupted = 0;
	s->sp = sp;
	if (!same || !s->lock_id) {
		s->key = key;
		s->next_sample_ns = 0;
	}
	s->sequence++;
	s->sample_id = 0;
	s->waker = 0;
	s->timed = wait.timed;
	s->val = wait.val;
	s->woken_ns = woken ? now : 0;
	s->start_ns = now;
	if (now >= s->next_sample_ns)
		sleep__sample(task, regs, s, now);
}

/* Did the kernel really put prev to sleep, interruptibly? *woken: it is being woken already. */
static __always_inline bool switched_to_sleep(__u64 *ctx, struct task_struct *prev, bool *woken)
{
	unsigned int now = prev->__state, then = now;

	/*
	 * Since 5.18 (fa2c3254d7cf, 9c2136be0878) the state that the decision was made on comes
	 * with the event; __state may have moved on: to RUNNING when a signal cancelled the sleep,
	 * to WAKING when a waker was faster than the switch.
	 */
	if (knob_switch_has_state)
		then = ((volatile __u64 *)ctx)[3];
	*woken = then != now;
	return (then & TASK_INTERRUPTIBLE) && now != TASK_RUNNING;
}

/* TP_PROTO(bool preempt, struct task_struct *prev, struct task_struct *next, unsigned state) */
SEC("tp_btf/sched_switch")
int on_switch(__u64 *ctx)
{
	struct task_struct *prev = (struct task_struct *)ctx[1];
	struct task_struct *next = (struct task_struct *)ctx[2];
	struct sleep_state *s;
	__u64 now = 0;
	bool woken;

	if (!enabled)
		return 0;
	if (!(next->flags & PF_KTHREAD)) {
		s = bpf_task_storage_get(&sleeps, next, 0, 0);
		if (s && s->start_ns) {
			now = bpf_ktime_get_ns();
			sleep__end(next, s, now);
		}
	}
	if ((bool)ctx[0] || (prev->flags & (PF_KTHREAD | PF_EXITING | PF_IO_WORKER)))
		return 0;
	if (!switched_to_sleep(ctx, prev, &woken))
		return 0;
	sleep__begin(prev, now ? now : bpf_ktime_get_ns(), woken);
	return 0;
}

/* A shared word stands at another address in each process, but at the same page offset. */
static __always_inline bool is_same_word(__u64 addr, const struct lock_key *key, bool same_process)
{
	return same_process ? addr == key->addr : ((addr ^ key->addr) & (PAGE - 1)) == 0;
}

/* Is the current thread in a call that wakes waiters of this lock? Interrupts borrow threads. */
static __always_inline bool is_waker(struct task_struct *task, struct pt_regs *regs,
				     const struct lock_key *key)
{
	bool same = (__u32)task->tgid == key->tgid;
	__u32 op = SIGNATURE_OP(key->signature), cmd;
	struct syscall call;

	if (!same && (op & FUTEX_PRIVATE))
		return false;
	if (task->flags & PF_EXITING) /* a thread's end wakes its joiner and robust waiters */
		return true;
	arch__syscall(task, regs, &call);
	if (call.kind == SYS_COMMON)
		return call.nr == NR_FUTEX_REQUEUE ||
		       (call.nr == NR_FUTEX_WAKE && is_same_word(call.arg[0], key, same));
	if (call.kind != SYS_FUTEX)
		return false;
	cmd = call.arg[1] & FUTEX_CMD_MASK;
	if (cmd == FUTEX_WAIT || cmd == FUTEX_WAIT_BITSET)
		return false;
	if ((op & FUTEX_CMD_MASK) == FUTEX_WAIT_REQUEUE_PI || (op & OP_WAITV))
		return true; /* it was moved to another word, or waits for several */
	if (cmd == FUTEX_WAKE_OP || cmd == FUTEX_REQUEUE || cmd == FUTEX_CMP_REQUEUE ||
	    cmd == FUTEX_CMP_REQUEUE_PI)
		return is_same_word(call.arg[0], key, same) || is_same_word(call.arg[4], key, same);
	return is_same_word(call.arg[0], key, same);
}

SEC("tp_btf/sched_waking")
int BPF_PROG(on_waking, struct task_struct *task)
{
	struct sleep_state *s;
	struct task_struct *waker;
	struct pt_regs *regs;
	__u64 now;

	if (!enabled || (task->flags & PF_KTHREAD))
		return 0;
	s = bpf_task_storage_get(&sleeps, task, 0, 0);
	if (!s || !s->start_ns || s->woken_ns)
		return 0;
	now = bpf_ktime_get_ns();
	if (s->flags & OPEN_ADOPTED) { /* still the sleep that was adopted? */
		struct futex_wait wait;

		regs = (struct pt_regs *)bpf_task_pt_regs(task);
		if (!task__futex_wait(task, regs, false, &wait) || wait.addr != s->key.addr) {
			s->start_ns = 0;
			return 0;
		}
	}
	s->woken_ns = now;
	waker = bpf_get_current_task_btf();
	if (waker->flags & PF_KTHREAD)
		return 0;
	regs = (struct pt_regs *)bpf_task_pt_regs(waker);
	if (!is_waker(waker, regs, &s->key))
		return 0;
	s->waker = waker->pid;
	if (s->sample_id)
		sample__send(EVENT_WAKER_STACK, waker, regs, s, s->sample_id, now,
			     stack__want(s->lock_id, false), BPF_RB_NO_WAKEUP);
	return 0;
}

/* A thread that slept before observation began is counted from now on. */
static __always_inline struct sleep_state *sleep__adopt(struct task_struct *task)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	struct sleep_state *s;
	struct futex_wait wait;
	__u32 tgid = task->tgid;

	if (!regs || !(task->__state & TASK_INTERRUPTIBLE) || task->on_cpu)
		return NULL;
	if (!task__futex_wait(task, regs, false, &wait))
		return NULL;
	if (knob_scoped && !bpf_map_lookup_elem(&scope, &tgid))
		return NULL;
	s = bpf_task_storage_get(&sleeps, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!s) {
		loss__count(LOSS_STORAGE_FAILED);
		return NULL;
	}
	if (s->start_ns)
		return s;
	s->key.tgid = tgid;
	s->key.gen = task__gen(task);
	s->key.addr = wait.addr;
	s->key.signature = wait__signature(&wait);
	s->key.pad = 0;
	s->sequence++;
	s->lock_id = 0;
	s->next_sample_ns = 0;
	s->sample_id = 0;
	s->waker = 0;
	s->val = wait.val;
	s->timed = wait.timed;
	s->flags = OPEN_ADOPTED;
	s->interrupted = 0;
	s->carried_ns = 0;
	s->woken_ns = 0;
	s->start_ns = bpf_ktime_get_ns();
	if (!(task->__state & TASK_INTERRUPTIBLE) || task->on_cpu)
		s->start_ns = 0; /* it woke meanwhile */
	return s;
}

/* Not if its end went unseen: the thread runs, or sleeps elsewhere. */
static __always_inline bool sleep__goes_on(struct task_struct *task, const struct sleep_state *s)
{
	struct futex_wait wait;

	if (task->on_cpu)
		return false;
	if (s->woken_ns)
		return !(task->__state & (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE));
	return task__futex_wait(task, (struct pt_regs *)bpf_task_pt_regs(task), false, &wait);
}

/* Writes one struct open_sleep for each sleep that is going on. */
SEC("iter/task")
int on_task(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct open_sleep out = {};
	struct sleep_state *s;

	if (!task || (task->flags & (PF_KTHREAD | PF_EXITING | PF_IO_WORKER)))
		return 0;
	s = bpf_task_storage_get(&sleeps, task, 0, 0);
	if (!s || !s->start_ns)
		s = sleep__adopt(task);
	if (!s || !sleep__goes_on(task, s))
		return 0;
	out.sequence = s->sequence;
	out.start_ns = s->start_ns;
	out.woken_ns = s->woken_ns;
	out.key = s->key;
	out.lock_id = s->lock_id;
	out.flags = s->flags;
	out.carried_ns = s->carried_ns;
	out.sample_id = s->sample_id;
	out.val = s->val;
	if (!out.start_ns || s->sequence != out.sequence || s->start_ns != out.start_ns)
		return 0; /* it ended while it was read */
	out.tid = task->pid;
	bpf_probe_read_kernel(out.comm, sizeof(out.comm), task->comm);
	arch__user_regs((struct pt_regs *)bpf_task_pt_regs(task), &out.regs);
	bpf_seq_write(ctx->meta->seq, &out, sizeof(out));
	return 0;
}

/* Children of observed processes are observed, from before their first instruction. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 from = parent->tgid, to = child->tgid, one = 1;

	if (from != to && bpf_map_lookup_elem(&scope, &from) &&
	    bpf_map_update_elem(&scope, &to, &one, BPF_ANY))
		loss__count(LOSS_PROCESSES_FULL);
	return 0;
}

/* A scope must not outlive its process: pids are used again. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	__u32 tgid = task->tgid;

	if (task->signal->live.counter == 0)
		bpf_map_delete_elem(&scope, &tgid);
	return 0;
}
