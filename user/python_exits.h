/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For which lock a `with` block was entered: from the bound __exit__ that it keeps on the frame's
 * value stack to the Lock or RLock that it will let go.
 */
#ifndef PYTHON_EXITS_H
#define PYTHON_EXITS_H

#include "python_locks.h"
#include "python_slots.h"

enum python_object_type {
	PYTHON_OTHER,
	PYTHON_A_LOCK,	 /* _thread.lock */
	PYTHON_AN_RLOCK, /* _thread.RLock */
	PYTHON_BUILTIN,	 /* a function in C, bound to its object */
	PYTHON_METHOD,	 /* a function in Python, bound to its object */
	PYTHON_FUNCTION, /* not bound, in C or Python */
};

#define PYTHON_TYPES 256 /* a power of two */

/* The types that were met. For one look: they may go and come. All zero to begin with. */
struct python_types {
	uint64_t types[PYTHON_TYPES];
	enum python_object_type known[PYTHON_TYPES];
	uint64_t exits[2]; /* definitions of functions in C named __exit__: Lock's, RLock's */
};

enum python_object_type python_exits__type(struct python_target *t, struct python_types *types,
					   const struct python_object *o);

/* The Lock or RLock of such an object, of a Condition, or of a reentrant lock in Python. 0: it has
 * none; a Semaphore neither, whose own lock is taken for moments only. */
uint64_t python_exits__lock_of(struct python_target *t, struct python_types *types, uint64_t object,
			       bool *rlock);

/* The same for what a block keeps in a slot; 0: that block is for no lock. */
uint64_t python_exits__lock(struct python_target *t, struct python_types *types,
			    const struct python_slot *slot, bool *rlock);

#endif
