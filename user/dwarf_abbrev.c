// SPDX-License-Identifier: GPL-2.0-only
/* Layouts of entries, and entries read by them: DWARF 2 to 5, chapter 7. */
#include <dwarf.h>
#include <stdlib.h>

#include "dwarf_unit.h"
#include "util.h"

#define ABBREVS_MAX    (1u << 16)
#define ATTRIBUTES_MAX (1u << 20)
#define ENTRY_MAX      64 /* attributes of one entry: they can take no bytes, but always time */
#define TABLE_BYTES    ((uint64_t)8 << 20)

/* The attributes kept, by their number; those of GNU extensions have the same meaning. */
static const struct {
	uint16_t attribute;
	uint8_t slot;
} slot_rows[] = {
	{ DW_AT_name, SLOT_NAME },
	{ DW_AT_low_pc, SLOT_LOW },
	{ DW_AT_high_pc, SLOT_HIGH },
	{ DW_AT_ranges, SLOT_RANGES },
	{ DW_AT_linkage_name, SLOT_LINKAGE_NAME },
	{ DW_AT_MIPS_linkage_name, SLOT_LINKAGE_NAME },
	{ DW_AT_abstract_origin, SLOT_ORIGIN },
	{ DW_AT_specification, SLOT_ORIGIN },
	{ DW_AT_call_file, SLOT_CALL_FILE },
	{ DW_AT_call_line, SLOT_CALL_LINE },
	{ DW_AT_stmt_list, SLOT_LINES },
	{ DW_AT_comp_dir, SLOT_DIRECTORY },
	{ DW_AT_addr_base, SLOT_ADDRESS_BASE },
	{ DW_AT_GNU_addr_base, SLOT_ADDRESS_BASE },
	{ DW_AT_str_offsets_base, SLOT_STRING_BASE },
	{ DW_AT_rnglists_base, SLOT_RANGE_BASE },
	{ DW_AT_location, SLOT_LOCATION },
	{ DW_AT_type, SLOT_TYPE },
	{ DW_AT_data_member_location, SLOT_MEMBER_LOCATION },
	{ DW_AT_byte_size, SLOT_SIZE },
	{ DW_AT_sibling, SLOT_SIBLING },
	{ DW_AT_count, SLOT_COUNT },
	{ DW_AT_upper_bound, SLOT_UPPER_BOUND },
};

static uint8_t slot_of(uint64_t attribute)
{
	for (size_t i = 0; i < ARRAY_SIZE(slot_rows); i++)
		if (slot_rows[i].attribute == attribute)
			return slot_rows[i].slot;
	return SLOT_NONE;
}

/* How a form is written: a number of bytes, or one of these. */
enum {
	SIZE_OFFSET = 100, /* as the unit's offsets */
	SIZE_ADDRESS,
	SIZE_REFERENCE, /* an offset; in DWARF 2, an address */
	SIZE_ULEB,
	SIZE_SLEB,
	SIZE_STRING,
	SIZE_CONSTANT, /* in the layout */
	SIZE_BLOCK,    /* its length as ULEB ... */
	SIZE_BLOCK1,   /* ... or in so many bytes */
	SIZE_BLOCK2,
	SIZE_BLOCK4 = SIZE_BLOCK1 + 3,
	SIZE_UNKNOWN,
};

struct form {
	uint8_t size, kind;
};

