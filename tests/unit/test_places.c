// SPDX-License-Identifier: GPL-2.0-only
/*
 * places.c and names__stack(): what the frames of a stack are called, from symbols, DWARF and the
 * files of JIT compilers together.
 */
#include "proc_tree.h"

#include "../../user/names.h"
#include "../../user/places.h"

static struct names *names;
static struct places *places;

static int set_up(void **state)
{
	setup(state);
	names = names__new(((struct fixture *)*state)->proc, false);
	places = places__new(((struct fixture *)*state)->proc, names);
	return 0;
}

static int tear_down(void **state)
{
	places__free(places);
	names__free(names);
	return teardown(state);
}

#define PLACES_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static void expect(const struct frame *f, const char *function, const char *file,
		   const char *language)
{
	assert_int_equal(f->function == NULL, function == NULL);
	if (function)
		assert_string_equal(f->function, function);
	assert_int_equal(f->file == NULL, file == NULL);
	if (file)
		assert_string_equal(f->file, file);
	assert_string_equal(f->language, language);
}

/* Code in no file is named by its process's map, if it is code; CPython's lines are understood. */
static void test_generated(void **state)
{
	struct fixture *f = *state;
	struct mapping code = { .start = 0x1000, .end = 0x2000, .exec = true, .path = "" };
	struct mapping data = { .start = 0x2000, .end = 0x3000, .path = "" };
	struct unwind_frame frame = { .pc = 0x1001, .lookup = 0x1000, .mapping = &code };

	put(f, "7/stat", "7 (jit) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 0 0\n");
	put(f, "7/status", "Name:\tjit\nTgid:\t7\nNSpid:\t7\nUid:\t0\t0\t0\t0\n");
	put(f, "7/root/tmp/perf-7.map",
	    "1000 10 LazyCompile:*work /a/b.js:3\n"
	    "1010 10 py::Pool.take:/srv/pool.py\n1020 10 py::\n1030 10 py::odd\n"
	    "2000 10 data\n");
	expect(places__at(places, 7, &frame)->frames, "LazyCompile:*work /a/b.js:3", NULL, "jit");
	frame.lookup = 0x1010;
	expect(places__at(places, 7, &frame)->frames, "Pool.take", "/srv/pool.py", "python");
	frame.lookup = 0x1020;
	expect(places__at(places, 7, &frame)->frames, "py::", NULL, "jit");
	frame.lookup = 0x1030;
	expect(places__at(places, 7, &frame)->frames, "py::odd", NULL, "jit");
	frame.lookup = 0x1040;
	expect(places__at(places, 7, &frame)->frames, NULL, NULL, "native");
	assert_int_equal(places__at(places, 7, &frame)->frames[0].offset, 0x1040);
	frame.lookup = 0x2000;
	frame.mapping = &data;
	expect(places__at(places, 7, &frame)->frames, NULL, NULL, "native");
	frame.mapping = NULL;
	expect(places__at(places, 7, &frame)->frames, NULL, NULL, "native");
	assert_null(places__at(places, 7, &frame)->frames[0].build_id);
}

/* Symbols are shown as their language writes them. */
static void test_symbols(void **state)
{
	(void)state;
	assert_string_equal(places__name(places, "main"), "main");
	assert_string_equal(places__name(places, "_ZN5store4lockEv"), "store::lock()");
	assert_ptr_equal(places__name(places, "_ZN5store4lockEv"),
			 places__name(places, "_ZN5store4lockEv"));
	assert_string_equal(places__name(places, "_Znot"), "_Znot");
}

static uintptr_t captured, captured_sp;

static void __attribute__((noinline)) capture(void)
{
	captured = (uintptr_t)__builtin_return_address(0) - 1;
	captured_sp = (uintptr_t)__builtin_frame_address(0) + 2 * sizeof(void *);
	__asm__ volatile("" ::: "memory");
}

static inline void __attribute__((always_inline)) inlined(void)
{
	capture();
}

static void __attribute__((noinline)) outermost(void)
{
	inlined();
	__asm__ volatile("" ::: "memory");
}

/* As binutils read it. */
static void expect_own_build_id(const struct frame *f)
{
	FILE *out = popen("readelf -n /proc/$PPID/exe | sed -n 's/.*Build ID: //p'", "r");
	char line[256];

	assert_non_null(out);
	assert_non_null(fgets(line, sizeof(line), out));
	assert_int_equal(pclose(out), 0);
	line[strcspn(line, "\n")] = 0;
	assert_non_null(f->build_id);
	assert_string_equal(f->build_id, line);
}

/*
 * A frame of the machine becomes as many as the source has; who waits is the machine's, so that a
 * lock is called the same with and without debug information.
 */
static void test_inlined(void **state)
{
	struct proc *proc = proc__new("/proc");
	struct names *own = names__new(proc, false);
	struct user_regs regs = { .r = { 0 } };
	struct named_stack stack;
	struct maps *maps;

	(void)state;
	outermost();
	assert_int_equal(proc__maps(proc, getpid(), &maps), 0);
	regs.r[7] = captured_sp;
	regs.r[16] = captured;
	names__stack(own, getpid(), maps, &regs, "", 0, &stack);
	assert_int_equal(stack.n_frames, 2);
	assert_true(stack.truncated);
	assert_string_equal(stack.frames[0].function, "inlined");
	assert_string_equal(stack.frames[1].function, "outermost");
	assert_int_equal(stack.frames[0].line, stack.frames[1].line - 5);
	assert_ptr_equal(stack.frames[0].file, stack.frames[1].file);
	assert_non_null(strstr(stack.frames[0].file, "/test_places.c"));
	assert_ptr_equal(stack.frames[0].module, stack.frames[1].module);
	assert_non_null(strstr(stack.frames[0].module, "/test_places"));
	assert_int_equal(stack.callers.where, 1);
	expect_own_build_id(&stack.frames[0]);
	assert_ptr_equal(stack.frames[0].build_id, stack.frames[1].build_id);
	free(stack.frames);
	maps__free(maps);
	names__free(own);
	proc__free(proc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACES_TEST(test_generated),
		PLACES_TEST(test_symbols),
		PLACES_TEST(test_inlined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
