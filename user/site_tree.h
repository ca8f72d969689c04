/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stacks of a lock in one role as a tree of lines: at the root the function that called the
 * lock function (of a Python stack: the program's own line), below it its callers. Calls that no
 * other stack shares follow each other without being set further in. Pure; lines point into the
 * snapshot.
 */
#ifndef SITE_TREE_H
#define SITE_TREE_H

#include "model.h"

enum tree_mark {
	TREE_FRAME,
	TREE_TRUNCATED, /* the stack was cut here */
	TREE_MORE,	/* branches too small to be shown, in one line */
	TREE_SAME,	/* from this frame on the way out is one that stands above */
};

struct tree_line {
	enum tree_mark mark;
	const struct frame *frame; /* TREE_FRAME and TREE_SAME */
	bool head;		   /* begins a branch: its figures are worth showing */
	bool last;		   /* of its siblings */
	int depth;		   /* branchings above it */
	uint64_t guides;	   /* bit n: siblings of its n-th ancestor follow */
	double share;		   /* 0..1 of the role */
	uint64_t wait_ns;
	size_t sites;  /* distinct stacks through here */
	size_t frames; /* TREE_SAME: how many stand above */
};

struct site_tree {
	struct tree_line *lines;
	size_t n_lines;
	size_t n_sites;
	uint64_t samples;
	uint64_t wait_ns;
	uint64_t
		*order; /* of branches, for the next tree to keep; does not point into a snapshot */
	size_t n_order;
};

/*
 * earlier: its order of branches is kept, and new ones follow; NULL: largest share first. Of
 * earlier only the order is read.
 */
struct site_tree *site_tree__new(const struct lock *lock, enum site_role role,
				 const struct site_tree *earlier);
void site_tree__free(struct site_tree *t);

#endif
