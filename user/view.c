// SPDX-License-Identifier: GPL-2.0-only
#include "view.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detail.h"
#include "forest.h"
#include "menu.h"
#include "text.h"
#include "text_page.h"

static void add_scope(char **scope, const char *option, const char *value)
{
	char *longer = xasprintf("%s%s%s %s", *scope, **scope ? " " : "", option, value);

	free(*scope);
	*scope = longer;
}

static char *scope_text(const struct options *o)
{
	char *scope = xstrdup("");
	_cleanup_(util__freep) char *pids = xstrdup("");

	for (int i = 0; i < o->n_pids; i++) {
		char *longer = xasprintf("%s%s%d", pids, i ? "," : "", o->pids[i]);

		free(pids);
		pids = longer;
	}
	if (o->n_pids)
		add_scope(&scope, "-p", pids);
	if (o->comm)
		add_scope(&scope, "--comm", o->comm);
	if (o->user)
		add_scope(&scope, "--user", o->user);
	if (o->cgroup)
		add_scope(&scope, "--cgroup", o->cgroup);
	return scope;
}

struct view *view__new(const struct options *o)
{
	struct view *v = xcalloc(1, sizeof(*v));

	for (int e = 0; e < ENTITY_COUNT; e++) {
		const struct field *f = o->sort_key ? fields__find(e, o->sort_key) : NULL;

		v->sort[e] = f ? f : fields__default_sort(e);
		v->reverse[e] = o->reverse;
	}
	v->idle = o->idle;
	v->delay_ns = o->delay_ns;
	v->scope = scope_text(o);
	return v;
}

void view__free(struct view *v)
{
	if (!v)
		return;
	for (int i = 0; i < VIEW_DEPTH; i++) {
		free(v->levels[i].order);
		detail__free(v->levels[i].detail);
		forest__free(v->levels[i].forest);
		text_page__free(v->levels[i].text);
	}
	free(v->rows);
	free(v->threads);
	free(v->scope);
	free(v);
}

struct level *view__level(struct view *v)
{
	return &v->levels[v->depth];
}

const struct level *view__clevel(const struct view *v)
{
	return &v->levels[v->depth];
}

enum view_mode view__mode(const struct view *v)
{
	const struct level *l = view__clevel(v);

	if (v->mode != MODE_LIST)
		return v->mode;
	return l->detail ? MODE_DETAIL : l->forest ? MODE_GRAPH : l->text ? MODE_TEXT : MODE_LIST;
}

bool view__exporting(const struct view *v)
{
	return v->mode == MODE_EXPORT || (v->mode == MODE_PROMPT && v->prompt == PROMPT_FILE);
}

void view__push_load(struct view *v, double load)
{
	v->history[v->n_history++ % VIEW_HISTORY] = load;
}

void view__show_history(struct view *v)
{
	v->shown_history = v->n_history;
}

void view__say(struct view *v, bool alarm, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(v->message, sizeof(v->message), format, args);
	va_end(args);
	v->alarm = alarm;
}

const void *view__row(const struct view *v)
{
	size_t position = view__clevel(v)->position;

	return position < v->n_rows ? v->rows[position] : NULL;
}

/* Off the first row the user is reading: from there on the order stays. */
static void go(struct view *v, long position)
{
	struct level *l = view__level(v);

	if (!v->n_rows)
		return;
	l->position = MAX(0, MIN(position, (long)v->n_rows - 1));
	l->cursor = view__key(l, v->rows[l->position]);
	l->reading = l->position > 0;
}

static int menu_size(const struct view *v)
{
	struct menu menu;

	menu__list(v, &menu);
	return menu.n;
}

static bool in_menu(const struct view *v)
{
	return v->mode == MODE_SORT || v->mode == MODE_EXPORT;
}

/* Off its first line the page is being read: from there on its rows stay in order. */
static void scroll(struct view *v, long top)
{
	struct level *l = view__level(v);

	detail__scroll(l->detail, top);
	l->reading = l->detail->top > 0;
}

void view__move(struct view *v, int by)
{
	switch (view__mode(v)) {
	case MODE_HELP:
		v->help_top = MAX(0, v->help_top + by);
		break;
	case MODE_SORT:
	case MODE_EXPORT:
		v->menu = MAX(0, MIN(v->menu + by, menu_size(v) - 1));
		break;
	case MODE_DETAIL:
		scroll(v, (long)view__level(v)->detail->top + by);
		break;
	default:
		/* A prompt, too, moves the list that it lies on. */
		if (!view__level(v)->detail)
			go(v, (long)view__level(v)->position + by);
	}
}

void view__home(struct view *v)
{
	if (v->mode == MODE_HELP) {
		v->help_top = 0;
	} else if (in_menu(v)) {
		v->menu = 0;
	} else {
		if (view__level(v)->detail)
			scroll(v, 0);
		else
			go(v, 0);
		view__level(v)->reading = false;
		view__level(v)->resort = true;
	}
}

void view__end(struct view *v)
{
	/* The help is clamped to its last page when it is laid out. */
	if (v->mode == MODE_HELP)
		v->help_top = INT16_MAX;
	else if (in_menu(v))
		v->menu = menu_size(v) - 1;
	else if (view__level(v)->detail)
		scroll(v, view__level(v)->detail->lines);
	else
		go(v, (long)v->n_rows - 1);
}

/* The graph's parts are its roots. */
static void go_to_root(struct view *v, int by)
{
	const struct level *l = view__clevel(v);
	long i = l->position + by;

	while (i >= 0 && i < (long)l->forest->n_lines && l->forest->lines[i].guides.depth)
		i += by;
	if (i >= 0 && i < (long)l->forest->n_lines)
		go(v, i);
}

void view__part(struct view *v, int by)
{
	if (view__level(v)->detail)
		scroll(v, detail__part(view__level(v)->detail, by));
	else if (view__level(v)->forest)
		go_to_root(v, by);
}

void view__sort_by(struct view *v, const struct field *f)
{
	struct level *l = view__level(v);

	if (f != v->sort[l->entity])
		v->reverse[l->entity] = false;
	v->sort[l->entity] = f;
	l->resort = true;
}

void view__sort_step(struct view *v, int by)
{
	const struct field *fields = fields__of(view__level(v)->entity);
	long i = v->sort[view__level(v)->entity] - fields;

	do {
		i += by;
		if (i < 0 || !fields[i].key)
			return;
	} while (!view__has_column(v, &fields[i]));
	view__sort_by(v, &fields[i]);
}

void view__reverse(struct view *v)
{
	enum entity entity = view__level(v)->entity;

	v->reverse[entity] = !v->reverse[entity];
	view__level(v)->resort = true;
}

void view__toggle_idle(struct view *v)
{
	v->idle = !v->idle;
	view__level(v)->resort = true;
}

void view__step_delay(struct view *v, int by)
{
	static const unsigned int steps_ms[] = { 100,  200,   500,   1000, 2000,
						 5000, 10000, 30000, 60000 };
	uint64_t ms = v->delay_ns / 1000000;
	int i = by > 0 ? 0 : ARRAY_SIZE(steps_ms) - 1;

	while (by > 0 && i < (int)ARRAY_SIZE(steps_ms) - 1 && steps_ms[i] <= ms)
		i++;
	while (by < 0 && i > 0 && steps_ms[i] >= ms)
		i--;
	if ((by > 0) == (steps_ms[i] > ms))
		v->delay_ns = steps_ms[i] * 1000000ULL;
}
