// SPDX-License-Identifier: GPL-2.0-only
#include "recording.h"

#include "util.h"

#define SPEED_MAX 64
#define SHOWN_MIN (NSEC_PER_SEC / 30) /* more pictures a second nobody sees */
#define SHOWN_MAX (5 * NSEC_PER_SEC)  /* nor waits for the next one longer */

void recording__init(struct recording *r)
{
	*r = (struct recording){ .speed = 1 };
	timeline__init(&r->timeline);
}

void recording__done(struct recording *r)
{
	timeline__done(&r->timeline);
}

void recording__go(struct recording *r, long to)
{
	r->at = MAX(0, MIN(to, (long)r->timeline.n - 1));
	r->playing = false;
	r->summed = false;
}

void recording__step(struct recording *r, long by)
{
	recording__go(r, (long)r->at + by);
}

bool recording__jump(struct recording *r, const char *text)
{
	const struct timeline *t = &r->timeline;
	uint64_t ns;

	if (timeline__parse(text, t->items[0].begin_ns, t->items[t->n - 1].end_ns, &ns))
		return false;
	recording__go(r, timeline__at(t, ns));
	return true;
}

void recording__mark(struct recording *r)
{
	size_t mark = r->mark, at = r->at;

	r->playing = false;
	if (r->summed) {
		r->summed = false;
	} else if (!r->marked) {
		r->marked = true;
		r->mark = at;
	} else {
		r->marked = false;
		r->summed = true;
		r->first = MIN(mark, at);
		r->at = MAX(mark, at);
	}
}

void recording__play(struct recording *r)
{
	bool play = !r->playing;

	if (play && r->at + 1 >= r->timeline.n)
		r->at = 0;
	r->summed = false;
	r->playing = play;
}

void recording__change_speed(struct recording *r, int by)
{
	if (by > 0)
		r->speed = MIN(2 * r->speed, SPEED_MAX);
	else
		r->speed = MAX(r->speed / 2, 1U);
}

uint64_t recording__shown_ns(const struct recording *r)
{
	const struct timeline_interval *i = &r->timeline.items[r->at];

	return MAX(SHOWN_MIN, MIN((i->end_ns - i->begin_ns) / r->speed, SHOWN_MAX));
}

void recording__advance(struct recording *r)
{
	if (r->at + 1 < r->timeline.n)
		r->at++;
	else
		r->playing = false;
}
