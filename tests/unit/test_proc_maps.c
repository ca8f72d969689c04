// SPDX-License-Identifier: GPL-2.0-only
/* proc_maps.c over made-up /proc trees: lines of maps, and the files behind them. */
#include <errno.h>
#include <sys/sysmacros.h>

#include "proc_tree.h"

/* Every column, and paths that hold blanks, newlines, escapes and what looks like a suffix. */
static void test_maps(void **state)
{
	static const char text[] =
		"55d0c0000000-55d0c0001000 r--p 00000000 fe:01 131 /usr/bin/a b\n"
		"55d0c0001000-55d0c0003000 r-xp 00001000 fe:01 131 /usr/bin/a b\n"
		"55d0c0003000-55d0c0004000 rw-s 00003000 103:00 18446744073709551615    /x "
		"(deleted)\n"
		"7f0000000000-7f0000001000 rw-p 00000000 00:00 0 \n"
		"7f0000001000-7f0000002000 ---p 00000000 00:00 0\n"
		"7f0000002000-7f0000003000 r--p 00000000 00:05 9   /new\\012line\\134 (deleted) "
		"(deleted)\n"
		"7f0000003000-7f0000004000 r-xp 00000000 00:00 0   [vdso]\n"
		"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0   [vsyscall]\n";
	struct fixture *f = *state;
	struct maps *maps;
	const struct mapping *m;

	put(f, "43/maps", text);
	assert_int_equal(proc__maps(f->proc, 43, &maps), 0);
	assert_int_equal(maps->n, 8);
	m = maps->items;
	assert_true(m[0].start == 0x55d0c0000000 && m[0].end == 0x55d0c0001000);
	assert_string_equal(m[0].path, "/usr/bin/a b");
	assert_true(!m[0].exec && !m[0].write && !m[0].shared);
	assert_true(m[1].exec && m[1].offset == 0x1000 && m[1].inode == 131);
	assert_true(m[1].dev_major == 0xfe && m[1].dev_minor == 1);
	assert_true(m[2].write && m[2].shared && m[2].dev_major == 0x103);
	assert_true(m[2].inode == UINT64_MAX);
	assert_string_equal(m[2].path, "/x");
	assert_string_equal(m[3].path, "");
	assert_string_equal(m[4].path, "");
	assert_string_equal(m[5].path, "/new\nline\\134 (deleted)");
	assert_string_equal(m[6].path, "[vdso]");
	assert_ptr_equal(maps__find(maps, 0x55d0c0001000), &m[1]);
	assert_ptr_equal(maps__find(maps, 0x55d0c0002fff), &m[1]);
	assert_ptr_equal(maps__find(maps, 0xffffffffff600000), &m[7]);
	assert_null(maps__find(maps, 0x55d0c0004000));
	assert_null(maps__find(maps, 0));
	assert_null(maps__find(maps, UINT64_MAX));
	maps__free(maps);
}

/* Senseless and cut lines are passed over; what overlaps the line before too. */
static void test_maps_damaged(void **state)
{
	static const char *const lines[] = {
		"",
		"x",
		"1000",
		"1000-",
		"1000-2000",
		"1000-2000 ",
		"1000-2000 r",
		"1000-2000 r-xp",
		"1000-2000 r-xp 0",
		"1000-2000 r-xp 0 0:0",
		"1000-2000 r-xp 0 0:0 ",
		"2000-1000 r-xp 0 0:0 0",
		"1000-1000 r-xp 0 0:0 0",
		"1000-2000 r-xp 0 0:0 1x",
		"1000-2000 r-xp 0 0:0 1:/a",
		"11111111111111111-22222222222222222 r-xp 0 0:0 0",
		"1000-2000 r-xp 0 100000000:0 0",
		"g000-h000 r-xp 0 0:0 0",
		"-1000-2000 r-xp 0 0:0 0",
		"1000-2000 rwxpp 0 0:0 0",
	};
	struct fixture *f = *state;
	struct maps *maps;

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_cleanup_(util__freep) char *text =
			xasprintf("%s\n9000-a000 r-xp 0 0:0 5 /ok\n%s", lines[i], lines[i]);

		put(f, "43/maps", text);
		assert_int_equal(proc__maps(f->proc, 43, &maps), 0);
		if (maps->n != 1)
			fail_msg("%zu mappings for \"%s\"", maps->n, lines[i]);
		assert_string_equal(maps->items[0].path, "/ok");
		maps__free(maps);
	}
	put_bytes(f, "43/maps", "1000-2000 r-xp 0 0:0 5 /a\0b\n3000-4000 r-xp 0 0:0 5 /c\n", 52);
	assert_int_equal(proc__maps(f->proc, 43, &maps), 0);
	assert_int_equal(maps->n, 2);
	maps__free(maps);
	put(f, "43/maps", "1000-3000 r-xp 0 0:0 5 /a\n2000-4000 r-xp 0 0:0 5 /b\n");
	assert_int_equal(proc__maps(f->proc, 43, &maps), 0);
	assert_int_equal(maps->n, 1);
	maps__free(maps);
	put(f, "43/maps", "");
	assert_int_equal(proc__maps(f->proc, 43, &maps), 0);
	assert_int_equal(maps->n, 0);
	assert_null(maps__find(maps, 1));
	maps__free(maps);
	assert_int_equal(proc__maps(f->proc, 44, &maps), -ESRCH);
}

