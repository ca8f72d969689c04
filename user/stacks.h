/* SPDX-License-Identifier: GPL-2.0-only */
/* A stack as it came, registers and a copy of its bytes -> frames with names. */
#ifndef STACKS_H
#define STACKS_H

#include "names.h"
#include "processes.h"

struct raw_stack {
	const struct user_regs *regs;
	const void *bytes; /* from the stack pointer up */
	size_t len;
	uint64_t now_ns;
	pid_t tid; /* whose it is; 0: not known */
};

static inline struct raw_stack stacks__of_event(const struct stack_event *e)
{
	return (struct raw_stack){ &e->regs, e->stack, e->stack_len, e->time_ns, e->tid };
}

/* 0, and ret->frames is for free(); -ESRCH: the process has no mappings any more. */
int stacks__name(struct names *names, struct processes *processes, struct process_entry *process,
		 const struct raw_stack *raw, struct named_stack *ret);

#endif