/* clang-format off */
static const struct form forms[] = {
	[0] = { SIZE_UNKNOWN, 0 }, [2] = { SIZE_UNKNOWN, 0 }, [DW_FORM_indirect] = { SIZE_UNKNOWN, 0 },
	[DW_FORM_addr] = { SIZE_ADDRESS, VALUE_ADDRESS },
	[DW_FORM_block1] = { SIZE_BLOCK1, VALUE_BLOCK }, [DW_FORM_block2] = { SIZE_BLOCK2, VALUE_BLOCK },
	[DW_FORM_block4] = { SIZE_BLOCK4, VALUE_BLOCK }, [DW_FORM_block] = { SIZE_BLOCK, VALUE_BLOCK },
	[DW_FORM_exprloc] = { SIZE_BLOCK, VALUE_BLOCK },
	[DW_FORM_data1] = { 1, VALUE_NUMBER }, [DW_FORM_data2] = { 2, VALUE_NUMBER },
	[DW_FORM_data4] = { 4, VALUE_NUMBER }, [DW_FORM_data8] = { 8, VALUE_NUMBER },
	[DW_FORM_data16] = { 16, 0 },
	[DW_FORM_sdata] = { SIZE_SLEB, VALUE_NUMBER }, [DW_FORM_udata] = { SIZE_ULEB, VALUE_NUMBER },
	[DW_FORM_implicit_const] = { SIZE_CONSTANT, VALUE_NUMBER },
	[DW_FORM_sec_offset] = { SIZE_OFFSET, VALUE_NUMBER },
	[DW_FORM_flag] = { 1, 0 }, [DW_FORM_flag_present] = { 0, 0 },
	[DW_FORM_string] = { SIZE_STRING, VALUE_STRING },
	[DW_FORM_strp] = { SIZE_OFFSET, VALUE_STRING_AT },
	[DW_FORM_line_strp] = { SIZE_OFFSET, VALUE_LINE_STRING },
	[DW_FORM_strx] = { SIZE_ULEB, VALUE_STRING_INDEX },
	[DW_FORM_strx1] = { 1, VALUE_STRING_INDEX }, [DW_FORM_strx2] = { 2, VALUE_STRING_INDEX },
	[DW_FORM_strx3] = { 3, VALUE_STRING_INDEX }, [DW_FORM_strx4] = { 4, VALUE_STRING_INDEX },
	[DW_FORM_addrx] = { SIZE_ULEB, VALUE_ADDRESS_INDEX },
	[DW_FORM_addrx1] = { 1, VALUE_ADDRESS_INDEX }, [DW_FORM_addrx2] = { 2, VALUE_ADDRESS_INDEX },
	[DW_FORM_addrx3] = { 3, VALUE_ADDRESS_INDEX }, [DW_FORM_addrx4] = { 4, VALUE_ADDRESS_INDEX },
	[DW_FORM_ref1] = { 1, VALUE_UNIT_ENTRY }, [DW_FORM_ref2] = { 2, VALUE_UNIT_ENTRY },
	[DW_FORM_ref4] = { 4, VALUE_UNIT_ENTRY }, [DW_FORM_ref8] = { 8, VALUE_UNIT_ENTRY },
	[DW_FORM_ref_udata] = { SIZE_ULEB, VALUE_UNIT_ENTRY },
	[DW_FORM_ref_addr] = { SIZE_REFERENCE, VALUE_ENTRY },
	[DW_FORM_ref_sig8] = { 8, 0 }, [DW_FORM_ref_sup4] = { 4, 0 }, [DW_FORM_ref_sup8] = { 8, 0 },
	[DW_FORM_strp_sup] = { SIZE_OFFSET, 0 },
	[DW_FORM_loclistx] = { SIZE_ULEB, 0 }, [DW_FORM_rnglistx] = { SIZE_ULEB, VALUE_RANGE_INDEX },
};
/* clang-format on */

static struct form form_of(uint64_t form)
{
	switch (form) {
	case DW_FORM_GNU_addr_index:
		return (struct form){ SIZE_ULEB, VALUE_ADDRESS_INDEX };
	case DW_FORM_GNU_str_index:
		return (struct form){ SIZE_ULEB, VALUE_OTHER };
	case DW_FORM_GNU_ref_alt: /* into a file that several share: not looked for */
	case DW_FORM_GNU_strp_alt:
		return (struct form){ SIZE_OFFSET, VALUE_OTHER };
	default:
		return form < ARRAY_SIZE(forms) ? forms[form] : forms[0];
	}
}

/* One declaration. False at the end of the table, and where it makes no sense. */
static bool read_abbrev(struct abbrevs *a, struct cursor *c, size_t *room, size_t *attribute_room)
{
	struct abbrev item = { .code = cursor__uleb(c), .first = a->n_attributes };
	uint64_t name, form;

	if (item.code == 0)
		return false;
	item.tag = cursor__uleb(c);
	item.children = cursor__fixed(c, 1);
	for (;;) {
		int64_t constant = 0;

		name = cursor__uleb(c);
		form = cursor__uleb(c);
		if (form == DW_FORM_implicit_const)
			constant = cursor__sleb(c);
		if ((name == 0 && form == 0) || c->bad)
			break;
		if (a->n_attributes >= ATTRIBUTES_MAX || item.n >= ENTRY_MAX || form > UINT16_MAX)
			return false;
		array__grow(a->attributes, a->n_attributes, *attribute_room);
		a->attributes[a->n_attributes++] = (struct abbrev_attribute){
			.slot = slot_of(name), .form = form, .constant = constant
		};
		item.n++;
	}
	if (c->bad || a->n >= ABBREVS_MAX)
		return false;
	array__grow(a->items, a->n, *room);
	a->items[a->n++] = item;
	return true;
}

