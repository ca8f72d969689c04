/* SPDX-License-Identifier: GPL-2.0-only */
/* Small helpers that every module may use. */
#ifndef UTIL_H
#define UTIL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)     ((a) < (b) ? (a) : (b))
#define MAX(a, b)     ((a) > (b) ? (a) : (b))
#define NSEC_PER_SEC  1000000000ULL

#define _cleanup_(f) __attribute__((cleanup(f)))
void util__freep(void *p);  /* for _cleanup_ on pointers from malloc */
void util__closep(int *fd); /* for _cleanup_ on file descriptors; -1 is none */

/*
 * Memory that cannot be had ends the program with one line on stderr: there is nothing better that
 * a monitor could do, and no caller would be tested for it.
 */
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Room for one more item in a growing array of *capacity items, n of them used. */
#define array__grow(items, n, capacity)                                            \
	do {                                                                       \
		if ((n) >= (capacity)) {                                           \
			(capacity) = (capacity) ? 2 * (capacity) : 4;              \
			(items) = xrealloc((items), (capacity), sizeof(*(items))); \
		}                                                                  \
	} while (0)

uint64_t util__monotonic_ns(void);

/* CPU time of this thread: what something costs, whoever else runs meanwhile. */
uint64_t util__cpu_ns(void);

/* Reads a whole small file, at most max bytes, NUL-terminated. -errno, or its length. */
int util__read_file(const char *path, char *buf, size_t max);

/* One that takes no signals: they are for the thread that waits for them. 0 or -errno. */
int util__start_thread(pthread_t *ret, void *(*run)(void *arg), void *arg);

#endif
