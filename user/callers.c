// SPDX-License-Identifier: GPL-2.0-only
#include "callers.h"

#include <string.h>

#include "util.h"

/* A runtime's lock function stands at most so far from the system call that it makes. */
#define REACH 12
/* Nameless helpers of a runtime between two of its functions that are known. */
#define GAP 2

bool callers__is_runtime(const char *module)
{
	static const char *const prefixes[] = { "libc.so",   "libc-",	     "libpthread",
						"ld-linux",  "ld-musl",	     "libc.musl",
						"libjvm.so", "libstdc++.so", "libgcc_s.so" };
	const char *base;

	if (!module)
		return false;
	base = strrchr(module, '/');
	base = base ? base + 1 : module;
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (!strncmp(base, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

typedef unsigned int (*known_fn)(const char *function);

static bool is_known(const struct frame *f, known_fn known, unsigned int what)
{
	return f->function && known(f->function) & what;
}

/*
 * The innermost function that the tables know, or that is exported: but not to the C library's own
 * files only, as what waits for any of its inner locks is.
 */
static size_t find_function(const struct frame *frames, size_t n, const bool *exported,
			    known_fn known)
{
	for (size_t i = 0; i < n; i++) {
		if (!frames[i].function || !strcmp(frames[i].function, "__lll_lock_wait_private"))
			continue;
		if (exported[i] || is_known(&frames[i], known, CALLER_LOCK))
			return i;
	}
	return n;
}

/* Lock functions that are built on others: pthread_once is, in C++; syscall(2) is everybody's. */
static size_t find_outer(const struct frame *frames, size_t n, size_t from, known_fn known)
{
	size_t function = from;

	if (strcmp(frames[from].function, "syscall"))
		return from;
	for (size_t i = from + 1; i < n && i <= from + REACH; i++)
		if (is_known(&frames[i], known, CALLER_LOCK))
			return i;
	return function;
}

struct callers callers__find(const struct frame *frames, size_t n, const bool *exported,
			     known_fn known)
{
	struct callers out = { .at = -1, .where = -1 };
	size_t caller = 0, function = find_function(frames, n, exported, known);

	if (function < n) {
		function = find_outer(frames, n, function, known);
		out.at = function;
		out.function = frames[function].function;
		out.library = frames[function].module;
		out.user = function + 1 < n ? frames[function + 1].module : NULL;
	} else if (n > 0 && callers__is_runtime(frames[0].module)) {
		out.library = frames[0].module;
	}
	for (size_t i = 0; i < n && i <= REACH; i++) {
		bool wrapper = is_known(&frames[i], known, CALLER_WRAPPER);

		/*
		 * What stands further out and apart is a caller's affair: a callback of
		 * pthread_once that takes a mutex.
		 */
		if (wrapper && i <= caller + GAP)
			out.wrapper = frames[i].function; /* the outermost says what for */
		if ((wrapper && i <= caller + GAP) || (int)i <= out.at ||
		    (caller == i && (callers__is_runtime(frames[i].module) ||
				     is_known(&frames[i], known, CALLER_LOCK))))
			caller = i + 1;
	}
	if (caller < n)
		out.where = caller;
	return out;
}
