// SPDX-License-Identifier: GPL-2.0-only
/* --fail-if: conditions as people write them, and when they are met. */
#include "diff_fixture.h"

#include "../../user/fail_if.h"

static struct fail_if parsed(const char *text)
{
	struct fail_if f;
	char error[256] = "";

	if (fail_if__parse(text, &f, error, sizeof(error)))
		fail_msg("%s: %s", text, error);
	assert_string_equal(error, "");
	return f;
}

/* Each form, with its units; names may have any sign of the grammar in them. */
static void test_parse(void **state)
{
	struct fail_if f = parsed("load>1.2x");

	(void)state;
	assert_true(f.what == FAIL_IF_FIGURE && f.figure == FIGURE_LOAD);
	assert_true(f.ratio && !f.less && !f.name_len);
	assert_close(f.limit, 1.2);
	f = parsed("load>0.5");
	assert_true(!f.ratio);
	assert_close(f.limit, 0.5);
	f = parsed("acquisitions<0.8x");
	assert_true(f.less && f.figure == FIGURE_ACQUISITIONS);
	assert_close(parsed("p99>5ms").limit, 5 * MS);
	assert_close(parsed("max>2s").limit, 2000 * MS);
	assert_close(parsed("wait>1.5us").limit, 1500);
	assert_close(parsed("p50>10ns").limit, 10);
	assert_close(parsed("hold>0").limit, 0);
	f = parsed("table_lock:load>1.2x");
	assert_int_equal(f.name_len, strlen("table_lock"));
	f = parsed("std::map<a,b>::lock:p99>2x");
	assert_int_equal(f.name_len, strlen("std::map<a,b>::lock"));
	assert_true(f.figure == FIGURE_P99 && f.ratio);
	assert_int_equal(parsed("new>0").what, FAIL_IF_NEW);
	assert_int_equal(parsed("deadlocks>0").what, FAIL_IF_DEADLOCKS);
}

/* What is no condition is told why; nothing is written. */
static void test_parse_wrong(void **state)
{
	static const char *const bad[] = {
		"",	    "load",	  "load>",	 "load>x",     "load>1.2y", "load>-1",
		"load>nan", "load>inf",	  "load>1.2xx",	 "load>1 ",    "load>1ms",  "p99>5",
		"p99>5m",   "speed>1x",	  ">1",		 ":load>1",    "a:>1",	    "new>1x",
		"a:new>0",  "new>1s",	  "deadlocks>x", "load=>1",    "load >1x",  "load>=1x",
		"a:b>1x",   "deadlock>0", "LOAD>1",	 "p99>1e400s",
	};
	struct fail_if f, untouched;

	(void)state;
	memset(&f, 0xa5, sizeof(f));
	untouched = f;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char error[256] = "";

		if (!fail_if__parse(bad[i], &f, error, sizeof(error)))
			fail_msg("taken: %s", bad[i]);
		assert_true(error[0] && !strchr(error, '\n'));
		assert_memory_equal(&f, &untouched, sizeof(f));
	}
}

static bool met(const char *text, const struct diff *d, double min_load, char *message)
{
	struct fail_if f = parsed(text);
	char error[256];

	message[0] = 0;
	assert_true(fail_if__can_tell(&f, d, error, sizeof(error)));
	return fail_if__check(&f, d, min_load, message, 512);
}

/* A: table 0.20, small 0.001, old 0.3. B: table 0.50, small 0.008, fresh 0.1, and a deadlock. */
static struct diff *sides(struct diff_side **a, struct diff_side **b)
{
	struct snapshot *s = interval(1, 1000);

	*a = diff_side__new("a", false);
	*b = diff_side__new("b", false);
	add_lock(s, 1, 0x10, "table", 200);
	add_lock(s, 1, 0x20, "small", 1);
	add_lock(s, 1, 0x30, "old", 300);
	take(*a, s);
	s = interval(1, 1000);
	add_lock(s, 2, 0x10, "table", 500)->max_ns = 7 * MS;
	add_lock(s, 2, 0x20, "small", 8);
	add_place(s, add_lock(s, 2, 0x40, NULL, 100),
		  (struct frame){ "fresh", FIXTURE_DB, 1, "f.c", 3, "native", NULL });
	s->n_deadlocks = 1;
	take(*b, s);
	return diff__new(*a, *b);
}

