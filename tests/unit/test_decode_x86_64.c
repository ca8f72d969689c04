// SPDX-License-Identifier: GPL-2.0-only
/* Lengths and effects of instructions, as objdump and the manual have them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../user/decode_x86_64.h"
#include "../../user/util.h"

/* Decodes from memory that ends where the bytes do, so that the sanitizer sees a read too far. */
static int decode(const char *hex, struct insn *ret)
{
	_cleanup_(util__freep) uint8_t *exact = NULL;
	uint8_t bytes[32];
	size_t n = 0;
	char *end;

	for (; *hex; hex = end + strspn(end, " "))
		bytes[n++] = (uint8_t)strtoul(hex, &end, 16);
	exact = xcalloc(1, n);
	memcpy(exact, bytes, n);
	return decode__insn(exact, n, ret);
}

static size_t bytes_of(const char *hex)
{
	return (strlen(hex) + 1) / 3;
}

/* clang-format off */
static const char *const whole[] = {
	/* one-byte map: each kind of operand */
	"00 00", "01 44 24 08", "03 84 24 00 01 00 00", "04 7f", "05 78 56 34 12", "66 05 34 12",
	"48 05 78 56 34 12", "48 63 f8", "68 00 01 00 00", "66 68 00 01", "69 c0 10 27 00 00", "66 69 c0 10 27",
	"6a 00", "48 6b c0 38", "a4", "f3 48 ab", "84 c0", "48 87 07", "90", "f3 90", "66 90", "48 98", "9b", "9c",
	"a1 11 22 33 44 55 66 77 88", "67 a1 11 22 33 44", "a8 01", "a9 00 00 00 80", "b0 01", "b8 01 00 00 00",
	"66 b8 01 00", "49 b8 01 01 01 01 01 01 01 01", "c1 e0 02", "48 d1 f8", "c6 00 01", "66 c7 00 01 00",
	"c7 05 78 56 34 12 01 00 00 00", "48 c7 c1 00 10 40 00", "cd 80", "d9 7c 24 08", "db 2d 00 00 00 00",
	"e4 10", "f0 ff 08", "f6 c1 08", "f6 d1", "f7 c1 00 01 00 00", "66 f7 c1 00 01", "f7 d8", "fe c0", "ff c0",
	/* ModRM and SIB: no base, no index, rip, each displacement */
	"8b 04 25 28 00 00 00", "64 48 8b 04 25 28 00 00 00", "8b 45 00", "8b 04 24", "8b 04 8d 00 00 00 00",
	"8b 44 8d 00", "8b 05 13 40 00 00", "42 8b 04 a5 00 00 00 00", "43 8b 44 65 00", "49 8b 45 00",
	"41 8b 04 24", "67 8b 00", "67 8d 44 24 08",
	/* 0f, 0f 38, 0f 3a */
	"0f 05", "0f 0b", "0f 1f 00", "66 2e 0f 1f 84 00 00 00 00 00", "66 66 2e 0f 1f 84 00 00 00 00 00",
	"f3 0f 1e fa", "0f 28 04 24", "f2 0f 2a c0", "0f 44 c2", "66 0f 6f 05 00 00 00 00", "66 0f 70 c0 e0",
	"66 0f 73 d8 08", "0f 77", "0f 95 c3", "0f a2", "0f a4 c2 10", "0f ae f0", "0f af c1",
	"f0 48 0f b1 57 10", "f3 0f b8 c0", "48 0f ba e0 3f", "f3 0f bc c0", "66 0f c5 c0 01", "0f c6 c0 00",
	"48 0f c7 0f", "0f c8", "66 0f d7 c0", "66 0f 38 00 c1", "f2 0f 38 f1 c0", "66 0f 3a 0f c1 08",
	"66 0f 3a 63 04 24 1a", "0f 22 04",
	/* VEX and EVEX: lengths with and without an immediate byte */
	"c5 f8 77", "c5 fd 6f 06", "c5 f9 70 c0 e0", "c5 fd 73 d8 08", "c4 e2 7d 58 c0", "c4 e3 7d 39 c1 01",
	"c4 e2 f3 f6 d0", "c4 e3 fb f0 c0 20", "c5 fb 92 c8", "c5 f8 ae 14 24", "62 f1 fe 48 6f 06",
	"62 f1 fe 48 6f 46 01", "62 f1 fe 48 6f 86 00 10 00 00", "62 f3 7d 48 25 c0 ff", "62 f2 7d 48 58 c0",
	"62 f1 7d 48 72 e0 08",
	/* the longest */
	"64 66 2e 81 84 24 00 01 00 00 78 56", "66 66 66 66 66 66 2e 0f 1f 84 00 00 00 00 00",
};

