// SPDX-License-Identifier: GPL-2.0-only
/* Places for probes in functions written out here: a block for each rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../user/entry_point.h"
#include "../../user/uprobe_x86_64.h"
#include "../../user/util.h"

#define BASE 0x401000

/* A function at BASE, then the code around it. */
struct piece {
	uint8_t *bytes; /* ends where the memory does: the sanitizer sees a read too far */
	size_t size;
};

static size_t read_piece(void *context, uint64_t vaddr, const uint8_t **ret)
{
	const struct piece *p = context;

	if (vaddr < BASE || vaddr - BASE >= p->size)
		return 0;
	*ret = p->bytes + (vaddr - BASE);
	return p->size - (vaddr - BASE);
}

static struct piece piece_of(const char *hex)
{
	struct piece p = { .bytes = xcalloc(1, strlen(hex) / 3 + 1) };
	char *end;

	for (; *hex; hex = end + strspn(end, " "))
		p.bytes[p.size++] = (uint8_t)strtoul(hex, &end, 16);
	p.bytes = xrealloc(p.bytes, p.size, 1);
	return p;
}

/* size: of the function; 0: all of the bytes. */
static struct entry_point find_sized(const char *hex, uint64_t size, unsigned int args)
{
	struct piece p = piece_of(hex);
	const struct code_reader reader = { .read = read_piece, .context = &p };
	struct entry_point e = entry_point__find(&reader, BASE, size ? size : p.size, args);

	free(p.bytes);
	return e;
}

static struct entry_point find(const char *hex, unsigned int args)
{
	return find_sized(hex, 0, args);
}

static void assert_cheap(const char *hex, uint32_t offset)
{
	struct entry_point e = find(hex, 1);

	if (!e.emulated || e.offset != offset || e.refused || e.tried)
		fail_msg("%s: +%u %s", hex, e.offset, e.emulated ? "cheap" : "dear");
}

static void assert_dear(const char *hex)
{
	struct entry_point e = find(hex, 1);

	if (e.emulated || e.offset != 0)
		fail_msg("%s: +%u %s", hex, e.offset, e.emulated ? "cheap" : "dear");
}

/* Each kind of instruction that the kernel emulates, as the first one and behind another. */
static void test_emulated(void **state)
{
	static const char *const kinds[] = {
		"50",
		"57",
		"41 50",
		"41 57",
		"90",
		"eb 00",
		"e9 00 00 00 00",
		"70 00",
		"7f 00",
		"0f 80 00 00 00 00",
		"0f 8f 00 00 00 00",
		"e8 00 00 00 00",
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		_cleanup_(util__freep) char *first = xasprintf("%s 90 c3", kinds[i]);
		_cleanup_(util__freep) char *second = xasprintf("31 c0 %s 90 c3", kinds[i]);

		assert_cheap(first, 0);
		assert_cheap(second, 2);
	}
}

/* What looks like them is single-stepped, refused, or something else for some kernel. */
static void test_not_emulated(void **state)
{
	static const char *const kinds[] = {
		"66 50",
		"40 50",
		"48 50",
		"49 50",
		"66 41 50", /* push with other prefixes */
		"66 90",
		"f3 90",
		"41 90",
		"f3 41 90", /* pause, and an xchg that ends with 90 */
		"2e 74 00",
		"3e 74 00",
		"f2 eb 00",
		"f2 e9 00 00 00 00",
		"48 e8 00 00 00 00",
		"e2 00",
		"e3 00",
		"6a 00",
		"68 00 00 00 00",
		"0f 1f 00",
		"ff 25 00 00 00 00",
		"ff d0",
		"c3",
		"cc",
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		_cleanup_(util__freep) char *alone = xasprintf("%s c3", kinds[i]);

		assert_dear(alone);
	}
}

/* Instructions that leave arguments, lock and stack depth as they are known. */
static void test_walked_over(void **state)
{
	static const char *const kinds[] = {
		"f3 0f 1e fa",	  /* endbr64 */
		"48 8b 07",	  /* mov (%rdi),%rax */
		"8b 47 10",	  /* mov 16(%rdi),%eax */
		"48 89 f8",	  /* mov %rdi,%rax */
		"b8 01 00 00 00", /* mov $1,%eax */
		"be 01 00 00 00", /* mov $1,%esi: not needed */
		"31 c0",
		"85 c0",
		"83 e0 7c",
		"83 7f 30 02",
		"3d ff ff ff 7f",
		"a8 10",
		"64 8b 04 25 d0 02 00 00", /* mov %fs:720,%eax */
		"48 8d 47 08",		   /* lea 8(%rdi),%rax */
		"48 63 c7",
		"0f b6 07",
		"0f 94 c0",
		"48 0f 44 c1",
		"c1 e8 03",
		"f7 d8",
		"f6 07 01", /* testb $1,(%rdi) */
		"0f 1f 44 00 00",
		"66 0f 1f 44 00 00",
		"89 44 24 f8" /* mov %eax,-8(%rsp) */,
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		_cleanup_(util__freep) char *code = xasprintf("%s 74 00 c3", kinds[i]);

		assert_cheap(code, (uint32_t)(strlen(kinds[i]) + 1) / 3);
	}
}

