// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ways back by code alone: over small functions written out here, and over the C library, whose
 * call frame rules say what is right.
 */
#include <dlfcn.h>
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../user/decode_x86_64.h"
#include "../../user/elf_file.h"
#include "../../user/frames.h"
#include "../../user/step_code.h"
#include "../../user/util.h"

#define BASE 0x401000

/* A piece of code at BASE; reading it elsewhere fails. */
struct piece {
	const uint8_t *bytes;
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

static struct code_walker *walker;

static struct code_step walk(const uint8_t *bytes, size_t size, uint64_t end)
{
	struct piece piece = { .bytes = bytes, .size = size };
	const struct code_reader reader = { .read = read_piece, .context = &piece };
	struct code_step step;

	assert_true(code_walk__from(walker, &reader, BASE, end, &step));
	return step;
}
#define WALK(...) walk((const uint8_t[]){ __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ }), 0)

static void assert_way(const struct code_step *step, int32_t pc, uint8_t same, uint8_t restored)
{
	assert_int_equal(step->n, 1);
	assert_true(step->complete);
	assert_false(step->ways[0].pc.by_fp);
	assert_int_equal(step->ways[0].pc.offset, pc);
	assert_int_equal(step->ways[0].same, same);
	assert_int_equal(step->ways[0].restored, restored);
}

#define ALL 0x3f

/* Straight to the return: nothing moved, bytes freed, registers popped in order. */
static void test_straight(void **state)
{
	struct code_step step;

	(void)state;
	step = WALK(0x0f, 0x05, 0xc3); /* syscall; ret */
	assert_way(&step, 0, ALL, 0);
	/* add $0x20,%rsp; pop %rbx; pop %rbp; pop %r12; ret */
	step = WALK(0x48, 0x83, 0xc4, 0x20, 0x5b, 0x5d, 0x41, 0x5c, 0xc3);
	assert_way(&step, 0x38, ALL & ~7, 7);
	assert_int_equal(step.ways[0].saved[SAVED_RBX].offset, 0x20);
	assert_int_equal(step.ways[0].saved[SAVED_RBP].offset, 0x28);
	assert_int_equal(step.ways[0].saved[SAVED_R12].offset, 0x30);
	/* mov %eax,%ebx; ret: what rbx was is not known */
	step = WALK(0x89, 0xc3, 0xc3);
	assert_way(&step, 0, ALL & ~1, 0);
	/* leave; ret */
	step = WALK(0xc9, 0xc3);
	assert_int_equal(step.n, 1);
	assert_true(step.ways[0].pc.by_fp);
	assert_int_equal(step.ways[0].pc.offset, 8);
	assert_true(step.ways[0].saved[SAVED_RBP].by_fp);
	/* ret $16 */
	step = WALK(0xc2, 0x10, 0x00);
	assert_way(&step, 0, ALL, 0);
	assert_int_equal(step.ways[0].popped, 16);
}

/* Loops end, both sides of a branch are seen, a tail call through memory is a return. */
static void test_branches(void **state)
{
	struct code_step step;

	(void)state;
	/* 0: je 0; jne 6; jmp 0; 6: pop %rbx; ret */
	step = WALK(0x74, 0xfe, 0x75, 0x02, 0xeb, 0xfa, 0x5b, 0xc3);
	assert_way(&step, 8, ALL & ~1, 1);
	/* pop %rbx; jmp *0x1000(%rip) */
	step = WALK(0x5b, 0xff, 0x25, 0x00, 0x10, 0x00, 0x00);
	assert_way(&step, 8, ALL & ~1, 1);
	/* je 4; pop %rbx; ret; 4: ret: a depth on each side, as if after a call that never returns
	 */
	step = WALK(0x74, 0x02, 0x5b, 0xc3, 0xc3);
	assert_int_equal(step.n, 2);
	assert_int_equal(step.ways[0].pc.offset, 8);
	assert_int_equal(step.ways[1].pc.offset, 0);
	/* push %rbx; ret: an address made here is not one of a caller */
	step = WALK(0x53, 0xc3);
	assert_int_equal(step.n, 0);
}

/* A jump into another function, which saves and takes back what was restored before it. */
static void test_tail_call(void **state)
{
	/* pop %rbx; jmp 3; 3: push %rbx; push %rbp; mov %eax,%ebx; pop %rbp; pop %rbx; ret */
	struct code_step step = WALK(0x5b, 0xeb, 0x00, 0x53, 0x55, 0x89, 0xc3, 0x5d, 0x5b, 0xc3);

	(void)state;
	assert_way(&step, 8, ALL & ~1, 1);
	assert_int_equal(step.ways[0].saved[SAVED_RBX].offset, 0);
}

/* What can't be followed is no way, and said to be missing. */
static void test_lost(void **state)
{
	static const uint8_t pieces[][4] = {
		{ 0xff, 0xe0 },		    /* jmp *%rax */
		{ 0x48, 0x89, 0xc4, 0xc3 }, /* mov %rax,%rsp; ret */
		{ 0x06, 0xc3 },		    /* no instruction */
		{ 0xeb, 0x10 },		    /* out of the code */
		{ 0x90, 0x90, 0x90, 0x90 }, /* the same */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		struct code_step step = walk(pieces[i], sizeof(pieces[i]), 0);

		assert_int_equal(step.n, 0);
		assert_false(step.complete);
		assert_false(step.outermost);
	}
}

/* The bytes behind a call that never returns belong to something else. */
static void test_never_returns(void **state)
{
	struct code_step step;
	/* clang-format off */
	static const uint8_t code[] = {
		0x75, 0x05,			/* 0: jne 7 */
		0xe8, 0x09, 0x00, 0x00, 0x00,	/* 2: call 16 */
		0x48, 0x83, 0xc4, 0x08,		/* 7: add $8,%rsp */
		0xc3,				/* 11: ret */
		0xcc, 0xcc, 0xcc, 0xcc,
		0xe8, 0x0b, 0x00, 0x00, 0x00,	/* 16: call 32 */
		0x0f, 0x1f, 0x44, 0x00, 0x00,	/* 21: padding */
		0xc3,				/* 26: another function */
		0xcc, 0xcc, 0xcc, 0xcc, 0xcc,
		0x0f, 0x05, 0xeb, 0xfc,		/* 32: syscall; jmp 32 */
	};
	/* clang-format on */
	struct piece piece = { .bytes = code, .size = sizeof(code) };
	const struct code_reader reader = { .read = read_piece, .context = &piece };

	(void)state;
	step = walk(code, sizeof(code), 0);
	assert_way(&step, 8, ALL, 0);
	/* From a call of it on: no way at all, and this is no end of a thread. */
	assert_true(code_walk__from(walker, &reader, BASE + 16, 0, &step));
	assert_int_equal(step.n, 0);
	assert_true(step.complete);
	assert_false(step.outermost);
	/* Where it can't be looked into, the function's end tells the same. */
	step = walk((const uint8_t[]){ 0xff, 0xd0, 0xc3 }, 3, BASE + 2);
	assert_int_equal(step.n, 0);
}

/* What starts main() and threads: the result goes into something that never comes back. */
static void test_outermost(void **state)
{
	struct code_step step;

	(void)state;
	/* mov %eax,%edi; xor %eax,%eax; mov $60,%al; syscall; hlt: musl's clone */
	step = WALK(0x89, 0xc7, 0x31, 0xc0, 0xb0, 0x3c, 0x0f, 0x05, 0xf4);
	assert_int_equal(step.n, 0);
	assert_true(step.outermost);
	/* mov %rax,%rdi; call 8; 8: syscall; jmp 8 */
	step = WALK(0x48, 0x89, 0xc7, 0xe8, 0x01, 0x00, 0x00, 0x00, 0xc3, 0x0f, 0x05, 0xeb, 0xfc);
	assert_int_equal(step.n, 0);
	assert_true(step.outermost);
	/* the same without passing the result on */
	step = WALK(0x31, 0xff, 0xe8, 0x01, 0x00, 0x00, 0x00, 0xc3, 0x0f, 0x05, 0xeb, 0xfc);
	assert_int_equal(step.n, 0);
	assert_false(step.outermost);
	/* a function that does return */
	step = WALK(0x48, 0x89, 0xc7, 0xe8, 0x01, 0x00, 0x00, 0x00, 0xc3, 0xc3);
	assert_way(&step, 0, ALL, 0);
	assert_false(step.outermost);
}

/* A return address has a call before it, of any length. */
static void test_after_call(void **state)
{
	static const struct {
		uint8_t bytes[8];
		bool call;
	} cases[] = {
		{ { 0x90, 0x90, 0x90, 0xe8, 0, 0, 0, 0 }, true },
		{ { 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0xd0 }, true },
		{ { 0x90, 0x90, 0x90, 0x90, 0x90, 0x41, 0xff, 0xd1 }, true },
		{ { 0x90, 0x42, 0xff, 0x94, 0xa0, 0, 0, 0 }, false }, /* cut short */
		{ { 0x42, 0xff, 0x94, 0xa0, 0, 0, 0, 0 }, true },
		{ { 0x90, 0x90, 0x90, 0xe9, 0, 0, 0, 0 }, false },
		{ { 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0xe0 }, false },
		{ { 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0xc3 }, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct piece piece = { .bytes = cases[i].bytes, .size = sizeof(cases[i].bytes) };
		const struct code_reader reader = { .read = read_piece, .context = &piece };

		assert_int_equal(code_walk__after_call(&reader, BASE + 8), cases[i].call);
		assert_false(code_walk__after_call(&reader, BASE));
		assert_false(code_walk__after_call(&reader, 1));
	}
}

/* Random code, most of it branches, calls and stack changes: every walk ends. */
static void test_garbage(void **state)
{
	static const uint8_t often[] = {
		0x74, 0x75, 0xeb, 0xe8, 0x50, 0x5b, 0x5d, 0xc3, 0x90, 0xff
	};
	uint8_t code[4096];
	uint64_t seed = 0x746f70;

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct piece piece = { .bytes = code, .size = sizeof(code) };
		const struct code_reader reader = { .read = read_piece, .context = &piece };

		for (size_t i = 0; i < sizeof(code); i++) {
			seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
			code[i] = seed >> 63 ? often[(seed >> 40) % sizeof(often)] : seed >> 56;
			if (seed >> 33 & 1)
				code[i] &= seed >> 48;
		}
		for (size_t at = 0; at < sizeof(code); at += 97) {
			struct code_step step;

			code_walk__from(walker, &reader, BASE + at, 0, &step);
			assert_true(step.n <= CODE_WAYS_MAX);
			code_walk__after_call(&reader, BASE + at);
		}
	}
}

/* The offset of the caller's frame from the stack pointer by the rules; false if it is not that. */
static bool by_rules(Dwarf_Frame *frame, int64_t *ret)
{
	Dwarf_Op *ops;
	size_t n;

	if (dwarf_frame_cfa(frame, &ops, &n) != 0 || n != 1 || ops[0].atom != 0x92 /* bregx */ ||
	    ops[0].number != 7)
		return false;
	*ret = ops[0].number2;
	return true;
}

struct tally {
	size_t calls, right, several, none, wrong, wrong_saved;
};

/* Where the rules say a register was saved, or 1: unchanged, 0: neither. */
static int64_t saved_by_rules(Dwarf_Frame *frame, unsigned int reg)
{
	Dwarf_Op memory[3], *ops;
	size_t n;

	if (dwarf_frame_register(frame, reg, memory, &ops, &n) != 0)
		return 0;
	if (n == 0)
		return ops == NULL;
	if (n == 2 && ops[0].atom == 0x9c /* call_frame_cfa */ && ops[1].atom == 0x23 /* plus */)
		return (int64_t)ops[1].number;
	return 0;
}

static void compare_registers(const struct code_way *way, Dwarf_Frame *frame, int64_t cfa,
			      struct tally *tally)
{
	for (unsigned int i = 0; i < SAVED_COUNT; i++) {
		int64_t rule = saved_by_rules(frame, saved_dwarf_numbers[i]);
		bool same = way->same & 1u << i, restored = way->restored & 1u << i;

		if ((same && rule < 0) ||
		    (restored && rule < 0 && way->saved[i].offset != cfa + rule))
			tally->wrong_saved++;
	}
}

/* Steps over instructions up to behind a call. The library is mapped here as in its file. */
static bool next_call(struct code_location *where)
{
	const struct mapping *m = where->mapping;
	uint64_t base;
	struct insn insn = { 0 };

	if (!elf_file__vaddr(where->file, m, m->start, &base))
		return false;
	while (where->vaddr - base < m->end - m->start &&
	       decode__insn((const uint8_t *)(m->start + (where->vaddr - base)),
			    m->end - m->start - (where->vaddr - base), &insn) == 0) {
		where->vaddr += insn.length;
		if (insn.flow == FLOW_CALL || insn.flow == FLOW_CALL_BY)
			return true;
	}
	return false;
}

static void compare(struct step_code *c, const struct code_location *where, struct tally *tally)
{
	const struct code_step *step = step_code__at(c, where);
	Dwarf_Frame *frame =
		frames__at(symbols__frames(where->symbols), where->file, where->vaddr - 1)->frame;
	int64_t cfa;
	bool among = false;

	assert_true(step_code__after_call(c, where));
	if (!step || !frame || !by_rules(frame, &cfa))
		return;
	tally->calls++;
	for (unsigned int i = 0; i < step->n; i++) {
		bool right = !step->ways[i].pc.by_fp && step->ways[i].pc.offset + 8 == cfa;

		among |= right;
		if (right && step->n == 1)
			compare_registers(&step->ways[i], frame, cfa, tally);
	}
	tally->right += among && step->n == 1;
	tally->several += among && step->n > 1;
	tally->none += step->n == 0;
	tally->wrong += !among && step->n > 0;
}

/*
 * Behind each call in the C library: the way by code is the way by rules. Calls that never return
 * have none, and some of them hide it behind too much code.
 */
static void test_library(void **state)
{
	struct proc *proc = proc__new("/proc");
	struct symbols *symbols = symbols__new(proc);
	struct step_code *c = symbols__step_code(symbols);
	struct code_location where = { .symbols = symbols, .pid = getpid() };
	struct tally tally = { 0 };
	struct maps *maps;

	(void)state;
	assert_int_equal(proc__maps(proc, getpid(), &maps), 0);
	where.mapping = maps__find(maps, (uintptr_t)dlsym(RTLD_DEFAULT, "gnu_get_libc_version"));
	assert_non_null(where.mapping);
	where.file = symbols__file(symbols, getpid(), where.mapping);
	assert_non_null(where.file);
	for (size_t i = 0; i < where.file->functions.n; i++) {
		const struct symbol *f = &where.file->functions.items[i];

		where.vaddr = f->address;
		while (where.vaddr < f->address + f->size && next_call(&where))
			compare(c, &where, &tally);
	}
	print_message("%zu calls: %zu right, %zu with others, %zu none, %zu wrong, %zu registers "
		      "wrong\n",
		      tally.calls, tally.right, tally.several, tally.none, tally.wrong,
		      tally.wrong_saved);
	maps__free(maps);
	symbols__free(symbols);
	proc__free(proc);
	assert_true(tally.calls > 5000);
	assert_true(tally.right > tally.calls * 8 / 10);
	assert_true(tally.wrong < tally.calls / 100);
	assert_true(tally.wrong_saved < tally.calls / 100);
}

static int setup(void **state)
{
	(void)state;
	walker = code_walker__new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	code_walker__free(walker);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_straight),      cmocka_unit_test(test_branches),
		cmocka_unit_test(test_tail_call),     cmocka_unit_test(test_lost),
		cmocka_unit_test(test_never_returns), cmocka_unit_test(test_outermost),
		cmocka_unit_test(test_after_call),    cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_library),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
