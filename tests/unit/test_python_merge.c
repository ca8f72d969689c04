// SPDX-License-Identifier: GPL-2.0-only
/* Python frames in the place of the native frames that run them: stacks made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/python_frames.h"
#include "../../user/util.h"

#define LIBC   "/usr/lib/libc.so.6"
#define PYTHON "/usr/bin/python3.11"
#define NUMPY  "/venv/lib/numpy/core/_multiarray_umath.so"
#define APP    "/srv/app.py"
#define LIB    "/usr/lib/python3.11/threading.py"
#define LOOP   "_PyEval_EvalFrameDefault"
#define ENDS                      \
	{ "start_thread", LIBC }, \
	{                         \
		"clone3", LIBC    \
	}

enum { IN = 1, ENTRY, SHIM, UNKNOWN };

/* A native stack and a chain, and what becomes of them: "function:line" of Python's frames. */
struct merge_case {
	const char *what;
	struct {
		const char *function, *module;
	} native[12];
	struct {
		const char *name;
		int is; /* 0: no more */
		int line;
		const char *file;
	} chain[10];
	const char *expected;
	int at, where;	       /* before */
	int at_then, own_then; /* after: `where` is the program's own frame */
	int user;	       /* in the chain: the same; -1: none */
	bool cut, chain_cut, cut_then;
};

