/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Looks for an object in what a Python frame can see: the globals of its module, its variables,
 * and from those on attributes that its code names, and items of dicts and lists. Bounded in
 * objects and in reads.
 */
#ifndef PYTHON_SEARCH_H
#define PYTHON_SEARCH_H

#include "python_frames.h"
#include "python_locks.h"

#define PYTHON_SEARCH_NAMES 256
#define PYTHON_SEARCH_SLOTS 64

/* How an object was come by. */
enum python_via {
	PYTHON_VIA_GLOBAL,    /* owner: the module's dict, key: str */
	PYTHON_VIA_LOCAL,     /* index: of the slot */
	PYTHON_VIA_ATTRIBUTE, /* owner: the instance's type, key: str */
	PYTHON_VIA_CLASS,     /* owner: the class that has it, key: str */
	PYTHON_VIA_MODULE,    /* owner: the module's dict, key: str */
	PYTHON_VIA_KEY,	      /* of parent, a dict; key: any object */
	PYTHON_VIA_INDEX,     /* of parent, a list or tuple */
};

struct python_node {
	struct python_object object;
	uint64_t owner, key;
	uint32_t index;
	int parent; /* -1: none */
	uint8_t via;
	bool named;		    /* by the frame's code */
	enum python_lock_type lock; /* of the one that was found */
};

struct python_search; /* of one lock; may look in several frames */

/* object: what is looked for; 0: a lock with this word, or what is built on it. */
struct python_search *python_search__new(struct python_target *t, uint64_t object, uint64_t word);
void python_search__free(struct python_search *s);

/* The target, its reads counted against the search's bound. */
struct python_target *python_search__target(struct python_search *s);

/*
 * Looks in one frame; code as python_codes__at gave it. variables: those of the frame itself count,
 * too. A global that the code names comes before an attribute or an item, then any global, then a
 * variable. NULL: not found. Valid until the next call.
 */
const struct python_node *python_search__frame(struct python_search *s,
					       const struct python_frame *frame,
					       const struct python_code *code, bool variables);
const struct python_node *python_search__parent(const struct python_search *s,
						const struct python_node *node);
/* Name of a variable, a str object; 0: unknown. */
uint64_t python_search__variable(const struct python_search *s, uint32_t index);

#endif
