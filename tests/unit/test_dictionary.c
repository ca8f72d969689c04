// SPDX-License-Identifier: GPL-2.0-only
/* Bytes that were seen before keep their number, whatever they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "../../user/dictionary.h"

/* Equal bytes have one number; other lengths, NULs and nothing at all are different bytes. */
static void test_numbers(void **state)
{
	struct dictionary *d = dictionary__new();

	(void)state;
	assert_int_equal(dictionary__number(d, "abc", 3, 1), 1);
	assert_int_equal(dictionary__number(d, "abc", 3, 2), 1);
	assert_int_equal(dictionary__number(d, "abc", 4, 2), 2);
	assert_int_equal(dictionary__number(d, "ab", 2, 3), 3);
	assert_int_equal(dictionary__number(d, "", 0, 4), 4);
	assert_int_equal(dictionary__number(d, "\0", 1, 5), 5);
	assert_int_equal(dictionary__number(d, "", 0, 6), 4);
	dictionary__clear(d);
	assert_int_equal(dictionary__number(d, "abc", 3, 9), 9);
	dictionary__free(d);
	dictionary__free(NULL);
}

/* As it grows, all that it knows keeps its number; its size is told, and given back. */
static void test_growing(void **state)
{
	struct dictionary *d = dictionary__new();
	size_t empty = dictionary__bytes(d);
	char text[300];

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (int i = 1; i <= 20000; i++) {
			int n = snprintf(text, sizeof(text), "%0*d", 1 + i % 200, i);

			assert_int_equal(dictionary__number(d, text, n, i + round * 100000), i);
		}
	}
	assert_in_range(dictionary__bytes(d), 20000 * 100, 20000 * 300);
	dictionary__clear(d);
	assert_int_equal(dictionary__bytes(d), empty);
	dictionary__free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_growing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
