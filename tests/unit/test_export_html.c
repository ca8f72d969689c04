// SPDX-License-Identifier: GPL-2.0-only
/* The page as a whole, and the data in it; what a browser makes of it is for the readers' tests. */
#include "export_fixture.h"
#include "python_fixture.h"

#include <jansson.h>

#include "../../user/html_data.h"

#define DATA_BEGIN "<script type=\"application/json\" id=\"data\">\n"

static char *page_of(struct snapshot *const *rows, size_t n, const struct options *o)
{
	size_t size;
	char *text = export_document("html", rows, n, o, &size);

	assert_int_equal(strlen(text), size);
	return text;
}

/* As a browser finds it: up to the first end of a script. */
static char *data_of(const char *page)
{
	const char *begin = strstr(page, DATA_BEGIN), *end;

	assert_non_null(begin);
	begin += strlen(DATA_BEGIN);
	end = strstr(begin, "</script");
	assert_non_null(end);
	return strndup(begin, end - begin);
}

static json_t *parsed(struct snapshot *const *rows, size_t n, const struct options *o)
{
	char *page = page_of(rows, n, o), *data = data_of(page);
	json_error_t error;
	json_t *json = json_loads(data, 0, &error);

	if (!json)
		fail_msg("line %d: %s", error.line, error.text);
	free(data);
	free(page);
	return json;
}

static int64_t number_in(const json_t *object, const char *key)
{
	const json_t *n = json_object_get(object, key);

	assert_true(json_is_integer(n));
	return json_integer_value(n);
}

static struct snapshot *with_stacks(void)
{
	struct snapshot *s = fixture__new(1);

	fixture__add_stacks(s, &s->locks[0]);
	return s;
}

