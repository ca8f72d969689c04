/* SPDX-License-Identifier: GPL-2.0-only */
/* What metrics*.c share: figures of all intervals so far. */
#ifndef METRICS_INTERNAL_H
#define METRICS_INTERNAL_H

#include "metrics.h"
#include "series.h"

struct metrics {
	bool idle; /* locks of the idle class have rows too */
	bool settled;
	struct series_table locks;
	struct series_table processes;
	uint64_t intervals;
	uint64_t observed_ns;
	struct totals totals[CLASS_COUNT]; /* counters; waiting: now */
	uint64_t losses[LOSS_COUNT];
	uint64_t cpu_ns;
	uint64_t rss_bytes; /* now */
	uint64_t probe_ns, probe_runs;
	bool probe_known;
	uint64_t deadlocks, deadlocked_threads; /* now */
	bool exact;
	uint64_t inversions; /* known now */
	double exact_share;  /* of the last interval */
	char version[64], kernel[128];
};

#endif
