// SPDX-License-Identifier: GPL-2.0-only
/*
 * The line that tells of deadlocks, on every screen: as much of the story as there is room for. If
 * there is none, it tells of locks that are taken in contradicting orders.
 */
#include "screen.h"

#include <stdio.h>
#include <string.h>

#include "text.h"
#include "words.h"

struct line {
	struct canvas *c;
	int x, y, end;
	enum style style;
};

/* A head, and parts that follow it as long as they fit; brief: those that have more leave it out.
 */
struct story {
	enum style style;
	char head[128];
	void (*part)(char *buf, size_t size, const void *about, size_t i, bool brief);
	const void *about;
	size_t n_parts, n_more; /* more of its kind */
};

static bool fits(const struct line *line, const char *text)
{
	return line->x + text__columns(text) <= line->end;
}

static void put(struct line *line, const char *text)
{
	line->x += canvas__text(line->c, line->x, line->y, line->end - line->x, line->style, text);
}

/* "audit 5151"; brief, or where all threads of the program are called the same: "5151". */
static void who_words(char *buf, size_t size, const struct thread *t, bool brief)
{
	char who[WORDS_MAX];

	if (t->python && t->python->name && !brief)
		snprintf(buf, size, "%.60s", words__thread(who, sizeof(who), t, t->pid));
	else
		snprintf(buf, size, "%d", (int)t->tid);
}

/* "5151 waits for accounts_lock held by 5152", ", which waits for audit_lock held by 5151" */
static void deadlock_part(char *buf, size_t size, const void *about, size_t i, bool brief)
{
	const struct deadlock *d = about;
	const struct deadlock_thread *t = &d->threads[i];
	char lock[WORDS_MAX] = "a lock", who[64] = "0", holder[64] = "itself";

	if (t->waits_for)
		words__lock_name(lock, sizeof(lock), t->waits_for);
	if (t->thread)
		who_words(who, sizeof(who), t->thread, brief);
	if (t->held_by && t->held_by != t->thread)
		who_words(holder, sizeof(holder), t->held_by, brief);
	snprintf(buf, size, "%s%s waits for %.200s held by %s", i ? ", " : ": ", i ? "which" : who,
		 lock, holder);
}

static struct story deadlock_story(const struct snapshot *s)
{
	const struct deadlock *d = &s->deadlocks[0];
	const struct thread *first = d->n_threads ? d->threads[0].thread : NULL;
	struct story story = {
		STYLE_ALARM, "", deadlock_part, d, d->n_threads, s->n_deadlocks - 1
	};
	char comm[64], age[16];

	text__clean(comm, sizeof(comm), first && first->process_comm ? first->process_comm : "?");
	text__duration(age, sizeof(age), d->since_ns);
	snprintf(story.head, sizeof(story.head), "DEADLOCK %s %d: %zu %s for %s", comm, (int)d->pid,
		 d->n_threads, d->n_threads == 1 ? "thread" : "threads", age);
	return story;
}

/*
 * "A -> B at transfer (bank.c:88)", ", B -> A at audit (bank.c:120)"; brief: "A -> B", " -> A".
 */
static void inversion_part(char *buf, size_t size, const void *about, size_t i, bool brief)
{
	const struct inversion_edge *e = &((const struct inversion *)about)->edges[i];
	char from[WORDS_MAX], to[WORDS_MAX], where[WORDS_MAX] = "";
	const struct frame *own = words__edge_frame(e);

	words__edge_lock(from, sizeof(from), e->from, e->from_name);
	words__edge_lock(to, sizeof(to), e->to, e->to_name);
	if (brief && i) {
		snprintf(buf, size, " -> %.120s", to);
		return;
	}
	if (own && !brief)
		words__frame(where, sizeof(where), own);
	snprintf(buf, size, "%s %.120s -> %.120s%s%.200s", i ? "," : ":", from, to,
		 where[0] ? " at " : "", where);
}

static struct story inversion_story(const struct snapshot *s)
{
	const struct inversion *inversion = &s->inversions[0];
	struct story story = { STYLE_WARM,	   "",
			       inversion_part,	   inversion,
			       inversion->n_edges, s->n_inversions - 1 };
	char comm[64];

	text__clean(comm, sizeof(comm), inversion->comm ? inversion->comm : "?");
	snprintf(story.head, sizeof(story.head), "ORDER INVERSION in %s %d", comm,
		 (int)inversion->pid);
	return story;
}

static bool all_fit(const struct line *line, const struct story *story)
{
	int room = line->end - line->x;
	char text[512];

	for (size_t i = 0; i < story->n_parts && room >= 0; i++) {
		story->part(text, sizeof(text), story->about, i, false);
		room -= text__columns(text);
	}
	return room >= 0;
}

/* Whole parts only: half a name misleads. */
static void put_parts(struct line *line, const struct story *story)
{
	bool brief = !all_fit(line, story);

	for (size_t i = 0; i < story->n_parts; i++) {
		char text[512];

		story->part(text, sizeof(text), story->about, i, brief);
		if (!fits(line, text)) {
			put(line, fits(line, " ...") ? " ..." : "");
			return;
		}
		put(line, text);
	}
}

void screen_alarm__draw(const struct snapshot *s, const struct view *v, struct canvas *c, int y)
{
	struct story story = s->n_deadlocks ? deadlock_story(s) : inversion_story(s);
	struct line line = { c, 0, y, c->width, story.style };
	char tail[64] = "", more[48] = "";
	int columns;

	if (story.n_more)
		snprintf(more, sizeof(more), " (and %zu more)", story.n_more);
	snprintf(tail, sizeof(tail), "%s%s", more, view__clevel(v)->forest ? "" : "  g shows it");
	canvas__style(c, 0, y, -1, story.style);
	put(&line, story.head);
	if (!fits(&line, tail))
		snprintf(tail, sizeof(tail), "%s", fits(&line, more) ? more : "");
	columns = text__columns(tail);
	line.end -= columns;
	put_parts(&line, &story);
	line.end += columns;
	put(&line, tail);
}