static int by_code(const void *a, const void *b)
{
	const struct abbrev *x = a, *y = b;

	return x->code < y->code ? -1 : x->code > y->code;
}

bool abbrevs__read(const struct dwarf_file *f, uint64_t offset, uint64_t last, struct abbrevs *ret)
{
	/* How long a table is shows where it ends: most are small. */
	for (uint64_t size = 4096; size <= TABLE_BYTES; size *= 8) {
		_cleanup_(dwarf_span__done) struct dwarf_span span = { .size = 0 };
		size_t room = 0, attribute_room = 0;
		struct abbrevs a = { .n = 0 };
		struct cursor c;

		if (!dwarf_file__load_some(f, DEBUG_ABBREV, offset, size, &span))
			return false;
		c = (struct cursor){ .at = span.bytes, .end = span.bytes + span.size };
		while (read_abbrev(&a, &c, &room, &attribute_room)) {
			if (last && a.items[a.n - 1].code == last)
				break;
		}
		if (!c.bad && a.n > 0) {
			qsort(a.items, a.n, sizeof(*a.items), by_code);
			*ret = a;
			return true;
		}
		abbrevs__done(&a);
		if (span.size < size)
			return false;
	}
	return false;
}

void abbrevs__done(struct abbrevs *a)
{
	free(a->items);
	free(a->attributes);
	*a = (struct abbrevs){ .n = 0 };
}

static const struct abbrev *find_abbrev(const struct abbrevs *a, uint64_t code)
{
	struct abbrev key = { .code = code };

	/* Most tables count from 1. */
	if (code - 1 < a->n && a->items[code - 1].code == code)
		return &a->items[code - 1];
	return a->n > 0 ? bsearch(&key, a->items, a->n, sizeof(*a->items), by_code) : NULL;
}

static uint64_t read_number(const struct dwarf_unit *u, struct cursor *c, uint8_t size)
{
	switch (size) {
	case SIZE_OFFSET:
		return cursor__fixed(c, u->offset_size);
	case SIZE_ADDRESS:
		return cursor__fixed(c, u->address_size);
	case SIZE_REFERENCE:
		return cursor__fixed(c, u->version == 2 ? u->address_size : u->offset_size);
	case SIZE_ULEB:
		return cursor__uleb(c);
	case SIZE_SLEB:
		return cursor__sleb(c);
	default:
		return cursor__fixed(c, size);
	}
}

static void read_block(struct cursor *c, uint64_t size, struct dwarf_value *ret)
{
	ret->number = size;
	ret->block = c->at;
	cursor__skip(c, size);
}

bool dwarf_attribute__read(const struct dwarf_unit *u, const struct abbrev_attribute *attribute,
			   struct cursor *c, struct dwarf_value *ret)
{
	uint64_t number = attribute->form;
	struct form form;

	if (number == DW_FORM_indirect)
		number = cursor__uleb(c);
	form = form_of(number);
	*ret = (struct dwarf_value){ .kind = form.kind };
	if (form.size == SIZE_UNKNOWN)
		return false;
	if (form.size == SIZE_CONSTANT)
		ret->number = attribute->constant;
	else if (form.size == SIZE_STRING)
		ret->text = cursor__string(c);
	else if (form.size == SIZE_BLOCK)
		read_block(c, cursor__uleb(c), ret);
	else if (form.size >= SIZE_BLOCK1 && form.size <= SIZE_BLOCK4)
		read_block(c, cursor__fixed(c, form.size - SIZE_BLOCK1 + 1), ret);
	else
		ret->number = read_number(u, c, form.size);
	return !c->bad;
}

bool dwarf_entry__read(const struct dwarf_unit *u, const struct abbrevs *a, struct cursor *c,
		       struct dwarf_entry *ret)
{
	uint64_t code = cursor__uleb(c);
	const struct abbrev *abbrev;

	ret->tag = 0;
	ret->children = false;
	ret->has = 0;
	if (code == 0)
		return !c->bad;
	abbrev = find_abbrev(a, code);
	if (!abbrev)
		return false;
	ret->tag = abbrev->tag;
	ret->children = abbrev->children;
	for (uint32_t i = 0; i < abbrev->n; i++) {
		const struct abbrev_attribute *attribute = &a->attributes[abbrev->first + i];

		if (!dwarf_attribute__read(u, attribute, c, &ret->values[attribute->slot]))
			return false;
		ret->has |= 1u << attribute->slot;
	}
	return true;
}
