// SPDX-License-Identifier: GPL-2.0-only
#include "elf_build_id.h"

#include <gelf.h>
#include <string.h>

#include "elf_file.h"
#include "util.h"

#define NOTE_BYTES ((size_t)1 << 20)

/* libelf bounds what it hands out by the data. */
static bool in_notes(Elf_Data *data, struct build_id *ret)
{
	size_t offset = 0, name, descriptor;
	GElf_Nhdr note;

	while (data && (offset = gelf_getnote(data, offset, &note, &name, &descriptor)) > 0) {
		const char *bytes = data->d_buf;

		if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != sizeof("GNU") ||
		    memcmp(bytes + name, "GNU", sizeof("GNU")) != 0 || note.n_descsz == 0 ||
		    note.n_descsz > sizeof(ret->bytes))
			continue;
		memcpy(ret->bytes, bytes + descriptor, note.n_descsz);
		ret->n = note.n_descsz;
		return true;
	}
	return false;
}

/*
 * Sections before segments: those of a debug file still say where the notes were in the file that
 * it was taken from. Without sections there are the segments.
 */
void elf_build_id__read(Elf *elf, struct build_id *ret)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	GElf_Phdr phdr;
	size_t n;

	ret->n = 0;
	while ((scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, &shdr) && shdr.sh_type == SHT_NOTE &&
		    elf_file__section(scn, NOTE_BYTES) && in_notes(elf_getdata(scn, NULL), ret))
			return;
	if (elf_getphdrnum(elf, &n) != 0)
		return;
	for (size_t i = 0; i < MIN(n, PN_XNUM); i++)
		if (gelf_getphdr(elf, i, &phdr) && phdr.p_type == PT_NOTE &&
		    phdr.p_filesz <= NOTE_BYTES &&
		    in_notes(elf_getdata_rawchunk(elf, phdr.p_offset, phdr.p_filesz,
						  phdr.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR),
			     ret))
			return;
}

void elf_build_id__text(const struct build_id *id, char ret[BUILD_ID_TEXT])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < id->n; i++) {
		*ret++ = digits[id->bytes[i] >> 4];
		*ret++ = digits[id->bytes[i] & 15];
	}
	*ret = 0;
}
