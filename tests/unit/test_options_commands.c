// SPDX-License-Identifier: GPL-2.0-only
/* Commands that have options of their own, but for record: test_options_record.c. */
#include "options_fixture.h"

/* Two files to compare, conditions in the order given, and nothing that observes. */
static void test_diff(void **state)
{
	static const char *const wrong[][6] = {
		{ "diff" },
		{ "diff", "a" },
		{ "diff", "a", "b", "c" },
		{ "diff", "a", "b", "-f", "csv" },
		{ "diff", "a", "b", "-p", "1" },
		{ "diff", "a", "b", "--fail-on", "deadlock" },
		{ "diff", "a", "b", "--fail-if", "load" },
		{ "diff", "a", "b", "--min-load", "-1" },
		{ "diff", "a", "b", "--min-load", "nan" },
		{ "--fail-if", "load>1.2x" },
	};
	struct options o;

	(void)state;
	assert_fine(ARGS("diff", "a", "b"), &o);
	assert_int_equal(o.command, COMMAND_DIFF);
	assert_string_equal(o.files[0], "a");
	assert_string_equal(o.files[1], "b");
	assert_int_equal(o.n_fail_if, 0);
	assert_true(o.min_load == 0.01);
	assert_fine(ARGS("diff", "--fail-if", "load>1.2x", "a", "--fail-if=x:p99>5ms", "b", "-f",
			 "json", "--min-load", "0"),
		    &o);
	assert_string_equal(o.files[1], "b");
	assert_int_equal(o.n_fail_if, 2);
	assert_string_equal(o.fail_if[1].text, "x:p99>5ms");
	assert_true(o.min_load == 0);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_wrong(wrong[i], "");
}

/* More conditions than there is room for are refused. */
static void test_diff_many(void **state)
{
	struct options o;
	char *argv[2 * OPTIONS_FAIL_IF_MAX + 6] = { "locktop", "diff", "a", "b" }, error[256];
	int argc = 4;

	(void)state;
	for (int i = 0; i < OPTIONS_FAIL_IF_MAX; i++)
		argv[argc++] = "--fail-if=new>0";
	assert_int_equal(options__parse(argc, argv, true, &o, error, sizeof(error)), 0);
	assert_int_equal(o.n_fail_if, OPTIONS_FAIL_IF_MAX);
	argv[argc++] = "--fail-if=new>0";
	assert_true(options__parse(argc, argv, true, &o, error, sizeof(error)) < 0);
	assert_non_null(strstr(error, "--fail-if"));
}

/* report is about a file; its times are checked, and what was observed is not chosen anew. */
static void test_report(void **state)
{
	static const char *const wrong[][6] = {
		{ "report" },
		{ "report", "a", "b" },
		{ "report", "a", "-p", "1" },
		{ "report", "a", "--exact" },
		{ "report", "a", "--comm", "x" },
		{ "report", "a", "--from", "noon" },
		{ "report", "a", "--to", "" },
		{ "report", "a", "--from" },
		{ "report", "a", "--", "true" },
		{ "--from", "+1" },
		{ "-b", "--sum" },
	};
	struct options o;

	(void)state;
	assert_fine(ARGS("report", "check"), &o); /* a file may be called like a command */
	assert_int_equal(o.command, COMMAND_REPORT);
	assert_string_equal(o.files[0], "check");
	assert_true(o.live && !o.batch && !o.sum);
	assert_fine(ARGS("report", "--from", "+1", "a", "--to=2026-11-23T10:00:00Z"), &o);
	assert_string_equal(o.files[0], "a");
	assert_string_equal(o.from, "+1");
	assert_string_equal(o.to, "2026-11-23T10:00:00Z");
	assert_true(o.live);
	assert_fine(ARGS("report", "a", "--sum"), &o);
	assert_true(o.sum && o.batch && !o.live);
	assert_fine(ARGS("report", "--help"), &o);
	assert_int_equal(o.command, COMMAND_HELP);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_wrong(wrong[i], "");
}

/* dump prints text once, of processes that are named. */
static void test_dump(void **state)
{
	struct options o;

	(void)state;
	assert_fine(ARGS("dump", "-p", "12,13"), &o);
	assert_int_equal(o.command, COMMAND_DUMP);
	assert_int_equal(o.n_pids, 2);
	assert_true(o.batch && !o.live);
	assert_fine(ARGS("-p12", "dump", "-o", "/tmp/threads"), &o);
	assert_int_equal(o.command, COMMAND_DUMP);
	assert_string_equal(o.output, "/tmp/threads");
	assert_fine(ARGS("dump", "--help"), &o); /* without a process, too */
	assert_int_equal(o.command, COMMAND_HELP);
}

/* serve prints nothing, wherever its stdout goes, and takes where and to whom. */
static void test_serve(void **state)
{
	struct options o;

	(void)state;
	assert_fine(ARGS("serve"), &o);
	assert_int_equal(o.command, COMMAND_SERVE);
	assert_true(o.batch && !o.live);
	assert_null(o.listen);
	assert_null(o.token_file);
	assert_fine(ARGS("serve", "--listen", "[::]:1", "--tls-cert=c", "--tls-key=k",
			 "--token-file=t", "-x"),
		    &o);
	assert_string_equal(o.listen, "[::]:1");
	assert_string_equal(o.tls_cert, "c");
	assert_string_equal(o.tls_key, "k");
	assert_string_equal(o.token_file, "t");
	assert_true(o.exact);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_diff),   cmocka_unit_test(test_diff_many),
		cmocka_unit_test(test_report), cmocka_unit_test(test_dump),
		cmocka_unit_test(test_serve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
