// SPDX-License-Identifier: GPL-2.0-only
/* Headers of units, and the values of attributes that stand elsewhere. */
#include "dwarf_unit.h"

#include <dwarf.h>
#include <stdlib.h>

#include "util.h"

#define RANGES_MAX  (1u << 16)
#define RANGE_BYTES ((uint64_t)2 << 20)

/* Lengths and offsets have 4 bytes, or 8 after an escape. */
static uint64_t read_length(struct cursor *c, uint8_t *offset_size)
{
	uint64_t length = cursor__fixed(c, 4);

	*offset_size = 4;
	if (length == UINT32_MAX) {
		*offset_size = 8;
		return cursor__fixed(c, 8);
	}
	return length < 0xfffffff0 ? length : 0;
}

/* False if what stands there is no unit. */
static bool read_header(const struct dwarf_file *f, struct cursor *c, struct dwarf_unit *u,
			bool *code)
{
	const uint8_t *begin = c->at;
	uint64_t length = read_length(c, &u->offset_size), left;
	uint8_t type = DW_UT_compile;

	left = f->sections[DEBUG_INFO].size - u->offset - (c->at - begin);
	if (c->bad || length == 0 || length > left)
		return false;
	u->end = u->offset + (c->at - begin) + length;
	u->version = cursor__fixed(c, 2);
	if (u->version >= 5) {
		type = cursor__fixed(c, 1);
		u->address_size = cursor__fixed(c, 1);
		u->abbrev_offset = cursor__fixed(c, u->offset_size);
		if (type == DW_UT_skeleton || type == DW_UT_split_compile)
			cursor__skip(c, 8);
	} else {
		u->abbrev_offset = cursor__fixed(c, u->offset_size);
		u->address_size = cursor__fixed(c, 1);
	}
	/* Others have more in their headers, and no code. */
	*code = u->version >= 2 && u->version <= 5 &&
		(u->address_size == 4 || u->address_size == 8) &&
		(type == DW_UT_compile || type == DW_UT_partial || type == DW_UT_skeleton);
	u->first_entry = u->offset + (c->at - begin);
	return !c->bad;
}

static uint64_t number(const struct dwarf_entry *e, enum entry_slot slot, uint64_t otherwise)
{
	return e->has & 1u << slot ? e->values[slot].number : otherwise;
}

/* What the other entries of a unit refer to. */
static void read_bases(const struct dwarf_file *f, const struct dwarf_entry *e,
		       struct dwarf_unit *u)
{
	/* Without an attribute, the tables begin behind the section's first header. */
	u->address_base = number(e, SLOT_ADDRESS_BASE, u->version >= 5 ? 8 : 0);
	u->string_base = number(e, SLOT_STRING_BASE, u->offset_size == 8 ? 16 : 8);
	u->range_base = number(e, SLOT_RANGE_BASE, u->offset_size == 8 ? 20 : 12);
	u->has_lines = e->has & 1u << SLOT_LINES;
	u->lines = number(e, SLOT_LINES, 0);
	if (!(e->has & 1u << SLOT_LOW) ||
	    !dwarf_value__address(f, u, &e->values[SLOT_LOW], &u->base))
		u->base = 0;
}

/* The header and the first entry, from at most size bytes. */
static bool read_unit(const struct dwarf_file *f, uint64_t offset, uint64_t size,
		      struct dwarf_unit *u, struct dwarf_ranges *ranges, bool *whole)
{
	_cleanup_(dwarf_span__done) struct dwarf_span span = { .size = 0 };
	struct abbrevs abbrevs = { .n = 0 };
	struct dwarf_entry entry;
	struct cursor c, code_at;
	bool code;

	*u = (struct dwarf_unit){ .offset = offset };
	*whole = true;
	if (!dwarf_file__load_some(f, DEBUG_INFO, offset, size, &span))
		return false;
	c = (struct cursor){ .at = span.bytes, .end = span.bytes + span.size };
	if (!read_header(f, &c, u, &code))
		return false;
	if (!code)
		return true;
	code_at = c;
	if (!abbrevs__read(f, u->abbrev_offset, cursor__uleb(&code_at), &abbrevs))
		return true;
	if (dwarf_entry__read(u, &abbrevs, &c, &entry)) {
		read_bases(f, &entry, u);
		if (entry.tag == DW_TAG_compile_unit || entry.tag == DW_TAG_skeleton_unit)
			dwarf_entry__ranges(f, u, &entry, ranges);
	} else {
		*whole = !c.bad;
	}
	abbrevs__done(&abbrevs);
	return true;
}

bool dwarf_unit__read(const struct dwarf_file *f, uint64_t offset, struct dwarf_unit *ret,
		      struct dwarf_ranges *ranges)
{
	bool whole, found = read_unit(f, offset, 512, ret, ranges, &whole);

	/* Compilers can write their whole command line into the first entry. */
	if (found && !whole)
		found = read_unit(f, offset, 65536, ret, ranges, &whole);
	return found;
}

bool dwarf_value__address(const struct dwarf_file *f, const struct dwarf_unit *u,
			  const struct dwarf_value *v, uint64_t *ret)
{
	if (v->kind == VALUE_ADDRESS) {
		*ret = v->number;
		return true;
	}
	if (v->kind != VALUE_ADDRESS_INDEX || v->number > UINT32_MAX)
		return false;
	return dwarf_file__number(f, DEBUG_ADDR, u->address_base + v->number * u->address_size,
				  u->address_size, ret);
}

