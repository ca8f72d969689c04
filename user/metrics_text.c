// SPDX-License-Identifier: GPL-2.0-only
/*
 * Metrics as text. The two notations differ in heads only: OpenMetrics names a family without the
 * suffix that its samples have, and knows units and an end.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>

#include "metrics_internal.h"
#include "util.h"

enum type { TYPE_COUNTER, TYPE_GAUGE, TYPE_HISTOGRAM };

static const char *const type_names[] = { "counter", "gauge", "histogram" };
/* What stands behind a family's name in its samples. */
static const char *const suffixes[] = { "_total", "", "" };

struct writer {
	FILE *out;
	enum metrics_notation notation;
};

/* A family of rows: which figure it is, and of which rows it is known. */
struct family {
	const char *name; /* after locktop_lock_ or locktop_process_; without suffix */
	const char *unit; /* NULL: none; it is the end of the name */
	int counter;
	unsigned int known;
	const char *help;
};

static const struct family lock_counters[] = {
	{ "wait_seconds", "seconds", COUNTER_WAIT, 0, "Time that threads waited for the lock." },
	{ "blocked_seconds", "seconds", COUNTER_BLOCKED, 0,
	  "Part of the wait until a thread was woken." },
	{ "delay_seconds", "seconds", COUNTER_DELAY, 0,
	  "Part of the wait from being woken to running again." },
	{ "sleeps", NULL, COUNTER_SLEEPS, 0, "How often a thread went to sleep on the lock." },
	{ "timeouts", NULL, COUNTER_TIMEOUTS, 0, "Waits that ended by their time-out." },
	{ "acquisitions", NULL, COUNTER_ACQUISITIONS, KNOWN_EXACT,
	  "How often the lock was taken (exact tier)." },
	{ "contended_acquisitions", NULL, COUNTER_CONTENDED, KNOWN_EXACT,
	  "Acquisitions of a lock that was not free when wanted (exact tier)." },
	{ "try_failures", NULL, COUNTER_TRY_FAILURES, KNOWN_EXACT,
	  "Tries that found the lock taken, and time-outs (exact tier)." },
	{ "hold_seconds", "seconds", COUNTER_HOLD, KNOWN_EXACT | KNOWN_HOLD,
	  "Time that the lock was held (exact tier)." },
	{ "switches", NULL, COUNTER_SWITCHES, KNOWN_SWITCHES,
	  "How often a GIL passed from one thread to another." },
	{ "forced_switches", NULL, COUNTER_FORCED_SWITCHES, KNOWN_SWITCHES,
	  "Switches of a GIL that a waiting thread had to ask for." },
	{},
};

static const struct family lock_histograms[] = {
	{ "wait_duration_seconds", "seconds", COUNTER_WAITS, 0, "Waits that ended, by length." },
	{ "hold_duration_seconds", "seconds", COUNTER_HOLDS, KNOWN_EXACT | KNOWN_HOLD,
	  "Holds that ended, by length, as far as they were seen (exact tier)." },
	{},
};

static const struct family process_counters[] = {
	{ "wait_seconds", "seconds", COUNTER_WAIT, 0,
	  "Time that threads of the process waited for locks." },
	{ "sleeps", NULL, COUNTER_SLEEPS, 0,
	  "How often a thread of the process went to sleep on a lock." },
	{},
};

static void head(const struct writer *w, const char *name, const char *unit, enum type type,
		 const char *help)
{
	const char *suffix = w->notation == METRICS_PROMETHEUS ? suffixes[type] : "";

	fprintf(w->out, "# HELP locktop_%s%s %s\n# TYPE locktop_%s%s %s\n", name, suffix, help,
		name, suffix, type_names[type]);
	if (unit && w->notation == METRICS_OPENMETRICS)
		fprintf(w->out, "# UNIT locktop_%s %s\n", name, unit);
}

/* A sample's name and labels; what follows is its value. */
static void sample(const struct writer *w, const char *name, enum type type, const char *labels)
{
	fprintf(w->out, "locktop_%s%s", name, suffixes[type]);
	if (labels)
		fprintf(w->out, "{%s}", labels);
	fputc(' ', w->out);
}

/* Integers only: neither the locale nor a rounding changes what stands there. */
static void value(const struct writer *w, const char *unit, uint64_t n)
{
	if (unit)
		fprintf(w->out, "%llu.%09llu\n", n / NSEC_PER_SEC, n % NSEC_PER_SEC);
	else
		fprintf(w->out, "%" PRIu64 "\n", n);
}

/* A family of one sample. unit "seconds": n is in ns. */
static void single(const struct writer *w, const char *name, const char *unit, enum type type,
		   const char *help, uint64_t n)
{
	head(w, name, unit, type, help);
	sample(w, name, type, NULL);
	value(w, unit, n);
}

