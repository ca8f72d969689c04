// SPDX-License-Identifier: GPL-2.0-only
#include "export_fixture.h"

#include <inttypes.h>

#include "../../user/metrics.h"

#define OTHER "process=\"other\",lock=\"other\",kind=\"other\",class=\"contention\""
#define WAIT  "locktop_lock_wait_seconds_total"

static char *text_of(struct metrics *m, enum metrics_notation notation)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_int_equal(metrics__write(f, m, notation), 0);
	fclose(f);
	assert_int_equal(strlen(text), size);
	return text;
}

static char *sums(struct metrics *m)
{
	return text_of(m, METRICS_OPENMETRICS);
}

/* The line of a sample: NAME or NAME{LABELS}; NULL if there is none. */
static const char *line_of(const char *text, const char *sample)
{
	char *start = xasprintf("\n%s ", sample);
	const char *at = strstr(text, start);

	at = at ? at + strlen(start) : NULL;
	free(start);
	return at;
}

/* In units of 1e-9; -1: no such sample. */
static int64_t value_of(const char *text, const char *sample)
{
	const char *at = line_of(text, sample);
	char *rest;
	int64_t n;

	if (!at)
		return -1;
	n = strtoll(at, &rest, 10) * (int64_t)NSEC_PER_SEC;
	if (*rest == '.') {
		char *end;

		n += strtoll(rest + 1, &end, 10);
		assert_int_equal(end - rest, 10);
		rest = end;
	}
	assert_int_equal(*rest, '\n');
	return n;
}

/* Of all samples of a family whose labels hold this. */
static int64_t sum_of(const char *text, const char *family, const char *with, size_t *count)
{
	char *start = xasprintf("\n%s{", family);
	int64_t sum = 0;

	*count = 0;
	for (const char *at = text; (at = strstr(at, start)); at++) {
		size_t n = strcspn(at + 1, "}");
		char *sample = strndup(at + 1, n + 1);

		if (strstr(sample, with)) {
			sum += value_of(text, sample);
			(*count)++;
		}
		free(sample);
	}
	free(start);
	return sum;
}

/* Figures of several intervals add up, and those of all rows are the totals. */
static void adds_up(void **state)
{
	struct options o = fixture__options();
	struct metrics *m = metrics__new(&o);
	struct snapshot *s = plain();
	size_t rows;
	char *text;

	(void)state;
	metrics__add(m, s);
	metrics__add(m, s);
	text = sums(m);
	assert_int_equal(value_of(text, WAIT "{process=\"dbserver\",lock=\"table_cache_lock\","
					     "kind=\"mutex\",class=\"contention\"}"),
			 2 * 2310 * MS);
	assert_int_equal(sum_of(text, WAIT, "contention", &rows), 2 * s->totals.wait_ns);
	assert_int_equal(rows, 5 + 1); /* and that of the others */
	assert_int_equal(sum_of(text, WAIT, "idle", &rows), 0);
	assert_int_equal(value_of(text, "locktop_wait_seconds_total{class=\"contention\"}"),
			 2 * s->totals.wait_ns);
	assert_int_equal(value_of(text, "locktop_wait_seconds_total{class=\"idle\"}"),
			 2 * s->idle.wait_ns);
	assert_int_equal(value_of(text, "locktop_intervals_total"), 2 * NSEC_PER_SEC);
	assert_int_equal(value_of(text, "locktop_observed_seconds_total"), 2 * NSEC_PER_SEC);
	assert_int_equal(value_of(text, "locktop_self_cpu_seconds_total"), 6 * MS);
	assert_int_equal(value_of(text, "locktop_self_probe_seconds_total"), 14 * MS);
	/* who waits now is not summed */
	assert_int_equal(value_of(text, "locktop_waiting_threads{class=\"contention\"}"),
			 s->totals.waiting * NSEC_PER_SEC);
	assert_null(strstr(text, "acquisitions"));
	free(text);
	snapshot__free(s);
	metrics__free(m);
}

