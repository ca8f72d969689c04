/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Source lines of code in processes. DWARF is opened when an address asks for it, its memory is
 * bounded, and its time is a small share of one CPU: who has none is told to come again.
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

/* Gives back the memory of what was not asked for lately. Cheap: for calling often. */
void lines__tidy(struct lines *l);

#endif
