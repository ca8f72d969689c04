// SPDX-License-Identifier: GPL-2.0-only
/* The user's own names: which lines are taken, what they match, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../user/aliases.h"
#include "../../user/util.h"

/* Loads a file with this text; NULL text: a path that is not there. */
static int load(const char *text, struct aliases **ret, char *error, size_t size)
{
	char path[] = "/tmp/locktop-test-aliases-XXXXXX";
	int fd = mkstemp(path), err;

	assert_true(fd >= 0);
	if (text)
		assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	else
		unlink(path);
	close(fd);
	err = aliases__load(path, ret, error, size);
	unlink(path);
	return err;
}

/* Blanks, tabs, comments and carriage returns around; a name may hold blanks; the first match. */
static void test_lines(void **state)
{
	struct aliases *a;
	char error[256];

	assert_int_equal(load("# comment\n\n  queue_lock \t the work queue \r\nqueue_* others", &a,
			      error, sizeof(error)),
			 0);
	assert_string_equal(aliases__find(a, "/usr/bin/server", "queue_lock"), "the work queue");
	assert_string_equal(aliases__find(a, NULL, "queue_head"), "others");
	assert_null(aliases__find(a, "/usr/bin/server", "stack_lock"));
	assert_null(aliases__find(a, "/usr/bin/server", NULL));
	assert_null(aliases__find(NULL, NULL, "queue_lock"));
	aliases__free(a);
}

/* A pattern may say which file, by its last part, and match a call site with its offset. */
static void test_modules(void **state)
{
	struct aliases *a;
	char error[256];

	assert_int_equal(
		load("libfoo.so*:lock ours\n*:cache_get+0x* cache\n", &a, error, sizeof(error)), 0);
	assert_string_equal(aliases__find(a, "/opt/libfoo.so.1", "lock"), "ours");
	assert_null(aliases__find(a, "/opt/libbar.so.1", "lock"));
	assert_null(aliases__find(a, NULL, "lock"));
	assert_string_equal(aliases__find(a, "/bin/server", "cache_get+0x2c"), "cache");
	aliases__free(a);
}

/* A pattern alone is refused by its line; a directory, too; that the user has none is no fault. */
static void test_refused(void **state)
{
	struct aliases *a;
	char error[256];

	assert_int_equal(load("one name\ntwo\n", &a, error, sizeof(error)), -EINVAL);
	assert_non_null(strstr(error, ":2: "));
	assert_null(strchr(error, '\n'));
	assert_int_equal(aliases__load("/tmp", &a, error, sizeof(error)), -EINVAL);
	assert_int_equal(load(NULL, &a, error, sizeof(error)), -ENOENT);
	unsetenv("SUDO_USER");
	setenv("XDG_CONFIG_HOME", "/nowhere/at/all", 1);
	assert_int_equal(aliases__load(NULL, &a, error, sizeof(error)), 0);
	assert_null(aliases__find(a, NULL, "two"));
	aliases__free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_modules),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
