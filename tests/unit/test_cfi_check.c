// SPDX-License-Identifier: GPL-2.0-only
/* cfi_check.c and elf_cfi.c: which call frame tables libdw may have; damaged ELF files. */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../user/cfi_check.h"
#include "../../user/elf_file.h"
#include "../../user/frames.h"
#include "../../user/util.h"

static struct elf_file *load(const void *bytes, size_t size)
{
	char *copy = xrealloc(NULL, size, 1);

	memcpy(copy, bytes, size);
	return elf_file__image(copy, size);
}

static uint64_t random_bits(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Uses all that a file offers, as the unwinder and the names do. */
static void use(struct elf_file *f, uint64_t *seed)
{
	struct frames *frames = frames__new();

	for (int i = 0; i < 50; i++) {
		struct mapping m = { .start = 0x10000, .end = UINT64_MAX, .exec = i & 1 };
		uint64_t vaddr = random_bits(seed) & 0x3ffff;
		const struct frame_rules *rules;
		const struct symbol *s;
		Dwarf_Op memory[3], *ops;
		size_t n;

		if (elf_file__vaddr(f, &m, 0x10000 + vaddr, &vaddr)) {
			s = elf_file__symbol(f, vaddr, i & 2);
			assert_true(!s || strlen(s->name) > 0);
		}
		rules = frames__at(frames, f, vaddr);
		for (int reg = 0; rules->frame && reg < 17; reg++)
			dwarf_frame_register(rules->frame, reg, memory, &ops, &n);
		if (rules->frame)
			dwarf_frame_cfa(rules->frame, &ops, &n);
	}
	frames__free(frames);
}

/*
 * A real library with bytes changed at random, most of them in its headers and frame tables, and
 * cut off anywhere: it may be refused or give nonsense, nothing else. A fixed seed.
 */
static void test_damaged(void **state)
{
	uint64_t seed = 0x6c6f636b746f70;
	const struct mapping *m;
	struct proc *p = proc__new("/proc");
	struct maps *maps;
	struct stat st;
	int fd, opened = 0;
	char *bytes;

	(void)state;
	assert_int_equal(proc__maps(p, getpid(), &maps), 0);
	m = maps__find(maps, (uintptr_t)_cmocka_run_group_tests);
	fd = proc__open_mapped(p, getpid(), m);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	bytes = xcalloc(1, st.st_size);
	for (int round = 0; round < 600; round++) {
		size_t size = round % 8 ? (size_t)st.st_size : 1 + random_bits(&seed) % st.st_size;
		struct elf_file *f;

		assert_int_equal(pread(fd, bytes, st.st_size, 0), st.st_size);
		for (uint64_t n = 1 + random_bits(&seed) % 20; n > 0; n--) {
			uint64_t at = random_bits(&seed), where = at >> 60;
			size_t span = where < 4 ? 1024 : (size_t)st.st_size;

			at %= span;
			/* the section headers stand at the end */
			if (where >= 4 && where < 8)
				at = st.st_size - 1 - at % 2048;
			bytes[at] = random_bits(&seed);
		}
		f = load(bytes, size);
		if (f) {
			opened++;
			use(f, &seed);
		}
		elf_file__free(f);
	}
	print_message("%d of 600 damaged files could still be opened\n", opened);
	assert_true(opened > 50);
	free(bytes);
	close(fd);
	maps__free(maps);
	proc__free(p);
}

/* .eh_frame with one CIE and one FDE, whose program is the caller's. */
static size_t make_frame(uint8_t *buf, const char *augmentation, const uint8_t *program, size_t len)
{
	uint8_t *p = buf + 4, *cie_end;
	uint32_t length;

	memset(buf, 0, 4096);
	p += 4; /* CIE id 0 */
	*p++ = 1;
	p += sprintf((char *)p, "%s", augmentation) + 1;
	*p++ = 1;    /* code alignment */
	*p++ = 0x78; /* data alignment -8 */
	*p++ = 16;   /* return address column */
	if (*augmentation == 'z') {
		*p++ = 1;
		*p++ = 0x1b; /* pcrel sdata4 */
	}
	cie_end = p;
	length = p - buf - 4;
	memcpy(buf, &length, 4);
	length = cie_end - buf + 4;
	memcpy(p + 4, &length, 4); /* back to the CIE */
	p += 8;
	p += 8; /* start and size */
	*p++ = 0;
	memcpy(p, program, len);
	p += len;
	length = p - cie_end - 4;
	memcpy(cie_end, &length, 4);
	return p + 4 - buf; /* and a terminator */
}

static const unsigned char ident[EI_NIDENT] = { ELFMAG0,    ELFMAG1,	 ELFMAG2,   ELFMAG3,
						ELFCLASS64, ELFDATA2LSB, EV_CURRENT };

static bool sound(const char *augmentation, const uint8_t *program, size_t len)
{
	uint8_t buf[4096];
	Elf_Data data = { .d_buf = buf };
	struct cfi_table table = { .e_ident = ident, .data = &data, .eh = true };

	data.d_size = make_frame(buf, augmentation, program, len);
	return cfi_table__sound(&table);
}

/* What a table may not ask of libdw: huge registers, endless nesting, strings that run away. */
static void test_cfi_check(void **state)
{
	static const struct {
		uint8_t program[16];
		size_t len;
		bool sound;
	} cases[] = {
		{ { 0x0e, 0x10 }, 2, true },			      /* def_cfa_offset */
		{ { 0x86, 0x02 }, 2, true },			      /* offset */
		{ { 0x0c, 0x07, 0x08 }, 3, true },		      /* def_cfa */
		{ { 0x0a, 0x0b }, 2, true },			      /* remember, restore */
		{ { 0x0b }, 1, false },				      /* restore alone */
		{ { 0x05, 0xff, 0x01, 0x01 }, 4, true },	      /* register 255 */
		{ { 0x05, 0x80, 0x02, 0x01 }, 4, false },	      /* register 256 */
		{ { 0x05, 0xff, 0xff, 0xff, 0x3f, 0x01 }, 6, false }, /* 134217727 */
		{ { 0x09, 0x01, 0xff, 0xff, 0x7f }, 5, false },	      /* register, its source */
		{ { 0x0e, 0x80 }, 2, false },			      /* LEB128 cut off */
		{ { 0x03, 0x01 }, 2, false },			      /* advance_loc2 cut off */
		{ { 0x10, 0x06, 0x02, 0x77, 0x08 }, 5, true },	      /* expression */
		{ { 0x10, 0x06, 0x20, 0x77, 0x08 }, 5, false },	      /* longer than all */
		{ { 0x3f }, 1, false },				      /* no instruction */
		{ { 0x01, 1, 2, 3, 4 }, 5, false },		      /* set_loc */
	};
	uint8_t nested[100];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (sound("zR", cases[i].program, cases[i].len) != cases[i].sound)
			fail_msg("row %zu", i);
	}
	memset(nested, 0x0a, sizeof(nested));
	assert_true(sound("zR", nested, 64));
	assert_false(sound("zR", nested, 65));
	assert_true(sound("zRS", nested, 0));
	assert_false(sound("zRL", nested, 0)); /* more letters than data */
	assert_false(sound("eh", nested, 0));
	assert_false(sound("zRx", nested, 0));
}

