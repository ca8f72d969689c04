/* SPDX-License-Identifier: GPL-2.0-only */
/* Intervals into a recording, as they come. */
#ifndef RECORD_H
#define RECORD_H

#include "options.h"
#include "store.h"

struct record;

/* Makes the file options->output names. 0, or -errno with a line in error. */
int record__new(const struct options *o, struct record **ret, char error[STORE_ERROR]);

/* Closes the file; one without an interval does not stay. */
void record__free(struct record *r);

/* ctx is a struct record; 0 or -errno, and then record__error() is the line. */
int record__add(void *ctx, const struct snapshot *s);
const char *record__error(const struct record *r); /* "": none */

#endif
