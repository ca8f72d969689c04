/* SPDX-License-Identifier: GPL-2.0-only */
/* One table of keys: it drives dispatch, the help screen, the bottom line and --help. */
#ifndef KEYS_H
#define KEYS_H

#include <stdio.h>

#include "view.h"

/* Keys are Unicode characters; those without one follow the last character. */
enum key {
	KEYS_NONE = -1,
	KEYS_TAB = 9,
	KEYS_ENTER = 13,
	KEYS_ESC = 27,
	KEYS_UP = 0x110000,
	KEYS_DOWN,
	KEYS_LEFT,
	KEYS_RIGHT,
	KEYS_PAGE_UP,
	KEYS_PAGE_DOWN,
	KEYS_HOME,
	KEYS_END,
	KEYS_BACKSPACE,
	KEYS_BACK_TAB,
	KEYS_F1,
	KEYS_F3,
	KEYS_F4,
	KEYS_F6,
	KEYS_F10,
};

#define KEYS_CTRL(letter) ((letter)&0x1f)

/* What a key changed; the loop acts on it. */
enum outcome {
	OUTCOME_DRAW = 1,    /* the view: draw it again */
	OUTCOME_REPAINT = 2, /* the terminal's content is not to be trusted */
	OUTCOME_DELAY = 4,   /* view->delay_ns */
	OUTCOME_PAUSE = 8,   /* view->paused */
	OUTCOME_EXPORT = 16,
	OUTCOME_QUIT = 32,
	OUTCOME_DUMP = 64,   /* a thread dump of view__pid() is wanted */
	OUTCOME_SEEK = 128,  /* view->recording: another snapshot is wanted, or another rhythm */
	OUTCOME_NAME = 256,  /* view->exporter, or a dump: its file's name is to be asked for */
	OUTCOME_WRITE = 512, /* view->exporter, to view->file */
};

/* Beside its modes, of a binding: only there. What is for recordings comes before the rest. */
#define KEYS_LIVE     (1u << 30)
#define KEYS_RECORDED (1u << 31)

struct binding {
	unsigned int modes;			      /* 1 << enum view_mode, or'ed */
	int keys[5];				      /* ends with 0 */
	const char *names;			      /* as people read them */
	const char *group;			      /* heading in the help */
	const char *bar;			      /* word in the bottom line, NULL: not there */
	const char *help;			      /* NULL: not in the help */
	unsigned int (*run)(struct view *v, int arg); /* returns enum outcome, or'ed */
	int arg;
};

/* The table; it ends with a row without names. */
extern const struct binding bindings[];

/* recorded: on a recording. NULL: the key does nothing. */
const struct binding *keys__find(enum view_mode mode, int key, bool recorded);
/* Does it belong there? */
bool keys__applies(const struct binding *b, bool recorded);

/* Does what key does in the view's mode; returns enum outcome, or'ed. */
unsigned int keys__dispatch(struct view *v, int key);

/* The table for --help: of the live screen, or what a recording has beside it. */
void keys__print(FILE *out, bool recorded);

#endif
