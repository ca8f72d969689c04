/* SPDX-License-Identifier: GPL-2.0-only */
/* Debug files from servers on the network, where the user asked for it and named the servers. */
#ifndef DEBUGINFOD_H
#define DEBUGINFOD_H

#include <stddef.h>

/*
 * The debug file of a build id: its fd, and its path in the user's cache from malloc. -errno if
 * DEBUGINFOD_URLS is not set, no server has it, or none answers: then none is asked again for a
 * minute. Blocks for DEBUGINFOD_TIMEOUT, by default 2 s without progress, and 10 s in all.
 */
int debuginfod__fetch(const unsigned char *id, size_t id_len, char **path);

#endif
