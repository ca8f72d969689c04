// SPDX-License-Identifier: GPL-2.0-only
/* What is on screen into a file: e at once, E in a format and under a name of the user's choice. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "export.h"
#include "keys.h"
#include "prompt.h"
#include "save.h"
#include "stage.h"
#include "text_page.h"

/* All that the screen can show. */
static struct options shown_options(const struct stage *st)
{
	struct options o = *st->o;

	o.idle = st->view->idle;
	o.top = 0;
	return o;
}

/* A dump that is on screen, else the snapshot that is. */
static void export_at_once(struct stage *st)
{
	const struct text_page *text = view__clevel(st->view)->text;
	struct options o = shown_options(st);
	char name[160];
	int err = text ? save__dump(text, name, sizeof(name))
		       : save__snapshot(st->shown, &o, name, sizeof(name));

	if (err)
		view__say(st->view, true, "not exported: %s", strerror(-err));
	else
		view__say(st->view, false, "exported to %s", name);
}

static int each(struct stage *st, int (*take)(void *to, const struct snapshot *s), void *to)
{
	return st->each ? st->each(st->each_ctx, take, to) : take(to, st->shown);
}

static int has_sleeps(void *to, const struct snapshot *s)
{
	(void)to;
	return s->sleeps_known;
}

static void ask_for_name(struct stage *st)
{
	struct view *v = st->view;
	const struct text_page *text = view__clevel(v)->text;

	if (!text && v->exporter->sleeps && each(st, has_sleeps, NULL) != 1) {
		view__say(v, true,
			  v->recording ? "single sleeps were not recorded: record with --events"
				       : "single sleeps are not kept: start with --events");
		return;
	}
	if (!v->file[0] && text) /* else it is what could not be written */
		save__propose_dump(text, v->file, sizeof(v->file));
	else if (!v->file[0])
		save__propose(st->shown, v->exporter->suffix, v->file, sizeof(v->file));
	prompt__open(v, PROMPT_FILE);
}

struct writing {
	struct stage *stage;
	struct options options;
	struct export_run *run;
	FILE *out;
};

static int add(void *to, const struct snapshot *s)
{
	struct writing *w = to;

	return export__add(w->run, w->out, s);
}

static int write_dump(void *ctx, FILE *out)
{
	const struct writing *w = ctx;

	return fputs(view__clevel(w->stage->view)->text->text, out) < 0 ? -EIO : 0;
}

/* A document takes the intervals one by one; in other formats several are written as their sum. */
static int write_shown(void *ctx, FILE *out)
{
	struct writing *w = ctx;
	int err;

	w->out = out;
	w->run = export__new(&w->options);
	err = w->stage->view->exporter->document ? each(w->stage, add, w) : add(w, w->stage->shown);
	if (!err)
		err = export__end(w->run, out);
	export__free(w->run);
	return err;
}

static void write_file(struct stage *st)
{
	struct view *v = st->view;
	struct writing w = { .stage = st, .options = shown_options(st) };
	bool is_dump = view__clevel(v)->text;
	int err;

	if (!is_dump)
		w.options.format = v->exporter->name;
	err = save__as(v->file, is_dump ? write_dump : write_shown, &w);
	if (!err) {
		view__say(v, false, "exported to %s", v->file);
		v->file[0] = 0;
	} else if (!v->file[0]) {
		view__say(v, true, "not exported: the name is missing");
	} else if (err == -EEXIST) {
		view__say(v, true, "not exported: there is a file %s", v->file);
	} else {
		view__say(v, true, "not exported: %s: %s", strerror(-err), v->file);
	}
}

void stage__export(struct stage *st, unsigned int outcome)
{
	if (!(outcome & (OUTCOME_EXPORT | OUTCOME_NAME | OUTCOME_WRITE)))
		return;
	if (!st->shown)
		view__say(st->view, true, "nothing is measured yet");
	else if (outcome & OUTCOME_EXPORT)
		export_at_once(st);
	else if (outcome & OUTCOME_NAME)
		ask_for_name(st);
	else
		write_file(st);
}
