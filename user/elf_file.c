// SPDX-License-Identifier: GPL-2.0-only
#include "elf_file.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "arch.h"
#include "util.h"

#define SEGMENTS_MAX 1024

Elf_Data *elf_file__section(Elf_Scn *scn, size_t max)
{
	GElf_Shdr shdr;
	Elf_Data *data;

	if (!gelf_getshdr(scn, &shdr) || shdr.sh_type == SHT_NOBITS ||
	    (shdr.sh_flags & SHF_COMPRESSED) || shdr.sh_size == 0 || shdr.sh_size > max)
		return NULL;
	/* libelf itself checks that it lies inside the file. */
	data = elf_rawdata(scn, NULL);
	return data && data->d_buf && data->d_size == shdr.sh_size ? data : NULL;
}

static bool usable(Elf *elf, int *machine)
{
	GElf_Ehdr ehdr;
	const struct arch *arch;

	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &ehdr))
		return false;
	arch = arch__of_machine(ehdr.e_machine);
	if (!arch || ehdr.e_ident[EI_CLASS] != (arch->word == 8 ? ELFCLASS64 : ELFCLASS32) ||
	    ehdr.e_ident[EI_DATA] != ARCH_ELFDATA)
		return false;
	*machine = ehdr.e_machine;
	return ehdr.e_type == ET_EXEC || ehdr.e_type == ET_DYN;
}

static bool read_segments(struct elf_file *f, Elf *elf)
{
	size_t n, capacity = 0;

	if (elf_getphdrnum(elf, &n) != 0 || n > SEGMENTS_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		GElf_Phdr phdr;

		if (!gelf_getphdr(elf, i, &phdr))
			return false;
		if (phdr.p_type != PT_LOAD || phdr.p_filesz == 0 ||
		    phdr.p_offset + phdr.p_filesz < phdr.p_offset)
			continue;
		array__grow(f->segments, f->n_segments, capacity);
		f->segments[f->n_segments++] = (struct segment){
			.offset = phdr.p_offset,
			.vaddr = phdr.p_vaddr,
			.file_size = phdr.p_filesz,
			.mem_size = phdr.p_memsz,
			.exec = phdr.p_flags & PF_X,
		};
	}
	return f->n_segments > 0;
}

/*
 * Symbols are copied, so their handle is closed again and gives back its buffers; the handle of
 * the frame tables stays.
 */
static struct elf_file *read_file(Elf *(*open_elf)(void *from), void *from)
{
	static uint64_t last_id;
	struct elf_file *f = xcalloc(1, sizeof(*f));
	Elf *elf = open_elf(from);

	if (!elf || !usable(elf, &f->machine) || !read_segments(f, elf)) {
		elf_end(elf);
		elf_file__free(f);
		return NULL;
	}
	f->id = ++last_id;
	f->bytes = sizeof(*f) + f->n_segments * sizeof(*f->segments);
	elf_symbols__read(f, elf);
	elf_end(elf);
	elf = open_elf(from);
	if (elf)
		elf_cfi__read(f, elf);
	return f;
}

static Elf *open_fd(void *from)
{
	return elf_begin(*(int *)from, ELF_C_READ, NULL);
}

struct elf_file *elf_file__read(int fd)
{
	struct elf_file *f;
	struct stat st;

	elf_version(EV_CURRENT);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return NULL;
	f = read_file(open_fd, &fd);
	/* All that is needed was read: the caller may close fd. */
	if (f && f->elf)
		elf_cntl(f->elf, ELF_C_FDDONE);
	return f;
}

struct image {
	char *bytes;
	size_t size;
};

static Elf *open_image(void *from)
{
	struct image *image = from;

	return elf_memory(image->bytes, image->size);
}

struct elf_file *elf_file__image(char *bytes, size_t size)
{
	struct image image = { .bytes = bytes, .size = size };
	struct elf_file *f;

	elf_version(EV_CURRENT);
	f = read_file(open_image, &image);
	if (!f) {
		free(bytes);
		return NULL;
	}
	f->image = bytes;
	f->bytes += size;
	return f;
}

void elf_file__free(struct elf_file *f)
{
	if (!f)
		return;
	if (f->eh_cfi)
		dwarf_cfi_end(f->eh_cfi);
	elf_end(f->elf);
	if (f->dwarf)
		dwarf_end(f->dwarf);
	elf_end(f->debug_elf);
	free(f->debug_image);
	free(f->image);
	free(f->names[0]);
	free(f->names[1]);
	free(f->functions.items);
	free(f->objects.items);
	free(f->segments);
	free(f);
}

bool elf_file__vaddr(const struct elf_file *f, const struct mapping *m, uint64_t address,
		     uint64_t *ret)
{
	uint64_t offset = address - m->start + m->offset;
	const struct segment *found = NULL;

	if (address < m->start || address >= m->end)
		return false;
	for (size_t i = 0; i < f->n_segments && !found; i++) {
		const struct segment *s = &f->segments[i];

		if (s->exec == m->exec && offset >= s->offset && offset - s->offset < s->file_size)
			found = s;
	}
	/* Whole pages are mapped: a segment's neighbours in the file are in its mapping too. */
	for (size_t i = 0; i < f->n_segments && !found; i++) {
		const struct segment *s = &f->segments[i];
		uint64_t begin = s->offset & ~(uint64_t)(ARCH_PAGE - 1);
		uint64_t size = (s->offset - begin + s->file_size + ARCH_PAGE - 1) &
				~(uint64_t)(ARCH_PAGE - 1);

		if (offset >= begin && offset - begin < size)
			found = s;
	}
	if (!found)
		return false;
	*ret = offset - found->offset + found->vaddr;
	return true;
}

const struct symbol *elf_file__symbol(const struct elf_file *f, uint64_t vaddr, bool data)
{
	const struct symbol_array *a = data ? &f->objects : &f->functions;
	size_t low = 0, high = a->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (a->items[middle].address <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	/* A small symbol can lie inside of a large one: look at a few before. */
	for (size_t i = low; i > 0 && low - i < 8; i--) {
		const struct symbol *s = &a->items[i - 1];

		if (vaddr - s->address < s->size)
			return s;
	}
	return NULL;
}

int elf_file__machine(const struct elf_file *f)
{
	return f->machine;
}

uint64_t elf_file__id(const struct elf_file *f)
{
	return f->id;
}

Dwarf_CFI *elf_file__eh_cfi(struct elf_file *f)
{
	return f->eh_cfi;
}

Dwarf_CFI *elf_file__debug_cfi(struct elf_file *f)
{
	return f->debug_cfi;
}
