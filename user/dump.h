/* SPDX-License-Identifier: GPL-2.0-only */
/* A thread dump: every thread of a process, its stack, what it waits for and holds. Pure. */
#ifndef DUMP_H
#define DUMP_H

#include <stdio.h>

#include "model.h"

/*
 * Writes the threads of pid as text for people, deadlocks first. The snapshot was made for a dump:
 * it has all threads of the process. 0 or -errno of writing.
 */
int dump__write(FILE *out, const struct snapshot *s, pid_t pid);

#endif
