/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ways back through files without call frame rules, remembered: the files' code is read where it is
 * first needed, a few pages at a time.
 */
#ifndef STEP_CODE_H
#define STEP_CODE_H

#include "code_walk.h"
#include "symbols.h"

struct step_code; /* bounded; what belongs to files that are gone is never found again */

struct step_code *step_code__new(void);
void step_code__free(struct step_code *c);

/* A place in a file, and a process that maps it. */
struct code_location {
	struct symbols *symbols;
	pid_t pid;
	const struct mapping *mapping;
	struct elf_file *file;
	uint64_t vaddr;
};

/* NULL if the code can't be read or is another machine's. Valid until the next call. */
const struct code_step *step_code__at(struct step_code *c, const struct code_location *where);

/* Does the location come right after a call? */
bool step_code__after_call(struct step_code *c, const struct code_location *where);

#endif
