// SPDX-License-Identifier: GPL-2.0-only
#include "live.h"

#include "keys.h"
#include "stage.h"
#include "util.h"

/* The first figures come soon; whole intervals follow. */
#define FIRST_NS (NSEC_PER_SEC / 4)

struct live {
	const struct options *o;
	struct collector *collector;
	struct stage stage;
	struct snapshot *latest; /* taken while the display stands still, else NULL */
	uint64_t begun_ns;	 /* of the running interval */
	uint64_t deadline_ns;	 /* its end */
	unsigned long intervals;
};

static void schedule(struct live *l, uint64_t length_ns)
{
	l->begun_ns = util__monotonic_ns();
	l->deadline_ns = l->begun_ns + length_ns;
}

static bool stands_still(const struct view *v)
{
	return v->paused || view__exporting(v);
}

/* Ends an interval. The short one at the start does not count as one that the user asked for. */
static int take_interval(struct live *l)
{
	struct view *v = l->stage.view;
	uint64_t last_deadline = l->deadline_ns;
	struct snapshot *s;
	int err = collector__interval(l->collector, &s);

	if (err)
		return err;
	schedule(l, v->delay_ns);
	/* Intervals keep their rhythm; after a stop or a long reading it begins anew. */
	if (l->begun_ns - last_deadline < v->delay_ns / 2)
		l->deadline_ns = last_deadline + v->delay_ns;
	if (s->interval_ns)
		view__push_load(v, (double)s->totals.wait_ns / s->interval_ns);
	if (l->o->count && l->intervals++ >= l->o->count)
		l->stage.end = true;
	if (!stands_still(v)) {
		stage__show(&l->stage, s);
	} else {
		snapshot__free(l->latest);
		l->latest = s;
	}
	return 0;
}

/* What was taken while the display stood still. */
static void catch_up(struct live *l)
{
	if (stands_still(l->stage.view) || !l->latest)
		return;
	stage__show(&l->stage, l->latest);
	l->latest = NULL;
}

/* The running interval ends when it has lasted as long as asked for now. */
static void change_delay(struct live *l)
{
	l->deadline_ns = l->begun_ns + l->stage.view->delay_ns;
}

static void dump(struct live *l)
{
	pid_t pid = view__pid(l->stage.view);
	struct snapshot *s = NULL;
	int err;

	if (pid <= 0) {
		view__say(l->stage.view, true, "no process is selected: nothing to dump");
		return;
	}
	err = collector__dump(l->collector, &pid, 1, &s);
	stage__show_dump(&l->stage, pid, s, err);
	snapshot__free(s);
}

static void act(void *ctx, unsigned int outcome)
{
	struct live *l = ctx;

	catch_up(l);
	if (outcome & OUTCOME_DELAY)
		change_delay(l);
	if (outcome & OUTCOME_DUMP)
		dump(l);
}

static int loop(struct live *l)
{
	schedule(l, MIN(FIRST_NS, l->stage.view->delay_ns));
	stage__draw(&l->stage);
	while (!l->stage.end) {
		uint64_t tick = collector__tick(l->collector), now = util__monotonic_ns();
		uint64_t left = l->deadline_ns > now ? l->deadline_ns - now : 0;
		unsigned int events =
			term__wait(l->stage.term, collector__fd(l->collector), MIN(left, tick));
		bool changed = events & TERM_SIGNAL;

		if (events & TERM_INPUT)
			changed |= stage__take_keys(&l->stage, act, l);
		if (events & TERM_END)
			break;
		if (!l->stage.end && util__monotonic_ns() >= l->deadline_ns) {
			int err = take_interval(l);

			if (err)
				return err;
			changed = true;
		}
		if (changed)
			stage__draw(&l->stage);
	}
	return 0;
}

int live__run(const struct options *o, struct collector *c)
{
	struct live l = { .o = o, .collector = c };
	int err = stage__open(&l.stage, o);

	if (err)
		return err;
	err = loop(&l);
	stage__close(&l.stage);
	snapshot__free(l.latest);
	return err;
}
