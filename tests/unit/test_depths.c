// SPDX-License-Identifier: GPL-2.0-only
/* Which call site a stack depth stands for. */
#include "fixture.h"

#include "../../user/depths.h"

static const struct site_place here = { .module = "a", .address = 16 };
static const struct site_place there = { .module = "a", .address = 32 };

/* A depth is one site's as long as every sample there was that site's. */
static void test_several(void **state)
{
	struct depths d = {};

	assert_null(depths__place(&d, 1000));
	depths__note(&d, 1000, &here);
	depths__note(&d, 1000, &here);
	depths__note(&d, 1008, &there);
	assert_true(site_place__equal(depths__place(&d, 1000), &here));
	assert_true(site_place__equal(depths__place(&d, 1008), &there));
	assert_null(depths__place(&d, 1004));
	depths__note(&d, 1000, &there);
	assert_null(depths__place(&d, 1000));
	depths__note(&d, 1000, &here); /* what was unsure stays so */
	assert_null(depths__place(&d, 1000));
	assert_non_null(depths__place(&d, 1008));
	depths__done(&d);
	assert_null(depths__place(&d, 1008));
}

/* However many depths there are: the oldest give way, the newest are known. */
static void test_bound(void **state)
{
	struct depths d = {};

	for (uint64_t sp = 1; sp <= 3 * DEPTHS_MAX + 1; sp++)
		depths__note(&d, sp, &here);
	assert_int_equal(d.n, DEPTHS_MAX);
	assert_null(depths__place(&d, 2 * DEPTHS_MAX + 1));
	for (uint64_t sp = 2 * DEPTHS_MAX + 2; sp <= 3 * DEPTHS_MAX + 1; sp++)
		assert_non_null(depths__place(&d, sp));
	depths__done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