/* clang-format off */
static const struct merge_case cases[] = {
	{ .what = "one loop for all frames (3.11)",
	  .native = { { "sem_wait", LIBC }, { "PyThread_acquire_lock_timed", PYTHON }, { LOOP, PYTHON },
		      { "_PyEval_Vector", PYTHON }, { NULL, PYTHON }, ENDS },
	  .chain = { { "work", IN, 10, APP }, { "run", IN, 20, LIB }, { "_bootstrap", ENTRY, 30, LIB } },
	  .expected = "sem_wait PyThread_acquire_lock_timed work:10 run:20 _bootstrap:30",
	  .at = 0, .where = 1, .at_then = 0, .own_then = 2, .user = 0 },
	{ .what = "nameless frames of the interpreter are left out, those of others are not",
	  .native = { { NULL, LIBC }, { "PyThread_acquire_lock_timed", PYTHON }, { NULL, PYTHON }, { NULL, NUMPY },
		      { NULL, PYTHON }, { "_PyObject_MakeTpCall", PYTHON }, { LOOP, PYTHON }, { NULL, NUMPY }, ENDS },
	  .chain = { { "work", IN, 10, APP }, { "_bootstrap", ENTRY, 30, LIB } },
	  .expected = "- PyThread_acquire_lock_timed - _PyObject_MakeTpCall work:10 _bootstrap:30 -",
	  .at = 1, .where = 2, .at_then = 1, .own_then = 4, .user = 0 },
	{ .what = "the library on top: its caller is the user (3.10: a loop for each)",
	  .native = { { "sem_wait", LIBC }, { NULL, PYTHON }, { LOOP, PYTHON }, { NULL, PYTHON }, { LOOP, PYTHON },
		      { NULL, PYTHON }, { LOOP, PYTHON }, { NULL, PYTHON }, ENDS },
	  .chain = { { "wait", ENTRY, 1, LIB }, { "work", ENTRY, 2, APP }, { "run", ENTRY, 3, LIB } },
	  .expected = "sem_wait wait:1 work:2 run:3",
	  .at = 0, .where = 1, .at_then = 0, .own_then = 2, .user = 1 },
	{ .what = "an extension that calls back (3.11: entry frames)",
	  .native = { { "sem_wait", LIBC }, { LOOP, PYTHON }, { "apply", NUMPY }, { LOOP, PYTHON }, ENDS },
	  .chain = { { "inner", IN, 1, APP }, { "key", ENTRY, 2, APP }, { "outer", IN, 3, APP }, { "main", ENTRY, 4, APP } },
	  .expected = "sem_wait inner:1 key:2 apply outer:3 main:4",
	  .at = 0, .where = 2, .at_then = 0, .own_then = 1, .user = 0 },
	{ .what = "an extension that calls back (3.12: shims)",
	  .native = { { "sem_wait", LIBC }, { LOOP, PYTHON }, { "PyObject_Call", PYTHON }, { "apply", NUMPY },
		      { "qsort", LIBC }, { "outer", NUMPY }, { NULL, PYTHON }, { LOOP, PYTHON }, { NULL, PYTHON }, ENDS },
	  .chain = { { "key", ENTRY, 1, APP }, { "", SHIM, 0, NULL }, { "inner", IN, 2, APP },
		     { "main", ENTRY, 3, APP }, { "", SHIM, 0, NULL } },
	  .expected = "sem_wait key:1 apply qsort outer inner:2 main:3",
	  .at = 0, .where = 3, .at_then = 0, .own_then = 1, .user = 0 },
	{ .what = "sorted(key=...): the interpreter's own file in between",
	  .native = { { "sem_wait", LIBC }, { LOOP, PYTHON }, { "list_sort_impl", PYTHON }, { NULL, PYTHON },
		      { LOOP ".cold", PYTHON }, { "Py_RunMain", PYTHON }, { "__libc_start_main", LIBC }, { "_start", PYTHON } },
	  .chain = { { "key", ENTRY, 1, APP }, { "", SHIM, 0, NULL }, { "main", ENTRY, 3, APP }, { "", SHIM, 0, NULL } },
	  .expected = "sem_wait key:1 main:3",
	  .at = 0, .where = -1, .at_then = 0, .own_then = 1, .user = 0 },
	{ .what = "a call at the interpreter's end: that it is the end stays (once, where it was inlined)",
	  .native = { { "sem_wait", LIBC }, { LOOP, PYTHON }, { "atexit_callfuncs", PYTHON }, { "Py_FinalizeEx", PYTHON },
		      { "Py_FinalizeEx", PYTHON }, { "Py_RunMain", PYTHON }, { "__libc_start_main", LIBC }, { "_start", PYTHON } },
	  .chain = { { "bye", ENTRY, 1, APP } },
	  .expected = "sem_wait bye:1 Py_FinalizeEx",
	  .at = 0, .where = -1, .at_then = 0, .own_then = 1, .user = 0 },
	{ .what = "the same with libpython (3.13), in a program that only starts it",
	  .native = { { "sem_wait", LIBC }, { LOOP, PYTHON }, { "_Py_Finalize.constprop.0", PYTHON }, { "Py_RunMain", PYTHON },
		      { "__libc_start_main", LIBC }, { "_start", "/usr/bin/python3.13" } },
	  .chain = { { "bye", ENTRY, 1, APP }, { "", SHIM, 0, NULL } },
	  .expected = "sem_wait bye:1 _Py_Finalize.constprop.0",
	  .at = 0, .where = -1, .at_then = 0, .own_then = 1, .user = 0 },
	{ .what = "a loop whose frames are gone already, only its shim stands",
	  .native = { { "sem_wait", LIBC }, { LOOP, PYTHON }, { "dealloc", NUMPY }, { LOOP, PYTHON }, { "call", NUMPY },
		      { LOOP, PYTHON }, ENDS },
	  .chain = { { "__del__", ENTRY, 1, APP }, { "", SHIM, 0, NULL }, { "", SHIM, 0, NULL },
		     { "main", ENTRY, 3, APP }, { "", SHIM, 0, NULL } },
	  .expected = "sem_wait __del__:1 dealloc call main:3",
	  .at = 0, .where = 2, .at_then = 0, .own_then = 1, .user = 0 },
	{ .what = "a native walk that was cut: the other frames come behind it",
	  .native = { { "sem_wait", LIBC }, { LOOP, PYTHON }, { NULL, PYTHON }, { "apply", NUMPY } },
	  .chain = { { "key", ENTRY, 1, APP }, { "", SHIM, 0, NULL }, { "inner", IN, 2, APP },
		     { "main", ENTRY, 3, APP }, { "", SHIM, 0, NULL } },
	  .expected = "sem_wait key:1 apply inner:2 main:3",
	  .at = 0, .where = 3, .at_then = 0, .own_then = 1, .user = 0, .cut = true },
	{ .what = "no loop was found (no names), the walk is whole",
	  .native = { { "sem_wait", LIBC }, { NULL, PYTHON }, { NULL, PYTHON }, ENDS },
	  .chain = { { "work", IN, 1, APP }, { "main", ENTRY, 3, APP } },
	  .expected = "sem_wait work:1 main:3",
	  .at = 0, .where = 1, .at_then = 0, .own_then = 1, .user = 0 },
	{ .what = "no native frames at all",
	  .chain = { { "work", IN, 1, APP }, { "main", ENTRY, 3, APP } },
	  .expected = "work:1 main:3",
	  .at = -1, .where = -1, .at_then = -1, .own_then = 0, .user = 0, .cut = true },
	{ .what = "a chain that was cut: so is the stack",
	  .native = { { "sem_wait", LIBC }, { LOOP, PYTHON }, { "apply", NUMPY }, { LOOP, PYTHON }, { LOOP, PYTHON }, ENDS },
	  .chain = { { "key", ENTRY, 1, APP }, { "", SHIM, 0, NULL }, { "inner", IN, 2, APP } },
	  .expected = "sem_wait key:1 apply inner:2",
	  .at = 0, .where = 2, .at_then = 0, .own_then = 1, .user = 0, .chain_cut = true, .cut_then = true },
	{ .what = "more loops than the chain knows of stay",
	  .native = { { "sem_wait", LIBC }, { LOOP, PYTHON }, { "apply", NUMPY }, { LOOP, PYTHON }, ENDS },
	  .chain = { { "main", ENTRY, 3, APP } },
	  .expected = "sem_wait main:3 apply " LOOP,
	  .at = 0, .where = 2, .at_then = 0, .own_then = 1, .user = 0 },
	{ .what = "a program that embeds the interpreter keeps its frames",
	  .native = { { "sem_wait", LIBC }, { LOOP, PYTHON }, { "PyObject_Call", PYTHON }, { "serve", "/usr/bin/uwsgi" },
		      { "main", "/usr/bin/uwsgi" }, { "__libc_start_main", LIBC } },
	  .chain = { { "app", ENTRY, 3, APP } },
	  .expected = "sem_wait app:3 serve main",
	  .at = 0, .where = 3, .at_then = 0, .own_then = 1, .user = 0 },
	{ .what = "code that could not be read; all others are the library's",
	  .native = { { "sem_wait", LIBC }, { LOOP, PYTHON } },
	  .chain = { { "", UNKNOWN, 0, NULL }, { "wait", IN, 4, LIB }, { "_bootstrap", ENTRY, 5, LIB } },
	  .expected = "sem_wait -:0 wait:4 _bootstrap:5",
	  .at = 0, .where = -1, .at_then = 0, .own_then = 2, .user = 1 },
	{ .what = "only a shim: nothing of Python runs",
	  .native = { { "sem_wait", LIBC }, { LOOP, PYTHON }, ENDS },
	  .chain = { { "", SHIM, 0, NULL } },
	  .expected = "sem_wait " LOOP " start_thread clone3",
	  .at = 0, .where = 1, .at_then = 0, .own_then = 1, .user = -1, .cut = true, .cut_then = true },
	{ .what = "the lock function is outside of a loop",
	  .native = { { NULL, LIBC }, { LOOP, PYTHON }, { NULL, PYTHON }, { "lock", NUMPY }, { LOOP, PYTHON } },
	  .chain = { { "key", ENTRY, 1, APP }, { "", SHIM, 0, NULL }, { "main", ENTRY, 3, APP }, { "", SHIM, 0, NULL } },
	  .expected = "- key:1 lock main:3",
	  .at = 3, .where = 4, .at_then = 2, .own_then = 1, .user = 0 },
};
/* clang-format on */

