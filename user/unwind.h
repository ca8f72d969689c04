/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stack bytes -> return addresses. The tables come from the files that the process maps, the
 * memory from the copy that came with the sample: the process is not touched.
 */
#ifndef UNWIND_H
#define UNWIND_H

#include "../bpf/locktop.h"
#include "symbols.h"

#define UNWIND_FRAMES_MAX 128

struct unwind_frame {
	uint64_t pc;		       /* in the process */
	uint64_t lookup;	       /* pc, or pc - 1 for a return address: inside the call */
	const struct mapping *mapping; /* NULL: outside every mapping */
	struct elf_file *file;	       /* NULL: no ELF file */
	uint64_t vaddr;		       /* lookup in the file's numbering, if file */
};

struct unwind_stack {
	struct unwind_frame frames[UNWIND_FRAMES_MAX]; /* innermost first */
	int n;
	bool truncated; /* ended before the outermost frame was seen */
};

/*
 * Unwinds from regs over stack_len bytes of stack that start at the stack pointer. maps are those
 * of the process; frames point into them. Always succeeds with at least the innermost frame.
 */
void unwind__stack(struct symbols *s, pid_t pid, const struct maps *maps,
		   const struct user_regs *regs, const void *stack, size_t stack_len,
		   struct unwind_stack *ret);

#endif
