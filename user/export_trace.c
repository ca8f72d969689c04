// SPDX-License-Identifier: GPL-2.0-only
/*
 * Single sleeps as Chrome's trace events, which Perfetto reads too: a track a thread, a slice a
 * sleep, an arrow from who woke it. A recording has millions of them: each interval is written as
 * it comes, and only what threads and processes are called, and who waits last, is kept.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "export.h"
#include "trace_events.h"
#include "trace_json.h"
#include "trace_layout.h"
#include "trace_tracks.h"
#include "util.h"

struct document {
	bool idle;
	bool begun;
	struct trace_span span;
	struct trace_tracks *tracks;
	struct trace_json json;
	uint64_t arrows;
	char *waiting; /* events of those that wait, should no interval follow */
};

static void *make(const struct options *o)
{
	struct document *d = xcalloc(1, sizeof(*d));

	d->idle = o->idle;
	d->tracks = trace_tracks__new();
	return d;
}

static void free_document(void *document)
{
	struct document *d = document;

	if (!d)
		return;
	trace_tracks__free(d->tracks);
	free(d->waiting);
	free(d);
}

/* RFC 3339 with ns. */
static void put_date(struct trace_json *j, const char *key, uint64_t ns)
{
	time_t seconds = (time_t)(ns / NSEC_PER_SEC);
	char date[48], text[64];
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || !strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm)) {
		trace_json__text(j, key, NULL);
		return;
	}
	snprintf(text, sizeof(text), "%s.%09uZ", date, (unsigned int)(ns % NSEC_PER_SEC));
	trace_json__text(j, key, text);
}

static void put_head(struct trace_json *j, const struct snapshot *s)
{
	fputs("{\"displayTimeUnit\":\"ns\"", j->file);
	trace_json__open(j, "otherData");
	trace_json__text(j, "locktop", s->version);
	trace_json__text(j, "host", s->host);
	trace_json__text(j, "kernel", s->kernel);
	put_date(j, "begin", j->begin_ns);
	trace_json__number(j, "begin_ns", j->begin_ns);
	trace_json__close(j);
	fputs(",\"traceEvents\":[", j->file);
}

static void begin(struct document *d, const struct snapshot *s)
{
	d->begun = true;
	d->span.begin_ns = s->sleeps_end_ns - MIN(s->sleeps_end_ns, s->interval_ns);
	d->span.before_ns = d->span.begin_ns;
	d->json.begin_ns = d->span.begin_ns;
	put_head(&d->json, s);
}

static void introduce_process(struct document *d, pid_t pid, const char *comm)
{
	size_t row = trace_tracks__process(d->tracks, pid); /* may move them all */
	struct trace_process *p = &d->tracks->processes[row];

	if (comm && trace_tracks__rename(&p->name, comm))
		trace_events__name(&d->json, pid, 0, comm);
}

/* Python's name of a thread is known at some moments only, and stays until there is a new one. */
static void introduce(struct document *d, const struct thread *t, size_t track)
{
	struct trace_thread *own = &d->tracks->threads[track];
	const char *python = t->python ? t->python->name : NULL;

	if (own->introduced)
		return;
	own->introduced = true;
	introduce_process(d, t->pid, t->process_comm);
	if (!python && (own->python || !t->comm))
		return;
	own->python = python;
	if (trace_tracks__rename(&own->name, python ? python : t->comm))
		trace_events__name(&d->json, t->pid, t->tid, own->name);
}

static void add_sleeps(struct document *d, const struct snapshot *s)
{
	struct trace_slice *slices = xcalloc(s->n_sleeps + 1, sizeof(*slices));
	size_t n = trace_layout__make(slices, &d->span, s, d->tracks, d->idle);

	for (size_t i = 0; i < n; i++) {
		introduce(d, slices[i].sleep->thread, slices[i].thread);
		if (slices[i].has_mark)
			introduce(d, slices[i].sleep->waker, slices[i].waker);
		trace_events__sleep(&d->json, &slices[i], d->arrows);
		d->arrows += slices[i].has_mark;
	}
	free(slices);
}

