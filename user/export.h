/* SPDX-License-Identifier: GPL-2.0-only */
/* Snapshots as bytes: one row in a table and one file for each format. */
#ifndef EXPORT_H
#define EXPORT_H

#include <stdio.h>

#include "model.h"
#include "options.h"

struct exporter {
	const char *name;
	const char *help;
	/*
	 * Writes one interval. first: the first of this output (heads are printed once).
	 * 0 or -errno; what is written goes to out only.
	 */
	int (*write)(FILE *out, const struct snapshot *s, const struct options *o, bool first);
};

/* The table; it ends with a row without a name. */
extern const struct exporter exporters[];
const struct exporter *exporter__find(const char *name);

int export_text__write(FILE *out, const struct snapshot *s, const struct options *o, bool first);
int export_json__write(FILE *out, const struct snapshot *s, const struct options *o, bool first);
int export_csv__write(FILE *out, const struct snapshot *s, const struct options *o, bool first);
int export_folded__write(FILE *out, const struct snapshot *s, const struct options *o, bool first);
int export_dot__write(FILE *out, const struct snapshot *s, const struct options *o, bool first);

#endif
