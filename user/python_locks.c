// SPDX-License-Identifier: GPL-2.0-only
#include "python_locks.h"

#include <errno.h>
#include <string.h>

#include "util.h"

/* Of every 64-bit build from 3.8 to 3.13 (printed from their headers). */
#define SEMLOCK_MOST   20 /* of _multiprocessing.SemLock, behind its handle: int maxvalue, kind */
#define TYPE_BASE      256
#define TYPE_DICT      264
#define BASES_MAX      8
#define AT_ONCE	       64
#define HEAD_MAX       64
#define ATTRIBUTES_MAX 64
#define LOWEST	       4096 /* nothing is mapped below */

static const struct type_row {
	const char *name;
	enum python_lock_type type;
} type_rows[] = {
	{ "_thread.lock", PYTHON_LOCK },
	{ "_thread.RLock", PYTHON_RLOCK },
	{ "_multiprocessing.SemLock", PYTHON_SEMAPHORE },
	{ "_queue.SimpleQueue", PYTHON_SIMPLE_QUEUE },
};

static const struct class_row {
	const char *module, *name, *attribute;
} class_rows[] = {
	{ "threading", "Condition", "_lock" },
	{ "threading", "Semaphore", "_cond" },
	{ "threading", "Event", "_cond" },
	{ "threading", "Barrier", "_cond" },
	{ "threading", "_RLock", "_block" },
	{ "queue", "Queue", "mutex" },
	{ "queue", "_PySimpleQueue", "_count" },
	{ "multiprocessing.synchronize", "SemLock", "_semlock" },
	{ "multiprocessing.synchronize", "Condition", "_lock" },
	{ "multiprocessing.synchronize", "Event", "_cond" },
	{ "importlib._bootstrap", "_ModuleLock", "wakeup" },
	{ "_frozen_importlib", "_ModuleLock", "wakeup" },
};

/* All types below have the word, or the pointer to it, right behind what each object begins with.
 */
static int head_size(const struct python_target *t)
{
	return t->layout->lock.lock;
}

void python_locks__read(struct python_target *t, const uint64_t *addresses, size_t n,
			struct python_object *ret)
{
	int type_at = t->layout->object.type, head = head_size(t);

	memset(ret, 0, n * sizeof(*ret));
	if (type_at < 0 || type_at > head - 8 || head > HEAD_MAX)
		return;

	for (size_t i = 0; i < n;) {
		struct python_range ranges[AT_ONCE];
		uint8_t bytes[AT_ONCE][HEAD_MAX + 16];
		size_t at[AT_ONCE], now = 0;

		for (; i < n && now < AT_ONCE; i++) {
			ret[i].address = addresses[i];
			/* What cannot be read would end the call for all others. */
			if (addresses[i] < LOWEST || addresses[i] % 8 || addresses[i] >> 47)
				continue;
			ranges[now] =
				(struct python_range){ addresses[i], bytes[now], head + 16, false };
			at[now++] = i;
		}
		t->read(t, ranges, now);
		for (size_t k = 0; k < now; k++) {
			struct python_object *o = &ret[at[k]];

			if (!ranges[k].got)
				continue;
			memcpy(&o->type, bytes[k] + type_at, 8);
			memcpy(&o->first, bytes[k] + head, 8);
			memcpy(&o->second, bytes[k] + head + 8, 8);
		}
	}
}

bool python_locks__may_be(const struct python_target *t, const struct python_object *o,
			  uint64_t word)
{
	return o->type && word && (o->first == word || o->address + head_size(t) == word);
}

enum python_lock_type python_locks__type(struct python_target *t, const struct python_object *o,
					 uint64_t *word)
{
	enum python_lock_type type = PYTHON_NO_LOCK;
	int32_t most_kind[2];
	char name[64];

	if (!o->type || python__type_name(t, o->address, name, sizeof(name)) < 0)
		return PYTHON_NO_LOCK;
	for (size_t i = 0; i < ARRAY_SIZE(type_rows); i++)
		if (!strcmp(name, type_rows[i].name))
			type = type_rows[i].type;
	if (type == PYTHON_NO_LOCK)
		return PYTHON_NO_LOCK;
	if (type == PYTHON_SEMAPHORE) {
		if (python__read(t, o->address + head_size(t) + SEMLOCK_MOST, most_kind,
				 sizeof(most_kind)) < 0)
			return PYTHON_NO_LOCK;
		if (most_kind[1] == 0)
			type = PYTHON_RLOCK;
		else if (most_kind[0] == 1)
			type = PYTHON_MUTEX;
	}
	/*
	 * What parks on a byte does so in the object; elsewhere it points to a semaphore. A byte's
	 * neighbours are padding, never an address.
	 */
	if (type == PYTHON_SIMPLE_QUEUE ? t->layout->minor >= 13
	    : type == PYTHON_LOCK	? t->layout->one_byte_locks
					: t->layout->one_byte_locks && o->first < LOWEST)
		*word = o->address + head_size(t);
	else
		*word = o->first;
	return type;
}

