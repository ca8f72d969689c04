// SPDX-License-Identifier: GPL-2.0-only
#include "callers.h"

#include <string.h>

#include "util.h"

/* A runtime's lock function stands at most so far from the system call that it makes. */
#define REACH 12

/* Libraries whose frames stand between a program and its futex. */
static bool is_runtime(const char *module)
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

/*
 * The innermost function that the tables know, or that is exported. syscall(2) is everybody's: a
 * runtime's lock function further out says more.
 */
static const struct frame *find_function(const struct frame *frames, size_t n, const bool *exported,
					 bool (*is_lock)(const char *))
{
	const struct frame *direct = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct frame *f = &frames[i];
		bool lock = f->function && is_lock(f->function);

		if (direct && (i > REACH || lock))
			return lock ? f : direct;
		if (direct || !f->function || (!lock && !exported[i]))
			continue;
		if (strcmp(f->function, "syscall"))
			return f;
		direct = f;
	}
	return direct;
}

struct callers callers__find(const struct frame *frames, size_t n, const bool *exported,
			     bool (*is_lock)(const char *))
{
	const struct frame *function = find_function(frames, n, exported, is_lock);
	struct callers out = { .where = -1 };
	size_t caller = 0;

	if (function) {
		out.function = function->function;
		out.library = function->module;
	}
	for (size_t i = 0; i < n; i++) {
		const struct frame *f = &frames[i];
		bool lock = f->function && i <= REACH && is_lock(f->function);

		/* a statically linked program's lock functions are in its own file */
		if (lock || (caller == i && is_runtime(f->module)))
			caller = i + 1;
	}
	if (caller < n)
		out.where = caller;
	return out;
}
