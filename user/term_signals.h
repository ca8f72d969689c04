/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Signals while the terminal is ours. Those that ask to end are noted, and taken only while
 * waiting; those that mean a crash put the terminal back in order first.
 */
#ifndef TERM_SIGNALS_H
#define TERM_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

struct term_signals;

/* Remembers the terminal's modes as they are, and takes the signals. */
struct term_signals *term_signals__new(void);
/* Gives the signals back. */
void term_signals__free(struct term_signals *s);

/* Bytes that put the terminal's screen back in order. */
void term_signals__append(struct term_signals *s, const char *bytes, size_t n);
/* From now on, until disarm, a crash or exit() restores the terminal. */
void term_signals__arm(struct term_signals *s);
void term_signals__disarm(struct term_signals *s);

/* The mask to wait with. */
const sigset_t *term_signals__mask(const struct term_signals *s);
/* A signal has asked to end. */
bool term_signals__ended(void);
/* The program was stopped and goes on, since the last call. */
bool term_signals__continued(void);

#endif
