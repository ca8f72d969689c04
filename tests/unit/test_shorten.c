// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

#include "../../user/shorten.h"
#include "../../user/text.h"

static void assert_function(const char *name, int columns, const char *expected)
{
	char buf[256];

	shorten__function(buf, sizeof(buf), name, columns, true);
	assert_string_equal(buf, expected);
}

/* What fits stays as it is, to the column. */
static void keeps_what_fits(void **state)
{
	(void)state;
	assert_function("main", 4, "main");
	assert_function("a::b<int>::c(long)", 18, "a::b<int>::c(long)");
	assert_function("", 0, "");
}

/* Arguments go from the inside out, the name they belong to stays. */
static void elides_arguments(void **state)
{
	static const char name[] =
		"std::map<std::vector<int>, long>::find(std::vector<int> const&)";

	(void)state;
	assert_function(name, 60, "std::map<std::vector<…>, long>::find(std::vector<…> const&)");
	assert_function(name, 40, "std::map<…>::find(…)");
	assert_function("<alloc::vec::Vec<T> as core::ops::Drop>::drop", 20, "<…>::drop");
	assert_function("f<>()::g(int, int)", 12, "f<>()::g(…)");
	assert_function("take((anonymous namespace)::Pool<A, B>&, int)", 20, "take(…)");
	assert_function("(anonymous namespace)::Pool<A, B>::take()", 39,
			"(anonymous namespace)::Pool<…>::take()");
}

/* Operators and arrows are no brackets. */
static void knows_operators(void **state)
{
	(void)state;
	assert_function("lots::of::A<T>::operator<(A const&)", 30, "lots::of::A<…>::operator<(…)");
	assert_function("lots::of::A<T>::operator()(int, long) const", 36,
			"lots::of::A<…>::operator()(…) const");
	assert_function("call(fn() -> A<Item>)::there", 26, "call(fn() -> A<…>)::there");
}

/* Without brackets to give, the middle goes: both ends tell names apart. */
static void cuts_the_middle(void **state)
{
	(void)state;
	assert_function("abcdefghijklmnopqrstuvwxyz", 10, "abc…uvwxyz");
	assert_function("abcdefghijklmnopqrstuvwxyz", 1, "a");
	assert_function("abcdefghijklmnopqrstuvwxyz", 0, "");
}

/* The line number and the offset are the last to go; directories are the first. */
static void keeps_the_line(void **state)
{
	char buf[64];

	(void)state;
	shorten__place(buf, sizeof(buf), "/build/src/row0sel.cc:412", 20, true);
	assert_string_equal(buf, "row0sel.cc:412");
	shorten__place(buf, sizeof(buf), "a_very_long_source_file.cc:412", 12, true);
	assert_string_equal(buf, "a_very_…:412");
	shorten__place(buf, sizeof(buf), "libpython3.11.so.1.0+0x2a936f", 18, true);
	assert_string_equal(buf, "libpytho…+0x2a936f");
	shorten__place(buf, sizeof(buf), "libpython3.11.so.1.0+0x2a936f", 6, true);
	assert_string_equal(buf, "…a936f");
	shorten__place(buf, sizeof(buf), "a_very_long_source_file.cc:412", 12, false);
	assert_string_equal(buf, "a_very..:412");
}

/* Of a function with its place the line number goes last, the file's name before it. */
static void keeps_the_line_behind(void **state)
{
	static const char name[] = "UserCache.refresh (/srv/application.py:412)";

	(void)state;
	assert_function("f (a.py:7)", 10, "f (a.py:7)");
	assert_function(name, 60, "UserCache.refresh (/srv/application.py:412)");
	assert_function(name, 36, "UserC…e.refresh (application.py:412)");
	assert_function(name, 26, "Us…esh (application.…:412)");
	assert_function(name, 16, "Us…esh (ap…:412)");
	assert_function(name, 8, "…:412");
	assert_function("a<b> (c) (d.cc:1)", 16, "a<… (…) (d.cc:1)");
	assert_function("take (int, long)", 10, "take (…)");
}

/* Whatever the name, it fits, is clean, and ASCII stays ASCII. */
static void fits_always(void **state)
{
	static const char *const names[] = {
		"a<b<c<d<e<f>>>>>",	    ">>>)))<<<(((",
		"日本語<日本語>の名前です", "\033[2J<\xff\xfe>(\n)",
		"operator<<<<<<",	    "x\xcc\x81\xcc\x81\xcc\x81\xcc\x81yyyyy",
		"日本語の (日本語の:12)",   "a (b:1) (c:2) (:3)",
	};
	char buf[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		for (int columns = 0; columns < 40; columns++) {
			shorten__function(buf, sizeof(buf), names[i], columns, columns % 2);
			assert_true(text__columns(buf) <= columns);
			assert_null(strchr(buf, '\033'));
			shorten__place(buf, sizeof(buf), names[i], columns, columns % 2);
			assert_true(text__columns(buf) <= columns);
		}
	}
	for (size_t size = 1; size < 12; size++) {
		shorten__function(buf, size, "日本語の名前です", 40, true);
		assert_true(strlen(buf) < size);
		assert_int_equal(strlen(buf) % 3, 0);
		shorten__function(buf, size, "日本語の名前です日本語の名前です", 20, true);
		assert_true(strlen(buf) < size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_what_fits),	 cmocka_unit_test(elides_arguments),
		cmocka_unit_test(knows_operators),	 cmocka_unit_test(cuts_the_middle),
		cmocka_unit_test(keeps_the_line),	 cmocka_unit_test(fits_always),
		cmocka_unit_test(keeps_the_line_behind),
	};

	return cmocka_run_group_tests_name("shorten", tests, NULL, NULL);
}
