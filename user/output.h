/* SPDX-License-Identifier: GPL-2.0-only */
/* Where batch output goes: stdout, or a file that appears whole or not at all. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdio.h>

struct output {
	FILE *file;
	const char *path; /* NULL: stdout */
	char *temporary;  /* NULL: path is written directly (a device, a pipe) */
};

/*
 * path NULL: stdout. A regular file is written beside its place, mode 0600, and moved there by
 * output__commit. 0 or -errno.
 */
int output__open(struct output *o, const char *path);

/*
 * Writes size bytes past what the file has buffered, in one call of the kernel: a regular file that
 * others (a command that was started) write to as well has their bytes before or behind, not in
 * between. 0 or -errno.
 */
int output__write(struct output *o, const char *bytes, size_t size);

/* Flushes; a new file takes its place. 0 or -errno; then nothing is left behind. */
int output__commit(struct output *o);

/* Gives up: what was written to a new file is removed. Safe after commit. */
void output__abandon(struct output *o);

#endif
