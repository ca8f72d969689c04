/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where in a function a probe costs least: an instruction of its entry block that the kernel
 * emulates in place of single-stepping it, where the arguments are still in their registers, the
 * lock has not been touched and each call passes exactly once.
 */
#ifndef ENTRY_POINT_H
#define ENTRY_POINT_H

#include "code_walk.h"

struct entry_point {
	uint32_t offset; /* from the function's start to the instruction for the probe */
	uint32_t stack;	 /* bytes from the stack pointer there up to the return address */
	bool emulated;	 /* cheap; else it is the start, single-stepped */
	bool refused;	 /* the kernel takes no probe at the start, and there is no other place */
	/*
	 * Comes right behind the `lock dec` that tries for the lock: the zero flag says whether the
	 * thread got it. Calls that find it taken may pass again, once for each try.
	 */
	bool tried;
	bool again; /* the function jumps back to its start: a call may pass more than once */
};

/* size: of the function, 0 if unknown. args: how many argument registers must be intact. */
struct entry_point entry_point__find(const struct code_reader *reader, uint64_t start,
				     uint64_t size, unsigned int args);

/*
 * Places outside of a function that it calls or jumps to directly, each once: how many, at most
 * max. always: only the one that each call goes to, before any condition.
 */
size_t entry_point__ways_out(const struct code_reader *reader, uint64_t start, uint64_t size,
			     bool always, uint64_t *ret, size_t max);

#endif