static const char *const refused[] = {
	"06", "27", "60", "82 c0 01", "9a 00 00 00 00 00 00", "ce", "d4 0a", "d6", "ea 00 00 00 00 00 00", /* not in 64 bits */
	"48 48 89 c7", "48 66 90", /* REX that is not the last prefix */
	"48 c5 f8 77", "66 c5 f8 77", "f0 c4 e2 7d 58 c0", /* VEX after a prefix that it replaces */
	"c4 e9 7d 58 c0", "62 f4 7d 48 58 c0", "62 f9 7d 48 58 c0", "62 f1 79 48 6f c0", "c5 f8 05",
	"8f e8 78 c2 c0 01", "c6 f8 ff", "c7 f8 00 00 00 00", "fe d0", "ff ff", "ff d8", "0f 04", "0f 0f c0 0d",
	"0f 24 c0", "0f b8 c0", "66 0f 78 c0 01 02", "66 e8 00 00 00 00", "66 0f 84 00 00 00 00", "66 ff d0",
	"66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 90", /* too long */
};
/* clang-format on */

/* Each has the length it is written with, and with a byte less it is said to be cut off. */
static void test_lengths(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(whole); i++) {
		size_t n = bytes_of(whole[i]);
		char cut[64];
		struct insn insn;

		if (decode(whole[i], &insn) != 0 || insn.length != n)
			fail_msg("%s", whole[i]);
		for (size_t less = 1; less < n; less++) {
			snprintf(cut, sizeof(cut), "%.*s", (int)(3 * (n - less) - 1), whole[i]);
			if (decode(cut, &insn) != -ENODATA)
				fail_msg("%s of %s", cut, whole[i]);
		}
	}
}

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct insn insn = { .length = 77 };

		if (decode(refused[i], &insn) != -EILSEQ || insn.length != 77)
			fail_msg("%s", refused[i]);
	}
}

enum { RBP = X86_RBP, RSP = X86_RSP, NONE = X86_NONE };

