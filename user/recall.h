/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What was found for each thread that slept, at the reading before. Of ten thousand sleepers most
 * sleep on, and readings have them in the same order: that of their numbers, or nearly so. What is
 * remembered need not be looked up again.
 */
#ifndef RECALL_H
#define RECALL_H

#include <stddef.h>
#include <stdint.h>

struct recalled {
	uint32_t tid;
	void *found; /* borrowed */
};

struct recall {
	struct recalled *then, *now;
	size_t n_then, n_now, now_capacity;
	size_t at; /* in then */
};

/* A reading begins; it may end early: what it did not note is looked up the next time. */
void recall__begin(struct recall *r);

/*
 * What was noted for the thread the last time; NULL: nothing, or it is out of order. Whether it is
 * still what is wanted is for the caller to see.
 */
void *recall__find(struct recall *r, uint32_t tid);

/* In the order in which they were asked for. */
void recall__note(struct recall *r, uint32_t tid, void *found);

/* What was noted before is not asked for any more in this reading. */
void recall__end(struct recall *r);

/* To be called before anything that was noted is freed. */
void recall__forget(struct recall *r);

void recall__done(struct recall *r);

#endif
