// SPDX-License-Identifier: GPL-2.0-only
/* Cycles of waits as looks see them, one look after the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../user/deadlocks.h"
#include "../../user/util.h"

#define MS 1000000ULL

static int set_up(void **state)
{
	static struct deadlocks d;

	*state = &d;
	return 0;
}

static int tear_down(void **state)
{
	deadlocks__done(*state);
	return 0;
}

/* A thread that waits for the lock at this address since the second second. */
static struct deadlock_wait wait_of(uint32_t tid, uint64_t address)
{
	return (struct deadlock_wait){ .key = { .tgid = 100, .gen = 1, .addr = address },
				       .start_ns = 2000 * MS,
				       .sequence = 5,
				       .tid = tid,
				       .tgid = 100 };
}

/* A look at this time that finds one cycle (or none), of a copy: it may be reordered. */
static void look(struct deadlocks *d, uint64_t ms, const struct deadlock_wait *waits, size_t n)
{
	struct deadlock_wait copy[4];

	for (size_t i = 0; i < n; i++)
		copy[i] = waits[i];
	deadlocks__begin(d);
	if (n)
		deadlocks__see(d, copy, n);
	deadlocks__end(d, ms * MS);
}

static void assert_cycles(const struct deadlocks *d, size_t n, size_t confirmed)
{
	size_t found = 0;

	for (size_t i = 0; i < d->n; i++)
		found += d->items[i].confirmed;
	assert_int_equal(d->n, n);
	assert_int_equal(found, confirmed);
}

/* One look proves nothing; the second at the same waits does, and it stays so. */
static void test_second_look(void **state)
{
	const struct deadlock_wait w[] = { wait_of(11, 0x10), wait_of(12, 0x20) };
	struct deadlocks *d = *state;

	look(d, 3000, w, 2);
	assert_cycles(d, 1, 0);
	for (int i = 1; i < 5; i++) {
		look(d, 3000 + i * 100, w, 2);
		assert_cycles(d, 1, 1);
	}
	assert_int_equal(d->items[0].n, 2);
	assert_int_equal(d->items[0].waits[1].tid, 12);
}

/* Any change makes it another cycle, which a look has to confirm anew. */
static void test_changes(void **state)
{
	struct deadlock_wait changed[6][2];
	struct deadlocks *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(changed); i++) {
		changed[i][0] = wait_of(11, 0x10);
		changed[i][1] = wait_of(12, 0x20);
	}
	changed[0][1].sequence++;
	changed[1][1].key.addr = 0x28;
	changed[2][1].key.gen++;
	changed[3][1].key.signature = 9;
	changed[4][1].tid = 13; /* the thread, and so the owner of the other's lock */
	changed[5][1].tgid = 101;
	for (size_t i = 0; i < ARRAY_SIZE(changed); i++) {
		const struct deadlock_wait w[] = { wait_of(11, 0x10), wait_of(12, 0x20) };

		look(d, 3000, w, 2);
		look(d, 3100, w, 2);
		assert_cycles(d, 1, 1);
		look(d, 3200, changed[i], 2);
		assert_cycles(d, 1, 0);
		look(d, 3300, changed[i], 2);
		assert_cycles(d, 1, 1);
		look(d, 3400, NULL, 0);
		assert_cycles(d, 0, 0);
	}
}

/* Threads and locks that are the same in another order wait for each other otherwise. */
static void test_other_order(void **state)
{
	const struct deadlock_wait a[] = { wait_of(11, 0x10), wait_of(12, 0x20),
					   wait_of(13, 0x30) };
	const struct deadlock_wait b[] = { a[0], a[2], a[1] };
	struct deadlocks *d = *state;

	look(d, 3000, a, 3);
	look(d, 3100, b, 3);
	assert_cycles(d, 1, 0);
	look(d, 3200, b, 2); /* one thread less is another cycle too */
	assert_cycles(d, 1, 0);
}

