/* SPDX-License-Identifier: GPL-2.0-only */
/* locktop diff A B: both files read, compared, printed, and judged by --fail-if. */
#ifndef COMPARE_H
#define COMPARE_H

#include "options.h"
#include "output.h"

#define COMPARE_LINE 1024

/*
 * 0; or -errno with a line in error. found: "", or what --fail-if names was seen, in one line; the
 * comparison is printed all the same.
 */
int compare__run(const struct options *o, struct output *output, char found[COMPARE_LINE],
		 char error[COMPARE_LINE]);

#endif