/* The search table: it may lead only to entries of the frame table, and only to as many as it has.
 */
static void test_header(void **state)
{
	enum { FRAME = 0x2000, HEADER = 0x1f00 };
	static const uint8_t nop[1];
	uint8_t frame[4096];
	uint32_t fde;
	struct {
		uint8_t version, pointer, count_form, table_form;
		int32_t frame;
		uint32_t n;
		int32_t table[2];
	} header = { 1, 0x1b, 0x03, 0x3b, FRAME - HEADER - 4, 1, { 0 } }, changed;
	Elf_Data data = { .d_buf = frame }, header_data = { &changed, 0, 0, sizeof(changed), 0, 0 };
	struct cfi_table table = { ident, &data, FRAME, true, &header_data, HEADER };

	(void)state;
	data.d_size = make_frame(frame, "zR", nop, sizeof(nop));
	memcpy(&fde, frame, sizeof(fde));
	header.table[1] = FRAME + fde + 4 - HEADER;
	changed = header;
	assert_true(cfi_table__sound(&table));
	changed.table[1]++; /* the middle of the entry */
	assert_false(cfi_table__sound(&table));
	changed = header;
	changed.table[1] = FRAME - HEADER; /* a CIE */
	assert_false(cfi_table__sound(&table));
	changed = header;
	changed.n = 2;
	assert_false(cfi_table__sound(&table));
	changed.n = UINT32_MAX;
	assert_false(cfi_table__sound(&table));
	changed = header;
	changed.frame += 4;
	assert_false(cfi_table__sound(&table));
	changed = header;
	changed.table_form = 0x3c;
	assert_false(cfi_table__sound(&table));
	changed = header;
	header_data.d_size = 7;
	assert_false(cfi_table__sound(&table));
}

