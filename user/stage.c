// SPDX-License-Identifier: GPL-2.0-only
#include "stage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump.h"
#include "keys.h"
#include "screen.h"
#include "text_page.h"

int stage__open(struct stage *st, const struct options *o)
{
	struct terminal *term;
	int err = term__open(&term), width, height;

	if (err)
		return err;
	*st = (struct stage){ .o = o, .term = term, .view = view__new(o) };
	st->view->utf8 = term__utf8(term);
	term__size(term, &width, &height);
	st->canvas = canvas__new(width, height);
	return 0;
}

void stage__close(struct stage *st)
{
	term__close(st->term);
	view__free(st->view);
	canvas__free(st->canvas);
	snapshot__free(st->shown);
}

const char *stage__error(int err)
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

/* Rows point into the snapshot on screen, so the view follows before the old one goes. */
void stage__show(struct stage *st, struct snapshot *s)
{
	struct snapshot *old = st->shown;

	st->shown = s;
	view__show_history(st->view);
	screen__prepare(st->view, st->shown, st->canvas->width, st->canvas->height);
	snapshot__free(old);
}

void stage__draw(struct stage *st)
{
	int width, height;

	term__size(st->term, &width, &height);
	if (width != st->canvas->width || height != st->canvas->height)
		canvas__resize(st->canvas, width, height);
	screen__prepare(st->view, st->shown, width, height);
	screen__draw(st->shown, st->view, st->canvas);
	term__show(st->term, st->canvas);
}

bool stage__take_keys(struct stage *st, void (*act)(void *ctx, unsigned int outcome), void *ctx)
{
	bool any = false;
	int key;

	while (!st->end && (key = term__key(st->term)) != KEYS_NONE) {
		unsigned int outcome = keys__dispatch(st->view, key);

		stage__export(st, outcome); /* before another snapshot takes its place */
		act(ctx, outcome);
		if (outcome & OUTCOME_REPAINT)
			term__repaint(st->term);
		if (outcome & OUTCOME_QUIT)
			st->end = true;
		/* What the next key acts on is the list that this one made. */
		screen__prepare(st->view, st->shown, st->canvas->width, st->canvas->height);
		any = true;
	}
	return any;
}

/* Its text is all that is kept of the dump. */
static int dump_text(const struct snapshot *s, pid_t pid, struct text_page **ret)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int err = out ? dump__write(out, s, pid) : -errno;

	if (out && fclose(out) && !err)
		err = -ENOMEM;
	if (!err)
		*ret = text_page__new(pid, &s->time, text);
	free(text);
	return err;
}

void stage__show_dump(struct stage *st, pid_t pid, const struct snapshot *s, int err)
{
	const struct process *p = st->shown ? snapshot__process(st->shown, pid) : NULL;
	struct text_page *text;
	char label[80];

	if (!err)
		err = dump_text(s, pid, &text);
	if (err == -ESRCH) {
		view__say(st->view, true, "process %d has ended", (int)pid);
	} else if (err) {
		view__say(st->view, true, "process %d is not dumped: %s", (int)pid, strerror(-err));
	} else {
		snprintf(label, sizeof(label), "Threads of %.16s %d",
			 p && p->comm ? p->comm : "process", (int)pid);
		view__show_text(st->view, label, text);
	}
}
