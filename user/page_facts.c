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
#include "words.h"

#define MISSING_MOST 5UL /* threads that a barrier waits for */

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
	int columns = text__columns(label) + (label[0] != 0), row;
	char text[VIEW_TEXT];

	shorten__function(text, sizeof(text), value, MAX(8, f->p->width - columns), f->utf8);
	columns += text__columns(text);
	if (f->x && f->x + columns > f->p->width)
		next_line(f);
	row = page__row(f->p);
	if (row >= 0) {
		int x = f->p->x + f->x, end = f->p->x + f->p->width;

		x += canvas__text(f->p->c, x, row, MAX(end - x, 0), STYLE_LABEL, label) +
		     (label[0] != 0);
		canvas__text(f->p->c, x, row, MAX(end - x, 0), style, text);
	}
	f->x += columns + 2;
}

struct figure {
	const char *label, *key; /* without a label: a new line */
	const char *suffix;
};

static void put_figures(struct flow *f, const struct figure *figures, size_t n,
			const struct lock *lock, const struct view *v)
{
	char value[64], text[80];

	for (size_t i = 0; i < n; i++) {
		const struct figure *figure = &figures[i];

		if (!figure->label) {
			next_line(f);
			continue;
		}
		view__format(v, fields__find(ENTITY_LOCK, figure->key), lock, value, sizeof(value));
		snprintf(text, sizeof(text), "%s%s", value, figure->suffix);
		put(f, figure->label, STYLE_VALUE, text);
	}
}

/* Every call, contended or not; which figures say something depends on the kind of lock. */
static void put_exact(struct flow *f, const struct lock *lock, const struct view *v)
{
	static const struct figure held[] = {
		{ "Taken", "acquisitions", "/s" },
		{ "contended", "contention", "" },
		{ "Avg wait", "avg_wait_ns", "" },
		{ "Tries failed", "try_failures", "/s" },
		{ "Owner changes", "owner_changes", "/s" },
		{ NULL, NULL, NULL },
		{ "Held", "hold_ns", "" },
		{ "Avg hold", "avg_hold_ns", "" },
		{ "Max hold", "max_hold_ns", "" },
	};
	static const struct figure readers[] = {
		{ "Readers took it", "read_acquisitions", "/s" },
		{ "held it", "read_hold_ns", "" },
	};
	static const struct figure cond[] = {
		{ "Waited for", "acquisitions", "/s" },
		{ "Signalled", "signals", "/s" },
	};
	static const struct figure called[] = { { "Called", "acquisitions", "/s" } };

	if (!lock->exact)
		return;
	next_line(f);
	switch (lock->kind) {
	case KIND_COND:
		put_figures(f, cond, ARRAY_SIZE(cond), lock, v);
		break;
	case KIND_BARRIER:
	case KIND_ONCE:
		put_figures(f, called, ARRAY_SIZE(called), lock, v);
		break;
	default:
		put_figures(f, held, ARRAY_SIZE(held), lock, v);
	}
	if (lock->kind == KIND_RWLOCK_READ || lock->kind == KIND_RWLOCK_WRITE)
		put_figures(f, readers, ARRAY_SIZE(readers), lock, v);
}

/* How often a GIL changes hands; forced: after its holder was told to let go. */
static void put_switches(struct flow *f, const struct lock *lock, const struct view *v)
{
	static const struct figure figures[] = {
		{ "Switches", "switches", "/s" },
		{ "forced", "forced_switches", "/s" },
	};

	if (lock->switches_known)
		put_figures(f, figures, ARRAY_SIZE(figures), lock, v);
}

/* Whom a barrier waits for still. */
static void put_missing(struct flow *f, const struct lock *lock)
{
	const struct python_lock_state *p = lock->python;
	char who[WORDS_MAX];

	for (size_t i = 0; i < MIN(p->n_missing, MISSING_MOST); i++) {
		put(f, i ? "" : "missing", STYLE_VALUE,
		    words__thread(who, sizeof(who), p->missing[i], lock->pid));
	}
	if (p->n_missing <= MISSING_MOST)
		return;
	snprintf(who, sizeof(who), "and %zu more", p->n_missing - MISSING_MOST);
	put(f, "", STYLE_VALUE, who);
}

/* What a construct of Python's says of itself. */
static void put_construct(struct flow *f, const struct lock *lock)
{
	const struct python_lock_state *p = lock->python;
	char text[64];

	if (!p)
		return;
	next_line(f);
	if (p->parties >= 0) {
		snprintf(text, sizeof(text), "%" PRId64 " of %" PRId64, p->arrived, p->parties);
		put(f, "Arrived", STYLE_VALUE, text);
		put_missing(f, lock);
	}
	if (p->size >= 0) {
		snprintf(text, sizeof(text), "%" PRId64, p->size);
		put(f, "Queued", STYLE_VALUE, text);
	}
	if (p->capacity > 0) {
		snprintf(text, sizeof(text), "%" PRId64, p->capacity);
		put(f, "at most", STYLE_VALUE, text);
	}
	if (p->recursion > 1) {
		snprintf(text, sizeof(text), "%" PRId64 " times", p->recursion);
		put(f, "Taken by it", STYLE_VALUE, text);
	}
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
	static const struct figure figures[] = {
		{ "Waiting", "waiting", " now" },  { "Oldest", "oldest_ns", "" },
		{ "Blocked", "blocked_ns", "" },   { "Delay", "delay_ns", "" },
		{ "Impact", "impact_ns", "" },	   { NULL, NULL, NULL },
		{ "P50", "p50_ns", "" },	   { "P99", "p99_ns", "" },
		{ "Max", "max_ns", "" },	   { "Sleeps", "sleeps", "/s" },
		{ "Time-outs", "timeouts", "/s" },
	};
	const struct lock *lock = view__clevel(v)->detail->lock;
	struct flow f = { .p = p, .utf8 = v->utf8 };

	if (!lock) {
		page__say(p, !s		? "Measuring..."
			     : v->exact ? "No thread wanted this lock in this interval."
					: "No thread waited for this lock in this interval.");
		return;
	}
	put_identity(&f, s, lock);
	put_construct(&f, lock);
	next_line(&f);
	put_load(&f, v, lock);
	put_figures(&f, figures, ARRAY_SIZE(figures), lock, v);
	put_switches(&f, lock, v);
	put_exact(&f, lock, v);
	next_line(&f);
}
