/* SPDX-License-Identifier: GPL-2.0-only */
/* x86_64 and i386. DWARF register numbers: the psABIs' tables of both. */
#ifndef ARCH_X86_64_H
#define ARCH_X86_64_H

#include <elf.h>

#define ARCH_PAGE    4096
#define ARCH_ELFDATA ELFDATA2LSB

static const unsigned char arch_i386_from[] = {
	0 /* eax */, 2 /* ecx */, 1 /* edx */, 3 /* ebx */,  7 /* esp */,
	6 /* ebp */, 4 /* esi */, 5 /* edi */, 16 /* eip */,
};

static const struct arch arch_rows[] = {
	{
		EM_X86_64, .word = 8, .registers = 17, .sp = 7, .fp = 6, .pc = 16,
		.saved = 0x1f0c8, /* rbx, rbp, rsp, r12 to r15, rip */
	},
	{
		EM_386,
		.word = 4,
		.registers = 9,
		.sp = 4,
		.fp = 5,
		.pc = 8,
		.saved = 0x1f8, /* ebx, esp, ebp, esi, edi, eip */
		.from = arch_i386_from,
	},
};

#endif
