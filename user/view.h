/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the user is looking at: which list, drilled in how far, cursor, order, filter, and the modes
 * that lie on top. Keys change it, screens draw it. view__update() picks the rows of a snapshot.
 */
#ifndef VIEW_H
#define VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fields.h"
#include "model.h"
#include "options.h"
#include "util.h"

#define VIEW_DEPTH   10	 /* process, lock, its threads, the lock that one waits for, ... */
#define VIEW_ENTER   8	 /* levels that Enter goes in: the graph and a text find room on top */
#define VIEW_INPUT   256 /* bytes of a search or filter text, of a file's name */
#define VIEW_HISTORY 512 /* loads kept for the header */
#define VIEW_TEXT    256 /* bytes of one formatted field */

#define VIEW_DELAY_MIN (NSEC_PER_SEC / 10)
#define VIEW_DELAY_MAX (86400 * NSEC_PER_SEC)

enum view_mode {
	MODE_LIST,
	MODE_HELP,
	MODE_SORT,   /* the menu of sort columns */
	MODE_EXPORT, /* the menu of formats */
	MODE_PROMPT, /* a line of text is being typed */
	MODE_DETAIL, /* as MODE_LIST, on a lock's page, as the next two; see view__mode() */
	MODE_GRAPH,
	MODE_TEXT,
	MODE_COUNT
};

enum prompt {
	PROMPT_SEARCH,
	PROMPT_FILTER,
	PROMPT_DELAY,
	PROMPT_TIME,
	PROMPT_FILE, /* to export to */
	PROMPT_COUNT
};

struct detail;
struct exporter;
struct forest;
struct recording;
struct text_page;

/* Which row, independent of snapshot and order. */
struct row_key {
	pid_t pid;
	uint64_t sub; /* address of a lock, tid of a thread, number of a line, 0 */
};

/* One list, or one page. A level deeper is what Enter opened. */
struct level {
	enum entity entity;
	pid_t pid;	  /* only this process; 0: all */
	uint64_t address; /* only threads of this lock of pid; 0: all */
	struct row_key cursor;
	int position;	 /* of the cursor among the rows */
	int top;	 /* first row on screen */
	bool reading;	 /* the cursor was moved off the first row: the order is kept */
	bool resort;	 /* the user asked for a new order */
	uint64_t number; /* of the snapshot that the order was made from */
	struct row_key *order;
	size_t n_order;
	char filter[VIEW_INPUT];
	char label[80]; /* what Enter was pressed on: "mysqld 4242", "mutex table_lock" */
	/* Not more than one of these; none: it is a list. */
	struct detail *detail;	/* all about the lock */
	struct forest *forest;	/* the wait graph; its lines are the rows */
	struct text_page *text; /* a text; its lines are the rows */
};

struct view {
	struct level levels[VIEW_DEPTH];
	int depth; /* index of the level on screen */
	const struct field *sort[ENTITY_COUNT];
	bool reverse[ENTITY_COUNT];
	bool idle;
	bool paused;
	bool utf8; /* the terminal shows more than ASCII */
	uint64_t delay_ns;
	struct recording *recording; /* where in it one is; NULL: live */
	char *scope;		     /* the command line's choice of processes, "" for all */

	enum view_mode mode;
	int menu;     /* cursor of the menu */
	int help_top; /* first line of the help on screen */
	enum prompt prompt;
	char input[VIEW_INPUT];
	char saved[VIEW_INPUT];	 /* what the prompt changes as one types, for Esc */
	int origin_position;	 /* of the cursor when the search began */
	char search[VIEW_INPUT]; /* "": none */
	/* What is exported to where; file is kept until it is written: "" then. */
	const struct exporter *exporter; /* NULL: none was chosen yet */
	char file[VIEW_INPUT];
	char message[VIEW_INPUT + 128]; /* for the bottom line until the next key; "": none */
	bool alarm;			/* message is an error */

	double history[VIEW_HISTORY]; /* ring of the load of each interval */
	size_t n_history;	      /* pushed so far */
	size_t shown_history;	      /* the same when the snapshot on screen was made */

	/* Filled by view__update; rows point into the snapshot, into threads, or a page's lines. */
	const void **rows;
	size_t n_rows;
	size_t n_filtered_out;
	uint64_t interval_ns, number; /* of that snapshot */
	bool exact, scaled;	      /* its tier; figures of it are scaled up */
	int page;		      /* rows that fit on screen */
	struct thread *threads;	      /* one lock's threads with their numbers for that lock only */
	size_t threads_capacity;
};

/* A format or a file's name is being chosen: what is on screen stays there, to be written. */
bool view__exporting(const struct view *v);

/* What keys mean now: v->mode, but MODE_DETAIL, _GRAPH, _TEXT for MODE_LIST on such a page. */
enum view_mode view__mode(const struct view *v);

struct view *view__new(const struct options *o);
void view__free(struct view *v);

struct level *view__level(struct view *v);
const struct level *view__clevel(const struct view *v);

/*
 * Picks, orders and scrolls the rows of the list on screen; s may be NULL. Call it after each key
 * and each new snapshot, and before the snapshot that rows point into is freed.
 */
void view__update(struct view *v, const struct snapshot *s, int page);

/* Notes the load of an interval; view__show_history() lets the screen show what was noted. */
void view__push_load(struct view *v, double load);
void view__show_history(struct view *v);

struct row_key view__key(const struct level *l, const void *row);
/* The row under the cursor, or NULL. */
const void *view__row(const struct view *v);
/* Any field of the row as it is formatted contains text; case does not matter. */
bool view__row_matches(const struct view *v, const void *row, const char *text);
/* The process that the cursor or the page is about; 0: none. */
pid_t view__pid(const struct view *v);
/* A lock of the idle class. */
bool view__row_idle(const struct view *v, const void *row);
/* A column of the screens: those of the exact tier only where it is on. */
bool view__has_column(const struct view *v, const struct field *f);
/* field__format() as the screens show it. */
void view__format(const struct view *v, const struct field *f, const void *row, char *buf,
		  size_t size);

/* What keys do. */
void view__move(struct view *v, int by); /* cursor, or scroll, in the current mode */
void view__home(struct view *v);	 /* first row: from here on the order is new again */
void view__end(struct view *v);
void view__part(struct view *v, int by); /* a page: to its next or previous part */
bool view__enter(struct view *v);	 /* false: nothing further in */
void view__leave(struct view *v);	 /* one level out, else filter and search off */
void view__show(struct view *v, enum entity entity);
void view__show_graph(struct view *v); /* or away from it */
/* The view takes text over. */
void view__show_text(struct view *v, const char *label, struct text_page *text);
void view__sort_by(struct view *v, const struct field *f);
void view__sort_step(struct view *v, int by); /* the next or previous column */
void view__reverse(struct view *v);
void view__toggle_idle(struct view *v);
void view__step_delay(struct view *v, int by);
/*
 * Moves the cursor to the next (1) or previous (-1) row that contains the search text, or stays on
 * this row if it does (0: then the next). false: no row does.
 */
bool view__find(struct view *v, int direction);
void view__say(struct view *v, bool alarm, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
