/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One ELF file, read once into memory of our own and closed: a file that its owner truncates while
 * it is mapped here would end this program with SIGBUS. symbols.c keeps these.
 */
#ifndef ELF_FILE_H
#define ELF_FILE_H

#include <libelf.h>

#include "elf_debug.h"
#include "symbols.h"

struct segment {
	uint64_t offset, vaddr, file_size;
	bool exec;
};

/* Symbols of one kind, ascending by address, one for each address. */
struct symbol_array {
	struct symbol *items;
	size_t n;
};

/* What tells two files, or two states of one, from each other. */
struct file_identity {
	uint64_t device, inode, size;
	int64_t seconds, nanoseconds; /* of the last change of the contents */
};

/* Where symbols come from: the file's two tables, the table packed into it, the debug file's. */
enum symbol_source { SYMTAB, DYNSYM, MINI_SYMTAB, DEBUG_SYMTAB, SYMBOL_SOURCES };

/* Where lines.c finds a file's DWARF. */
struct dwarf_place {
	enum { DWARF_NOWHERE, DWARF_OWN, DWARF_SEPARATE } in;
	struct file_identity identity; /* of the file that it is in */
	pid_t pid;		       /* of a separate one, as in struct elf_debug */
	char *path;
};

struct elf_file {
	uint64_t id; /* never used again after this file is gone */
	int machine;
	char *build_id; /* in hex; NULL: it has none */
	struct segment *segments;
	size_t n_segments;
	struct symbol_array functions;
	struct symbol_array objects;
	char *names[SYMBOL_SOURCES]; /* string tables that the symbols' names point into */
	struct dwarf_place dwarf_place;
	Elf *elf; /* for eh_cfi */
	Dwarf_CFI *eh_cfi;
	char *image;	   /* of a file that is only in memory */
	char *debug_image; /* a small ELF file made here, for debug_cfi */
	Elf *debug_elf;
	Dwarf *dwarf;
	Dwarf_CFI *debug_cfi;
	size_t bytes; /* memory it takes, about */
};

/*
 * NULL if it is no ELF file that can be used. fd stays the caller's. search: for its separate debug
 * file; NULL: it is not looked for.
 */
struct elf_file *elf_file__read(int fd, const struct elf_debug_search *search);
/* The same of an image in memory, which it takes over (from malloc). */
struct elf_file *elf_file__image(char *image, size_t size);
void elf_file__free(struct elf_file *f);

int file_identity__of(int fd, struct file_identity *ret); /* 0 or -errno */
bool file_identity__equal(const struct file_identity *a, const struct file_identity *b);

/* elf_symbols.c: fills functions, objects and names from the file, and from what belongs to it. */
void elf_symbols__read(struct elf_file *f, Elf *own, Elf *mini, Elf *debug);
/* elf_minidebug.c: the file packed into another, NULL if there is none. *image is from malloc. */
Elf *elf_minidebug__open(Elf *elf, char **image);
/* elf_cfi.c: fills eh_cfi and debug_cfi with tables that were checked. */
void elf_cfi__read(struct elf_file *f, Elf *elf);

/*
 * Raw bytes of a section, NULL if it has none, is compressed, or is larger than max. The caller
 * has checked nothing.
 */
Elf_Data *elf_file__section(Elf_Scn *scn, size_t max);
/* The one section with bytes in the file that has this name; NULL if there are none or several. */
Elf_Scn *elf_file__find(Elf *elf, const char *name);

#endif
