// SPDX-License-Identifier: GPL-2.0-only
/* elf_build_id.c: of libraries as linkers make them, and with notes as nobody should. */
#include "proc_tree.h"

#include <elf.h>
#include <fcntl.h>

#include "../../user/elf_file.h"

/* Runs commands in the fixture's directory. */
static void run(struct fixture *f, const char *commands)
{
	_cleanup_(util__freep) char *line =
		xasprintf("cd '%s' && set -e && { %s; } >&2", f->root, commands);

	assert_int_equal(system(line), 0);
}

static void build(struct fixture *f, const char *id)
{
	_cleanup_(util__freep) char *command =
		xasprintf("gcc -shared -fPIC -Wl,--build-id=%s in.c -o lib.so", id);

	put(f, "in.c", "int f(void) { return 1; }\n");
	run(f, command);
}

/* The id of lib.so, NULL for none; for free(). */
static char *read_id(struct fixture *f)
{
	_cleanup_(util__freep) char *path = xasprintf("%s/lib.so", f->root);
	int fd = open(path, O_RDONLY);
	struct elf_file *file = elf_file__read(fd, NULL);
	const char *id;
	char *ret;

	assert_non_null(file);
	id = elf_file__build_id(file);
	ret = id ? xasprintf("%s", id) : NULL;
	elf_file__free(file);
	close(fd);
	return ret;
}

static void expect(struct fixture *f, const char *wanted)
{
	_cleanup_(util__freep) char *id = read_id(f);

	assert_int_equal(id == NULL, wanted == NULL);
	if (wanted)
		assert_string_equal(id, wanted);
}

/* Without sections, as some packers leave it. */
static void forget_sections(struct fixture *f)
{
	_cleanup_(util__freep) char *path = xasprintf("%s/lib.so", f->root);
	int fd = open(path, O_RDWR);
	Elf64_Ehdr e;

	assert_int_equal(pread(fd, &e, sizeof(e), 0), sizeof(e));
	e.e_shoff = e.e_shnum = e.e_shstrndx = 0;
	assert_int_equal(pwrite(fd, &e, sizeof(e), 0), sizeof(e));
	close(fd);
}

#define HEX_16 "0123456789abcdef0123456789abcdef"

/* Of the lengths that linkers make, up to the bound; by section and by segment. */
static void test_lengths(void **state)
{
	static const struct {
		const char *flag, *wanted;
	} rows[] = {
		{ "0x0f1e2d3c", "0f1e2d3c" },
		{ "0x" HEX_16, HEX_16 },
		{ "0x" HEX_16 HEX_16 HEX_16 HEX_16, HEX_16 HEX_16 HEX_16 HEX_16 },
		{ "0x" HEX_16 HEX_16 HEX_16 HEX_16 "01234567", NULL },
		{ "none", NULL },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		build(f, rows[i].flag);
		expect(f, rows[i].wanted);
		forget_sections(f);
		expect(f, rows[i].wanted);
	}
}

/* The usual one is what binutils say, also when the file is stripped. */
static void test_sha1(void **state)
{
	struct fixture *f = *state;
	char *before, *after;

	build(f, "sha1");
	before = read_id(f);
	assert_non_null(before);
	assert_int_equal(strlen(before), 40);
	run(f, "strip lib.so && readelf -n lib.so | sed -n 's/.*Build ID: //p' >id");
	after = read_id(f);
	assert_string_equal(before, after);
	{
		_cleanup_(util__freep) char *command = xasprintf("test \"$(cat id)\" = %s", after);

		run(f, command);
	}
	free(before);
	free(after);
}

/* Other people's notes, and lengths that lead outside, are none; what is behind them counts. */
static void test_hostile(void **state)
{
#define NOTE(name_size, size, type, rest)                                    \
	"printf '\\" #name_size "\\0\\0\\0" size "\\" #type "\\0\\0\\0" rest \
	"' >note && objcopy --update-section .note.gnu.build-id=note lib.so"
	static const struct {
		const char *command, *wanted;
	} rows[] = {
		{ NOTE(4, "\\4\\0\\0\\0", 3, "GNU\\0abcd"), "61626364" },
		{ NOTE(4, "\\4\\0\\0\\0", 3, "XNU\\0abcd"), NULL },
		{ NOTE(4, "\\4\\0\\0\\0", 1, "GNU\\0abcd"), NULL },
		{ NOTE(3, "\\4\\0\\0\\0", 3, "GNU\\0abcd"), NULL },
		{ NOTE(4, "\\0\\0\\0\\0", 3, "GNU\\0"), NULL },
		{ NOTE(4, "\\5\\0\\0\\0", 3, "GNU\\0abcd"), NULL },
		{ NOTE(4, "\\377\\377\\377\\377", 3, "GNU\\0abcd"), NULL },
		{ NOTE(4, "\\4\\0\\0\\0", 1,
		       "GNU\\0abcd\\4\\0\\0\\0\\4\\0\\0\\0\\3\\0\\0\\0GNU\\0zyxw"),
		  "7a797877" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		build(f, "sha1");
		run(f, rows[i].command);
		expect(f, rows[i].wanted);
	}
}

/* The kernel's own library, which is in no file, has one too. */
static void test_image(void **state)
{
	struct proc *proc = proc__new("/proc");
	struct symbols *symbols = symbols__new(proc);
	const struct mapping *vdso = NULL;
	struct elf_file *file;
	struct maps *maps;

	(void)state;
	assert_int_equal(proc__maps(proc, getpid(), &maps), 0);
	for (size_t i = 0; i < maps->n && !vdso; i++)
		if (!strcmp(maps->items[i].path, "[vdso]"))
			vdso = &maps->items[i];
	assert_non_null(vdso);
	file = symbols__file(symbols, getpid(), vdso);
	assert_non_null(file);
	assert_non_null(elf_file__build_id(file));
	assert_int_equal(strlen(elf_file__build_id(file)), 40);
	maps__free(maps);
	symbols__free(symbols);
	proc__free(proc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lengths),
		TEST(test_sha1),
		TEST(test_hostile),
		TEST(test_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