static struct python_chain chain_of(const struct merge_case *c, struct names *names)
{
	struct python_chain chain = { .truncated = c->chain_cut };

	for (; chain.n < 10 && c->chain[chain.n].is; chain.n++) {
		int is = c->chain[chain.n].is;
		struct python_frame *f = &chain.frames[chain.n];

		f->code = 0x7000 + chain.n;
		f->shim = is == SHIM;
		f->entry = is == ENTRY;
		f->known = is == IN || is == ENTRY;
		if (!f->known)
			continue;
		f->function = f->name = names__intern(names, c->chain[chain.n].name);
		f->file = names__intern(names, c->chain[chain.n].file);
		f->line = c->chain[chain.n].line;
	}
	return chain;
}

static struct named_stack stack_of(const struct merge_case *c)
{
	struct named_stack stack = { .truncated = c->cut, .hash = 77 };

	stack.callers.at = c->at;
	stack.callers.where = c->where;
	stack.where_offset = 99;
	stack.frames = xcalloc(12, sizeof(*stack.frames));
	for (; stack.n_frames < 12 && c->native[stack.n_frames].module; stack.n_frames++)
		stack.frames[stack.n_frames] =
			(struct frame){ .function = c->native[stack.n_frames].function,
					.module = c->native[stack.n_frames].module,
					.offset = 0x100 * stack.n_frames,
					.language = "native",
					NULL };
	return stack;
}

