// SPDX-License-Identifier: GPL-2.0-only
/* When the intervals of a recording were, and times as people write them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/timeline.h"
#include "../../user/util.h"

/* A recording that is only its intervals; it may grow. */
struct store {
	struct store_interval items[32];
	size_t n;
	bool broken;
};

size_t store__count(struct store *s)
{
	return s->n;
}

int store__interval(struct store *s, size_t index, struct store_interval *ret)
{
	if (s->broken || index >= s->n)
		return -EIO;
	*ret = s->items[index];
	return 0;
}

static void record(struct store *s, time_t end, uint64_t seconds, uint64_t wait_ns)
{
	s->items[s->n++] = (struct store_interval){ .time = { end, 0 },
						    .interval_ns = seconds * NSEC_PER_SEC,
						    .wait_ns = wait_ns,
						    .losses = end % 2 };
}

/* Ten seconds; then nothing for ninety; then two intervals of five. */
static struct store *ten_and_two(void)
{
	struct store *s = xcalloc(1, sizeof(*s));

	for (int i = 1; i <= 10; i++)
		record(s, 1000 + i, 1, i * NSEC_PER_SEC);
	record(s, 1105, 5, NSEC_PER_SEC);
	record(s, 1110, 5, 0);
	return s;
}

#define AT(seconds) ((uint64_t)((seconds)*1e9))

/* Loads and times are those of the intervals; what comes later is added. */
static void follows(void **state)
{
	struct store *s = ten_and_two();
	struct timeline t;

	(void)state;
	timeline__init(&t);
	assert_int_equal(timeline__follow(&t, s), 0);
	assert_int_equal(t.n, 12);
	assert_true(t.items[2].load == 3);
	assert_true(t.items[2].lossy);
	assert_false(t.items[3].lossy);
	assert_int_equal(t.items[10].begin_ns, AT(1100));
	assert_int_equal(t.items[10].end_ns, AT(1105));
	record(s, 1115, 5, 0);
	assert_int_equal(timeline__follow(&t, s), 0);
	assert_int_equal(t.n, 13);
	/* what cannot be read any more leaves what was read */
	record(s, 1120, 5, 0);
	s->broken = true;
	assert_int_equal(timeline__follow(&t, s), -EIO);
	assert_int_equal(t.n, 13);
	timeline__done(&t);
	free(s);
}

/* An end that was noted late begins the next one; asking up to it does not give that one. */
static void does_not_overlap(void **state)
{
	struct store s = {};
	struct timeline t;

	(void)state;
	record(&s, 1001, 1, 0);
	record(&s, 1002, 1, 0);
	s.items[1].time.tv_nsec = 200000000;
	record(&s, 1003, 1, 0);
	record(&s, 900, 1, 0); /* the clock was set back */
	timeline__init(&t);
	assert_int_equal(timeline__follow(&t, &s), 0);
	assert_int_equal(t.n, 4);
	assert_int_equal(t.items[1].begin_ns, AT(1001.2));
	assert_int_equal(t.items[2].begin_ns, AT(1002.2));
	assert_int_equal(t.items[3].begin_ns, AT(899));
	timeline__done(&t);
	timeline__init(&t);
	t.to_ns = AT(1002.2);
	assert_int_equal(timeline__follow(&t, &s), 0);
	assert_int_equal(t.n, 2);
	timeline__done(&t);
}

/* Intervals that lie in the range, if but in part; their places are those in the recording. */
static void keeps_to_the_range(void **state)
{
	static const struct {
		double from, to;
		size_t offset, n;
	} rows[] = {
		{ 0, 5000, 0, 12 },	{ 1003, 1006, 3, 3 },  { 1003.5, 1005.5, 3, 3 },
		{ 1003, 1003.1, 3, 1 }, { 1102, 5000, 10, 2 }, { 0, 1000, 0, 0 },
		{ 1020, 1090, 10, 0 },	{ 1110, 5000, 12, 0 }, { 1006, 1003, 6, 0 },
	};
	struct store *s = ten_and_two();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct timeline t;

		timeline__init(&t);
		t.from_ns = AT(rows[i].from);
		t.to_ns = AT(rows[i].to);
		assert_int_equal(timeline__follow(&t, s), 0);
		assert_int_equal(t.n, rows[i].n);
		assert_int_equal(t.offset, rows[i].offset);
		timeline__done(&t);
	}
	free(s);
}