/* Where a cycle begins is chance: it is the same one from wherever it is told. */
static void test_rotation(void **state)
{
	const struct deadlock_wait a[] = { wait_of(13, 0x30), wait_of(11, 0x10),
					   wait_of(12, 0x20) };
	const struct deadlock_wait b[] = { a[2], a[0], a[1] };
	struct deadlocks *d = *state;

	look(d, 3000, a, 3);
	assert_int_equal(d->items[0].waits[0].tid, 11);
	assert_int_equal(d->items[0].waits[2].tid, 13);
	look(d, 3100, b, 3);
	assert_cycles(d, 1, 1);
}

/*
 * A signal's handler ran and the call went on with its wait: the same one if its parts reach back
 * before the look before; else the thread may have got the lock meanwhile, and dropped it.
 */
static void test_resumed(void **state)
{
	struct deadlock_wait w[] = { wait_of(11, 0x10), wait_of(12, 0x20) };
	struct deadlocks *d = *state;

	look(d, 3000, w, 2);
	w[0].sequence++;
	w[0].start_ns = 3050 * MS;
	w[0].resumed = true;
	w[0].carried_ns = 49 * MS; /* since 3001 */
	look(d, 3100, w, 2);
	assert_cycles(d, 1, 0);
	w[0].sequence++;
	w[0].start_ns = 3150 * MS;
	w[0].carried_ns = 149 * MS;
	look(d, 3200, w, 2);
	assert_cycles(d, 1, 1);
	w[0].sequence++;
	w[0].resumed = false; /* a wait of its own, whatever is carried */
	look(d, 3300, w, 2);
	assert_cycles(d, 1, 0);
	w[0].sequence++;
	w[0].resumed = true;
	w[0].carried_ns = UINT64_MAX; /* nonsense reaches back to the beginning, no further */
	look(d, 3400, w, 2);
	assert_cycles(d, 1, 1);
}

/* Several at once, each confirmed for itself; one that dissolves leaves the others alone. */
static void test_several(void **state)
{
	struct deadlock_wait a[] = { wait_of(11, 0x10), wait_of(12, 0x20) };
	struct deadlock_wait b[] = { wait_of(21, 0x30) };
	struct deadlock_wait c[] = { wait_of(31, 0x40), wait_of(32, 0x50) };
	struct deadlocks *d = *state;

	deadlocks__begin(d);
	deadlocks__see(d, a, 2);
	deadlocks__see(d, b, 1);
	deadlocks__end(d, 3000 * MS);
	assert_cycles(d, 2, 0);
	deadlocks__begin(d);
	deadlocks__see(d, c, 2);
	deadlocks__see(d, b, 1);
	deadlocks__see(d, a, 2);
	deadlocks__end(d, 3100 * MS);
	assert_cycles(d, 3, 2);
	deadlocks__begin(d);
	deadlocks__see(d, b, 1);
	deadlocks__see(d, c, 2);
	deadlocks__end(d, 3200 * MS);
	assert_cycles(d, 2, 2);
}

/* One that was not seen in between is new when it comes back. */
static void test_comes_back(void **state)
{
	const struct deadlock_wait w[] = { wait_of(11, 0x10), wait_of(12, 0x20) };
	struct deadlocks *d = *state;

	look(d, 3000, w, 2);
	look(d, 3100, w, 2);
	look(d, 3200, NULL, 0);
	assert_cycles(d, 0, 0);
	look(d, 3300, w, 2);
	assert_cycles(d, 1, 0);
	look(d, 3400, w, 2);
	assert_cycles(d, 1, 1);
}

/* It stands since its youngest wait began; parts before a signal count. */
static void test_age(void **state)
{
	struct deadlock_wait w[] = { wait_of(11, 0x10), wait_of(12, 0x20) };
	struct deadlocks *d = *state;

	w[1].start_ns = 2900 * MS;
	w[1].carried_ns = 500 * MS;
	look(d, 3000, w, 2);
	assert_int_equal(deadlock_cycle__age(&d->items[0], 3000 * MS), 600 * MS);
	assert_int_equal(deadlock_cycle__age(&d->items[0], 2300 * MS), 0); /* clocks differ */
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_second_look), TEST(test_changes), TEST(test_other_order),
		TEST(test_rotation),	TEST(test_resumed), TEST(test_several),
		TEST(test_comes_back),	TEST(test_age),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
