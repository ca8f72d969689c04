// SPDX-License-Identifier: GPL-2.0-only
/* Command lines -> options. Commands with options of their own: test_options_commands.c. */
#include "options_fixture.h"

#include "../../user/export.h"

/* Nothing given: a live screen on a terminal, text anywhere else. */
static void test_defaults(void **state)
{
	struct options o;
	struct line l;

	(void)state;
	assert_int_equal(parse(&l, true, &o, NO_ARGS), 0);
	assert_int_equal(o.command, COMMAND_TOP);
	assert_int_equal(o.delay_ns, NSEC_PER_SEC);
	assert_int_equal(o.count, 0);
	assert_int_equal(o.top, 20);
	assert_string_equal(o.format, "text");
	assert_true(o.live);
	assert_false(o.batch || o.idle || o.reverse);
	assert_null(o.output);
	assert_null(o.sort);
	assert_null(o.argv);
	assert_int_equal(o.n_pids, 0);
	assert_int_equal(o.stack_bytes, STACK_BYTES_DEFAULT);
	assert_int_equal(parse(&l, false, &o, NO_ARGS), 0);
	assert_true(o.batch);
	assert_false(o.live);
}

/* Every option that takes a scope, by its long name and its letter, with = and without. */
static void test_scopes(void **state)
{
	struct options o;

	(void)state;
	assert_fine(ARGS("-p", "12,4194304"), &o);
	assert_int_equal(o.n_pids, 2);
	assert_int_equal(o.pids[0], 12);
	assert_int_equal(o.pids[1], 4194304);
	assert_fine(ARGS("-p1", "--pid=2", "--pid", "3,4"), &o);
	assert_int_equal(o.n_pids, 4);
	assert_int_equal(o.pids[3], 4);
	assert_fine(ARGS("--comm", "pool-*", "--user", "root", "--cgroup=/system.slice"), &o);
	assert_string_equal(o.comm, "pool-*");
	assert_string_equal(o.user, "root");
	assert_int_equal(o.uid, 0);
	assert_string_equal(o.cgroup, "/system.slice");
	assert_fine(ARGS("--user", "4294967294"), &o);
	assert_int_equal(o.uid, 4294967294U);
	assert_true(o.live);
}

/* Every other option. */
static void test_values(void **state)
{
	struct options o;

	(void)state;
	assert_fine(ARGS("-d", "0.25", "-n", "7", "-b", "-i", "-r"), &o);
	assert_int_equal(o.delay_ns, 250000000);
	assert_int_equal(o.count, 7);
	assert_true(o.batch && o.idle && o.reverse);
	assert_fine(ARGS("--delay=0.1", "--count=1152921504606846976", "--batch", "--idle",
			 "--reverse"),
		    &o);
	assert_int_equal(o.delay_ns, 100000000);
	assert_int_equal(o.count, 1UL << 60);
	assert_fine(ARGS("-d", "86400", "-s", "max", "--top", "0"), &o);
	assert_int_equal(o.delay_ns, 86400 * NSEC_PER_SEC);
	assert_string_equal(o.sort->key, "max_ns");
	assert_string_equal(o.sort_key, "max");
	assert_int_equal(o.top, 0);
	assert_fine(ARGS("-s", "user"), &o); /* a field of processes alone */
	assert_null(o.sort);
	assert_string_equal(o.sort_key, "user");
	assert_fine(ARGS("--samples", "3", "--max-samples", "50", "--stack-bytes", "16384"), &o);
	assert_int_equal(o.samples_lock, 3);
	assert_int_equal(o.samples_second, 50);
	assert_int_equal(o.stack_bytes, 16384);
	assert_fine(ARGS("--max-locks", "4194304", "--max-threads", "16"), &o);
	assert_int_equal(o.max_locks, 4194304);
	assert_int_equal(o.max_threads, 16);
	assert_fine(ARGS("--samples", "0"), &o); /* no samples: no stack is copied */
	assert_int_equal(o.stack_bytes, 0);
	assert_fine(ARGS("--max-samples", "0", "--stack-bytes", "512"), &o);
	assert_int_equal(o.stack_bytes, 0);
}

/* What is printed or goes to a file leaves no place for a screen. */
static void test_batch_implied(void **state)
{
	struct options o;

	(void)state;
	for (const struct exporter *e = exporters; e->name; e++) {
		if (e->binary)
			assert_fine(ARGS("-f", e->name, "-o", "/tmp/locks"), &o);
		else
			assert_fine(ARGS("-f", e->name), &o);
		assert_string_equal(o.format, e->name);
		assert_true(o.batch && !o.live);
	}
	assert_fine(ARGS("-o", "/tmp/locks"), &o);
	assert_string_equal(o.output, "/tmp/locks");
	assert_true(o.batch && !o.live);
	assert_fine(ARGS("--", "true"), &o);
	assert_true(o.batch && !o.live);
}

