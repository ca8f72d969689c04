/* SPDX-License-Identifier: GPL-2.0-only */
/* The intervals of a recording: when each was, and its load. Follows a recording that grows. */
#ifndef TIMELINE_H
#define TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store.h"

struct timeline_interval {
	uint64_t begin_ns, end_ns; /* since 1970 */
	double load;
	bool lossy;
};

struct timeline {
	uint64_t from_ns, to_ns; /* only intervals that lie in between, if but in part */
	struct timeline_interval *items;
	size_t n, capacity;
	size_t offset; /* of the first one in the recording */
};

/* All of a recording; it is read by timeline__follow(). */
void timeline__init(struct timeline *t);
void timeline__done(struct timeline *t);

/* Reads what the recording has now. 0 or -errno; what was read stands. */
int timeline__follow(struct timeline *t, struct store *s);

/* The interval that a moment lies in, or the nearest one. t has intervals. */
size_t timeline__at(const struct timeline *t, uint64_t ns);

/*
 * What people write: RFC 3339 (2026-11-23T10:00:00.5Z, +01:00; without a zone it is local time),
 * HH:MM or HH:MM:SS of the day on which a recording from begin_ns to end_ns begins (or of the next,
 * if that still lies in it), or +SECONDS from begin_ns. 0 or -EINVAL.
 */
int timeline__parse(const char *text, uint64_t begin_ns, uint64_t end_ns, uint64_t *ret);

#endif
