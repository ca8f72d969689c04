// SPDX-License-Identifier: GPL-2.0-only
/* Help: the key table, what the words mean, and the columns of the list one came from. */
#include "screen.h"

#include <stdio.h>
#include <string.h>

#define INDENT	   2
#define KEYS_WIDTH 12

/* Lines run past a window of the canvas; without a canvas they are only counted. */
struct page {
	struct canvas *c;
	int width, top, line;
	int row; /* of the canvas, for line top */
};

static const char purpose[] = "locktop: which locks threads sleep on, and for how long";

static const char *const words[] = {
	"load, WAIT: mean number of threads waiting, that is wait seconds a second.",
	"wait = blocked (until somebody wakes the thread) + delay (from then until it runs).",
	"A lock's page: WAITS HERE is the function that called the lock function, its callers "
	"below it, with its share of the lock's wait; branches are different callers. LET GO BY is "
	"the same of the unlocks that ended the waits. [truncated]: the rest of the stack could "
	"not "
	"be read.",
	"HELD BY: who holds the lock, how that is known, and what it does now. \"inferred\": the "
	"lock does not say; it is the thread that let the last waiter go.",
	"The wait graph (g): threads that block others and do not wait themselves, the locks that "
	"they hold, the threads that queue for them. QUEUE: threads that wait behind the line, "
	"directly or behind others. AGE: of the oldest wait. Threads that wait for each other, a "
	"DEADLOCK, come first.",
	"py-...: what threads of Python wait for, with the program's own lines. GIL: the "
	"interpreter's own lock; forced: its holder was told to let go of it.",
	"idle: waiting for work, an event or an end. No contention, so it is hidden or "
	"stands last, but its total is always shown.",
	"Lost: what could not be counted, with the largest reason. Self, Probes: what locktop and "
	"its probes take of one CPU.",
	"While the cursor is on the first row, rows are put in order at every interval. Off the "
	"first row you are reading: rows keep their places, new ones are added at the end, and "
	"the cursor stays on its row. Home, a sort key, i and a filter put them in order again.",
};

static void put(struct page *p, int x, enum style style, const char *text, int bytes)
{
	int y = p->line - p->top;

	if (p->c && y >= 0 && p->row + y < p->c->height)
		canvas__printf(p->c, x, p->row + y, -1, style, "%.*s", bytes, text);
}

/* Broken at blanks; words longer than the width are cut. All of the help is ASCII. */
static void put_wrapped(struct page *p, int x, const char *text)
{
	int room = MAX(p->width - x, 8);

	while (*text) {
		int n = strlen(text);

		if (n > room) {
			for (n = room; n > 0 && text[n] != ' '; n--)
				;
			n = n ? n : room;
		}
		put(p, x, STYLE_NORMAL, text, n);
		p->line++;
		text += n;
		text += strspn(text, " ");
	}
}

static void put_heading(struct page *p, const char *text)
{
	p->line += p->line > 0;
	put(p, 0, STYLE_LABEL, text, strlen(text));
	p->line++;
}

static void put_term(struct page *p, const char *term, const char *meaning)
{
	put(p, INDENT, STYLE_KEY, term, strlen(term));
	put_wrapped(p, INDENT + KEYS_WIDTH, meaning);
}

/* Those that the rows before have taken for themselves on a recording are none. */
static bool is_shown(const struct binding *b, const struct view *v)
{
	return b->help && keys__applies(b, v->recording) &&
	       keys__find(__builtin_ctz(b->modes), b->keys[0], v->recording) == b;
}

static void put_keys(struct page *p, const struct view *v, const char *group)
{
	put_heading(p, group);
	for (const struct binding *b = bindings; b->names; b++)
		if (b->group && !strcmp(b->group, group) && is_shown(b, v))
			put_term(p, b->names, b->help);
}

static bool first_of_group(const struct binding *b, const struct view *v)
{
	if (!is_shown(b, v))
		return false;
	for (const struct binding *before = bindings; before < b; before++)
		if (before->group && !strcmp(before->group, b->group) && is_shown(before, v))
			return false;
	return true;
}

static int lay_out(struct page *p, const struct view *v)
{
	put(p, 0, STYLE_NORMAL, purpose, strlen(purpose));
	p->line++;
	for (const struct binding *b = bindings; b->names; b++)
		if (b->group && first_of_group(b, v))
			put_keys(p, v, b->group);
	put_heading(p, "Words");
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		put_wrapped(p, INDENT, words[i]);
	put_heading(p, "Columns");
	for (const struct field *f = fields__of(view__clevel(v)->entity); f->key; f++)
		if (view__has_column(v, f))
			put_term(p, f->title, f->help);
	return p->line;
}

int screen_help__lines(const struct view *v, int width)
{
	struct page p = { .width = width };

	return lay_out(&p, v);
}

void screen_help__draw(const struct view *v, const struct layout *l, struct canvas *c)
{
	struct page p = { .c = c, .row = l->top, .width = c->width, .top = v->help_top };

	lay_out(&p, v);
}
