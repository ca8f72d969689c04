/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which CPython runs in a process, and where its runtime and the threads' states are: by symbols of
 * the files that it maps, then by trying whether the memory fits.
 */
#ifndef PYTHON_FIND_H
#define PYTHON_FIND_H

#include "names.h"
#include "python_threads.h"

struct python_found {
	int major, minor;	     /* 0: no Python at all */
	bool supported;		     /* there is a layout for it */
	const char *path;	     /* of the file that the interpreter is in; interned */
	uint64_t runtime;	     /* address of _PyRuntime; 0: it has none */
	struct python_layout layout; /* valid if supported and runtime */
};

/* pid: a thread that lives. Cheap if there is no Python. */
void python_find__interpreter(struct names *names, pid_t pid, const struct maps *maps,
			      struct python_found *ret);

/* Has the runtime come up: does its memory fit the layout? */
bool python_find__is_ready(struct python_target *t);

/*
 * Where a thread keeps its state: tried for each C library's thread-specific data. Fills in ret for
 * the probes; false: in none of the places that are known.
 */
bool python_find__slot(struct python_target *t, const struct python_thread *threads, size_t n,
		       struct python_process *ret);

#endif
