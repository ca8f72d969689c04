/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The terminal with one snapshot on it: what the live screen and a recording's have in common. They
 * differ in where the next snapshot comes from.
 */
#ifndef STAGE_H
#define STAGE_H

#include "canvas.h"
#include "model.h"
#include "options.h"
#include "term.h"
#include "view.h"

struct stage {
	const struct options *o;
	struct terminal *term;
	struct view *view;
	struct canvas *canvas;
	struct snapshot *shown; /* NULL: nothing measured yet */
	bool end;		/* the user wants to leave */
	/*
	 * Where what is shown may be several intervals: hands each of them to take() until that
	 * returns not 0; returns what that did, or -errno. NULL: it is one.
	 */
	int (*each)(void *ctx, int (*take)(void *to, const struct snapshot *s), void *to);
	void *each_ctx;
};

/* Takes the terminal over; setlocale() was called before. 0 or -errno. */
int stage__open(struct stage *st, const struct options *o);
void stage__close(struct stage *st);

/* What to tell the user where stage__open()'s error has a cause of its own; NULL: it is any errno.
 */
const char *stage__error(int err);

/* Puts a snapshot on, takes it over and frees the one before. */
void stage__show(struct stage *st, struct snapshot *s);
void stage__draw(struct stage *st);

/*
 * Does what the keys that have come say: all but what act() is for, which is called after each with
 * its enum outcome, or'ed. Returns whether there were any.
 */
bool stage__take_keys(struct stage *st, void (*act)(void *ctx, unsigned int outcome), void *ctx);

/* stage_export.c: what is on screen into a file, as far as the keys' outcome is about that. */
void stage__export(struct stage *st, unsigned int outcome);

/* A dump of pid as a page of text, from a snapshot that has its threads; or err, in words. */
void stage__show_dump(struct stage *st, pid_t pid, const struct snapshot *s, int err);

#endif
