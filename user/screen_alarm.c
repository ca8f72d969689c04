// SPDX-License-Identifier: GPL-2.0-only
/*
 * The line that tells of deadlocks, on every screen: as much of the story as there is room for. If
 * there is none, of locks that are taken in contradicting orders.
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

static bool fits(const struct line *line, const char *text)
{
	return line->x + text__columns(text) <= line->end;
}

static void put(struct line *line, const char *text)
{
	line->x += canvas__text(line->c, line->x, line->y, line->end - line->x, line->style, text);
}

static void head_text(char *buf, size_t size, const struct deadlock *d)
{
	const struct thread *first = d->n_threads ? d->threads[0].thread : NULL;
	char comm[64], age[16];

	text__clean(comm, sizeof(comm), first && first->process_comm ? first->process_comm : "?");
	text__duration(age, sizeof(age), d->since_ns);
	snprintf(buf, size, "DEADLOCK %s %d: %zu %s for %s", comm, (int)d->pid, d->n_threads,
		 d->n_threads == 1 ? "thread" : "threads", age);
}

static void link_text(char *buf, size_t size, const struct deadlock *d, size_t i)
{
	const struct deadlock_thread *t = &d->threads[i];
	char lock[WORDS_MAX] = "a lock", who[48], holder[32] = "itself";

	if (t->waits_for)
		words__lock_name(lock, sizeof(lock), t->waits_for);
	snprintf(who, sizeof(who), i ? ", which" : ": %d", t->thread ? (int)t->thread->tid : 0);
	if (t->held_by && t->held_by != t->thread)
		snprintf(holder, sizeof(holder), "%d", (int)t->held_by->tid);
	snprintf(buf, size, "%s waits for %.200s held by %s", who, lock, holder);
}

/* Whole links only: half a name misleads. */
static void put_links(struct line *line, const struct deadlock *d)
{
	for (size_t i = 0; i < d->n_threads; i++) {
		char text[512];

		link_text(text, sizeof(text), d, i);
		if (!fits(line, text)) {
			put(line, fits(line, " ...") ? " ..." : "");
			return;
		}
		put(line, text);
	}
}

/* " A -> B at f (x.c:12)" */
static void edge_text(char *buf, size_t size, const struct inversion *inversion, size_t i)
{
	const struct inversion_edge *e = &inversion->edges[i];
	const struct frame *own = words__edge_frame(e);
	char from[WORDS_MAX], to[WORDS_MAX], frame[WORDS_MAX] = "";

	if (own)
		words__frame(frame, sizeof(frame), own);
	snprintf(buf, size, "%s %.100s -> %.100s%s%.200s", i ? "," : "",
		 words__edge_lock(from, sizeof(from), e->from, e->from_name),
		 words__edge_lock(to, sizeof(to), e->to, e->to_name), frame[0] ? " at " : "",
		 frame);
}

static void deadlock_part(char *buf, size_t size, const void *deadlock, size_t i)
{
	link_text(buf, size, deadlock, i);
}

static void inversion_part(char *buf, size_t size, const void *inversion, size_t i)
{
	edge_text(buf, size, inversion, i);
}

/* Whole parts only: half a name misleads. */
static void put_parts(struct line *line, const struct story *story)
{
	for (size_t i = 0; i < story->n; i++) {
		char text[512];

		story->part(text, sizeof(text), story->about, i);
		if (!fits(line, text)) {
			put(line, fits(line, " ...") ? " ..." : "");
			return;
		}
		put(line, text);
	}
}
