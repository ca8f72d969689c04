// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dicts and the attributes of instances. A dict is a table of keys, and of values either beside
 * each key or, where instances of a class share the keys (split), in an array of their own. An
 * instance without a dict of its own has only that array:
 *
 *   up to 3.10	the dict's address stands at tp_dictoffset in the instance
 *   3.11	before the object: the dict's address, and the array's
 *   3.12	before the object: one of the two; the lowest bit set: the array's, minus 1
 *   3.13 on	the array is behind the object's own members (a flag of its type says so) and stays
 *		in use while its dict, if there is one, points to it
 */
#include "python_memory.h"

#include <errno.h>
#include <string.h>

#include "util.h"

#define TYPE_INLINE_VALUES (1ULL << 2)
#define TYPE_MANAGED_DICT  (1ULL << 4)

#define TYPE_IS_STR (1ULL << 28)

/* Of a str whose characters are ASCII and follow its head; most names are such. */
#define STATE_PLAIN (3u << 5)

#define ENTRIES_A_READ 64
#define NAME_MAX_BYTES 96 /* a longer name is compared in another way */
#define HEAD_MAX       (64 + NAME_MAX_BYTES)
#define TRIES	       3

enum { KEYS_GENERAL, KEYS_STR, KEYS_SPLIT };

/* A table of keys, and where its values are. */
struct table {
	uint64_t entries;
	size_t n, size;	 /* of each */
	size_t key;	 /* where its key stands in an entry; the value is behind it */
	uint64_t values; /* first of the values that stand apart; 0: beside their keys */
};

/* One search through a table, or a visit of all that it holds. */
struct visit {
	struct python_target *target;
	python_entry_fn fn;
	void *ctx;
	const char *name; /* NULL: fn gets all str keys ... */
	bool any;	  /* ... and all others */
	size_t length;	  /* of name */
	bool plain;	  /* name is short and ASCII: the keys' first bytes tell */
	uint64_t found;
	uint64_t str, other; /* types that were asked last */
};

static size_t index_size(int64_t entries)
{
	static const int64_t limits[] = { 0xff, 0xffff, 0xffffffff };
	size_t bytes = 1;

	for (size_t i = 0; i < ARRAY_SIZE(limits) && entries > limits[i]; i++)
		bytes *= 2;
	return bytes * (size_t)entries;
}

/* keys, values: as a dict or an instance points to them; values 0: none apart. */
static int read_table(struct python_target *t, uint64_t keys, uint64_t values, struct table *ret)
{
	const struct python_layout *l = t->layout;
	struct table table = { .size = 24, .key = 8 };
	uint8_t head[64];
	int64_t size, n;
	size_t index;

	if (!keys || python__read(t, keys, head, l->dict.indices) != 0)
		return -EFAULT;
	memcpy(&n, head + l->dict.n_entries, sizeof(n));
	if (l->dict.log2_index == PYTHON_ABSENT) {
		memcpy(&size, head + l->dict.log2_size, sizeof(size));
		if (size <= 0 || size > 1LL << 40)
			return -EINVAL;
		index = index_size(size);
	} else {
		if (head[l->dict.log2_index] > 43 || head[l->dict.log2_size] > 40 ||
		    head[l->dict.kind] > KEYS_SPLIT ||
		    (head[l->dict.kind] == KEYS_SPLIT) != (values != 0))
			return -EINVAL;
		index = (size_t)1 << head[l->dict.log2_index];
		size = 1LL << head[l->dict.log2_size];
		if (head[l->dict.kind] != KEYS_GENERAL) {
			table.size = 16;
			table.key = 0;
		}
	}
	if (n < 0 || n > size)
		return -EINVAL;
	table.entries = keys + l->dict.indices + index;
	table.n = MIN(n, PYTHON_DICT_MAX);
	table.values = values ? values + l->dict.values_begin : 0;
	*ret = table;
	return 0;
}

/* Keys and values of some entries; those that are empty are left out. Their number, or -errno. */
static int read_entries(struct python_target *t, const struct table *table, size_t first,
			uint64_t *keys, uint64_t *values)
{
	size_t n = MIN(table->n - first, ENTRIES_A_READ);
	uint64_t apart[ENTRIES_A_READ];
	uint8_t bytes[ENTRIES_A_READ * 24];
	struct python_range ranges[] = {
		{ .address = table->entries + first * table->size,
		  .bytes = bytes,
		  .size = n * table->size },
		{ .address = table->values + first * sizeof(*apart),
		  .bytes = apart,
		  .size = n * sizeof(*apart) },
	};
	int used = 0;

	t->read(t, ranges, table->values ? 2 : 1);
	if (!ranges[0].got || (table->values && !ranges[1].got))
		return -EFAULT;
	for (size_t i = 0; i < n; i++) {
		uint64_t pair[2];

		memcpy(pair, bytes + i * table->size + table->key, sizeof(pair));
		if (table->values)
			pair[1] = apart[i];
		if (!pair[0] || !pair[1])
			continue;
		keys[used] = pair[0];
		values[used++] = pair[1];
	}
	return used;
}

