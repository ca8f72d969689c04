// SPDX-License-Identifier: GPL-2.0-only
/* Line number programs: DWARF 2 to 5, chapter 6.2. They are small programs, foreign ones at that.
 */
#include "dwarf_lines.h"

#include <dwarf.h>
#include <stdlib.h>

#include "util.h"

#define TABLE_BYTES ((uint64_t)32 << 20)
#define ROWS_MAX    (1u << 20)

struct program {
	struct cursor code;
	const uint8_t *lengths; /* operands of the standard operations */
	uint8_t unit_bytes;	/* of an instruction */
	uint8_t max_operations;
	int8_t line_base;
	uint8_t line_range, operation_base;
};

struct machine {
	struct line_row row;
	uint32_t operation; /* in a bundle of instructions */
	bool dead;	    /* code that the linker left out, or addresses that go back */
};

struct builder {
	struct dwarf_lines *lines;
	size_t rows_room, sequences_room;
	size_t first; /* row of the sequence that is being read */
};

static bool read_header(struct dwarf_lines *l, struct program *p)
{
	struct cursor c = { .at = l->table.bytes, .end = l->table.bytes + l->table.size };
	uint64_t header;

	cursor__skip(&c, l->offset_size == 8 ? 12 : 4);
	l->version = cursor__fixed(&c, 2);
	if (l->version < 2 || l->version > 5)
		return false;
	if (l->version >= 5) {
		l->address_size = cursor__fixed(&c, 1);
		cursor__skip(&c, 1);
	}
	header = cursor__fixed(&c, l->offset_size);
	if (c.bad || header > (uint64_t)(c.end - c.at))
		return false;
	p->code = (struct cursor){ .at = c.at + header, .end = c.end };
	p->unit_bytes = cursor__fixed(&c, 1);
	p->max_operations = l->version >= 4 ? cursor__fixed(&c, 1) : 1;
	cursor__skip(&c, 1);
	p->line_base = cursor__fixed(&c, 1);
	p->line_range = cursor__fixed(&c, 1);
	p->operation_base = cursor__fixed(&c, 1);
	p->lengths = c.at;
	cursor__skip(&c, p->operation_base ? p->operation_base - 1 : 0);
	l->names = c.at - l->table.bytes;
	/* Names are looked for up to the program: it must not begin before them. */
	return !c.bad && c.at <= p->code.at && p->line_range && p->max_operations &&
	       p->operation_base;
}

static void begin_sequence(struct builder *b, struct machine *m)
{
	*m = (struct machine){ .row = { .file = 1, .line = 1 } };
	b->first = b->lines->n_rows;
}

static bool add_row(struct builder *b, struct machine *m)
{
	struct dwarf_lines *l = b->lines;

	if (l->n_rows >= ROWS_MAX)
		return false;
	if (l->n_rows > b->first && l->rows[l->n_rows - 1].address > m->row.address)
		m->dead = true;
	array__grow(l->rows, l->n_rows, b->rows_room);
	l->rows[l->n_rows++] = m->row;
	return true;
}

static bool end_sequence(struct builder *b, struct machine *m)
{
	struct dwarf_lines *l = b->lines;

	if (!add_row(b, m))
		return false;
	if (m->dead || l->rows[b->first].address == 0) {
		l->n_rows = b->first;
	} else {
		array__grow(l->sequences, l->n_sequences, b->sequences_room);
		l->sequences[l->n_sequences++] = (struct line_sequence){
			.start = l->rows[b->first].address,
			.end = m->row.address,
			.first = b->first,
			.n = l->n_rows - b->first,
		};
	}
	begin_sequence(b, m);
	return true;
}

static void advance(const struct program *p, struct machine *m, uint64_t operations)
{
	uint64_t operation = m->operation + operations;

	m->row.address += p->unit_bytes * (operation / p->max_operations);
	m->operation = operation % p->max_operations;
}

static bool extended(struct program *p, struct builder *b, struct machine *m)
{
	uint64_t length = cursor__uleb(&p->code);
	struct cursor c = p->code;

	cursor__skip(&p->code, length);
	if (p->code.bad)
		return false;
	c.end = p->code.at;
	if (length == 0)
		return true;
	switch (cursor__fixed(&c, 1)) {
	case DW_LNE_end_sequence:
		return end_sequence(b, m);
	case DW_LNE_set_address:
		m->row.address = cursor__fixed(&c, MIN(length - 1, 8));
		m->operation = 0;
		break;
	default: /* files defined late, discriminators, what others made up */
		break;
	}
	return true;
}

