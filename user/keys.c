// SPDX-License-Identifier: GPL-2.0-only
#include "keys.h"

#include <limits.h>
#include <string.h>

#include "export.h"
#include "menu.h"
#include "prompt.h"
#include "recording.h"

static unsigned int move(struct view *v, int by)
{
	view__move(v, by);
	return OUTCOME_DRAW;
}

static unsigned int move_page(struct view *v, int by)
{
	view__move(v, by * v->page);
	return OUTCOME_DRAW;
}

static unsigned int move_home(struct view *v, int arg)
{
	(void)arg;
	view__home(v);
	return OUTCOME_DRAW;
}

static unsigned int move_end(struct view *v, int arg)
{
	(void)arg;
	view__end(v);
	return OUTCOME_DRAW;
}

static unsigned int enter(struct view *v, int arg)
{
	const struct level *l = view__clevel(v);

	(void)arg;
	if (!view__enter(v))
		view__say(v, false, "%s",
			  l->entity == ENTITY_THREAD && !l->forest
				  ? "this thread waits for no other lock now"
				  : "nothing further in");
	return OUTCOME_DRAW;
}

static unsigned int part(struct view *v, int by)
{
	view__part(v, by);
	return OUTCOME_DRAW;
}

static unsigned int leave(struct view *v, int arg)
{
	(void)arg;
	view__leave(v);
	return OUTCOME_DRAW;
}

static unsigned int show(struct view *v, int entity)
{
	view__show(v, entity);
	return OUTCOME_DRAW;
}

static unsigned int show_next(struct view *v, int by)
{
	int entity = view__clevel(v)->entity;

	view__show(v, (entity + by + ENTITY_COUNT) % ENTITY_COUNT);
	return OUTCOME_DRAW;
}

static unsigned int show_graph(struct view *v, int arg)
{
	(void)arg;
	view__show_graph(v);
	return OUTCOME_DRAW;
}

static unsigned int toggle_idle(struct view *v, int arg)
{
	(void)arg;
	view__toggle_idle(v);
	return OUTCOME_DRAW;
}

static unsigned int sort_step(struct view *v, int by)
{
	view__sort_step(v, by);
	return OUTCOME_DRAW;
}

static unsigned int reverse(struct view *v, int arg)
{
	(void)arg;
	view__reverse(v);
	return OUTCOME_DRAW;
}

/* At the row in force. */
static unsigned int open_menu(struct view *v, int mode)
{
	const struct field *sorted = v->sort[view__clevel(v)->entity];
	struct menu menu;

	v->mode = mode;
	menu__list(v, &menu);
	v->menu = menu.n - 1;
	while (v->menu > 0 && menu.items[v->menu].row != sorted &&
	       menu.items[v->menu].row != v->exporter)
		v->menu--;
	return OUTCOME_DRAW;
}

/* A dump is text: there is nothing to choose but its name. */
static unsigned int open_formats(struct view *v, int mode)
{
	if (view__clevel(v)->text)
		return OUTCOME_DRAW | OUTCOME_NAME;
	return open_menu(v, mode);
}

/* Closes the menu. NULL: it was empty. */
static const void *chosen(struct view *v)
{
	struct menu menu;

	menu__list(v, &menu);
	v->mode = MODE_LIST;
	return v->menu < menu.n ? menu.items[v->menu].row : NULL;
}

static unsigned int choose_column(struct view *v, int arg)
{
	const struct field *f = chosen(v);

	(void)arg;
	if (f)
		view__sort_by(v, f);
	return OUTCOME_DRAW;
}

static unsigned int choose_format(struct view *v, int arg)
{
	const struct exporter *e = chosen(v);

	(void)arg;
	if (e != v->exporter)
		v->file[0] = 0; /* what was typed for another format */
	v->exporter = e;
	return OUTCOME_DRAW | (e ? OUTCOME_NAME : 0);
}

static unsigned int find(struct view *v, int direction)
{
	if (!v->search[0])
		prompt__open(v, PROMPT_SEARCH);
	else if (!view__find(v, direction))
		view__say(v, true, "nothing here contains \"%s\"", v->search);
	return OUTCOME_DRAW;
}

static unsigned int prompt(struct view *v, int which)
{
	prompt__open(v, which);
	return OUTCOME_DRAW;
}

