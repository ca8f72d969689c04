/* SPDX-License-Identifier: GPL-2.0-only */
/* The rules that lead from a line of a tree to the lines below it. */
#ifndef GUIDES_H
#define GUIDES_H

#include <stdbool.h>
#include <stdint.h>

#include "canvas.h"

#define GUIDES_DEPTH 12 /* from here on branches are set no further in */

struct guides {
	int depth;     /* branchings above the line; 0: a root, which has no rule */
	uint64_t rest; /* bit n: siblings of its n-th ancestor follow */
	bool head;     /* begins a branch */
	bool last;     /* no sibling follows */
};

/* Returns the columns taken, at most room. */
int guides__draw(struct canvas *c, int x, int row, int room, const struct guides *g, bool utf8);

#endif
