/* SPDX-License-Identifier: GPL-2.0-only */
/* The memory of a thread that does not run now, read from outside: it is neither stopped nor
 * attached to. */
#ifndef SLEEPER_H
#define SLEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../bpf/locktop.h"
#include "proc.h"

struct sleeper_memory {
	size_t len; /* of stack */
	bool has_after;
	uint8_t after[WORDS_AFTER];	/* from the futex word on, if has_after */
	uint8_t stack[STACK_BYTES_MAX]; /* from the stack pointer up */
};

/*
 * 0, or -errno; -EAGAIN if the thread was not in the same place before and after, so that what was
 * read may be of another sleep.
 */
int sleeper__read(const struct open_sleep *o, struct sleeper_memory *ret);

/* Is the thread asleep in a system call where these registers say? */
bool sleeper__is_at(pid_t tid, const struct user_regs *regs);

/* The same for a thread that does anything but run: only its stack. */
int sleeper__read_stack(struct proc *p, const struct thread_look *t, struct sleeper_memory *ret);

#endif
