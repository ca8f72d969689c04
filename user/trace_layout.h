/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where an interval's sleeps and wakes stand on the tracks of their threads. Viewers take slices of
 * one track that lie in each other or apart, and lose those that overlap in part: none does.
 */
#ifndef TRACE_LAYOUT_H
#define TRACE_LAYOUT_H

#include "model.h"
#include "trace_tracks.h"

#define TRACE_MARK_NS 1000ULL /* a wake, so that one sees it */

/* One sleep, and its wake on the track of who woke it. */
struct trace_slice {
	const struct sleep *sleep;
	size_t thread, waker; /* tracks */
	uint64_t begin_ns, woken_ns, end_ns;
	uint64_t mark_end_ns; /* the mark begins at the sleep's woken_ns */
	bool has_mark;	      /* and an arrow */
	bool clipped;	      /* it does not begin where the sleep did */
};

/* From where on is known what was drawn, and until where. */
struct trace_span {
	uint64_t begin_ns;  /* of the trace: nothing is drawn before */
	uint64_t before_ns; /* of the interval: up to there, tracks were drawn already */
	uint64_t end_ns;    /* of the interval, and of all that is in it */
};

/*
 * Fills end_ns, and slices with those of s->sleeps that are shown, in their order. Returns how many
 * these are. slices has room for s->n_sleeps; the tracks' floors rise.
 */
size_t trace_layout__make(struct trace_slice *slices, struct trace_span *span,
			  const struct snapshot *s, struct trace_tracks *tracks, bool idle);

#endif
