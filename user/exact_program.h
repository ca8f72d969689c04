/* SPDX-License-Identifier: GPL-2.0-only */
/* The files that a program begins with, known before it is executed. */
#ifndef EXACT_PROGRAM_H
#define EXACT_PROGRAM_H

#include "libraries.h"

#define PROGRAM_FILES 2 /* its own, and the loader's */

/* Kept open: their paths lead to the very files that were read, whatever becomes of the names. */
struct program_file {
	struct library library; /* its id is 0 */
	int fd;
	bool alone; /* it asks for no loader */
};

/*
 * Those of them with functions to probe, of a program named as for execvp(). How many; ret[i] is
 * for program_file__done().
 */
size_t exact_program__read(struct proc *proc, const char *program,
			   struct program_file ret[PROGRAM_FILES]);
void program_file__done(struct program_file *f);

#endif
