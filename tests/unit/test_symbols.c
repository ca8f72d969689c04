// SPDX-License-Identifier: GPL-2.0-only
/*
 * symbols.c, elf_file.c and elf_symbols.c over small ELF files made here, whose every symbol is
 * known, and over the real ones of this process.
 */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../user/elf_file.h"
#include "../../user/frames.h"
#include "../../user/util.h"

#define TEXT_ADDRESS 0x401000
#define TEXT_SIZE    0x1000
#define DATA_ADDRESS 0x403000
#define DATA_SIZE    0x100

struct row {
	const char *name;
	uint64_t address, size;
	unsigned char type, binding;
	uint16_t section; /* 1 text, 2 data */
	bool exported;
};

/* A small file: header, segments, sections, two symbol tables with names of their own. */
struct made {
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr[2];
	Elf64_Shdr shdr[8];
	Elf64_Sym sym[2][32];
	char names[2][1024];
	char section_names[16];
};

/* All but the symbols: one segment and one section of code, one of data. */
static void make_headers(struct made *e)
{
	memset(e, 0, sizeof(*e));
	memcpy(e->ehdr.e_ident, ELFMAG, SELFMAG);
	e->ehdr.e_ident[EI_CLASS] = ELFCLASS64;
	e->ehdr.e_ident[EI_DATA] = ELFDATA2LSB;
	e->ehdr.e_ident[EI_VERSION] = e->ehdr.e_version = EV_CURRENT;
	e->ehdr.e_type = ET_DYN;
	e->ehdr.e_machine = EM_X86_64;
	e->ehdr.e_ehsize = sizeof(e->ehdr);
	e->ehdr.e_phoff = offsetof(struct made, phdr);
	e->ehdr.e_phentsize = sizeof(e->phdr[0]);
	e->ehdr.e_phnum = ARRAY_SIZE(e->phdr);
	e->ehdr.e_shoff = offsetof(struct made, shdr);
	e->ehdr.e_shentsize = sizeof(e->shdr[0]);
	e->ehdr.e_shnum = ARRAY_SIZE(e->shdr);
	e->ehdr.e_shstrndx = 7;
	e->phdr[0] = (Elf64_Phdr){ PT_LOAD, PF_R | PF_X, 0x1000,    TEXT_ADDRESS,
				   0,	    TEXT_SIZE,	 TEXT_SIZE, 4096 };
	e->phdr[1] = (Elf64_Phdr){ PT_LOAD, PF_R | PF_W, 0x2000,    DATA_ADDRESS,
				   0,	    0x80,	 DATA_SIZE, 4096 };
	e->shdr[1] = (Elf64_Shdr){ .sh_type = SHT_NOBITS,
				   .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
				   .sh_addr = TEXT_ADDRESS,
				   .sh_size = TEXT_SIZE };
	e->shdr[2] = (Elf64_Shdr){ .sh_type = SHT_NOBITS,
				   .sh_flags = SHF_ALLOC | SHF_WRITE,
				   .sh_addr = DATA_ADDRESS,
				   .sh_size = DATA_SIZE };
}

static void make(struct made *e, const struct row *rows, size_t n)
{
	unsigned int n_syms[2] = { 1, 1 }, n_names[2] = { 1, 1 };

	make_headers(e);
	for (size_t i = 0; i < n; i++) {
		unsigned int table = rows[i].exported;
		Elf64_Sym *sym = &e->sym[table][n_syms[table]++];

		assert_true(n_syms[table] <= ARRAY_SIZE(e->sym[table]));
		sym->st_name = n_names[table];
		sym->st_info = ELF64_ST_INFO(rows[i].binding, rows[i].type);
		sym->st_shndx = rows[i].section;
		sym->st_value = rows[i].address;
		sym->st_size = rows[i].size;
		strcpy(e->names[table] + n_names[table], rows[i].name);
		n_names[table] += strlen(rows[i].name) + 1;
	}
	for (unsigned int table = 0; table < 2; table++) {
		e->shdr[3 + table] = (Elf64_Shdr){
			.sh_type = table ? SHT_DYNSYM : SHT_SYMTAB,
			.sh_offset = offsetof(struct made, sym) + table * sizeof(e->sym[0]),
			.sh_size = n_syms[table] * sizeof(Elf64_Sym),
			.sh_entsize = sizeof(Elf64_Sym),
			.sh_link = 5 + table,
			.sh_addralign = 8,
		};
		e->shdr[5 + table] = (Elf64_Shdr){
			.sh_type = SHT_STRTAB,
			.sh_offset = offsetof(struct made, names) + table * sizeof(e->names[0]),
			.sh_size = n_names[table],
			.sh_addralign = 1,
		};
	}
	e->shdr[7] = (Elf64_Shdr){ .sh_type = SHT_STRTAB,
				   .sh_addralign = 1,
				   .sh_size = 16,
				   .sh_offset = offsetof(struct made, section_names) };
}

