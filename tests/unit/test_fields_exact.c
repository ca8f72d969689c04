// SPDX-License-Identifier: GPL-2.0-only
/* Columns that only the exact tier has: widths, values, what is marked as scaled. */
#include "fields_fixture.h"

#include <string.h>

#include "../../user/util.h"

/* Columns up to a priority, with one blank between them. */
static int columns(enum entity entity, unsigned int priority)
{
	int sum = -1;

	for (const struct field *f = fields__of(entity); f->key; f++)
		if ((f->flags & FIELD_SCREEN) && f->priority <= priority)
			sum += f->width + 1;
	return sum;
}

/* With the exact tier, 120 columns have room for its whole story, and for all that comes before. */
static void test_wide_exact(void **state)
{
	static const char *const wanted[] = { "acquisitions", "contention", "hold_ns",
					      "avg_hold_ns", "max_hold_ns" };

	(void)state;
	assert_in_range(columns(ENTITY_LOCK, 2), 100, 120);
	assert_in_range(columns(ENTITY_PROCESS, 3), 80, 120);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		const struct field *f = fields__find(ENTITY_LOCK, wanted[i]);

		assert_true(f->flags & FIELD_EXACT);
		assert_true((f->flags & FIELD_SCREEN) && f->priority <= 2);
	}
}

/* The exact tier's figures: counts, ratios, means; a - where there is nothing to know, a ? where
 * it is not known. */
static void test_exact(void **state)
{
	struct lock l = { .kind = KIND_MUTEX,
			  .exact = true,
			  .acquisitions = 2000000,
			  .contended = 250000,
			  .releases = 1000000,
			  .call_wait_ns = NSEC_PER_SEC,
			  .hold_known = true,
			  .hold_ns = NSEC_PER_SEC / 2,
			  .max_hold_ns = 1900000 };

	(void)state;
	assert_shown(ENTITY_LOCK, "acquisitions", &l, 2 * NSEC_PER_SEC, "1.0M");
	assert_shown(ENTITY_LOCK, "contention", &l, NSEC_PER_SEC, "13%");
	assert_int_equal(fields__find(ENTITY_LOCK, "contention")->get(&l).number, VALUE_WHOLE / 8);
	assert_shown(ENTITY_LOCK, "avg_wait", &l, NSEC_PER_SEC, "500ns");
	assert_shown(ENTITY_LOCK, "avg_hold", &l, NSEC_PER_SEC, "500ns");
	assert_shown(ENTITY_LOCK, "hold", &l, NSEC_PER_SEC, "0.50");
	assert_shown(ENTITY_LOCK, "max_hold", &l, NSEC_PER_SEC, "1.9ms");
	l.contended = 3000000; /* calls of earlier intervals that ended in this one */
	assert_shown(ENTITY_LOCK, "contention", &l, NSEC_PER_SEC, "100%");
	l.contended = 1;
	assert_shown(ENTITY_LOCK, "contention", &l, NSEC_PER_SEC, "<1%");
	l.acquisitions = l.releases = l.max_hold_ns = 0;
	assert_shown(ENTITY_LOCK, "acquisitions", &l, NSEC_PER_SEC, "0");
	assert_shown(ENTITY_LOCK, "contention", &l, NSEC_PER_SEC, "-");
	assert_shown(ENTITY_LOCK, "avg_wait", &l, NSEC_PER_SEC, "-");
	assert_shown(ENTITY_LOCK, "avg_hold", &l, NSEC_PER_SEC, "-");
	assert_shown(ENTITY_LOCK, "max_hold", &l, NSEC_PER_SEC, "-");
	l.kind = KIND_SEM; /* nobody knows who held it how long */
	assert_shown(ENTITY_LOCK, "max_hold", &l, NSEC_PER_SEC, "?");
	l.hold_known = false;
	assert_shown(ENTITY_LOCK, "hold", &l, NSEC_PER_SEC, "?");
	assert_shown(ENTITY_LOCK, "avg_hold", &l, NSEC_PER_SEC, "?");
	l.kind = KIND_COND; /* nobody holds it */
	assert_shown(ENTITY_LOCK, "hold", &l, NSEC_PER_SEC, "-");
	assert_shown(ENTITY_LOCK, "max_hold", &l, NSEC_PER_SEC, "-");
	assert_shown(ENTITY_LOCK, "acquisitions", &l, NSEC_PER_SEC, "0");
}

/* What was scaled up is marked; what was not, or is not known, is not. */
static void test_scaled(void **state)
{
	static const struct {
		const char *key, *expected;
	} cases[] = { { "acquisitions", "~3" }, { "sleeps", "3" }, { "hold_ns", "?" } };
	const struct lock l = { .exact = true, .acquisitions = 3, .sleeps = 3 };
	const struct process p = { .calls_known = true, .futex_calls = 3 };
	struct snapshot s = { .exact_share = 0.5 };
	char buf[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		field__format_scaled(fields__find(ENTITY_LOCK, cases[i].key), &l, NSEC_PER_SEC,
				     true, buf, sizeof(buf));
		assert_string_equal(buf, cases[i].expected);
	}
	field__format_scaled(fields__find(ENTITY_LOCK, "acquisitions"), &l, NSEC_PER_SEC, false,
			     buf, sizeof(buf));
	assert_string_equal(buf, "3");
	field__format_scaled(fields__find(ENTITY_PROCESS, "futex_calls"), &p, NSEC_PER_SEC, true,
			     buf, sizeof(buf));
	assert_string_equal(buf, "3");
	assert_false(fields__scaled(&s));
	s.exact = true;
	assert_true(fields__scaled(&s));
	s.exact_share = 1;
	assert_false(fields__scaled(&s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wide_exact),
		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_scaled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
