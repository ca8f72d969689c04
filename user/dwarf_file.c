// SPDX-License-Identifier: GPL-2.0-only
#include "dwarf_file.h"

#include <errno.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elf_file.h"
#include "util.h"

#define LOAD_BYTES     ((uint64_t)64 << 20)
#define UNPACKED_BYTES ((size_t)128 << 20) /* of all compressed sections of a file */
#define STRING_BYTES   8192

static const char *const section_names[DWARF_SECTIONS] = {
	[DEBUG_INFO] = ".debug_info",	      [DEBUG_ABBREV] = ".debug_abbrev",
	[DEBUG_LINE] = ".debug_line",	      [DEBUG_STR] = ".debug_str",
	[DEBUG_LINE_STR] = ".debug_line_str", [DEBUG_STR_OFFSETS] = ".debug_str_offsets",
	[DEBUG_ADDR] = ".debug_addr",	      [DEBUG_RANGES] = ".debug_ranges",
	[DEBUG_RNGLISTS] = ".debug_rnglists",
};

/*
 * A copy of a compressed section. libelf trusts the size that it states, so that is judged first.
 * It keeps what it unpacked, too: a handle for each section, or all would be there twice.
 */
static bool unpack(struct dwarf_file *f, int section, size_t index)
{
	size_t most = UNPACKED_BYTES - f->bytes;
	Elf *elf = elf_begin(f->fd, ELF_C_READ, NULL);
	Elf_Scn *scn = elf ? elf_getscn(elf, index) : NULL;
	const Elf_Data *data = NULL;
	GElf_Chdr chdr;

	if (scn && gelf_getchdr(scn, &chdr) && chdr.ch_size <= most && elf_compress(scn, 0, 0) >= 0)
		data = elf_file__section(scn, most);
	if (data) {
		f->sections[section].unpacked = xrealloc(NULL, data->d_size, 1);
		memcpy(f->sections[section].unpacked, data->d_buf, data->d_size);
		f->sections[section].size = data->d_size;
		f->bytes += data->d_size;
	}
	elf_end(elf);
	return f->sections[section].unpacked;
}

static bool find_sections(struct dwarf_file *f, Elf *elf)
{
	for (int i = 0; i < DWARF_SECTIONS; i++) {
		Elf_Scn *scn = elf_file__find(elf, section_names[i]);
		GElf_Shdr shdr;

		if (!scn || !gelf_getshdr(scn, &shdr))
			continue;
		if (shdr.sh_flags & SHF_COMPRESSED) {
			if (!unpack(f, i, elf_ndxscn(scn)))
				return false;
			continue;
		}
		f->sections[i].offset = shdr.sh_offset;
		f->sections[i].size = shdr.sh_size;
	}
	return f->sections[DEBUG_INFO].size && f->sections[DEBUG_ABBREV].size;
}

int dwarf_file__init(struct dwarf_file *f, int fd)
{
	Elf *elf;
	bool found;

	elf_version(EV_CURRENT);
	*f = (struct dwarf_file){ .fd = fd, .deadline_ns = UINT64_MAX };
	elf = elf_begin(fd, ELF_C_READ, NULL);
	found = elf && elf_kind(elf) == ELF_K_ELF && find_sections(f, elf);
	elf_end(elf);
	if (found)
		return 0;
	dwarf_file__done(f);
	return -ENOEXEC;
}

void dwarf_file__done(struct dwarf_file *f)
{
	for (int i = 0; i < DWARF_SECTIONS; i++)
		free(f->sections[i].unpacked);
	*f = (struct dwarf_file){ .fd = -1 };
}

bool dwarf_file__too_late(const struct dwarf_file *f)
{
	return util__monotonic_ns() >= f->deadline_ns;
}

static bool read_at(int fd, uint8_t *buf, size_t size, uint64_t offset)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = pread(fd, buf + done, size - done, offset + done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += n;
	}
	return true;
}

