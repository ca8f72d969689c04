/* SPDX-License-Identifier: GPL-2.0-only */
/* What libraries.c wants to know of one file. */
#ifndef LIBRARY_FILE_H
#define LIBRARY_FILE_H

#include "libraries.h"

/*
 * Fills build_id, places and n_places of *ret, and the mask of its bypass_kinds. path: for names of
 * files that say what they are. False: it is no ELF file, or has nothing of it all.
 */
bool library_file__read(int fd, const char *path, struct library *ret, unsigned int *bypass);

#endif