static void print_stack(const struct named_stack *stack, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = 0;
	for (size_t i = 0; i < stack->n_frames && n < size; i++) {
		const struct frame *f = &stack->frames[i];

		n += snprintf(buf + n, size - n, "%s%s", i ? " " : "",
			      f->function ? f->function : "-");
		if (frame__is_python(f) && n < size)
			n += snprintf(buf + n, size - n, ":%d", f->line);
	}
}

/* Each shape of native stack and chain gives the frames, in their order, and the callers. */
static void test_cases(void **state)
{
	struct proc *proc = proc__new("/proc");
	struct names *names = names__new(proc, false);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct merge_case *c = &cases[i];
		struct named_stack stack = stack_of(c);
		struct python_chain chain = chain_of(c, names);
		char text[1024];

		python_frames__merge(names, &chain, PYTHON, &stack);
		print_stack(&stack, text, sizeof(text));
		if (strcmp(text, c->expected) != 0)
			fail_msg("%s: %s, expected %s", c->what, text, c->expected);
		if (stack.callers.at != c->at_then || stack.callers.where != c->own_then ||
		    stack.truncated != c->cut_then)
			fail_msg("%s: at %d, where %d, truncated %d", c->what, stack.callers.at,
				 stack.callers.where, stack.truncated);
		if (c->user >= 0) {
			const struct frame *own = &stack.frames[c->own_then];

			assert_ptr_equal(own->function, chain.frames[c->user].function);
			assert_ptr_equal(own->module, chain.frames[c->user].file);
			assert_int_equal(stack.where_offset, chain.frames[c->user].line);
			assert_int_equal(own->offset, own->line);
		}
		free(stack.frames);
	}
	names__free(names);
	proc__free(proc);
}

static uint64_t hash_of(struct names *names, const struct merge_case *c, uint64_t code)
{
	struct named_stack stack = stack_of(c);
	struct python_chain chain = chain_of(c, names);

	for (size_t i = 0; i < chain.n; i++)
		chain.frames[i].code += code;
	python_frames__merge(names, &chain, PYTHON, &stack);
	free(stack.frames);
	return stack.hash;
}

/* The same lines are the same stack: whatever code object has them, and wherever the walk ended. */
static void test_hash(void **state)
{
	struct proc *proc = proc__new("/proc");
	struct names *names = names__new(proc, false);
	struct merge_case other = cases[0], cut = cases[0];
	uint64_t hash = hash_of(names, &cases[0], 0);

	assert_int_equal(hash_of(names, &cases[0], 0x1000), hash);
	other.chain[1].line++;
	assert_int_not_equal(hash_of(names, &other, 0), hash);
	memset(&cut.native[3], 0, sizeof(cut.native) - 3 * sizeof(cut.native[0]));
	cut.cut = true;
	assert_int_equal(hash_of(names, &cut, 0), hash);
	names__free(names);
	proc__free(proc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
