// SPDX-License-Identifier: GPL-2.0-only
/* Who held a lock at what cost, through intervals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../user/holders.h"

static int set_up(void **state)
{
	static struct holders h;

	*state = &h;
	return 0;
}

static int tear_down(void **state)
{
	holders__done(*state);
	return 0;
}

static const struct lock_holder *find(const struct holders *h, pid_t tid, enum holder_source source)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->items[i].tid == tid && h->items[i].source == source)
			return &h->items[i];
	return NULL;
}

/* Wait adds up by thread and source; what is known in one way is not mixed with another. */
static void test_credit(void **state)
{
	struct holders *h = *state;
	const struct lock_holder *looked_at;

	holders__credit(h, 11, HELD_AT_LOOKS, 100, true);
	holders__credit(h, 11, HELD_AT_LOOKS, 20, false);
	holders__credit(h, 11, HELD_AT_START, 50, true);
	holders__credit(h, 11, HELD_BY_WAKER, 7, true);
	holders__credit(h, 12, HELD_AT_LOOKS, 3, true);
	assert_int_equal(h->n, 4);
	looked_at = find(h, 11, HELD_AT_LOOKS);
	assert_int_equal(looked_at->samples, 1);
	assert_int_equal(looked_at->wait_ns, 120);
	assert_int_equal(looked_at->all_wait_ns, 120);
	assert_int_equal(find(h, 11, HELD_AT_START)->wait_ns, 50);
	assert_int_equal(find(h, 11, HELD_BY_WAKER)->wait_ns, 7);
	assert_int_equal(find(h, 12, HELD_AT_LOOKS)->wait_ns, 3);
}

/* An interval's figures begin anew; what was before stands, and weighs less from one to the next.
 */
static void test_next_interval(void **state)
{
	struct holders *h = *state;
	uint64_t before = 8000;

	holders__credit(h, 11, HELD_AT_LOOKS, before, true);
	for (int i = 0; i < 5; i++) {
		const struct lock_holder *holder;

		holders__next_interval(h);
		holder = find(h, 11, HELD_AT_LOOKS);
		assert_int_equal(holder->samples, 0);
		assert_int_equal(holder->wait_ns, 0);
		assert_true(holder->all_wait_ns > 0 && holder->all_wait_ns < before);
		before = holder->all_wait_ns;
	}
	for (int i = 0; i < 200; i++)
		holders__next_interval(h);
	assert_int_equal(h->n, 0);
}

/* No more are kept than so many; those that cost least give way, and the largest stays. */
static void test_many(void **state)
{
	struct holders *h = *state;

	holders__credit(h, 1, HELD_AT_LOOKS, 1000000, true);
	holders__next_interval(h);
	holders__credit(h, 2, HELD_AT_LOOKS, 500, true); /* of now: goes before what was */
	for (int tid = 100; tid < 100 + 4 * HOLDERS_MAX; tid++)
		holders__credit(h, tid, HELD_AT_LOOKS, 10, true);
	assert_int_equal(h->n, HOLDERS_MAX);
	assert_int_equal(find(h, 2, HELD_AT_LOOKS)->wait_ns, 500);
	assert_null(find(h, 1, HELD_AT_LOOKS));
	assert_int_equal(find(h, 99 + 4 * HOLDERS_MAX, HELD_AT_LOOKS)->wait_ns, 10);
}

/* Of those without wait in this interval, the one that cost least ever goes first. */
static void test_least_ever(void **state)
{
	struct holders *h = *state;

	for (int tid = 1; tid <= HOLDERS_MAX; tid++)
		holders__credit(h, tid, HELD_AT_LOOKS, tid == 7 ? 100 : 1000 * tid, true);
	holders__next_interval(h);
	holders__credit(h, 4711, HELD_AT_LOOKS, 1, true);
	assert_int_equal(h->n, HOLDERS_MAX);
	assert_null(find(h, 7, HELD_AT_LOOKS));
	assert_non_null(find(h, 1, HELD_AT_LOOKS));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_credit),
		TEST(test_next_interval),
		TEST(test_many),
		TEST(test_least_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
