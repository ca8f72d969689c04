/* SPDX-License-Identifier: GPL-2.0-only */
/* What the exact tier would find on this machine: for `locktop check`. */
#ifndef EXACT_CHECK_H
#define EXACT_CHECK_H

#include <stdio.h>

#include "proc.h"

/* Says which files it would probe, which functions are dear there, and which runtimes go past. */
void exact_check__print(FILE *out, struct proc *proc);

#endif
