// SPDX-License-Identifier: GPL-2.0-only
/*
 * What owners of locks do: their states, looked at from time to time, and the stacks of those that
 * run, by a sampling clock. Only for threads that user space named: `watched`.
 */
#include "futex.bpf.h"
#include "stack.bpf.h"

/* Keys: thread numbers, or WATCH_PROCESS | process number. Values: WATCH_* or'ed. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WATCHED_DEFAULT);
	__type(key, __u64);
	__type(value, __u32);
} watched SEC(".maps");

/* By thread: the lock that it is sampled for. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, HELD_DEFAULT);
	__type(key, __u64);
	__type(value, struct held_word);
} held SEC(".maps");

/* The current thread, by its own memory; what cannot be read does not speak against it. */
static __always_inline bool task__holds(struct task_struct *task)
{
	__u64 thread = (__u32)task->pid;
	const struct held_word *word = bpf_map_lookup_elem(&held, &thread);
	__u32 value;

	if (!word || !word->at || bpf_probe_read_user(&value, sizeof(value), (void *)word->at))
		return true;
	return (value & word->mask) == word->number;
}

static __always_inline bool is_watched(struct task_struct *task, __u32 what)
{
	__u64 thread = (__u32)task->pid, process = WATCH_PROCESS | (__u32)task->tgid;
	const __u32 *flags = bpf_map_lookup_elem(&watched, &thread);

	if (flags && (*flags & what))
		return true;
	flags = bpf_map_lookup_elem(&watched, &process);
	return flags && (*flags & what);
}

/* Of a thread that wants to run: has its control group used up its CPU time? */
static __always_inline bool task__throttled(struct task_struct *task)
{
	struct task_struct___throttled *since_6_18 = (void *)task;

	if (bpf_core_field_exists(since_6_18->throttled))
		return since_6_18->throttled;
	if (!bpf_core_field_exists(task->se.cfs_rq) ||
	    !bpf_core_field_exists(((struct cfs_rq *)0)->throttle_count))
		return false;
	return task->prio >= MAX_RT_PRIO && task->se.cfs_rq->throttle_count > 0;
}

/*
 * By the core freezer (control groups of version 1, suspend), or by a control group of version 2,
 * which has its own: there the flag alone would also mean a parent in vfork(2).
 */
static __always_inline bool task__frozen(struct task_struct *task, unsigned int state)
{
	if ((state & TASK_FROZEN) || (task->flags & PF_FROZEN))
		return true;
	return (task->jobctl & JOBCTL_TRAP_FREEZE) && BPF_CORE_READ_BITFIELD(task, frozen);
}

/*
 * Of a thread that wants to run: it did, until the one that looks took its processor. One switch,
 * one reading of the clock for both (sched_info_switch() in kernel/sched/stats.h).
 */
static __always_inline bool task__displaced(struct task_struct *task)
{
	const struct task_struct *looker = bpf_get_current_task_btf();

	return bpf_core_field_exists(task->sched_info.last_queued) &&
	       task->sched_info.last_queued == looker->sched_info.last_arrival;
}

static __always_inline enum thread_state task__runnable(struct task_struct *task)
{
	if (task__throttled(task))
		return STATE_THROTTLED;
	return task__displaced(task) ? STATE_RUNNING : STATE_RUNNABLE;
}

static __always_inline enum thread_state task__state(struct task_struct *task, struct pt_regs *regs)
{
	unsigned int state = *(volatile unsigned int *)&task->__state;
	struct futex_wait wait;

	if (task->exit_state || (task->flags & PF_EXITING))
		return STATE_EXITED;
	if (task->on_cpu)
		return STATE_RUNNING;
	if (state & TASK_TRACED)
		return STATE_TRACED;
	if (state & TASK_STOPPED)
		return STATE_STOPPED;
	if (task__frozen(task, state))
		return STATE_FROZEN;
	if (state == TASK_RUNNING || (state & (TASK_WAKING | TASK_NEW)))
		return task__runnable(task);
	if (state & TASK_INTERRUPTIBLE)
		return task__futex_wait(task, regs, false, &wait) ? STATE_WAITING : STATE_SLEEPING;
	if (state & (TASK_UNINTERRUPTIBLE | TASK_RTLOCK_WAIT))
		return STATE_BLOCKED;
	return STATE_UNKNOWN;
}

/* Writes one struct thread_look for each watched thread. */
SEC("iter/task")
int on_watched(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct thread_look out = {};
	struct sleep_state *s;
	struct pt_regs *regs;

	/* threads without a program of their own have no user stack and hold no locks */
	if (!task || (task->flags & (PF_KTHREAD | PF_IO_WORKER)) || !is_watched(task, WATCH_LOOK))
		return 0;
	regs = (struct pt_regs *)bpf_task_pt_regs(task);
	out.time_ns = bpf_ktime_get_ns();
	out.switches = task->nvcsw + task->nivcsw;
	out.tid = task->pid;
	out.tgid = task->tgid;
	out.gen = task__gen(task);
	out.state = task__state(task, regs);
	out.syscall = -1;
	bpf_probe_read_kernel(out.comm, sizeof(out.comm), task->comm);
	/* while it runs, its saved registers are those of some time ago; after its end, of nothing
	 */
	if (out.state != STATE_RUNNING && out.state != STATE_EXITED) {
		out.syscall = arch__call(task, regs);
		arch__user_regs(regs, &out.regs);
		task__hidden(task, &out.hidden);
	}
	if (out.state == STATE_WAITING) {
		s = bpf_task_storage_get(&sleeps, task, 0, 0);
		if (s && s->start_ns)
			out.sequence = s->sequence;
	}
	bpf_seq_write(ctx->meta->seq, &out, sizeof(out));
	return 0;
}

/* The sampling clock ticks on this CPU: does a watched thread run here? */
SEC("perf_event")
int on_running(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct sample_buffer *buffer;
	struct stack_event *event;

	if ((task->flags & (PF_KTHREAD | PF_EXITING | PF_IO_WORKER)) || !knob_stack_bytes ||
	    !is_watched(task, WATCH_SAMPLE) || !task__holds(task))
		return 0;
	buffer = stack__buffer();
	if (!buffer)
		return 0;
	event = &buffer->event;
	stack__begin(event, EVENT_RUNNING_STACK, task, (struct pt_regs *)bpf_task_pt_regs(task),
		     bpf_ktime_get_ns());
	__builtin_memset(&event->key, 0, sizeof(event->key));
	event->sample_id = 0;
	event->val = 0;
	event->lock_id = 0;
	event->words = 0;
	stack__send(buffer, knob_stack_bytes, BPF_RB_NO_WAKEUP);
	return 0;
}
