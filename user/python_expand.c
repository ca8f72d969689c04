// SPDX-License-Identifier: GPL-2.0-only
#include "python_search_internal.h"

#include <errno.h>
#include <string.h>

#include "util.h"

#define CHILDREN_MAX 256
#define BASES_MAX    8

/* tp_flags, the same in all versions */
#define FLAG_HEAP  (1ULL << 9)
#define FLAG_LIST  (1ULL << 25)
#define FLAG_TUPLE (1ULL << 26)
#define FLAG_DICT  (1ULL << 29)
#define FLAG_TYPE  (1ULL << 31)
#define FLAGS_DATA (1ULL << 24 | 1ULL << 27 | 1ULL << 28) /* int, bytes, str */

/* Of every 64-bit build from 3.8 to 3.13 (printed from their headers). */
#define TYPE_BASE    256
#define TYPE_DICT    264
#define LIST_ITEMS   8	/* behind its length */
#define DESCR_MEMBER 24 /* of a member_descriptor, behind what each object begins with */
#define MEMBER_AT    16 /* of a PyMemberDef: where the member is in the instance */

static int head_size(const struct python_search *s)
{
	return s->target.layout->lock.lock;
}

static bool is_named(const struct python_search *s, uint64_t key)
{
	for (size_t i = 0; i < s->n_names; i++)
		if (s->names[i] == key)
			return true;
	return false;
}

static enum python_shape shape_of(struct python_search *s, uint64_t type)
{
	static const struct {
		const char *name;
		enum python_shape shape;
	} rows[] = {
		{ "module", PYTHON_SHAPE_MODULE },
		{ "cell", PYTHON_SHAPE_CELL },
		{ "member_descriptor", PYTHON_SHAPE_MEMBER },
		{ "types.SimpleNamespace", PYTHON_SHAPE_INSTANCE },
	};
	const struct python_layout *l = s->target.layout;
	uint64_t flags = python__pointer(&s->target, type + l->type.flags);
	char name[32];

	if (flags & FLAGS_DATA)
		return PYTHON_SHAPE_PLAIN;
	if (flags & FLAG_TYPE)
		return PYTHON_SHAPE_CLASS;
	if (flags & FLAG_DICT)
		return PYTHON_SHAPE_DICT;
	if (flags & FLAG_LIST)
		return PYTHON_SHAPE_LIST;
	if (flags & FLAG_TUPLE)
		return PYTHON_SHAPE_TUPLE;
	if (python__c_string(&s->target, python__pointer(&s->target, type + l->type.name), name,
			     sizeof(name)) == 0)
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
			if (!strcmp(name, rows[i].name))
				return rows[i].shape;
	return flags & FLAG_HEAP ? PYTHON_SHAPE_INSTANCE : PYTHON_SHAPE_PLAIN;
}

struct python_type_fact python_expand__type(struct python_search *s, uint64_t type)
{
	struct python_type_fact f = { .type = type };

	if (!type)
		return f;
	for (size_t i = 0; i < s->n_types; i++)
		if (s->types[i].type == type)
			return s->types[i];
	f.shape = shape_of(s, type);
	f.construct = f.shape == PYTHON_SHAPE_INSTANCE && python_locks__attribute(&s->target, type);
	if (s->n_types < PYTHON_TYPES_MAX)
		s->types[s->n_types++] = f;
	return f;
}

static void add(struct python_search *s, struct python_node node)
{
	if (s->n < PYTHON_NODES_MAX && node.object.address)
		s->nodes[s->n++] = node;
}

static int add_entry(void *ctx, struct python_target *t, uint64_t key, uint64_t value)
{
	struct python_search *s = ctx;
	bool named = is_named(s, key);

	(void)t;
	if (!named && (s->only_named || s->limit == 0))
		return 0;
	s->limit -= s->limit > 0;
	add(s, (struct python_node){ .object.address = value,
				     .owner = s->owner,
				     .key = key,
				     .parent = s->parent,
				     .via = s->via,
				     .named = named });
	return s->n == PYTHON_NODES_MAX ? -E2BIG : 0;
}

static void take(struct python_search *s, int parent, enum python_via via, uint64_t owner,
		 size_t limit, bool only_named)
{
	s->parent = parent;
	s->via = via;
	s->owner = owner;
	s->limit = limit;
	s->only_named = only_named;
}

