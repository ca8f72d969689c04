// SPDX-License-Identifier: GPL-2.0-only
#include "cfi_check.h"

#include <dwarf.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

#define REGISTER_MAX	 255   /* more than any machine's ABI numbers */
#define REMEMBERED_MAX	 64    /* nested DW_CFA_remember_state */
#define PROGRAM_MAX	 65536 /* bytes of one function's program */
#define TERMINATOR_BYTES 4

/* What a CIE says about its FDEs. */
struct cie {
	uint64_t offset;
	unsigned int pointer; /* bytes of an FDE's addresses */
	bool sized;	      /* augmentation data with a length */
};

struct scan {
	const struct cfi_table *table;
	struct cie *cies; /* both ascending by offset */
	size_t n_cies, cies_capacity;
	uint64_t *fdes;
	size_t n_fdes, fdes_capacity;
};

/* Operands of the call frame instructions: r register, u LEB128, b block, digits that many bytes.
 */
static const char *const operands[64] = {
	[DW_CFA_nop] = "",
	[DW_CFA_advance_loc1] = "1",
	[DW_CFA_advance_loc2] = "2",
	[DW_CFA_advance_loc4] = "4",
	[DW_CFA_MIPS_advance_loc8] = "8",
	[DW_CFA_offset_extended] = "ru",
	[DW_CFA_restore_extended] = "r",
	[DW_CFA_undefined] = "r",
	[DW_CFA_same_value] = "r",
	[DW_CFA_register] = "rr",
	[DW_CFA_remember_state] = "",
	[DW_CFA_restore_state] = "",
	[DW_CFA_def_cfa] = "ru",
	[DW_CFA_def_cfa_register] = "r",
	[DW_CFA_def_cfa_offset] = "u",
	[DW_CFA_def_cfa_expression] = "b",
	[DW_CFA_expression] = "rb",
	[DW_CFA_offset_extended_sf] = "ru",
	[DW_CFA_def_cfa_sf] = "ru",
	[DW_CFA_def_cfa_offset_sf] = "u",
	[DW_CFA_val_offset] = "ru",
	[DW_CFA_val_offset_sf] = "ru",
	[DW_CFA_val_expression] = "rb",
	[DW_CFA_GNU_window_save] = "",
	[DW_CFA_GNU_args_size] = "u",
	[DW_CFA_GNU_negative_offset_extended] = "ru",
};

static bool leb128(const uint8_t **p, const uint8_t *end, uint64_t *ret)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; *p < end && shift < 70; shift += 7) {
		uint8_t byte = *(*p)++;

		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret = value;
			return true;
		}
	}
	return false;
}

static bool operand_sound(char kind, const uint8_t **p, const uint8_t *end)
{
	uint64_t value;

	if (kind >= '1' && kind <= '8') {
		value = kind - '0';
	} else {
		if (!leb128(p, end, &value) || (kind == 'r' && value > REGISTER_MAX))
			return false;
		if (kind != 'b')
			return true;
	}
	if (value > (uint64_t)(end - *p))
		return false;
	*p += value;
	return true;
}

static bool program_sound(const uint8_t *p, const uint8_t *end)
{
	unsigned int remembered = 0;

	if (p > end || end - p > PROGRAM_MAX)
		return false;
	while (p < end) {
		uint8_t op = *p++;
		const char *kinds;

		if ((op & 0xc0) == DW_CFA_offset)
			kinds = "u";
		else if (op & 0xc0)
			kinds = "";
		else
			kinds = operands[op];
		if (!kinds)
			return false;
		for (; *kinds; kinds++) {
			if (!operand_sound(*kinds, &p, end))
				return false;
		}
		if (op == DW_CFA_remember_state && ++remembered > REMEMBERED_MAX)
			return false;
		if (op == DW_CFA_restore_state && remembered-- == 0)
			return false;
	}
	return true;
}

/* Bytes of a pointer in this encoding, 0 if it is none that real tables have. */
static unsigned int pointer_size(uint8_t encoding, unsigned int word)
{
	static const unsigned int sizes[16] = {
		[2] = 2, [3] = 4, [4] = 8, [10] = 2, [11] = 4, [12] = 8
	};

	if ((encoding & 0x70) == DW_EH_PE_aligned)
		return 0;
	return encoding & 0x0f ? sizes[encoding & 0x0f] : word;
}

/* The augmentation string and its data: libdw walks both without looking at the data's end. */
static bool augmentation_sound(const Dwarf_CIE *cie, unsigned int word, struct cie *ret)
{
	const uint8_t *p = cie->augmentation_data;
	const uint8_t *end = p + cie->augmentation_data_size;
	const char *s = cie->augmentation;

	ret->pointer = word;
	ret->sized = *s == 'z';
	if (!ret->sized)
		return !*s;
	while (*++s) {
		unsigned int size;
		uint8_t encoding;

		if (*s == 'S' || *s == 'B')
			continue;
		if (!strchr("RLP", *s) || p >= end)
			return false;
		encoding = *p++;
		size = encoding == DW_EH_PE_omit ? 0 : pointer_size(encoding, word);
		if (*s == 'R') {
			if (size == 0 || (encoding & 0x80))
				return false;
			ret->pointer = size;
		} else if (*s == 'P') {
			if (size == 0 || (size_t)(end - p) < size)
				return false;
			p += size;
		}
	}
	return true;
}

