// SPDX-License-Identifier: GPL-2.0-only
/* perf_map.c and perf_maps.c: the lines of JIT compilers, and who may be believed. */
#include "proc_tree.h"

#include <sys/time.h>
#include <time.h>

#include "../../user/perf_map.h"

static struct perf_map *parse(const char *text)
{
	return perf_map__parse(xstrdup(text), strlen(text));
}

static void expect(const struct perf_map *m, uint64_t address, const char *name)
{
	const char *got = perf_map__find(m, address);

	if (!got != !name || (got && strcmp(got, name) != 0))
		fail_msg("%lx: %s", address, got ? got : "none");
}

/* Regions end where they say, names are the rest of the line. */
static void test_lines(void **state)
{
	struct perf_map *m = parse("1000 10 first\n"
				   "0x2000 0X20 with blanks and: colons\n"
				   "3000 1 one byte\n"
				   "ffffffffffffff00 ff top\n"
				   "4000 10 not finished");

	(void)state;
	expect(m, 0xfff, NULL);
	expect(m, 0x1000, "first");
	expect(m, 0x100f, "first");
	expect(m, 0x1010, NULL);
	expect(m, 0x201f, "with blanks and: colons");
	expect(m, 0x3000, "one byte");
	expect(m, 0x3001, NULL);
	expect(m, 0xfffffffffffffffe, "top");
	expect(m, UINT64_MAX, NULL);
	expect(m, 0, NULL);
	expect(m, 0x4000, NULL);
	perf_map__free(m);
}

/* Lines that make no sense change nothing for the others. */
static void test_hostile_lines(void **state)
{
	static const char text[] = "\n \n1000\n1000 10\n1000 10 \n1000  10 two blanks\nxyz 10 a\n"
				   "1000 xyz b\n-1000 10 c\n1000 -10 d\n"
				   "10000000000000000 10 too many digits\n"
				   "ffffffffffffffff 10 wraps\n1000 ffffffffffffffff all\n"
				   "1000 0 empty\n0x 10 no digits\n5000 10 good\n\t\x01\xff\n";
	struct perf_map *m = parse(text);

	(void)state;
	expect(m, 0x1000, NULL);
	expect(m, UINT64_MAX, NULL);
	expect(m, 0x5000, "good");
	perf_map__free(m);
	/* A NUL in the middle of a line or of the file. */
	m = perf_map__parse(memcpy(xcalloc(1, 64), "10 10 a\0b\n\0\n30 10 c\n", 21), 21);
	expect(m, 0x10, "a");
	expect(m, 0x30, "c");
	perf_map__free(m);
	m = perf_map__parse(xcalloc(1, 1), 0);
	expect(m, 0, NULL);
	perf_map__free(m);
}

/* Code is replaced and its place used again: each address is what was written last. */
static void test_overlaps(void **state)
{
	struct perf_map *m = parse("1000 100 old\n"
				   "1040 20 inside\n"
				   "10f0 20 behind\n"
				   "2000 100 whole\n"
				   "1f00 300 replaced\n"
				   "3000 10 same\n"
				   "3000 10 same again\n"
				   "4000 10 short\n"
				   "4000 20 longer\n"
				   "5000 20 longer\n"
				   "5000 10 short\n");

	(void)state;
	expect(m, 0x103f, "old");
	expect(m, 0x1040, "inside");
	expect(m, 0x105f, "inside");
	expect(m, 0x1060, "old");
	expect(m, 0x10ef, "old");
	expect(m, 0x10f0, "behind");
	expect(m, 0x110f, "behind");
	expect(m, 0x1110, NULL);
	expect(m, 0x1f00, "replaced");
	expect(m, 0x2080, "replaced");
	expect(m, 0x21ff, "replaced");
	expect(m, 0x3008, "same again");
	expect(m, 0x4008, "longer");
	expect(m, 0x4018, "longer");
	expect(m, 0x5008, "short");
	expect(m, 0x5018, "longer");
	perf_map__free(m);
}

/* Many lines over each other, against the answer that looking at each of them gives. */
static void test_random_overlaps(void **state)
{
	enum { LINES = 300, SPACE = 1000 };
	unsigned int start[LINES], size[LINES], seed = 7;
	char text[LINES * 32], *s = text, name[16];

	(void)state;
	for (int i = 0; i < LINES; i++) {
		start[i] = rand_r(&seed) % SPACE;
		size[i] = 1 + rand_r(&seed) % (i % 7 ? 20 : 400);
		s += sprintf(s, "%x %x n%d\n", start[i], size[i], i);
	}
	for (int lines = 0; lines <= LINES; lines += 50) {
		struct perf_map *m;
		char *copy = xstrdup(text), *end = copy;

		for (int i = 0; i < lines; i++)
			end = strchr(end, '\n') + 1;
		m = perf_map__parse(copy, end - copy);
		for (unsigned int address = 0; address < SPACE + 500; address++) {
			int last = lines - 1;

			while (last >= 0 && address - start[last] >= size[last])
				last--;
			snprintf(name, sizeof(name), "n%d", last);
			expect(m, address, last < 0 ? NULL : name);
		}
		perf_map__free(m);
	}
}

