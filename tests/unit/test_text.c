// SPDX-License-Identifier: GPL-2.0-only
/* Units that people read, and foreign bytes made harmless. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/text.h"
#include "../../user/util.h"

#define S  1000000000ULL
#define MS 1000000ULL

/* Durations: every range, both sides of each place where rounding changes the unit. */
static void test_duration(void **state)
{
	static const struct {
		uint64_t ns;
		const char *expected;
	} cases[] = {
		{ 0, "0" },
		{ 1, "1ns" },
		{ 812, "812ns" },
		{ 999, "999ns" },
		{ 1000, "1.0us" },
		{ 1249, "1.2us" },
		{ 9949, "9.9us" },
		{ 9950, "10us" },
		{ 34499, "34us" },
		{ 34500, "35us" },
		{ 999499, "999us" },
		{ 999500, "1.0ms" },
		{ 34 * MS, "34ms" },
		{ 999 * MS + 499999, "999ms" },
		{ 999 * MS + 500000, "1.00s" },
		{ 2410 * MS, "2.41s" },
		{ 9994999999, "9.99s" },
		{ 9995000000, "10.0s" },
		{ 31600 * MS, "31.6s" },
		{ 59949999999, "59.9s" },
		{ 59950000000, "1m00s" },
		{ 185 * S, "3m05s" },
		{ 3599 * S, "59m59s" },
		{ 3599 * S + 600 * MS, "1h00m" },
		{ 4 * 3600 * S + 12 * 60 * S + 59 * S, "4h12m" },
		{ 86399 * S, "23h59m" },
		{ 86400 * S, "1d00h" },
		{ 12 * 86400 * S + 3 * 3600 * S, "12d03h" },
		{ 100 * 86400 * S - S, "99d23h" },
		{ 100 * 86400 * S, "100d" },
		{ 99999ULL * 86400 * S, "99999d" },
		{ 100000ULL * 86400 * S, "273y" },
		{ UINT64_MAX, "584y" },
	};
	char buf[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		text__duration(buf, sizeof(buf), cases[i].ns);
		assert_string_equal(buf, cases[i].expected);
		assert_true(strlen(buf) <= 6);
	}
}

/* Reads a duration below a minute back. */
static double parse_duration(const char *s)
{
	char *end;
	double n = strtod(s, &end);

	return !strcmp(end, "ns")   ? n
	       : !strcmp(end, "us") ? n * 1e3
	       : !strcmp(end, "ms") ? n * 1e6
	       : !strcmp(end, "s")  ? n * 1e9
				    : -1;
}

/* Whatever the number, what is shown is near it and keeps to its columns. */
static void test_duration_is_near(void **state)
{
	char buf[16];

	(void)state;
	srand48(1);
	for (int i = 0; i < 100000; i++) {
		uint64_t ns = 1 + ((uint64_t)lrand48() << 31 | (uint64_t)lrand48()) %
					  (60 * S >> lrand48() % 36);
		double shown;

		text__duration(buf, sizeof(buf), ns);
		assert_true(strlen(buf) <= 6);
		if (strchr(buf, 'm') && !strstr(buf, "ms"))
			continue;
		shown = parse_duration(buf);
		if (fabs(shown - (double)ns) > 0.051 * (double)ns)
			fail_msg("%lu shown as %s", ns, buf);
	}
}

/* Counts: plain to 9999, then with a suffix; rare is not shown as never; five columns at most. */
static void test_count(void **state)
{
	static const struct {
		double n;
		const char *expected;
	} cases[] = {
		{ 0, "0" },	  { 1e-9, "<0.1" },   { 0.05, "0.1" },	    { 0.5, "0.5" },
		{ 2.9996, "3" },  { 3.0004, "3" },    { 9.94, "9.9" },	    { 9.95, "10" },
		{ 12, "12" },	  { 12.5, "13" },     { 9999, "9999" },	    { 9999.5, "10k" },
		{ 84000, "84k" }, { 999499, "999k" }, { 999500, "1.0M" },   { 1.24e6, "1.2M" },
		{ 5e9, "5.0G" },  { 7e12, "7.0T" },   { 7e15, "7.0P" },	    { 9.2e18, "9.2E" },
		{ 1e19, ">10E" }, { 1e300, ">10E" },  { INFINITY, ">10E" }, { NAN, "?" },
		{ -1, "?" },
	};
	char buf[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		text__count(buf, sizeof(buf), cases[i].n);
		assert_string_equal(buf, cases[i].expected);
		assert_true(strlen(buf) <= 5);
	}
}

