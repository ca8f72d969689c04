/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Intervals summed up as metrics: counters that never go back, for a scraper or a file. However
 * many locks there are, at most options->top have a series of their own (0: METRICS_SERIES_MAX);
 * what the others waited is summed into lock="other", so that sums over all series stay right.
 */
#ifndef METRICS_H
#define METRICS_H

#include <stdio.h>

#include "model.h"
#include "options.h"

#define METRICS_SERIES_MAX 4096 /* of locks, and of processes, that are told apart at all */

/* The same figures in two notations. */
enum metrics_notation {
	METRICS_OPENMETRICS, /* OpenMetrics 1.0 */
	METRICS_PROMETHEUS,  /* Prometheus' text format 0.0.4, for what knows no other */
};

/* What an HTTP header says of them. */
#define METRICS_OPENMETRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define METRICS_PROMETHEUS_TYPE	 "text/plain; version=0.0.4; charset=utf-8"

struct metrics;

/* o->top and o->idle (series of idle locks too) are read now. */
struct metrics *metrics__new(const struct options *o);
void metrics__free(struct metrics *m);

/* Adds an interval's figures. */
void metrics__add(struct metrics *m, const struct snapshot *s);

/*
 * All figures so far. Which locks have a series of their own may change with each interval; called
 * again without one in between, it writes the same in either notation. 0 or -errno.
 */
int metrics__write(FILE *out, struct metrics *m, enum metrics_notation notation);

#endif
