/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which construct of threading, queue and importlib a Python thread waits in: a table, by the
 * frames of the standard library on top of its stack, then the objects themselves.
 */
#ifndef PYTHON_KINDS_H
#define PYTHON_KINDS_H

#include "kinds.h"
#include "python_frames.h"

struct python_wait {
	enum lock_kind kind;
	enum lock_class class;
	/*
	 * The object that the program knows: a Condition, an Event, a Queue; 0: the word stands for
	 * itself (Lock, RLock). Its address tells such waits apart, for each waits on a lock of its
	 * own.
	 */
	uint64_t object;
	const char *attribute; /* where its lock hangs: "_lock"; NULL: it is the lock itself */
	int user;	       /* frame of the chain that uses it: the innermost outside of the
				  library, else (a Timer's thread) of the construct; -1: none */
	const char *detail;    /* "get", "put", "join", "import", "exit" (joining threads at the
				  program's end), "drain" (a Barrier still in use): static; NULL:
				  nothing to add */
};

/*
 * word: the futex word (address of the sem_t), native: the native frames' function names up to the
 * interpreter's loop, innermost first (C functions like SimpleQueue.get have no Python frame). An
 * object is asked for its own lock where that tells a wait from taking its lock back
 * (Condition.wait).
 */
struct python_wait python_kinds__judge(struct python_target *t, const struct python_chain *chain,
				       const char *const *native, size_t n_native, uint64_t word);

/* Do these native frames wait for a lock of the interpreter (PyThread_acquire_lock_timed, ...)? A C
 * extension may wait for one of its own. */
bool python_kinds__is_wait(const char *const *native, size_t n);

/* Is this a file of the standard library whose frames stand between a program and its wait?
 * (threading.py, queue.py, importlib's bootstrap, ...) */
bool python_kinds__is_library(const char *file);

#endif
