// SPDX-License-Identifier: GPL-2.0-only
#include "dwarf_members.h"

#include <dwarf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

#define UNIT_BYTES   ((uint64_t)64 << 20)
#define LEVELS_MAX   64 /* types on the way to a member */
#define HOPS_MAX     16 /* from a type to its size */
#define DIMENSIONS   4
#define PATH_BYTES   512
#define LOOK_ENTRIES 256 /* the clock is looked at that often */

/* A way through the types of one unit. */
struct way {
	const struct dwarf_file *file;
	const struct dwarf_unit *unit;
	struct abbrevs abbrevs;
	struct dwarf_span span;
	unsigned int reads;
	uint64_t rest; /* of the offset */
	char path[PATH_BYTES];
	size_t len;
};

static bool has(const struct dwarf_entry *e, enum entry_slot slot)
{
	return e->has & 1u << slot;
}

/* False if nothing can be read any more. */
static bool next(struct way *w, struct cursor *c, struct dwarf_entry *e)
{
	if (++w->reads % LOOK_ENTRIES == 0 && dwarf_file__too_late(w->file))
		return false;
	return c->at < c->end && dwarf_entry__read(w->unit, &w->abbrevs, c, e);
}

/* The entry at an offset of .debug_info; the cursor stands behind it then. */
static bool entry_at(struct way *w, uint64_t offset, struct cursor *c, struct dwarf_entry *e)
{
	if (offset < w->unit->first_entry || offset >= w->unit->end)
		return false;
	*c = (struct cursor){ .at = w->span.bytes + (offset - w->unit->first_entry),
			      .end = w->span.bytes + w->span.size };
	return next(w, c, e) && e->tag;
}

/* What an entry refers to; 0: nothing in this unit. */
static uint64_t reference(const struct way *w, const struct dwarf_entry *e, enum entry_slot slot)
{
	const struct dwarf_value *v = &e->values[slot];

	if (!has(e, slot))
		return 0;
	return v->kind == VALUE_UNIT_ENTRY ? w->unit->offset + v->number
	       : v->kind == VALUE_ENTRY	   ? v->number
					   : 0;
}

/* The next child of an entry that the cursor stood behind. False behind the last one. */
static bool next_child(struct way *w, struct cursor *c, struct dwarf_entry *e)
{
	uint64_t depth = 0;

	/* Of the child before, only what is not inside of it. */
	if (e->tag && e->children)
		depth = 1;
	while (next(w, c, e)) {
		if (!e->tag && depth == 0)
			return false;
		if (!e->tag)
			depth--;
		else if (depth == 0)
			return true;
		else if (e->children)
			depth++;
	}
	return false;
}

/* Elements of an array, by dimension; 0: unknown. Returns how many dimensions, 0 if too many. */
static size_t dimensions(struct way *w, struct cursor *c, uint64_t counts[DIMENSIONS])
{
	struct dwarf_entry e = { .tag = 0 };
	size_t n = 0;

	while (next_child(w, c, &e)) {
		if (e.tag != DW_TAG_subrange_type)
			continue;
		if (n == DIMENSIONS)
			return 0;
		counts[n] = 0;
		if (has(&e, SLOT_COUNT) && e.values[SLOT_COUNT].kind == VALUE_NUMBER)
			counts[n] = e.values[SLOT_COUNT].number;
		else if (has(&e, SLOT_UPPER_BOUND) &&
			 e.values[SLOT_UPPER_BOUND].kind == VALUE_NUMBER)
			counts[n] = e.values[SLOT_UPPER_BOUND].number + 1;
		n++;
	}
	return n;
}

/* In bytes; 0: unknown. */
static uint64_t size_of(struct way *w, uint64_t type)
{
	uint64_t counts[DIMENSIONS], factor = 1, size;
	struct dwarf_entry e;
	struct cursor c;

	for (int i = 0; i < HOPS_MAX && entry_at(w, type, &c, &e); i++) {
		type = reference(w, &e, SLOT_TYPE);
		if (has(&e, SLOT_SIZE) && e.values[SLOT_SIZE].kind == VALUE_NUMBER)
			return __builtin_mul_overflow(factor, e.values[SLOT_SIZE].number, &size)
				       ? 0
				       : size;
		if (e.tag == DW_TAG_pointer_type)
			return w->unit->address_size;
		if (e.tag != DW_TAG_array_type || !e.children)
			continue;
		for (size_t n = dimensions(w, &c, counts); n > 0; n--)
			if (__builtin_mul_overflow(factor, counts[n - 1], &factor))
				return 0;
	}
	return 0;
}

static bool append(struct way *w, const char *text)
{
	size_t len = strlen(text);

	if (len >= sizeof(w->path) - w->len) {
		w->len = 0; /* half a path would be a wrong one */
		return false;
	}
	memcpy(w->path + w->len, text, len + 1);
	w->len += len;
	return true;
}

/* Is a lock what a type of this name is for? */
static bool names_lock(const char *name)
{
	static const char *const words[] = { "mutex", "rwlock",	 "cond", "sem",
					     "once",  "barrier", "lock" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasestr(name, words[i]))
			return true;
	return false;
}

/* C libraries' own: nobody wants to know what they are made of. */
static bool is_opaque(const char *name)
{
	return !strncmp(name, "pthread_", 8) || !strcmp(name, "sem_t");
}

