// SPDX-License-Identifier: GPL-2.0-only
/* Which function of a stack names the kind, and which frame is the caller. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "../../user/callers.h"
#include "../../user/kinds.h"
#include "../../user/util.h"

#define LIBC "/usr/lib/libc.so.6"
#define EXE  "/usr/bin/server"

static unsigned int known(const char *function)
{
	return (kinds__is_lock_function(function) ? CALLER_LOCK : 0) |
	       (kinds__is_wrapper(function) ? CALLER_WRAPPER : 0);
}

/* A stack, innermost first, and what must be found in it. */
struct stack_case {
	struct {
		const char *function, *module;
		int exported;
	} frames[10];
	const char *function, *wrapper, *library;
	int where;
};

/* clang-format off */
static const struct stack_case cases[] = {
	/* a stripped libc: its inner frames have no names */
	{ { { NULL, LIBC, 0 }, { "pthread_mutex_lock", LIBC, 1 }, { "serve", EXE, 0 }, { "main", EXE, 0 } },
	  "pthread_mutex_lock", NULL, LIBC, 2 },
	/* a lock inside of the C library: whose it is says the function that took it */
	{ { { "futex_wait", LIBC, 0 }, { "__lll_lock_wait_private", LIBC, 1 }, { "flockfile", LIBC, 1 },
	    { "report", EXE, 0 } },
	  "flockfile", NULL, LIBC, 3 },
	/* linked statically: nothing is exported, the lock functions are in the program itself */
	{ { { "__lll_lock_wait", EXE, 0 }, { "__pthread_mutex_lock", EXE, 0 }, { "serve", EXE, 0 }, { "main", EXE, 0 } },
	  "__pthread_mutex_lock", NULL, EXE, 2 },
	/* syscall(2) is everybody's: Rust's own function further out says more */
	{ { { "syscall", LIBC, 1 }, { NULL, EXE, 0 },
	    { "std::sys::sync::mutex::futex::Mutex::lock_contended", EXE, 0 }, { "work", EXE, 0 } },
	  "syscall", "std::sys::sync::mutex::futex::Mutex::lock_contended", LIBC, 3 },
	/* a callback of pthread_once takes a mutex: the callback is the caller */
	{ { { "pthread_mutex_lock", LIBC, 1 }, { "set_up", EXE, 0 }, { NULL, LIBC, 0 },
	    { "pthread_once", LIBC, 1 }, { "main", EXE, 0 } },
	  "pthread_mutex_lock", NULL, LIBC, 1 },
	/* PostgreSQL: the caller of the lightweight lock, not of its semaphore */
	{ { { NULL, LIBC, 0 }, { "sem_wait", LIBC, 1 }, { "PGSemaphoreLock", EXE, 1 },
	    { "LWLockAcquire", EXE, 1 }, { "XLogFlush", EXE, 1 } },
	  "sem_wait", "LWLockAcquire", LIBC, 4 },
	/* a program's own futex: the exported syscall, no caller's name */
	{ { { "syscall", LIBC, 1 }, { NULL, EXE, 0 } }, "syscall", NULL, LIBC, 1 },
	/* nothing has a name, all is libc's: its signatures still are */
	{ { { NULL, LIBC, 0 }, { NULL, LIBC, 0 } }, NULL, NULL, LIBC, -1 },
	/* nothing has a name, and whose signatures these are is not known */
	{ { { NULL, EXE, 0 }, { NULL, LIBC, 0 } }, NULL, NULL, NULL, 0 },
};
/* clang-format on */

static void test_cases(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct stack_case *c = &cases[i];
		struct frame frames[10] = {};
		bool exported[10] = {};
		struct callers found;
		size_t n = 0;

		for (; n < 10 && c->frames[n].module; n++) {
			frames[n].function = c->frames[n].function;
			frames[n].module = c->frames[n].module;
			exported[n] = c->frames[n].exported;
		}
		found = callers__find(frames, n, exported, known);
		if (found.where != c->where)
			fail_msg("case %zu: caller %d, expected %d", i, found.where, c->where);
		assert_ptr_equal(!found.function, !c->function);
		if (c->function)
			assert_string_equal(found.function, c->function);
		assert_ptr_equal(!found.wrapper, !c->wrapper);
		if (c->wrapper)
			assert_string_equal(found.wrapper, c->wrapper);
		if (c->library)
			assert_string_equal(found.library, c->library);
	}
}

/* No frames at all. */
static void test_empty(void **state)
{
	struct callers found = callers__find(NULL, 0, NULL, known);

	assert_null(found.function);
	assert_int_equal(found.where, -1);
	assert_int_equal(found.at, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
