/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The wait graph as lines of text: who blocks, the locks that it holds, the threads that queue for
 * them with what those hold, and so on. Deadlocks first. Pure; lines point into the snapshot.
 */
#ifndef FOREST_H
#define FOREST_H

#include "guides.h"
#include "model.h"

#define FOREST_WAITERS 8 /* of a lock that have a line; the others share one */

enum forest_mark {
	FOREST_DEADLOCK, /* heads a cycle that stands still */
	FOREST_CYCLE,	 /* heads one that was seen only now */
	FOREST_LINK,	 /* a thread of either */
	FOREST_ROOT,	 /* a thread that blocks others, and does not wait */
	FOREST_FRAME,	 /* where the thread of the line above is */
	FOREST_LOCK,
	FOREST_WAITER,
	FOREST_MORE, /* waiters without a line of their own */
};

struct forest_line {
	enum forest_mark mark;
	struct guides guides;
	const struct thread *thread; /* NULL: the line is about none */
	const struct lock *lock;     /* what Enter opens; NULL: nothing */
	const struct thread *holder; /* FOREST_LINK: of that lock */
	size_t behind;		     /* threads that wait behind it */
	uint64_t age_ns;	     /* of its wait, or of the oldest one in it; 0: not known */
	uint64_t least_ns;	     /* FOREST_MORE: of the youngest one */
	size_t n;		     /* threads of FOREST_DEADLOCK, _CYCLE and _MORE */
};

struct forest_place; /* a lock and the rank of its root */

struct forest {
	struct forest_line *lines;
	size_t n_lines;
	size_t n_roots;	  /* deadlocks and cycles count as one each */
	size_t n_waiting; /* threads that wait */
	/* The order of roots, for the next forest to keep; does not point into a snapshot. */
	struct forest_place *places;
	size_t n_places;
};

/*
 * s NULL: an empty one. idle: with waits of the idle class. earlier: its order of roots is kept,
 * and new ones follow; NULL: those with most threads behind them first. Of earlier only the order
 * is read.
 */
struct forest *forest__new(const struct snapshot *s, bool idle, const struct forest *earlier);
void forest__free(struct forest *f);

/*
 * A line in words: what it is about, and a remark to it. Either may be empty; both are clean, and
 * have room in WORDS_MAX bytes.
 */
void forest__words(const struct forest_line *line, uint64_t interval_ns, char *what, char *remark);

#endif
