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
	const char *function; /* of a lock API or runtime, or the innermost exported; NULL: none */
	const char *library;  /* module of that function; NULL: none */
	int where;	      /* index of the frame that called the lock function; -1: none */
};

/*
 * frames innermost first; exported[i]: frame i's function is one that its module exports;
 * is_lock(ctx, function): do the tables of kinds.c know it?
 */
struct callers callers__find(const struct frame *frames, size_t n, const bool *exported,
			     bool (*is_lock)(const char *function));

#endif
