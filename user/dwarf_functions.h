/* SPDX-License-Identifier: GPL-2.0-only */
/* The functions of one unit, and what was inlined into them. */
#ifndef DWARF_FUNCTIONS_H
#define DWARF_FUNCTIONS_H

#include "dwarf_unit.h"

struct dwarf_function {
	uint64_t low, high;   /* one range of its code */
	uint64_t offset, end; /* of its entry with all children, in .debug_info */
};

struct dwarf_functions {
	struct dwarf_function *items; /* ascending by low */
	size_t n;
};

/* As far as they can be read. */
void dwarf_functions__read(const struct dwarf_file *f, const struct dwarf_unit *u,
			   const struct abbrevs *a, struct dwarf_functions *ret);
void dwarf_functions__done(struct dwarf_functions *functions);
const struct dwarf_function *dwarf_functions__find(const struct dwarf_functions *functions,
						   uint64_t address);

/* One level of inlining at an address. */
struct dwarf_inlined {
	uint64_t origin; /* the entry that names the function, in .debug_info; 0: unknown */
	uint64_t call_file, call_line; /* where it was called; 0: unknown */
};

/*
 * The levels at an address of a function: [0] is the function itself, without a call; the last is
 * the innermost. At most max.
 */
size_t dwarf_function__levels(const struct dwarf_file *f, const struct dwarf_unit *u,
			      const struct abbrevs *a, const struct dwarf_function *function,
			      uint64_t address, struct dwarf_inlined *ret, size_t max);

#endif