/* Instructions behind which a place would be wrong, or nobody knows whether it would. */
static void test_not_walked_over(void **state)
{
	static const char *const kinds[] = {
		"48 89 c7",
		"8b 3f",
		"40 b7 01",
		"31 ff",
		"48 8b 7c 24 08", /* write rdi */
		"48 83 c7 08",
		"48 ff c7",
		"5f",
		"48 8d 7f 08",
		"48 87 f8",
		"97",
		"c7 07 01 00 00 00", /* movl $1,(%rdi) */
		"89 06",	     /* the lock may have another register too */
		"ff 07",
		"83 2f 01",
		"48 83 4f 08 01",
		"0f 94 07",
		"f0 ff 07", /* lock incl (%rdi) */
		"f0 0f b1 17",
		"87 07",
		"0f b1 17",
		"f0 0f c1 07",
		"c7 05 00 00 00 00 01 00 00 00", /* movl $1,0(%rip) */
		"64 89 04 24",			 /* mov %eax,%fs:(%rsp) */
		"aa",
		"a4",
		"f3 48 ab", /* write through rdi without an operand */
		"0f a2",
		"0f 31",
		"99",
		"f7 e1",
		"0f 05", /* registers that are not said */
		"48 89 c4",
		"48 83 e4 f0",
		"c9",
		"58",
		"48 83 c4 08", /* stack depth */
		"0f 29 07",
		"c5 f8 77",
		"f3 0f 1e c8",
		"06",
		"0f 04",
		"d4 0a", /* none at all */
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		_cleanup_(util__freep) char *code = xasprintf("%s 74 00 c3", kinds[i]);

		assert_dear(code);
	}
}

/* Only the registers that are asked for count. */
static void test_arguments(void **state)
{
	assert_true(find("31 f6 74 00 c3", 1).emulated); /* xor %esi,%esi */
	assert_false(find("31 f6 74 00 c3", 2).emulated);
	assert_true(find("31 d2 74 00 c3", 2).emulated); /* xor %edx,%edx */
	assert_false(find("31 d2 74 00 c3", 3).emulated);
	assert_false(find("31 ff 74 00 c3", 1).emulated);
	assert_true(find("31 ff 74 00 c3", 0).emulated);
	assert_int_equal(find("48 89 fb 56 c3", 2).offset, 3);
}

/* How deep the return address is, where the frame was made before the place. */
static void test_stack(void **state)
{
	struct entry_point e = find("48 83 ec 18 85 c0 74 00 c3", 1);

	assert_true(e.emulated);
	assert_int_equal(e.offset, 6);
	assert_int_equal(e.stack, 0x18);
	e = find("48 81 ec 00 10 00 00 48 8d 64 24 f8 74 00 c3", 1);
	assert_int_equal(e.stack, 0x1008);
	assert_int_equal(find("55 c3", 1).stack, 0);
}

/* A branch behind the start, up to the place: a call would pass it more than once, or never. */
static void test_loops(void **state)
{
	struct entry_point e;

	/* sem_trywait of glibc: mov; L: test; je; lea; lock cmpxchg; jne L; ret */
	assert_dear("48 8b 07 85 c0 74 0b 48 8d 50 ff f0 48 0f b1 17 75 f1 c3 c3 c3");
	/* The same with the loop's end at the place itself, and right behind it. */
	assert_dear("8b 07 85 c0 74 04 75 fc c3 c3 c3");
	assert_cheap("8b 07 85 c0 74 04 75 fe c3 c3 c3", 4);
	assert_cheap("8b 07 85 c0 74 04 75 00 c3 c3 c3", 4);
	/* A call into the middle of itself. */
	assert_dear("8b 07 85 c0 74 05 e8 f7 ff ff ff c3");
	/* Jumps by a table can lead anywhere; through one word they leave. */
	assert_dear("8b 07 85 c0 74 02 ff e0 c3");
	assert_cheap("8b 07 85 c0 74 06 ff 25 00 00 00 00 c3", 4);
	/* What can't be decoded may be a branch. */
	assert_dear("8b 07 85 c0 74 01 06 c3");
	/* The first instruction needs none of this. */
	assert_cheap("55 06 ff e0 c3", 0);
	/* To the start: each place would be passed again; that is said. */
	e = find("8b 07 85 c0 75 fa c3", 1);
	assert_true(e.emulated && e.again);
	e = find("85 c0 8b 07 75 fa c3", 1);
	assert_true(e.again && e.offset == 4);
	assert_false(find("8b 07 85 c0 75 00 c3", 1).again);
}

