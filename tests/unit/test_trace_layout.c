// SPDX-License-Identifier: GPL-2.0-only
/* Sleeps and wakes on their tracks: that they hold together at every edge, and to the ns. */
#include "trace_fixture.h"

/* A sleep, its run-queue delay, who woke it: to the ns. */
static void one_sleep(void **state)
{
	struct snapshot *s = interval(1);
	char *text;

	(void)state;
	add(s, 0, 1000001, 2000002, 2000005, 1);
	text = TRACE(s);
	assert_has(text, "\"begin\":\"2023-11-14T22:13:20.000000000Z\"", 1);
	assert_has(text, "\"begin_ns\":\"1700000000000000000\"", 1);
	assert_has(text,
		   "\"tid\":101,\"ts\":1000.001,\"dur\":1000.004,\"name\":\"busy\",\"cat\":"
		   "\"mutex,contention\",\"args\":{\"lock\":\"100:0x1000\",\"kind\":\"mutex\","
		   "\"address\":\"0x1000\",\"where\":\"work\",\"ended\":\"woken\",\"waker\":"
		   "{\"pid\":100,\"tid\":102,\"comm\":\"worker\"},\"blocked_ns\":1000001,"
		   "\"delay_ns\":3}}",
		   1);
	assert_has(text, "\"tid\":101,\"ts\":2000.002,\"dur\":0.002,\"name\":\"run queue\"", 1);
	assert_has(text, "\"tid\":102,\"ts\":2000.002,\"dur\":1.000,\"name\":\"wakes busy\"", 1);
	assert_has(text, "\"ph\":\"s\",\"pid\":100,\"tid\":102,\"ts\":2000.002", 1);
	assert_has(text, "\"ph\":\"f\",\"pid\":100,\"tid\":101,\"ts\":2000.002", 1);
	assert_int_equal(check(text), 1);
}

/* A mark ends where the next begins, or a sleep of its thread, or the interval. */
static void marks_end(void **state)
{
	struct snapshot *s = interval(1);
	uint64_t end = NSEC_PER_SEC;
	char *text;

	(void)state;
	add(s, 1, 1000, 50000, 60000, 0); /* three wakes: two at once, one soon after */
	add(s, 2, 1000, 50000, 60000, 0);
	add(s, 3, 1000, 50300, 60000, 0);
	add(s, 0, 50800, 70000, 70100, -1); /* and then it sleeps itself */
	add(s, 1, 80000, 90000, 91000, 4);  /* who goes to sleep soon, and does not come back */
	waits(s, 4, end - 90200);
	add(s, 2, 80000, end - 30, end, 5);
	text = TRACE(s);
	assert_has(text, "\"ts\":50.000,\"dur\":0.299,\"name\":\"wakes busy\"", 2);
	assert_has(text, "\"ts\":50.300,\"dur\":0.499,\"name\":\"wakes busy\"", 1);
	assert_has(text, "\"ts\":90.000,\"dur\":0.199,\"name\":\"wakes busy\"", 1);
	assert_has(text, "\"ts\":999999.970,\"dur\":0.029,\"name\":\"wakes busy\"", 1);
	assert_int_equal(check(text), 5);
}

/* Who sleeps wakes nobody, whatever clocks say; at the edges it may. */
static void no_wake_asleep(void **state)
{
	struct snapshot *s = interval(1);
	char *text;

	(void)state;
	add(s, 0, 10000, 20000, 30000, -1);
	add(s, 1, 1000, 10000, 40000, 0); /* as it falls asleep */
	add(s, 2, 1000, 25000, 40000, 0); /* on the run queue */
	add(s, 3, 1000, 30000, 40000, 0); /* as it runs again */
	waits(s, 4, NSEC_PER_SEC - 5000);
	add(s, 5, 1000, 6000, 40000, 4); /* in the sleep that goes on */
	text = TRACE(s);
	assert_has(text, "wakes busy", 1);
	assert_has(text, "\"ts\":30.000,\"dur\":0.000,\"name\":\"wakes busy\"", 1);
	assert_int_equal(check(text), 1);
}

/* What is told an interval later: its mark is too short to overlap what was drawn before. */
static void late(void **state)
{
	struct snapshot *first = interval(1), *second = interval(2);
	uint64_t end = NSEC_PER_SEC;
	char *text;

	(void)state;
	add(first, 0, end - 5000, end - 4000, end - 3000, -1);
	add(first, 1, end - 9000, end - 8000, end - 2000, 0);
	waits(first, 3, 500);
	add(second, 2, end - 9000, end - 7900, end + 1000, 0); /* woken within that mark */
	add(second, 3, end - 500, end + 100, end + 200, -1);
	/* a sleep whose lock was not known in time, before one that was drawn */
	add(second, 0, end - 7500, end - 7000, end - 6000, -1);
	text = TRACE(first, second);
	assert_has(text, "\"ts\":999992.000,\"dur\":1.000,\"name\":\"wakes busy\"", 1);
	assert_has(text, "\"ts\":999992.100,\"dur\":0.000,\"name\":\"wakes busy\"", 1);
	assert_has(text, "\"clipped\":true", 1);
	assert_int_equal(check(text), 2);
}

