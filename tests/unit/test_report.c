// SPDX-License-Identifier: GPL-2.0-only
/* Recordings printed: every interval as it was live, ranges of them, their sum. */
#include "export_fixture.h"

#include <unistd.h>

#include "../../user/report.h"
#include "../../user/sum.h"
#include "python_fixture.h"

#define INTERVALS 9

static char folder[] = "/tmp/locktop-report-XXXXXX";
static char path[64], out_path[64];

static struct snapshot *python(void)
{
	return python_fixture__new(7);
}

static struct snapshot *python_deadlocked(void)
{
	return python_fixture__deadlocked(8);
}

/* Holders that neither wait nor hold now, or have ended, are no rows of the interval. */
static struct snapshot *held_by_others(void)
{
	static const struct python_row row = { "worker-7", 1, THREAD_GIL_NONE };
	static const struct thread others[] = {
		{ .pid = 4242, .tid = 9001, .comm = "gone", .process_comm = "dbserver" },
		{ .pid = 4242, .tid = 9002, .comm = "python", .python = &row },
		{ .pid = 4242, .tid = 9003 },
	};
	struct snapshot *s = plain();

	for (size_t i = 0; i < 3; i++) {
		add_holder(s, &s->locks[0], &others[i], PROOF_LOCK_WORD, 0.25);
		add_holder(s, &s->locks[1], &others[i], PROOF_LAST_WAKER, 0.25);
	}
	add_holder(s, &s->locks[0], &s->threads[1], PROOF_LOCK_WORD, 0.25);
	return s;
}

#define WITHOUT_SLEEPS 5 /* this one has no single sleeps */

static struct snapshot *make(size_t i)
{
	static struct snapshot *(*const makers[INTERVALS])(
		void) = { plain,  owned,  hostile,	     exact,	    empty,
			  sliced, python, python_deadlocked, held_by_others };
	struct snapshot *s = makers[i]();

	s->time = (struct timespec){ .tv_sec = 1700000001 + i };
	s->number = i + 1;
	return i == WITHOUT_SLEEPS ? s : with_sleeps(s);
}

static int record(void **state)
{
	char error[STORE_ERROR];
	struct store *store;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/recording", folder);
	snprintf(out_path, sizeof(out_path), "%s/out", folder);
	if (store__create(path, &(struct store_limits){}, &store, error))
		fail_msg("%s", error);
	for (size_t i = 0; i < INTERVALS; i++) {
		struct snapshot *s = make(i);

		assert_int_equal(store__append(store, s, error), 0);
		snapshot__free(s);
	}
	store__close(store);
	return 0;
}

static int clean_up(void **state)
{
	(void)state;
	unlink(path);
	unlink(out_path);
	rmdir(folder);
	return 0;
}

static struct options options_for(const char *format)
{
	struct options o = fixture__options();

	o.format = format;
	o.files[0] = path;
	o.n_files = 1;
	o.output = out_path;
	o.batch = true;
	return o;
}

/* What a report prints; from malloc. */
static char *report(const struct options *o)
{
	char error[REPORT_ERROR], *text;
	FILE *file;
	long size;

	if (report__run(o, error) != REPORT_FINE)
		fail_msg("%s", error);
	file = fopen(out_path, "r");
	assert_non_null(file);
	fseek(file, 0, SEEK_END);
	size = ftell(file);
	rewind(file);
	text = xcalloc(size + 1, 1);
	assert_int_equal(fread(text, 1, size, file), size);
	fclose(file);
	return text;
}

/* What was printed live of the intervals first to last. */
static char *live(const struct options *o, size_t first, size_t last)
{
	struct export_run *e = export__new(o);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = first; i <= last; i++) {
		struct snapshot *s = make(i);

		assert_int_equal(export__add(e, out, s), 0);
		snapshot__free(s);
	}
	assert_int_equal(export__end(e, out), 0);
	fclose(out);
	export__free(e);
	return text;
}

static void assert_same(const struct options *o, size_t first, size_t last)
{
	char *text = report(o), *expected = live(o, first, last);

	assert_string_equal(text, expected);
	free(text);
	free(expected);
}

