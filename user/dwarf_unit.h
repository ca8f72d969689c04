/* SPDX-License-Identifier: GPL-2.0-only */
/* Units of .debug_info, and their entries: the few attributes that say what code and data are. */
#ifndef DWARF_UNIT_H
#define DWARF_UNIT_H

#include "dwarf_file.h"

/* How the entries of a unit are laid out. */
struct abbrev {
	uint64_t code;
	uint16_t tag;
	bool children;
	uint32_t first, n; /* in attributes */
};

struct abbrevs {
	struct abbrev *items; /* ascending by code */
	size_t n;
	struct abbrev_attribute {
		uint8_t slot; /* enum entry_slot */
		uint16_t form;
		int64_t constant;
	} * attributes;
	size_t n_attributes;
};

struct dwarf_unit {
	uint64_t offset, end;	/* in .debug_info */
	uint64_t first_entry;	/* the same */
	uint64_t abbrev_offset; /* in .debug_abbrev */
	uint16_t version;
	uint8_t offset_size, address_size;
	/* from its first entry */
	uint64_t base; /* of addresses in its ranges */
	uint64_t address_base, string_base, range_base;
	uint64_t lines; /* in .debug_line */
	bool has_lines;
};

struct dwarf_value {
	enum {
		VALUE_OTHER,
		VALUE_NUMBER,
		VALUE_ADDRESS,
		VALUE_ADDRESS_INDEX,
		VALUE_STRING,	    /* text */
		VALUE_STRING_AT,    /* in .debug_str */
		VALUE_LINE_STRING,  /* in .debug_line_str */
		VALUE_STRING_INDEX, /* in .debug_str_offsets */
		VALUE_UNIT_ENTRY,   /* offset in the unit */
		VALUE_ENTRY,	    /* offset in .debug_info */
		VALUE_RANGE_INDEX,
		VALUE_BLOCK, /* number bytes */
	} kind;
	uint64_t number;
	/* in the bytes that the entry was read from */
	const char *text;
	const uint8_t *block;
};

/* The attributes that are kept. */
enum entry_slot {
	SLOT_NONE,
	SLOT_LOW,
	SLOT_HIGH,
	SLOT_RANGES,
	SLOT_NAME,
	SLOT_LINKAGE_NAME,
	SLOT_ORIGIN,
	SLOT_CALL_FILE,
	SLOT_CALL_LINE,
	SLOT_LINES,
	SLOT_DIRECTORY,
	SLOT_ADDRESS_BASE,
	SLOT_STRING_BASE,
	SLOT_RANGE_BASE,
	SLOT_LOCATION,
	SLOT_TYPE,
	SLOT_MEMBER_LOCATION,
	SLOT_SIZE,
	SLOT_SIBLING,
	SLOT_COUNT,
	SLOT_UPPER_BOUND,
	SLOTS
};

struct dwarf_entry {
	uint16_t tag; /* 0: the end of a list of children */
	bool children;
	uint32_t has; /* bit i: slot i */
	struct dwarf_value values[SLOTS];
};

struct dwarf_ranges {
	struct {
		uint64_t low, high;
	} * items;
	size_t n, capacity;
};

/*
 * The unit whose header is at offset. False if there is none: the units before it are all that can
 * be had. A unit that holds no code (types, parts of others) has no lines and no ranges.
 */
bool dwarf_unit__read(const struct dwarf_file *f, uint64_t offset, struct dwarf_unit *ret,
		      struct dwarf_ranges *ranges);

/* The layouts at an offset of .debug_abbrev: all of them, or up to that of one code. */
bool abbrevs__read(const struct dwarf_file *f, uint64_t offset, uint64_t last, struct abbrevs *ret);
void abbrevs__done(struct abbrevs *a);

/* Reads one entry. False if it makes no sense: nothing behind it can be read. */
bool dwarf_entry__read(const struct dwarf_unit *u, const struct abbrevs *a, struct cursor *c,
		       struct dwarf_entry *ret);

/* One value. False for a form that nobody knows the length of. */
bool dwarf_attribute__read(const struct dwarf_unit *u, const struct abbrev_attribute *attribute,
			   struct cursor *c, struct dwarf_value *ret);

/* Values that stand for something elsewhere. False or NULL (else from malloc): not to be had. */
bool dwarf_value__address(const struct dwarf_file *f, const struct dwarf_unit *u,
			  const struct dwarf_value *v, uint64_t *ret);
char *dwarf_value__string(const struct dwarf_file *f, const struct dwarf_unit *u,
			  const struct dwarf_value *v);

/* Adds the addresses of an entry's code to ranges. */
void dwarf_entry__ranges(const struct dwarf_file *f, const struct dwarf_unit *u,
			 const struct dwarf_entry *e, struct dwarf_ranges *ranges);

#endif