static unsigned int prompt_accept(struct view *v, int arg)
{
	(void)arg;
	prompt__accept(v);
	if (v->prompt == PROMPT_FILE)
		return OUTCOME_DRAW | OUTCOME_WRITE;
	return OUTCOME_DRAW | (v->recording ? OUTCOME_SEEK : OUTCOME_DELAY);
}

static unsigned int prompt_cancel(struct view *v, int arg)
{
	(void)arg;
	prompt__cancel(v);
	return OUTCOME_DRAW;
}

static unsigned int prompt_erase(struct view *v, int arg)
{
	(void)arg;
	prompt__erase(v);
	return OUTCOME_DRAW;
}

static unsigned int prompt_clear(struct view *v, int arg)
{
	(void)arg;
	prompt__clear(v);
	return OUTCOME_DRAW;
}

static unsigned int step_delay(struct view *v, int by)
{
	view__step_delay(v, by);
	return OUTCOME_DRAW | OUTCOME_DELAY;
}

static unsigned int pause_display(struct view *v, int arg)
{
	(void)arg;
	v->paused = !v->paused;
	return OUTCOME_DRAW | OUTCOME_PAUSE;
}

static unsigned int go_step(struct view *v, int by)
{
	recording__step(v->recording, by);
	return OUTCOME_DRAW | OUTCOME_SEEK;
}

static unsigned int go_to(struct view *v, int to)
{
	recording__go(v->recording, to);
	return OUTCOME_DRAW | OUTCOME_SEEK;
}

static unsigned int mark(struct view *v, int arg)
{
	(void)arg;
	recording__mark(v->recording);
	if (v->recording->marked)
		view__say(v, false, "marked: go to the other end of the range and press m again");
	return OUTCOME_DRAW | OUTCOME_SEEK;
}

static unsigned int play(struct view *v, int arg)
{
	(void)arg;
	recording__play(v->recording);
	return OUTCOME_DRAW | OUTCOME_SEEK;
}

static unsigned int change_speed(struct view *v, int by)
{
	recording__change_speed(v->recording, by);
	return OUTCOME_DRAW | OUTCOME_SEEK;
}

static unsigned int help(struct view *v, int arg)
{
	(void)arg;
	v->mode = MODE_HELP;
	v->help_top = 0;
	return OUTCOME_DRAW;
}

static unsigned int close_mode(struct view *v, int arg)
{
	(void)arg;
	v->mode = MODE_LIST;
	return OUTCOME_DRAW;
}

static unsigned int outcome(struct view *v, int which)
{
	(void)v;
	return which;
}

#define LIST	(1 << MODE_LIST)
#define HELP	(1 << MODE_HELP)
#define MENU	(1 << MODE_SORT)
#define FORMATS (1 << MODE_EXPORT)
#define PROMPT	(1 << MODE_PROMPT)
#define DETAIL	(1 << MODE_DETAIL)
#define GRAPH	(1 << MODE_GRAPH)
#define TEXT	(1 << MODE_TEXT)
#define OVER	(HELP | MENU | FORMATS)
#define PLACES	(LIST | DETAIL | GRAPH | TEXT)
#define FIND	(LIST | GRAPH | TEXT)
#define SCROLL	(PLACES | HELP | MENU | FORMATS)
#define LIVE	(PLACES | KEYS_LIVE)
#define TAPE	(PLACES | KEYS_RECORDED)

