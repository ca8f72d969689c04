/* SPDX-License-Identifier: GPL-2.0-only */
/* DWARF expressions as call frame tables have them, over registers and a copy of a stack. */
#ifndef EXPRESSION_H
#define EXPRESSION_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

#include "arch.h"

struct machine_state {
	const struct arch *arch;
	uint64_t r[REGS_MAX];
	uint32_t known; /* bit i: r[i] is */
	uint64_t cfa;	/* of DW_OP_call_frame_cfa */
	bool cfa_known;
	uint64_t base; /* address of stack[0] */
	const uint8_t *stack;
	size_t stack_len;
};

/* Reads size (1, 2, 4, 8) bytes of the copied stack. False if they are not in it. */
bool state__read(const struct machine_state *s, uint64_t address, unsigned int size, uint64_t *ret);

/*
 * Runs n operations. *value: whether the result is the value itself (DW_OP_stack_value), not its
 * address. False for what is unknown, unreadable or endless.
 */
bool expression__run(const struct machine_state *s, const Dwarf_Op *ops, size_t n, uint64_t *ret,
		     bool *value);

#endif
