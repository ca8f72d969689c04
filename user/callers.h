/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who waits: which function of a stack says what kind of lock it is, and which frame called it.
 * Pure.
 */
#ifndef CALLERS_H
#define CALLERS_H

#include <stdbool.h>

#include "model.h"

struct callers {
	const char *function; /* of a lock API, or the innermost exported; NULL: none */
	const char *wrapper;  /* of a runtime that waits by that function; NULL: none */
	const char *library;  /* module of function, or that slept; NULL: unknown */
	const char *user;     /* module of function's caller; NULL: unknown */
	int at;		      /* index of function's frame; -1: none */
	int where;	      /* index of the frame outside all of these; -1: none */
};

/* What kinds.c knows of a function, or'ed. */
enum { CALLER_LOCK = 1, CALLER_WRAPPER = 2 };

/* frames innermost first; exported[i]: frame i's function is one that its module exports. */
struct callers callers__find(const struct frame *frames, size_t n, const bool *exported,
			     unsigned int (*known)(const char *function));

/* Is this a library whose frames stand between a program and its futex, or outside of its own?
 * NULL: no. */
bool callers__is_runtime(const char *module);

#endif
