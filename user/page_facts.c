// SPDX-License-Identifier: GPL-2.0-only
/* What a lock is, where it is, and its figures of the interval; as many a line as there is room
 * for. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "page.h"
#include "screen.h"
#include "shorten.h"
#include "text.h"

struct flow {
	struct page *p;
	int x;
	bool utf8;
};

static void next_line(struct flow *f)
{
	if (f->x)
		f->p->y++;
	f->x = 0;
}

/* A figure that has no room begins a line; one that is longer than a line is shortened. */
static void put(struct flow *f, const char *label, enum style style, const char *value)
{
	int columns = text__columns(label) + 1, row;
	char text[VIEW_TEXT];

	shorten__function(text, sizeof(text), value, MAX(8, f->p->width - columns), f->utf8);
	columns += text__columns(text);
	if (f->x && f->x + columns > f->p->width)
		next_line(f);
	row = page__row(f->p);
	if (row >= 0) {
		int x = f->p->x + f->x, end = f->p->x + f->p->width;

		x += canvas__text(f->p->c, x, row, MAX(end - x, 0), STYLE_LABEL, label) + 1;
		canvas__text(f->p->c, x, row, MAX(end - x, 0), style, text);
	}
	f->x += columns + 2;
}

static void put_field(struct flow *f, const char *label, const char *key, const char *suffix,
		      const struct lock *lock, uint64_t interval_ns)
{
	char value[64], text[80];

	field__format(fields__find(ENTITY_LOCK, key), lock, interval_ns, value, sizeof(value));
	snprintf(text, sizeof(text), "%s%s", value, suffix);
	put(f, label, STYLE_VALUE, text);
}

static void put_load(struct flow *f, const struct view *v, const struct lock *lock)
{
	double load = v->interval_ns ? (double)lock->wait_ns / v->interval_ns : 0;
	char text[16];

	text__load(text, sizeof(text), load);
	put(f, "Load", lock->class == CLASS_IDLE ? STYLE_VALUE : screen__heat(load), text);
}

static void put_identity(struct flow *f, const struct snapshot *s, const struct lock *lock)
{
	const struct process *p = snapshot__process(s, lock->pid);
	char text[512];

	if (lock->name) {
		put(f, "Lock", STYLE_VALUE, lock->name);
		if (lock->name_from)
			put(f, "named by", STYLE_NORMAL, lock->name_from);
	}
	put(f, "Kind", STYLE_VALUE, lock_kind_names[lock->kind]);
	put(f, "Class", lock->class == CLASS_IDLE ? STYLE_DIM : STYLE_VALUE,
	    lock_class_names[lock->class]);
	snprintf(text, sizeof(text), "0x%" PRIx64, lock->address);
	put(f, "Address", STYLE_VALUE, text);
	snprintf(text, sizeof(text), "%s %d", lock->comm ? lock->comm : "?", lock->pid);
	put(f, "Process", STYLE_VALUE, text);
	if (lock->processes > 1) {
		snprintf(text, sizeof(text), "%u processes", lock->processes);
		put(f, "shared by", STYLE_VALUE, text);
	}
	if (p && p->user)
		put(f, "User", STYLE_NORMAL, p->user);
}

void page_facts__draw(struct page *p, const struct snapshot *s, const struct view *v)
{
	static const struct {
		const char *label, *key, *suffix;
	} figures[] = {
		{ "Waiting", "waiting", " now" },
		{ "Oldest", "oldest_ns", "" },
		{ "Blocked", "blocked_ns", "" },
		{ "Delay", "delay_ns", "" },
		{ "Impact", "impact_ns", "" },
		{ NULL, NULL, NULL }, /* a new line */
		{ "P50", "p50_ns", "" },
		{ "P99", "p99_ns", "" },
		{ "Max", "max_ns", "" },
		{ "Sleeps", "sleeps", "/s" },
		{ "Time-outs", "timeouts", "/s" },
	};
	const struct lock *lock = view__clevel(v)->detail->lock;
	struct flow f = { .p = p, .utf8 = v->utf8 };

	if (!lock) {
		page__say(p,
			  s ? "No thread waited for this lock in this interval." : "Measuring...");
		return;
	}
	put_identity(&f, s, lock);
	next_line(&f);
	put_load(&f, v, lock);
	for (size_t i = 0; i < ARRAY_SIZE(figures); i++) {
		if (figures[i].key)
			put_field(&f, figures[i].label, figures[i].key, figures[i].suffix, lock,
				  v->interval_ns);
		else
			next_line(&f);
	}
	next_line(&f);
}