/* clang-format off */
const struct binding bindings[] = {
	{ HELP, { 'h', '?', KEYS_F1 }, "Esc h q", NULL, "Close", NULL, close_mode, 0 },
	{ MENU, { KEYS_ENTER }, "Enter", NULL, "Sort by this", NULL, choose_column, 0 },
	{ MENU, { 's', KEYS_F6 }, "Esc s q", NULL, "Close", NULL, close_mode, 0 },
	{ FORMATS, { KEYS_ENTER }, "Enter", NULL, "Name the file", NULL, choose_format, 0 },
	{ FORMATS, { 'E' }, "Esc E q", NULL, "Close", NULL, close_mode, 0 },
	{ OVER, { KEYS_ESC, 'q', KEYS_F10, KEYS_LEFT }, "Esc q", NULL, NULL, NULL, close_mode, 0 },
	{ HELP, { KEYS_ENTER }, "Enter", NULL, NULL, NULL, close_mode, 0 },
	{ PLACES, { 'h', '?', KEYS_F1 }, "h ? F1", "General", "Help", "this help", help, 0 },
	{ PLACES, { 'q', KEYS_F10 }, "q F10", "General", "Quit", "quit", outcome, OUTCOME_QUIT },
	{ TAPE, { KEYS_LEFT }, "Left", "Time", "Earlier", "one interval back", go_step, -1 },
	{ TAPE, { KEYS_RIGHT }, "Right", "Time", "Later", "one interval on", go_step, 1 },
	{ TAPE, { '[' }, "[", "Time", NULL, "ten intervals back", go_step, -10 },
	{ TAPE, { ']' }, "]", "Time", NULL, "ten intervals on", go_step, 10 },
	{ TAPE, { KEYS_HOME }, "Home", "Time", NULL, "to the recording's begin", go_to, 0 },
	{ TAPE, { KEYS_END }, "End", "Time", NULL, "to its end", go_to, INT_MAX },
	{ TAPE, { 't' }, "t", "Time", "Go to",
	  "type a time: 10:00:05, 2026-11-23T10:00:05Z, or +30 (seconds)", prompt,
	  PROMPT_TIME },
	{ TAPE, { 'm' }, "m", "Time", "Mark",
	  "mark one end of a range, then the other: its sum; again: back", mark, 0 },
	{ TAPE, { 'p', ' ' }, "p Space", "Time", "Play", "play on, or stand still", play, 0 },
	{ TAPE, { '+', '=' }, "+", "Time", NULL, "play twice as fast", change_speed, 1 },
	{ TAPE, { '-', '_' }, "-", "Time", NULL, "play half as fast", change_speed, -1 },
	{ LIST | GRAPH, { KEYS_ENTER, KEYS_RIGHT }, "Enter", "Look at", "Open",
	  "a process's locks, all about a lock, the lock a thread waits for", enter, 0 },
	{ DETAIL | GRAPH, { KEYS_TAB }, "Tab", "On a page", "Next",
	  "next part of the page, or root of the graph (Shift-Tab: back)", part, 1 },
	{ DETAIL | GRAPH, { KEYS_BACK_TAB }, "Shift-Tab", "On a page", NULL, NULL, part, -1 },
	{ DETAIL, { KEYS_ENTER, KEYS_RIGHT }, "Enter", "On a page", "Threads",
	  "on a lock's page: its threads as a list", enter, 0 },
	{ PLACES, { KEYS_ESC, KEYS_LEFT, KEYS_BACKSPACE }, "Esc", "Look at", "Back",
	  "out again; in the outermost list: no filter, no search", leave, 0 },
	{ PLACES, { 'g' }, "g", "Look at", "Graph",
	  "the wait graph: who blocks, and who queues behind; again: back", show_graph, 0 },
	{ LIST, { KEYS_TAB }, "Tab", "Look at", NULL,
	  "next of processes, locks, threads (Shift-Tab: previous)", show_next, 1 },
	{ LIST, { KEYS_BACK_TAB }, "Shift-Tab", "Look at", NULL, NULL, show_next, -1 },
	{ PLACES, { '1' }, "1", "Look at", NULL, "processes", show, ENTITY_PROCESS },
	{ PLACES, { '2' }, "2", "Look at", NULL, "locks: all, or those of the opened process", show,
	  ENTITY_LOCK },
	{ PLACES, { '3' }, "3", "Look at", NULL, "threads: all, or those of the opened process",
	  show, ENTITY_THREAD },
	{ LIST | GRAPH, { 'i' }, "i", "Look at", "Idle",
	  "idle waits (for work, an event, an end) too, or not", toggle_idle, 0 },
	{ SCROLL, { KEYS_UP, 'k' }, "Up k", "Move", NULL, "one row up", move, -1 },
	{ SCROLL, { KEYS_DOWN, 'j' }, "Down j", "Move", NULL, "one row down", move, 1 },
	{ SCROLL, { KEYS_PAGE_UP, KEYS_CTRL('b') }, "PgUp ^B", "Move", NULL, "one page up",
	  move_page, -1 },
	{ SCROLL, { KEYS_PAGE_DOWN, KEYS_CTRL('f') }, "PgDn ^F", "Move", NULL, "one page down",
	  move_page, 1 },
	{ SCROLL, { KEYS_HOME }, "Home", "Move", NULL,
	  "first row; rows are put in order again", move_home, 0 },
	{ SCROLL, { KEYS_END, 'G' }, "End G", "Move", NULL, "last row", move_end, 0 },
	{ FIND, { '/', KEYS_F3 }, "/ F3", "Find", "Search", "search as you type: any column", prompt,
	  PROMPT_SEARCH },
	{ FIND, { 'n' }, "n", "Find", NULL, "next row that the search finds", find, 1 },
	{ FIND, { 'N' }, "N", "Find", NULL, "previous row that the search finds", find, -1 },
	{ LIST, { 'f', '\\', KEYS_F4 }, "f \\ F4", "Find", "Filter",
	  "only rows that contain a text in any column", prompt, PROMPT_FILTER },
	{ LIST, { 's', KEYS_F6 }, "s F6", "Order", "Sort", "choose the column to sort by",
	  open_menu, MODE_SORT },
	{ LIST, { '<', ',' }, "< ,", "Order", NULL, "sort by the column to the left", sort_step, -1 },
	{ LIST, { '>', '.' }, "> .", "Order", NULL, "sort by the column to the right", sort_step, 1 },
	{ LIST, { 'r' }, "r", "Order", NULL, "reverse the order", reverse, 0 },
	{ PLACES, { 'D' }, "D", "Look at", "Dump",
	  "all threads of the process: stacks, what each waits for and holds", outcome,
	  OUTCOME_DUMP },
	{ LIVE, { 'p', ' ' }, "p Space", "Run", "Pause",
	  "the screen stands still; observation goes on", pause_display, 0 },
	{ LIVE, { '+', '=' }, "+", "Run", NULL, "longer interval", step_delay, 1 },
	{ LIVE, { '-', '_' }, "-", "Run", NULL, "shorter interval", step_delay, -1 },
	{ LIVE, { 'd' }, "d", "Run", NULL, "type the interval", prompt, PROMPT_DELAY },
	{ PLACES, { 'e' }, "e", "Run", "Export",
	  "what is on screen into a file in this directory: JSON; a dump as text", outcome,
	  OUTCOME_EXPORT },
	{ PLACES, { 'E' }, "E", "Run", NULL,
	  "the same in any format, under a name that you choose", open_formats,
	  MODE_EXPORT },
	{ SCROLL, { KEYS_CTRL('l') }, "^L", "Run", NULL, "paint the screen anew", outcome,
	  OUTCOME_DRAW | OUTCOME_REPAINT },
	{ PROMPT, { KEYS_ENTER }, "Enter", NULL, "Accept", NULL, prompt_accept, 0 },
	{ PROMPT, { KEYS_ESC }, "Esc", NULL, "Cancel", NULL, prompt_cancel, 0 },
	{ PROMPT, { KEYS_BACKSPACE, KEYS_CTRL('h') }, "Backspace", NULL, NULL, NULL, prompt_erase,
	  0 },
	{ PROMPT, { KEYS_CTRL('u') }, "^U", NULL, NULL, NULL, prompt_clear, 0 },
	{ 0 },
};
/* clang-format on */

bool keys__applies(const struct binding *b, bool recorded)
{
	return !(b->modes & (recorded ? KEYS_LIVE : KEYS_RECORDED));
}

const struct binding *keys__find(enum view_mode mode, int key, bool recorded)
{
	for (const struct binding *b = bindings; b->names; b++) {
		if (!(b->modes & (1u << mode)) || !keys__applies(b, recorded))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(b->keys) && b->keys[i]; i++)
			if (b->keys[i] == key)
				return b;
	}
	return NULL;
}

unsigned int keys__dispatch(struct view *v, int key)
{
	const struct binding *b = keys__find(view__mode(v), key, v->recording);

	if (key <= 0)
		return 0;
	v->message[0] = 0;
	if (b)
		return b->run(v, b->arg);
	if (v->mode == MODE_PROMPT)
		prompt__insert(v, key);
	return OUTCOME_DRAW;
}

void keys__print(FILE *out, bool recorded)
{
	for (const struct binding *b = bindings; b->names; b++)
		if (b->help && recorded == !!(b->modes & KEYS_RECORDED))
			fprintf(out, "  %-26s %s\n", b->names, b->help);
}
