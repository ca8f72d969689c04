/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Call frame tables are judged whole before libdw may use them. libdw bounds what it reads, but not
 * what a table can make it allocate (a register number of a hundred million takes gigabytes), and
 * its search table may point anywhere.
 */
#ifndef CFI_CHECK_H
#define CFI_CHECK_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cfi_table {
	const unsigned char *e_ident;
	Elf_Data *data;	  /* of .eh_frame or .debug_frame */
	uint64_t address; /* of the section */
	bool eh;	  /* .eh_frame */
	Elf_Data *header; /* of .eh_frame_hdr, or NULL */
	uint64_t header_address;
};

/* May libdw have this table? Whatever is odd is refused: such a file is not unwound by tables. */
bool cfi_table__sound(const struct cfi_table *t);

#endif
