/* SPDX-License-Identifier: GPL-2.0-only */
/* The threads that held a lock while others waited for it, and what those waits weigh. Pure. */
#ifndef HOLDERS_H
#define HOLDERS_H

#include "model.h"

#define HOLDERS_MAX 32 /* kept for one key; the least important gives way */

/* How it is known that a thread held the lock. */
enum holder_source {
	HELD_AT_LOOKS,	/* found holding it at looks, which come at no special moments */
	HELD_AT_START,	/* found holding it when a sampled wait began: where looks found nobody */
	HELD_BY_WAKER,	/* inferred: it ended a sampled wait */
	HELD_BY_CALLS,	/* at looks too: the exact tier saw it take the lock */
	HELD_BY_PYTHON, /* at looks too: its interpreter says so */
	HELD_GIL_AT_START, /* as HELD_AT_START, of a GIL */
};

struct lock_holder {
	pid_t tid;
	enum holder_source source;
	uint64_t samples, wait_ns; /* of the running interval */
	uint64_t all_wait_ns;	   /* since it was first seen */
};

struct holders {
	struct lock_holder *items;
	size_t n, capacity;
};

void holders__done(struct holders *h);

/* Enters wait that a thread's holding cost; sample: it was found once more. */
void holders__credit(struct holders *h, pid_t tid, enum holder_source source, uint64_t wait_ns,
		     bool sample);

/* The running interval's figures go to zero. */
void holders__next_interval(struct holders *h);

#endif