static struct elf_file *load(const void *bytes, size_t size)
{
	char *copy = xrealloc(NULL, size, 1);

	memcpy(copy, bytes, size);
	return elf_file__image(copy, size);
}

static const char *name_at(const struct elf_file *f, uint64_t vaddr, bool data)
{
	const struct symbol *s = elf_file__symbol(f, vaddr, data);

	return s ? s->name : NULL;
}

#define FUNC(name, address, size, binding, exported)                                 \
	{                                                                            \
		name, TEXT_ADDRESS + (address), size, STT_FUNC, binding, 1, exported \
	}

static const struct row symbol_rows[] = {
	FUNC("sized", 0x100, 0x20, STB_GLOBAL, false),
	FUNC("unsized", 0x140, 0, STB_LOCAL, false),
	FUNC("after_unsized", 0x180, 0x10, STB_LOCAL, false),
	FUNC("local_alias", 0x200, 0x10, STB_LOCAL, false),
	FUNC("weak_alias", 0x200, 0x10, STB_WEAK, false),
	FUNC("strong_alias", 0x200, 0x10, STB_GLOBAL, false),
	FUNC("hidden_alias", 0x220, 0x10, STB_GLOBAL, false),
	FUNC("exported_alias_with_long_name", 0x220, 0x10, STB_WEAK, true),
	FUNC("__write", 0x240, 0x10, STB_GLOBAL, true),
	FUNC("write", 0x240, 0x10, STB_WEAK, true),
	FUNC("versioned@@V_1.2", 0x260, 0x10, STB_GLOBAL, false),
	FUNC("outer", 0x300, 0x100, STB_GLOBAL, false),
	FUNC("inner", 0x340, 0x10, STB_LOCAL, false),
	FUNC("last", TEXT_SIZE - 0x10, 0, STB_GLOBAL, false),
	FUNC("beyond", TEXT_SIZE, 0x10, STB_GLOBAL, false),
	FUNC("too_long", 0xf00, UINT64_MAX, STB_GLOBAL, false),
	FUNC("", 0x500, 0x10, STB_GLOBAL, false),
	{ "ifunc", TEXT_ADDRESS + 0x600, 0x10, STT_GNU_IFUNC, STB_GLOBAL, 1, true },
	{ "undefined", TEXT_ADDRESS + 0x620, 0x10, STT_FUNC, STB_GLOBAL, SHN_UNDEF, true },
	{ "absolute", TEXT_ADDRESS + 0x640, 0x10, STT_FUNC, STB_GLOBAL, SHN_ABS, true },
	{ "no_section", TEXT_ADDRESS + 0x660, 0x10, STT_FUNC, STB_GLOBAL, 99, true },
	{ "label", TEXT_ADDRESS + 0x680, 0x10, STT_NOTYPE, STB_GLOBAL, 1, true },
	{ "thread_local", DATA_ADDRESS, 8, STT_TLS, STB_GLOBAL, 2, true },
	{ "counter", DATA_ADDRESS + 8, 8, STT_OBJECT, STB_GLOBAL, 2, true },
};

