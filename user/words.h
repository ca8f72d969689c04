/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads, locks, stacks and deadlocks as people read them, for text and dumps. What is written is
 * clean: foreign names in it cannot act on a terminal. The writers into buf return it.
 */
#ifndef WORDS_H
#define WORDS_H

#include <stdio.h>

#include "model.h"

#define WORDS_MAX 1024 /* room for any of these */

/* "worker 4243"; with its process where that is not pid. */
char *words__thread(char *buf, size_t size, const struct thread *t, pid_t pid);
/* "mutex table_lock 0x55d0c0a81040". */
char *words__lock(char *buf, size_t size, const struct lock *l);
/* "table_lock", or "mutex 0x55d0c0a81040" where it has no name. */
char *words__lock_name(char *buf, size_t size, const struct lock *l);
/* "open_table (table_cache.cc:412)", "flush (libdb.so)", "libdb.so+0x1f20", "0x1f20". */
char *words__frame(char *buf, size_t size, const struct frame *f);
/* "read from the lock": how it is known who holds a lock. */
const char *words__proof(enum owner_proof proof);

/* The innermost frame that is no lock function and not the C library's; NULL: none. */
const struct frame *words__own_frame(const struct frame *frames, size_t n);

/* A head line, and a line a thread: what it waits for, where, and who holds that. */
void words__deadlock(FILE *out, const struct deadlock *d);

/* "table_lock", or "0x55d0c0a81040" where it has no name: a lock of an inversion, by its id. */
char *words__edge_lock(char *buf, size_t size, const char *id, const char *name);
/* The frame where the edge's second lock was wanted; NULL: not known. */
const struct frame *words__edge_frame(const struct inversion_edge *edge);
/* A head line; for each step who did it how often, where it took the one lock, and the stack. */
void words__inversion(FILE *out, const struct inversion *inversion);

#endif
