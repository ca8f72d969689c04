/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where one is in a recording: the interval on screen, a range that is marked, whether it plays.
 * Keys change it; whoever reads the recording brings the snapshot that it names. Pure.
 */
#ifndef RECORDING_H
#define RECORDING_H

#include "timeline.h"

struct recording {
	struct timeline timeline; /* it has intervals */
	size_t at;		  /* on screen; of a sum, its last */
	bool marked;		  /* one end of a range is at mark */
	size_t mark;
	bool summed; /* first to at are shown as one */
	size_t first;
	bool playing;
	unsigned int speed; /* times as fast as it was */
};

void recording__init(struct recording *r);
void recording__done(struct recording *r);

/* To an interval, or as near as it gets; what plays or is summed ends. */
void recording__go(struct recording *r, long to);
void recording__step(struct recording *r, long by);
/* To a time as people write it. False: that is none. */
bool recording__jump(struct recording *r, const char *text);

/* One end of a range; then the other, and the sum is shown; then neither any more. */
void recording__mark(struct recording *r);

/* From the last interval it begins anew. */
void recording__play(struct recording *r);
void recording__change_speed(struct recording *r, int by);
/* How long the interval on screen is shown when it plays. */
uint64_t recording__shown_ns(const struct recording *r);
/* What plays goes on, or ends. */
void recording__advance(struct recording *r);

#endif
