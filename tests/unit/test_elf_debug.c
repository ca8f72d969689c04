// SPDX-License-Identifier: GPL-2.0-only
/*
 * elf_debug.c and elf_minidebug.c: a small library is stripped as distributions do, and its names
 * and lines are found again in what was taken from it, if that is where it belongs.
 */
#include "proc_tree.h"

#include <fcntl.h>
#include <sanitizer/lsan_interface.h>

#include "../../user/lines.h"

/* A function that is not exported, in line 2. */
static const char program[] = "volatile int out;\n"
			      "static __attribute__((noinline)) void hidden(int x) { out = x; }\n"
			      "static int variable = 3;\n"
			      "void visible(int x) { hidden(x + variable++); }\n";

/* Runs commands in the fixture's directory; "$r" is the root of process 7 there. */
static void run(struct fixture *f, const char *commands)
{
	_cleanup_(util__freep) char *line =
		xasprintf("cd '%s' && r=7/root && set -e && { %s; } >&2", f->root, commands);

	assert_int_equal(system(line), 0);
}

/* lib.so, complete, and lib.debug taken from it. */
static void build(struct fixture *f, const char *flags)
{
	_cleanup_(util__freep) char *command =
		xasprintf("mkdir -p $r/usr/lib/x $r/usr/lib/debug && "
			  "gcc -O1 -g -shared -fPIC %s in.c -o lib.so && "
			  "objcopy --only-keep-debug lib.so lib.debug",
			  flags);

	put(f, "in.c", program);
	run(f, command);
}

#define LIBRARY "/usr/lib/x/lib.so"

static struct elf_file *open_stripped(struct fixture *f, struct symbols *s, struct mapping *m)
{
	_cleanup_(util__freep) char *path = xasprintf("%s/7/root" LIBRARY, f->root);
	struct elf_file *file;
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	*m = (struct mapping){ .start = 0x1000, .end = 0x2000, .exec = true, .path = LIBRARY };
	m->inode = st.st_ino;
	file = symbols__file(s, 7, m);
	assert_non_null(file);
	return file;
}

static const struct symbol *find(const struct symbol_array *a, const char *name)
{
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->items[i].name, name) == 0)
			return &a->items[i];
	return NULL;
}

enum { NOTHING, NAMES, NAMES_AND_LINES };

/* What is known of the stripped library, which always says what it exports. Takes symbols over. */
static void expect_of(struct fixture *f, struct symbols *symbols, int known)
{
	struct lines *lines = lines__new(f->proc);
	const struct symbol *hidden, *visible;
	struct source_code code;
	struct elf_file *file;
	struct mapping m;

	file = open_stripped(f, symbols, &m);
	visible = find(&file->functions, "visible");
	hidden = find(&file->functions, "hidden");
	assert_non_null(visible);
	assert_true(visible->exported);
	assert_int_equal(hidden != NULL, known != NOTHING);
	if (hidden) {
		assert_false(hidden->exported);
		assert_ptr_equal(elf_file__symbol(file, hidden->address, false), hidden);
		assert_true(hidden->address != visible->address);
	}
	if (known == NAMES_AND_LINES) {
		assert_non_null(find(&file->objects, "variable"));
		assert_int_equal(lines__at(lines, 7, &m, file, hidden->address, &code), 0);
		assert_int_equal(code.n, 1);
		assert_string_equal(code.frames[0].function, "hidden");
		assert_int_equal(code.frames[0].line, 2);
		source_code__done(&code);
	} else {
		assert_int_equal(lines__at(lines, 7, &m, file, visible->address, &code), -ENOENT);
	}
	lines__free(lines);
	symbols__free(symbols);
}

static void expect(struct fixture *f, int known)
{
	expect_of(f, symbols__new(f->proc), known);
}

#define STRIP "objcopy --strip-all lib.so $r" LIBRARY
#define LINK  "objcopy --strip-all --add-gnu-debuglink=lib.debug lib.so $r" LIBRARY

