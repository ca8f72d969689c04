/* SPDX-License-Identifier: GPL-2.0-only */
/* What python_search.c and python_expand.c share: the objects that were come by so far. */
#ifndef PYTHON_SEARCH_INTERNAL_H
#define PYTHON_SEARCH_INTERNAL_H

#include "python_search.h"

#define PYTHON_NODES_MAX   4096
#define PYTHON_TYPES_MAX   128
#define PYTHON_GLOBALS_MAX 2048 /* more are looked at only if the code names them */

enum python_shape {
	PYTHON_SHAPE_PLAIN,
	PYTHON_SHAPE_INSTANCE,
	PYTHON_SHAPE_CLASS,
	PYTHON_SHAPE_MODULE,
	PYTHON_SHAPE_DICT,
	PYTHON_SHAPE_LIST,
	PYTHON_SHAPE_TUPLE,
	PYTHON_SHAPE_CELL,
	PYTHON_SHAPE_MEMBER,
};

struct python_type_fact {
	uint64_t type;
	enum python_shape shape;
	bool construct; /* it is built on a lock */
};

struct python_search {
	struct python_target target, *real;
	size_t reads;
	uint64_t object, word;

	uint64_t names[PYTHON_SEARCH_NAMES]; /* that the code names: interned, told by address */
	size_t n_names;
	uint64_t variables[PYTHON_SEARCH_SLOTS], slots[PYTHON_SEARCH_SLOTS];
	size_t n_slots;

	struct python_type_fact types[PYTHON_TYPES_MAX];
	size_t n_types;
	struct python_node nodes[PYTHON_NODES_MAX];
	size_t n;
	/* of what is being taken in now */
	int parent;
	uint64_t owner;
	enum python_via via;
	size_t limit;
	bool only_named;
};

/* What objects of a type are to the search; remembered. */
struct python_type_fact python_expand__type(struct python_search *s, uint64_t type);

void python_expand__variables(struct python_search *s);
void python_expand__globals(struct python_search *s, uint64_t globals);

/* Adds what a node leads to; items_only: of dicts, lists and tuples alone. */
void python_expand__node(struct python_search *s, int node, bool items_only);

/* Variables that stand in a cell, attributes in __slots__: what is meant is what they lead to. */
void python_expand__follow(struct python_search *s, struct python_node *node);

#endif
