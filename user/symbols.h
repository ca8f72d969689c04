/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ELF files as unwinding and naming need them: call frame tables and a sorted symbol array, one
 * entry for each file (device, inode, change time, size), shared by all processes that map it.
 */
#ifndef SYMBOLS_H
#define SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>
#include <elfutils/libdw.h>

#include "proc.h"

struct symbols; /* the cache */
struct elf_file;

struct symbol {
	uint64_t address; /* as linked (st_value) */
	uint64_t size;
	const char *name; /* lives as long as its file */
	bool data;	  /* an object, not a function */
	bool exported;	  /* in .dynsym */
};

struct symbols *symbols__new(struct proc *proc);
void symbols__free(struct symbols *s);

/*
 * May files opened from now on be looked for on the servers of DEBUGINFOD_URLS? That can block for
 * seconds, and tells the servers what runs here: never unless the user asked for it.
 */
void symbols__use_debuginfod(struct symbols *s, bool use);

/*
 * The file behind a mapping, from the cache or opened now; NULL if it is no readable ELF file. It
 * lives until SYMBOLS_FILES_KEPT other files were asked for (longer than one stack needs) or until
 * symbols__tidy().
 */
#define SYMBOLS_FILES_KEPT 160
struct elf_file *symbols__file(struct symbols *s, pid_t pid, const struct mapping *m);

/* Between stacks: gives back what was not needed for half a minute, if memory is scarce. */
void symbols__tidy(struct symbols *s);

/* Call frame rules that were looked up before; unwind.c keeps them here. */
struct frames *symbols__frames(struct symbols *s);
/* The same of what their code told, where there are no rules. */
struct step_code *symbols__step_code(struct symbols *s);

/*
 * Reads bytes of the file behind a mapping, if it still is `file` as that was read. How many (may
 * be short), or -errno.
 */
ssize_t symbols__read(struct symbols *s, pid_t pid, const struct mapping *m,
		      const struct elf_file *file, uint64_t offset, void *buf, size_t size);

/* Address in the file's own numbering (st_value, DWARF) of an address in a process. */
bool elf_file__vaddr(const struct elf_file *f, const struct mapping *m, uint64_t address,
		     uint64_t *ret);

/* The function or object that contains vaddr, or NULL. data: among objects, else functions. */
const struct symbol *elf_file__symbol(const struct elf_file *f, uint64_t vaddr, bool data);

/* Call frame tables: .eh_frame, and .debug_frame if present; NULL where there is none. */
Dwarf_CFI *elf_file__eh_cfi(struct elf_file *f);
Dwarf_CFI *elf_file__debug_cfi(struct elf_file *f);

int elf_file__machine(const struct elf_file *f); /* e_machine */
uint64_t elf_file__id(const struct elf_file *f); /* no other file ever has the same */
/* Of its contents, in hex; NULL if it has none. */
const char *elf_file__build_id(const struct elf_file *f);

#endif
