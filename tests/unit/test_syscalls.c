// SPDX-License-Identifier: GPL-2.0-only
/* Numbers of system calls to names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <string.h>
#include <sys/syscall.h>

#include "../../user/syscalls.h"

/* Names as the kernel has them, for old calls and for one that is newer than some C libraries. */
static void test_names(void **state)
{
	(void)state;
	assert_string_equal(syscalls__name(SYS_read), "read");
	assert_string_equal(syscalls__name(SYS_futex), "futex");
	assert_string_equal(syscalls__name(SYS_fsync), "fsync");
	assert_string_equal(syscalls__name(SYS_clock_nanosleep), "clock_nanosleep");
	assert_string_equal(syscalls__name(SYS_epoll_wait), "epoll_wait");
	assert_string_equal(syscalls__name(SYS_io_uring_enter), "io_uring_enter");
}

/* No call, a gap between the calls, and numbers far out have none. */
static void test_none(void **state)
{
	static const int numbers[] = { -1, INT_MIN, 400, 100000, INT_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		assert_null(syscalls__name(numbers[i]));
}

/* Every name is a word that needs no cleaning. */
static void test_plain(void **state)
{
	int n = 0;

	(void)state;
	for (int nr = 0; nr < 1000; nr++) {
		const char *name = syscalls__name(nr);

		if (!name)
			continue;
		n++;
		assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_"),
				 strlen(name));
	}
	assert_true(n > 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