/* ---- rows ---- */

/* The shown rows, then those of the others; NULL after the last. */
static const struct series *row_at(const struct metrics *m, const struct series_table *t, size_t i)
{
	if (i < t->n_ordered)
		return t->ordered[i];
	i -= t->n_ordered;
	return i < (t == &m->locks && m->idle ? CLASS_COUNT : 1u) ? &t->others[i] : NULL;
}

/* A family that is known of no row is left out, head and all. */
static bool is_known(const struct metrics *m, const struct series_table *t, unsigned int known)
{
	const struct series *row;
	bool found = !known;

	for (size_t i = 0; !found && (row = row_at(m, t, i)); i++)
		found = (row->own.known & known) == known;
	return found;
}

static void put_counters(const struct writer *w, const struct metrics *m,
			 const struct series_table *t, const char *prefix, const struct family *f)
{
	const struct series *row;
	char name[64];

	for (; f->name; f++) {
		if (!is_known(m, t, f->known))
			continue;
		snprintf(name, sizeof(name), "%s_%s", prefix, f->name);
		head(w, name, f->unit, TYPE_COUNTER, f->help);
		for (size_t i = 0; (row = row_at(m, t, i)); i++) {
			if ((row->own.known & f->known) != f->known)
				continue;
			sample(w, name, TYPE_COUNTER, row->labels);
			value(w, f->unit, row->own.n[f->counter]);
		}
	}
}

static void put_buckets(const struct writer *w, const char *name, const struct series *row,
			int counter)
{
	uint64_t count = 0;

	for (int i = 0; i < SERIES_BUCKETS; i++) {
		count = series__sum(count, row->own.n[counter + i]);
		fprintf(w->out, "locktop_lock_%s_bucket{%s,le=\"", name, row->labels);
		if (i == SERIES_STEPS)
			fputs("+Inf", w->out);
		else
			fprintf(w->out, "%.12g",
				(double)(1ULL << (SERIES_FIRST + i)) / NSEC_PER_SEC);
		fprintf(w->out, "\"} %" PRIu64 "\n", count);
	}
	fprintf(w->out, "locktop_lock_%s_count{%s} %" PRIu64 "\n", name, row->labels, count);
}

/* Their sums are what the counters say, of waits and holds that go on as well. */
static void put_histograms(const struct writer *w, const struct metrics *m)
{
	const struct series *row;
	char name[64];

	for (const struct family *f = lock_histograms; f->name; f++) {
		int sum = f->counter == COUNTER_WAITS ? COUNTER_WAIT : COUNTER_HOLD;

		if (!is_known(m, &m->locks, f->known))
			continue;
		snprintf(name, sizeof(name), "lock_%s", f->name);
		head(w, name, f->unit, TYPE_HISTOGRAM, f->help);
		for (size_t i = 0; (row = row_at(m, &m->locks, i)); i++) {
			if ((row->own.known & f->known) != f->known)
				continue;
			put_buckets(w, f->name, row, f->counter);
			fprintf(w->out, "locktop_lock_%s_sum{%s} ", f->name, row->labels);
			value(w, f->unit, row->own.n[sum]);
		}
	}
}

static void put_gauges(const struct writer *w, const struct metrics *m)
{
	const struct series *row;

	head(w, "lock_waiting_threads", NULL, TYPE_GAUGE, "Threads that wait for the lock now.");
	for (size_t i = 0; (row = row_at(m, &m->locks, i)); i++) {
		sample(w, "lock_waiting_threads", TYPE_GAUGE, row->labels);
		value(w, NULL, row->own.waiting);
	}
	head(w, "lock_oldest_wait_seconds", "seconds", TYPE_GAUGE,
	     "Age of the oldest wait that goes on.");
	for (size_t i = 0; (row = row_at(m, &m->locks, i)); i++) {
		sample(w, "lock_oldest_wait_seconds", TYPE_GAUGE, row->labels);
		value(w, "seconds", row->own.oldest_ns);
	}
	head(w, "process_waiting_threads", NULL, TYPE_GAUGE,
	     "Threads of the process that wait for a lock now.");
	for (size_t i = 0; (row = row_at(m, &m->processes, i)); i++) {
		sample(w, "process_waiting_threads", TYPE_GAUGE, row->labels);
		value(w, NULL, row->own.waiting);
	}
}

/* ---- all locks together, and locktop itself ---- */