static const struct {
	uint64_t vaddr;
	const char *name;
} symbol_cases[] = {
	{ 0x0ff, NULL },
	{ 0x100, "sized" },
	{ 0x11f, "sized" },
	{ 0x120, NULL },
	{ 0x140, "unsized" },
	{ 0x17f, "unsized" },
	{ 0x180, "after_unsized" },
	{ 0x190, NULL },
	{ 0x200, "strong_alias" },
	{ 0x228, "exported_alias_with_long_name" },
	{ 0x240, "write" },
	{ 0x260, "versioned" },
	{ 0x33f, "outer" },
	{ 0x340, "inner" },
	{ 0x34f, "inner" },
	{ 0x350, "outer" },
	{ 0x3ff, "outer" },
	{ 0x400, NULL },
	{ 0x500, NULL },
	{ 0x600, "ifunc" },
	{ 0x620, NULL },
	{ 0x640, NULL },
	{ 0x660, NULL },
	{ 0x680, NULL },
	{ 0xf08, "too_long" },
	{ TEXT_SIZE - 1, "last" },
	{ TEXT_SIZE, NULL },
	{ TEXT_SIZE + 0x10, NULL },
};

/* Who gets which address: sizes, gaps, aliases, versions, and what is no symbol of the program. */
static void test_symbols(void **state)
{
	struct elf_file *f;
	struct made e;

	(void)state;
	make(&e, symbol_rows, ARRAY_SIZE(symbol_rows));
	f = load(&e, sizeof(e));
	assert_non_null(f);
	for (size_t i = 0; i < ARRAY_SIZE(symbol_cases); i++) {
		const char *name = name_at(f, TEXT_ADDRESS + symbol_cases[i].vaddr, false);

		if (!name != !symbol_cases[i].name ||
		    (name && strcmp(name, symbol_cases[i].name) != 0))
			fail_msg("%lx: %s", symbol_cases[i].vaddr, name ? name : "none");
	}
	assert_null(name_at(f, DATA_ADDRESS, true));
	assert_string_equal(name_at(f, DATA_ADDRESS + 15, true), "counter");
	assert_null(name_at(f, DATA_ADDRESS + 16, true));
	assert_null(name_at(f, DATA_ADDRESS + 8, false));
	assert_true(elf_file__symbol(f, TEXT_ADDRESS + 0x228, false)->exported);
	assert_false(elf_file__symbol(f, TEXT_ADDRESS + 0x100, false)->exported);
	assert_null(name_at(f, 0, false));
	assert_null(name_at(f, UINT64_MAX, false));
	elf_file__free(f);
}

/* Of a stripped file: what is exported without a size has no claim on what stands behind it. */
static void test_stripped(void **state)
{
	static const struct row rows[] = { FUNC("bare", 0x100, 0, STB_GLOBAL, true) };
	struct elf_file *f;
	struct made e;

	(void)state;
	make(&e, rows, 1);
	e.shdr[3].sh_type = SHT_NULL;
	f = load(&e, sizeof(e));
	assert_string_equal(name_at(f, TEXT_ADDRESS + 0x100, false), "bare");
	assert_null(name_at(f, TEXT_ADDRESS + 0x101, false));
	elf_file__free(f);
}

/* Process addresses to link addresses, with neighbours that share a page of the file. */
static void test_vaddr(void **state)
{
	struct mapping text = { .start = 0x7f0000001000,
				.end = 0x7f0000002000,
				.offset = 0x1000,
				.exec = true,
				.path = "/x" };
	struct mapping data = { .start = 0x7f0000005000,
				.end = 0x7f0000006000,
				.offset = 0x2000,
				.write = true,
				.path = "/x" };
	struct elf_file *f;
	struct made e;
	uint64_t vaddr;

	(void)state;
	make(&e, NULL, 0);
	f = load(&e, sizeof(e));
	assert_non_null(f);
	assert_true(elf_file__vaddr(f, &text, text.start + 0x123, &vaddr));
	assert_int_equal(vaddr, TEXT_ADDRESS + 0x123);
	assert_true(elf_file__vaddr(f, &data, data.start + 0x7f, &vaddr));
	assert_int_equal(vaddr, DATA_ADDRESS + 0x7f);
	/* .bss in the data's last page */
	assert_true(elf_file__vaddr(f, &data, data.start + 0x90, &vaddr));
	assert_int_equal(vaddr, DATA_ADDRESS + 0x90);
	assert_false(elf_file__vaddr(f, &text, text.end, &vaddr));
	assert_false(elf_file__vaddr(f, &text, text.start - 1, &vaddr));
	text.offset = 0x100000;
	assert_false(elf_file__vaddr(f, &text, text.start, &vaddr));
	elf_file__free(f);

	/* Two segments of one page of the file: the mapping's own is the one that is meant. */
	e.phdr[0].p_filesz = e.phdr[0].p_memsz = 0x800;
	e.phdr[1] = (Elf64_Phdr){ PT_LOAD, PF_R | PF_W, 0x1800, 0x402800, 0, 0x800, 0x800, 4096 };
	f = load(&e, sizeof(e));
	data.offset = 0x1000;
	assert_true(elf_file__vaddr(f, &data, data.start + 0x900, &vaddr));
	assert_int_equal(vaddr, 0x402900);
	elf_file__free(f);
}