/* A file that has frame tables only among its debug information. */
struct debug_file {
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr;
	Elf64_Shdr shdr[3];
	char names[32];
	struct __attribute__((packed)) {
		uint32_t cie_length, cie_id;
		uint8_t cie[16]; /* from the version on */
		uint32_t fde_length, cie_pointer;
		uint64_t start, size;
		uint8_t program[8];
	} frame;
};

static void test_debug_frame(void **state)
{
	static const struct debug_file made = {
		.ehdr = {
			.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			.e_type = ET_EXEC,
			.e_machine = EM_X86_64,
			.e_version = EV_CURRENT,
			.e_ehsize = sizeof(Elf64_Ehdr),
			.e_phoff = offsetof(struct debug_file, phdr),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 1,
			.e_shoff = offsetof(struct debug_file, shdr),
			.e_shentsize = sizeof(Elf64_Shdr),
			.e_shnum = 3,
			.e_shstrndx = 2,
		},
		.phdr = { PT_LOAD, PF_R | PF_X, 0, 0x400000, 0, 0x1000, 0x1000, 4096 },
		.shdr = {
			[1] = { .sh_name = 1, .sh_type = SHT_PROGBITS, .sh_addralign = 1,
				.sh_offset = offsetof(struct debug_file, frame), .sh_size = 56 },
			[2] = { .sh_name = 14, .sh_type = SHT_STRTAB, .sh_addralign = 1,
				.sh_offset = offsetof(struct debug_file, names), .sh_size = 32 },
		},
		.names = "\0.debug_frame\0.shstrtab",
		.frame = {
			/* version 1, no augmentation; CFA = r7 + 24, the return address at CFA - 8 */
			.cie_length = 20, .cie_id = UINT32_MAX,
			.cie = { 1, 0, 1, 0x78, 16, 0x0c, 7, 24, 0x90, 1 },
			.fde_length = 28, .start = 0x400100, .size = 0x40,
		},
	};
	struct elf_file *f = load(&made, sizeof(made));
	struct frames *frames = frames__new();
	const struct frame_rules *rules;
	Dwarf_Op *ops;
	size_t n;

	(void)state;
	assert_non_null(f);
	assert_null(elf_file__eh_cfi(f));
	assert_non_null(elf_file__debug_cfi(f));
	rules = frames__at(frames, f, 0x40013f);
	assert_non_null(rules->frame);
	assert_false(rules->signal);
	assert_int_equal(dwarf_frame_cfa(rules->frame, &ops, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(ops[0].number, 7);
	assert_int_equal(ops[0].number2, 24);
	assert_null(frames__at(frames, f, 0x400140)->frame);
	frames__free(frames);
	elf_file__free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_cfi_check),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_debug_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