/* A process 7 that calls itself 3 inside of its namespace, owned by uid. */
static void put_process(struct fixture *f, uid_t uid)
{
	char status[256];

	put(f, "7/stat", "7 (jit) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 0 0\n");
	snprintf(status, sizeof(status),
		 "Name:\tjit\nTgid:\t7\nNSpid:\t7\t5\t3\nUid:\t%u\t%u\t%u\t%u\n", uid, uid, uid,
		 uid);
	put(f, "7/status", status);
}

#define MAP "7/root/tmp/perf-3.map"

static void own(struct fixture *f, uid_t uid)
{
	_cleanup_(util__freep) char *path = xasprintf("%s/" MAP, f->root);

	assert_int_equal(chown(path, uid, uid), 0);
}

static const char *name_now(struct fixture *f, uint64_t address)
{
	static char copy[64];
	struct perf_maps *p = perf_maps__new(f->proc);
	const char *name = perf_maps__name(p, 7, address, 1);

	snprintf(copy, sizeof(copy), "%s", name ? name : "none");
	perf_maps__free(p);
	return copy;
}

/* By its number inside; only a file of its own or of root's is believed. */
static void test_owner(void **state)
{
	struct fixture *f = *state;

	put_process(f, 1000);
	put(f, "7/root/tmp/perf-7.map", "1000 10 number outside\n");
	assert_string_equal(name_now(f, 0x1000), "none");
	put(f, MAP, "1000 10 mine\n");
	own(f, 1000);
	assert_string_equal(name_now(f, 0x1000), "mine");
	own(f, 0);
	assert_string_equal(name_now(f, 0x1000), "mine");
	own(f, 1001);
	assert_string_equal(name_now(f, 0x1000), "none");
	put_process(f, 0);
	assert_string_equal(name_now(f, 0x1000), "none");
}

/* Links, FIFOs and directories in its place are left alone: none is opened, nothing hangs. */
static void test_no_file(void **state)
{
	struct fixture *f = *state;
	_cleanup_(util__freep) char *path = xasprintf("%s/" MAP, f->root);
	_cleanup_(util__freep) char *real = xasprintf("%s/7/root/tmp/real", f->root);

	put_process(f, 0);
	assert_string_equal(name_now(f, 0x1000), "none");
	put(f, "7/root/tmp/real", "1000 10 linked\n");
	assert_int_equal(symlink("real", path), 0);
	assert_string_equal(name_now(f, 0x1000), "none");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_string_equal(name_now(f, 0x1000), "none");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_string_equal(name_now(f, 0x1000), "none");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(link(real, path), 0);
	assert_string_equal(name_now(f, 0x1000), "linked");
	/* too large: it has a hole of a gigabyte */
	assert_int_equal(truncate(real, 1 << 30), 0);
	assert_string_equal(name_now(f, 0x1000), "none");
}

/* Read again when it has changed, once a second at most; what a process had stays after its end. */
static void test_again(void **state)
{
	struct fixture *f = *state;
	_cleanup_(util__freep) char *end = xasprintf("rm -r '%s/7'", f->root);
	struct perf_maps *p = perf_maps__new(f->proc);
	uint64_t now = NSEC_PER_SEC;

	put_process(f, 0);
	put(f, MAP, "1000 10 first\n");
	assert_string_equal(perf_maps__name(p, 7, 0x1000, now), "first");
	put(f, MAP, "1000 10 first\n1000 10 second\n");
	assert_string_equal(perf_maps__name(p, 7, 0x1000, now + 1000), "first");
	now += 60 * NSEC_PER_SEC;
	assert_string_equal(perf_maps__name(p, 7, 0x1000, now), "second");
	assert_null(perf_maps__name(p, 7, 0x1010, now));
	assert_int_equal(system(end), 0);
	now += 60 * NSEC_PER_SEC;
	assert_string_equal(perf_maps__name(p, 7, 0x1000, now), "second");
	/* another process of that number, without a map */
	put_process(f, 0);
	put(f, "7/root/tmp/other", "");
	now += 60 * NSEC_PER_SEC;
	assert_null(perf_maps__name(p, 7, 0x1000, now));
	perf_maps__free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_hostile_lines),
		cmocka_unit_test(test_overlaps),
		cmocka_unit_test(test_random_overlaps),
		TEST(test_owner),
		TEST(test_no_file),
		TEST(test_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
