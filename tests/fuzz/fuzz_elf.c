// SPDX-License-Identifier: GPL-2.0-only
/*
 * ELF files: the bytes are taken as an image in memory and as a file. Both must be judged alike,
 * symbols must keep the order that look-ups rest on, and call frame tables that were accepted must
 * be safe to use.
 */
#include <sys/mman.h>

#include "../../user/elf_file.h"
#include "../../user/frames.h"
#include "fuzz.h"

#define SYMBOLS_LOOKED_UP 512
#define RULES_LOOKED_UP	  64

static void check_symbols(const struct elf_file *f, const struct symbol_array *a, bool data)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct symbol *s = &a->items[i];

		PROMISE(i == 0 || a->items[i - 1].address < s->address);
		PROMISE(s->name && s->name[0]);
		if (i >= SYMBOLS_LOOKED_UP)
			continue;
		PROMISE(strlen(s->name) > 0);
		for (int at = -1; at <= 1; at++) {
			uint64_t vaddr = s->address + at;
			const struct symbol *found = elf_file__symbol(f, vaddr, data);

			PROMISE(!found || vaddr - found->address < found->size);
		}
	}
}

static void use_rules(struct frames *frames, struct elf_file *f, uint64_t vaddr)
{
	const struct frame_rules *rules = frames__at(frames, f, vaddr);
	Dwarf_Op memory[3], *ops;
	size_t n;

	if (!rules->frame)
		return;
	dwarf_frame_cfa(rules->frame, &ops, &n);
	for (int i = 0; i < 17; i++)
		dwarf_frame_register(rules->frame, i, memory, &ops, &n);
}

static void use(struct elf_file *f, struct frames *frames)
{
	struct mapping m = { .start = 0x10000, .end = 0x20000, .path = "/x" };
	const char *id = elf_file__build_id(f);
	uint64_t vaddr;

	PROMISE(!id || (strlen(id) % 2 == 0 && strlen(id) - 1 < BUILD_ID_TEXT - 1));
	check_symbols(f, &f->functions, false);
	check_symbols(f, &f->objects, true);
	for (size_t i = 0; i < f->functions.n && i < RULES_LOOKED_UP; i++)
		use_rules(frames, f, f->functions.items[i].address);
	for (size_t i = 0; i < f->n_segments && i < RULES_LOOKED_UP; i++) {
		use_rules(frames, f, f->segments[i].vaddr);
		m.offset = f->segments[i].offset;
		m.exec = f->segments[i].exec;
		elf_file__vaddr(f, &m, m.start, &vaddr);
		elf_file__vaddr(f, &m, m.end - 1, &vaddr);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_file *image, *file;
	struct frames *frames;
	char *copy = malloc(size + !size);
	int fd;

	if (!copy)
		return -1;
	if (size)
		memcpy(copy, data, size);
	frames = frames__new();
	image = elf_file__image(copy, size);
	fd = memfd_create("elf", MFD_CLOEXEC);
	PROMISE(fd >= 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	file = elf_file__read(fd, NULL);
	close(fd);
	PROMISE(!image == !file);
	if (image) {
		PROMISE(image->functions.n == file->functions.n);
		PROMISE(image->objects.n == file->objects.n);
		PROMISE(image->id != file->id);
		use(image, frames);
		use(file, frames);
	}
	frames__free(frames);
	elf_file__free(image);
	elf_file__free(file);
	return 0;
}
