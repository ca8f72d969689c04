/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a lock is called in the program: found by looking for the object in what the waiting frames
 * can see. Only an object that was found at its address names it: nothing is guessed.
 */
#ifndef PYTHON_NAMES_H
#define PYTHON_NAMES_H

#include "python_kinds.h"

/*
 * The name: "module.name" for a global, "Class.attribute" for an attribute of an object that the
 * frame holds (self, locals, globals that its code names), "function.<locals>.name" for a local
 * variable, "...[key]" for a dict's or list's item if it is one of these. A lock inside of a
 * Condition, a Queue ... has the whole's name; a module's import lock is "import NAME". Interned;
 * NULL: not found. rlock: set to whether the object is a reentrant lock, known: if its object was
 * found.
 */
const char *python_names__find(struct python_target *t, struct python_codes *codes,
			       struct names *names, const struct python_chain *chain,
			       const struct python_wait *wait, uint64_t word, bool *known,
			       bool *rlock);

#endif
