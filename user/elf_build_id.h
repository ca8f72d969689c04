/* SPDX-License-Identifier: GPL-2.0-only */
/* The build id of an ELF file: what its linker made of its contents, to find it again by. */
#ifndef ELF_BUILD_ID_H
#define ELF_BUILD_ID_H

#include <libelf.h>
#include <stddef.h>

#define BUILD_ID_BYTES 64 /* longer ones are not taken for one; 20 and 16 are usual */
#define BUILD_ID_TEXT  (2 * BUILD_ID_BYTES + 1)

struct build_id {
	unsigned char bytes[BUILD_ID_BYTES];
	size_t n; /* 0: it has none */
};

/* Of a file, or of the debug file that was taken from it. Notes may be anything. */
void elf_build_id__read(Elf *elf, struct build_id *ret);

/* In hex; "" if there is none. */
void elf_build_id__text(const struct build_id *id, char ret[BUILD_ID_TEXT]);

#endif
