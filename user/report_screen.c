// SPDX-License-Identifier: GPL-2.0-only
/* A recording on screen: where the live screen waits for an interval, this one reads it. */
#include <errno.h>

#include "keys.h"
#include "report.h"
#include "stage.h"
#include "util.h"

#define FOLLOW_NS NSEC_PER_SEC /* has the recording grown? */
#define SUM_LONG  100	       /* intervals that take time to add */

struct player {
	struct stage stage;
	struct store *store;
	struct recording *r;
	char *error;
	size_t first, last;   /* intervals on screen */
	uint64_t deadline_ns; /* of what plays */
};

/* What cannot be read is not gone to. */
static void stay(struct player *p)
{
	recording__go(p->r, p->last);
	view__say(p->stage.view, true, "%s", p->error);
}

/* What takes time is said first. */
static void announce(struct player *p, const char *doing, size_t n)
{
	if (n <= SUM_LONG)
		return;
	view__say(p->stage.view, false, "%s %zu intervals ...", doing, n);
	stage__draw(&p->stage);
	p->stage.view->message[0] = 0;
}

/* Brings what the recording says is on screen there. */
static int load(struct player *p)
{
	const struct recording *r = p->r;
	size_t first = r->summed ? r->first : r->at, offset = r->timeline.offset;
	struct snapshot *s;
	int err;

	if (p->stage.shown && first == p->first && r->at == p->last)
		return 0;
	announce(p, "adding", r->at - first + 1);
	err = report__read(p->store, offset + first, offset + r->at, &s, p->error);
	if (err && p->stage.shown)
		stay(p);
	if (err)
		return err;
	p->first = first;
	p->last = r->at;
	view__level(p->stage.view)->resort |= !view__level(p->stage.view)->reading;
	stage__show(&p->stage, s);
	return 0;
}

/* The intervals of what is on screen, for a document of them. */
static int each(void *ctx, int (*take)(void *to, const struct snapshot *s), void *to)
{
	struct player *p = ctx;
	size_t offset = p->r->timeline.offset;
	struct snapshot *s;
	int err = 0;

	if (p->first == p->last)
		return take(to, p->stage.shown);
	announce(p, "reading", p->last - p->first + 1);
	for (size_t i = p->first; i <= p->last && !err; i++) {
		err = store__read(p->store, offset + i, &s, p->error);
		if (err)
			break;
		err = take(to, s);
		snapshot__free(s);
	}
	return err;
}

static void dump(struct player *p)
{
	pid_t pid = view__pid(p->stage.view);

	if (pid <= 0)
		view__say(p->stage.view, true, "no process is selected: nothing to dump");
	else
		stage__show_dump(&p->stage, pid, p->stage.shown,
				 snapshot__process(p->stage.shown, pid) ? 0 : -ESRCH);
}

static void schedule(struct player *p)
{
	p->deadline_ns =
		util__monotonic_ns() + (p->r->playing ? recording__shown_ns(p->r) : FOLLOW_NS);
}

static void act(void *ctx, unsigned int outcome)
{
	struct player *p = ctx;

	if (outcome & OUTCOME_SEEK) {
		load(p);
		schedule(p);
	}
	if (outcome & OUTCOME_DUMP)
		dump(p);
}

/* What plays goes on; the recording may have grown meanwhile. */
static void go_on(struct player *p)
{
	struct recording *r = p->r;

	if (r->at + 1 >= r->timeline.n || !r->playing)
		timeline__follow(&r->timeline, p->store);
	if (r->playing && !view__exporting(p->stage.view))
		recording__advance(r);
	load(p);
	schedule(p);
}

static void loop(struct player *p)
{
	schedule(p);
	stage__draw(&p->stage);
	while (!p->stage.end) {
		uint64_t now = util__monotonic_ns();
		uint64_t left = p->deadline_ns > now ? p->deadline_ns - now : 0;
		unsigned int events = term__wait(p->stage.term, -1, left);
		bool changed = events & TERM_SIGNAL;

		if (events & TERM_INPUT)
			changed |= stage__take_keys(&p->stage, act, p);
		if (events & TERM_END)
			break;
		if (!p->stage.end && util__monotonic_ns() >= p->deadline_ns) {
			go_on(p);
			changed = true;
		}
		if (changed)
			stage__draw(&p->stage);
	}
}

int report_screen__run(const struct options *o, struct store *s, struct recording *r,
		       char error[STORE_ERROR])
{
	struct player p = { .store = s, .r = r, .error = error };
	int err = stage__open(&p.stage, o);

	if (err)
		return err;
	p.stage.view->recording = r;
	p.stage.each = each;
	p.stage.each_ctx = &p;
	err = load(&p);
	if (!err)
		loop(&p);
	stage__close(&p.stage);
	return err;
}