/* By build id; not if the file there is of another build, or says nothing. */
static void test_build_id(void **state)
{
	struct fixture *f = *state;

	build(f, "-Wl,--build-id=0x0123456789abcdef01234567");
	run(f, STRIP);
	expect(f, NOTHING);
	run(f, "mkdir -p $r/usr/lib/debug/.build-id/01 && "
	       "cp lib.debug $r/usr/lib/debug/.build-id/01/23456789abcdef01234567.debug");
	expect(f, NAMES_AND_LINES);
	run(f, "cp $r" LIBRARY " $r/usr/lib/debug/.build-id/01/23456789abcdef01234567.debug");
	expect(f, NOTHING);
	build(f, "-Wl,--build-id=0x0123456789abcdef01234568");
	run(f, "cp lib.debug $r/usr/lib/debug/.build-id/01/23456789abcdef01234567.debug");
	expect(f, NOTHING);
	run(f, "rm -r $r/usr/lib/debug && mkdir -p $r/usr/lib/debug/.build-id/01 && "
	       "mkfifo $r/usr/lib/debug/.build-id/01/23456789abcdef01234567.debug");
	expect(f, NOTHING);
}

/* Symbolic links lead inside of the process's root, wherever they point to. */
static void test_inside(void **state)
{
	struct fixture *f = *state;

	build(f, "-Wl,--build-id=0x0123456789abcdef01234567");
	run(f, STRIP);
	run(f, "rm -r $r/usr/lib/debug && ln -s /opt/../../../debug $r/usr/lib/debug && "
	       "mkdir -p $r/debug/.build-id/01 $r/opt && "
	       "cp lib.debug $r/debug/.build-id/01/23456789abcdef01234567.debug");
	expect(f, NAMES_AND_LINES);
	/* Outside it is not found, though the link is right there. */
	run(f, "cp -r $r/debug . && rm -r $r/debug $r/usr/lib/debug && "
	       "ln -s \"$PWD/debug\" $r/usr/lib/debug");
	expect(f, NOTHING);
}

/* By .gnu_debuglink, in each of its places; with a build id, that decides. */
static void test_link(void **state)
{
	static const char *const places[] = { "/usr/lib/x", "/usr/lib/x/.debug",
					      "/usr/lib/debug/usr/lib/x" };
	static const char *const flags[] = { "-Wl,--build-id=none", "-Wl,--build-id" };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		build(f, flags[i]);
		run(f, LINK);
		expect(f, NOTHING);
		for (size_t j = 0; j < ARRAY_SIZE(places); j++) {
			_cleanup_(util__freep) char *put_there = xasprintf(
				"mkdir -p $r%s && cp lib.debug $r%s", places[j], places[j]);
			_cleanup_(util__freep) char *remove =
				xasprintf("rm $r%s/lib.debug", places[j]);

			run(f, put_there);
			expect(f, NAMES_AND_LINES);
			run(f, remove);
		}
	}
	/* A file of that name of another build: by its checksum, by its build id. */
	build(f, "-Wl,--build-id=none");
	run(f, LINK " && cp lib.debug $r/usr/lib/x && printf x >>$r/usr/lib/x/lib.debug");
	expect(f, NOTHING);
	build(f, "-Wl,--build-id=0x0123456789abcdef01234567");
	run(f, LINK);
	build(f, "-Wl,--build-id=0x0123456789abcdef01234568");
	run(f, "cp lib.debug $r/usr/lib/x");
	expect(f, NOTHING);
}

/* A link whose name is a path, is not ended, or has no checksum leads nowhere. */
static void test_hostile_link(void **state)
{
	static const char *const links[] = { "../x/lib.debug\\0\\0\\0\\0\\0\\0", "lib.debug", "",
					     "\\0\\0\\0\\0\\0\\0\\0\\0", "lib.debug\\0\\0\\0" };
	struct fixture *f = *state;

	build(f, "-Wl,--build-id");
	run(f, "cp lib.debug $r/usr/lib/x/");
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		_cleanup_(util__freep) char *command =
			xasprintf("printf '%s' >link && objcopy --strip-all --add-section "
				  ".gnu_debuglink=link lib.so $r" LIBRARY,
				  links[i]);

		run(f, command);
		expect(f, NOTHING);
	}
}