/* What ends a run: several by commas or one by one, and then there is no screen. */
static void test_fail_on(void **state)
{
	struct options o;
	struct line l;

	(void)state;
	assert_int_equal(parse(&l, true, &o, NO_ARGS), 0);
	assert_null(o.fail_on[0]);
	assert_fine(ARGS("--fail-on", "deadlock"), &o);
	assert_ptr_equal(o.fail_on[0], fail_on__find("deadlock"));
	assert_null(o.fail_on[1]);
	assert_true(o.batch && !o.live);
	assert_fine(ARGS("--fail-on=dead-owner,deadlock"), &o);
	assert_ptr_equal(o.fail_on[0], fail_on__find("dead-owner"));
	assert_ptr_equal(o.fail_on[1], fail_on__find("deadlock"));
	assert_fine(ARGS("--fail-on=dead-owner", "--fail-on", "deadlock", "--", "true"), &o);
	assert_ptr_equal(o.fail_on[1], fail_on__find("deadlock"));
	assert_null(o.fail_on[2]);
	assert_string_equal(o.argv[0], "true");
}

/* The user's own suppressions, unless another file is named. */
static void test_suppressions(void **state)
{
	struct options o;
	struct line l;

	(void)state;
	assert_int_equal(parse(&l, true, &o, NO_ARGS), 0);
	assert_null(o.suppressions);
	assert_fine(ARGS("--suppressions", "known"), &o);
	assert_string_equal(o.suppressions, "known");
	assert_true(parse(&l, true, &o, ARGS("--suppressions", "")) < 0);
	assert_non_null(strstr(l.error, "--suppressions"));
}

/* More than there is to name is refused, and the list still ends. */
static void test_fail_on_many(void **state)
{
	char text[OPTIONS_FAIL_ON_MAX * 10] = "deadlock";
	struct options o;
	struct line l;

	(void)state;
	for (int i = 2; i < OPTIONS_FAIL_ON_MAX; i++)
		strcat(text, ",deadlock");
	assert_fine(ARGS("--fail-on", text), &o);
	assert_null(o.fail_on[OPTIONS_FAIL_ON_MAX - 1]);
	assert_true(parse(&l, true, &o, ARGS("--fail-on", text, "--fail-on=deadlock")) < 0);
	assert_non_null(strstr(l.error, "--fail-on"));
}

/* Letters may share one dash; the last may bring its value. */
static void test_combined(void **state)
{
	struct options o;

	(void)state;
	assert_fine(ARGS("-bird0.5"), &o);
	assert_true(o.batch && o.idle && o.reverse);
	assert_int_equal(o.delay_ns, 500000000);
	assert_fine(ARGS("-bn", "3", "-rs", "pid"), &o);
	assert_int_equal(o.count, 3);
	assert_true(o.reverse);
	assert_string_equal(o.sort_key, "pid");
}

/* Commands stand before or behind options; --help and --version go before them. */
static void test_commands(void **state)
{
	struct options o;

	(void)state;
	assert_fine(ARGS("check"), &o);
	assert_int_equal(o.command, COMMAND_CHECK);
	assert_fine(ARGS("demo", "-n", "2"), &o);
	assert_int_equal(o.command, COMMAND_DEMO);
	assert_int_equal(o.count, 2);
	assert_fine(ARGS("-n", "2", "demo"), &o);
	assert_int_equal(o.command, COMMAND_DEMO);
	assert_fine(ARGS("-h"), &o);
	assert_int_equal(o.command, COMMAND_HELP);
	assert_fine(ARGS("demo", "--help"), &o);
	assert_int_equal(o.command, COMMAND_HELP);
	assert_fine(ARGS("-V"), &o);
	assert_int_equal(o.command, COMMAND_VERSION);
	assert_fine(ARGS("--version"), &o);
	assert_int_equal(o.command, COMMAND_VERSION);
}

/* All that follows the first -- is CMD's, options and another -- too. */
static void test_cmd(void **state)
{
	struct options o;

	(void)state;
	assert_fine(ARGS("-n", "1", "--", "make", "-j4", "--", "-n", "x"), &o);
	assert_int_equal(o.count, 1);
	assert_string_equal(o.argv[0], "make");
	assert_string_equal(o.argv[1], "-j4");
	assert_string_equal(o.argv[2], "--");
	assert_string_equal(o.argv[4], "x");
	assert_null(o.argv[5]);
	assert_fine(ARGS("--", "check"), &o);
	assert_int_equal(o.command, COMMAND_TOP);
}

/* As many processes as fit, and not one more. */
static void test_many_pids(void **state)
{
	char text[OPTIONS_PIDS_MAX * 5 + 16] = "";
	struct options o;
	struct line l;

	(void)state;
	for (int i = 0; i < OPTIONS_PIDS_MAX; i++)
		sprintf(text + strlen(text), "%s%d", i ? "," : "", 1000 + i);
	assert_fine(ARGS("-p", text), &o);
	assert_int_equal(o.n_pids, OPTIONS_PIDS_MAX);
	assert_int_equal(o.pids[OPTIONS_PIDS_MAX - 1], 999 + OPTIONS_PIDS_MAX);
	strcat(text, ",1");
	assert_true(parse(&l, true, &o, ARGS("-p", text)) < 0);
	assert_non_null(strstr(l.error, "256"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),     cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_values),	     cmocka_unit_test(test_batch_implied),
		cmocka_unit_test(test_fail_on),	     cmocka_unit_test(test_suppressions),
		cmocka_unit_test(test_fail_on_many), cmocka_unit_test(test_combined),
		cmocka_unit_test(test_commands),     cmocka_unit_test(test_cmd),
		cmocka_unit_test(test_many_pids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
