/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Code objects -> function, file, lines; remembered for each process by address, bounded, and
 * checked again: a code object's memory may become another one's.
 */
#ifndef PYTHON_CODE_H
#define PYTHON_CODE_H

#include "names.h"
#include "python_memory.h"

struct python_codes; /* of one process */

struct python_code {
	const char *function; /* co_qualname from 3.11 on, else co_name; interned */
	const char *name;     /* co_name */
	const char *file;     /* co_filename */
	int first_line;
	int n_locals, n_slots, stack_size;
	int first_traceable; /* bytes into the code: before it, its frame is being set up (3.11 on)
			      */
	uint64_t bytecode;   /* address of its first instruction; 0 before 3.11 */
	uint64_t names, variables;
	const uint8_t *lines; /* line table */
	size_t lines_size;
	const uint8_t *exceptions; /* exception table (3.11 on) */
	size_t exceptions_size;
};

struct python_codes *python_codes__new(void);
void python_codes__free(struct python_codes *c);

/* NULL: it cannot be read, or is no code object. Valid until the next call. */
const struct python_code *python_codes__at(struct python_codes *c, struct python_target *t,
					   struct names *names, uint64_t code);

/* The line of an instruction (bytes into the code, -1: before the first); 0: unknown. Pure. In
 * python_tables.c. */
int python_code__line(const struct python_layout *layout, const struct python_code *code,
		      int64_t instruction);

/*
 * The handlers that an exception at this instruction would run through, innermost first: depth of
 * the value stack that each expects, each less than the one before (3.11 on). Their number, at most
 * max. Pure.
 */
size_t python_code__handlers(const struct python_code *code, int64_t instruction, int *depths,
			     size_t max);

#endif
