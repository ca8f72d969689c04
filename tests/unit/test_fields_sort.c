// SPDX-License-Identifier: GPL-2.0-only
/* Rows in the order of any column. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "../../user/fields.h"

/* Sorts locks by key and compares their pids with the expected ones. */
static void assert_order(const char *key, bool reverse, const struct lock *locks, size_t n,
			 const int *pids)
{
	const void *rows[8];

	for (size_t i = 0; i < n; i++)
		rows[i] = &locks[(i * 5 + 2) % n]; /* any order must do */
	fields__sort(fields__find(ENTITY_LOCK, key), reverse, rows, n);
	for (size_t i = 0; i < n; i++)
		if (((const struct lock *)rows[i])->pid != pids[i])
			fail_msg("%s: %d at %zu, not %d", key, ((const struct lock *)rows[i])->pid,
				 i, pids[i]);
}

/* Numbers from the largest, text and ids from the least, the unknown last in both directions. */
static void test_sort(void **state)
{
	static const struct lock locks[] = {
		{ .pid = 1, .wait_ns = 5, .name = "b", .hist = { 1 }, .p99_ns = 9, .address = 3 },
		{ .pid = 2, .wait_ns = 9, .name = NULL, .address = 1 },
		{ .pid = 3, .wait_ns = 5, .name = "a", .hist = { 1 }, .p99_ns = 99, .address = 2 },
		{ .pid = 4, .wait_ns = 7, .name = "c", .address = UINT64_MAX },
	};

	(void)state;
	assert_order("wait", false, locks, 4, (int[]){ 2, 4, 1, 3 });
	assert_order("wait", true, locks, 4, (int[]){ 1, 3, 4, 2 });
	assert_order("name", false, locks, 4, (int[]){ 3, 1, 4, 2 });
	assert_order("name", true, locks, 4, (int[]){ 4, 1, 3, 2 });
	assert_order("p99", false, locks, 4, (int[]){ 3, 1, 2, 4 });
	assert_order("p99", true, locks, 4, (int[]){ 1, 3, 2, 4 });
	assert_order("pid", false, locks, 4, (int[]){ 1, 2, 3, 4 });
	assert_order("pid", true, locks, 4, (int[]){ 4, 3, 2, 1 });
	assert_order("address", false, locks, 4, (int[]){ 2, 3, 1, 4 });
	fields__sort(fields__default_sort(ENTITY_LOCK), false, NULL, 0);
}

/* By impact, owner and verdict too: those without one come last. */
static void test_sort_owners(void **state)
{
	static const struct thread a = { .tid = 1, .comm = "a" }, b = { .tid = 2, .comm = "b" };
	static struct owner by_a = { .thread = &a }, by_b = { .thread = &b };
	static struct verdict convoy = { .name = "convoy" }, wake = { .name = "lost wake-up?" };
	static const struct lock locks[] = {
		{ .pid = 1, .owner = &by_b, .verdicts = &wake, .n_verdicts = 1, .impact_ns = 2 },
		{ .pid = 2, .owner_died = 9, .impact_ns = 1 },
		{ .pid = 3, .owner = &by_a, .verdicts = &convoy, .n_verdicts = 1 },
		{ .pid = 4, .readers = -1, .deadlocked = true, .impact_ns = 3 },
	};

	(void)state;
	assert_order("impact", false, locks, 4, (int[]){ 4, 1, 2, 3 });
	assert_order("owner", false, locks, 4, (int[]){ 3, 1, 2, 4 });
	assert_order("owner", true, locks, 4, (int[]){ 2, 1, 3, 4 });
	assert_order("verdict", false, locks, 4, (int[]){ 3, 1, 2, 4 });
	assert_order("deadlocked", false, locks, 4, (int[]){ 4, 1, 2, 3 });
}

/* Equal rows keep one order however they come in, for each entity: they must not jump. */
static void test_sort_is_steady(void **state)
{
	static const struct process processes[] = {
		{ .pid = 1 }, { .pid = 2, .gen = 1 }, { .pid = 2, .gen = 2 }, { .pid = 3 }
	};
	static const struct lock locks[] = { { .pid = 1, .address = UINT64_MAX },
					     { .pid = 2, .address = 1 },
					     { .pid = 2, .address = 1, .kind = KIND_COND },
					     { .pid = 2, .address = 1, .kind = KIND_COND } };
	static const struct thread threads[] = { { .pid = 1, .tid = 9 },
						 { .pid = 2, .tid = 2 },
						 { .pid = 2, .tid = 3 },
						 { .pid = 3, .tid = 1 } };
	static const void *const expected[ENTITY_COUNT][4] = {
		{ &processes[0], &processes[1], &processes[2], &processes[3] },
		{ &locks[0], &locks[1], &locks[2], &locks[3] },
		{ &threads[0], &threads[1], &threads[2], &threads[3] },
	};

	(void)state;
	srand48(4);
	for (int i = 0; i < 300; i++) {
		const void *rows[4];

		memcpy(rows, expected[i % 3], sizeof(rows));
		for (int j = 3; j > 0; j--) {
			int k = (int)(lrand48() % (j + 1));
			const void *row = rows[j];

			rows[j] = rows[k];
			rows[k] = row;
		}
		fields__sort(fields__default_sort(i % 3), i & 8, rows, 4);
		assert_memory_equal(rows, expected[i % 3], sizeof(rows));
	}
}

/* Locks that nobody waited for stand below the others, those that are used most first. */
static void test_sort_by_use(void **state)
{
	static const struct lock locks[] = {
		{ .pid = 1 },
		{ .pid = 2, .exact = true, .acquisitions = 7 },
		{ .pid = 3, .exact = true, .acquisitions = 900 },
		{ .pid = 4, .wait_ns = 5 },
		{ .pid = 5, .exact = true },
		{ .pid = 6, .exact = true, .acquisitions = 7 },
	};

	(void)state;
	assert_order("wait", false, locks, 6, (int[]){ 4, 3, 2, 6, 5, 1 });
	assert_order("wait", true, locks, 6, (int[]){ 1, 5, 2, 6, 3, 4 });
	/* by what nobody asked for, rows must not jump */
	assert_order("delay", false, locks, 6, (int[]){ 1, 2, 3, 4, 5, 6 });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sort),
		cmocka_unit_test(test_sort_owners),
		cmocka_unit_test(test_sort_by_use),
		cmocka_unit_test(test_sort_is_steady),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
