// SPDX-License-Identifier: GPL-2.0-only
#include "dwarf_functions.h"

#include <dwarf.h>
#include <stdlib.h>

#include "util.h"

#define UNIT_BYTES     ((uint64_t)64 << 20)
#define FUNCTION_BYTES ((uint64_t)4 << 20)
#define FUNCTIONS_MAX  (1u << 18)
#define ENTRIES_MAX    (1u << 22)
#define LOOK_ENTRIES   1024 /* the clock is looked at that often */

/* A walk over entries, without recursion: they nest as deep as their author likes. */
struct walk {
	const struct dwarf_file *file;
	const struct dwarf_unit *unit;
	const struct abbrevs *abbrevs;
	struct dwarf_span span;
	struct cursor cursor;
	uint64_t begin; /* of the span in .debug_info */
	unsigned int depth, entries;
	uint64_t offset; /* of the entry read last */
	struct dwarf_entry entry;
};

/* False if there are no bytes. */
static bool begin(struct walk *w, uint64_t offset, uint64_t size)
{
	w->begin = offset;
	if (!dwarf_file__load(w->file, DEBUG_INFO, offset, size, &w->span))
		return false;
	w->cursor = (struct cursor){ .at = w->span.bytes, .end = w->span.bytes + w->span.size };
	return true;
}

/*
 * The next entry, with depth that of its parent's children. False at the end of the first entry's
 * children, and where no more can be read.
 */
static bool next(struct walk *w)
{
	if (w->entries > 0 && w->entry.tag && w->entry.children)
		w->depth++;
	do {
		if ((w->entries > 0 && w->depth == 0) || w->cursor.at >= w->cursor.end ||
		    ++w->entries > ENTRIES_MAX ||
		    (w->entries % LOOK_ENTRIES == 0 && dwarf_file__too_late(w->file)))
			return false;
		w->offset = w->begin + (w->cursor.at - w->span.bytes);
		if (!dwarf_entry__read(w->unit, w->abbrevs, &w->cursor, &w->entry))
			return false;
		if (!w->entry.tag)
			w->depth -= w->depth > 0;
	} while (!w->entry.tag);
	return true;
}

static void add(struct dwarf_functions *functions, size_t *room, const struct walk *w,
		struct dwarf_ranges *ranges)
{
	ranges->n = 0;
	dwarf_entry__ranges(w->file, w->unit, &w->entry, ranges);
	for (size_t i = 0; i < ranges->n && functions->n < FUNCTIONS_MAX; i++) {
		array__grow(functions->items, functions->n, *room);
		functions->items[functions->n++] = (struct dwarf_function){
			.low = ranges->items[i].low,
			.high = ranges->items[i].high,
			.offset = w->offset,
			.end = w->unit->end,
		};
	}
}

static int by_low(const void *a, const void *b)
{
	const struct dwarf_function *x = a, *y = b;

	return x->low < y->low ? -1 : x->low > y->low;
}

void dwarf_functions__read(const struct dwarf_file *f, const struct dwarf_unit *u,
			   const struct abbrevs *a, struct dwarf_functions *ret)
{
	struct walk w = { .file = f, .unit = u, .abbrevs = a };
	struct dwarf_functions found = { .n = 0 };
	struct dwarf_ranges ranges = { .n = 0 };
	size_t room = 0, open = 0; /* items from here on have no end yet ... */
	unsigned int depth = 0;	   /* ... and are at this depth */

	if (u->end - u->first_entry <= UNIT_BYTES &&
	    begin(&w, u->first_entry, u->end - u->first_entry)) {
		while (next(&w)) {
			/* The entry behind a function and all that is in it ends it. */
			if (open < found.n && w.depth <= depth) {
				for (; open < found.n; open++)
					found.items[open].end = w.offset;
			}
			if (w.entry.tag != DW_TAG_subprogram)
				continue;
			if (open == found.n)
				depth = w.depth;
			add(&found, &room, &w, &ranges);
		}
	}
	if (found.n > 0)
		qsort(found.items, found.n, sizeof(*found.items), by_low);
	dwarf_span__done(&w.span);
	free(ranges.items);
	*ret = found;
}

void dwarf_functions__done(struct dwarf_functions *functions)
{
	free(functions->items);
	*functions = (struct dwarf_functions){ .n = 0 };
}

const struct dwarf_function *dwarf_functions__find(const struct dwarf_functions *functions,
						   uint64_t address)
{
	size_t low = 0, high = functions->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (functions->items[middle].low <= address)
			low = middle + 1;
		else
			high = middle;
	}
	/* Functions can stand inside of others, in C with GNU extensions. */
	for (size_t i = low; i > 0 && low - i < 4; i--)
		if (address < functions->items[i - 1].high)
			return &functions->items[i - 1];
	return NULL;
}

static bool covers(const struct walk *w, uint64_t address, struct dwarf_ranges *ranges)
{
	ranges->n = 0;
	dwarf_entry__ranges(w->file, w->unit, &w->entry, ranges);
	for (size_t i = 0; i < ranges->n; i++)
		if (address >= ranges->items[i].low && address < ranges->items[i].high)
			return true;
	return false;
}

static uint64_t origin_of(const struct walk *w)
{
	const struct dwarf_value *v = &w->entry.values[SLOT_ORIGIN];

	if (!(w->entry.has & 1u << SLOT_ORIGIN))
		return 0;
	return v->kind == VALUE_UNIT_ENTRY ? w->unit->offset + v->number
	       : v->kind == VALUE_ENTRY	   ? v->number
					   : 0;
}

static uint64_t number_of(const struct walk *w, enum entry_slot slot)
{
	return w->entry.has & 1u << slot ? w->entry.values[slot].number : 0;
}

size_t dwarf_function__levels(const struct dwarf_file *f, const struct dwarf_unit *u,
			      const struct abbrevs *a, const struct dwarf_function *function,
			      uint64_t address, struct dwarf_inlined *ret, size_t max)
{
	uint64_t size = MIN(function->end - function->offset, FUNCTION_BYTES);
	struct walk w = { .file = f, .unit = u, .abbrevs = a };
	struct dwarf_ranges ranges = { .n = 0 };
	unsigned int depth = 0;
	size_t n = 0;

	if (begin(&w, function->offset, size) && next(&w))
		ret[n++] = (struct dwarf_inlined){ .origin = function->offset };
	while (n > 0 && n < max && next(&w)) {
		/*
		 * Only what is inside of the level found last can be the next. What is elsewhere
		 * may have it inside nevertheless: compilers leave out what has no code of its own.
		 */
		if (w.depth <= depth)
			break;
		if (w.entry.tag != DW_TAG_inlined_subroutine || !covers(&w, address, &ranges))
			continue;
		depth = w.depth;
		ret[n++] = (struct dwarf_inlined){
			.origin = origin_of(&w),
			.call_file = number_of(&w, SLOT_CALL_FILE),
			.call_line = number_of(&w, SLOT_CALL_LINE),
		};
	}
	dwarf_span__done(&w.span);
	free(ranges.items);
	return n;
}
