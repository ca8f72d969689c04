/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Recordings: the snapshots of intervals in one SQLite file, whole: what a live screen shows, a
 * recorded one can show. Its schema is documented and versioned, for people query it with SQL.
 * Everything in a file may be damaged or hostile: errors are one clear line.
 */
#ifndef STORE_H
#define STORE_H

#include "model.h"

#define STORE_VERSION 2	  /* of new files; older ones are read */
#define STORE_ERROR   256 /* bytes of an error line */

struct store;

/* How large a recording may grow; what is oldest goes first. 0: no bound. */
struct store_limits {
	uint64_t bytes;	  /* --max-size */
	uint64_t keep_ns; /* --keep: age of the oldest interval */
};

/*
 * A new file, which must not exist, mode 0600. 0, or -errno with a line in error.
 */
int store__create(const char *path, const struct store_limits *limits, struct store **ret,
		  char error[STORE_ERROR]);

/* One interval, in one transaction: after a kill or a full disk it is there whole or not at all. */
int store__append(struct store *s, const struct snapshot *snapshot, char error[STORE_ERROR]);

/* An existing recording, to be read; it may be growing meanwhile. */
int store__open(const char *path, struct store **ret, char error[STORE_ERROR]);

/*
 * Intervals that are there now (a growing recording has more later), oldest first. One keeps its
 * index while the recording is open, even if it goes because of the limits.
 */
size_t store__count(struct store *s);

/* What a chart or a jump needs to know of an interval. */
struct store_interval {
	struct timespec time; /* its end */
	uint64_t interval_ns;
	uint64_t wait_ns; /* contention only */
	uint64_t losses;
};
int store__interval(struct store *s, size_t index, struct store_interval *ret);

/* The snapshot, as it was appended, to the digit. 0 or -errno with a line in error. */
int store__read(struct store *s, size_t index, struct snapshot **ret, char error[STORE_ERROR]);

void store__close(struct store *s);

#endif
