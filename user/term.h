/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The terminal: cells out, keys in. The only user of curses. There is one terminal, so there is one
 * struct terminal at a time; it puts the terminal back in order on every way out of the program.
 */
#ifndef TERM_H
#define TERM_H

#include <stdbool.h>
#include <stdint.h>

#include "canvas.h"

struct terminal;

/* What ended a wait, or'ed. */
enum term_event {
	TERM_INPUT = 1,
	TERM_END = 2,	 /* a signal asks to end, or the terminal is gone */
	TERM_SIGNAL = 4, /* resized, or continued after a stop: draw again */
};

/*
 * Takes the terminal over. setlocale() was called before. -ENOTTY if TERM names no terminal known
 * here, -EOPNOTSUPP if its cursor cannot be placed.
 */
int term__open(struct terminal **ret);
void term__close(struct terminal *t);

/* The size as it is now. */
void term__size(struct terminal *t, int *width, int *height);
/* More than ASCII can be shown. */
bool term__utf8(const struct terminal *t);

/* Brings the screen to the canvas' state; what is there already is not written again. */
void term__show(struct terminal *t, const struct canvas *c);
/* The next show writes everything. */
void term__repaint(struct terminal *t);

/*
 * Waits for keys, signals, another descriptor (-1: none) to become readable, or the time-out;
 * returns enum term_event, or'ed, 0 for the last two.
 */
unsigned int term__wait(struct terminal *t, int other_fd, uint64_t timeout_ns);
/* The next key that has come, as in keys.h; KEYS_NONE: no more. */
int term__key(struct terminal *t);

#endif
