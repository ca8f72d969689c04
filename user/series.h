/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rows of metrics, by their labels: of a bounded number, and only the largest by name. A row that
 * is not among them hands its figures over to the row of the others, and never takes them back:
 * so neither of the two can decrease.
 */
#ifndef SERIES_H
#define SERIES_H

#include <uthash.h>

#include "model.h"

/* Upper bounds of histogram buckets: 2^SERIES_FIRST ns, doubled at each step; one more for all. */
#define SERIES_FIRST   10
#define SERIES_STEPS   25
#define SERIES_BUCKETS (SERIES_STEPS + 1)

enum counter {
	COUNTER_SLEEPS,
	COUNTER_WAIT,
	COUNTER_BLOCKED,
	COUNTER_DELAY,
	COUNTER_TIMEOUTS,
	COUNTER_ACQUISITIONS,
	COUNTER_CONTENDED,
	COUNTER_TRY_FAILURES,
	COUNTER_HOLD,
	COUNTER_SWITCHES,
	COUNTER_FORCED_SWITCHES,
	COUNTER_WAITS, /* the first of SERIES_BUCKETS; each is of its bucket alone */
	COUNTER_HOLDS = COUNTER_WAITS + SERIES_BUCKETS,
	COUNTERS = COUNTER_HOLDS + SERIES_BUCKETS,
};

/* What is known of a row beyond its waits; or'ed. */
enum series_known {
	KNOWN_EXACT = 1,
	KNOWN_HOLD = 2,
	KNOWN_SWITCHES = 4,
};

struct figures {
	uint64_t n[COUNTERS];
	unsigned int known;
	uint64_t waiting; /* now, as the next */
	uint64_t oldest_ns;
};

struct series {
	char *labels;	       /* escaped: process="db",lock="log" */
	struct figures own;    /* told under these labels so far */
	struct figures fresh;  /* and since the table was settled last */
	enum lock_class class; /* which of the others' rows it falls into */
	double score;	       /* its weight, halved every few minutes */
	uint64_t seen_ns;      /* when it had a figure last, on the table's clock */
	bool shown;	       /* has a row of its own */
	UT_hash_handle hh;
};

struct series_table {
	struct series *rows; /* by labels */
	struct series others[CLASS_COUNT];
	size_t max;		 /* rows that are told apart */
	size_t top;		 /* rows that are shown */
	uint64_t clock_ns;	 /* time observed so far */
	struct series **ordered; /* the rows that are shown, by labels */
	size_t n_ordered;
};

/* others: labels of the rows that take what has none of its own. */
void series__init(struct series_table *t, size_t max, size_t top,
		  const char *const others[CLASS_COUNT]);
void series__done(struct series_table *t);

/* An interval begins: nobody is waiting until it is said again. */
void series__begin(struct series_table *t, uint64_t interval_ns);

/* Adds to the row with these labels; weight decides who is among the largest. */
void series__add(struct series_table *t, const char *labels, enum lock_class class,
		 const struct figures *add, uint64_t weight);

/* Decides who has a row, and hands the figures of the rest to the others'. */
void series__settle(struct series_table *t);

/* a + b, or as much as fits. */
static inline uint64_t series__sum(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

#endif
