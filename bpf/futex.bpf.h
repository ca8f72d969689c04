/* SPDX-License-Identifier: GPL-2.0-only */
/* What a thread's saved registers say of a futex call: does it wait, does it wake, on which word.
 */
#ifndef FUTEX_BPF_H
#define FUTEX_BPF_H

#include "state.bpf.h"
#include "arch_x86.bpf.h"

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

/*
 * The exact tier: what a thread waited for in a call, it has at the earliest when it runs again,
 * and when the futex call is over.
 */
static __always_inline void exact__ran(struct task_struct *task, __u64 addr, __u64 now)
{
	struct exact_thread *t = bpf_task_storage_get(&exact_threads, task, 0, 0);

	if (!t || (!t->cond_mutex && addr - t->call_addr >= OBJECT_MAX))
		return;
	t->ran_ns = now;
	t->ran_addr = addr;
}

#endif
