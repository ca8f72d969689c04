// SPDX-License-Identifier: GPL-2.0-only
/* Suppressed inversions: which lines are taken, what they match, what is refused. */
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

#include "../../user/suppressions.h"
#include "../../user/util.h"

static int load_bytes(const void *data, size_t n, struct suppressions **ret, char *error,
		      size_t size)
{
	char path[] = "/tmp/locktop-test-suppressions-XXXXXX";
	int fd = mkstemp(path), err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, n), n);
	close(fd);
	err = suppressions__load(path, ret, error, size);
	unlink(path);
	return err;
}

static struct suppressions *load(const char *text)
{
	struct suppressions *s;
	char error[256];

	assert_int_equal(load_bytes(text, strlen(text), &s, error, sizeof(error)), 0);
	return s;
}

static struct frame frames[] = { { .function = "pthread_mutex_lock" },
				 { .function = NULL },
				 { .function = "cache_put" } };
static struct frame from_frame = { .function = "queue_push" };
static const struct inversion_edge edge = { .from = "10:0x1000",
					    .to = "10:0x2000",
					    .from_name = "queue lock",
					    .to_name = NULL,
					    .frames = frames,
					    .n_frames = ARRAY_SIZE(frames),
					    .from_frame = &from_frame };

static bool matches(const char *text)
{
	struct suppressions *s = load(text);
	bool ret = suppressions__match(s, &edge);

	suppressions__free(s);
	return ret;
}

/* Two patterns are two neighbours, in either order, each by its name or its id. */
static void test_two_patterns(void **state)
{
	assert_true(matches("inversion queue?lock 10:0x2000"));
	assert_true(matches("inversion *:0x2000 queue*"));
	assert_true(matches("inversion 10:0x1000 10:0x2000\n"));
	assert_false(matches("inversion queue* queue*"));
	assert_false(matches("inversion queue* cache_put"));
	assert_false(matches("inversion queue* 10:0x3000"));
	assert_false(matches("inversion queue lock"));
}

/* One pattern is a lock or a function, wherever it stands. */
static void test_one_pattern(void **state)
{
	assert_true(matches("inversion cache_*"));
	assert_true(matches("inversion queue_push"));
	assert_true(matches("inversion 10:0x2000"));
	assert_true(matches("inversion ?ueue?lock"));
	assert_false(matches("inversion cache"));
	assert_false(matches("inversion 10:0x3000"));
	assert_false(suppressions__match(NULL, &edge));
}

/* Blanks, carriage returns and comments around; any line may be the one. */
static void test_lines(void **state)
{
	assert_true(
		matches("# why\r\n\n \tinversion\t nobody \r\ninversion cache_put # known\r\n"));
	assert_true(matches("inversion queue* *:0x2000 # known"));
	assert_false(matches("#inversion cache_put"));
	assert_false(matches(""));
}

/* Anything else is refused in one line that says where. */
static void test_refused(void **state)
{
	static const char *const wrong[] = { "inversion",	"inversion # x", "deadlock a b",
					     "inversion a b c", "inversions a",	 "a" };
	struct suppressions *s;
	char error[256], text[64];

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		int n = snprintf(text, sizeof(text), "inversion ok\n\n%s\n", wrong[i]);

		assert_int_equal(load_bytes(text, n, &s, error, sizeof(error)), -EINVAL);
		assert_non_null(strstr(error, ":3: "));
		assert_null(strchr(error, '\n'));
	}
	assert_true(load_bytes("inversion a\0b", 13, &s, error, sizeof(error)) < 0);
	assert_non_null(strstr(error, "no text"));
	assert_int_equal(suppressions__load("/tmp", &s, error, sizeof(error)), -EINVAL);
}

/* A file that was asked for must be there; the user's own need not, and is found in his home. */
static void test_files(void **state)
{
	char root[] = "/tmp/locktop-test-suppressions-XXXXXX", path[256], error[256];
	struct suppressions *s;
	FILE *f;

	assert_non_null(mkdtemp(root));
	unsetenv("SUDO_USER");
	setenv("XDG_CONFIG_HOME", root, 1);
	assert_int_equal(suppressions__load("/nowhere/at/all", &s, error, sizeof(error)), -ENOENT);
	assert_non_null(strstr(error, "/nowhere/at/all: "));
	assert_int_equal(suppressions__load(NULL, &s, error, sizeof(error)), 0);
	assert_false(suppressions__match(s, &edge));
	suppressions__free(s);
	snprintf(path, sizeof(path), "%s/locktop", root);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/locktop/suppressions", root);
	f = fopen(path, "w");
	fputs("inversion cache_put", f);
	fclose(f);
	assert_int_equal(suppressions__load(NULL, &s, error, sizeof(error)), 0);
	assert_true(suppressions__match(s, &edge));
	suppressions__free(s);
	unlink(path);
	*strrchr(path, '/') = 0;
	rmdir(path);
	rmdir(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_patterns), cmocka_unit_test(test_one_pattern),
		cmocka_unit_test(test_lines),	     cmocka_unit_test(test_refused),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
