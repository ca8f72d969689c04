// SPDX-License-Identifier: GPL-2.0-only
#include "stacks.h"

#include <errno.h>
#include <stdlib.h>

#include "arch.h"
#include "runtime_python.h"

static void add_python(struct names *names, struct processes *processes,
		       struct process_entry *process, const struct maps *maps,
		       const struct raw_stack *raw, struct named_stack *ret)
{
	struct python *py = pythons__of(processes->pythons, process, maps, raw->now_ns);
	const struct python_chain *chain = py ? pythons__chain(processes->pythons, py, raw) : NULL;

	ret->python = chain;
	if (chain)
		python_frames__merge(names, chain, python__interpreter(py), ret);
}

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
	if (ret->truncated && last && !last->module) {
		fresh = processes__maps(processes, process, last->offset, true, raw->now_ns);
		if (fresh && fresh != maps) {
			free(ret->frames);
			names__stack(names, process->tid, fresh, raw->regs, raw->bytes, raw->len,
				     ret);
		}
		maps = fresh ? fresh : maps;
	}
	add_python(names, processes, process, maps, raw, ret);
	return 0;
}