/* Attributes of a class, and of those it is derived from. */
static void add_class(struct python_search *s, int parent, uint64_t type)
{
	for (int i = 0; i < BASES_MAX && type; i++) {
		uint64_t flags = python__pointer(&s->target, type + s->target.layout->type.flags);

		if (!(flags & FLAG_HEAP))
			return;
		take(s, parent, PYTHON_VIA_CLASS, type, CHILDREN_MAX, true);
		python__dict_each(&s->target, python__pointer(&s->target, type + TYPE_DICT),
				  add_entry, s);
		type = python__pointer(&s->target, type + TYPE_BASE);
	}
}

static void add_items(struct python_search *s, int parent, enum python_shape shape)
{
	uint64_t address = s->nodes[parent].object.address, items[CHILDREN_MAX], at;
	int64_t n = 0;

	if (shape == PYTHON_SHAPE_TUPLE) {
		n = python__tuple(&s->target, address, items, CHILDREN_MAX);
	} else {
		at = s->target.layout->object.length;
		n = MIN((int64_t)python__pointer(&s->target, address + at), CHILDREN_MAX);
		at = python__pointer(&s->target, address + at + LIST_ITEMS);
		if (n <= 0 || python__read(&s->target, at, items, n * sizeof(*items)) != 0)
			return;
	}
	for (int64_t i = 0; i < n; i++)
		add(s, (struct python_node){ .object.address = items[i],
					     .parent = parent,
					     .index = i,
					     .via = PYTHON_VIA_INDEX });
}

void python_expand__node(struct python_search *s, int i, bool items_only)
{
	uint64_t address = s->nodes[i].object.address, type = s->nodes[i].object.type;
	struct python_type_fact f = python_expand__type(s, type);

	switch (f.shape) {
	case PYTHON_SHAPE_INSTANCE:
		/* What is inside of a Condition or a Queue is known by the whole's name. */
		if (items_only || f.construct || address == s->object)
			return;
		take(s, i, PYTHON_VIA_ATTRIBUTE, type, CHILDREN_MAX, false);
		python__attributes_each(&s->target, address, add_entry, s);
		add_class(s, i, type);
		return;
	case PYTHON_SHAPE_CLASS:
		if (!items_only)
			add_class(s, i, address);
		return;
	case PYTHON_SHAPE_MODULE:
		if (items_only)
			return;
		take(s, i, PYTHON_VIA_MODULE, address, CHILDREN_MAX, true);
		python__attributes_each(&s->target, address, add_entry, s);
		return;
	case PYTHON_SHAPE_DICT:
		take(s, i, PYTHON_VIA_KEY, address, CHILDREN_MAX, false);
		python__dict_each(&s->target, address, add_entry, s);
		return;
	case PYTHON_SHAPE_LIST:
	case PYTHON_SHAPE_TUPLE:
		add_items(s, i, f.shape);
		return;
	default:
		return;
	}
}

void python_expand__follow(struct python_search *s, struct python_node *node)
{
	struct python_target *t = &s->target;
	uint64_t at = node->object.address + head_size(s);
	const struct python_node *parent = python_search__parent(s, node);

	if (node->via == PYTHON_VIA_LOCAL) {
		if (python_expand__type(s, node->object.type).shape != PYTHON_SHAPE_CELL)
			return;
	} else if (node->via == PYTHON_VIA_CLASS && parent) {
		if (python_expand__type(s, parent->object.type).shape != PYTHON_SHAPE_INSTANCE ||
		    python_expand__type(s, node->object.type).shape != PYTHON_SHAPE_MEMBER)
			return;
		at = python__pointer(t, at + DESCR_MEMBER);
		at = parent->object.address + python__pointer(t, at + MEMBER_AT);
		node->via = PYTHON_VIA_ATTRIBUTE;
	} else {
		return;
	}
	at = python__pointer(t, at);
	python_locks__read(t, &at, 1, &node->object);
}

void python_expand__variables(struct python_search *s)
{
	for (size_t i = 0; i < s->n_slots; i++)
		add(s, (struct python_node){ .object.address = s->slots[i],
					     .parent = -1,
					     .index = i,
					     .via = PYTHON_VIA_LOCAL });
}

void python_expand__globals(struct python_search *s, uint64_t globals)
{
	take(s, -1, PYTHON_VIA_GLOBAL, globals, PYTHON_GLOBALS_MAX, false);
	python__dict_each(&s->target, globals, add_entry, s);
}