static const char *class_attribute(struct python_target *t, uint64_t type, const char *name)
{
	const char *found = NULL;
	char module[64];
	uint64_t dict;

	for (size_t i = 0; i < ARRAY_SIZE(class_rows); i++)
		if (!strcmp(name, class_rows[i].name))
			found = class_rows[i].attribute;
	if (!found)
		return NULL;
	dict = python__pointer(t, type + TYPE_DICT);
	if (!dict || python__string(t, python__dict_value(t, dict, "__module__"), module,
				    sizeof(module)) < 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(class_rows); i++)
		if (!strcmp(name, class_rows[i].name) && !strcmp(module, class_rows[i].module))
			return class_rows[i].attribute;
	return NULL;
}

const char *python_locks__attribute(struct python_target *t, uint64_t type)
{
	for (int i = 0; i < BASES_MAX && type >= LOWEST; i++) {
		const char *attribute;
		char name[64];

		if (python__c_string(t, python__pointer(t, type + t->layout->type.name), name,
				     sizeof(name)) < 0)
			return NULL;
		attribute = class_attribute(t, type, name);
		if (attribute)
			return attribute;
		type = python__pointer(t, type + TYPE_BASE);
	}
	return NULL;
}

/* The pure Python RLock is one by its class, not by the Lock in it. */
static bool is_reentrant(const char *attribute)
{
	return !strcmp(attribute, "_block");
}

enum python_lock_type python_locks__inner(struct python_target *t, uint64_t object, int depth,
					  uint64_t *word)
{
	bool reentrant = false;

	for (; depth >= 0 && object >= LOWEST; depth--) {
		enum python_lock_type type;
		const char *attribute;
		struct python_object o;

		python_locks__read(t, &object, 1, &o);
		if (!o.type)
			return PYTHON_NO_LOCK;
		type = python_locks__type(t, &o, word);
		if (type != PYTHON_NO_LOCK)
			return reentrant && type == PYTHON_LOCK ? PYTHON_RLOCK : type;
		attribute = python_locks__attribute(t, o.type);
		if (!attribute)
			return PYTHON_NO_LOCK;
		reentrant = reentrant || is_reentrant(attribute);
		object = python__attribute(t, object, attribute);
	}
	return PYTHON_NO_LOCK;
}

struct attributes {
	uint64_t values[ATTRIBUTES_MAX];
	size_t n;
};

static int collect(void *ctx, struct python_target *t, uint64_t key, uint64_t value)
{
	struct attributes *a = ctx;

	(void)t;
	(void)key;
	a->values[a->n++] = value;
	return a->n == ATTRIBUTES_MAX ? -E2BIG : 0;
}

enum python_lock_type python_locks__inner_any(struct python_target *t, uint64_t object, int depth,
					      uint64_t *word)
{
	enum python_lock_type found = python_locks__inner(t, object, depth, word);
	struct attributes a = { .n = 0 };
	uint64_t found_word = 0;

	if (found != PYTHON_NO_LOCK || depth < 1)
		return found;
	if (python__attributes_each(t, object, collect, &a) < 0)
		return PYTHON_NO_LOCK;
	for (size_t i = 0; i < a.n; i++) {
		uint64_t w;
		enum python_lock_type type = python_locks__inner(t, a.values[i], depth - 1, &w);

		if (type == PYTHON_NO_LOCK || (found != PYTHON_NO_LOCK && w == found_word))
			continue;
		if (found != PYTHON_NO_LOCK)
			return PYTHON_NO_LOCK; /* which of them is not known */
		found = type;
		found_word = w;
	}
	*word = found_word;
	return found;
}

static uint64_t match(struct python_target *t, const struct python_object *objects, size_t n,
		      uint64_t word, enum python_lock_type *type)
{
	for (size_t i = 0; i < n; i++) {
		enum python_lock_type found;
		uint64_t own;

		if (!python_locks__may_be(t, &objects[i], word))
			continue;
		found = python_locks__type(t, &objects[i], &own);
		if (found != PYTHON_NO_LOCK) {
			*type = found;
			return objects[i].address;
		}
	}
	return 0;
}

uint64_t python_locks__among(struct python_target *t, const uint64_t *slots, size_t n,
			     uint64_t word, enum python_lock_type *type)
{
	struct python_object objects[AT_ONCE];
	uint64_t inner[AT_ONCE], found;

	n = MIN(n, (size_t)AT_ONCE);
	python_locks__read(t, slots, n, objects);
	found = match(t, objects, n, word, type);
	if (found)
		return found;
	/* A bound __exit__ or acquire has its object behind the function; a cell its contents. */
	for (size_t i = 0; i < n; i++)
		inner[i] = objects[i].second;
	python_locks__read(t, inner, n, objects);
	return match(t, objects, n, word, type);
}
