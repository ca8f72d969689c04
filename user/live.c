// SPDX-License-Identifier: GPL-2.0-only
#include "live.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "canvas.h"
#include "dump.h"
#include "keys.h"
#include "save.h"
#include "screen.h"
#include "term.h"
#include "text_page.h"
#include "util.h"
#include "view.h"

/* The first figures come soon; whole intervals follow. */
#define FIRST_NS (NSEC_PER_SEC / 4)

struct live {
	const struct options *o;
	struct collector *collector;
	struct terminal *term;
	struct view *view;
	struct canvas *canvas;
	struct snapshot *shown;	 /* on screen; NULL: nothing measured yet */
	struct snapshot *latest; /* taken while the display stands still, else NULL */
	uint64_t begun_ns;	 /* of the running interval */
	uint64_t deadline_ns;	 /* its end */
	unsigned long intervals;
	bool end;
};

/* Rows point into the snapshot on screen, so the view follows before the old one goes. */
static void show(struct live *l, struct snapshot *s)
{
	struct snapshot *old = l->shown;

	l->shown = s;
	view__show_history(l->view);
	screen__prepare(l->view, l->shown, l->canvas->width, l->canvas->height);
	snapshot__free(old);
}

static void draw(struct live *l)
{
	int width, height;

	term__size(l->term, &width, &height);
	if (width != l->canvas->width || height != l->canvas->height)
		canvas__resize(l->canvas, width, height);
	screen__prepare(l->view, l->shown, width, height);
	screen__draw(l->shown, l->view, l->canvas);
	term__show(l->term, l->canvas);
}

static void schedule(struct live *l, uint64_t length_ns)
{
	l->begun_ns = util__monotonic_ns();
	l->deadline_ns = l->begun_ns + length_ns;
}

/* Ends an interval. The short one at the start does not count as one that the user asked for. */
static int take_interval(struct live *l)
{
	uint64_t last_deadline = l->deadline_ns;
	struct snapshot *s;
	int err = collector__interval(l->collector, &s);

	if (err)
		return err;
	schedule(l, l->view->delay_ns);
	/* Intervals keep their rhythm; after a stop or a long reading it begins anew. */
	if (l->begun_ns - last_deadline < l->view->delay_ns / 2)
		l->deadline_ns = last_deadline + l->view->delay_ns;
	if (s->interval_ns)
		view__push_load(l->view, (double)s->totals.wait_ns / s->interval_ns);
	if (l->o->count && l->intervals++ >= l->o->count)
		l->end = true;
	if (!l->view->paused) {
		show(l, s);
	} else {
		snapshot__free(l->latest);
		l->latest = s;
	}
	return 0;
}

static void change_pause(struct live *l)
{
	if (l->view->paused || !l->latest)
		return;
	show(l, l->latest);
	l->latest = NULL;
}

/* The running interval ends when it has lasted as long as asked for now. */
static void change_delay(struct live *l)
{
	l->deadline_ns = l->begun_ns + l->view->delay_ns;
}

/* A dump that is on screen, else the snapshot that is. */
static int save(struct live *l, char *name, size_t size)
{
	const struct text_page *text = view__clevel(l->view)->text;
	struct options o = *l->o;

	if (text)
		return save__dump(text, name, size);
	o.idle = l->view->idle;
	o.top = 0;
	return save__snapshot(l->shown, &o, name, size);
}

static void export(struct live *l)
{
	char name[160];
	int err;

	if (!l->shown) {
		view__say(l->view, true, "nothing is measured yet");
		return;
	}
	err = save(l, name, sizeof(name));
	if (err)
		view__say(l->view, true, "not exported: %s", strerror(-err));
	else
		view__say(l->view, false, "exported to %s", name);
}

/* The dump's snapshot ends here: its text is all that is kept. */
static int dump_text(struct live *l, pid_t pid, struct text_page **ret)
{
	struct snapshot *s;
	char *text = NULL;
	size_t size;
	FILE *out;
	int err = collector__dump(l->collector, &pid, 1, &s);

	if (err)
		return err;
	out = open_memstream(&text, &size);
	err = out ? dump__write(out, s, pid) : -errno;
	if (out && fclose(out) && !err)
		err = -ENOMEM;
	if (!err)
		*ret = text_page__new(pid, &s->time, text);
	free(text);
	snapshot__free(s);
	return err;
}

static void dump(struct live *l)
{
	pid_t pid = view__pid(l->view);
	const struct process *p = l->shown ? snapshot__process(l->shown, pid) : NULL;
	struct text_page *text;
	char label[80];
	int err;

	if (pid <= 0) {
		view__say(l->view, true, "no process is selected: nothing to dump");
		return;
	}
	err = dump_text(l, pid, &text);
	if (err == -ESRCH) {
		view__say(l->view, true, "process %d has ended", (int)pid);
	} else if (err) {
		view__say(l->view, true, "process %d is not dumped: %s", (int)pid, strerror(-err));
	} else {
		snprintf(label, sizeof(label), "Threads of %.16s %d",
			 p && p->comm ? p->comm : "process", (int)pid);
		view__show_text(l->view, label, text);
	}
}

static unsigned int take_keys(struct live *l)
{
	unsigned int outcome = 0;
	int key;

	while (!l->end && (key = term__key(l->term)) != KEYS_NONE) {
		unsigned int one = keys__dispatch(l->view, key);

		if (one & OUTCOME_PAUSE)
			change_pause(l);
		if (one & OUTCOME_DELAY)
			change_delay(l);
		if (one & OUTCOME_EXPORT)
			export(l);
		if (one & OUTCOME_DUMP)
			dump(l);
		if (one & OUTCOME_REPAINT)
			term__repaint(l->term);
		if (one & OUTCOME_QUIT)
			l->end = true;
		/* What the next key acts on is the list that this one made. */
		screen__prepare(l->view, l->shown, l->canvas->width, l->canvas->height);
		outcome |= one | OUTCOME_DRAW;
	}
	return outcome;
}

static int loop(struct live *l)
{
	schedule(l, MIN(FIRST_NS, l->view->delay_ns));
	draw(l);
	while (!l->end) {
		uint64_t tick = collector__tick(l->collector), now = util__monotonic_ns();
		uint64_t left = l->deadline_ns > now ? l->deadline_ns - now : 0;
		unsigned int events =
			term__wait(l->term, collector__fd(l->collector), MIN(left, tick));
		bool changed = events & TERM_SIGNAL;

		if (events & TERM_INPUT)
			changed |= take_keys(l) != 0;
		if (events & TERM_END)
			break;
		if (!l->end && util__monotonic_ns() >= l->deadline_ns) {
			int err = take_interval(l);

			if (err)
				return err;
			changed = true;
		}
		if (changed)
			draw(l);
	}
	return 0;
}

int live__run(const struct options *o, struct collector *c)
{
	struct live l = { .o = o, .collector = c };
	int err = term__open(&l.term), width, height;

	if (err)
		return err;
	l.view = view__new(o);
	l.view->utf8 = term__utf8(l.term);
	term__size(l.term, &width, &height);
	l.canvas = canvas__new(width, height);
	err = loop(&l);
	term__close(l.term);
	view__free(l.view);
	canvas__free(l.canvas);
	snapshot__free(l.shown);
	snapshot__free(l.latest);
	return err;
}

const char *live__error(int err)
{
	switch (err) {
	case -ENOTTY:
		return "the terminal's type is unknown here: set TERM (TERM=xterm), or print with "
		       "-b";
	case -EOPNOTSUPP:
		return "this type of terminal (TERM) cannot place a cursor: print with -b";
	default:
		return NULL;
	}
}