static int compare_cie(const void *key, const void *item)
{
	uint64_t offset = *(const uint64_t *)key, other = ((const struct cie *)item)->offset;

	return offset < other ? -1 : offset > other;
}

static int compare_offset(const void *key, const void *item)
{
	uint64_t offset = *(const uint64_t *)key, other = *(const uint64_t *)item;

	return offset < other ? -1 : offset > other;
}

static bool fde_sound(const struct scan *s, const Dwarf_FDE *fde)
{
	const uint8_t *p = fde->start;
	const struct cie *cie;
	uint64_t size;

	if (s->n_cies == 0)
		return false;
	cie = &s->cies[s->n_cies - 1];
	if (cie->offset != fde->CIE_pointer)
		cie = bsearch(&fde->CIE_pointer, s->cies, s->n_cies, sizeof(*s->cies), compare_cie);
	if (!cie || p > fde->end || fde->end - p < 2 * (ptrdiff_t)cie->pointer)
		return false;
	p += 2 * cie->pointer;
	if (cie->sized) {
		if (!leb128(&p, fde->end, &size) || size > (uint64_t)(fde->end - p))
			return false;
		p += size;
	}
	return program_sound(p, fde->end);
}

static bool entry_sound(struct scan *s, uint64_t offset, const Dwarf_CFI_Entry *entry)
{
	unsigned int word = s->table->e_ident[EI_CLASS] == ELFCLASS32 ? 4 : 8;
	const uint8_t *base = s->table->data->d_buf, *end = base + s->table->data->d_size;
	struct cie cie = { .offset = offset };

	if (!dwarf_cfi_cie_p(entry)) {
		array__grow(s->fdes, s->n_fdes, s->fdes_capacity);
		s->fdes[s->n_fdes++] = offset;
		return fde_sound(s, &entry->fde);
	}
	if (entry->cie.initial_instructions_end > end ||
	    entry->cie.return_address_register > REGISTER_MAX ||
	    !augmentation_sound(&entry->cie, word, &cie))
		return false;
	array__grow(s->cies, s->n_cies, s->cies_capacity);
	s->cies[s->n_cies++] = cie;
	return program_sound(entry->cie.initial_instructions, entry->cie.initial_instructions_end);
}

static bool entries_sound(struct scan *s)
{
	Elf_Data *data = s->table->data;
	uint64_t offset = 0, next;
	Dwarf_CFI_Entry entry;
	uint32_t length;

	for (;; offset = next) {
		int err = dwarf_next_cfi(s->table->e_ident, data, s->table->eh, offset, &next,
					 &entry);

		if (err > 0)
			return true;
		if (err < 0) {
			/* A terminator ends the table, for libdw too. */
			memcpy(&length, (char *)data->d_buf + offset, TERMINATOR_BYTES);
			return s->table->eh && length == 0;
		}
		if (next <= offset || !entry_sound(s, offset, &entry))
			return false;
	}
}

static int32_t read_s32(const uint8_t *p)
{
	int32_t value;

	memcpy(&value, p, sizeof(value));
	return value;
}

/*
 * The search table must lead to entries that were looked at. Only the one form that linkers write:
 * a relative pointer, a count, and pairs of 32-bit offsets from the header.
 */
static bool header_sound(const struct scan *s)
{
	const struct cfi_table *t = s->table;
	const uint8_t *p = t->header->d_buf;
	size_t size = t->header->d_size;
	uint32_t n;

	if (size < 8 || p[0] != 1 || p[1] != (DW_EH_PE_pcrel | DW_EH_PE_sdata4) ||
	    t->header_address + 4 + read_s32(p + 4) != t->address)
		return false;
	if (p[2] == DW_EH_PE_omit || p[3] == DW_EH_PE_omit)
		return true;
	if (p[2] != DW_EH_PE_udata4 || p[3] != (DW_EH_PE_datarel | DW_EH_PE_sdata4) || size < 12)
		return false;
	n = read_s32(p + 8);
	if (n > (size - 12) / 8)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t fde =
			t->header_address + read_s32(p + 12 + 8 * (size_t)i + 4) - t->address;

		if (!bsearch(&fde, s->fdes, s->n_fdes, sizeof(*s->fdes), compare_offset))
			return false;
	}
	return true;
}

bool cfi_table__sound(const struct cfi_table *t)
{
	struct scan s = { .table = t };
	bool sound = entries_sound(&s) && s.n_fdes > 0 && (!t->header || header_sound(&s));

	free(s.cies);
	free(s.fdes);
	return sound;
}
