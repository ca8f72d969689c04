// SPDX-License-Identifier: GPL-2.0-only
/* Static variables of all units, by address. */
#include <dwarf.h>
#include <stdlib.h>

#include "dwarf_members.h"
#include "util.h"

#define UNIT_BYTES    ((uint64_t)64 << 20)
#define VARIABLES_MAX (1u << 18)
#define LOOK_ENTRIES  1024 /* the clock is looked at that often */

static bool address_of(const struct dwarf_file *f, const struct dwarf_unit *u,
		       const struct dwarf_entry *e, uint64_t *ret)
{
	const struct dwarf_value *v = &e->values[SLOT_LOCATION];
	struct dwarf_value address = { .kind = VALUE_ADDRESS };
	struct cursor c;

	if (!(e->has & 1u << SLOT_LOCATION) || v->kind != VALUE_BLOCK)
		return false;
	c = (struct cursor){ .at = v->block, .end = v->block + v->number };
	switch (cursor__fixed(&c, 1)) {
	case DW_OP_addr:
		address.number = cursor__fixed(&c, u->address_size);
		break;
	case DW_OP_addrx:
	case DW_OP_GNU_addr_index:
		address.kind = VALUE_ADDRESS_INDEX;
		address.number = cursor__uleb(&c);
		break;
	default:
		return false;
	}
	/* More operations would be thread-local memory, or a place in something larger. */
	return !c.bad && c.at == c.end && dwarf_value__address(f, u, &address, ret) && *ret != 0;
}

/* Leaves out the children of an entry, if it says where they end. */
static bool skip_children(const struct dwarf_unit *u, const struct dwarf_entry *e,
			  const struct dwarf_span *span, struct cursor *c)
{
	const struct dwarf_value *v = &e->values[SLOT_SIBLING];
	uint64_t at = c->at - span->bytes, first = u->first_entry - u->offset;

	/* Only forward: that comes to an end. */
	if (!(e->has & 1u << SLOT_SIBLING) || v->kind != VALUE_UNIT_ENTRY || v->number < first ||
	    v->number - first < at || v->number - first > span->size)
		return false;
	c->at = span->bytes + (v->number - first);
	return true;
}

static bool opens_scope(const struct dwarf_entry *e)
{
	return e->tag == DW_TAG_compile_unit || e->tag == DW_TAG_namespace ||
	       e->tag == DW_TAG_module;
}

/*
 * Variables of the unit and of its namespaces, up to what cannot be read. False if there was no
 * time.
 */
static bool read_entries(struct dwarf_variables *v, const struct dwarf_file *f,
			 const struct dwarf_unit *u, const struct abbrevs *a,
			 const struct dwarf_span *span)
{
	struct cursor c = { .at = span->bytes, .end = span->bytes + span->size };
	uint64_t depth = 0, open = 0; /* open: of the innermost namespace's children */
	struct dwarf_entry e;

	for (unsigned int n = 1; c.at < c.end; n++) {
		uint64_t offset = u->first_entry + (c.at - span->bytes), address;

		if (n % LOOK_ENTRIES == 0 && dwarf_file__too_late(f))
			return false;
		if (!dwarf_entry__read(u, a, &c, &e))
			break;
		if (!e.tag) {
			depth -= depth > 0;
			open = MIN(open, depth);
			if (depth == 0)
				break;
			continue;
		}
		if (e.tag == DW_TAG_variable && depth == open && v->n < VARIABLES_MAX &&
		    address_of(f, u, &e, &address)) {
			array__grow(v->items, v->n, v->room);
			v->items[v->n++] = (struct dwarf_variable){ .address = address,
								    .entry = offset,
								    .unit = v->units };
		}
		if (!e.children)
			continue;
		if (depth == open && opens_scope(&e))
			open = ++depth;
		else if (!skip_children(u, &e, span, &c))
			depth++;
	}
	return true;
}

static bool read_unit(struct dwarf_variables *v, const struct dwarf_file *f,
		      const struct dwarf_unit *u)
{
	_cleanup_(dwarf_span__done) struct dwarf_span span = { .size = 0 };
	struct abbrevs abbrevs = { .n = 0 };
	size_t before = v->n;
	bool in_time = true;

	/* Units without lines hold types, or parts of others. */
	if (!u->has_lines || u->end - u->first_entry > UNIT_BYTES)
		return true;
	if (dwarf_file__load(f, DEBUG_INFO, u->first_entry, u->end - u->first_entry, &span) &&
	    abbrevs__read(f, u->abbrev_offset, 0, &abbrevs))
		in_time = read_entries(v, f, u, &abbrevs, &span);
	abbrevs__done(&abbrevs);
	in_time = in_time && !dwarf_file__too_late(f);
	if (!in_time)
		v->n = before;
	return in_time;
}

static int by_address(const void *a, const void *b)
{
	const struct dwarf_variable *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return x->entry < y->entry ? -1 : x->entry > y->entry;
}

bool dwarf_variables__read(struct dwarf_variables *v, const struct dwarf_file *f,
			   const struct dwarf_unit *units, size_t n_units)
{
	if (v->complete)
		return true;
	for (; v->units < n_units; v->units++)
		if (!read_unit(v, f, &units[v->units]))
			return false;
	if (v->n > 0)
		qsort(v->items, v->n, sizeof(*v->items), by_address);
	v->complete = true;
	return true;
}

void dwarf_variables__done(struct dwarf_variables *v)
{
	free(v->items);
	*v = (struct dwarf_variables){ .n = 0 };
}

const struct dwarf_variable *dwarf_variables__find(const struct dwarf_variables *v,
						   uint64_t address)
{
	size_t low = 0, high = v->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (v->items[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < v->n && v->items[low].address == address ? &v->items[low] : NULL;
}