/* The data of usual intervals and of the hardest ones. */
static void golden(void **state)
{
	static const struct {
		const char *name;
		struct snapshot *(*make)(void);
		bool idle;
		unsigned int top;
	} rows[] = {
		{ "export_stacks.html.json", with_stacks, true, 20 },
		{ "export_owned.html.json", owned, false, 1 },
		{ "export_hostile.html.json", hostile, true, 0 },
		{ "export_exact.html.json", exact, false, 0 },
		{ "export_python.html.json", python_usual, false, 20 },
		{ "export_empty.html.json", empty, false, 20 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct options o = fixture__options();
		struct snapshot *s = rows[i].make();
		char *page, *data;

		o.idle = rows[i].idle;
		o.top = rows[i].top;
		page = page_of(&s, 1, &o);
		data = data_of(page);
		assert_golden(rows[i].name, data);
		free(data);
		free(page);
		snapshot__free(s);
	}
}

/* No name can end the element that it stands in, and nothing is fetched from anywhere. */
static void stands_alone(void **state)
{
	struct options o = fixture__options();
	struct snapshot *s = fixture__empty(1);
	struct fixture_lock f = fixture_locks[0];
	json_t *json, *lock;
	char *page;
	size_t scripts = 0;

	(void)state;
	f.name = "</script><script>alert(1)</script>";
	f.comm = "<!--";
	f.where = "a\\\"&";
	fixture__add_lock(s, &f);
	fixture__add_processes(s);
	page = page_of(&s, 1, &o);
	for (const char *at = page; (at = strstr(at, "<script")); at++)
		scripts++;
	assert_int_equal(scripts, 2);
	assert_null(strstr(page, "<!--"));
	assert_null(strstr(page, "src="));
	assert_null(strstr(page, "href="));
	assert_null(strstr(page, "url("));
	assert_null(strstr(page, "@import"));
	assert_non_null(strstr(page, "default-src 'none'"));
	free(page);
	json = parsed(&s, 1, &o);
	lock = json_array_get(json_object_get(json, "locks"), 0);
	assert_string_equal(json_string_value(json_object_get(lock, "name")), f.name);
	assert_string_equal(json_string_value(json_object_get(lock, "process")), f.comm);
	assert_string_equal(json_string_value(json_object_get(lock, "where")), f.where);
	json_decref(json);
	snapshot__free(s);
}

static int64_t sum_of(const json_t *rows, size_t place)
{
	int64_t sum = 0;

	for (size_t i = 0; i < json_array_size(rows); i++)
		sum += json_integer_value(json_array_get(json_array_get(rows, i), place));
	return sum;
}

/* Locks, intervals and stacks each add up to the totals. */
static void adds_up(void **state)
{
	struct options o = fixture__options();
	struct snapshot *rows[] = { with_stacks(), empty(), with_stacks() };
	int64_t wait = 2 * rows[0]->totals.wait_ns, locks = 0;
	json_t *json, *lock;

	(void)state;
	o.top = 0;
	json = parsed(rows, 3, &o);
	assert_int_equal(number_in(json, "wait"), wait);
	assert_int_equal(number_in(json, "duration"), 3 * NSEC_PER_SEC);
	assert_int_equal(json_array_size(json_object_get(json, "intervals")), 3);
	assert_int_equal(sum_of(json_object_get(json, "intervals"), 2), wait);
	for (size_t i = 0; i < json_array_size(json_object_get(json, "locks")); i++)
		locks += number_in(json_array_get(json_object_get(json, "locks"), i), "wait");
	assert_int_equal(locks, wait);
	assert_int_equal(sum_of(json_object_get(json_object_get(json, "waiters"), "stacks"), 1),
			 wait);
	assert_int_equal(sum_of(json_object_get(json_object_get(json, "wakers"), "stacks"), 1),
			 wait);
	lock = json_array_get(json_object_get(json, "locks"), 0);
	assert_string_equal(json_string_value(json_object_get(lock, "name")), "table_cache_lock");
	assert_int_equal(sum_of(json_object_get(lock, "load"), 1), 2 * 2310 * MS);
	assert_int_equal(json_array_size(json_object_get(lock, "load")), 2);
	assert_int_equal(sum_of(json_object_get(lock, "hist"), 1),
			 2 * hist__count(rows[0]->locks[0].hist));
	json_decref(json);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		snapshot__free(rows[i]);
}

/* However long it goes on, there are not more intervals than a chart has room for. */
static void bounds_intervals(void **state)
{
	struct options o = fixture__options();
	struct html_data *d = html_data__new(&o);
	struct snapshot *s = plain();
	uint64_t n = 2 * HTML_INTERVALS_MAX + 7, waits = 0, loads = 0;

	(void)state;
	for (uint64_t i = 0; i < n; i++) {
		s->time.tv_sec++;
		html_data__add(d, s);
		assert_true(d->n_intervals <= HTML_INTERVALS_MAX);
	}
	for (size_t i = 0; i < d->n_intervals; i++) {
		waits += d->intervals[i].wait_ns;
		assert_true(!i || d->intervals[i].end_ms > d->intervals[i - 1].end_ms);
	}
	assert_int_equal(waits, n * s->totals.wait_ns);
	for (size_t i = 0; i < d->locks->n_loads; i++) {
		loads += d->locks->loads[i].wait_ns;
		assert_true(d->locks->loads[i].interval < d->n_intervals);
	}
	assert_int_equal(loads, d->locks->sum.wait_ns);
	html_data__free(d);
	snapshot__free(s);
}

/* Who waits is of the end: a lock that nobody waits for any more says so. */
static void shows_the_end(void **state)
{
	struct options o = fixture__options();
	struct snapshot *rows[] = { plain(), empty() };
	json_t *json = parsed(rows, 2, &o), *locks = json_object_get(json, "locks");

	(void)state;
	for (size_t i = 0; i < json_array_size(locks); i++)
		assert_int_equal(number_in(json_array_get(locks, i), "waiting"), 0);
	json_decref(json);
	snapshot__free(rows[0]);
	snapshot__free(rows[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden),	 cmocka_unit_test(stands_alone),
		cmocka_unit_test(adds_up),	 cmocka_unit_test(bounds_intervals),
		cmocka_unit_test(shows_the_end),
	};

	return cmocka_run_group_tests_name("export_html", tests, NULL, NULL);
}
