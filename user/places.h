/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an address of code is called: function, file and line, and the functions inlined there.
 * Remembered by file and address, so that stacks seen before cost next to nothing.
 */
#ifndef PLACES_H
#define PLACES_H

#include "model.h"
#include "unwind.h"

struct places;
struct names;

struct place {
	struct frame
		*frames; /* innermost first, without modules; the last is the function itself */
	size_t n;	 /* at least 1 */
	bool exported;	 /* that function is one that its file exports */
	uint64_t offset; /* in it, if its symbol is known */
};

/* Strings are interned in names. */
struct places *places__new(struct proc *proc, struct names *names);
void places__free(struct places *p);

/* What a symbol means, interned; the symbol itself if it is not mangled. */
const char *places__name(struct places *p, const char *symbol);

/* As lines__member(). */
char *places__member(struct places *p, pid_t pid, const struct mapping *m, const struct elf_file *f,
		     uint64_t vaddr, uint64_t offset);

/* Valid until the next call. */
const struct place *places__at(struct places *p, pid_t pid, const struct unwind_frame *f);

#endif
