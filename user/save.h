/* SPDX-License-Identifier: GPL-2.0-only */
/* What is on screen as a file in the current directory. */
#ifndef SAVE_H
#define SAVE_H

#include "model.h"
#include "options.h"
#include "text_page.h"

/*
 * Creates locktop-HOST-YYYYmmdd-HHMMSS.json (0600, never over an existing file), written whole or
 * not at all. Its name goes into name. 0 or -errno.
 */
int save__snapshot(const struct snapshot *s, const struct options *o, char *name, size_t size);

/* The same of a dump: locktop-dump-PID-YYYYmmdd-HHMMSS.txt. */
int save__dump(const struct text_page *dump, char *name, size_t size);

#endif