static bool inside(const struct dwarf_file *f, enum dwarf_section section, uint64_t offset,
		   uint64_t size)
{
	return offset <= f->sections[section].size && size <= f->sections[section].size - offset;
}

bool dwarf_file__load(const struct dwarf_file *f, enum dwarf_section section, uint64_t offset,
		      uint64_t size, struct dwarf_span *ret)
{
	uint8_t *buf;

	if (size == 0 || size > LOAD_BYTES || !inside(f, section, offset, size) ||
	    dwarf_file__too_late(f))
		return false;
	if (f->sections[section].unpacked) {
		*ret = (struct dwarf_span){ .bytes = f->sections[section].unpacked + offset,
					    .size = size };
		return true;
	}
	buf = xrealloc(NULL, size, 1);
	if (!read_at(f->fd, buf, size, f->sections[section].offset + offset)) {
		free(buf);
		return false;
	}
	*ret = (struct dwarf_span){ .bytes = buf, .size = size, .owned = buf };
	return true;
}

bool dwarf_file__load_some(const struct dwarf_file *f, enum dwarf_section section, uint64_t offset,
			   uint64_t size, struct dwarf_span *ret)
{
	if (offset >= f->sections[section].size)
		return false;
	return dwarf_file__load(f, section, offset, MIN(size, f->sections[section].size - offset),
				ret);
}

void dwarf_span__done(struct dwarf_span *s)
{
	free(s->owned);
	*s = (struct dwarf_span){ .size = 0 };
}

char *dwarf_file__string(const struct dwarf_file *f, enum dwarf_section section, uint64_t offset)
{
	for (uint64_t size = 128; size <= STRING_BYTES; size *= 8) {
		_cleanup_(dwarf_span__done) struct dwarf_span span = { .size = 0 };

		if (!dwarf_file__load_some(f, section, offset, size, &span))
			return NULL;
		if (memchr(span.bytes, 0, span.size))
			return xstrdup((const char *)span.bytes);
	}
	return NULL;
}

bool dwarf_file__number(const struct dwarf_file *f, enum dwarf_section section, uint64_t offset,
			unsigned int size, uint64_t *ret)
{
	uint8_t bytes[8];
	struct cursor c = { .at = bytes, .end = bytes + size };

	if (!inside(f, section, offset, size))
		return false;
	if (f->sections[section].unpacked)
		memcpy(bytes, f->sections[section].unpacked + offset, size);
	else if (!read_at(f->fd, bytes, size, f->sections[section].offset + offset))
		return false;
	*ret = cursor__fixed(&c, size);
	return true;
}

static void fail(struct cursor *c)
{
	c->bad = true;
	c->at = c->end;
}

uint64_t cursor__fixed(struct cursor *c, unsigned int size)
{
	uint64_t value = 0;

	if ((size_t)(c->end - c->at) < size) {
		fail(c);
		return 0;
	}
	/* All machines here are little-endian. */
	memcpy(&value, c->at, MIN(size, sizeof(value)));
	c->at += size;
	return value;
}

uint64_t cursor__uleb(struct cursor *c)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; c->at < c->end; shift += 7) {
		uint8_t byte = *c->at++;

		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	fail(c);
	return 0;
}

int64_t cursor__sleb(struct cursor *c)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; c->at < c->end;) {
		uint8_t byte = *c->at++;

		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
		if (byte & 0x80)
			continue;
		if ((byte & 0x40) && shift < 64)
			value |= UINT64_MAX << shift;
		return value;
	}
	fail(c);
	return 0;
}

void cursor__skip(struct cursor *c, uint64_t n)
{
	if (n > (uint64_t)(c->end - c->at))
		fail(c);
	else
		c->at += n;
}

const char *cursor__string(struct cursor *c)
{
	const char *s = (const char *)c->at;
	const uint8_t *end = c->at < c->end ? memchr(c->at, 0, c->end - c->at) : NULL;

	if (!end) {
		fail(c);
		return NULL;
	}
	c->at = end + 1;
	return s;
}
