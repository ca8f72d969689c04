/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The debug sections of one file, read piece by piece as they are needed: they can be gigabytes,
 * and were written by whoever made the file. Nothing of the file stays open or mapped.
 */
#ifndef DWARF_FILE_H
#define DWARF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dwarf_section {
	DEBUG_INFO,
	DEBUG_ABBREV,
	DEBUG_LINE,
	DEBUG_STR,
	DEBUG_LINE_STR,
	DEBUG_STR_OFFSETS,
	DEBUG_ADDR,
	DEBUG_RANGES,
	DEBUG_RNGLISTS,
	DWARF_SECTIONS
};

struct dwarf_file {
	int fd;		      /* the caller's; open while anything is read */
	uint64_t deadline_ns; /* nothing is read any more from then on */
	struct {
		uint64_t offset, size;
		uint8_t *unpacked; /* of a compressed section; NULL: read from the file */
	} sections[DWARF_SECTIONS];
	size_t bytes; /* memory it takes, about */
};

/* 0 or -errno. */
int dwarf_file__init(struct dwarf_file *f, int fd);
bool dwarf_file__too_late(const struct dwarf_file *f);
void dwarf_file__done(struct dwarf_file *f);

/* Some bytes of a section. */
struct dwarf_span {
	const uint8_t *bytes;
	size_t size;
	uint8_t *owned;
};

/* size bytes at offset. False if they are not all there, or more than anything sound takes. */
bool dwarf_file__load(const struct dwarf_file *f, enum dwarf_section section, uint64_t offset,
		      uint64_t size, struct dwarf_span *ret);
/* The same of at most size bytes, fewer at the section's end. False if there are none. */
bool dwarf_file__load_some(const struct dwarf_file *f, enum dwarf_section section, uint64_t offset,
			   uint64_t size, struct dwarf_span *ret);
void dwarf_span__done(struct dwarf_span *s); /* for _cleanup_ */

/* A string of a section, from malloc. NULL if there is none, or no end of it. */
char *dwarf_file__string(const struct dwarf_file *f, enum dwarf_section section, uint64_t offset);
/* A number of size bytes (1 to 8). */
bool dwarf_file__number(const struct dwarf_file *f, enum dwarf_section section, uint64_t offset,
			unsigned int size, uint64_t *ret);

/* Reads forward. What is not there reads as 0, and `bad` stays set. */
struct cursor {
	const uint8_t *at, *end;
	bool bad;
};

uint64_t cursor__fixed(struct cursor *c, unsigned int size);
uint64_t cursor__uleb(struct cursor *c);
int64_t cursor__sleb(struct cursor *c);
void cursor__skip(struct cursor *c, uint64_t n);
const char *cursor__string(struct cursor *c); /* NULL if it has no end */

#endif