/* Ten thousand lines (a Java or database process): all there, and in milliseconds. */
static void test_maps_many(void **state)
{
	enum { LINES = 10000 };
	struct fixture *f = *state;
	char *text = xcalloc(LINES, 96), *s = text;
	struct maps *maps;
	uint64_t begin;

	for (uint64_t i = 0; i < LINES; i++)
		s += sprintf(s, "%lx-%lx r-xp 00000000 fe:01 %lu      /usr/lib/lib%lu.so\n",
			     0x7f0000000000 + i * 0x2000, 0x7f0000001000 + i * 0x2000, i + 1, i);
	put(f, "43/maps", text);
	free(text);
	begin = util__monotonic_ns();
	assert_int_equal(proc__maps(f->proc, 43, &maps), 0);
	print_message("%d mappings in %lu us\n", LINES, (util__monotonic_ns() - begin) / 1000);
	assert_true(util__monotonic_ns() - begin < NSEC_PER_SEC / 2);
	assert_int_equal(maps->n, LINES);
	assert_string_equal(maps__find(maps, 0x7f0000000000 + 0x2000 * 7777)->path,
			    "/usr/lib/lib7777.so");
	maps__free(maps);
}

static int read_link(struct fixture *f, const struct mapping *m, char *buf, size_t size)
{
	_cleanup_(util__closep) int fd = proc__open_mapped(f->proc, 43, m);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read(fd, buf, size - 1);
	assert_true(n >= 0);
	buf[n] = 0;
	return 0;
}

/* map_files first; root/PATH only while it is the same inode; never a FIFO, which would block. */
static void test_open_mapped(void **state)
{
	struct fixture *f = *state;
	_cleanup_(util__freep) char *file = xasprintf("%s/43/root/lib", f->root);
	_cleanup_(util__freep) char *fifo = xasprintf("%s/43/root/fifo", f->root);
	_cleanup_(util__freep) char *link = xasprintf("%s/43/map_files/1000-2000", f->root);
	_cleanup_(util__freep) char *other = xasprintf("%s/other", f->root);
	struct mapping m = { .start = 0x1000, .end = 0x2000, .path = "/lib" };
	struct stat st;
	char buf[16];

	put(f, "43/root/lib", "by path");
	put(f, "other", "by link");
	assert_int_equal(stat(file, &st), 0);
	m.inode = st.st_ino;
	m.dev_major = 0x7777;
	assert_int_equal(read_link(f, &m, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "by path");

	m.inode++;
	assert_int_equal(read_link(f, &m, buf, sizeof(buf)), -ESTALE);

	put(f, "43/map_files/x", "");
	assert_int_equal(symlink(other, link), 0);
	assert_int_equal(stat(other, &st), 0);
	m.inode = st.st_ino;
	assert_int_equal(read_link(f, &m, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "by link");
	/* Another inode number, but the link's own path is the mapping's. */
	m.inode = st.st_ino + 1000000;
	m.path = other;
	assert_int_equal(read_link(f, &m, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "by link");

	assert_int_equal(unlink(link), 0);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(stat(fifo, &st), 0);
	m.inode = st.st_ino;
	m.path = "/fifo";
	assert_int_equal(read_link(f, &m, buf, sizeof(buf)), -ENOEXEC);
	m.path = "[heap]";
	assert_int_equal(read_link(f, &m, buf, sizeof(buf)), -ENOENT);
	m.path = "";
	assert_int_equal(read_link(f, &m, buf, sizeof(buf)), -ENOENT);
}

/* Of a process that has ended, by the path itself, and only the very file. */
static void test_open_mapped_ended(void **state)
{
	struct fixture *f = *state;
	_cleanup_(util__freep) char *file = xasprintf("%s/lib", f->root);
	struct mapping m = { .start = 0x1000, .end = 0x2000, .path = file };
	struct stat st;
	char buf[16];

	put(f, "lib", "here");
	assert_int_equal(stat(file, &st), 0);
	m.inode = st.st_ino;
	m.dev_major = major(st.st_dev);
	m.dev_minor = minor(st.st_dev);
	assert_int_equal(read_link(f, &m, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "here");
	m.dev_minor++;
	assert_int_equal(read_link(f, &m, buf, sizeof(buf)), -ENOENT);
	m.dev_minor--;
	m.inode++;
	assert_int_equal(read_link(f, &m, buf, sizeof(buf)), -ENOENT);
	m.path = "/no/such/file";
	assert_int_equal(read_link(f, &m, buf, sizeof(buf)), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_maps),	TEST(test_maps_damaged),      TEST(test_maps_many),
		TEST(test_open_mapped), TEST(test_open_mapped_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