/* A recording may say anything of its times. */
static void takes_any_time(void **state)
{
	struct store s = {};
	struct timeline t;

	(void)state;
	s.items[s.n++] = (struct store_interval){ .time = { INT64_MAX, 999999999 } };
	s.items[s.n++] = (struct store_interval){ .time = { -5, 0 }, .interval_ns = UINT64_MAX };
	s.items[s.n++] = (struct store_interval){ .time = { 5, 0 },
						  .interval_ns = UINT64_MAX,
						  .wait_ns = UINT64_MAX };
	timeline__init(&t);
	t.to_ns = UINT64_MAX;
	assert_int_equal(timeline__follow(&t, &s), 0);
	for (size_t i = 0; i < t.n; i++) {
		assert_true(t.items[i].begin_ns <= t.items[i].end_ns);
		assert_true(t.items[i].load >= 0 && t.items[i].load <= 1);
	}
	assert_true(timeline__at(&t, AT(3)) < MAX(t.n, (size_t)1));
	timeline__done(&t);
}

/* The interval that a moment lies in; between two, the nearer one. */
static void finds_moments(void **state)
{
	static const struct {
		double at;
		size_t index;
	} rows[] = { { 0, 0 },	  { 1000.5, 0 }, { 1001, 0 },	 { 1001.1, 1 }, { 1010, 9 },
		     { 1040, 9 }, { 1060, 10 },	 { 1104.9, 10 }, { 1106, 11 },	{ 9999, 11 } };
	struct store *s = ten_and_two();
	struct timeline t;

	(void)state;
	timeline__init(&t);
	assert_int_equal(timeline__follow(&t, s), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(timeline__at(&t, AT(rows[i].at)), rows[i].index);
	timeline__done(&t);
	free(s);
}

#define BEGIN 1795428000ULL /* 2026-11-23T10:00:00Z, 11:00 here */
#define END   (BEGIN + 15 * 3600)

/* Clocks, dates and offsets. */
static void parses_times(void **state)
{
	static const struct {
		const char *text;
		double seconds; /* from the begin */
	} rows[] = {
		{ "+0", 0 },
		{ "+30", 30 },
		{ "+1.5", 1.5 },
		{ "11:00:05", 5 },
		{ "11:00:05.25", 5.25 },
		{ "11:02", 120 },
		{ "10:59:59", -1 },
		{ "00:30", 13.5 * 3600 }, /* the night after */
		{ "23:59:59", 13 * 3600 - 1 },
		{ "2026-11-23T10:00:01Z", 1 },
		{ "2026-11-23t10:00:01.125z", 1.125 },
		{ "2026-11-23T11:00:01+01:00", 1 },
		{ "2026-11-23T05:30:01-04:30", 1 },
		{ "2026-11-23 11:00:01", 1 },
		{ "2026-11-22T10:00:00Z", -86400 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t ns;

		if (timeline__parse(rows[i].text, BEGIN * NSEC_PER_SEC, END * NSEC_PER_SEC, &ns))
			fail_msg("%s: no time", rows[i].text);
		if (ns != BEGIN * NSEC_PER_SEC + (int64_t)(rows[i].seconds * 1e9))
			fail_msg("%s: %f s from the begin", rows[i].text,
				 ((double)ns - (double)BEGIN * 1e9) / 1e9);
	}
}

/* What is none is refused, and the output stays. */
static void refuses_what_is_none(void **state)
{
	static const char *const texts[] = {
		"",
		"+",
		"+x",
		"+-1",
		"+1e3",
		"noon",
		"25:00",
		"10:61",
		"10:00:00x",
		"10:00:00Z",
		"2026-11-23",
		"2026-11-23T10:00",
		"2026-11-23T10:00:00+1",
		"2026-13-23T10:00:00Z",
		"2026-11-23T10:00:00+-1:00",
		"2026-11-23T10:00:00+01:00x",
		"1969-01-01T00:00:00Z",
		"99999-01-01T00:00:00Z",
		"-5",
		"5",
		"+21474836479",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		uint64_t ns = 77;

		if (!timeline__parse(texts[i], BEGIN * NSEC_PER_SEC, END * NSEC_PER_SEC, &ns))
			fail_msg("'%s' is taken for a time", texts[i]);
		assert_int_equal(ns, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows),
		cmocka_unit_test(does_not_overlap),
		cmocka_unit_test(keeps_to_the_range),
		cmocka_unit_test(takes_any_time),
		cmocka_unit_test(finds_moments),
		cmocka_unit_test(parses_times),
		cmocka_unit_test(refuses_what_is_none),
	};

	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
