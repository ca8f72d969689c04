/* SPDX-License-Identifier: GPL-2.0-only */
/* Files to be compared: recordings, and JSON as -f json prints it. Their bytes are anybody's. */
#ifndef DIFF_READ_H
#define DIFF_READ_H

#include <stdio.h>

#include "diff_side.h"

/*
 * All intervals of a file. 0, *ret then has one at least; or -errno with a line in error. path
 * must outlive *ret.
 */
int diff_read(const char *path, bool idle, struct diff_side **ret, char *error, size_t size);

/* The same of an open file that has a JSON object a line. */
int diff_read__json(FILE *file, struct diff_side *side, char *error, size_t size);

#endif
