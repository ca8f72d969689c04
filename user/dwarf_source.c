// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which unit an address belongs to is read once for all units: the table of contents that some
 * compilers write (.debug_aranges) others leave out. What a look-up read of a unit is kept for a
 * while: the next address is likely in the same.
 */
#include "dwarf_source.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "dwarf_functions.h"
#include "dwarf_lines.h"
#include "dwarf_members.h"
#include "util.h"

#define UNITS_MAX    (1u << 17)
#define INDEX_MAX    (1u << 20)
#define LOADED_MAX   16
#define LOADED_BYTES ((size_t)4 << 20)
#define HOPS_MAX     8 /* from an entry to the one that has its name */

struct index_row {
	uint64_t low, high;
	uint32_t unit;
};

/* What was read of a unit. */
struct loaded {
	const struct dwarf_unit *unit; /* NULL: nothing */
	struct abbrevs abbrevs;
	struct dwarf_functions functions;
	struct dwarf_lines lines;
	char *directory; /* where the compiler ran; NULL: unknown */
	size_t bytes;
	unsigned long used;
};

struct dwarf_source {
	struct dwarf_file file;
	struct dwarf_unit *units; /* ascending by offset */
	size_t n_units;
	struct index_row *index; /* ascending by low */
	size_t n_index;
	struct loaded loaded[LOADED_MAX];
	unsigned long uses;
	struct dwarf_variables variables;
	/* A unit that others took names from, last: with link-time optimization most stand there.
	 */
	const struct dwarf_unit *origin;
	struct abbrevs origin_abbrevs;
};

static int by_low(const void *a, const void *b)
{
	const struct index_row *x = a, *y = b;

	return x->low < y->low ? -1 : x->low > y->low;
}

static void read_units(struct dwarf_source *s)
{
	size_t room = 0, index_room = 0;
	struct dwarf_ranges ranges = { .n = 0 };
	struct dwarf_unit unit;

	for (uint64_t offset = 0; s->n_units < UNITS_MAX; offset = unit.end) {
		ranges.n = 0;
		if (!dwarf_unit__read(&s->file, offset, &unit, &ranges))
			break;
		for (size_t i = 0; i < ranges.n && s->n_index < INDEX_MAX; i++) {
			array__grow(s->index, s->n_index, index_room);
			s->index[s->n_index++] =
				(struct index_row){ ranges.items[i].low, ranges.items[i].high,
						    s->n_units };
		}
		array__grow(s->units, s->n_units, room);
		s->units[s->n_units++] = unit;
	}
	free(ranges.items);
	if (s->n_index > 0)
		qsort(s->index, s->n_index, sizeof(*s->index), by_low);
}

struct dwarf_source *dwarf_source__new(int fd, uint64_t deadline_ns)
{
	struct dwarf_source *s = xcalloc(1, sizeof(*s));

	if (dwarf_file__init(&s->file, fd) < 0) {
		free(s);
		return NULL;
	}
	s->file.deadline_ns = deadline_ns;
	read_units(s);
	return s;
}

static void unload(struct loaded *l)
{
	abbrevs__done(&l->abbrevs);
	dwarf_functions__done(&l->functions);
	dwarf_lines__done(&l->lines);
	free(l->directory);
	*l = (struct loaded){ .unit = NULL };
}

void dwarf_source__free(struct dwarf_source *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < LOADED_MAX; i++)
		unload(&s->loaded[i]);
	abbrevs__done(&s->origin_abbrevs);
	dwarf_variables__done(&s->variables);
	dwarf_file__done(&s->file);
	free(s->units);
	free(s->index);
	free(s);
}

size_t dwarf_source__bytes(const struct dwarf_source *s)
{
	size_t bytes = sizeof(*s) + s->file.bytes + s->n_units * sizeof(*s->units) +
		       s->n_index * sizeof(*s->index) +
		       s->variables.room * sizeof(*s->variables.items) +
		       s->origin_abbrevs.n_attributes * sizeof(*s->origin_abbrevs.attributes);

	for (size_t i = 0; i < LOADED_MAX; i++)
		bytes += s->loaded[i].bytes;
	return bytes;
}

/* A free place for a unit; what was used longest ago makes room. */
static struct loaded *place_for(struct dwarf_source *s)
{
	struct loaded *oldest, *place;
	size_t bytes;

