// SPDX-License-Identifier: GPL-2.0-only
/* The command line of recordings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "../../user/options.h"
#include "../../user/util.h"

#define WORDS_MAX 10

static int parse(const char *const *words, struct options *o, char *error)
{
	char *argv[WORDS_MAX + 2] = { (char *)"locktop" };
	int argc = 1;

	while (argc <= WORDS_MAX && words[argc - 1]) {
		argv[argc] = (char *)words[argc - 1];
		argc++;
	}
	*error = 0;
	return options__parse(argc, argv, true, o, error, 256);
}

#define WORDS(...) ((const char *const[WORDS_MAX]){ __VA_ARGS__ })

static void fine(const char *const *words, struct options *o)
{
	char error[256];

	if (parse(words, o, error))
		fail_msg("%s", error);
}

/* A file, limits with units, an end; no screen. CMD goes with it, as with no other command. */
static void test_record(void **state)
{
	struct options o;

	(void)state;
	fine(WORDS("record", "-o", "f"), &o);
	assert_int_equal(o.command, COMMAND_RECORD);
	assert_string_equal(o.output, "f");
	assert_false(o.live);
	assert_true(o.batch);
	assert_int_equal(o.max_bytes, 0);
	assert_int_equal(o.keep_ns, 0);
	assert_int_equal(o.duration_ns, 0);
	fine(WORDS("record", "-o", "f", "--max-size", "64M", "--keep=12h", "--duration", "1.5"),
	     &o);
	assert_int_equal(o.max_bytes, 64 << 20);
	assert_int_equal(o.keep_ns, 12 * 3600 * NSEC_PER_SEC);
	assert_int_equal(o.duration_ns, 3 * NSEC_PER_SEC / 2);
	fine(WORDS("record", "-o", "f", "--max-size", "1048576", "--keep", "7d", "-p", "1"), &o);
	assert_int_equal(o.max_bytes, 1 << 20);
	assert_int_equal(o.keep_ns, 7 * 86400 * NSEC_PER_SEC);
	fine(WORDS("record", "-o", "f", "--max-size=2G", "--", "make", "-j"), &o);
	assert_int_equal(o.max_bytes, 2ULL << 30);
	assert_string_equal(o.argv[0], "make");
	fine(WORDS("--duration=5m", "-x"), &o); /* of any batch */
	assert_int_equal(o.duration_ns, 300 * NSEC_PER_SEC);
	assert_false(o.live);
}

/* What is wrong is said in one line. */
static void test_wrong(void **state)
{
	static const char *const wrong[][WORDS_MAX] = {
		{ "record" },
		{ "record", "-o", "" },
		{ "record", "-o", "f", "-f", "json" },
		{ "record", "-o", "f", "--max-size", "5" },
		{ "record", "-o", "f", "--max-size", "1023K" },
		{ "record", "-o", "f", "--max-size", "64MB" },
		{ "record", "-o", "f", "--max-size", "-64M" },
		{ "record", "-o", "f", "--max-size", "M" },
		{ "record", "-o", "f", "--max-size", "9999T" },
		{ "record", "-o", "f", "--max-size", "inf" },
		{ "record", "-o", "f", "--keep", "0" },
		{ "record", "-o", "f", "--keep", "1w" },
		{ "record", "-o", "f", "--keep", "nan" },
		{ "record", "-o", "f", "--duration", "0.01" },
		{ "record", "-o", "f", "--duration", "1e30d" },
		{ "record", "-o", "f", "--duration", "" },
		{ "--max-size", "64M" },
		{ "--keep", "1h", "-b" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct options o;
		char error[256];

		if (!parse(wrong[i], &o, error))
			fail_msg("%s %s %s", wrong[i][0], wrong[i][1] ?: "", wrong[i][3] ?: "");
		assert_true(*error && !strchr(error, '\n'));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
