// SPDX-License-Identifier: GPL-2.0-only
/*
 * lines.c and dwarf_*.c: lines and inlined functions of this program itself, of small programs in
 * every dialect that the compilers here write, and of the same files damaged.
 */
#include "proc_tree.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "../../user/dwarf_file.h"
#include "../../user/lines.h"

static uintptr_t captured;
static int inner_line, middle_line, outer_line;

/* The address of the call that it is called by. */
static void __attribute__((noinline)) capture(void)
{
	captured = (uintptr_t)__builtin_return_address(0) - 1;
	__asm__ volatile("" ::: "memory");
}

static inline void __attribute__((always_inline)) inner(void)
{
	inner_line = __LINE__ + 1;
	capture();
}

static inline void __attribute__((always_inline)) middle(void)
{
	middle_line = __LINE__ + 1;
	inner();
}

static void __attribute__((noinline)) outer(void)
{
	outer_line = __LINE__ + 1;
	middle();
	__asm__ volatile("" ::: "memory");
}

static void expect(const struct source_frame *f, const char *function, const char *file, int line)
{
	assert_string_equal(f->function, function);
	assert_non_null(f->file);
	assert_true(strlen(f->file) >= strlen(file));
	assert_string_equal(f->file + strlen(f->file) - strlen(file), file);
	assert_int_equal(f->line, line);
}

/* A call in a function inlined into one that is inlined into a third. */
static void test_own(void **state)
{
	struct proc *proc = proc__new("/proc");
	struct symbols *symbols = symbols__new(proc);
	struct lines *lines = lines__new(proc);
	struct source_code code;
	const struct mapping *m;
	struct elf_file *f;
	struct maps *maps;
	uint64_t vaddr;

	(void)state;
	outer();
	assert_int_equal(proc__maps(proc, getpid(), &maps), 0);
	m = maps__find(maps, captured);
	assert_non_null(m);
	f = symbols__file(symbols, getpid(), m);
	assert_non_null(f);
	assert_true(elf_file__vaddr(f, m, captured, &vaddr));
	assert_int_equal(lines__at(lines, getpid(), m, f, vaddr, &code), 0);
	assert_int_equal(code.n, 3);
	expect(&code.frames[0], "inner", "tests/unit/test_lines.c", inner_line);
	expect(&code.frames[1], "middle", "tests/unit/test_lines.c", middle_line);
	expect(&code.frames[2], "outer", "tests/unit/test_lines.c", outer_line);
	source_code__done(&code);
	assert_int_equal(lines__at(lines, getpid(), m, f, 1, &code), -ENOENT);
	maps__free(maps);
	lines__free(lines);
	symbols__free(symbols);
	proc__free(proc);
}

/* Line 9 is in a function called in line 12, in another one that is called in line 17. */
static const char program[] =
	"#ifdef __cplusplus\n"
	"#define LOCAL inline __attribute__((always_inline))\n"
	"namespace place {\n"
	"#else\n"
	"#define LOCAL static inline __attribute__((always_inline))\n"
	"#endif\n"
	"volatile int out;\n"
	"LOCAL void deep(int x) {\n"
	"	out = out * x + 9;\n"
	"}\n"
	"LOCAL void wrap(int x) {\n"
	"	deep(x + 12);\n"
	"}\n"
	"#ifdef __cplusplus\n"
	"} using place::wrap; extern \"C\"\n"
	"#endif\n"
	"__attribute__((noinline)) void entry(int x) { wrap(x + 17); }\n"
	"int main(int argc, char **argv) { entry(argc); return argv[0][0]; }\n";

#define DIRECTORY "7/root/usr/bin"

/* Compiles the program above in the fixture's directory. False if this compiler cannot. */
static bool compile(struct fixture *f, const char *compiler, const char *name)
{
	_cleanup_(util__freep) char *command = xasprintf(
		"cd '%s/" DIRECTORY "' && %s -O1 -g -pie -fPIE in.%s -o program 2>/dev/null",
		f->root, compiler, name);

	put(f, "7/root/usr/bin/in.c", program);
	put(f, "7/root/usr/bin/in.cc", program);
	return system(command) == 0;
}

static int open_program(struct fixture *f)
{
	_cleanup_(util__freep) char *path = xasprintf("%s/" DIRECTORY "/program", f->root);

	return open(path, O_RDONLY | O_CLOEXEC);
}

