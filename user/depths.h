/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a thread waits, by how deep its stack is there. A word of a thread's own serves many call
 * sites, and only some of its sleeps are sampled: a sleep at a depth that all samples saw one site
 * at is taken for that site's. Pure.
 */
#ifndef DEPTHS_H
#define DEPTHS_H

#include "sites.h"

#define DEPTHS_MAX 64 /* of one key; the oldest gives way */

struct depth {
	uint64_t sp; /* stack pointer in the wait */
	struct site_place place;
	bool several; /* others were seen there too: it tells nothing */
};

struct depths {
	struct depth *items;
	size_t n, capacity, oldest;
};

void depths__done(struct depths *d);

/* A sample that was taken there. */
void depths__note(struct depths *d, uint64_t sp, const struct site_place *place);

/* NULL: no sample, or not the same site each time. Valid until the next note. */
const struct site_place *depths__place(const struct depths *d, uint64_t sp);

#endif