/* Loads: three digits that matter. */
static void test_load(void **state)
{
	static const struct {
		double n;
		const char *expected;
	} cases[] = {
		{ 0, "0.00" },	   { 0.03, "0.03" },   { 2.414, "2.41" },  { 9.994, "9.99" },
		{ 9.996, "10.0" }, { 31.62, "31.6" },  { 99.94, "99.9" },  { 99.96, "100" },
		{ 812.4, "812" },  { 9999.4, "9999" }, { 123456, "123k" }, { NAN, "?" },
		{ -0.5, "?" },
	};
	char buf[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		text__load(buf, sizeof(buf), cases[i].n);
		assert_string_equal(buf, cases[i].expected);
	}
}

/* Bytes: powers of 1024. */
static void test_bytes(void **state)
{
	static const struct {
		uint64_t n;
		const char *expected;
	} cases[] = {
		{ 0, "0B" },
		{ 512, "512B" },
		{ 1023, "1023B" },
		{ 1024, "1.0K" },
		{ 4404019, "4.2M" },
		{ 40 << 20, "40M" },
		{ (1 << 20) - 1, "1.0M" },
		{ 1181116006, "1.1G" },
		{ UINT64_MAX, "16E" },
	};
	char buf[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		text__bytes(buf, sizeof(buf), cases[i].n);
		assert_string_equal(buf, cases[i].expected);
	}
}

