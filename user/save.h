/* SPDX-License-Identifier: GPL-2.0-only */
/* What is on screen as a file of its own, mode 0600: never over what is there, whole or not at all.
 */
#ifndef SAVE_H
#define SAVE_H

#include <stdio.h>

#include "model.h"
#include "options.h"
#include "text_page.h"

/*
 * Creates locktop-HOST-YYYYmmdd-HHMMSS.json in the current directory. Its name goes into name. 0 or
 * -errno.
 */
int save__snapshot(const struct snapshot *s, const struct options *o, char *name, size_t size);

/* The same of a dump: locktop-dump-PID-YYYYmmdd-HHMMSS.txt. */
int save__dump(const struct text_page *dump, char *name, size_t size);

/* Names like these, with a suffix, that nothing in the current directory has. */
void save__propose(const struct snapshot *s, const char *suffix, char *name, size_t size);
void save__propose_dump(const struct text_page *dump, char *name, size_t size);

/* Creates path with what write() puts into it. 0 or -errno: -EEXIST, -EISDIR, ..., or write()'s. */
int save__as(const char *path, int (*write)(void *ctx, FILE *out), void *ctx);

#endif