/* Every format prints of a recording what it printed live, to the digit, idle rows or not. */
static void prints_what_was_live(void **state)
{
	(void)state;
	for (const struct exporter *e = exporters; e->name; e++) {
		struct options o = options_for(e->name);

		if (e->binary) /* it may tell when it was made */
			continue;
		assert_same(&o, 0, INTERVALS - 1);
		o.idle = true;
		o.top = 0;
		o.reverse = true;
		assert_same(&o, 0, INTERVALS - 1);
	}
}

/* --from, --to and --count choose intervals. */
static void prints_a_range(void **state)
{
	static const struct {
		const char *from, *to;
		unsigned long count;
		size_t first, last;
	} rows[] = {
		{ "+2", NULL, 0, 2, INTERVALS - 1 },
		{ NULL, "+2", 0, 0, 1 },
		{ "+1", "+3", 0, 1, 2 },
		{ "+1.5", "+3.5", 0, 1, 3 },
		{ "2023-11-14T22:13:22Z", "2023-11-14T22:13:24Z", 0, 2, 3 },
		{ "22:13:22", "22:13:24", 0, 2, 3 },
		{ NULL, NULL, 2, 0, 1 },
		{ "+3", NULL, 1, 3, 3 },
		{ NULL, NULL, 99, 0, INTERVALS - 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct options o = options_for("json");

		o.from = rows[i].from;
		o.to = rows[i].to;
		o.count = rows[i].count;
		assert_same(&o, rows[i].first, rows[i].last);
	}
}

/* --sum prints one snapshot: the sum of what was recorded. */
static void prints_the_sum(void **state)
{
	struct options o = options_for("json");
	struct sum *sum = sum__new();
	struct snapshot *s;
	char *text, *expected = NULL;
	size_t size;
	FILE *out;

	(void)state;
	o.sum = true;
	o.from = "+1";
	for (size_t i = 1; i < INTERVALS; i++)
		sum__add(sum, make(i));
	s = sum__finish(sum);
	out = open_memstream(&expected, &size);
	assert_int_equal(export__one(out, s, &o), 0);
	fclose(out);
	snapshot__free(s);
	text = report(&o);
	assert_string_equal(text, expected);
	free(text);
	free(expected);
}

/* --fail-on looks at recordings, too; the interval in which it was seen is the last one printed. */
static void finds_deadlocks(void **state)
{
	struct options o = options_for("json");
	char error[REPORT_ERROR];

	(void)state;
	o.fail_on[0] = fail_on__find("deadlock");
	assert_int_equal(report__run(&o, error), REPORT_FOUND);
	assert_non_null(strstr(error, "deadlock"));
	o.to = "+1";
	assert_int_equal(report__run(&o, error), REPORT_FINE);
}

/* What cannot be shown is said in a line that names it, and nothing is written. */
static void says_what_is_wrong(void **state)
{
	struct options o = options_for("json");
	char error[REPORT_ERROR];

	(void)state;
	unlink(out_path);
	o.from = "+1000";
	assert_int_equal(report__run(&o, error), REPORT_FAILED);
	assert_non_null(strstr(error, "2023-11-14 22:13:20"));
	assert_int_not_equal(access(out_path, F_OK), 0);
	o = options_for("trace");
	o.from = "+5";
	o.to = "+6";
	assert_int_equal(report__run(&o, error), REPORT_FAILED);
	assert_non_null(
		strstr(error, "recording has no single sleeps there: record with --events"));
	assert_int_not_equal(access(out_path, F_OK), 0);
	o = options_for("json");
	o.files[0] = "/nonexistent/recording";
	assert_int_equal(report__run(&o, error), REPORT_FAILED);
	assert_non_null(strstr(error, "/nonexistent/recording"));
	o.files[0] = "/proc/version";
	assert_int_equal(report__run(&o, error), REPORT_FAILED);
	assert_non_null(strstr(error, "/proc/version"));
	o = options_for("json");
	o.output = "/nonexistent/out";
	assert_int_equal(report__run(&o, error), REPORT_FAILED);
	assert_non_null(strstr(error, "/nonexistent/out"));
	assert_null(strchr(error, '\n'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints_what_was_live), cmocka_unit_test(prints_a_range),
		cmocka_unit_test(prints_the_sum),	cmocka_unit_test(finds_deadlocks),
		cmocka_unit_test(says_what_is_wrong),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, record, clean_up);
}
