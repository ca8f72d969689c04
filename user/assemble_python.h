/* SPDX-License-Identifier: GPL-2.0-only */
/* What only interpreters know of the rows of a snapshot. */
#ifndef ASSEMBLE_PYTHON_H
#define ASSEMBLE_PYTHON_H

#include "parts.h"
#include "runtime_python.h"

/* Completes the lock of a part: switches of a GIL, tries of the program in place of the
 * interpreter's. */
void assemble_python__lock(const struct parts *parts, const struct part *part,
			   struct pythons *pythons);

/* What constructs say of themselves. After the threads. */
void assemble_python__states(struct snapshot *s, const struct parts *parts,
			     struct pythons *pythons);

/* Names of threads, and what each has to do with its GIL. */
void assemble_python__threads(struct snapshot *s, struct pythons *pythons);

#endif
