/* SPDX-License-Identifier: GPL-2.0-only */
/* Addresses of a file -> the functions they are in, inlined ones too, with file and line; and the
 * members of variables. */
#ifndef DWARF_SOURCE_H
#define DWARF_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SOURCE_DEPTH 32

struct source_frame {
	char *function; /* as the linker knows it, else as in the source; NULL: unknown */
	char *file;	/* NULL: unknown */
	int line;	/* 0: unknown */
};

/* Innermost first: inlined functions, then the one that the code stands in. Strings from malloc. */
struct source_code {
	struct source_frame frames[SOURCE_DEPTH];
	size_t n;
};

struct dwarf_source;

/* NULL if there is no DWARF. fd stays the caller's. */
struct dwarf_source *dwarf_source__new(int fd, uint64_t deadline_ns);
void dwarf_source__free(struct dwarf_source *s);
size_t dwarf_source__bytes(const struct dwarf_source *s); /* memory it takes, about */

/*
 * 0, -ENOENT if nothing is known of the address, -ETIMEDOUT if there was no time to find out. fd:
 * the same file as before. *ret is for source_code__done().
 */
int dwarf_source__at(struct dwarf_source *s, int fd, uint64_t deadline_ns, uint64_t address,
		     struct source_code *ret);
void source_code__done(struct source_code *c);

/*
 * What stands at an offset in the static variable that begins at an address: ".clients_lock",
 * "[3].lock", ".words+0x4"; from malloc. NULL if nothing better than the offset is known, or not in
 * time.
 */
char *dwarf_source__member(struct dwarf_source *s, int fd, uint64_t deadline_ns, uint64_t address,
			   uint64_t offset);

#endif
