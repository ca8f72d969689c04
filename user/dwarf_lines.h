/* SPDX-License-Identifier: GPL-2.0-only */
/* Line tables of units: address -> file and line. */
#ifndef DWARF_LINES_H
#define DWARF_LINES_H

#include "dwarf_unit.h"

struct line_row {
	uint64_t address;
	uint32_t file, line;
};

/* Rows of code that stands together; the last one is the address behind it. */
struct line_sequence {
	uint64_t start, end;
	size_t first, n; /* in rows */
};

struct dwarf_lines {
	struct dwarf_span table; /* the unit's part of .debug_line, up to the program */
	uint16_t version;
	uint8_t offset_size, address_size;
	size_t names;			 /* where directories and files begin in it */
	struct line_sequence *sequences; /* ascending */
	size_t n_sequences;
	struct line_row *rows;
	size_t n_rows;
};

/* False if there is no sound table. */
bool dwarf_lines__read(const struct dwarf_file *f, const struct dwarf_unit *u,
		       struct dwarf_lines *ret);
void dwarf_lines__done(struct dwarf_lines *l);

/* NULL if no row covers the address. */
const struct line_row *dwarf_lines__find(const struct dwarf_lines *l, uint64_t address);

/*
 * The path of a file by its number in rows and entries, from malloc; NULL: unknown. directory:
 * where the compiler ran; may be NULL.
 */
char *dwarf_lines__file(const struct dwarf_file *f, const struct dwarf_unit *u,
			const struct dwarf_lines *l, uint64_t number, const char *directory);

#endif