	for (;;) {
		oldest = place = NULL;
		bytes = 0;
		for (size_t i = 0; i < LOADED_MAX; i++) {
			struct loaded *l = &s->loaded[i];

			bytes += l->bytes;
			if (!l->unit)
				place = l;
			else if (!oldest || l->used < oldest->used)
				oldest = l;
		}
		if (place && (bytes <= LOADED_BYTES || !oldest))
			return place;
		unload(oldest);
	}
}

static char *read_directory(const struct dwarf_source *s, const struct loaded *l)
{
	const struct dwarf_unit *u = l->unit;
	_cleanup_(dwarf_span__done) struct dwarf_span span = { .size = 0 };
	struct dwarf_entry entry;
	struct cursor c;

	if (!dwarf_file__load(&s->file, DEBUG_INFO, u->first_entry,
			      MIN(u->end - u->first_entry, 65536), &span))
		return NULL;
	c = (struct cursor){ .at = span.bytes, .end = span.bytes + span.size };
	if (!dwarf_entry__read(u, &l->abbrevs, &c, &entry) || !(entry.has & 1u << SLOT_DIRECTORY))
		return NULL;
	return dwarf_value__string(&s->file, u, &entry.values[SLOT_DIRECTORY]);
}

static struct loaded *load(struct dwarf_source *s, const struct dwarf_unit *u)
{
	struct loaded *l = NULL;

	for (size_t i = 0; i < LOADED_MAX && !l; i++)
		if (s->loaded[i].unit == u)
			l = &s->loaded[i];
	if (!l) {
		l = place_for(s);
		l->unit = u;
		if (abbrevs__read(&s->file, u->abbrev_offset, 0, &l->abbrevs)) {
			dwarf_functions__read(&s->file, u, &l->abbrevs, &l->functions);
			l->directory = read_directory(s, l);
		}
		dwarf_lines__read(&s->file, u, &l->lines);
		l->bytes = l->abbrevs.n * sizeof(*l->abbrevs.items) +
			   l->abbrevs.n_attributes * sizeof(*l->abbrevs.attributes) +
			   l->functions.n * sizeof(*l->functions.items) + l->lines.table.size +
			   l->lines.n_rows * sizeof(*l->lines.rows) +
			   l->lines.n_sequences * sizeof(*l->lines.sequences);
	}
	l->used = ++s->uses;
	return l;
}

static const struct dwarf_unit *unit_at(const struct dwarf_source *s, uint64_t address)
{
	size_t low = 0, high = s->n_index;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->index[middle].low <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = low; i > 0 && low - i < 4; i--)
		if (address < s->index[i - 1].high)
			return &s->units[s->index[i - 1].unit];
	return NULL;
}

static const struct dwarf_unit *unit_of_entry(const struct dwarf_source *s, uint64_t offset)
{
	size_t low = 0, high = s->n_units;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (offset < s->units[middle].first_entry)
			high = middle;
		else if (offset >= s->units[middle].end)
			low = middle + 1;
		else
			return &s->units[middle];
	}
	return NULL;
}

/* The layouts of a unit; none, if they make no sense. */
static const struct abbrevs *abbrevs_of(struct dwarf_source *s, const struct loaded *l,
					const struct dwarf_unit *u)
{
	if (u == l->unit)
		return &l->abbrevs;
	if (u != s->origin) {
		abbrevs__done(&s->origin_abbrevs);
		s->origin = u;
		abbrevs__read(&s->file, u->abbrev_offset, 0, &s->origin_abbrevs);
	}
	return &s->origin_abbrevs;
}

/* Reads the entry at an offset. Its text, if any, is in *span. */
static bool read_entry(struct dwarf_source *s, const struct dwarf_unit *u, const struct loaded *l,
		       uint64_t offset, struct dwarf_span *span, struct dwarf_entry *ret)
{
	const struct abbrevs *abbrevs = abbrevs_of(s, l, u);
	bool ok = false;

	for (uint64_t size = 256; size <= 16384 && !ok; size *= 64) {
		struct cursor c;

		dwarf_span__done(span);
		if (!dwarf_file__load(&s->file, DEBUG_INFO, offset, MIN(size, u->end - offset),
				      span))
			break;
		c = (struct cursor){ .at = span->bytes, .end = span->bytes + span->size };
		ok = dwarf_entry__read(u, abbrevs, &c, ret) && ret->tag;
	}
	return ok;
}

