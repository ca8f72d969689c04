/* SPDX-License-Identifier: GPL-2.0-only */
/* Addresses in static variables -> the members that stand there. */
#ifndef DWARF_MEMBERS_H
#define DWARF_MEMBERS_H

#include "dwarf_unit.h"

/* The variables of a file outside of functions. Zeroed at first. */
struct dwarf_variables {
	struct dwarf_variable {
		uint64_t address;
		uint64_t entry; /* in .debug_info */
		size_t unit;
	} * items;	/* once all units were read: ascending by address */
	size_t n, room; /* in items */
	size_t units;	/* read so far */
	bool complete;
};

/*
 * Reads on where the last call ended. False if there was no time for all units: what was read is
 * kept.
 */
bool dwarf_variables__read(struct dwarf_variables *v, const struct dwarf_file *f,
			   const struct dwarf_unit *units, size_t n_units);
void dwarf_variables__done(struct dwarf_variables *v);
/* The variable that begins at an address; NULL: none is known. */
const struct dwarf_variable *dwarf_variables__find(const struct dwarf_variables *v,
						   uint64_t address);

/*
 * What stands at an offset in a variable of a unit: ".clients_lock", ".pool.lock", "[3].lock",
 * ".words+0x4". It goes no deeper than to a lock. From malloc; NULL: nothing better than the offset
 * is known.
 */
char *dwarf_members__path(const struct dwarf_file *f, const struct dwarf_unit *u, uint64_t entry,
			  uint64_t offset);

#endif