static void put_totals(const struct writer *w, const struct metrics *m)
{
	static const struct {
		const char *name, *unit;
		enum type type;
		size_t at;
		const char *help;
	} rows[] = {
		{ "wait_seconds", "seconds", TYPE_COUNTER, offsetof(struct totals, wait_ns),
		  "Time that threads waited, for all locks." },
		{ "sleeps", NULL, TYPE_COUNTER, offsetof(struct totals, sleeps),
		  "How often a thread went to sleep on any lock." },
		{ "waiting_threads", NULL, TYPE_GAUGE, offsetof(struct totals, waiting),
		  "Threads that wait now." },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		head(w, rows[i].name, rows[i].unit, rows[i].type, rows[i].help);
		for (int c = 0; c < CLASS_COUNT; c++) {
			char labels[32];

			snprintf(labels, sizeof(labels), "class=\"%s\"", lock_class_names[c]);
			sample(w, rows[i].name, rows[i].type, labels);
			value(w, rows[i].unit,
			      *(const uint64_t *)((const char *)&m->totals[c] + rows[i].at));
		}
	}
}

static void put_found(const struct writer *w, const struct metrics *m)
{
	double share = fmin(fmax(m->exact_share, 0), 1);

	single(w, "deadlocks", NULL, TYPE_GAUGE, "Deadlocks that stand now.", m->deadlocks);
	single(w, "deadlocked_threads", NULL, TYPE_GAUGE, "Threads that are part of a deadlock.",
	       m->deadlocked_threads);
	if (!m->exact)
		return;
	single(w, "order_inversions", NULL, TYPE_GAUGE,
	       "Locks that are taken in orders that contradict each other (exact tier).",
	       m->inversions);
	head(w, "exact_ratio", "ratio", TYPE_GAUGE,
	     "Share of the last interval that the exact tier counted in.");
	fprintf(w->out, "locktop_exact_ratio %.3f\n", share);
}

static void put_self(const struct writer *w, const struct metrics *m)
{
	char labels[512];

	single(w, "intervals", NULL, TYPE_COUNTER, "Intervals observed.", m->intervals);
	single(w, "observed_seconds", "seconds", TYPE_COUNTER, "Time observed.", m->observed_ns);
	head(w, "losses", NULL, TYPE_COUNTER, "What could not be counted.");
	for (int i = 0; i < LOSS_COUNT; i++) {
		snprintf(labels, sizeof(labels), "loss=\"%s\"", loss_names[i]);
		sample(w, "losses", TYPE_COUNTER, labels);
		value(w, NULL, m->losses[i]);
	}
	single(w, "self_cpu_seconds", "seconds", TYPE_COUNTER, "CPU time of locktop itself.",
	       m->cpu_ns);
	head(w, "self_resident_memory_bytes", "bytes", TYPE_GAUGE, "Memory of locktop itself.");
	fprintf(w->out, "locktop_self_resident_memory_bytes %" PRIu64 "\n", m->rss_bytes);
	if (!m->probe_known)
		return;
	single(w, "self_probe_seconds", "seconds", TYPE_COUNTER,
	       "Time that the probes took, scaled up from slices.", m->probe_ns);
	single(w, "self_probe_runs", NULL, TYPE_COUNTER,
	       "How often the probes ran, scaled up from slices.", m->probe_runs);
}

/* A value of a label: foreign text was cleaned when it came. */
static void put_escaped(FILE *out, const char *s)
{
	for (; *s; s++)
		fprintf(out, *s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
}

/* Before the first interval the kernel is unknown: no series whose label would change then. */
static void put_build_info(struct writer *w, const struct metrics *m)
{
	/* OpenMetrics' own type for this is unknown to older readers, which stop there */
	head(w, "build_info", NULL, TYPE_GAUGE,
	     "The version of locktop, and the kernel it runs on.");
	if (!m->kernel[0])
		return;
	fputs("locktop_build_info{version=\"", w->out);
	put_escaped(w->out, m->version);
	fputs("\",kernel=\"", w->out);
	put_escaped(w->out, m->kernel);
	fputs("\"} 1\n", w->out);
}

int metrics__write(FILE *out, struct metrics *m, enum metrics_notation notation)
{
	struct writer w = { out, notation };

	if (!m->settled) {
		series__settle(&m->locks);
		series__settle(&m->processes);
		m->settled = true;
	}
	put_build_info(&w, m);
	put_totals(&w, m);
	put_found(&w, m);
	put_counters(&w, m, &m->locks, "lock", lock_counters);
	put_histograms(&w, m);
	put_counters(&w, m, &m->processes, "process", process_counters);
	put_gauges(&w, m);
	put_self(&w, m);
	if (notation == METRICS_OPENMETRICS)
		fputs("# EOF\n", out);
	return ferror(out) ? -EIO : 0;
}
