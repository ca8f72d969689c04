// SPDX-License-Identifier: GPL-2.0-only
/* Where things stand in each version of CPython: the table, and what 3.13 on says of itself. */
#include "python_child.h"

/* ---- the table ---- */

/* Every version that is known has its own row, and others have none. */
static void test_versions(void **state)
{
	(void)state;
	for (int minor = 8; minor <= 13; minor++) {
		const struct python_layout *l = python_layout__of(3, minor);

		assert_non_null(l);
		assert_int_equal(l->major, 3);
		assert_int_equal(l->minor, minor);
		assert_false(l->free_threaded);
		assert_false(l->one_byte_locks);
	}
	assert_null(python_layout__of(3, 7));
	assert_null(python_layout__of(3, 14));
	assert_null(python_layout__of(2, 8));
}

/* Offsets that were found in other ways, on blocked threads of each version. */
static void test_known_offsets(void **state)
{
	static const struct {
		int head, threads, thread_id, code, previous, instruction, slots, file, line_table;
		int ascii;
	} known[] = {
		{ 32, 8, 176, 32, 24, 104, 360, 104, 120, 48 },
		{ 32, 8, 176, 32, 24, 104, 360, 104, 120, 48 },
		{ 32, 8, 176, 32, 24, 96, 352, 104, 120, 48 },
		{ 40, 16, 152, 32, 48, 56, 72, 112, 136, 48 },
		{ 40, 72, 136, 0, 8, 56, 72, 112, 136, 40 },
		{ 632, 7344, 152, 0, 8, 56, 72, 112, 136, 40 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		const struct python_layout *l = python_layout__of(3, 8 + (int)i);

		assert_int_equal(l->runtime.interpreters_head, known[i].head);
		assert_int_equal(l->interpreter.threads_head, known[i].threads);
		assert_int_equal(l->thread.thread_id, known[i].thread_id);
		assert_int_equal(l->frame.code, known[i].code);
		assert_int_equal(l->frame.previous, known[i].previous);
		assert_int_equal(l->frame.instruction, known[i].instruction);
		assert_int_equal(l->frame.slots, known[i].slots);
		assert_int_equal(l->code.file, known[i].file);
		assert_int_equal(l->code.line_table, known[i].line_table);
		assert_int_equal(l->object.ascii, known[i].ascii);
	}
}

/* What the probes copy of a frame holds all that is read from that copy. */
static void test_head_is_enough(void **state)
{
	(void)state;
	for (int minor = 8; minor <= 13; minor++) {
		const struct python_layout *l = python_layout__of(3, minor);

		assert_in_range(l->frame.code, 0, PYTHON_HEAD - 8);
		assert_in_range(l->frame.previous, 0, PYTHON_HEAD - 8);
		assert_in_range(l->frame.globals, 0, PYTHON_HEAD - 8);
		assert_in_range(l->frame.instruction, 0, PYTHON_HEAD - 8);
		if (l->frame.owner != PYTHON_ABSENT)
			assert_in_range(l->frame.owner, 0, PYTHON_HEAD - 1);
	}
}

/* ---- what the interpreter says of itself ---- */

/* 3.13.0's words, as they are in its memory: 73 of them. */
static const uint64_t words_3_13[] = {
	0,	0x030d00f0, 0, /* cookie, version, free-threaded */
	283320, 608,	    632, 194968, 7272, 7264, 7344, 7400, 7656, 7640, 7648, 16,	7752, 0,
	7768,	7760,	    304, 0,	 8,    16,   72,   152,	 160,  232,  32,   80,	8,    0,
	56,	72,	    70,	 208,	 112,  120,  128,  136,	 68,   52,   96,   104, 200,  16,
	8,	416,	    24,	 88,	 168,  32,   24,   16,	 40,   24,   16,   48,	32,   40,
	24,	16,	    32,	 16,	 24,   40,   16,   32,	 64,   32,   16,   40,	240,  200,
};

static void fill(uint64_t *words, size_t size)
{
	memset(words, 0, size);
	memcpy(words, words_3_13, sizeof(words_3_13));
	memcpy(words, "xdebugpy", 8);
}

/* 3.13.0 says what its row says: the table's numbers are right. */
static void test_debug_equals_row(void **state)
{
	uint64_t words[128];
	struct python_layout l;

	(void)state;
	fill(words, sizeof(words));
	assert_int_equal(python_layout__debug(words, sizeof(words), &l), 0);
	assert_memory_equal(&l, python_layout__of(3, 13), sizeof(l));
}

/* What moves in a later patch is taken from there; its locks are of another kind. */
static void test_debug_moves(void **state)
{
	uint64_t words[128];
	struct python_layout l;

	(void)state;
	fill(words, sizeof(words));
	words[1] = 0x030d01f0;
	words[9] += 16;
	assert_int_equal(python_layout__debug(words, sizeof(words), &l), 0);
	assert_int_equal(l.interpreter.threads_head,
			 python_layout__of(3, 13)->interpreter.threads_head + 16);
	assert_true(l.one_byte_locks);
	assert_false(l.locks_inside);
}

/* A free-threaded build has larger objects: all that is not told moves with them. */
static void test_debug_free_threaded(void **state)
{
	/* words that differ, printed from the headers with Py_GIL_DISABLED */
	static const struct {
		uint8_t word;
		uint32_t value;
	} differ[] = { { 3, 328256 }, { 6, 215616 }, { 11, 7664 }, { 12, 7648 }, { 13, 7656 },
		       { 15, 7760 },  { 17, 7784 },  { 18, 7776 }, { 34, 224 },	 { 35, 128 },
		       { 36, 136 },   { 37, 144 },   { 38, 152 },  { 39, 84 },	 { 40, 68 },
		       { 41, 112 },   { 42, 120 },   { 43, 216 },  { 44, 32 },	 { 45, 24 },
		       { 46, 432 },   { 47, 40 },    { 48, 104 },  { 49, 184 },	 { 50, 48 },
		       { 51, 40 },    { 52, 32 },    { 53, 56 },   { 54, 40 },	 { 55, 32 },
		       { 56, 64 },    { 57, 48 },    { 58, 56 },   { 59, 40 },	 { 60, 32 },
		       { 61, 48 },    { 62, 32 },    { 63, 40 },   { 64, 56 },	 { 65, 32 },
		       { 66, 48 },    { 67, 80 },    { 68, 48 },   { 69, 32 },	 { 70, 56 },
		       { 71, 248 } };
	uint64_t words[128];
	struct python_layout l;

	(void)state;
	fill(words, sizeof(words));
	words[2] = 1;
	/* the flag alone is no such build */
	assert_int_equal(python_layout__debug(words, sizeof(words), &l), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(differ); i++)
		words[differ[i].word] = differ[i].value;
	assert_int_equal(python_layout__debug(words, sizeof(words), &l), 0);
	assert_true(l.free_threaded);
	assert_int_equal(l.object.type, 24);
	assert_int_equal(l.object.items, 40);
	assert_int_equal(l.code.names, 48);
	assert_int_equal(l.code.bytecode, 216);
	assert_int_equal(l.dict.used, 32);
	assert_int_equal(l.type.cached_keys, 896);
	assert_int_equal(l.managed_dict, -8);
	assert_int_equal(l.lock.lock, 32);
}

/* 3.14's words stand elsewhere. Those that 3.13 has too, put where 3.14 has them. */
static void test_debug_3_14(void **state)
{
	/* words of 3.13 that follow each other, and where the first of them stands in 3.14 */
	static const uint8_t runs[][3] = { { 0, 10, 0 },  { 10, 9, 11 },  { 19, 9, 22 },
					   { 28, 6, 31 }, { 34, 10, 39 }, { 44, 12, 50 },
					   { 56, 17, 66 } };
	uint64_t words[128], old[128];
	struct python_layout l;

	(void)state;
	fill(old, sizeof(old));
	memset(words, 0, sizeof(words));
	for (size_t i = 0; i < ARRAY_SIZE(runs); i++)
		memcpy(words + runs[i][2], old + runs[i][0], runs[i][1] * sizeof(*words));
	words[1] = 0x030e00f0;
	assert_int_equal(python_layout__debug(words, sizeof(words), &l), 0);
	assert_int_equal(l.minor, 14);
	assert_true(l.one_byte_locks && l.locks_inside);
	assert_int_equal(l.frame.slots, python_layout__of(3, 13)->frame.slots);
	assert_int_equal(l.object.ascii, 40);
	assert_int_equal(l.interpreter.modules, python_layout__of(3, 13)->interpreter.modules);
	assert_int_equal(l.runtime.key, PYTHON_ABSENT);
	/* read as 3.13's they make no sense */
	words[1] = 0x030d00f0;
	assert_int_equal(python_layout__debug(words, sizeof(words), &l), -EINVAL);
}

/* What is no such struct, cut short, of another version, or out of all bounds, is refused, and
 * nothing is written. */
static void test_debug_refuses(void **state)
{
	uint64_t words[128];
	struct python_layout l, before;

	(void)state;
	memset(&l, 0x55, sizeof(l));
	before = l;
	fill(words, sizeof(words));
	assert_int_equal(python_layout__debug(words, 23, &l), -ENOENT);
	assert_int_equal(python_layout__debug(words, 72 * 8, &l), -EINVAL);
	words[0]++;
	assert_int_equal(python_layout__debug(words, sizeof(words), &l), -ENOENT);
	fill(words, sizeof(words));
	words[1] = 0x030f00f0;
	assert_int_equal(python_layout__debug(words, sizeof(words), &l), -ENOTSUP);
	words[1] = 0x1030d00f0;
	assert_int_equal(python_layout__debug(words, sizeof(words), &l), -EINVAL);
	/* any word that is told, grown past its struct */
	for (size_t i = 5; i < 71; i++) {
		static const uint8_t unused[] = { 7,  10, 12, 13, 16, 20, 26, 27, 42, 48,
						  52, 53, 54, 55, 59, 60, 61, 62, 63, 65 };

		fill(words, sizeof(words));
		words[i] += 1ULL << 40;
		if (memchr(unused, (int)i, sizeof(unused)))
			continue;
		if (python_layout__debug(words, sizeof(words), &l) != -EINVAL)
			fail_msg("word %zu", i);
	}
	assert_memory_equal(&l, &before, sizeof(l));
}

/* ---- an interpreter that runs ---- */

/*
 * Threads, frames, code and the GIL are where the layout says: the walk from the runtime to the
 * innermost frame's code ends at the code object that the script names.
 */
static const char script[] = "import sys, threading\n"
			     "def outer():\n"
			     "    here = sys._getframe()\n"
			     "    print(hex(threading.get_ident()), flush=True)\n"
			     "    print(hex(id(here.f_code)), flush=True)\n"
			     "    print(hex(id(here.f_globals)), flush=True)\n"
			     "    print(hex(id(sys.modules)), flush=True)\n"
			     "    print(hex(id(here.f_code.co_name)), flush=True)\n"
			     "    print(hex(id(here.f_code.co_filename)), flush=True)\n"
			     "    print(hex(id(here.f_code.co_names)), flush=True)\n"
			     "    print(here.f_code.co_firstlineno, flush=True)\n"
			     "    print(here.f_code.co_nlocals, flush=True)\n"
			     "    print(here.f_code.co_stacksize, flush=True)\n"
			     "    print(here.f_code.co_argcount, flush=True)\n"
			     "    print(hex(id(here)), flush=True)\n"
			     "    sys.stdin.read(1)\n"
			     "outer()\n";

static uint64_t gil_of(struct python_child *c, uint64_t interpreter)
{
	const struct python_layout *l = &c->layout;

	if (l->runtime.gil != PYTHON_ABSENT)
		return c->target.runtime + l->runtime.gil;
	return python__pointer(&c->target, interpreter + l->interpreter.gil);
}

/* Waits until the main thread has let go of the GIL: it sleeps in read(2). */
static void wait_for_rest(struct python_child *c, uint64_t gil)
{
	int32_t locked = 1;

	for (int i = 0; i < 10000 && locked; i++) {
		assert_int_equal(python__int32(&c->target, gil + c->layout.gil.locked, &locked), 0);
		usleep(1000);
	}
	assert_int_equal(locked, 0);
}

static int32_t int_at(struct python_child *c, uint64_t address)
{
	int32_t ret = -1;

	assert_int_equal(python__int32(&c->target, address, &ret), 0);
	return ret;
}

static void check_code(struct python_child *c, uint64_t code)
{
	struct python_target *t = &c->target;
	const struct python_layout *l = &c->layout;

	assert_int_equal(python__pointer(t, code + l->code.name), python_child__number(c));
	assert_int_equal(python__pointer(t, code + l->code.file), python_child__number(c));
	assert_int_equal(python__pointer(t, code + l->code.names), python_child__number(c));
	assert_int_equal(int_at(c, code + l->code.first_line), python_child__number(c));
	assert_int_equal(int_at(c, code + l->code.n_locals), python_child__number(c));
	assert_int_equal(int_at(c, code + l->code.stack_size), python_child__number(c));
	assert_int_equal(int_at(c, code + l->code.n_arguments), python_child__number(c));
	if (l->code.n_slots != PYTHON_ABSENT)
		assert_int_equal(int_at(c, code + l->code.n_slots), 1);
}

static void check_child(struct python_child *c)
{
	struct python_target *t = &c->target;
	const struct python_layout *l = &c->layout;
	uint64_t ident = strtoull(c->line, NULL, 0), code = python_child__number(c);
	uint64_t globals = python_child__number(c), modules = python_child__number(c);
	uint64_t interpreter = python__pointer(t, t->runtime + l->runtime.interpreters_head);
	uint64_t thread = python__pointer(t, interpreter + l->interpreter.threads_head);
	uint64_t gil = gil_of(c, interpreter), frame, here;

	check_code(c, code);
	here = python_child__number(c);
	wait_for_rest(c, gil);
	assert_int_equal(python__pointer(t, interpreter + l->interpreter.next), 0);
	assert_int_equal(python__pointer(t, interpreter + l->interpreter.modules), modules);
	assert_int_equal(python__pointer(t, thread + l->thread.next), 0);
	assert_int_equal(python__pointer(t, thread + l->thread.interpreter), interpreter);
	assert_int_equal(python__pointer(t, thread + l->thread.thread_id), ident);
	if (l->thread.native_thread_id != PYTHON_ABSENT)
		assert_int_equal(python__pointer(t, thread + l->thread.native_thread_id), t->pid);
	assert_int_equal(python__pointer(t, gil + l->gil.last_holder), thread);
	frame = l->thread.cframe == PYTHON_ABSENT ? thread
						  : python__pointer(t, thread + l->thread.cframe);
	frame = python__pointer(t, frame + l->thread.frame);
	assert_int_equal(python__pointer(t, frame + l->frame.code), code);
	assert_int_equal(python__pointer(t, frame + l->frame.globals), globals);
	assert_int_equal(python__pointer(t, frame + l->frame.slots), here);
	if (l->minor <= 10)
		assert_int_equal(frame, here);
	assert_int_not_equal(python__pointer(t, frame + l->frame.previous), 0);
	assert_in_range(int_at(c, t->runtime + l->runtime.key), 0, 1023);
}

/* One test for each version, so that one that is not here shows as skipped. */
static void test_live(void **state)
{
	if (python_child__each(*(int *)*state, script, check_child) == 0)
		skip();
}

int main(void)
{
	static int minors[] = { 8, 9, 10, 11, 12, 13 };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_known_offsets),
		cmocka_unit_test(test_head_is_enough),
		cmocka_unit_test(test_debug_equals_row),
		cmocka_unit_test(test_debug_moves),
		cmocka_unit_test(test_debug_free_threaded),
		cmocka_unit_test(test_debug_3_14),
		cmocka_unit_test(test_debug_refuses),
		{ "live 3.8", test_live, NULL, NULL, &minors[0] },
		{ "live 3.9", test_live, NULL, NULL, &minors[1] },
		{ "live 3.10", test_live, NULL, NULL, &minors[2] },
		{ "live 3.11", test_live, NULL, NULL, &minors[3] },
		{ "live 3.12", test_live, NULL, NULL, &minors[4] },
		{ "live 3.13", test_live, NULL, NULL, &minors[5] },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