static const struct symbol *find_symbol(const struct elf_file *f, const char *name)
{
	for (size_t i = 0; i < f->functions.n; i++)
		if (strcmp(f->functions.items[i].name, name) == 0)
			return &f->functions.items[i];
	return NULL;
}

/* The code of entry() at which deep() stands, with the frames around it. */
static void find_deep(int fd, const char *deep, const char *wrap, const char *file)
{
	struct dwarf_source *s = dwarf_source__new(fd, UINT64_MAX);
	struct elf_file *elf = elf_file__read(fd, NULL);
	const struct symbol *entry;
	int found = 0;

	assert_non_null(s);
	assert_non_null(elf);
	entry = find_symbol(elf, "entry");
	assert_non_null(entry);
	for (uint64_t a = entry->address; a < entry->address + entry->size; a++) {
		struct source_code code;

		if (dwarf_source__at(s, fd, UINT64_MAX, a, &code) != 0)
			continue;
		assert_in_range(code.n, 1, 3);
		assert_string_equal(code.frames[code.n - 1].function, "entry");
		if (code.n == 3 && code.frames[0].line == 9) {
			expect(&code.frames[0], deep, file, 9);
			expect(&code.frames[1], wrap, file, 12);
			expect(&code.frames[2], "entry", file, 17);
			assert_int_equal(code.frames[2].file[0], '/');
			found++;
		}
		source_code__done(&code);
	}
	assert_true(found > 0);
	elf_file__free(elf);
	dwarf_source__free(s);
}

static const struct {
	const char *compiler, *name;
	bool must; /* else a compiler that does not know the dialect is no failure */
} dialects[] = {
	{ "gcc -gdwarf-5", "c", true },
	{ "gcc -gdwarf-4", "c", true },
	{ "gcc -gdwarf-3 -gstrict-dwarf", "c", true },
	{ "gcc -gdwarf-5 -gz", "c", true },
	{ "gcc -gdwarf-5 -gdwarf64", "c", false },
	{ "gcc -gdwarf-5 -ffunction-sections -Wl,--gc-sections", "c", true },
	{ "gcc -gdwarf-5 -flto", "c", false },
	{ "clang -gdwarf-5", "c", true },
	{ "clang -gdwarf-4", "c", true },
	{ "g++ -gdwarf-5", "cc", false },
	{ "clang++ -gdwarf-5", "cc", false },
};

/* The same truth in all dialects: addresses indexed or not, ranges, compressed sections. */
static void test_dialects(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(dialects); i++) {
		bool cc = strcmp(dialects[i].name, "cc") == 0;
		_cleanup_(util__closep) int fd = -1;

		if (!compile(f, dialects[i].compiler, dialects[i].name)) {
			assert_false(dialects[i].must);
			continue;
		}
		fd = open_program(f);
		assert_true(fd >= 0);
		find_deep(fd, cc ? "_ZN5place4deepEi" : "deep", cc ? "_ZN5place4wrapEi" : "wrap",
			  cc ? "in.cc" : "in.c");
	}
}

static struct mapping mapping_of(struct fixture *f)
{
	_cleanup_(util__freep) char *path = xasprintf("%s/" DIRECTORY "/program", f->root);
	struct mapping m = { .start = 0x1000, .end = 0x2000, .path = "/usr/bin/program" };
	struct stat st;

	m.exec = true;
	assert_int_equal(stat(path, &st), 0);
	m.inode = st.st_ino;
	return m;
}

/* Rewritten in its place, a file is another: its lines are not those of the code that runs. */
static void test_rewritten(void **state)
{
	struct fixture *f = *state;
	_cleanup_(util__freep) char *append =
		xasprintf("printf x >>'%s/" DIRECTORY "/program'", f->root);
	struct symbols *symbols = symbols__new(f->proc);
	struct lines *lines = lines__new(f->proc);
	struct source_code code;
	struct elf_file *elf;
	struct mapping m;
	uint64_t vaddr;

	assert_true(compile(f, "gcc", "c"));
	m = mapping_of(f);
	elf = symbols__file(symbols, 7, &m);
	assert_non_null(elf);
	vaddr = find_symbol(elf, "entry")->address;
	assert_int_equal(lines__at(lines, 7, &m, elf, vaddr, &code), 0);
	expect(&code.frames[code.n - 1], "entry", "/usr/bin/in.c", 17);
	source_code__done(&code);
	assert_int_equal(system(append), 0);
	assert_int_equal(lines__at(lines, 7, &m, elf, vaddr, &code), -EAGAIN);
	lines__free(lines);
	symbols__free(symbols);
}

