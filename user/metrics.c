// SPDX-License-Identifier: GPL-2.0-only
#include "metrics_internal.h"

#include <stdlib.h>

#include "select.h"
#include "text.h"
#include "util.h"

#define LABEL_MAX 128 /* bytes of a label's value, before it is escaped */

struct metrics *metrics__new(const struct options *o)
{
	static const char *const locks[CLASS_COUNT] = {
		"process=\"other\",lock=\"other\",kind=\"other\",class=\"contention\"",
		"process=\"other\",lock=\"other\",kind=\"other\",class=\"idle\"",
	};
	static const char *const processes[CLASS_COUNT] = { "process=\"other\"",
							    "process=\"other\"" };
	struct metrics *m = xcalloc(1, sizeof(*m));

	m->idle = o->idle;
	series__init(&m->locks, METRICS_SERIES_MAX, o->top, locks);
	series__init(&m->processes, METRICS_SERIES_MAX, o->top, processes);
	return m;
}

void metrics__free(struct metrics *m)
{
	if (!m)
		return;
	series__done(&m->locks);
	series__done(&m->processes);
	free(m);
}

/* name="value": control characters are gone, what ends a value is escaped. */
static char *label(char *at, const char *end, const char *name, const char *value)
{
	char clean[LABEL_MAX];
	int n = snprintf(at, end - at, "%s=\"", name);

	at += MIN(n, end - at - 1);
	text__clean(clean, sizeof(clean), value);
	for (const char *c = clean; *c && end - at > 4; c++) {
		if (*c == '"' || *c == '\\')
			*at++ = '\\';
		*at++ = *c;
	}
	*at++ = '"';
	*at = 0;
	return at;
}

/*
 * A lock is known by its name; without one, by the function that it is used in. Its process and
 * address would make new series with each restart.
 */
static void lock_labels(const struct lock *l, char *labels, size_t size)
{
	const char *name = l->name && l->name[0] ? l->name : l->where;
	const char *end = labels + size;

	labels = label(labels, end, "process", l->comm && l->comm[0] ? l->comm : "unknown");
	*labels++ = ',';
	labels = label(labels, end, "lock", name && name[0] ? name : "unnamed");
	*labels++ = ',';
	labels = label(labels, end, "kind", lock_kind_names[l->kind]);
	*labels++ = ',';
	label(labels, end, "class", lock_class_names[l->class]);
}

static void add_histogram(uint64_t *to, const uint32_t *hist)
{
	for (unsigned int i = 0; i < HIST_BUCKETS; i++) {
		unsigned int step = 0;

		if (!hist[i])
			continue;
		while (step < SERIES_STEPS && hist__edge(i + 1) > 1ULL << (SERIES_FIRST + step))
			step++;
		/* the last bucket of all has no end */
		to[i == HIST_BUCKETS - 1 ? SERIES_STEPS : step] += hist[i];
	}
}

static void lock_figures(const struct lock *l, struct figures *f)
{
	*f = (struct figures){ .waiting = l->waiting, .oldest_ns = l->oldest_ns };
	f->n[COUNTER_SLEEPS] = l->sleeps;
	f->n[COUNTER_WAIT] = l->wait_ns;
	f->n[COUNTER_BLOCKED] = l->blocked_ns;
	f->n[COUNTER_DELAY] = l->delay_ns;
	f->n[COUNTER_TIMEOUTS] = l->timeouts;
	add_histogram(&f->n[COUNTER_WAITS], l->hist);
	if (l->exact) {
		f->known |= KNOWN_EXACT | (l->hold_known ? KNOWN_HOLD : 0);
		f->n[COUNTER_ACQUISITIONS] = l->acquisitions;
		f->n[COUNTER_CONTENDED] = l->contended;
		f->n[COUNTER_TRY_FAILURES] = l->try_failures;
	}
	if (f->known & KNOWN_HOLD) {
		f->n[COUNTER_HOLD] = l->hold_ns;
		add_histogram(&f->n[COUNTER_HOLDS], l->hold_hist);
	}
	if (l->switches_known) {
		f->known |= KNOWN_SWITCHES;
		f->n[COUNTER_SWITCHES] = l->switches;
		f->n[COUNTER_FORCED_SWITCHES] = l->forced_switches;
	}
}

