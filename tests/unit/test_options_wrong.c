// SPDX-License-Identifier: GPL-2.0-only
/* What is said of wrong command lines. */
#include "options_fixture.h"

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

/* Wrong usage is told in one line that names the culprit. */
static void test_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong_cases); i++)
		assert_wrong(wrong_cases[i].args, wrong_cases[i].named);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_wrong_letter_after_long),
		cmocka_unit_test(test_wrong_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