/* Rows are bounded; what has none is in the others' row, so that sums stay right. */
static void bounds_rows(void **state)
{
	struct options o = fixture__options();
	struct snapshot *s = plain();
	struct metrics *m;
	size_t rows;
	char *text;

	(void)state;
	o.top = 2;
	o.idle = true;
	m = metrics__new(&o);
	metrics__add(m, s);
	text = sums(m);
	assert_int_equal(sum_of(text, WAIT, "contention", &rows), s->totals.wait_ns);
	assert_int_equal(rows, 1); /* both rows of their own are idle ones */
	assert_int_equal(sum_of(text, WAIT, "idle", &rows), s->idle.wait_ns);
	assert_int_equal(rows, 3);
	assert_int_equal(value_of(text, "locktop_lock_waiting_threads{" OTHER "}"),
			 s->totals.waiting * NSEC_PER_SEC);
	assert_int_equal(sum_of(text, "locktop_process_wait_seconds_total", "", &rows),
			 s->totals.wait_ns);
	assert_int_equal(rows, 3);
	free(text);
	snapshot__free(s);
	metrics__free(m);
}

/* An interval in which the locks wait as the seed has it. */
static struct snapshot *random_interval(unsigned int *seed)
{
	struct snapshot *s = fixture__empty(1);

	for (int i = 0; i < 12; i++) {
		static const char *const names[] = { "a", "b", "c", "d", "e", "f",
						     "g", "h", "i", "j", "k", "l" };
		struct fixture_lock f = fixture_locks[0];

		f.name = names[i];
		f.address += i * 64;
		f.wait_ms = rand_r(seed) % (rand_r(seed) % 8 ? 10 : 100000);
		f.sleeps = rand_r(seed) % 3;
		if (rand_r(seed) % 2)
			fixture__add_lock(s, &f);
	}
	fixture__add_processes(s);
	return s;
}

/* Each sample of before that is still there has not gone back. */
static void assert_no_less(const char *before, const char *after)
{
	for (const char *at = before; (at = strchr(at, '\n')); at++) {
		size_t n = strcspn(at + 1, "\n");
		char *sample = strndup(at + 1, n), *blank = strrchr(sample, ' ');

		if (sample[0] && sample[0] != '#' && blank) {
			*blank = 0;
			if (strstr(sample, "_total") || strstr(sample, "_bucket") ||
			    strstr(sample, "_count") || strstr(sample, "_sum")) {
				int64_t now = value_of(after, sample);

				if (now >= 0 && now < value_of(before, sample))
					fail_msg("%s went back", sample);
			}
		}
		free(sample);
	}
}

/*
 * Whoever comes among the largest, leaves them and comes again, no counter goes back, the others'
 * row takes no more than was waited meanwhile, and there is no row too many.
 */
static void never_goes_back(void **state)
{
	enum { INTERVALS = 40 };
	struct options o = fixture__options();
	char *texts[INTERVALS];
	unsigned int seed = 7, changes = 0;
	struct metrics *m;
	size_t rows;

	(void)state;
	o.top = 3;
	m = metrics__new(&o);
	for (int i = 0; i < INTERVALS; i++) {
		struct snapshot *s = random_interval(&seed);

		s->interval_ns = 300 * NSEC_PER_SEC;
		metrics__add(m, s);
		texts[i] = sums(m);
		sum_of(texts[i], WAIT, "", &rows);
		assert_in_range(rows, 1, 4);
		for (int j = 0; j < i; j++)
			assert_no_less(texts[j], texts[i]);
		if (i) {
			int64_t others = value_of(texts[i], WAIT "{" OTHER "}") -
					 value_of(texts[i - 1], WAIT "{" OTHER "}");

			assert_in_range(others, 0, s->totals.wait_ns);
			changes += strlen(texts[i - 1]) != strlen(texts[i]);
		}
		snapshot__free(s);
	}
	assert_true(changes > 2);
	for (int i = 0; i < INTERVALS; i++)
		free(texts[i]);
	metrics__free(m);
}