/*
 * The name of the function that an entry is about: what the linker calls it, if that is said
 * anywhere on the way from this entry to its declaration.
 */
static char *function_name(struct dwarf_source *s, const struct loaded *l, uint64_t offset)
{
	char *name = NULL;

	for (int hops = 0; offset && hops < HOPS_MAX; hops++) {
		_cleanup_(dwarf_span__done) struct dwarf_span span = { .size = 0 };
		const struct dwarf_unit *u = unit_of_entry(s, offset);
		struct dwarf_entry entry;

		if (!u || !read_entry(s, u, l, offset, &span, &entry))
			break;
		if (entry.has & 1u << SLOT_LINKAGE_NAME) {
			free(name);
			return dwarf_value__string(&s->file, u, &entry.values[SLOT_LINKAGE_NAME]);
		}
		if (!name && entry.has & 1u << SLOT_NAME)
			name = dwarf_value__string(&s->file, u, &entry.values[SLOT_NAME]);
		offset = 0;
		if (entry.has & 1u << SLOT_ORIGIN) {
			const struct dwarf_value *v = &entry.values[SLOT_ORIGIN];

			if (v->kind == VALUE_UNIT_ENTRY)
				offset = u->offset + v->number;
			else if (v->kind == VALUE_ENTRY)
				offset = v->number;
		}
	}
	return name;
}

static void add_frame(struct source_code *code, char *function, char *file, uint64_t line)
{
	code->frames[code->n++] = (struct source_frame){
		.function = function,
		.file = file,
		.line = file && line <= INT_MAX ? line : 0,
	};
}

/*
 * Levels and the row of an address -> frames. Each level stands where the level inside of it was
 * called. One without a name is left out, with the place in it.
 */
static void make_frames(struct dwarf_source *s, const struct loaded *l, uint64_t address,
			struct source_code *code)
{
	const struct dwarf_function *f = dwarf_functions__find(&l->functions, address);
	const struct line_row *row = dwarf_lines__find(&l->lines, address);
	uint64_t file = row ? row->file : 0, line = row ? row->line : 0;
	struct dwarf_inlined levels[SOURCE_DEPTH];
	size_t n = 0;
	bool known = row != NULL;

	if (f)
		n = dwarf_function__levels(&s->file, l->unit, &l->abbrevs, f, address, levels,
					   SOURCE_DEPTH);
	for (size_t i = n; i > 0 || code->n == 0; i--) {
		char *name = i > 0 ? function_name(s, l, levels[i - 1].origin) : NULL;

		if (name || i <= 1)
			add_frame(code, name,
				  known ? dwarf_lines__file(&s->file, l->unit, &l->lines, file,
							    l->directory)
					: NULL,
				  line);
		if (i <= 1)
			break;
		file = levels[i - 1].call_file;
		line = levels[i - 1].call_line;
		known = line != 0;
	}
}

int dwarf_source__at(struct dwarf_source *s, int fd, uint64_t deadline_ns, uint64_t address,
		     struct source_code *ret)
{
	const struct dwarf_unit *unit = unit_at(s, address);
	struct source_code code = { .n = 0 };
	struct loaded *l;

	if (!unit)
		return -ENOENT;
	s->file.fd = fd;
	s->file.deadline_ns = deadline_ns;
	l = load(s, unit);
	make_frames(s, l, address, &code);
	if (dwarf_file__too_late(&s->file)) {
		/* What was read may be a part only. */
		unload(l);
		s->origin = NULL;
		source_code__done(&code);
		return -ETIMEDOUT;
	}
	*ret = code;
	return 0;
}

void source_code__done(struct source_code *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->frames[i].function);
		free(c->frames[i].file);
	}
	c->n = 0;
}

char *dwarf_source__member(struct dwarf_source *s, int fd, uint64_t deadline_ns, uint64_t address,
			   uint64_t offset)
{
	const struct dwarf_variable *variable;

	s->file.fd = fd;
	s->file.deadline_ns = deadline_ns;
	if (!dwarf_variables__read(&s->variables, &s->file, s->units, s->n_units))
		return NULL;
	variable = dwarf_variables__find(&s->variables, address);
	if (!variable)
		return NULL;
	return dwarf_members__path(&s->file, &s->units[variable->unit], variable->entry, offset);
}
