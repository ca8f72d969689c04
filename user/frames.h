/* SPDX-License-Identifier: GPL-2.0-only */
/* Call frame rules by address, remembered: a warm unwind parses no tables. */
#ifndef FRAMES_H
#define FRAMES_H

#include "symbols.h"

struct frames; /* bounded; rows of files that are gone are never found again */

struct frame_rules {
	Dwarf_Frame *frame; /* NULL: the file has no rules for this address */
	bool signal;	    /* what called this frame was interrupted, not a call */
};

struct frames *frames__new(void);
void frames__free(struct frames *f);

/* Valid until the next call. */
const struct frame_rules *frames__at(struct frames *f, struct elf_file *file, uint64_t vaddr);

#endif