/* Written twice, in either notation, it says the same: a second scraper takes nothing away. */
static void writes_the_same_twice(void **state)
{
	struct options o = fixture__options();
	struct metrics *m = metrics__new(&o);
	struct snapshot *s = exact();
	char *first, *second, *plain_text;

	(void)state;
	o.top = 1;
	metrics__add(m, s);
	first = sums(m);
	plain_text = text_of(m, METRICS_PROMETHEUS);
	second = sums(m);
	assert_string_equal(first, second);
	assert_non_null(strstr(first, "# TYPE locktop_wait_seconds counter\n"
				      "# UNIT locktop_wait_seconds seconds\n"));
	assert_non_null(strstr(plain_text, "# TYPE locktop_wait_seconds_total counter\n"));
	assert_null(strstr(plain_text, "# UNIT"));
	assert_null(strstr(plain_text, "# EOF"));
	assert_string_equal(first + strlen(first) - 6, "# EOF\n");
	assert_int_equal(value_of(first, "locktop_wait_seconds_total{class=\"contention\"}"),
			 value_of(plain_text, "locktop_wait_seconds_total{class=\"contention\"}"));
	free(first);
	free(second);
	free(plain_text);
	snapshot__free(s);
	metrics__free(m);
}

/* Buckets hold all that is shorter; the last one is the number of waits. */
static void has_histograms(void **state)
{
	struct options o = fixture__options();
	struct metrics *m = metrics__new(&o);
	struct snapshot *s = fixture__empty(1);
	struct fixture_lock f = fixture_locks[0];
	const char *labels = "process=\"dbserver\",lock=\"table_cache_lock\",kind=\"mutex\","
			     "class=\"contention\"";
	char sample[256], *text;

	(void)state;
	f.sleeps = 0;
	fixture__add_lock(s, &f);
	s->locks[0].hist[0] = 1;		/* some 300 ns */
	s->locks[0].hist[8] = 2;		/* from 1024 ns */
	s->locks[0].hist[HIST_BUCKETS - 1] = 4; /* minutes */
	metrics__add(m, s);
	metrics__add(m, s);
	text = sums(m);
	for (int i = 0; i < 4; i++) {
		static const struct {
			const char *le;
			int count;
		} rows[] = {
			{ "1.024e-06", 2 },
			{ "2.048e-06", 6 },
			{ "17.179869184", 6 },
			{ "+Inf", 14 },
		};

		snprintf(sample, sizeof(sample),
			 "locktop_lock_wait_duration_seconds_bucket{%s,le=\"%s\"}", labels,
			 rows[i].le);
		assert_int_equal(value_of(text, sample), rows[i].count * NSEC_PER_SEC);
	}
	snprintf(sample, sizeof(sample), "locktop_lock_wait_duration_seconds_count{%s}", labels);
	assert_int_equal(value_of(text, sample), 14 * NSEC_PER_SEC);
	snprintf(sample, sizeof(sample), "locktop_lock_wait_duration_seconds_sum{%s}", labels);
	assert_int_equal(value_of(text, sample), 2 * s->locks[0].wait_ns);
	free(text);
	snapshot__free(s);
	metrics__free(m);
}

/* Names are escaped and cut; one that is called as the others' row is makes no second one. */
static void escapes_names(void **state)
{
	struct options o = fixture__options();
	struct metrics *m = metrics__new(&o);
	struct snapshot *s = fixture__empty(1);
	struct fixture_lock f = fixture_locks[0];
	char name[600], *text;
	size_t rows;

	(void)state;
	memset(name, '"', sizeof(name));
	name[sizeof(name) - 1] = 0;
	f.name = name;
	f.comm = "other";
	fixture__add_lock(s, &f);
	f.name = QUOTES LINES;
	f.comm = ESCAPE;
	fixture__add_lock(s, &f);
	fixture__add_processes(s);
	metrics__add(m, s);
	text = sums(m);
	assert_non_null(strstr(text, "lock=\"say \\\"hi\\\", \\\\ friendtwo??lines\""));
	sum_of(text, "locktop_process_wait_seconds_total", "\"other\"", &rows);
	assert_int_equal(rows, 1);
	for (const char *at = text; *at; at += strcspn(at, "\n") + 1)
		assert_true(strcspn(at, "\n") < 1000);
	free(text);
	snapshot__free(s);
	metrics__free(m);
}