static bool has_figures(const struct lock *l)
{
	return l->sleeps || l->wait_ns || l->waiting || l->timeouts || select__is_used(l) ||
	       (l->switches_known && l->switches) || hist__count(l->hist);
}

static void add_locks(struct metrics *m, const struct snapshot *s)
{
	char labels[8 * LABEL_MAX];
	struct figures f;

	for (size_t i = 0; i < s->n_locks; i++) {
		const struct lock *l = &s->locks[i];

		if (!has_figures(l) || (l->class == CLASS_IDLE && !m->idle))
			continue;
		lock_labels(l, labels, sizeof(labels));
		lock_figures(l, &f);
		series__add(&m->locks, labels, l->class, &f,
			    series__sum(l->wait_ns, series__sum(l->sleeps, l->acquisitions)));
	}
}

static void add_processes(struct metrics *m, const struct snapshot *s)
{
	char labels[4 * LABEL_MAX];

	for (size_t i = 0; i < s->n_processes; i++) {
		const struct process *p = &s->processes[i];
		struct figures f = { .waiting = p->waiting };

		f.n[COUNTER_SLEEPS] = p->sleeps;
		f.n[COUNTER_WAIT] = p->wait_ns;
		f.n[COUNTER_BLOCKED] = p->blocked_ns;
		f.n[COUNTER_DELAY] = p->delay_ns;
		if (!p->sleeps && !p->wait_ns && !p->waiting)
			continue;
		label(labels, labels + sizeof(labels), "process",
		      p->comm && p->comm[0] ? p->comm : "unknown");
		series__add(&m->processes, labels, CLASS_CONTENTION, &f,
			    series__sum(p->wait_ns, p->sleeps));
	}
}

static void add_totals(struct totals *to, const struct totals *from)
{
	to->sleeps = series__sum(to->sleeps, from->sleeps);
	to->wait_ns = series__sum(to->wait_ns, from->wait_ns);
	to->blocked_ns = series__sum(to->blocked_ns, from->blocked_ns);
	to->delay_ns = series__sum(to->delay_ns, from->delay_ns);
	to->waiting = from->waiting;
}

static void add_self(struct metrics *m, const struct self_cost *c)
{
	m->cpu_ns = series__sum(m->cpu_ns, c->cpu_ns);
	m->rss_bytes = c->rss_bytes;
	if (!c->probe_known)
		return;
	m->probe_known = true;
	m->probe_ns = series__sum(m->probe_ns, c->probe_ns);
	m->probe_runs = series__sum(m->probe_runs, c->probe_runs);
}

void metrics__add(struct metrics *m, const struct snapshot *s)
{
	series__begin(&m->locks, s->interval_ns);
	series__begin(&m->processes, s->interval_ns);
	add_locks(m, s);
	add_processes(m, s);
	add_totals(&m->totals[CLASS_CONTENTION], &s->totals);
	add_totals(&m->totals[CLASS_IDLE], &s->idle);
	add_self(m, &s->self);
	for (int i = 0; i < LOSS_COUNT; i++)
		m->losses[i] = series__sum(m->losses[i], s->losses[i]);
	m->intervals++;
	m->observed_ns = series__sum(m->observed_ns, s->interval_ns);
	m->deadlocks = s->n_deadlocks;
	m->deadlocked_threads = 0;
	for (size_t i = 0; i < s->n_deadlocks; i++)
		m->deadlocked_threads += s->deadlocks[i].n_threads;
	m->exact |= s->exact;
	m->inversions = s->n_inversions;
	m->exact_share = s->exact ? s->exact_share : 0;
	text__clean(m->version, sizeof(m->version), s->version ? s->version : "");
	text__clean(m->kernel, sizeof(m->kernel), s->kernel ? s->kernel : "");
	m->settled = false;
}
