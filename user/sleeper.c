// SPDX-License-Identifier: GPL-2.0-only
#include "sleeper.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "arch.h"
#include "proc.h"
#include "util.h"

/* /proc/TID/syscall: number, 6 arguments, sp, pc. */
bool sleeper__is_at(pid_t tid, const struct user_regs *regs)
{
	char path[64], text[512];
	uint64_t sp, pc;

	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	if (util__read_file(path, text, sizeof(text)) <= 0)
		return false;
	if (sscanf(text, "%*s %*s %*s %*s %*s %*s %*s %" SCNx64 " %" SCNx64, &sp, &pc) != 2)
		return false;
	return sp == regs->r[arch__native()->sp] && pc == regs->r[arch__native()->pc];
}

static int read_stack(pid_t tid, const struct user_regs *regs, const struct hidden_return *hidden,
		      struct sleeper_memory *ret)
{
	uint64_t sp = regs->r[arch__native()->sp];
	ssize_t n =
		proc__read_memory(tid, regs->r[arch__native()->sp], ret->stack, sizeof(ret->stack));

	if (n <= 0)
		return n ? n : -EFAULT;
	ret->len = n;
	if (hidden->at >= sp && hidden->at - sp + sizeof(hidden->address) <= ret->len)
		memcpy(ret->stack + (hidden->at - sp), &hidden->address, sizeof(hidden->address));
	return 0;
}

int sleeper__read(const struct open_sleep *o, struct sleeper_memory *ret)
{
	ssize_t n;
	int err = read_stack(o->tid, &o->regs, &o->hidden, ret);

	if (err)
		return err;
	n = proc__read_memory(o->tid, o->key.addr, ret->after, sizeof(ret->after));
	ret->has_after = n == sizeof(ret->after);
	return sleeper__is_at(o->tid, &o->regs) ? 0 : -EAGAIN;
}

int sleeper__read_stack(struct proc *p, const struct thread_look *t, struct sleeper_memory *ret)
{
	uint64_t switches;
	int err =
		t->state == STATE_RUNNING ? -EAGAIN : read_stack(t->tid, &t->regs, &t->hidden, ret);

	ret->has_after = false;
	if (!err)
		err = proc__switches(p, t->tid, &switches);
	if (!err && switches != t->switches)
		err = -EAGAIN;
	return err;
}