/* A lock that nobody has waited for in an hour goes; what it waited stays in the totals. */
static void forgets(void **state)
{
	struct options o = fixture__options();
	struct metrics *m = metrics__new(&o);
	struct snapshot *s = plain(), *quiet = empty();
	char *text;
	size_t rows;

	(void)state;
	metrics__add(m, s);
	text = sums(m);
	free(text);
	quiet->interval_ns = 1800 * NSEC_PER_SEC;
	metrics__add(m, quiet);
	metrics__add(m, quiet);
	text = sums(m);
	sum_of(text, WAIT, "", &rows);
	assert_int_equal(rows, 6);
	free(text);
	metrics__add(m, quiet);
	text = sums(m);
	sum_of(text, WAIT, "", &rows);
	assert_int_equal(rows, 1);
	assert_int_equal(value_of(text, "locktop_wait_seconds_total{class=\"contention\"}"),
			 s->totals.wait_ns);
	free(text);
	snapshot__free(s);
	snapshot__free(quiet);
	metrics__free(m);
}

/* What only the exact tier knows is there with it, for the locks that it knows. */
static void has_exact(void **state)
{
	struct options o = fixture__options();
	struct metrics *m = metrics__new(&o);
	struct snapshot *s = exact();
	uint64_t acquisitions = 0;
	char *text;
	size_t rows;

	(void)state;
	for (size_t i = 0; i < s->n_locks; i++)
		if (s->locks[i].exact && s->locks[i].class == CLASS_CONTENTION)
			acquisitions += s->locks[i].acquisitions;
	metrics__add(m, s);
	text = sums(m);
	assert_true(acquisitions > 0);
	assert_int_equal(sum_of(text, "locktop_lock_acquisitions_total", "contention", &rows),
			 acquisitions * NSEC_PER_SEC);
	assert_int_equal(value_of(text, "locktop_order_inversions"),
			 s->n_inversions * NSEC_PER_SEC);
	assert_non_null(line_of(text, "locktop_exact_ratio"));
	free(text);
	snapshot__free(s);
	metrics__free(m);
}

/* Before the first interval: what counts is 0, and what is not known yet has no series. */
static void knows_nothing_first(void **state)
{
	struct options o = fixture__options();
	struct metrics *m = metrics__new(&o);
	struct snapshot *s = plain();
	char *text = sums(m);

	(void)state;
	assert_int_equal(value_of(text, WAIT "{" OTHER "}"), 0);
	assert_non_null(strstr(text, "# TYPE locktop_build_info gauge\n"));
	assert_null(strstr(text, "locktop_build_info{"));
	free(text);
	metrics__add(m, s);
	text = sums(m);
	assert_non_null(strstr(text, "locktop_build_info{version=\"0.1\",kernel=\"6.1.0\"} 1\n"));
	free(text);
	snapshot__free(s);
	metrics__free(m);
}

/* As an exporter writes them: of usual waits in both notations, and the hardest ones. */
static void golden(void **state)
{
	static const struct {
		const char *name, *format;
		struct snapshot *(*make)(void);
		unsigned int top;
	} rows[] = {
		{ "export_plain.openmetrics", "openmetrics", plain, 20 },
		{ "export_plain.prometheus", "prometheus", plain, 20 },
		{ "export_hostile.openmetrics", "openmetrics", hostile, 20 },
		{ "export_exact.openmetrics", "openmetrics", exact, 3 },
		{ "export_empty.openmetrics", "openmetrics", empty, 20 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct options o = fixture__options();
		struct snapshot *s = rows[i].make();
		char *text;

		o.top = rows[i].top;
		text = export(rows[i].format, s, &o, true);
		assert_golden(rows[i].name, text);
		free(text);
		snapshot__free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adds_up),	   cmocka_unit_test(bounds_rows),
		cmocka_unit_test(never_goes_back), cmocka_unit_test(writes_the_same_twice),
		cmocka_unit_test(has_histograms),  cmocka_unit_test(escapes_names),
		cmocka_unit_test(golden),	   cmocka_unit_test(forgets),
		cmocka_unit_test(has_exact),	   cmocka_unit_test(knows_nothing_first),
	};

	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
