// SPDX-License-Identifier: GPL-2.0-only
/* The line that tells of deadlocks, on every screen: as much of the story as there is room for. */
#include "screen.h"

#include <stdio.h>
#include <string.h>

#include "text.h"
#include "words.h"

struct line {
	struct canvas *c;
	int x, y, end;
};

static bool fits(const struct line *line, const char *text)
{
	return line->x + text__columns(text) <= line->end;
}

static void put(struct line *line, const char *text)
{
	line->x += canvas__text(line->c, line->x, line->y, line->end - line->x, STYLE_ALARM, text);
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

void screen_alarm__draw(const struct snapshot *s, const struct view *v, struct canvas *c, int y)
{
	const struct deadlock *d = &s->deadlocks[0];
	struct line line = { c, 0, y, c->width };
	char head[128], tail[64] = "", more[48] = "";
	int columns;

	head_text(head, sizeof(head), d);
	if (s->n_deadlocks > 1)
		snprintf(more, sizeof(more), " (and %zu more)", s->n_deadlocks - 1);
	snprintf(tail, sizeof(tail), "%s%s", more, view__clevel(v)->forest ? "" : "  g shows it");
	canvas__style(c, 0, y, -1, STYLE_ALARM);
	put(&line, head);
	if (!fits(&line, tail))
		snprintf(tail, sizeof(tail), "%s", fits(&line, more) ? more : "");
	columns = text__columns(tail);
	line.end -= columns;
	put_links(&line, d);
	line.end += columns;
	put(&line, tail);
}
