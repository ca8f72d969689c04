/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Objects of a Python program that are locks, or classes of the standard library built on one. An
 * object counts only by its type's name and by its own word: garbage names nothing.
 */
#ifndef PYTHON_LOCKS_H
#define PYTHON_LOCKS_H

#include "python_memory.h"

enum python_lock_type {
	PYTHON_NO_LOCK,
	PYTHON_LOCK,	     /* _thread.lock */
	PYTHON_RLOCK,	     /* _thread.RLock, threading._RLock */
	PYTHON_MUTEX,	     /* _multiprocessing.SemLock that one has at a time */
	PYTHON_SEMAPHORE,    /* _multiprocessing.SemLock, others */
	PYTHON_SIMPLE_QUEUE, /* _queue.SimpleQueue */
};

/* What an object begins with. */
struct python_object {
	uint64_t address, type;
	uint64_t first, second; /* its first two words behind that */
};

/* Reads n objects at once; type is 0 where nothing can be read. */
void python_locks__read(struct python_target *t, const uint64_t *addresses, size_t n,
			struct python_object *ret);

/* Could it be a lock that threads wait for at this word? By its memory alone: no read. */
bool python_locks__may_be(const struct python_target *t, const struct python_object *o,
			  uint64_t word);

/* What an object is by its type's name, and its word. */
enum python_lock_type python_locks__type(struct python_target *t, const struct python_object *o,
					 uint64_t *word);

/*
 * Classes of the standard library (Condition, Event, Queue, ...) and what is derived from them: the
 * attribute where an object of that type has its lock, or what has it. NULL: another type.
 */
const char *python_locks__attribute(struct python_target *t, uint64_t type);

/* The innermost lock of an object, through such attributes; its word. depth bounds the search. */
enum python_lock_type python_locks__inner(struct python_target *t, uint64_t object, int depth,
					  uint64_t *word);

/* The same for any object of a program, if it has exactly one lock among its attributes. */
enum python_lock_type python_locks__inner_any(struct python_target *t, uint64_t object, int depth,
					      uint64_t *word);

/*
 * The lock with this word among n slots of a frame: local variables and the value stack, where the
 * interpreter keeps what a `with` block or a call of acquire() is for. 0: none is.
 */
uint64_t python_locks__among(struct python_target *t, const uint64_t *slots, size_t n,
			     uint64_t word, enum python_lock_type *type);

#endif
