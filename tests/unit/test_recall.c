// SPDX-License-Identifier: GPL-2.0-only
/* What was found at the reading before is found again, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../user/recall.h"

static char found[8];

static void note(struct recall *r, const uint32_t *tids, size_t n)
{
	recall__begin(r);
	for (size_t i = 0; i < n; i++)
		recall__note(r, tids[i], &found[i]);
}

/* Threads come and go between two readings, at both ends and in the middle. */
static void test_finds_those_that_stay(void **state)
{
	static const uint32_t then[] = { 10, 20, 30, 40, 50 };
	struct recall r = {};

	note(&r, then, 5);
	recall__begin(&r);
	assert_null(recall__find(&r, 5));
	assert_ptr_equal(recall__find(&r, 10), &found[0]);
	assert_null(recall__find(&r, 25));
	assert_ptr_equal(recall__find(&r, 30), &found[2]);
	assert_ptr_equal(recall__find(&r, 50), &found[4]);
	assert_null(recall__find(&r, 60));
	recall__done(&r);
}

/* Of two readings before, only the latest counts: what it did not note may be gone. */
static void test_forgets_the_reading_before_the_last(void **state)
{
	static const uint32_t then[] = { 10, 20, 30 };
	struct recall r = {};

	note(&r, then, 3);
	note(&r, then, 1);
	recall__begin(&r);
	assert_ptr_equal(recall__find(&r, 10), &found[0]);
	assert_null(recall__find(&r, 20));
	recall__begin(&r);
	assert_null(recall__find(&r, 10));
	recall__done(&r);
}

/* Numbers that begin anew, as where they wrap, are looked up; they never lead to another's. */
static void test_out_of_order(void **state)
{
	static const uint32_t then[] = { 30, 40, 10, 20 };
	struct recall r = {};

	note(&r, then, 4);
	recall__begin(&r);
	assert_ptr_equal(recall__find(&r, 30), &found[0]);
	assert_null(recall__find(&r, 10));
	assert_ptr_equal(recall__find(&r, 40), &found[1]);
	recall__done(&r);
}

/* Nothing that was freed since is ever handed out. */
static void test_forget(void **state)
{
	static const uint32_t then[] = { 10, 20 };
	struct recall r = {};

	note(&r, then, 2);
	recall__forget(&r);
	recall__begin(&r);
	assert_null(recall__find(&r, 10));
	recall__done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_those_that_stay),
		cmocka_unit_test(test_forgets_the_reading_before_the_last),
		cmocka_unit_test(test_out_of_order),
		cmocka_unit_test(test_forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