/* Parts of a function that stand elsewhere may come back to it. */
static void test_cold_parts(void **state)
{
	/* 8 bytes of function: mov; test; jne cold; nop; ret. cold: jmp to the test */
	static const char comes_back[] = "8b 07 85 c0 75 04 90 c3 cc cc eb f6";
	static const char stays[] = "8b 07 85 c0 75 04 90 c3 cc cc eb fa";
	/* A tail call is looked at like a cold part. What a function calls can't come back so. */
	static const char called[] = "8b 07 85 c0 75 00 e8 02 00 00 00 c3 cc eb f3";

	assert_false(find_sized(comes_back, 8, 1).emulated);
	assert_int_equal(find_sized(stays, 8, 1).offset, 4);
	assert_int_equal(find_sized(called, 12, 1).offset, 4);
	/* It leads out of what can be read, or its size is unknown. */
	assert_true(find_sized("31 c0 e9 00 10 00 00", 7, 1).emulated);
	{
		struct piece p = piece_of("31 c0 74 00 c3");
		const struct code_reader reader = { .read = read_piece, .context = &p };

		assert_false(entry_point__find(&reader, BASE, 0, 1).emulated);
		p.bytes[0] = 0x55;
		assert_true(entry_point__find(&reader, BASE, 0, 1).emulated);
		assert_false(entry_point__find(&reader, BASE - 64, 64, 1).emulated);
		free(p.bytes);
	}
}

/* The kernel takes no probe on a locked instruction. Behind a spin lock's try the flags tell. */
static void test_refused(void **state)
{
	/* glibc's: lock decl (%rdi); jne; xor; ret; pause; cmpl; jg to the start; jmp */
	struct entry_point e = find("f0 ff 0f 75 03 31 c0 c3 f3 90 83 3f 00 7f f1 eb f7", 1);

	assert_true(e.emulated && e.tried && e.again && !e.refused);
	assert_int_equal(e.offset, 3);
	assert_true(find("f0 ff 0e 75 00 c3", 1).refused);    /* (%rsi) */
	assert_true(find("f0 ff 4f 08 75 00 c3", 1).refused); /* 8(%rdi) */
	assert_true(find("f0 ff 0f 78 00 c3", 1).refused);    /* js */
	assert_true(find("f0 ff 07 75 00 c3", 1).refused);    /* lock incl */
	assert_true(find("f0 0f b1 17 c3", 1).refused);
	assert_true(find("66 2e 0f 1f 00 55 c3", 1).refused == false); /* then there is a push */
	assert_true(find("2e 8b 07 c3", 1).refused);
	assert_false(find("64 8b 07 c3", 1).refused);
	assert_false(find("8b 07 c3", 1).refused);
}

static void assert_ways(const char *hex, uint64_t size, bool always, size_t n, uint64_t first)
{
	struct piece p = piece_of(hex);
	const struct code_reader reader = { .read = read_piece, .context = &p };
	uint64_t ways[2] = { 0 };

	assert_int_equal(entry_point__ways_out(&reader, BASE, size, always, ways, 2), n);
	assert_int_equal(ways[0], first);
	free(p.bytes);
}

/* Who is called: all, each once and no more than fit; or the one that no condition stands before.
 */
static void test_ways_out(void **state)
{
	assert_ways("31 f6 eb 10", 4, true, 1, BASE + 0x14);			/* xor; jmp */
	assert_ways("48 83 ec 08 e8 10 00 00 00 c3", 10, true, 1, BASE + 0x19); /* sub; call */
	assert_ways("74 00 e9 10 00 00 00", 7, true, 0, 0);			/* a condition */
	assert_ways("74 10 c3", 3, true, 0, 0);
	assert_ways("eb 00 e9 10 00 00 00", 7, true, 0, 0); /* inside of itself */
	assert_ways("ff d0 e9 10 00 00 00", 7, true, 0, 0);
	assert_ways("c3 e9 10 00 00 00", 6, true, 0, 0);
	assert_ways("74 10 74 0e eb 0c e8 00 00 00 00 c3", 12, false, 1, BASE + 0x12);
	assert_ways("74 10 74 10 74 10", 6, false, 2, BASE + 0x12);
	assert_ways("06 74 10", 3, false, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_emulated),    cmocka_unit_test(test_not_emulated),
		cmocka_unit_test(test_walked_over), cmocka_unit_test(test_not_walked_over),
		cmocka_unit_test(test_arguments),   cmocka_unit_test(test_stack),
		cmocka_unit_test(test_loops),	    cmocka_unit_test(test_cold_parts),
		cmocka_unit_test(test_refused),	    cmocka_unit_test(test_ways_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