/* Other machines, other formats, scripts, nothing at all. */
static void test_no_elf(void **state)
{
	struct made e;

	(void)state;
	assert_null(load("#!/bin/sh\n", 10));
	assert_null(load("", 1));
	assert_null(load(ELFMAG, SELFMAG));
	make(&e, NULL, 0);
	e.ehdr.e_machine = EM_AARCH64;
	assert_null(load(&e, sizeof(e)));
	make(&e, NULL, 0);
	e.ehdr.e_ident[EI_CLASS] = ELFCLASS32;
	assert_null(load(&e, sizeof(e)));
	make(&e, NULL, 0);
	e.ehdr.e_ident[EI_DATA] = ELFDATA2MSB;
	assert_null(load(&e, sizeof(e)));
	make(&e, NULL, 0);
	e.ehdr.e_type = ET_REL;
	assert_null(load(&e, sizeof(e)));
}

static struct elf_file *file_of(struct symbols *s, struct proc *p, const void *address,
				struct maps **maps, const struct mapping **m)
{
	assert_int_equal(proc__maps(p, getpid(), maps), 0);
	*m = maps__find(*maps, (uintptr_t)address);
	assert_non_null(*m);
	return symbols__file(s, getpid(), *m);
}

static int __attribute__((noinline)) hidden_function(int x)
{
	return x + 1;
}

/* This program's own static function, and the C library's exported ones, by their addresses. */
static void test_real(void **state)
{
	struct proc *p = proc__new("/proc");
	struct symbols *s = symbols__new(p);
	static const char *const names[] = { "write", "qsort", "pthread_mutex_lock", "fputs" };
	const struct mapping *m;
	struct elf_file *f;
	struct maps *maps;
	uint64_t vaddr;

	(void)state;
	assert_int_equal(hidden_function(1), 2);
	f = file_of(s, p, hidden_function, &maps, &m);
	assert_non_null(f);
	assert_non_null(elf_file__eh_cfi(f));
	assert_true(elf_file__vaddr(f, m, (uintptr_t)hidden_function, &vaddr));
	assert_string_equal(name_at(f, vaddr, false), "hidden_function");
	assert_ptr_equal(symbols__file(s, getpid(), m), f);
	maps__free(maps);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
		void *address = dlsym(libc, names[i]);

		assert_non_null(address);
		f = file_of(s, p, address, &maps, &m);
		assert_non_null(f);
		assert_true(elf_file__vaddr(f, m, (uintptr_t)address, &vaddr));
		assert_string_equal(name_at(f, vaddr, false), names[i]);
		assert_true(elf_file__symbol(f, vaddr, false)->exported);
		maps__free(maps);
		dlclose(libc);
	}
	symbols__free(s);
	proc__free(p);
}

struct tree {
	char root[64];
	struct proc *proc;
	struct symbols *symbols;
};

static int setup(void **state)
{
	struct tree *t = xcalloc(1, sizeof(*t));
	_cleanup_(util__freep) char *command = NULL;

	strcpy(t->root, "/tmp/locktop-elf-XXXXXX");
	assert_non_null(mkdtemp(t->root));
	command = xasprintf("mkdir -p '%s/1/root' '%s/2/root'", t->root, t->root);
	assert_int_equal(system(command), 0);
	t->proc = proc__new(t->root);
	t->symbols = symbols__new(t->proc);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct tree *t = *state;
	_cleanup_(util__freep) char *command = xasprintf("rm -r '%s'", t->root);

	assert_int_equal(system(command), 0);
	symbols__free(t->symbols);
	proc__free(t->proc);
	free(t);
	return 0;
}

