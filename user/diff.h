/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What got better and worse between two observations (A, then B). Locks are matched by what stays
 * the same from run to run: the command, the kind, and the name; without a name of its own, the
 * place where it is waited for. Never by address or process number. Several that are the same by
 * that are summed. All figures are per second, over all the time of a side. Pure.
 */
#ifndef DIFF_H
#define DIFF_H

#include <stdio.h>

#include "diff_side.h"
#include "fields.h"

enum { DIFF_A, DIFF_B, DIFF_SIDES };

/* X(enumerator, key in json, word of --fail-if, column head, unit, exact tier only, help) */
#define DIFF_FIGURES(X)                                                                      \
	X(LOAD, "load", "load", "LOAD", UNIT_LOAD, 0, "mean number of threads waiting")      \
	X(WAIT, "wait_ns", "wait", "WAIT", UNIT_DURATION, 0, "mean time of a wait")          \
	X(P50, "p50_ns", "p50", "P50", UNIT_DURATION, 0, "half of the waits were shorter")   \
	X(P99, "p99_ns", "p99", "P99", UNIT_DURATION, 0, "99 of 100 waits were shorter")     \
	X(MAX, "max_ns", "max", "MAX", UNIT_DURATION, 0, "longest wait")                     \
	X(SLEEPS, "sleeps_per_s", "sleeps", "SLEEP/s", UNIT_RATE, 0,                         \
	  "how often a thread went to sleep on it, a second")                                \
	X(ACQUISITIONS, "acquisitions_per_s", "acquisitions", "ACQUIRE/s", UNIT_RATE, 1,     \
	  "how often it was taken, a second")                                                \
	X(HOLD, "hold_load", "hold", "HOLD", UNIT_LOAD, 1, "share of time that it was held") \
	X(TRY_FAILURES, "try_failures_per_s", "try_failures", "TRYFAIL/s", UNIT_RATE, 1,     \
	  "how often a try to take it failed, a second")

enum diff_figure {
#define X(name, ...) FIGURE_##name,
	DIFF_FIGURES(X)
#undef X
		FIGURE_COUNT
};

struct diff_figure_row {
	const char *key, *word, *title;
	enum unit unit;
	bool exact;
	const char *help;
};
extern const struct diff_figure_row diff_figures[FIGURE_COUNT];

struct diff_value {
	bool known;
	double n; /* ns for durations; loads as they are; the rest a second */
};

struct diff_row {
	const char *comm;  /* NULL: unknown */
	const char *name;  /* of its own; or NULL */
	const char *place; /* where it is waited for, if it has no name of its own; or NULL */
	const char *name_from;
	enum lock_kind kind;
	enum lock_class class;
	unsigned int locks[DIFF_SIDES]; /* summed; 0 in A: it is new; 0 in B: it is gone */
	struct diff_value values[DIFF_SIDES][FIGURE_COUNT];
	double change;		 /* of the load, B - A */
	struct diff_value noise; /* what the change can be by chance, 95 %, from the spread */
};

struct diff {
	const struct diff_side *sides[DIFF_SIDES];
	struct diff_row total; /* all locks, those that are not listed as well */
	struct diff_row *rows; /* by change of load, the largest first */
	size_t n;
};

/* Both sides have one interval at least, and outlive it. */
struct diff *diff__new(const struct diff_side *a, const struct diff_side *b);
void diff__free(struct diff *d);

bool diff_row__is_new(const struct diff_row *row);
bool diff_row__is_gone(const struct diff_row *row);
/* Is the change no larger than what chance makes? Not where that is not known. */
bool diff_row__is_noise(const struct diff_row *row);
/* "table_lock", "at open_table (table.c:412)", "?": clean. */
char *diff_row__label(const struct diff_row *row, char *buf, size_t size);

/* As people read it; ? if it is not known. */
void diff_value__format(const struct diff_value *v, enum diff_figure f, char *buf, size_t size);

/* Share of a side's wait that its listed locks account for, 0..1: recorded with --top, not all. */
double diff_side__listed(const struct diff_side *side);

struct options;

/* As tables for people, and as one JSON object (schema locktop-diff/1). 0 or -errno. */
int diff_text__write(FILE *out, const struct diff *d, const struct options *o);
int diff_json__write(FILE *out, const struct diff *d, const struct options *o);

#endif