/* What becomes of the stack pointer, and which register is read from where. */
static const struct {
	const char *hex;
	struct insn_place sp;
	uint8_t loaded;
	struct insn_place from;
	uint16_t written;
} effects[] = {
	{ "53", { RSP, -8 }, NONE, { 0 }, 0 },		 /* push %rbx */
	{ "41 54", { RSP, -8 }, NONE, { 0 }, 0 },	 /* push %r12 */
	{ "6a 00", { RSP, -8 }, NONE, { 0 }, 0 },	 /* push $0 */
	{ "ff 30", { RSP, -8 }, NONE, { 0 }, 0 },	 /* push (%rax) */
	{ "66 50", { NONE, 0 }, NONE, { 0 }, 0 },	 /* push %ax */
	{ "5d", { RSP, 8 }, RBP, { RSP, 0 }, 0 },	 /* pop %rbp */
	{ "41 5f", { RSP, 8 }, 15, { RSP, 0 }, 0 },	 /* pop %r15 */
	{ "5c", { NONE, 0 }, NONE, { 0 }, 0 },		 /* pop %rsp */
	{ "8f 00", { RSP, 8 }, NONE, { 0 }, 0 },	 /* pop (%rax) */
	{ "48 83 c4 20", { RSP, 32 }, NONE, { 0 }, 0 },	 /* add $32,%rsp */
	{ "48 83 ec 80", { RSP, 128 }, NONE, { 0 }, 0 }, /* sub $-128,%rsp */
	{ "48 81 ec 00 10 00 00", { RSP, -4096 }, NONE, { 0 }, 0 },
	{ "48 83 e4 f0", { NONE, 0 }, NONE, { 0 }, 0 },		    /* and $-16,%rsp */
	{ "48 83 fc 20", { RSP, 0 }, NONE, { 0 }, 0 },		    /* cmp $32,%rsp */
	{ "48 29 c4", { NONE, 0 }, NONE, { 0 }, 0 },		    /* sub %rax,%rsp */
	{ "49 83 c4 20", { RSP, 0 }, NONE, { 0 }, 1 << 12 },	    /* add $32,%r12 */
	{ "48 8d 64 24 10", { RSP, 16 }, NONE, { 0 }, 0 },	    /* lea 16(%rsp),%rsp */
	{ "48 8d 65 d8", { RBP, -40 }, NONE, { 0 }, 0 },	    /* lea -40(%rbp),%rsp */
	{ "48 8d 24 04", { NONE, 0 }, NONE, { 0 }, 0 },		    /* lea (%rsp,%rax),%rsp */
	{ "49 8d 65 d8", { NONE, 0 }, NONE, { 0 }, 0 },		    /* lea -40(%r13),%rsp */
	{ "48 89 ec", { RBP, 0 }, NONE, { 0 }, 0 },		    /* mov %rbp,%rsp */
	{ "48 89 e5", { RSP, 0 }, NONE, { 0 }, 1 << RBP },	    /* mov %rsp,%rbp */
	{ "48 89 c4", { NONE, 0 }, NONE, { 0 }, 0 },		    /* mov %rax,%rsp */
	{ "48 8b 24 25 00 10 00 00", { NONE, 0 }, NONE, { 0 }, 0 }, /* mov 4096,%rsp */
	{ "48 87 e0", { NONE, 0 }, NONE, { 0 }, 1 },		    /* xchg %rsp,%rax */
	{ "c9", { RBP, 8 }, RBP, { RBP, 0 }, 0 },		    /* leave */
	{ "c8 10 00 00", { NONE, 0 }, NONE, { 0 }, 1 << RBP },	    /* enter */
	{ "48 8b 5c 24 08", { RSP, 0 }, 3, { RSP, 8 }, 0 },	    /* mov 8(%rsp),%rbx */
	{ "4c 8b 65 f8", { RSP, 0 }, 12, { RBP, -8 }, 0 },	    /* mov -8(%rbp),%r12 */
	{ "8b 5c 24 08", { RSP, 0 }, NONE, { 0 }, 1 << 3 },	    /* mov 8(%rsp),%ebx */
	{ "64 48 8b 1c 24", { RSP, 0 }, NONE, { 0 }, 1 << 3 },	    /* of another segment */
	{ "b7 01", { RSP, 0 }, NONE, { 0 }, 1 << 3 },		    /* mov $1,%bh */
	{ "40 b7 01", { RSP, 0 }, NONE, { 0 }, 1 << 7 },	    /* mov $1,%dil */
	{ "bd ca 00 00 00", { RSP, 0 }, NONE, { 0 }, 1 << RBP },    /* mov $202,%ebp */
	{ "49 0f 44 dc", { RSP, 0 }, NONE, { 0 }, 1 << 3 },	    /* cmove %r12,%rbx */
	{ "39 eb", { RSP, 0 }, NONE, { 0 }, 0 },		    /* cmp %ebp,%ebx */
	{ "85 db", { RSP, 0 }, NONE, { 0 }, 0 },		    /* test %ebx,%ebx */
	{ "0f a2", { RSP, 0 }, NONE, { 0 }, 1 << 3 },		    /* cpuid */
	{ "66 0f 6f e0", { RSP, 0 }, NONE, { 0 }, 0 },		    /* movdqa %xmm0,%xmm4 */
	{ "0f c7 f3", { RSP, 0 }, NONE, { 0 }, 1 << 3 },	    /* rdrand %ebx */
	{ "c3", { RSP, 0 }, NONE, { 0 }, 0 },
};

static void test_effects(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(effects); i++) {
		struct insn insn;

		if (decode(effects[i].hex, &insn) != 0 || insn.length != bytes_of(effects[i].hex) ||
		    insn.sp.base != effects[i].sp.base ||
		    (insn.sp.base != NONE && insn.sp.offset != effects[i].sp.offset) ||
		    insn.loaded != effects[i].loaded || insn.written != effects[i].written ||
		    (insn.loaded != NONE && (insn.from.base != effects[i].from.base ||
					     insn.from.offset != effects[i].from.offset)))
			fail_msg("%s", effects[i].hex);
	}
}