/* Is this the type of str objects, or one of a subclass? Most keys have the same. */
static bool is_str_type(struct visit *v, uint64_t type)
{
	const struct python_layout *l = v->target->layout;

	if (!type || type == v->other)
		return false;
	if (type == v->str)
		return true;
	if (python__pointer(v->target, type + l->type.flags) & TYPE_IS_STR) {
		v->str = type;
		return true;
	}
	v->other = type;
	return false;
}

static bool is_name(struct visit *v, uint64_t key, const uint8_t *head)
{
	const struct python_layout *l = v->target->layout;
	char text[1024];
	uint64_t length;
	uint32_t state;

	memcpy(&length, head + l->object.length, sizeof(length));
	memcpy(&state, head + l->object.state, sizeof(state));
	if (length > v->length)
		return false;
	if (v->plain && (state & STATE_PLAIN) == STATE_PLAIN)
		return length == v->length &&
		       memcmp(head + l->object.ascii, v->name, v->length) == 0;
	return python__string(v->target, key, text, sizeof(text)) == 0 &&
	       strcmp(text, v->name) == 0;
}

/* What the search or visit makes of some entries: not 0 ends it. */
static int take_entries(struct visit *v, const uint64_t *keys, const uint64_t *values, size_t n)
{
	const struct python_layout *l = v->target->layout;
	const size_t size = l->object.ascii + (v->plain ? v->length : 0);
	uint8_t heads[ENTRIES_A_READ][HEAD_MAX];
	struct python_range ranges[ENTRIES_A_READ];

	for (size_t i = 0; i < n; i++)
		ranges[i] = (struct python_range){ .address = keys[i],
						   .bytes = heads[i],
						   .size = size };
	v->target->read(v->target, ranges, n);
	for (size_t i = 0; i < n; i++) {
		uint64_t type;
		int r;

		if (!ranges[i].got)
			continue;
		memcpy(&type, heads[i] + l->object.type, sizeof(type));
		if (!v->any && !is_str_type(v, type))
			continue;
		if (v->name) {
			if (!is_name(v, keys[i], heads[i]))
				continue;
			v->found = values[i];
			return 1;
		}
		r = v->fn(v->ctx, v->target, keys[i], values[i]);
		if (r)
			return r;
	}
	return 0;
}

/* used: so many entries there are at least, or it is being filled. */
static int visit_table(struct visit *v, uint64_t keys, uint64_t values, size_t at_most,
		       uint64_t used)
{
	uint64_t some_keys[ENTRIES_A_READ], some_values[ENTRIES_A_READ];
	struct table table;
	int err = read_table(v->target, keys, values, &table);

	if (err)
		return err;
	if (table.n < MIN(used, PYTHON_DICT_MAX))
		return -EAGAIN;
	table.n = MIN(table.n, at_most);
	for (size_t first = 0; first < table.n; first += ENTRIES_A_READ) {
		int n = read_entries(v->target, &table, first, some_keys, some_values);

		if (n < 0)
			return n;
		err = take_entries(v, some_keys, some_values, n);
		if (err)
			return err;
	}
	return 0;
}

struct dict_pointers {
	uint64_t keys, values, used;
};

static int read_pointers(struct python_target *t, uint64_t dict, struct dict_pointers *ret)
{
	struct dict_pointers p;
	struct python_range ranges[] = {
		{ .address = dict + t->layout->dict.keys, .bytes = &p.keys, .size = 8 },
		{ .address = dict + t->layout->dict.values, .bytes = &p.values, .size = 8 },
		{ .address = dict + t->layout->dict.used, .bytes = &p.used, .size = 8 },
	};

	t->read(t, ranges, 3);
	if (!ranges[0].got || !ranges[1].got || !ranges[2].got)
		return -EFAULT;
	*ret = p;
	return 0;
}

/* -EAGAIN: the dict got another table meanwhile, or just now. */
static int visit_dict(struct visit *v, uint64_t dict)
{
	struct dict_pointers before, after;
	int r;

	if (!python__is_dict(v->target, dict))
		return -EINVAL;
	if (read_pointers(v->target, dict, &before) != 0)
		return -EFAULT;
	r = visit_table(v, before.keys, before.values, PYTHON_DICT_MAX, before.used);
	if (r > 0)
		return r;
	if (read_pointers(v->target, dict, &after) != 0)
		return -EFAULT;
	return before.keys == after.keys && before.values == after.values ? r : -EAGAIN;
}

static void look_for(struct visit *v, struct python_target *t, const char *name)
{
	*v = (struct visit){ .target = t, .name = name, .length = strlen(name), .plain = true };
	if (v->length > NAME_MAX_BYTES)
		v->plain = false;
	for (size_t i = 0; v->plain && i < v->length; i++)
		v->plain = !(name[i] & 0x80);
}

