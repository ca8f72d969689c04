/* SPDX-License-Identifier: GPL-2.0-only */
/* A recording shown: on the live screen's screens, or printed in any format. */
#ifndef REPORT_H
#define REPORT_H

#include "options.h"
#include "recording.h"
#include "store.h"

#define REPORT_ERROR 512

enum report_result {
	REPORT_FINE,
	REPORT_FAILED,
	REPORT_FOUND, /* one of options->fail_on was seen */
};

/*
 * Shows options->files[0] from options->from to options->to. setlocale() was called before. If it
 * is not fine, error says why in one line.
 */
enum report_result report__run(const struct options *o, char error[REPORT_ERROR]);

/*
 * report_screen.c: until the user quits. 0; or -errno, which stage__error() may explain, if error
 * has no line.
 */
int report_screen__run(const struct options *o, struct store *s, struct recording *r,
		       char error[STORE_ERROR]);

/* The sum of a recording's intervals first to last, or the one. 0 or -errno with a line in error.
 */
int report__read(struct store *s, size_t first, size_t last, struct snapshot **ret,
		 char error[STORE_ERROR]);

#endif
