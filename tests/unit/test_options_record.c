// SPDX-License-Identifier: GPL-2.0-only
/* The command line of recordings. */
#include "options_fixture.h"

/* A file, limits with units, an end; no screen. CMD goes with it, as with no other command. */
static void test_record(void **state)
{
	struct options o;
	struct line piped;

	(void)state;
	assert_fine(ARGS("record", "-o", "f"), &o);
	assert_int_equal(o.command, COMMAND_RECORD);
	assert_string_equal(o.output, "f");
	assert_false(o.live);
	assert_true(o.batch);
	assert_int_equal(o.max_bytes, 0);
	assert_int_equal(o.keep_ns, 0);
	assert_int_equal(o.duration_ns, 0);
	assert_fine(
		ARGS("record", "-o", "f", "--max-size", "64M", "--keep=12h", "--duration", "1.5"),
		&o);
	assert_int_equal(o.max_bytes, 64 << 20);
	assert_int_equal(o.keep_ns, 12 * 3600 * NSEC_PER_SEC);
	assert_int_equal(o.duration_ns, 3 * NSEC_PER_SEC / 2);
	assert_fine(ARGS("record", "-o", "f", "--max-size", "1048576", "--keep", "7d", "-p", "1"),
		    &o);
	assert_int_equal(o.max_bytes, 1 << 20);
	assert_int_equal(o.keep_ns, 7 * 86400 * NSEC_PER_SEC);
	assert_fine(ARGS("record", "-o", "f", "--max-size=2G", "--", "make", "-j"), &o);
	assert_int_equal(o.max_bytes, 2ULL << 30);
	assert_string_equal(o.argv[0], "make");
	assert_false(o.print);
	assert_fine(ARGS("record", "-o", "f", "-f", "csv", "-i", "--top", "3", "--", "make"), &o);
	assert_true(o.print && o.batch && o.idle && !o.live);
	assert_string_equal(o.format, "csv");
	assert_int_equal(o.top, 3);
	assert_int_equal(parse(&piped, false, &o, ARGS("record", "-o", "f", "-f", "pprof")), 0);
	assert_true(o.print);
	assert_fine(ARGS("-f", "csv"), &o);
	assert_false(o.print);
	assert_fine(ARGS("--duration=5m", "-x"), &o); /* of any batch */
	assert_int_equal(o.duration_ns, 300 * NSEC_PER_SEC);
	assert_false(o.live);
}

/* What is wrong is said in one line. */
static void test_wrong(void **state)
{
	static const char *const wrong[][ARGS_MAX] = {
		{ "record" },
		{ "record", "-o", "" },
		{ "record", "-o", "f", "-f", "pprof" }, /* to a terminal */
		{ "record", "-f", "json" },
		{ "record", "-o", "f", "-f", "no-such-format" },
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
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_wrong(wrong[i], "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
