/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a page shows: intervals, locks summed over them, their stacks. However long it is filled,
 * there are at most HTML_INTERVALS_MAX intervals: then every two become one.
 */
#ifndef HTML_DATA_H
#define HTML_DATA_H

#include <stdio.h>
#include <uthash.h>

#include "model.h"
#include "options.h"
#include "profile.h"

#define HTML_INTERVALS_MAX 1000

struct html_interval {
	uint64_t end_ms; /* since 1970 */
	uint64_t length_ns;
	uint64_t wait_ns; /* contention only */
	uint64_t idle_ns;
	uint64_t losses;
};

/* A lock's part in an interval; intervals that it did not wait in have none. */
struct html_load {
	uint32_t interval;
	uint64_t wait_ns;
};

struct html_lock {
	char *key; /* id and kind */
	struct lock
		sum; /* strings and verdicts are this one's own, sites and holders are not there */
	char *owner; /* in words, of the last interval that knew one; NULL */
	struct html_load *loads;
	size_t n_loads, capacity;
	UT_hash_handle hh;
};

struct html_data {
	struct options options;
	char *host, *kernel, *version;
	bool exact;
	uint64_t begin_ms, end_ms, duration_ns;
	struct totals totals, idle;
	uint64_t losses[LOSS_COUNT];
	struct self_cost self;
	char *deadlocks; /* of the last interval that had one, in words; NULL */
	struct html_interval *intervals;
	size_t n_intervals;
	size_t merged;	/* intervals that came in each of them */
	size_t pending; /* of them, how many are in the last one */
	struct html_lock *locks;
	struct profile *waiters, *wakers;
};

struct html_data *html_data__new(const struct options *o);
void html_data__free(struct html_data *d);

void html_data__add(struct html_data *d, const struct snapshot *s);

/* As one JSON object; nothing in it can end the script element that it stands in. */
void html_json__write(FILE *out, const struct html_data *d);

#endif
