// SPDX-License-Identifier: GPL-2.0-only
#include "stacks.h"

#include <errno.h>
#include <stdlib.h>

#include "arch.h"

/*
 * Code that was mapped after the mappings were read (a library, a JIT's) ends a walk too soon: then
 * they are read anew, once.
 */
int stacks__name(struct names *names, struct processes *processes, struct process_entry *process,
		 const struct raw_stack *raw, struct named_stack *ret)
{
	const struct maps *fresh,
		*maps = processes__maps(processes, process, raw->regs->r[arch__native()->pc], true,
					raw->now_ns);
	const struct frame *last;

	if (!maps)
		return -ESRCH;
	names__stack(names, process->tid, maps, raw->regs, raw->bytes, raw->len, ret);
	last = ret->n_frames ? &ret->frames[ret->n_frames - 1] : NULL;
	if (!ret->truncated || !last || last->module)
		return 0;
	fresh = processes__maps(processes, process, last->offset, true, raw->now_ns);
	if (fresh == maps)
		return 0;
	free(ret->frames);
	names__stack(names, process->tid, fresh, raw->regs, raw->bytes, raw->len, ret);
	return 0;
}