/* Nothing stands before the beginning, and what began before says so. */
static void before_the_beginning(void **state)
{
	struct snapshot *s = interval(1);
	struct sleep *sleep;
	char *text;

	(void)state;
	sleep = add(s, 0, 0, 500, 900, 1);
	sleep->start_ns -= 7000;
	sleep->earlier = true;
	sleep = add(s, 2, 0, 0, 400, 1); /* woken before, so there is no arrow */
	sleep->start_ns -= 9000;
	sleep->woken_ns -= 200;
	sleep = add(s, 3, 0, 0, 0, -1);
	sleep->start_ns -= 300;
	sleep->woken_ns = sleep->end_ns -= 100;
	waits(s, 4, 3 * NSEC_PER_SEC);
	text = TRACE(s);
	assert_has(text, "\"tid\":101,\"ts\":0.000,\"dur\":0.900", 1);
	assert_has(text, "\"blocked_ns\":7500,\"delay_ns\":400,\"began_before\":true,\"earlier\"",
		   1);
	assert_has(text, "\"tid\":103,\"ts\":0.000,\"dur\":0.400,\"name\":\"busy\"", 1);
	assert_has(text, "\"tid\":103,\"ts\":0.000,\"dur\":0.399,\"name\":\"run queue\"", 1);
	assert_has(text, "\"tid\":104,\"ts\":0.000,\"dur\":0.000", 1);
	assert_has(text, "\"tid\":105,\"ts\":0.000,\"dur\":1000000.000", 1);
	assert_has(text, "\"began_before\":true", 4);
	assert_has(text, "wakes busy", 1);
	assert_int_equal(check(text), 1);
}

/* Times beyond what a double can count stay what they are. */
static void huge(void **state)
{
	struct snapshot *s = interval(1);
	char *text;

	(void)state;
	s->sleeps_end_ns = INT64_MAX;
	s->interval_ns = INT64_MAX - 5;
	add(s, 0, 0, 0, 0, 1);
	s->sleeps[0].start_ns = 7;
	s->sleeps[0].woken_ns = INT64_MAX - 2;
	s->sleeps[0].end_ns = INT64_MAX - 1;
	add(s, 2, 0, 0, 0, 1); /* a damaged recording */
	s->sleeps[1].start_ns = UINT64_MAX;
	s->sleeps[1].woken_ns = 0;
	s->sleeps[1].end_ns = UINT64_MAX;
	add(s, 3, 0, 0, 0, 3);
	s->sleeps[2].start_ns = s->sleeps[2].woken_ns = s->sleeps[2].end_ns = 0;
	waits(s, 4, UINT64_MAX);
	text = TRACE(s);
	assert_has(text, "\"begin\":\"1970-01-01T00:00:00.000000005Z\"", 1);
	assert_has(text, "\"ts\":0.002,\"dur\":9223372036854775.799", 1);
	assert_has(text, "\"blocked_ns\":\"9223372036854775798\",\"delay_ns\":1", 1);
	free(text);
}

static uint64_t state_of_chance = 42;

static uint64_t chance(uint64_t below)
{
	state_of_chance = state_of_chance * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state_of_chance >> 33) % below;
}

/* Sleeps without any sense, in intervals of a few us so that all edges meet. */
static struct snapshot *senseless(uint64_t number)
{
	const uint64_t length = 6000, end = number * length;
	struct snapshot *s = interval(1);

	s->interval_ns = length;
	s->sleeps_end_ns = T0 + end;
	for (uint64_t i = 0, n = chance(40); i < n; i++) {
		uint64_t to = end - chance(length + 2000), back = chance(3000);
		struct sleep *sleep = add(s, chance(THREADS), to - back - chance(5000), to - back,
					  to, (int)chance(THREADS + 1) - 1);

		if (!chance(10))
			sleep->lock = &s->locks[1];
	}
	qsort(s->sleeps, s->n_sleeps, sizeof(*s->sleeps), compare_sleep_ends);
	for (int i = 0; i < THREADS; i++)
		if (chance(2))
			waits(s, i, chance(2 * length));
	return s;
}

/* Whatever is told, tracks nest and arrows have both ends. */
static void chaos(void **state)
{
	size_t arrows = 0;

	(void)state;
	for (int round = 0; round < 500; round++) {
		struct options o = fixture__options();
		struct snapshot *rows[4];

		o.idle = round % 2;
		for (uint64_t i = 0; i < ARRAY_SIZE(rows); i++)
			rows[i] = senseless(i + 2);
		arrows += check(trace_with(&o, rows, ARRAY_SIZE(rows)));
	}
	assert_true(arrows > 3000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_sleep),
		cmocka_unit_test(marks_end),
		cmocka_unit_test(no_wake_asleep),
		cmocka_unit_test(late),
		cmocka_unit_test(before_the_beginning),
		cmocka_unit_test(huge),
		cmocka_unit_test(chaos),
	};

	return cmocka_run_group_tests_name("trace_layout", tests, NULL, NULL);
}