/* A counter stands until it is told anew: one that is not needed any more goes to 0. */
static void add_loads(struct document *d, const struct snapshot *s)
{
	uint64_t at = d->span.before_ns;

	for (size_t i = 0; i < s->n_processes; i++) {
		const struct process *p = &s->processes[i];
		size_t row = trace_tracks__process(d->tracks, p->pid);
		bool loaded = p->wait_ns, told = d->tracks->processes[row].loaded;
		double interval = (double)MAX(s->interval_ns, 1ULL);

		d->tracks->processes[row].loaded = loaded;
		if (!loaded && !told)
			continue;
		introduce_process(d, p->pid, p->comm);
		trace_events__load(&d->json, p->pid, at, (double)p->wait_ns / interval);
	}
	for (size_t i = 0; i < d->tracks->n_processes; i++) {
		struct trace_process *p = &d->tracks->processes[i];

		if (!p->loaded || p->seen)
			continue;
		p->loaded = false;
		trace_events__load(&d->json, p->pid, at, 0);
	}
}

/* At first sight; and where the last of its threads went to sleep. */
static void add_deadlocks(struct document *d, const struct snapshot *s)
{
	uint64_t end = d->span.end_ns;

	for (size_t i = 0; i < s->n_deadlocks; i++) {
		const struct deadlock *deadlock = &s->deadlocks[i];
		uint64_t since = MIN(deadlock->since_ns, end - d->span.begin_ns);
		bool is_new = false;

		for (size_t j = 0; j < deadlock->n_threads; j++) {
			const struct thread *t = deadlock->threads[j].thread;
			size_t track = trace_tracks__thread(d->tracks, t->pid, t->tid);

			is_new |= !d->tracks->threads[track].deadlocked;
			d->tracks->threads[track].deadlocked = true;
		}
		if (is_new)
			trace_events__deadlock(&d->json, deadlock, end - since);
	}
}

static void put_waiting(struct document *d, const struct thread *t, struct trace_json *later)
{
	size_t track = trace_tracks__thread(d->tracks, t->pid, t->tid);
	const struct trace_span *span = &d->span;
	uint64_t from = span->end_ns - MIN(span->end_ns - span->begin_ns, t->waiting_ns);

	introduce(d, t, track);
	later->any |= d->json.any;
	from = MIN(MAX(from, d->tracks->threads[track].floor_ns), span->end_ns);
	trace_events__waiting(later, t, from, span->end_ns);
}

/* Names at once, slices should this be the end. */
static int keep_waiting(struct document *d, const struct snapshot *s)
{
	struct trace_json later = d->json;
	size_t size;

	free(d->waiting);
	d->waiting = NULL;
	later.file = open_memstream(&d->waiting, &size);
	if (!later.file)
		return -errno;
	for (size_t i = 0; i < s->n_threads; i++) {
		const struct thread *t = &s->threads[i];

		if (t->waiting_for && (d->idle || t->waiting_for->class != CLASS_IDLE))
			put_waiting(d, t, &later);
	}
	return fclose(later.file) ? -ENOMEM : 0;
}

static int add(void *document, FILE *out, const struct snapshot *s)
{
	struct document *d = document;
	int err;

	if (!s->sleeps_known && !d->begun)
		return 0;
	d->json.file = out;
	if (!s->sleeps_known) {
		trace_events__gap(&d->json, d->span.before_ns);
		return ferror(out) ? -EIO : 0;
	}
	if (!d->begun)
		begin(d, s);
	trace_tracks__begin(d->tracks);
	add_loads(d, s);
	trace_events__losses(&d->json, s->losses, d->span.before_ns);
	add_sleeps(d, s);
	add_deadlocks(d, s);
	err = keep_waiting(d, s);
	d->span.before_ns = d->span.end_ns;
	return err ? err : ferror(out) ? -EIO : 0;
}

static int write_end(void *document, FILE *out)
{
	struct document *d = document;

	if (!d->begun)
		return -ENODATA;
	fputs(d->waiting ? d->waiting : "", out);
	fputs("\n]}\n", out);
	return ferror(out) ? -EIO : 0;
}

const struct export_document export_trace = { make, add, write_end, free_document };
