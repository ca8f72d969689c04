/* SPDX-License-Identifier: GPL-2.0-only */
/* x86_64 and the i386 programs it runs: registers, system call numbers, thread flags. */
#ifndef ARCH_X86_BPF_H
#define ARCH_X86_BPF_H

#include "kernel.bpf.h"
#include "locktop.h"

#define NR64_FUTEX	  202
#define NR64_RESTART	  219
#define NR32_FUTEX	  240
#define NR32_FUTEX_TIME64 422
#define NR32_RESTART	  0
#define X32_BIT		  0x40000000

#define TS_COMPAT 0x2 /* arch/x86/include/asm/thread_info.h: in a 32-bit system call */

struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di;
	unsigned long orig_ax, ip, cs, flags, sp, ss;
} __attribute__((preserve_access_index));

struct syscall {
	enum { SYS_OTHER, SYS_FUTEX, SYS_RESTART, SYS_COMMON } kind;
	__u32 nr; /* of SYS_COMMON: the numbers above 400 that all architectures share */
	bool compat;
	__u64 arg[5];
};

/* Where the thread's own data begin: the C libraries' struct pthread. */
static __always_inline __u64 arch__thread_pointer(struct task_struct *task)
{
	return task->thread.fsbase;
}

/* At the end of a system call: may it be futex(2)? The quick answer for all that are not. */
static __always_inline bool arch__is_futex(struct pt_regs *regs)
{
	long nr = regs->orig_ax;

	return nr == NR64_FUTEX || nr == NR32_FUTEX || nr == NR32_FUTEX_TIME64;
}

/* The system call that this thread is in, by its saved user registers. */
static __always_inline void arch__syscall(struct task_struct *task, struct pt_regs *regs,
					  struct syscall *call)
{
	long nr = regs->orig_ax;

	call->kind = SYS_OTHER;
	call->compat = task->thread_info.status & TS_COMPAT;
	if (call->compat) {
		nr = (__u32)nr;
		if (nr == NR32_FUTEX || nr == NR32_FUTEX_TIME64)
			call->kind = SYS_FUTEX;
		else if (nr == NR32_RESTART)
			call->kind = SYS_RESTART;
		call->arg[0] = (__u32)regs->bx;
		call->arg[1] = (__u32)regs->cx;
		call->arg[2] = (__u32)regs->dx;
		call->arg[3] = (__u32)regs->si;
		call->arg[4] = (__u32)regs->di;
	} else {
		if (nr < 0)
			return;
		nr &= ~X32_BIT;
		if (nr == NR64_FUTEX)
			call->kind = SYS_FUTEX;
		else if (nr == NR64_RESTART)
			call->kind = SYS_RESTART;
		call->arg[0] = regs->di;
		call->arg[1] = regs->si;
		call->arg[2] = regs->dx;
		call->arg[3] = regs->r10;
		call->arg[4] = regs->r8;
	}
	if (call->kind == SYS_OTHER && nr >= 449 && nr <= 456) {
		call->kind = SYS_COMMON;
		call->nr = nr;
	}
}

/* Number of the 64-bit system call that this thread is in; -1: none, or of another kind. */
static __always_inline __s32 arch__call(struct task_struct *task, struct pt_regs *regs)
{
	long nr = regs->orig_ax; /* interrupts and faults leave -1 here */

	if (nr < 0 || (nr & X32_BIT) || (task->thread_info.status & TS_COMPAT))
		return -1;
	return nr;
}

/* DWARF register order of the x86-64 psABI: rax rdx rcx rbx rsi rdi rbp rsp r8-r15 rip. */
static __always_inline void arch__user_regs(struct pt_regs *regs, struct user_regs *out)
{
	out->r[0] = regs->ax;
	out->r[1] = regs->dx;
	out->r[2] = regs->cx;
	out->r[3] = regs->bx;
	out->r[4] = regs->si;
	out->r[5] = regs->di;
	out->r[6] = regs->bp;
	out->r[7] = regs->sp;
	out->r[8] = regs->r8;
	out->r[9] = regs->r9;
	out->r[10] = regs->r10;
	out->r[11] = regs->r11;
	out->r[12] = regs->r12;
	out->r[13] = regs->r13;
	out->r[14] = regs->r14;
	out->r[15] = regs->r15;
	out->r[16] = regs->ip;
}

/* Of a user probe's registers: arguments, the result, and whether the last operation gave 0. */
static __always_inline __u64 arch__argument0(struct pt_regs *regs)
{
	return regs->di;
}

static __always_inline __u64 arch__argument1(struct pt_regs *regs)
{
	return regs->si;
}

static __always_inline int arch__result(struct pt_regs *regs)
{
	return regs->ax;
}

static __always_inline bool arch__zero_flag(struct pt_regs *regs)
{
	return regs->flags & 0x40;
}

static __always_inline __u64 arch__user_sp(struct pt_regs *regs)
{
	return regs->sp;
}

static __always_inline __u64 arch__stack_pointer(const struct user_regs *regs)
{
	return regs->r[7];
}

#endif
