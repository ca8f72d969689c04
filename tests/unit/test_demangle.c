// SPDX-License-Identifier: GPL-2.0-only
/* demangle.c: C++ and Rust names whole, everything else as it is, and nothing without end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../user/demangle.h"
#include "../../user/util.h"

static const struct {
	const char *symbol, *name, *language;
} rows[] = {
	{ "_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE",
	  "std::condition_variable::wait(std::unique_lock<std::mutex>&)", "c++" },
	{ "_Z3fooILi3EEvi", "void foo<3>(int)", "c++" },
	{ "_ZN5cacheC1Ev", "cache::cache()", "c++" },
	{ "_ZZ4mainENKUlvE_clEv", "main::{lambda()#1}::operator()() const", "c++" },
	{ "_ZN3std6thread4park17h0123456789abcdefE", "std::thread::park", "rust" },
	{ "_ZN4core3ptr31drop_in_place$LT$my..Worker$GT$17h0123456789abcdefE",
	  "core::ptr::drop_in_place<my::Worker>", "rust" },
	{ "_RNvNtNtCs1234_7mycrate5store4lock4take", "mycrate::store::lock::take", "rust" },
	{ "_RNvNtCs1234_7mycrate5store4lock", "mycrate::store::lock", "rust" },
	/* neither */
	{ "main", NULL, NULL },
	{ "", NULL, NULL },
	{ "_", NULL, NULL },
	{ "_Z", NULL, NULL },
	{ "_R", NULL, NULL },
	{ "_ZN", NULL, NULL },
	{ "_Zebra", NULL, NULL },
	{ "_ZN999999999999999999999aE", NULL, NULL },
	{ "_Znwm trailing", NULL, NULL },
};

static void expect(const char *symbol, const char *name, const char *language)
{
	const char *said = "none";
	char *got = demangle__name(symbol, &said);

	if (!got != !name || (got && (strcmp(got, name) || strcmp(said, language))))
		fail_msg("%s: %s (%s)", symbol, got ? got : "none", said);
	free(got);
}

/* Names of both languages, and what only looks like one. */
static void test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect(rows[i].symbol, rows[i].name, rows[i].language);
}

/* A name of some hundred characters is not cut; one of thousands is left as it is, whole. */
static void test_length(void **state)
{
	char symbol[9000], name[9000];
	size_t lengths[] = { 100, 900, 4200, 8000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		int n = lengths[i], digits = snprintf(symbol, sizeof(symbol), "_Z%d", n);

		memset(symbol + digits, 'x', n);
		strcpy(symbol + digits + n, "v");
		snprintf(name, sizeof(name), "%.*s()", n, symbol + digits);
		expect(symbol, n < 1000 ? name : NULL, "c++");
	}
}

/* B<B<B<A, A>, ...>, ...>, 32 levels: a name of 330 bytes that stands for 2^32 of them. */
static void test_bomb(void **state)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char symbol[1024], *s = symbol + sprintf(symbol, "_Z1f1A1BIS_S_E");
	uint64_t begin = util__monotonic_ns();

	(void)state;
	for (int level = 1; level <= 10; level++)
		s += sprintf(s, "S0_IS%c_S%c_E", digits[level], digits[level]);
	expect(symbol, NULL, NULL);
	for (int level = 11; level <= 32; level++)
		s += sprintf(s, "S0_IS%c_S%c_E", digits[level], digits[level]);
	expect(symbol, NULL, NULL);
	assert_true(util__monotonic_ns() - begin < NSEC_PER_SEC);
}

/* Templates and references whose product the printer would want on the stack. */
static void test_stack(void **state)
{
	char symbol[4096], *s = symbol + sprintf(symbol, "_Z1f1A");

	(void)state;
	for (int i = 0; i < 500; i++)
		s += sprintf(s, "1BIRT_E");
	expect(symbol, NULL, NULL);
}

/*
 * Names put together at random from what names consist of: each is done quickly. A fixed seed, so
 * that a failure comes again.
 */
static void test_random(void **state)
{
	static const char *const parts[] = {
		"1A",  "1BI",	"S_", "S0_", "S1_", "S2_", "S3_", "E",	  "T_",	      "RT_",
		"OT_", "Dp",	"sP", "I",   "L",   "X",   "N",	  "J",	  "F",	      "P",
		"M",   "cv",	"R",  "v",   "i",   "Nv",  "Nt",  "B_",	  "B2_",      "B8_",
		"KpE", "C3abc", "p",  "FEu", "DG_", "Bb_", "A2_", "DpT_", "St4pairI",
	};
	uint64_t seed = 0x6c6f636b746f70, worst = 0;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char symbol[1024], *s = symbol + sprintf(symbol, round & 1 ? "_Z1f" : "_R");
		const char *language;
		uint64_t begin;

		for (int i = 0; i < round % 80; i++) {
			seed = seed * 6364136223846793005 + 1442695040888963407;
			s += sprintf(s, "%s", parts[(seed >> 33) % ARRAY_SIZE(parts)]);
		}
		begin = util__monotonic_ns();
		free(demangle__name(symbol, &language));
		worst = MAX(worst, util__monotonic_ns() - begin);
	}
	assert_true(worst < NSEC_PER_SEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),  cmocka_unit_test(test_length),
		cmocka_unit_test(test_bomb),   cmocka_unit_test(test_stack),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