/* Writes a file under a process's root; the mapping of it. */
static struct mapping put(struct tree *t, int pid, const char *path, const void *bytes, size_t size)
{
	_cleanup_(util__freep) char *full = xasprintf("%s/%d/root%s", t->root, pid, path);
	struct mapping m = { .start = 0x1000, .end = 0x2000, .exec = true, .path = path };
	struct stat st;
	FILE *file;

	file = fopen(full, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(stat(full, &st), 0);
	m.inode = st.st_ino;
	return m;
}

/* Two processes share one file; another device behind the same numbers in maps is another file. */
static void test_cache(void **state)
{
	static const struct row one[] = { FUNC("one", 0, 16, STB_GLOBAL, false) };
	static const struct row two[] = { FUNC("two", 0, 16, STB_GLOBAL, false) };
	struct tree *t = *state;
	_cleanup_(util__freep) char *from = xasprintf("%s/1/root/lib", t->root);
	_cleanup_(util__freep) char *to = xasprintf("%s/2/root/lib", t->root);
	struct mapping m, again;
	struct elf_file *f;
	struct made e;
	uint64_t id;

	make(&e, one, 1);
	m = put(t, 1, "/lib", &e, sizeof(e));
	assert_int_equal(link(from, to), 0);
	f = symbols__file(t->symbols, 1, &m);
	assert_non_null(f);
	assert_string_equal(name_at(f, TEXT_ADDRESS, false), "one");
	assert_ptr_equal(symbols__file(t->symbols, 2, &m), f);
	id = elf_file__id(f);

	/* The process ends, or the file goes: what is known stays. */
	assert_int_equal(unlink(from), 0);
	assert_ptr_equal(symbols__file(t->symbols, 1, &m), f);

	/* Replaced by another file of that name. */
	make(&e, two, 1);
	again = put(t, 1, "/lib", &e, sizeof(e));
	assert_true(again.inode != m.inode);
	f = symbols__file(t->symbols, 1, &again);
	assert_non_null(f);
	assert_true(elf_file__id(f) != id);
	assert_string_equal(name_at(f, TEXT_ADDRESS, false), "two");

	/* No file, no ELF file, gone. */
	again = put(t, 1, "/text", "hello", 5);
	assert_null(symbols__file(t->symbols, 1, &again));
	assert_null(symbols__file(t->symbols, 1, &again));
	again.inode = 0;
	assert_null(symbols__file(t->symbols, 1, &again));
	again.inode = 12345;
	again.path = "/nowhere";
	assert_null(symbols__file(t->symbols, 1, &again));
}

/* Many files: the cache stays bounded, and what was used of late stays in it. */
static void test_cache_bound(void **state)
{
	static const struct row one[] = { FUNC("one", 0, 16, STB_GLOBAL, false) };
	struct tree *t = *state;
	uint64_t ids[400];
	struct mapping m[400];
	char path[400][16];
	struct made e;

	make(&e, one, 1);
	for (int i = 0; i < 400; i++) {
		struct elf_file *f;

		snprintf(path[i], sizeof(path[i]), "/lib%d", i);
		m[i] = put(t, 1, path[i], &e, sizeof(e));
		f = symbols__file(t->symbols, 1, &m[i]);
		assert_non_null(f);
		ids[i] = elf_file__id(f);
	}
	for (int i = 400 - SYMBOLS_FILES_KEPT; i < 400; i++)
		assert_int_equal(elf_file__id(symbols__file(t->symbols, 1, &m[i])), ids[i]);
	assert_true(elf_file__id(symbols__file(t->symbols, 1, &m[0])) > ids[399]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_symbols),
		cmocka_unit_test(test_stripped),
		cmocka_unit_test(test_vaddr),
		cmocka_unit_test(test_no_elf),
		cmocka_unit_test(test_real),
		cmocka_unit_test_setup_teardown(test_cache, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cache_bound, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
