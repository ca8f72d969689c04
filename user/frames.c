// SPDX-License-Identifier: GPL-2.0-only
#include "frames.h"

#include <stdlib.h>

#include "util.h"

/* About 500 bytes each. */
#define SETS_BITS 10
#define WAYS	  4

struct row {
	uint64_t file; /* 0: empty */
	uint64_t vaddr;
	struct frame_rules rules;
};

struct frames {
	struct row rows[1 << SETS_BITS][WAYS]; /* the latest first */
};

struct frames *frames__new(void)
{
	return xcalloc(1, sizeof(struct frames));
}

void frames__free(struct frames *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(f->rows); i++) {
		for (size_t j = 0; j < WAYS; j++)
			free(f->rows[i][j].rules.frame);
	}
	free(f);
}

static void look_up(struct elf_file *file, uint64_t vaddr, struct frame_rules *ret)
{
	Dwarf_CFI *tables[] = { elf_file__eh_cfi(file), elf_file__debug_cfi(file) };

	for (size_t i = 0; i < ARRAY_SIZE(tables) && !ret->frame; i++) {
		Dwarf_Addr start, end;
		Dwarf_Frame *frame;

		if (!tables[i] || dwarf_cfi_addrframe(tables[i], vaddr, &frame) != 0)
			continue;
		if (dwarf_frame_info(frame, &start, &end, &ret->signal) < 0)
			free(frame);
		else
			ret->frame = frame;
	}
}

const struct frame_rules *frames__at(struct frames *f, struct elf_file *file, uint64_t vaddr)
{
	uint64_t id = elf_file__id(file);
	uint64_t hash = (vaddr ^ id << 40) * 0x9e3779b97f4a7c15ULL;
	struct row *set = f->rows[hash >> (64 - SETS_BITS)], row = { .file = id, .vaddr = vaddr };
	size_t i;

	for (i = 0; i < WAYS; i++) {
		if (set[i].file == id && set[i].vaddr == vaddr)
			return &set[i].rules;
	}
	look_up(file, vaddr, &row.rules);
	free(set[WAYS - 1].rules.frame);
	for (i = WAYS - 1; i > 0; i--)
		set[i] = set[i - 1];
	set[0] = row;
	return &set[0].rules;
}
