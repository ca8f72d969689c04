// SPDX-License-Identifier: GPL-2.0-only
/* Command lines -> options, and what is said of wrong ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/export.h"
#include "../../user/options.h"
#include "../../user/util.h"

#define ARGS_MAX 12

/* A command line in the making: a copy, as getopt_long moves words about. */
struct line {
	char *argv[ARGS_MAX + 2];
	int argc;
	char error[512];
};

static int parse(struct line *l, bool tty, struct options *o, const char *const *args)
{
	l->argc = 1;
	l->argv[0] = (char *)"locktop";
	while (*args)
		l->argv[l->argc++] = (char *)*args++;
	l->argv[l->argc] = NULL;
	snprintf(l->error, sizeof(l->error), "untouched");
	return options__parse(l->argc, l->argv, tty, o, l->error, sizeof(l->error));
}

#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NO_ARGS	  ((const char *const[]){ NULL })

static void assert_fine(const char *const *args, struct options *o)
{
	struct line l;

	if (parse(&l, true, o, args))
		fail_msg("%s: %s", args[0], l.error);
	assert_string_equal(l.error, "untouched");
}

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
	struct line l;

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
		assert_true(parse(&l, true, &o, wrong[i]) < 0);
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
	struct line l;

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
		assert_true(parse(&l, true, &o, wrong[i]) < 0);
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

struct wrong_case {
	const char *args[4];
	const char *named; /* what the message must name */
};

static const struct wrong_case wrong_cases[] = {
	{ { "-f", "pprof" }, "-o FILE" }, /* not for a terminal */
	{ { "-p", "0" }, "--pid" },
	{ { "-p", "-1" }, "--pid" },
	{ { "-p", "" }, "--pid" },
	{ { "-p", "1,,2" }, "--pid" },
	{ { "-p", "1,2," }, "--pid" },
	{ { "-p", "12x" }, "'12x'" },
	{ { "-p", "4194305" }, "4194304" },
	{ { "-p", "99999999999999999999999" }, "--pid" },
	{ { "--user", "no-such-user" }, "no-such-user" },
	{ { "--user", "" }, "--user" },
	{ { "--user", "4294967295" }, "--user" },
	{ { "-d", "0" }, "--delay" },
	{ { "-d", "0.09" }, "--delay" },
	{ { "-d", "-1" }, "--delay" },
	{ { "-d", "nan" }, "--delay" },
	{ { "-d", "inf" }, "--delay" },
	{ { "-d", "1s" }, "'1s'" },
	{ { "-d", "" }, "--delay" },
	{ { "-d", "86401" }, "86400" },
	{ { "-n", "0" }, "--count" },
	{ { "-n", "1.5" }, "'1.5'" },
	{ { "-n", "-3" }, "--count" },
	{ { "-f", "xml" }, "'xml'" },
	{ { "-f", "" }, "--format" },
	{ { "-s", "beauty" }, "'beauty'" },
	{ { "-s", "" }, "--sort" },
	{ { "--top", "-1" }, "--top" },
	{ { "--top", "1000001" }, "--top" },
	{ { "--samples", "1001" }, "--samples" },
	{ { "--max-samples", "100001" }, "--max-samples" },
	{ { "--stack-bytes", "255" }, "--stack-bytes" },
	{ { "--stack-bytes", "32769" }, "--stack-bytes" },
	{ { "--max-locks", "15" }, "--max-locks" },
	{ { "--max-threads", "4194305" }, "--max-threads" },
	{ { "-d" }, "-d" },
	{ { "--delay" }, "--delay" },
	{ { "--batch=yes" }, "--batch" },
	{ { "--bogus" }, "--bogus" },
	{ { "-z" }, "-z" },
	{ { "-bz" }, "-z" },
	{ { "--max" }, "--max" }, /* could be two */
	{ { "frobnicate" }, "'frobnicate'" },
	{ { "-n", "1", "12" }, "'12'" },
	{ { "--" }, "--" },
	{ { "demo", "--", "true" }, "demo" },
	{ { "-p1", "--", "true" }, "--pid" },
	{ { "--comm=x", "--", "true" }, "--comm" },
	{ { "--fail-on", "rain" }, "'rain'" },
	{ { "--fail-on", "" }, "--fail-on" },
	{ { "--fail-on", "deadlock," }, "--fail-on" },
	{ { "--fail-on" }, "--fail-on" },
	{ { "dump" }, "-p" },
	{ { "dump", "-p1", "-fjson" }, "--format" },
	{ { "dump", "-p1", "--fail-on=deadlock" }, "--fail-on" },
	{ { "dump", "--", "true" }, "dump" },
	{ { "serve", "-fjson" }, "--format" },
	{ { "serve", "-o", "file" }, "--output" },
	{ { "serve", "--fail-on=deadlock" }, "--fail-on" },
	{ { "serve", "--tls-cert=c" }, "--tls-key" },
	{ { "serve", "--tls-key=k" }, "--tls-cert" },
	{ { "serve", "--", "true" }, "serve" },
	{ { "--listen=127.0.0.1:1" }, "serve" },
	{ { "--token-file=t", "-b" }, "--token-file" },
};