static const struct {
	const char *in, *out;
} foreign[] = {
	{ "", "" },
	{ "plain name", "plain name" },
	{ "a\x1b[2Jb\r\n\tc\x7f", "a?[2Jb???c?" },
	{ "\xc2\x9b[31m", "?[31m" }, /* C1 CSI as UTF-8 */
	{ "\x9b[31m", "?[31m" },     /* and as a bare byte */
	{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
	{ "\xe6\x97\xa5\xe6\x9c\xac", "\xe6\x97\xa5\xe6\x9c\xac" },
	{ "\xf0\x9f\x94\x92", "\xf0\x9f\x94\x92" },
	{ "e\xcc\x81", "e\xcc\x81" }, /* a combining mark stays */
	{ "\xc0\xaf", "??" },	      /* overlong */
	{ "\xe0\x80\xaf", "???" },
	{ "\xf0\x80\x80\x9b", "????" },
	{ "\xed\xa0\x80", "???" },	/* a surrogate */
	{ "\xf4\x90\x80\x80", "????" }, /* above U+10FFFF */
	{ "\xff\xfe", "??" },
	{ "a\xc3", "a?" }, /* cut off at the end */
	{ "\xe6\x97", "??" },
	{ "\xf0\x9f\x94x", "???x" },
	{ "\xe2\x80\xae"
	  "evil",
	  "?evil" },				/* U+202E */
	{ "\xe2\x81\xa6x\xe2\x81\xa9", "?x?" }, /* U+2066, U+2069 */
	{ "\xe2\x80\x8e\xe2\x80\x8f", "??" },
	{ "\xe2\x80\xa8\xe2\x80\xa9", "??" },
	{ "\xd8\x9c", "?" },	     /* U+061C */
	{ "\xef\xbb\xbf", "?" },     /* U+FEFF */
	{ "\xf3\xa0\x81\x81", "?" }, /* U+E0041, a tag */
};

/* Each way to harm a terminal or a reader becomes one '?' a byte or character; the rest stays. */
static void test_clean(void **state)
{
	char buf[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++) {
		assert_ptr_equal(text__clean(buf, sizeof(buf), foreign[i].in), buf);
		assert_string_equal(buf, foreign[i].out);
	}
}

/* Too little room cuts between characters, never inside one, and never writes behind its end. */
static void test_clean_cuts(void **state)
{
	const char *s = "a\xc3\xbc\xe6\x97\xa5\xf0\x9f\x94\x92z";
	static const size_t kept[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11 };

	(void)state;
	for (size_t room = 0; room < ARRAY_SIZE(kept); room++) {
		char *buf = malloc(room + 1);

		text__clean(buf, room + 1, s);
		assert_int_equal(strlen(buf), kept[room]);
		assert_memory_equal(buf, s, kept[room]);
		free(buf);
	}
	assert_null(text__clean(NULL, 0, s));
}

/* Random bytes: the result is clean (cleaning changes nothing more) and has no control bytes. */
static void test_clean_random(void **state)
{
	char once[64], twice[64];

	(void)state;
	srand48(2);
	for (int i = 0; i < 200000; i++) {
		size_t len = (size_t)(drand48() * 24), room = 1 + (size_t)(drand48() * 32);
		char *in = malloc(len + 1);

		for (size_t j = 0; j < len; j++)
			in[j] = (char)(drand48() < 0.5 ? 0x80 + (lrand48() & 0x7f)
						       : 1 + lrand48() % 255);
		in[len] = 0;
		text__clean(once, room, in);
		assert_true(strlen(once) < room);
		text__clean(twice, sizeof(twice), once);
		assert_string_equal(once, twice);
		for (const char *p = once; *p; p++)
			assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
		free(in);
	}
}

/* Columns: one for most, two for wide ones, none for marks; both ends of ranges in the tables. */
static void test_columns(void **state)
{
	(void)state;
	assert_int_equal(text__columns(""), 0);
	assert_int_equal(text__columns("mutex"), 5);
	assert_int_equal(text__columns("gr\xc3\xbc\xc3\x9f"), 4);
	assert_int_equal(text__columns("e\xcc\x81"), 1);
	assert_int_equal(text__columns("\xcc\x80\xcd\xaf\xcd\xb0"), 1); /* U+0300, 036F, 0370 */
	assert_int_equal(text__columns("\xe6\x97\xa5\xe6\x9c\xac"), 4);
	assert_int_equal(text__columns("\xe1\x84\x80\xe1\x85\x9f"), 4); /* U+1100, 115F */
	assert_int_equal(text__columns("\xe1\x85\xa0"), 0);		/* U+1160 */
	assert_int_equal(text__columns("\xef\xbc\x81\xef\xbd\xa1"), 3); /* U+FF01, FF61 */
	assert_int_equal(text__columns("\xf0\x9f\x94\x92"), 2);		/* U+1F512, a lock */
	assert_int_equal(text__columns("\xf0\xbf\xbf\xbd"), 2);		/* U+3FFFD, the last */
	assert_int_equal(text__columns("\xff?"), 2);			/* a bad byte takes one */
}

/* A prefix never passes its columns, never splits a character and takes its marks along. */
static void test_prefix(void **state)
{
	const char *s = "a\xe6\x97\xa5"
			"e\xcc\x81z";

	(void)state;
	assert_int_equal(text__prefix(s, -1), 0);
	assert_int_equal(text__prefix(s, 0), 0);
	assert_int_equal(text__prefix(s, 1), 1);
	assert_int_equal(text__prefix(s, 2), 1);
	assert_int_equal(text__prefix(s, 3), 4);
	assert_int_equal(text__prefix(s, 4), 7);
	assert_int_equal(text__prefix(s, 5), 8);
	assert_int_equal(text__prefix(s, 100), 8);
	assert_int_equal(text__prefix("", 5), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_duration),   cmocka_unit_test(test_duration_is_near),
		cmocka_unit_test(test_count),	   cmocka_unit_test(test_load),
		cmocka_unit_test(test_bytes),	   cmocka_unit_test(test_clean),
		cmocka_unit_test(test_clean_cuts), cmocka_unit_test(test_clean_random),
		cmocka_unit_test(test_columns),	   cmocka_unit_test(test_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