/* Ratios and limits; what is small on both sides is left out, unless that is asked for. */
static void test_figures(void **state)
{
	struct diff_side *a, *b;
	struct diff *d = sides(&a, &b);
	char m[512];

	(void)state;
	assert_true(met("table:load>1.2x", d, 0.01, m));
	assert_string_equal(m, "table:load>1.2x: load of mutex table (app): 0.20 -> 0.50");
	assert_true(met("table:load>2.4x", d, 0.01, m));
	assert_false(met("table:load>2.6x", d, 0.01, m));
	assert_string_equal(m, "");
	assert_true(met("load>0.49", d, 0.01, m));
	assert_false(met("load>0.51", d, 0.01, m));
	assert_true(met("max>6ms", d, 0.01, m));
	assert_false(met("max>8ms", d, 0.01, m));
	assert_true(met("wait>2x", d, 0.01, m));
	assert_false(met("small:load>2x", d, 0.01, m));
	assert_true(met("small:load>2x", d, 0, m));
	assert_true(met("smal?:load>2x", d, 0.002, m)); /* it has become large enough */
	assert_true(met("old:load<0.5x", d, 0.01, m));
	assert_false(met("nobody:load>0", d, 0, m));
	assert_false(met("tab:load>0", d, 0, m));
	diff_done(d, a, b);
}

/* From nothing to something is more than any factor, but how long waits were is not known. */
static void test_from_nothing(void **state)
{
	struct diff_side *a, *b;
	struct diff *d = sides(&a, &b);
	char m[512];

	(void)state;
	assert_true(met("fresh (f.c:3):load>100x", d, 0.01, m));
	assert_non_null(strstr(m, "at fresh (f.c:3)"));
	assert_true(met("fresh*:sleeps>100x", d, 0.01, m));
	assert_false(met("fresh*:wait>2x", d, 0.01, m));
	assert_false(met("fresh*:p99>2x", d, 0.01, m));
	assert_true(met("fresh*:wait>1ms", d, 0.01, m));
	diff_done(d, a, b);
}

/* Several are counted; the one that changed most is named. */
static void test_more(void **state)
{
	struct diff_side *a, *b;
	struct diff *d = sides(&a, &b);
	char m[512], small[16];
	struct fail_if f = parsed("load>1.2x");

	(void)state;
	assert_true(met("load>1.2x", d, 0, m));
	assert_non_null(strstr(m, "table"));
	assert_non_null(strstr(m, ", and 2 more"));
	assert_true(fail_if__check(&f, d, 0, small, sizeof(small)));
	assert_int_equal(strlen(small), sizeof(small) - 1);
	diff_done(d, a, b);
}

static void test_counts(void **state)
{
	struct diff_side *a, *b;
	struct diff *d = sides(&a, &b);
	char m[512];

	(void)state;
	assert_true(met("new>0", d, 0.01, m));
	assert_string_equal(m, "new>0: 1 new lock: at fresh (f.c:3)");
	assert_false(met("new>1", d, 0.01, m));
	assert_false(met("new>0", d, 0.2, m));
	assert_true(met("deadlocks>0", d, 0.01, m));
	assert_string_equal(m, "deadlocks>0: 1 deadlock in b");
	assert_false(met("deadlocks>1", d, 0.01, m));
	diff_done(d, a, b);
}

/* A change that chance can make meets a condition all the same, and that is said. */
static void test_chance(void **state)
{
	struct diff_side *a = side_of("x", WAITS(1000, 3000)), *b = side_of("x", WAITS(4000, 4000));
	struct diff *d = diff__new(a, b);
	char m[512];

	(void)state;
	assert_true(met("load>1.5x", d, 0.01, m));
	assert_non_null(strstr(m, "(may be chance)"));
	diff_done(d, a, b);
}

/* What was not recorded cannot be judged, and must not pass for fine. */
static void test_cannot_tell(void **state)
{
	struct diff_side *a, *b;
	struct diff *d = sides(&a, &b);
	struct fail_if f = parsed("acquisitions>1.2x");
	char error[256] = "";

	(void)state;
	assert_false(fail_if__can_tell(&f, d, error, sizeof(error)));
	assert_string_equal(error,
			    "--fail-if 'acquisitions>1.2x': a was recorded without the exact "
			    "tier (-x)");
	b->exact_s = 1;
	f = parsed("hold>1.2x");
	assert_false(fail_if__can_tell(&f, d, error, sizeof(error)));
	f = parsed("hold>1.2");
	assert_true(fail_if__can_tell(&f, d, error, sizeof(error)));
	f = parsed("new>0");
	assert_true(fail_if__can_tell(&f, d, error, sizeof(error)));
	diff_done(d, a, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),	cmocka_unit_test(test_parse_wrong),
		cmocka_unit_test(test_figures), cmocka_unit_test(test_from_nothing),
		cmocka_unit_test(test_more),	cmocka_unit_test(test_counts),
		cmocka_unit_test(test_chance),	cmocka_unit_test(test_cannot_tell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