/* Wrong usage is told in one line that names the culprit; nothing is filled in. */
static void test_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong_cases); i++) {
		const struct wrong_case *c = &wrong_cases[i];
		struct options o = { .count = 4711 };
		struct line l;

		if (parse(&l, true, &o, c->args) >= 0)
			fail_msg("%s %s is taken", c->args[0], c->args[1] ? c->args[1] : "");
		if (!strstr(l.error, c->named))
			fail_msg("%s %s: no '%s' in: %s", c->args[0], c->args[1] ? c->args[1] : "",
				 c->named, l.error);
		assert_null(strchr(l.error, '\n'));
		assert_int_equal(o.count, 4711);
	}
}

/* A wrong letter amid others is named itself, whatever word stands before. */
static void test_wrong_letter_after_long(void **state)
{
	struct options o;
	struct line l;

	(void)state;
	assert_true(parse(&l, true, &o, ARGS("--batch", "-zi")) < 0);
	assert_non_null(strstr(l.error, "-z"));
	assert_null(strstr(l.error, "--batch"));
}

/* One line also where a value is several, and nothing in it acts on a terminal. */
static void test_wrong_hostile(void **state)
{
	static const char *const values[] = { "a\nb", "\x1b[2J", "\xff\xfe" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		struct options o;
		struct line l;

		assert_true(parse(&l, true, &o, ARGS("--format", values[i])) < 0);
		assert_null(strpbrk(l.error, "\n\x1b\xff"));
		assert_true(parse(&l, true, &o, ARGS(values[i])) < 0);
		assert_null(strpbrk(l.error, "\n\x1b\xff"));
	}
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

static char *help(void)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	options__help(f);
	fclose(f);
	return text;
}

/* --help names every option, command, format and field, each with what it is for. */
static void test_help(void **state)
{
	static const char *const words[] = {
		"-p, --pid PID", "--comm GLOB",	    "--user NAME",     "--cgroup PATH",
		"-d, --delay ",	 "-n, --count N",   "-b, --batch",     "-f, --format ",
		"-o, --output ", "-s, --sort ",	    "-r, --reverse",   "-i, --idle",
		"--top N",	 "--samples N",	    "--max-samples N", "--stack-bytes N",
		"--max-locks N", "--max-threads N", "-h, --help",      "-V, --version",
		"locktop check", "locktop demo",    "-- CMD",	       "Exit status",
		"locktop dump",	 "--fail-on WHAT",  "  deadlock",      "  dead-owner",
	};
	_cleanup_(util__freep) char *text = help();
	char line[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strstr(text, words[i]))
			fail_msg("--help does not name %s", words[i]);
	for (const struct exporter *e = exporters; e->name; e++) {
		snprintf(line, sizeof(line), "  %-26s %s\n", e->name, e->help);
		assert_non_null(strstr(text, line));
	}
	for (int e = 0; e < ENTITY_COUNT; e++) {
		for (const struct field *f = fields__of(e); f->key; f++) {
			snprintf(line, sizeof(line), "  %-26s %s\n", f->key, f->help);
			if (!strstr(text, line))
				fail_msg("--help does not explain %s", f->key);
		}
	}
}

/* It fits a terminal of 100 columns, and no line ends in blanks. */
static void test_help_layout(void **state)
{
	_cleanup_(util__freep) char *text = help();
	char *rest = text, *line;

	(void)state;
	while ((line = strsep(&rest, "\n"))) {
		size_t len = strlen(line);

		if (len > 100)
			fail_msg("%zu columns: %s", len, line);
		if (len && line[len - 1] == ' ')
			fail_msg("blanks at the end of: %s", line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_batch_implied),
		cmocka_unit_test(test_fail_on),
		cmocka_unit_test(test_suppressions),
		cmocka_unit_test(test_diff),
		cmocka_unit_test(test_diff_many),
		cmocka_unit_test(test_fail_on_many),
		cmocka_unit_test(test_dump),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_serve),
		cmocka_unit_test(test_combined),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_cmd),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_wrong_letter_after_long),
		cmocka_unit_test(test_wrong_hostile),
		cmocka_unit_test(test_many_pids),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_help_layout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