uint64_t python__dict_value(struct python_target *t, uint64_t dict, const char *key)
{
	struct visit v;
	int r = -EAGAIN;

	look_for(&v, t, key);
	for (int i = 0; i < TRIES && r == -EAGAIN; i++)
		r = visit_dict(&v, dict);
	return v.found;
}

int python__dict_each(struct python_target *t, uint64_t dict, python_entry_fn fn, void *ctx)
{
	struct visit v = { .target = t, .fn = fn, .ctx = ctx, .any = true };

	return visit_dict(&v, dict);
}

/* What an instance's attributes are in: a dict, or keys and values. Neither: it has none. */
struct place {
	uint64_t dict, keys, values;
	size_t n; /* of values, at most */
};

/* 3.13 on: the values behind the object, if they are in use. */
static void find_inline(struct python_target *t, uint64_t object, uint64_t type, struct place *ret)
{
	const struct python_layout *l = t->layout;
	uint64_t size = python__pointer(t, type + l->type.basic_size);
	struct {
		uint8_t capacity, size, embedded, valid;
	} head;

	if (size == 0 || size > 1 << 20 || python__read(t, object + size, &head, sizeof(head)) != 0)
		return;
	if (!head.valid)
		return;
	ret->values = object + size;
	ret->n = head.capacity;
}

/* 3.11 on: before the object. */
static void find_managed(struct python_target *t, uint64_t object, uint64_t type, uint64_t flags,
			 struct place *ret)
{
	const struct python_layout *l = t->layout;
	uint64_t dict = python__pointer(t, object + l->managed_dict);

	ret->n = PYTHON_DICT_MAX;
	if (l->managed_values != PYTHON_ABSENT && !dict)
		ret->values = python__pointer(t, object + l->managed_values);
	else if (l->minor == 12 && (dict & 1))
		ret->values = dict + 1;
	else if (l->minor >= 13 && !dict && (flags & TYPE_INLINE_VALUES))
		find_inline(t, object, type, ret);
	else
		ret->dict = dict;
	if (ret->values)
		ret->keys = python__pointer(t, type + l->type.cached_keys);
}

/* Where tp_dictoffset says that the dict's address stands; 0: nowhere. */
static uint64_t dict_address(struct python_target *t, uint64_t object, uint64_t type)
{
	const struct python_layout *l = t->layout;
	int64_t at = (int64_t)python__pointer(t, type + l->type.dict_offset);
	int64_t sizes[2], n;

	if (at > -(1 << 20) && at < 0) {
		/* Counted from the end of an object of variable size; tp_itemsize follows. */
		if (python__read(t, type + l->type.basic_size, sizes, sizeof(sizes)) != 0 ||
		    python__read(t, object + l->object.length, &n, sizeof(n)) != 0)
			return 0;
		n = n < 0 ? -(n + 1) + 1 : n;
		if (n > 1LL << 40 || sizes[0] < 0 || sizes[0] > 1 << 20 || sizes[1] < 0 ||
		    sizes[1] > 1 << 16)
			return 0;
		at += (sizes[0] + n * sizes[1] + 7) & ~7LL;
	} else if (at >= 1 << 20) {
		return 0;
	}
	return at > 0 ? object + at : 0;
}

static int find_place(struct python_target *t, uint64_t object, struct place *ret)
{
	const struct python_layout *l = t->layout;
	uint64_t type = object ? python__pointer(t, object + l->object.type) : 0;
	struct place place = { 0 };
	uint64_t flags, at;

	if (!type || python__read(t, type + l->type.flags, &flags, sizeof(flags)) != 0)
		return -EFAULT;
	if (l->managed_dict != PYTHON_ABSENT && (flags & TYPE_MANAGED_DICT)) {
		find_managed(t, object, type, flags, &place);
	} else {
		at = dict_address(t, object, type);
		place.dict = at ? python__pointer(t, at) : 0;
	}
	*ret = place;
	return 0;
}

static int visit_attributes(struct visit *v, uint64_t object)
{
	struct place place, again;
	int r = find_place(v->target, object, &place);

	if (r)
		return r;
	if (place.dict)
		return visit_dict(v, place.dict);
	if (!place.values)
		return 0;
	r = visit_table(v, place.keys, place.values, place.n, 0);
	if (r > 0)
		return r;
	if (find_place(v->target, object, &again) != 0)
		return -EFAULT;
	return again.dict == place.dict && again.keys == place.keys && again.values == place.values
		       ? r
		       : -EAGAIN;
}

uint64_t python__attribute(struct python_target *t, uint64_t object, const char *name)
{
	struct visit v;
	int r = -EAGAIN;

	look_for(&v, t, name);
	for (int i = 0; i < TRIES && r == -EAGAIN; i++)
		r = visit_attributes(&v, object);
	return v.found;
}

int python__attributes_each(struct python_target *t, uint64_t object, python_entry_fn fn, void *ctx)
{
	struct visit v = { .target = t, .fn = fn, .ctx = ctx };

	return visit_attributes(&v, object);
}
