/* SPDX-License-Identifier: GPL-2.0-only */
/* Copies of the current thread's registers and stack, and their way to user space. */
#ifndef STACK_BPF_H
#define STACK_BPF_H

#include "python.bpf.h"
#include "state.bpf.h"
#include "arch_x86.bpf.h"

#define HIDDEN_MAX 4

/*
 * This CPU's buffer. Nobody else comes here meanwhile, for all who do have interrupts off: the
 * scheduler's tracepoints, and the sampling clock, which is a timer's interrupt and never an NMI.
 */
static __always_inline struct sample_buffer *stack__buffer(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&sample_buffers, &cpu);
}

/* Fills in whose stack it is. What is said of a lock is the caller's. */
static __always_inline void stack__begin(struct stack_event *event, enum event_type type,
					 struct task_struct *task, struct pt_regs *regs, __u64 now)
{
	event->type = type;
	event->time_ns = now;
	event->tid = task->pid;
	event->tgid = task->tgid;
	event->pad = 0;
	event->gen = task__gen(task);
	bpf_probe_read_kernel(event->comm, sizeof(event->comm), task->comm);
	arch__user_regs(regs, &event->regs);
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
 * Return addresses that probes at functions' ends replaced are put back in the copy, those of other
 * tools too: or every stack would end there. The innermost ones: they rarely nest.
 */
static __always_inline void stack__unhide(struct sample_buffer *buffer, struct task_struct *task,
					  __u32 len)
{
	__u64 sp = arch__stack_pointer(&buffer->event.regs);
	struct return_instance *hidden = BPF_CORE_READ(task, utask, return_instances);

	for (int i = 0; i < HIDDEN_MAX && hidden; i++) {
		__u64 at = BPF_CORE_READ(hidden, stack) - sp;

		if (at <= STACK_BYTES_MAX - 8 && at + 8 <= len)
			*(__u64 *)(buffer->stack + (at & (STACK_BYTES_MAX - 1) & ~7ULL)) =
				BPF_CORE_READ(hidden, orig_ret_vaddr);
		hidden = BPF_CORE_READ(hidden, next);
	}
}

/* Sends the event with as much of the stack as is wanted and there. Returns whether it was sent. */
static __always_inline bool stack__send(struct sample_buffer *buffer, __u32 want, __u64 wakeup)
{
	__u32 len;

	python__send(&buffer->python, buffer->event.time_ns, buffer->event.key.addr);
	stack__copy(buffer, want);
	if (!buffer->event.stack_len)
		loss__count(LOSS_STACKS_UNREAD);
	stack__unhide(buffer, bpf_get_current_task_btf(), buffer->event.stack_len);
	/* read once, after all else: 6.1's verifier forgets the bound of what is spilled */
	len = *(volatile __u32 *)&buffer->event.stack_len;
	if (len > STACK_BYTES_MAX)
		return false;
	if (bpf_ringbuf_output(&events, buffer, sizeof(buffer->event) + len, wakeup)) {
		loss__count(LOSS_SAMPLES_DROPPED);
		return false;
	}
	return true;
}

#endif