/* Out of time, it says so, and knows as much as before. */
static void test_deadline(void **state)
{
	struct fixture *f = *state;
	_cleanup_(util__closep) int fd = -1;
	struct dwarf_source *s;
	struct source_code code;
	struct elf_file *elf;
	uint64_t vaddr;

	assert_true(compile(f, "gcc", "c"));
	fd = open_program(f);
	elf = elf_file__read(fd, NULL);
	vaddr = find_symbol(elf, "entry")->address;
	s = dwarf_source__new(fd, UINT64_MAX);
	assert_int_equal(dwarf_source__at(s, fd, 0, vaddr, &code), -ETIMEDOUT);
	assert_int_equal(dwarf_source__at(s, fd, UINT64_MAX, vaddr, &code), 0);
	expect(&code.frames[code.n - 1], "entry", "in.c", 17);
	source_code__done(&code);
	dwarf_source__free(s);
	elf_file__free(elf);
}

static uint64_t random_bits(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Looks up all that a damaged file could make its reader do; it has a tenth of a second. */
static void look_around(const void *bytes, size_t size, uint64_t vaddr)
{
	int fd = memfd_create("damaged", MFD_CLOEXEC);
	uint64_t begin = util__monotonic_ns();
	struct dwarf_source *s;

	assert_int_equal(write(fd, bytes, size), size);
	s = dwarf_source__new(fd, begin + NSEC_PER_SEC / 10);
	for (int i = 0; s && i < 16; i++) {
		struct source_code code;

		if (dwarf_source__at(s, fd, begin + NSEC_PER_SEC / 10, vaddr + i, &code) == 0) {
			assert_in_range(code.n, 1, SOURCE_DEPTH);
			source_code__done(&code);
		}
	}
	dwarf_source__free(s);
	close(fd);
	assert_true(util__monotonic_ns() - begin < NSEC_PER_SEC);
}

/* Bytes changed at random in files of both formats: each is read to its end, quickly. */
static void test_damaged(void **state)
{
	static const char *const compilers[] = { "gcc -gdwarf-5", "gcc -gdwarf-4",
						 "clang -gdwarf-5" };
	struct fixture *f = *state;
	uint64_t seed = 0x6c6f636b746f70;

	for (size_t c = 0; c < ARRAY_SIZE(compilers); c++) {
		_cleanup_(util__freep) char *bytes = NULL;
		_cleanup_(util__freep) char *damaged = NULL;
		_cleanup_(util__closep) int fd = -1;
		struct elf_file *elf;
		struct dwarf_file dwarf;
		struct stat st;
		uint64_t vaddr;

		assert_true(compile(f, compilers[c], "c"));
		fd = open_program(f);
		assert_int_equal(fstat(fd, &st), 0);
		bytes = xcalloc(1, st.st_size);
		damaged = xcalloc(1, st.st_size);
		assert_int_equal(pread(fd, bytes, st.st_size, 0), st.st_size);
		elf = elf_file__read(fd, NULL);
		vaddr = find_symbol(elf, "entry")->address;
		elf_file__free(elf);
		assert_int_equal(dwarf_file__init(&dwarf, fd), 0);
		for (int round = 0; round < 3000; round++) {
			memcpy(damaged, bytes, st.st_size);
			for (int i = 0; i < 1 + round % 8; i++) {
				int section = random_bits(&seed) % DWARF_SECTIONS;
				uint64_t size = dwarf.sections[section].size;

				if (size)
					damaged[dwarf.sections[section].offset +
						random_bits(&seed) % size] = random_bits(&seed);
			}
			look_around(damaged, st.st_size, vaddr);
		}
		for (off_t size = 0; size < st.st_size; size += 97)
			look_around(bytes, size, vaddr);
		dwarf_file__done(&dwarf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own), TEST(test_dialects), TEST(test_rewritten),
		TEST(test_deadline),	    TEST(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