static const struct {
	const char *hex;
	enum insn_flow flow;
	int64_t target;
} flows[] = {
	{ "eb f9", FLOW_JUMP, -5 },
	{ "e9 77 ff ff ff", FLOW_JUMP, -132 },
	{ "3e e9 10 00 00 00", FLOW_JUMP, 22 },
	{ "75 0f", FLOW_BRANCH, 17 },
	{ "0f 84 e3 00 00 00", FLOW_BRANCH, 233 },
	{ "e3 02", FLOW_BRANCH, 4 },
	{ "e8 00 00 00 00", FLOW_CALL, 5 },
	{ "66 66 48 e8 00 00 00 80", FLOW_CALL, 8 - 0x80000000LL },
	{ "ff d3", FLOW_CALL_BY, 0 },
	{ "41 ff d1", FLOW_CALL_BY, 0 },
	{ "ff 15 00 10 00 00", FLOW_CALL_BY, 0 },
	{ "3e ff e0", FLOW_JUMP_BY, 0 },
	{ "ff 24 c5 00 00 00 00", FLOW_JUMP_BY, 0 },
	{ "f2 ff 25 00 10 00 00", FLOW_JUMP_VIA, 0 },
	{ "ff 67 10", FLOW_JUMP_VIA, 0 },
	{ "f3 c3", FLOW_RETURN, 0 },
	{ "f4", FLOW_STOP, 0 },
	{ "cc", FLOW_STOP, 0 },
	{ "0f 0b", FLOW_STOP, 0 },
	{ "0f b9 40 02", FLOW_STOP, 0 },
	{ "0f 05", FLOW_NEXT, 0 },
	{ "48 b8 ff ff ff ff ff ff ff 7f", FLOW_NEXT, 0 },
};

static void test_flows(void **state)
{
	struct insn insn;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(flows); i++) {
		if (decode(flows[i].hex, &insn) != 0 || insn.length != bytes_of(flows[i].hex) ||
		    insn.flow != flows[i].flow || insn.target != flows[i].target)
			fail_msg("%s", flows[i].hex);
	}
	assert_int_equal(decode("c2 10 00", &insn), 0);
	assert_int_equal(insn.flow, FLOW_RETURN);
	assert_int_equal(insn.popped, 16);
}

/* What a callee returned becomes the next argument, in each way that compilers write it. */
static void test_passes_on(void **state)
{
	static const char *const yes[] = { "89 c7", "48 89 c7", "48 63 f8", "8b f8", "48 8b f8" };
	static const char *const no[] = {
		"89 f8", "41 89 c7", "89 c6", "89 07", "66 89 c7", "31 ff"
	};
	struct insn insn;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		assert_int_equal(decode(yes[i], &insn), 0);
		assert_true(insn.passes_on);
	}
	for (size_t i = 0; i < ARRAY_SIZE(no); i++) {
		assert_int_equal(decode(no[i], &insn), 0);
		assert_false(insn.passes_on);
	}
}

/* Any bytes: no read past the end, no length past it, nothing written on an error. */
static void test_any_bytes(void **state)
{
	uint64_t seed = 0x6c6f636b;

	(void)state;
	for (int round = 0; round < 400000; round++) {
		size_t n = 1 + round % 16;
		uint8_t *bytes = xcalloc(1, n);
		struct insn insn = { .length = 99 };
		int r;

		for (size_t i = 0; i < n; i++) {
			seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
			bytes[i] = seed >> 56;
		}
		r = decode__insn(bytes, n, &insn);
		if (r == 0)
			assert_in_range(insn.length, 1, n < INSN_LENGTH_MAX ? n : INSN_LENGTH_MAX);
		else
			assert_int_equal(insn.length, 99);
		free(bytes);
	}
	assert_int_equal(decode__insn(NULL, 0, &(struct insn){ 0 }), -ENODATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lengths),	  cmocka_unit_test(test_refused),
		cmocka_unit_test(test_effects),	  cmocka_unit_test(test_flows),
		cmocka_unit_test(test_passes_on), cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
