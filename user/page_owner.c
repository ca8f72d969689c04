// SPDX-License-Identifier: GPL-2.0-only
/* Who holds a lock, what that thread does now, whom it waits for itself; and who held it before. */
#include <stdio.h>

#include "doing.h"
#include "page.h"
#include "shorten.h"
#include "text.h"
#include "words.h"

#define INDENT	     2
#define SHARE_WIDTH  5
#define WAIT_WIDTH   6
#define HOLDERS_MOST 5
#define FRAMES_MOST  6
#define CHAIN_MOST   1000 /* locks of a chain that are followed */

/* "log-flusher 4300, asleep in fsync for 1.2s" */
static void who_does(char *buf, size_t size, const struct thread *t, pid_t pid)
{
	char who[WORDS_MAX], doing[WORDS_MAX];

	words__thread(who, sizeof(who), t, pid);
	doing__thread(doing, sizeof(doing), t);
	snprintf(buf, size, "%.300s%s%.600s", who, doing[0] ? ", " : "", doing);
}

static void draw_owner(struct page *p, const struct lock *lock)
{
	const struct owner *owner = lock->owner;
	char text[WORDS_MAX], held[16];

	who_does(text, sizeof(text), owner->thread, lock->pid);
	page__wrapped(p, 0, owner->thread->state == STATE_EXITED ? STYLE_ALARM : STYLE_VALUE, text);
	text__duration(held, sizeof(held), owner->held_ns);
	if (owner->held_ns)
		snprintf(text, sizeof(text), "held for at least %s; %s", held,
			 words__proof(owner->proof));
	else
		snprintf(text, sizeof(text), "%s", words__proof(owner->proof));
	page__wrapped(p, INDENT, owner->proof == PROOF_LAST_WAKER ? STYLE_WARM : STYLE_NORMAL,
		      text);
}

/* The lock at the end of the owner's chain, or one of a cycle; *links: how many locks away. */
static const struct lock *last_of_chain(const struct thread *owner, int *links)
{
	const struct lock *l = owner->waiting_for;

	for (*links = 1; *links < CHAIN_MOST; (*links)++) {
		if (!doing__proved(l) || !l->owner->thread->waiting_for)
			break;
		l = l->owner->thread->waiting_for;
	}
	return l;
}

/* The one whose letting go would let the whole chain go on. */
static void draw_chain(struct page *p, const struct lock *lock)
{
	char name[WORDS_MAX], who[WORDS_MAX], text[WORDS_MAX], away[40] = "";
	const struct lock *last;
	int links;

	if (!doing__proved(lock) || !lock->owner->thread->waiting_for)
		return;
	if (lock->deadlocked) {
		page__wrapped(p, INDENT, STYLE_ALARM, "part of a deadlock: it never lets go");
		return;
	}
	last = last_of_chain(lock->owner->thread, &links);
	if (links == CHAIN_MOST)
		return;
	if (doing__proved(last))
		who_does(who, sizeof(who), last->owner->thread, lock->pid);
	else
		doing__unproved(who, sizeof(who), last);
	if (!who[0])
		return;
	words__lock_name(name, sizeof(name), last);
	if (links > 1)
		snprintf(away, sizeof(away), " (%d locks away)", links);
	snprintf(text, sizeof(text), "root blocker%s: %.300s%s%.600s", away,
		 doing__proved(last) ? "" : name, doing__proved(last) ? "" : ": ", who);
	page__wrapped(p, INDENT, STYLE_NORMAL, text);
}

static void draw_holder(struct page *p, const struct holder *h, pid_t pid)
{
	int row = page__row(p), x = p->x, end = p->x + p->width;
	char text[WORDS_MAX], share[16], wait[16];

	p->y++;
	if (row < 0)
		return;
	text__percent(share, sizeof(share), h->share);
	text__duration(wait, sizeof(wait), h->wait_ns);
	snprintf(text, sizeof(text), "%*s %*s  ", SHARE_WIDTH, share, WAIT_WIDTH, wait);
	x += canvas__text(p->c, x, row, p->width, STYLE_NORMAL, text);
	words__thread(text, sizeof(text), h->thread, pid);
	if (x < end)
		x += canvas__text(p->c, x, row, end - x, STYLE_VALUE, text);
	if (x < end && h->proof == PROOF_LAST_WAKER)
		canvas__text(p->c, x, row, end - x, STYLE_DIM, " (inferred)");
}

static void draw_holders(struct page *p, const struct lock *lock)
{
	char text[48];

	if (!lock->n_holders)
		return;
	page__heading(p, "SHARE   WAIT  HELD IT MEANWHILE", "");
	for (size_t i = 0; i < MIN(lock->n_holders, HOLDERS_MOST); i++)
		draw_holder(p, &lock->holders[i], lock->pid);
	if (lock->n_holders <= HOLDERS_MOST)
		return;
	snprintf(text, sizeof(text), "%zu threads more", lock->n_holders - HOLDERS_MOST);
	page__say(p, text);
}

/* There is little room: of a Python thread, what the interpreter itself does is left out. */
static size_t first_frame(const struct thread *t)
{
	size_t i = 0;

	while (i < t->n_frames && !frame__is_python(&t->frames[i]))
		i++;
	return i < t->n_frames ? i : 0;
}

static void draw_stack(struct page *p, const struct thread *t, bool utf8)
{
	size_t from = first_frame(t), n = MIN(t->n_frames - from, FRAMES_MOST);
	char text[WORDS_MAX];

	if (!t->frames || !n)
		return;
	page__heading(p, "ITS STACK NOW", "");
	for (size_t i = from; i < from + n; i++) {
		int row = page__row(p);

		words__frame(text, sizeof(text), &t->frames[i]);
		shorten__function(text, sizeof(text), text, p->width, utf8);
		if (row >= 0)
			canvas__text(p->c, p->x, row, p->width, STYLE_NORMAL, text);
		p->y++;
	}
	if (t->n_frames > n) {
		snprintf(text, sizeof(text), "%zu frames more (D shows all threads)",
			 t->n_frames - n);
		page__say(p, text);
	}
}

void page_owner__draw(struct page *p, const struct snapshot *s, const struct view *v)
{
	const struct lock *lock = view__clevel(v)->detail->lock;
	bool owned = lock && lock->owner && lock->owner->thread;
	char text[WORDS_MAX];

	(void)s;
	if (!lock || (!owned && !lock->owner_died && lock->readers <= 0 && !lock->n_holders))
		return;
	page__heading(p, doing__has_owner(lock->kind) ? "HELD BY" : "LAST LET GO BY", "");
	if (owned)
		draw_owner(p, lock);
	draw_chain(p, lock);
	if (lock->owner_died) {
		doing__unproved(text, sizeof(text), lock);
		page__wrapped(p, 0, STYLE_ALARM, text);
	} else if (lock->readers > 0) {
		snprintf(text, sizeof(text), "%d %s", lock->readers,
			 lock->readers == 1 ? "reader" : "readers");
		page__wrapped(p, 0, STYLE_VALUE, text);
	} else if (!owned) {
		page__say(p, "nobody that is known now");
	}
	draw_holders(p, lock);
	if (owned)
		draw_stack(p, lock->owner->thread, v->utf8);
}
