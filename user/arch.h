/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What unwinding has to know of the machine. struct user_regs holds the registers of the native
 * 64-bit program; a row with `from` renumbers them for programs of its smaller sister.
 */
#ifndef ARCH_H
#define ARCH_H

#include <stddef.h>
#include <stdint.h>

#include "../bpf/locktop.h"

struct arch {
	int machine;		   /* e_machine */
	unsigned int word;	   /* bytes of a register and a return address */
	unsigned int registers;	   /* DWARF numbers 0 .. registers - 1, the pc among them */
	unsigned int sp, fp, pc;   /* DWARF numbers; pc is the return address column */
	uint32_t saved;		   /* bit i: number i outlives a call; with sp and pc */
	const unsigned char *from; /* for each number, the one in struct user_regs */
};

#if defined(__x86_64__)
#include "arch_x86_64.h"
#else
#error "this architecture has no row yet: write user/arch_<name>.h after arch_x86_64.h"
#endif

/* NULL: programs for this machine are not unwound. */
static inline const struct arch *arch__of_machine(int machine)
{
	for (size_t i = 0; i < sizeof(arch_rows) / sizeof(arch_rows[0]); i++) {
		if (arch_rows[i].machine == machine)
			return &arch_rows[i];
	}
	return NULL;
}

static inline const struct arch *arch__native(void)
{
	return &arch_rows[0];
}

#endif
