// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sleeps of a thread never overlap, and while it sleeps it wakes nobody; only clocks that are read
 * a moment apart, sleeps that two parts make one row of, and damaged recordings say otherwise. The
 * length of a wake's mark is free, and ends before whatever follows on its track. Where that is not
 * known any more, because the woken thread ran in a later interval only, the mark has no length: so
 * it overlaps nothing in part.
 *
 * Viewers add lengths to beginnings as doubles: an end may come out a little behind the beginning
 * of what follows, or the end of what is around. So 1 ns is left between them.
 */
#include "trace_layout.h"

#include <stdlib.h>

#include "util.h"

/* What happens on one track: its thread sleeps from time_ns on, or wakes another. */
struct item {
	size_t track;
	uint64_t time_ns;
	uint64_t asleep_until;
	struct trace_slice *slice; /* that the wake ended; NULL: a sleep */
};

struct items {
	struct item *rows;
	size_t n;
};

/* Along a track; at one time a sleep comes before a wake. */
static int compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->track != y->track)
		return x->track < y->track ? -1 : 1;
	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return !!x->slice - !!y->slice;
}

/* What follows on the track begins behind this end. */
static void raise_floor(struct trace_thread *thread, uint64_t end_ns)
{
	thread->floor_ns = MAX(thread->floor_ns, end_ns + (end_ns < UINT64_MAX));
}

/* A sleep may be told of after later ones of its thread: it keeps its end, and loses its length. */
static void place_sleep(struct trace_slice *slice, const struct trace_span *span,
			struct trace_thread *thread)
{
	const struct sleep *sleep = slice->sleep;

	slice->end_ns = MAX(sleep->end_ns, span->begin_ns);
	slice->begin_ns = MAX(MAX(sleep->start_ns, span->begin_ns), thread->floor_ns);
	slice->begin_ns = MIN(slice->begin_ns, slice->end_ns);
	slice->woken_ns = MIN(MAX(sleep->woken_ns, slice->begin_ns), slice->end_ns);
	slice->clipped = slice->begin_ns != sleep->start_ns;
	raise_floor(thread, slice->end_ns);
}

static size_t track_of(struct trace_tracks *tracks, const struct thread *t)
{
	return trace_tracks__thread(tracks, t->pid, t->tid);
}

/* Can there be an arrow from who woke it? Arrows do not go back in time, nor out of the trace. */
static bool has_wake(const struct trace_slice *slice, const struct trace_span *span)
{
	const struct sleep *sleep = slice->sleep;

	return sleep->waker && sleep->woken_ns >= span->begin_ns &&
	       sleep->woken_ns <= slice->woken_ns && sleep->woken_ns < span->end_ns;
}

static void add_item(struct items *items, size_t track, uint64_t from, uint64_t until,
		     struct trace_slice *slice)
{
	items->rows[items->n++] = (struct item){ track, from, until, slice };
}

/* The last that is known of a track: its thread sleeps at the end of the interval. */
static void add_open_sleep(struct items *items, const struct trace_span *span, size_t track,
			   const struct thread *t, uint64_t sleeps_end_ns)
{
	if (t->waiting_for)
		add_item(items, track, sleeps_end_ns - MIN(sleeps_end_ns, t->waiting_ns),
			 MAX(span->end_ns, sleeps_end_ns), NULL);
}

/* Marks of one track, from its last one to its first, may go on until what follows. */
static void end_marks(struct item *rows, size_t n, const struct trace_span *span)
{
	uint64_t next = span->end_ns, later = span->end_ns; /* at or behind the row; behind it */

	for (size_t i = n; i-- > 0;) {
		uint64_t at = rows[i].time_ns;

		if (at < next) {
			later = next;
			next = at;
		}
		if (!rows[i].slice)
			continue;
		rows[i].slice->has_mark = true;
		rows[i].slice->mark_end_ns = at;
		if (at >= span->before_ns)
			rows[i].slice->mark_end_ns += MIN(later - at - 1, TRACE_MARK_NS);
	}
}

/* Who sleeps does not wake: such a mark goes. At the end of the sleep it has no length. */
static void drop_marks(struct item *rows, size_t n)
{
	uint64_t asleep_until = 0;

	for (size_t i = 0; i < n; i++) {
		struct trace_slice *woken = rows[i].slice;

		if (!woken)
			asleep_until = MAX(asleep_until, rows[i].asleep_until);
		else if (rows[i].time_ns < asleep_until)
			woken->has_mark = false;
		else if (rows[i].time_ns == asleep_until)
			woken->mark_end_ns = asleep_until;
	}
}

static void place_marks(struct items *items, const struct trace_span *span,
			struct trace_tracks *tracks)
{
	struct item *rows = items->rows;

	if (items->n)
		qsort(rows, items->n, sizeof(*rows), compare_items);
	for (size_t i = 0, n; i < items->n; i += n) {
		struct trace_thread *thread = &tracks->threads[rows[i].track];

		for (n = 1; i + n < items->n && rows[i + n].track == rows[i].track;)
			n++;
		end_marks(&rows[i], n, span);
		drop_marks(&rows[i], n);
		for (size_t j = i; j < i + n; j++)
			if (rows[j].slice && rows[j].slice->has_mark)
				raise_floor(thread, rows[j].slice->mark_end_ns);
	}
}

static void find_end(struct trace_span *span, const struct snapshot *s)
{
	span->end_ns = MAX(s->sleeps_end_ns, span->before_ns);
	for (size_t i = 0; i < s->n_sleeps; i++)
		span->end_ns = MAX(span->end_ns, s->sleeps[i].end_ns);
}

size_t trace_layout__make(struct trace_slice *slices, struct trace_span *span,
			  const struct snapshot *s, struct trace_tracks *tracks, bool idle)
{
	/* of each sleep: itself, its wake, and what its waker does at the end */
	struct items items = { .rows = xcalloc(3 * s->n_sleeps + 1, sizeof(*items.rows)) };
	size_t n = 0;

	find_end(span, s);
	for (size_t i = 0; i < s->n_sleeps; i++) {
		const struct sleep *sleep = &s->sleeps[i];
		size_t track = track_of(tracks, sleep->thread);
		struct trace_slice *slice = &slices[n];

		add_item(&items, track, sleep->start_ns, sleep->end_ns, NULL);
		if (sleep->lock->class == CLASS_IDLE && !idle)
			continue;
		*slice = (struct trace_slice){ .sleep = sleep, .thread = track };
		n++;
		place_sleep(slice, span, &tracks->threads[track]);
		if (!has_wake(slice, span))
			continue;
		slice->waker = track_of(tracks, sleep->waker);
		add_item(&items, slice->waker, sleep->woken_ns, 0, slice);
		add_open_sleep(&items, span, slice->waker, sleep->waker, s->sleeps_end_ns);
	}
	place_marks(&items, span, tracks);
	free(items.rows);
	return n;
}
