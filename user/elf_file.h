/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One ELF file, read once into memory of our own and closed: a file that its owner truncates while
 * it is mapped here would end this program with SIGBUS. symbols.c keeps these.
 */
#ifndef ELF_FILE_H
#define ELF_FILE_H

#include <libelf.h>

#include "symbols.h"

struct segment {
	uint64_t offset, vaddr, file_size, mem_size;
	bool exec;
};

/* Symbols of one kind, ascending by address, one for each address. */
struct symbol_array {
	struct symbol *items;
	size_t n;
};

struct elf_file {
	uint64_t id; /* never used again after this file is gone */
	int machine;
	struct segment *segments;
	size_t n_segments;
	struct symbol_array functions;
	struct symbol_array objects;
	char *names[2]; /* string tables that the symbols' names point into */
	Elf *elf;	/* for eh_cfi */
	Dwarf_CFI *eh_cfi;
	char *image;	   /* of a file that is only in memory */
	char *debug_image; /* a small ELF file made here, for debug_cfi */
	Elf *debug_elf;
	Dwarf *dwarf;
	Dwarf_CFI *debug_cfi;
	size_t bytes; /* memory it takes, about */
};

/* NULL if it is no ELF file that can be used. fd stays the caller's. */
struct elf_file *elf_file__read(int fd);
/* The same of an image in memory, which it takes over (from malloc). */
struct elf_file *elf_file__image(char *image, size_t size);
void elf_file__free(struct elf_file *f);

/* elf_symbols.c: fills functions, objects and names. */
void elf_symbols__read(struct elf_file *f, Elf *elf);
/* elf_cfi.c: fills eh_cfi and debug_cfi with tables that were checked. */
void elf_cfi__read(struct elf_file *f, Elf *elf);

/*
 * Raw bytes of a section, NULL if it has none, is compressed, or is larger than max. The caller
 * has checked nothing.
 */
Elf_Data *elf_file__section(Elf_Scn *scn, size_t max);

#endif
