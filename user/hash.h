/* SPDX-License-Identifier: GPL-2.0-only */
/* uthash for tables of thousands that are asked thousands of times a second. */
#ifndef HASH_H
#define HASH_H

#include <uthash.h>

/*
 * A table grows when one of its chains gets so long. With uthash's 10, each search follows two
 * entries that are not wanted, and each of those is far away in memory.
 */
#undef HASH_BKT_CAPACITY_THRESH
#define HASH_BKT_CAPACITY_THRESH 5U

#endif
