// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tables of a code object: which line an instruction stands on, which handlers it is under.
 * Their forms are described in CPython's Objects/lnotab_notes.txt, Objects/locations.md and
 * Objects/exception_handling_notes.txt. Written by whatever made the code: nothing is trusted.
 */
#include "python_code.h"

#include <limits.h>

#define UNIT 2 /* bytes of an instruction */

struct cursor {
	const uint8_t *at, *end;
};

static bool next_pair(struct cursor *c, int *first, int *second)
{
	if (c->end - c->at < 2)
		return false;
	*first = c->at[0];
	*second = (int8_t)c->at[1];
	c->at += 2;
	return true;
}

static int checked(int64_t line)
{
	return line > 0 && line <= INT_MAX ? line : 0;
}

/* 3.8, 3.9: how far the address and the line go on. */
static int by_increments(struct cursor c, int64_t first_line, int64_t instruction)
{
	int64_t line = first_line, address = 0;
	int bytes, lines;

	while (next_pair(&c, &bytes, &lines)) {
		address += bytes;
		if (address > instruction)
			break;
		line += lines;
	}
	return checked(line);
}

/* 3.10: lengths of ranges, and where their line is from the one before; -128: they have none. */
static int by_ranges(struct cursor c, int64_t first_line, int64_t instruction)
{
	int64_t line = first_line, end = 0;
	int bytes, lines;

	while (next_pair(&c, &bytes, &lines)) {
		end += bytes;
		if (lines != -128)
			line += lines;
		if (end > instruction)
			return lines == -128 ? 0 : checked(line);
	}
	return 0;
}

/* Six bits a byte, the lowest first. */
static uint32_t location_number(struct cursor *c)
{
	uint32_t value = 0;

	for (int shift = 0; c->at < c->end && shift < 32; shift += 6) {
		uint8_t byte = *c->at++;

		value |= (uint32_t)(byte & 0x3f) << shift;
		if (!(byte & 0x40))
			break;
	}
	return value;
}

static int64_t location_signed(struct cursor *c)
{
	uint32_t value = location_number(c);

	return value & 1 ? -(int64_t)(value >> 1) : (int64_t)(value >> 1);
}

/* What the second to fifth bit of an entry's first byte say of its line. */
enum { ONE_LINE_0 = 10, ONE_LINE_2 = 12, NO_COLUMNS = 13, LONG = 14, NO_LINE = 15 };

/* 3.11 on: the same with columns; only first bytes of entries have the highest bit set. */
static int by_locations(struct cursor c, int64_t first_line, int64_t instruction)
{
	int64_t line = first_line, end = 0;

	while (c.at < c.end) {
		uint8_t first = *c.at++;
		int form = first >> 3 & 15;

		end += ((first & 7) + 1) * UNIT;
		if (form >= ONE_LINE_0 && form <= ONE_LINE_2)
			line += form - ONE_LINE_0;
		else if (form == NO_COLUMNS || form == LONG)
			line += location_signed(&c);
		if (end > instruction)
			return form == NO_LINE ? 0 : checked(line);
		while (c.at < c.end && !(*c.at & 0x80))
			c.at++;
	}
	return 0;
}

int python_code__line(const struct python_layout *layout, const struct python_code *code,
		      int64_t instruction)
{
	struct cursor c = { code->lines, NULL };

	if (!code->lines)
		return 0;
	c.end = code->lines + code->lines_size;
	if (instruction < 0)
		return checked(code->first_line);
	if (layout->minor >= 11)
		return by_locations(c, code->first_line, instruction);
	if (layout->minor == 10)
		return by_ranges(c, code->first_line, instruction);
	return by_increments(c, code->first_line, instruction);
}

/* Six bits a byte, the highest first. */
static uint64_t handler_number(struct cursor *c)
{
	uint64_t value = 0;

	for (int i = 0; c->at < c->end && i < 6; i++) {
		uint8_t byte = *c->at++;

		value = value << 6 | (byte & 0x3f);
		if (!(byte & 0x40))
			break;
	}
	return value;
}

struct handler {
	uint64_t target; /* in instructions */
	int depth;
};

static bool find_handler(struct cursor c, uint64_t instruction, struct handler *ret)
{
	while (c.at < c.end) {
		uint64_t start = handler_number(&c), size = handler_number(&c);
		uint64_t target = handler_number(&c), depth = handler_number(&c) >> 1;

		if (start > instruction)
			break;
		if (instruction - start < size && depth <= INT_MAX) {
			*ret = (struct handler){ target, depth };
			return true;
		}
	}
	return false;
}

/* A handler is guarded itself, by one that puts the exception before it back and expects what the
 * outer handler pushed: nothing of that is there before it runs. */
size_t python_code__handlers(const struct python_code *code, int64_t instruction, int *depths,
			     size_t max)
{
	struct cursor c = { code->exceptions, NULL };
	uint64_t at = instruction / UNIT;
	struct handler h;
	size_t n = 0;

	if (instruction < 0 || !code->exceptions)
		return 0;
	c.end = code->exceptions + code->exceptions_size;
	for (size_t steps = 0; n < max && steps < 4 * max + 16 && find_handler(c, at, &h);
	     steps++, at = h.target)
		if (!n || h.depth < depths[n - 1])
			depths[n++] = h.depth;
	return n;
}