static bool ends_at(const struct way *w, const struct dwarf_entry *e)
{
	_cleanup_(util__freep) char *name = NULL;

	if (has(e, SLOT_NAME))
		name = dwarf_value__string(w->file, w->unit, &e->values[SLOT_NAME]);
	return name && (is_opaque(name) || (w->rest == 0 && names_lock(name)));
}

static bool member_offset(const struct dwarf_entry *e, bool in_union, uint64_t *ret)
{
	const struct dwarf_value *v = &e->values[SLOT_MEMBER_LOCATION];
	struct cursor c;

	*ret = 0;
	if (!has(e, SLOT_MEMBER_LOCATION))
		return in_union; /* elsewhere: bits, or a member of the class itself */
	*ret = v->number;
	if (v->kind != VALUE_BLOCK)
		return v->kind == VALUE_NUMBER;
	/* DWARF 2: an operation on the object's address. */
	c = (struct cursor){ .at = v->block, .end = v->block + v->number };
	if (cursor__fixed(&c, 1) != DW_OP_plus_uconst)
		return false;
	*ret = cursor__uleb(&c);
	return !c.bad && c.at == c.end;
}

/* Steps into the first member that is where the offset leads. Returns its type; 0: there is none.
 */
static uint64_t enter_member(struct way *w, struct cursor *c, bool in_union)
{
	struct dwarf_entry e = { .tag = 0 };
	uint64_t offset, size, type;

	while (next_child(w, c, &e)) {
		_cleanup_(util__freep) char *name = NULL;

		if ((e.tag != DW_TAG_member && e.tag != DW_TAG_inheritance) ||
		    !member_offset(&e, in_union, &offset) || offset > w->rest)
			continue;
		type = reference(w, &e, SLOT_TYPE);
		size = size_of(w, type);
		/* A class without members has a byte that is somebody else's, too. */
		if (w->rest - offset >= size || (e.tag == DW_TAG_inheritance && size == 1))
			continue;
		if (e.tag == DW_TAG_member && has(&e, SLOT_NAME)) {
			name = dwarf_value__string(w->file, w->unit, &e.values[SLOT_NAME]);
			if (!name)
				return 0;
		}
		if (name && name[0] && (!append(w, ".") || !append(w, name)))
			return 0;
		w->rest -= offset;
		return type;
	}
	return 0;
}

/* Steps into an element. Returns its type; 0: there is none. */
static uint64_t enter_element(struct way *w, struct cursor *c, uint64_t type)
{
	uint64_t counts[DIMENSIONS], size = size_of(w, type), index, below = 1;
	size_t n = dimensions(w, c, counts);
	char text[32];

	if (size <= 1 || n == 0) /* bytes are room for something else */
		return 0;
	for (size_t i = 1; i < n; i++)
		if (__builtin_mul_overflow(below, counts[i], &below) || below == 0)
			return 0;
	index = w->rest / size;
	w->rest %= size;
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			below /= counts[i];
		snprintf(text, sizeof(text), "[%" PRIu64 "]", index / below);
		index %= below;
		if (!append(w, text))
			return 0;
	}
	return type;
}

/* Into a type, and the types inside of it. */
static void walk(struct way *w, uint64_t type)
{
	struct dwarf_entry e;
	struct cursor c;

	for (int i = 0; i < LEVELS_MAX && entry_at(w, type, &c, &e); i++) {
		switch (e.tag) {
		case DW_TAG_typedef:
			if (ends_at(w, &e))
				return;
			type = reference(w, &e, SLOT_TYPE);
			break;
		case DW_TAG_const_type:
		case DW_TAG_volatile_type:
		case DW_TAG_restrict_type:
		case DW_TAG_atomic_type:
			type = reference(w, &e, SLOT_TYPE);
			break;
		case DW_TAG_structure_type:
		case DW_TAG_class_type:
		case DW_TAG_union_type:
			if (!e.children || ends_at(w, &e))
				return;
			type = enter_member(w, &c, e.tag == DW_TAG_union_type);
			break;
		case DW_TAG_array_type:
			type = e.children ? enter_element(w, &c, reference(w, &e, SLOT_TYPE)) : 0;
			break;
		default:
			return;
		}
	}
}

/* A variable's own entry may say where it is only, and another one what it is. */
static uint64_t type_of(struct way *w, uint64_t entry)
{
	struct dwarf_entry e;
	struct cursor c;

	for (int i = 0; i < HOPS_MAX && entry_at(w, entry, &c, &e); i++) {
		if (has(&e, SLOT_TYPE))
			return reference(w, &e, SLOT_TYPE);
		entry = reference(w, &e, SLOT_ORIGIN);
	}
	return 0;
}

char *dwarf_members__path(const struct dwarf_file *f, const struct dwarf_unit *u, uint64_t entry,
			  uint64_t offset)
{
	struct way w = { .file = f, .unit = u, .rest = offset };
	char *path = NULL;
	uint64_t type, size;

	if (u->end - u->first_entry <= UNIT_BYTES &&
	    dwarf_file__load(f, DEBUG_INFO, u->first_entry, u->end - u->first_entry, &w.span) &&
	    abbrevs__read(f, u->abbrev_offset, 0, &w.abbrevs)) {
		type = type_of(&w, entry);
		size = size_of(&w, type);
		if (offset < size)
			walk(&w, type);
	}
	if (w.len > 0 && !dwarf_file__too_late(f))
		path = w.rest ? xasprintf("%s+0x%" PRIx64, w.path, w.rest) : xstrdup(w.path);
	abbrevs__done(&w.abbrevs);
	dwarf_span__done(&w.span);
	return path;
}
