// SPDX-License-Identifier: GPL-2.0-only
/* Orders of taking locks that contradict each other, and that this lock has a part in. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "page.h"
#include "text.h"
#include "words.h"

#define INDENT	    2
#define FRAMES_MOST 6

static bool has_part(const struct inversion *inversion, const struct lock *lock)
{
	for (size_t i = 0; i < inversion->n_edges; i++)
		if (!strcmp(inversion->edges[i].from, lock->id))
			return true;
	return false;
}

static void draw_frame(struct page *p, const char *before, const struct frame *frame)
{
	char text[WORDS_MAX];
	int row = page__row(p);

	p->y++;
	if (row < 0)
		return;
	words__frame(text, sizeof(text), frame);
	canvas__printf(p->c, p->x + INDENT, row, MAX(p->width - INDENT, 0), STYLE_NORMAL, "%s%s",
		       before, text);
}

static void draw_edge(struct page *p, const struct inversion_edge *e)
{
	char from[WORDS_MAX], to[WORDS_MAX], text[WORDS_MAX];
	size_t n = MIN(e->n_frames, (size_t)FRAMES_MOST);

	words__edge_lock(from, sizeof(from), e->from, e->from_name);
	words__edge_lock(to, sizeof(to), e->to, e->to_name);
	snprintf(text, sizeof(text), "%.300s -> %.300s, %" PRIu64 " time%s, first by %d", from, to,
		 e->count, e->count == 1 ? "" : "s", (int)e->tid);
	page__wrapped(p, 0, STYLE_WARM, text);
	for (size_t i = 0; i < n; i++)
		draw_frame(p, i ? "   " : "in ", &e->frames[i]);
	if (e->n_frames > n) {
		snprintf(text, sizeof(text), "  %zu frames more", e->n_frames - n);
		page__say(p, text);
	} else if (!e->n_frames) {
		page__say(p, "  its stack was not sampled");
	} else if (e->truncated) {
		page__say(p, "  [truncated]");
	}
	if (e->from_frame) {
		snprintf(text, sizeof(text), "%.300s taken in ", from);
		draw_frame(p, text, e->from_frame);
	}
}

void page_inversions__draw(struct page *p, const struct snapshot *s, const struct view *v)
{
	const struct lock *lock = view__clevel(v)->detail->lock;

	for (size_t i = 0; s && lock && i < s->n_inversions; i++) {
		const struct inversion *inversion = &s->inversions[i];

		if (!has_part(inversion, lock))
			continue;
		page__heading(p, "TAKEN IN CONTRADICTING ORDERS", "no deadlock yet");
		for (size_t j = 0; j < inversion->n_edges; j++)
			draw_edge(p, &inversion->edges[j]);
	}
}
