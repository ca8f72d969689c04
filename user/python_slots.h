/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the frames of threads have in their slots: the objects at hand, and of these the ones that
 * `with` blocks which are entered keep to leave them by. Read while the threads run on.
 */
#ifndef PYTHON_SLOTS_H
#define PYTHON_SLOTS_H

#include "python_threads.h"

struct python_slot {
	size_t thread; /* index */
	uint64_t frame, code;
	int64_t instruction; /* bytes into the code */
	uint64_t object;
	uint64_t below; /* in the slot before it; 0: none */
};

struct python_slots {
	/*
	 * Where a `with` block that is entered has its bound __exit__ (from 3.14 on its object,
	 * the function below it). Blocks of `try` look the same: whether it is one the object
	 * tells. Of each thread the innermost first.
	 */
	struct python_slot *exits;
	size_t n_exits, exits_capacity;
	/* `self` of frames in Condition.wait: its lock was let go, whatever block is around it. */
	struct python_slot *waits;
	size_t n_waits, waits_capacity;
	/* All objects in slots, each once, in order of their addresses. Some may be gone: slots of
	 * the value stack that are free keep what they had. */
	uint64_t *objects;
	size_t n_objects, objects_capacity;
};

/* which: indices of the n threads to read. For python_slots__done(). */
void python_slots__read(struct python_target *t, struct python_codes *codes, struct names *names,
			const struct python_thread *threads, const size_t *which, size_t n,
			struct python_slots *ret);
void python_slots__done(struct python_slots *s);

#endif
