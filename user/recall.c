// SPDX-License-Identifier: GPL-2.0-only
#include "recall.h"

#include <stdlib.h>

#include "util.h"

void recall__begin(struct recall *r)
{
	free(r->then);
	r->then = r->now;
	r->n_then = r->n_now;
	r->at = 0;
	/* as many again, more often than not */
	r->now = r->n_then ? xrealloc(NULL, r->n_then, sizeof(*r->now)) : NULL;
	r->now_capacity = r->n_then;
	r->n_now = 0;
}

void recall__end(struct recall *r)
{
	free(r->then);
	r->then = NULL;
	r->n_then = 0;
}

void *recall__find(struct recall *r, uint32_t tid)
{
	while (r->at < r->n_then && r->then[r->at].tid < tid)
		r->at++;
	return r->at < r->n_then && r->then[r->at].tid == tid ? r->then[r->at].found : NULL;
}

void recall__note(struct recall *r, uint32_t tid, void *found)
{
	array__grow(r->now, r->n_now, r->now_capacity);
	r->now[r->n_now++] = (struct recalled){ tid, found };
}

void recall__forget(struct recall *r)
{
	r->n_then = r->n_now = 0;
}

void recall__done(struct recall *r)
{
	free(r->then);
	free(r->now);
	*r = (struct recall){};
}
