/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel makes of an x86-64 instruction with a uprobe on it, and what such an instruction
 * does besides what struct insn tells.
 */
#ifndef UPROBE_X86_64_H
#define UPROBE_X86_64_H

#include "decode_x86_64.h"

/* The registers of a function's first arguments, by their numbers in instructions. */
#define UPROBE_ARGS_MAX 6
extern const uint8_t uprobe_arg_registers[UPROBE_ARGS_MAX];

struct uprobe_insn {
	struct insn insn;
	bool emulated; /* not single-stepped: a probe costs a tenth or less */
	bool refused;  /* no probe can be put here */
	bool plain;    /* has no effect but on flags, rax, and what `insn` and `stores` tell */
	bool stores;   /* writes memory that is not on the stack */
	bool branches_on_zero;
	uint8_t counts_down; /* the register that points to what `lock dec` counts, or X86_NONE */
};

/* 0, or -errno as decode__insn(). */
int uprobe__insn(const uint8_t *code, size_t size, struct uprobe_insn *ret);

#endif
