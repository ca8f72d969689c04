// SPDX-License-Identifier: GPL-2.0-only
/* Comparisons as text and json: against golden files, and with hostile names in them. */
#include "diff_fixture.h"

#include <jansson.h>
#include <time.h>

static char *write_diff(const struct diff *d, bool json, unsigned int top)
{
	struct options o = fixture__options();
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	o.top = top;
	assert_int_equal((json ? diff_json__write : diff_text__write)(f, d, &o), 0);
	fclose(f);
	assert_int_equal(strlen(text), size);
	return text;
}

/* Two sides of three intervals: one lock worse, one better, one new, one gone, one as it was. */
static struct diff *sides(struct diff_side **a, struct diff_side **b, bool exact)
{
	*a = diff_side__new("before.json", false);
	*b = diff_side__new("after.json", false);
	for (uint64_t i = 1; i <= 3; i++) {
		struct snapshot *s = fixture__new(i), *t = fixture__new(100 + i);

		if (exact) {
			fixture__add_exact(s, 1);
			fixture__add_exact(t, 0.5);
		}
		t->locks[0].wait_ns = (1200 + 40 * i) * MS;
		t->locks[0].max_ns /= 2;
		t->locks[3].wait_ns = 800 * MS;
		t->totals.wait_ns = (2700 + 40 * i) * MS;
		t->locks[6].name = "cache_lock";
		s->losses[0] = exact;
		take(*a, s);
		take(*b, t);
	}
	return diff__new(*a, *b);
}

static void test_golden(void **state)
{
	(void)state;
	for (int exact = 0; exact < 2; exact++) {
		struct diff_side *a, *b;
		struct diff *d = sides(&a, &b, exact);
		char *text = write_diff(d, false, 0), *json = write_diff(d, true, 0);

		assert_golden(exact ? "diff_exact.txt" : "diff_plain.txt", text);
		assert_golden(exact ? "diff_exact.json" : "diff_plain.json", json);
		free(text);
		free(json);
		diff_done(d, a, b);
	}
}

/* Nothing to compare, and one interval a side: both are said. */
static void test_little(void **state)
{
	struct diff_side *a = diff_side__new("a", false), *b = diff_side__new("b", false);
	struct diff *d;
	char *text;

	(void)state;
	take(a, interval(1, 1000));
	take(b, interval(2, 1000));
	d = diff__new(a, b);
	text = write_diff(d, false, 20);
	assert_non_null(strstr(text, "no thread waited for a lock"));
	assert_non_null(strstr(text, "one interval does not tell"));
	free(text);
	diff_done(d, a, b);
}

/* Rows that are left out are counted. */
static void test_top(void **state)
{
	struct diff_side *a, *b;
	struct diff *d = sides(&a, &b, false);
	char *text = write_diff(d, false, 2), *json = write_diff(d, true, 2);
	json_t *root = json_loads(json, 0, NULL);

	(void)state;
	assert_non_null(strstr(text, "... and 4 more"));
	assert_int_equal(json_array_size(json_object_get(root, "locks")), 2);
	assert_int_equal(json_integer_value(json_object_get(root, "not_listed")), 4);
	json_decref(root);
	free(text);
	free(json);
	diff_done(d, a, b);
}

/* Names of other people's: no byte acts on a terminal, each lock keeps its line, json stays json.
 */
static void test_hostile(void **state)
{
	static const char *const names[] = { ESCAPE, INVALID, QUOTES, LINES, BIDI, "" };
	struct diff_side *a = diff_side__new(ESCAPE, false), *b = diff_side__new(LINES, false);
	struct snapshot *s = interval(1, 1000);
	size_t lines = 0;
	struct diff *d;
	char *text, *json;
	json_t *root;

	(void)state;
	s->host = ESCAPE;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		add_lock(s, 1, i, names[i], 100)->comm = names[i];
	add_place(s, add_lock(s, 1, 99, NULL, 5), hostile_frames[0]);
	take(a, s);
	take(b, interval(1, 1000));
	d = diff__new(a, b);
	text = write_diff(d, false, 0);
	json = write_diff(d, true, 0);
	for (const char *c = text; *c; c++) {
		assert_true(*c == '\n' || (unsigned char)*c >= ' ');
		lines += *c == '\n';
	}
	assert_int_equal(lines, 3 + 2 + d->n); /* sides and total, blank and head, rows */
	assert_null(strstr(text, "\xe2\x80\xae"));
	root = json_loads(json, 0, NULL);
	assert_non_null(root);
	assert_int_equal(json_array_size(json_object_get(root, "locks")), d->n);
	json_decref(root);
	free(text);
	free(json);
	diff_done(d, a, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_little),
		cmocka_unit_test(test_top),
		cmocka_unit_test(test_hostile),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