#define MINI                                                                       \
	"objcopy --only-keep-debug --strip-debug lib.so mini && xz -k -f mini && " \
	"objcopy --strip-all --add-section .gnu_debugdata=mini.xz lib.so $r" LIBRARY

/* The names packed into the file; not if they are cut, damaged or larger than they may be. */
static void test_mini(void **state)
{
	struct fixture *f = *state;

	build(f, "-Wl,--build-id=none");
	run(f, MINI);
	expect(f, NAMES);
	run(f, "truncate -s -20 mini.xz && objcopy --strip-all --add-section "
	       ".gnu_debugdata=mini.xz lib.so $r" LIBRARY);
	expect(f, NOTHING);
	run(f, "xz <lib.so | tail -c +40 >mini.xz && objcopy --strip-all --add-section "
	       ".gnu_debugdata=mini.xz lib.so $r" LIBRARY);
	expect(f, NOTHING);
	run(f, "{ cat mini; head -c 100M /dev/zero; } | xz -0 >mini.xz && objcopy --strip-all "
	       "--add-section .gnu_debugdata=mini.xz lib.so $r" LIBRARY);
	expect(f, NOTHING);
	run(f, "echo no ELF file | xz >mini.xz && objcopy --strip-all --add-section "
	       ".gnu_debugdata=mini.xz lib.so $r" LIBRARY);
	expect(f, NOTHING);
}

/* A file with all its names and lines needs no other, and does not care what another says. */
static void test_complete(void **state)
{
	struct fixture *f = *state;

	build(f, "-Wl,--build-id=0x0123456789abcdef01234567");
	run(f, "cp lib.so $r" LIBRARY);
	expect(f, NAMES_AND_LINES);
	run(f, "mkdir -p $r/usr/lib/debug/.build-id/01 && sed 's/hidden/hudden/g' lib.debug "
	       ">$r/usr/lib/debug/.build-id/01/23456789abcdef01234567.debug");
	expect(f, NAMES_AND_LINES);
	/* names of its own, lines elsewhere */
	run(f, "cp lib.debug $r/usr/lib/debug/.build-id/01/23456789abcdef01234567.debug && "
	       "strip --strip-debug lib.so -o $r" LIBRARY);
	expect(f, NAMES_AND_LINES);
}

/* A server, which may be a directory too, is asked only if it is named and the user wants it. */
static void test_debuginfod(void **state)
{
	struct fixture *f = *state;
	_cleanup_(util__freep) char *url = xasprintf("file://%s/server", f->root);
	_cleanup_(util__freep) char *cache = xasprintf("%s/cache", f->root);
	struct symbols *asked;

	build(f, "-Wl,--build-id=0x0123456789abcdef01234567");
	run(f, STRIP " && mkdir -p server/buildid/0123456789abcdef01234567 && "
		     "cp lib.debug server/buildid/0123456789abcdef01234567/debuginfo");
	assert_int_equal(setenv("DEBUGINFOD_CACHE_PATH", cache, 1), 0);
	unsetenv("DEBUGINFOD_URLS");
	asked = symbols__new(f->proc);
	symbols__use_debuginfod(asked, true);
	expect_of(f, asked, NOTHING);
	assert_int_equal(setenv("DEBUGINFOD_URLS", url, 1), 0);
	expect(f, NOTHING);
	asked = symbols__new(f->proc);
	symbols__use_debuginfod(asked, true);
	__lsan_disable(); /* libdebuginfod 0.188 forgets a buffer */
	expect_of(f, asked, NAMES_AND_LINES);
	__lsan_enable();
	unsetenv("DEBUGINFOD_URLS");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_build_id),	 TEST(test_inside), TEST(test_link),
		TEST(test_hostile_link), TEST(test_mini),   TEST(test_complete),
		TEST(test_debuginfod),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
