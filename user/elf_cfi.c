// SPDX-License-Identifier: GPL-2.0-only
/* Call frame tables of a file: .eh_frame, and .debug_frame where there is one. */
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "cfi_check.h"
#include "elf_file.h"
#include "util.h"

#define FRAME_BYTES ((size_t)64 << 20)
#define NAMES_BYTES ((size_t)4 << 20)

struct section {
	const char *name;
	Elf_Scn *scn;
	GElf_Shdr shdr;
	unsigned int n; /* how many have this name */
};

enum { EH_FRAME, EH_FRAME_HDR, DEBUG_FRAME, SECTIONS };

static bool find_sections(Elf *elf, struct section *sections)
{
	Elf_Scn *scn = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf, &names) != 0 || names == 0 || !elf_getscn(elf, names) ||
	    !elf_file__section(elf_getscn(elf, names), NAMES_BYTES))
		return false;
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr shdr;
		const char *name =
			gelf_getshdr(scn, &shdr) ? elf_strptr(elf, names, shdr.sh_name) : NULL;

		for (int i = 0; name && i < SECTIONS; i++) {
			if (strcmp(name, sections[i].name) != 0)
				continue;
			sections[i].scn = scn;
			sections[i].shdr = shdr;
			sections[i].n++;
		}
	}
	return true;
}

/* The handle must stay open for the tables; true if they could be had. */
static bool read_eh_frame(struct elf_file *f, Elf *elf, const struct section *sections)
{
	const struct section *frame = &sections[EH_FRAME], *header = &sections[EH_FRAME_HDR];
	struct cfi_table table = {
		.e_ident = (const unsigned char *)elf_getident(elf, NULL),
		.address = frame->shdr.sh_addr,
		.header_address = header->shdr.sh_addr,
		.eh = true,
	};

	/* With two of a name it is libdw that chooses, so what was checked may not be what is used.
	 */
	if (!table.e_ident || frame->n != 1 || header->n > 1)
		return false;
	table.data = elf_file__section(frame->scn, FRAME_BYTES);
	if (!table.data)
		return false;
	if (header->n == 1) {
		table.header = elf_file__section(header->scn, FRAME_BYTES);
		if (!table.header)
			return false;
	}
	if (!cfi_table__sound(&table))
		return false;
	/* The buffers of elf_rawdata are kept: libdw uses the very bytes that were checked. */
	f->eh_cfi = dwarf_getcfi_elf(elf);
	f->bytes += table.data->d_size + (table.header ? table.header->d_size : 0);
	return f->eh_cfi != NULL;
}

/*
 * An ELF file with one section. libdw would read all debug sections of the real one, which can be
 * gigabytes.
 */
static char *debug_image(const struct elf_file *f, const Elf_Data *data, size_t *size)
{
	static const char names[] = "\0.debug_frame\0.shstrtab";
	Elf64_Ehdr ehdr = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_DYN,
		.e_machine = f->machine,
		.e_version = EV_CURRENT,
		.e_ehsize = sizeof(ehdr),
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = 3,
		.e_shstrndx = 2,
	};
	Elf64_Shdr shdrs[3] = {
		[1] = { .sh_name = 1, .sh_type = SHT_PROGBITS, .sh_addralign = 1 },
		[2] = { .sh_name = 14, .sh_type = SHT_STRTAB, .sh_addralign = 1 },
	};
	char *image;

	shdrs[1].sh_offset = sizeof(ehdr) + sizeof(shdrs);
	shdrs[1].sh_size = data->d_size;
	shdrs[2].sh_offset = shdrs[1].sh_offset + data->d_size;
	shdrs[2].sh_size = sizeof(names);
	ehdr.e_shoff = sizeof(ehdr);
	*size = shdrs[2].sh_offset + sizeof(names);
	image = xcalloc(1, *size);
	memcpy(image, &ehdr, sizeof(ehdr));
	memcpy(image + sizeof(ehdr), shdrs, sizeof(shdrs));
	memcpy(image + shdrs[1].sh_offset, data->d_buf, data->d_size);
	memcpy(image + shdrs[2].sh_offset, names, sizeof(names));
	return image;
}

static void read_debug_frame(struct elf_file *f, Elf *elf, const struct section *section)
{
	struct cfi_table table = { .e_ident = (const unsigned char *)elf_getident(elf, NULL) };
	GElf_Chdr chdr;
	size_t size;

	if (section->n != 1 || !table.e_ident || table.e_ident[EI_CLASS] != ELFCLASS64)
		return;
	if ((section->shdr.sh_flags & SHF_COMPRESSED) &&
	    (section->shdr.sh_size > FRAME_BYTES || !gelf_getchdr(section->scn, &chdr) ||
	     chdr.ch_size > FRAME_BYTES || elf_compress(section->scn, 0, 0) < 0))
		return;
	table.data = elf_file__section(section->scn, FRAME_BYTES);
	if (!table.data || !cfi_table__sound(&table))
		return;
	f->debug_image = debug_image(f, table.data, &size);
	f->bytes += size;
	f->debug_elf = elf_memory(f->debug_image, size);
	if (f->debug_elf)
		f->dwarf = dwarf_begin_elf(f->debug_elf, DWARF_C_READ, NULL);
	if (f->dwarf)
		f->debug_cfi = dwarf_getcfi(f->dwarf);
}

void elf_cfi__read(struct elf_file *f, Elf *elf)
{
	struct section sections[SECTIONS] = {
		[EH_FRAME] = { .name = ".eh_frame" },
		[EH_FRAME_HDR] = { .name = ".eh_frame_hdr" },
		[DEBUG_FRAME] = { .name = ".debug_frame" },
	};
	bool found = find_sections(elf, sections);

	if (found)
		read_debug_frame(f, elf, &sections[DEBUG_FRAME]);
	if (found && read_eh_frame(f, elf, sections))
		f->elf = elf;
	else
		elf_end(elf);
}
