// SPDX-License-Identifier: GPL-2.0-only
#include "python_exits.h"

#include <string.h>

#include "util.h"

#define PROBES	  8
#define DEPTH_MAX 4 /* from a construct to its lock */

static const struct type_row {
	const char *name;
	enum python_object_type type;
} type_rows[] = {
	{ "_thread.lock", PYTHON_A_LOCK },
	{ "_thread.RLock", PYTHON_AN_RLOCK },
	{ "builtin_function_or_method", PYTHON_BUILTIN },
	{ "method", PYTHON_METHOD },
	{ "function", PYTHON_FUNCTION },
	{ "method_descriptor", PYTHON_FUNCTION },
};

static enum python_object_type ask_type(struct python_target *t, uint64_t object)
{
	char name[32];

	if (python__type_name(t, object, name, sizeof(name)))
		return PYTHON_OTHER;
	for (size_t i = 0; i < ARRAY_SIZE(type_rows); i++)
		if (!strcmp(name, type_rows[i].name))
			return type_rows[i].type;
	return PYTHON_OTHER;
}

enum python_object_type python_exits__type(struct python_target *t, struct python_types *types,
					   const struct python_object *o)
{
	uint64_t slot = o->type >> 4;

	if (!o->type)
		return PYTHON_OTHER;
	for (int i = 0; i < PROBES; i++, slot++) {
		uint64_t *type = &types->types[slot % PYTHON_TYPES];

		if (*type == o->type)
			return types->known[slot % PYTHON_TYPES];
		if (*type)
			continue;
		*type = o->type;
		types->known[slot % PYTHON_TYPES] = ask_type(t, o->address);
		return types->known[slot % PYTHON_TYPES];
	}
	return ask_type(t, o->address);
}

uint64_t python_exits__lock_of(struct python_target *t, struct python_types *types, uint64_t object,
			       bool *rlock)
{
	for (int i = 0; i < DEPTH_MAX && object; i++) {
		enum python_object_type type;
		struct python_object o;
		const char *attribute;

		python_locks__read(t, &object, 1, &o);
		type = python_exits__type(t, types, &o);
		if (type == PYTHON_A_LOCK || type == PYTHON_AN_RLOCK) {
			*rlock = type == PYTHON_AN_RLOCK;
			return object;
		}
		attribute = o.type ? python_locks__attribute(t, o.type) : NULL;
		if (!attribute || (strcmp(attribute, "_lock") && strcmp(attribute, "_block")))
			return 0;
		object = python__attribute(t, object, attribute);
	}
	return 0;
}

static bool is_exit(struct python_target *t, struct python_types *types, uint64_t definition)
{
	char name[16];

	if (!definition)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(types->exits); i++)
		if (types->exits[i] == definition)
			return true;
	if (python__c_string(t, python__pointer(t, definition), name, sizeof(name)) ||
	    strcmp(name, "__exit__"))
		return false;
	types->exits[1] = types->exits[0];
	types->exits[0] = definition;
	return true;
}

uint64_t python_exits__lock(struct python_target *t, struct python_types *types,
			    const struct python_slot *slot, bool *rlock)
{
	const uint64_t addresses[] = { slot->object, slot->below };
	struct python_object objects[2];

	python_locks__read(t, addresses, slot->below ? 2 : 1, objects);
	switch (python_exits__type(t, types, &objects[0])) {
	case PYTHON_BUILTIN:
		if (!is_exit(t, types, objects[0].first))
			return 0;
		return python_exits__lock_of(t, types, objects[0].second, rlock);
	case PYTHON_METHOD:
		return python_exits__lock_of(t, types, objects[0].second, rlock);
	default:
		/* 3.14 on: the object itself, its function below it. */
		if (!t->layout->locks_inside || !slot->below ||
		    python_exits__type(t, types, &objects[1]) != PYTHON_FUNCTION)
			return 0;
		return python_exits__lock_of(t, types, slot->object, rlock);
	}
}
