// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sleep tier: futex sleeps as the scheduler sees them. Nothing is attached to any system call;
 * a thread that is switched out says by its saved user registers which futex it waits on.
 */
#include "futex.bpf.h"
#include "python.bpf.h"
#include "sample.bpf.h"
#include "totals.bpf.h"

/* Processes to observe; children are added as they are forked. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SCOPE_DEFAULT);
	__type(key, __u32);
	__type(value, __u32);
} scope SEC(".maps");

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

__u64 events_window_ns = 0;
__u32 events_window_count = 0;

/* start_ns: the state's is cleared already. */
static __always_inline void sleep__tell(struct task_struct *task, const struct sleep_state *s,
					__u64 start_ns, __u64 now)
{
	struct sleep_event event = { .type = EVENT_SLEEP,
				     .lock_id = s->lock_id,
				     .tid = task->pid,
				     .tgid = s->key.tgid,
				     .start_ns = start_ns,
				     .woken_ns = s->woken_ns,
				     .end_ns = now,
				     .sp = s->sp,
				     .waker = s->waker,
				     .waker_tgid = s->waker_tgid,
				     .flags = s->flags,
				     .ended = s->waker ? END_WOKEN : s->ended };

	if (!rate__allows(&events_window_ns, &events_window_count, knob_events_second, now) ||
	    bpf_ringbuf_output(&sleep_events, &event, sizeof(event), BPF_RB_NO_WAKEUP))
		loss__count(LOSS_EVENTS_DROPPED);
}

static __always_inline void sleep__end(struct task_struct *task, struct sleep_state *s, __u64 now)
{
	__u64 blocked, delay, wait, start = s->start_ns;
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
	blocked = since(start, s->woken_ns);
	delay = since(s->woken_ns, now);
	wait = blocked + delay;
	s->start_ns = 0;
	if (knob_exact)
		exact__ran(task, s->key.addr, now);
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
		s->ended = END_SIGNAL;
	else if (s->timed) {
		s->ended = END_TIMEOUT;
		__sync_fetch_and_add(&stats->timeouts, 1);
	}
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
	if (knob_events_second)
		sleep__tell(task, s, start, now);
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

/*
 * Does the thread go on with the sleep that it had before? After a signal, with the same call; of a
 * GIL after its time-out of 5 ms, with either word of the condition variable.
 */
static __always_inline bool sleep__resumes(const struct sleep_state *s, const struct lock_key *key,
					   bool same)
{
	if (s->ended == END_SIGNAL)
		return same;
	return s->ended == END_TIMEOUT && s->key.gen == key->gen &&
	       !((s->key.addr ^ key->addr) & ~7ULL) && gil__find(key->tgid, key->gen, key->addr);
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
	key.gen = task__gen_fast(task);
	key.addr = wait.addr;
	key.signature = wait__signature(&wait);
	if (s->start_ns)
		sleep__unseen(task, s);
	same = s->key.addr == key.addr && s->key.signature == key.signature &&
	       s->key.gen == key.gen;
	sp = arch__user_sp(regs);
	s->flags = s->sp == sp && sleep__resumes(s, &key, same) ? OPEN_RESUMED : 0;
	if (!s->flags)
		s->carried_ns = 0;
	s->ended = END_OTHER;
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
	if (knob_events_second)
		s->waker_tgid = waker->tgid;
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
	s->ended = END_OTHER;
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
	task__hidden(task, &out.hidden);
	arch__user_regs((struct pt_regs *)bpf_task_pt_regs(task), &out.regs);
	bpf_seq_write(ctx->meta->seq, &out, sizeof(out));
	return 0;
}

/* Children of observed processes are observed, from before their first instruction. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 from = parent->tgid, to = child->tgid, one = 1;
	struct fork_event event = { .type = EVENT_FORK, .tgid = to };

	if (from == to)
		return 0;
	if (bpf_map_lookup_elem(&scope, &from) && bpf_map_update_elem(&scope, &to, &one, BPF_ANY))
		loss__count(LOSS_PROCESSES_FULL);
	if (!knob_exact_scoped || !bpf_map_lookup_elem(&exact_scope, &from))
		return 0;
	if (bpf_map_update_elem(&exact_scope, &to, &one, BPF_ANY))
		loss__count(LOSS_PROCESSES_FULL);
	/* it needs probes of its own, at once */
	bpf_ringbuf_output(&events, &event, sizeof(event), BPF_RB_FORCE_WAKEUP);
	return 0;
}

/* A scope must not outlive its process: pids are used again. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	__u32 tgid = task->tgid;

	if (task->signal->live.counter)
		return 0;
	bpf_map_delete_elem(&scope, &tgid);
	if (knob_exact_scoped)
		bpf_map_delete_elem(&exact_scope, &tgid);
	return 0;
}