static bool standard(struct program *p, struct builder *b, struct machine *m, uint8_t operation)
{
	struct cursor *c = &p->code;

	switch (operation) {
	case DW_LNS_copy:
		return add_row(b, m);
	case DW_LNS_advance_pc:
		advance(p, m, cursor__uleb(c));
		break;
	case DW_LNS_advance_line:
		m->row.line += cursor__sleb(c);
		break;
	case DW_LNS_set_file:
		m->row.file = cursor__uleb(c);
		break;
	case DW_LNS_const_add_pc:
		advance(p, m, (255 - p->operation_base) / p->line_range);
		break;
	case DW_LNS_fixed_advance_pc:
		m->row.address += cursor__fixed(c, 2);
		m->operation = 0;
		break;
	default: /* of no interest, but it says how many operands it has */
		for (int i = p->lengths[operation - 1]; i > 0; i--)
			cursor__uleb(c);
		break;
	}
	return !c->bad;
}

static bool step(struct program *p, struct builder *b, struct machine *m)
{
	uint8_t operation = cursor__fixed(&p->code, 1);

	if (operation >= p->operation_base) {
		operation -= p->operation_base;
		advance(p, m, operation / p->line_range);
		m->row.line += p->line_base + operation % p->line_range;
		return add_row(b, m);
	}
	return operation ? standard(p, b, m, operation) : extended(p, b, m);
}

static int by_start(const void *a, const void *b)
{
	const struct line_sequence *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* All rows there are before the program ends, or stops making sense. */
static void run(struct dwarf_lines *l, struct program *p)
{
	struct builder b = { .lines = l };
	struct machine m;

	begin_sequence(&b, &m);
	while (p->code.at < p->code.end && step(p, &b, &m))
		;
	if (l->n_sequences > 0)
		qsort(l->sequences, l->n_sequences, sizeof(*l->sequences), by_start);
	l->rows = xrealloc(l->rows, l->n_rows, sizeof(*l->rows));
	l->sequences = xrealloc(l->sequences, l->n_sequences, sizeof(*l->sequences));
}

bool dwarf_lines__read(const struct dwarf_file *f, const struct dwarf_unit *u,
		       struct dwarf_lines *ret)
{
	struct dwarf_lines l = { .offset_size = 4, .address_size = u->address_size };
	struct program p;
	uint64_t length;
	size_t header;

	if (!u->has_lines || !dwarf_file__number(f, DEBUG_LINE, u->lines, 4, &length))
		return false;
	if (length == UINT32_MAX) {
		l.offset_size = 8;
		if (!dwarf_file__number(f, DEBUG_LINE, u->lines + 4, 8, &length))
			return false;
	}
	if (length > TABLE_BYTES ||
	    !dwarf_file__load(f, DEBUG_LINE, u->lines, length + (l.offset_size == 8 ? 12 : 4),
			      &l.table))
		return false;
	if (!read_header(&l, &p)) {
		dwarf_span__done(&l.table);
		return false;
	}
	header = p.code.at - l.table.bytes;
	run(&l, &p);
	/* Of the bytes, only the names are needed from here on. */
	if (l.table.owned)
		l.table.bytes = l.table.owned = xrealloc(l.table.owned, header, 1);
	l.table.size = header;
	*ret = l;
	return true;
}

void dwarf_lines__done(struct dwarf_lines *l)
{
	dwarf_span__done(&l->table);
	free(l->rows);
	free(l->sequences);
	*l = (struct dwarf_lines){ .n_rows = 0 };
}

const struct line_row *dwarf_lines__find(const struct dwarf_lines *l, uint64_t address)
{
	const struct line_sequence *s = NULL;
	size_t low = 0, high = l->n_sequences;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (l->sequences[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	s = low > 0 ? &l->sequences[low - 1] : NULL;
	if (!s || address >= s->end)
		return NULL;
	/* The last of the rows at or before it: later ones of one address refine it. */
	for (low = s->first, high = s->first + s->n; low < high;) {
		size_t middle = low + (high - low) / 2;

		if (l->rows[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return &l->rows[low - 1];
}