char *dwarf_value__string(const struct dwarf_file *f, const struct dwarf_unit *u,
			  const struct dwarf_value *v)
{
	uint64_t offset = v->number;

	switch (v->kind) {
	case VALUE_STRING:
		return v->text ? xstrdup(v->text) : NULL;
	case VALUE_LINE_STRING:
		return dwarf_file__string(f, DEBUG_LINE_STR, offset);
	case VALUE_STRING_INDEX:
		if (offset > UINT32_MAX ||
		    !dwarf_file__number(f, DEBUG_STR_OFFSETS,
					u->string_base + offset * u->offset_size, u->offset_size,
					&offset))
			return NULL;
		return dwarf_file__string(f, DEBUG_STR, offset);
	case VALUE_STRING_AT:
		return dwarf_file__string(f, DEBUG_STR, offset);
	default:
		return NULL;
	}
}

static void add_range(struct dwarf_ranges *r, uint64_t low, uint64_t high)
{
	/* What the linker left out is said to be at 0 or at the very end. */
	if (low == 0 || low >= high || r->n >= RANGES_MAX)
		return;
	array__grow(r->items, r->n, r->capacity);
	r->items[r->n].low = low;
	r->items[r->n++].high = high;
}

/* .debug_ranges: pairs of addresses. True at the end of the list. */
static bool read_pairs(const struct dwarf_unit *u, struct cursor *c, struct dwarf_ranges *ranges)
{
	uint64_t base = u->base, last = u->address_size == 8 ? UINT64_MAX : UINT32_MAX;

	while (!c->bad) {
		uint64_t low = cursor__fixed(c, u->address_size);
		uint64_t high = cursor__fixed(c, u->address_size);

		if (c->bad)
			break;
		if (low == 0 && high == 0)
			return true;
		if (low == last)
			base = high;
		else
			add_range(ranges, base + low, base + high);
	}
	return false;
}

static uint64_t indexed(const struct dwarf_file *f, const struct dwarf_unit *u, struct cursor *c)
{
	struct dwarf_value v = { .kind = VALUE_ADDRESS_INDEX, .number = cursor__uleb(c) };
	uint64_t address;

	return dwarf_value__address(f, u, &v, &address) ? address : 0;
}

/* .debug_rnglists. True at the end of the list. */
static bool read_list(const struct dwarf_file *f, const struct dwarf_unit *u, struct cursor *c,
		      struct dwarf_ranges *ranges)
{
	uint64_t base = u->base, low;

	while (!c->bad) {
		switch (cursor__fixed(c, 1)) {
		case DW_RLE_end_of_list:
			return !c->bad;
		case DW_RLE_base_addressx:
			base = indexed(f, u, c);
			break;
		case DW_RLE_startx_endx:
			low = indexed(f, u, c);
			add_range(ranges, low, indexed(f, u, c));
			break;
		case DW_RLE_startx_length:
			low = indexed(f, u, c);
			add_range(ranges, low, low + cursor__uleb(c));
			break;
		case DW_RLE_offset_pair:
			low = base + cursor__uleb(c);
			add_range(ranges, low, base + cursor__uleb(c));
			break;
		case DW_RLE_base_address:
			base = cursor__fixed(c, u->address_size);
			break;
		case DW_RLE_start_end:
			low = cursor__fixed(c, u->address_size);
			add_range(ranges, low, cursor__fixed(c, u->address_size));
			break;
		case DW_RLE_start_length:
			low = cursor__fixed(c, u->address_size);
			add_range(ranges, low, low + cursor__uleb(c));
			break;
		default:
			return true; /* nothing behind it makes sense */
		}
	}
	return false;
}

/* The list at an offset. How long it is shows where it ends: most are short. */
static void read_ranges(const struct dwarf_file *f, const struct dwarf_unit *u, uint64_t offset,
			struct dwarf_ranges *ranges)
{
	enum dwarf_section section = u->version >= 5 ? DEBUG_RNGLISTS : DEBUG_RANGES;
	size_t before = ranges->n;

	for (uint64_t size = 512; size <= RANGE_BYTES; size *= 16) {
		_cleanup_(dwarf_span__done) struct dwarf_span span = { .size = 0 };
		struct cursor c;

		ranges->n = before;
		if (!dwarf_file__load_some(f, section, offset, size, &span))
			return;
		c = (struct cursor){ .at = span.bytes, .end = span.bytes + span.size };
		if (u->version >= 5 ? read_list(f, u, &c, ranges) : read_pairs(u, &c, ranges))
			return;
	}
}

void dwarf_entry__ranges(const struct dwarf_file *f, const struct dwarf_unit *u,
			 const struct dwarf_entry *e, struct dwarf_ranges *ranges)
{
	const struct dwarf_value *v = &e->values[SLOT_RANGES];
	uint64_t low, high, offset;

	if (e->has & 1u << SLOT_RANGES) {
		offset = v->number;
		if (v->kind == VALUE_RANGE_INDEX) {
			if (offset > UINT32_MAX ||
			    !dwarf_file__number(f, DEBUG_RNGLISTS,
						u->range_base + offset * u->offset_size,
						u->offset_size, &offset))
				return;
			offset += u->range_base;
		}
		read_ranges(f, u, offset, ranges);
		return;
	}
	if (!(e->has & 1u << SLOT_LOW) || !(e->has & 1u << SLOT_HIGH) ||
	    !dwarf_value__address(f, u, &e->values[SLOT_LOW], &low))
		return;
	v = &e->values[SLOT_HIGH];
	if (v->kind == VALUE_NUMBER)
		high = low + v->number;
	else if (!dwarf_value__address(f, u, v, &high))
		return;
	add_range(ranges, low, high);
}
