/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Source lines of code in processes, and members of their data. DWARF is opened when an address
 * asks for it, its memory is bounded, and its time is a small share of one CPU: who has none is
 * told to come again.
 */
#ifndef LINES_H
#define LINES_H

#include "dwarf_source.h"
#include "elf_file.h"

struct lines;

struct lines *lines__new(struct proc *proc);
void lines__free(struct lines *l);

/*
 * What stands at an address of a file that pid maps. 0; -ENOENT if nothing is known and never will
 * be; -EAGAIN if it is worth asking again later. *ret is for source_code__done().
 */
int lines__at(struct lines *l, pid_t pid, const struct mapping *m, const struct elf_file *f,
	      uint64_t vaddr, struct source_code *ret);

/*
 * What stands at an offset in the static variable at vaddr, as of dwarf_source__member(). NULL also
 * if there is no time for it now.
 */
char *lines__member(struct lines *l, pid_t pid, const struct mapping *m, const struct elf_file *f,
		    uint64_t vaddr, uint64_t offset);

/* Gives back the memory of what was not asked for lately. Cheap: for calling often. */
void lines__tidy(struct lines *l);

#endif
