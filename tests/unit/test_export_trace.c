// SPDX-License-Identifier: GPL-2.0-only
/* Traces as documents: names, counters, what is told once and what at the end. */
#include "trace_fixture.h"

#include <errno.h>

#include "../../user/trace_tracks.h"
#include "python_fixture.h"

/* Usual intervals and the hardest ones. */
static void golden(void **state)
{
	static const struct {
		const char *name;
		struct snapshot *(*make)(void);
		bool idle;
	} rows[] = {
		{ "export_plain.trace", plain, false },
		{ "export_owned.trace", owned, false },
		{ "export_hostile.trace", hostile, true },
		{ "export_python.trace", python_usual, true },
		{ "export_empty.trace", empty, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct options o = fixture__options();
		struct snapshot *s = with_sleeps(rows[i].make());
		char *text;

		o.idle = rows[i].idle;
		text = trace_with(&o, &s, 1);
		assert_golden(rows[i].name, text);
		check(text);
	}
}

/* A name stands once, and again when it is another; Python's stays while it is not known. */
static void names(void **state)
{
	struct python_row row = { .name = "loader" };
	struct snapshot *s[5];
	char *text;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(s); i++) {
		s[i] = interval(i + 1);
		add(s[i], 0, i * NSEC_PER_SEC + 1000, i * NSEC_PER_SEC + 2000,
		    i * NSEC_PER_SEC + 3000, 1);
	}
	s[0]->threads[1].comm = s[0]->threads[1].process_comm = NULL; /* it had ended */
	s[1]->threads[0].python = &row;
	s[3]->threads[0].process_comm = "execed";
	s[4]->threads[0].process_comm = "execed";
	s[3]->threads[1].process_comm = s[4]->threads[1].process_comm = "execed";
	s[3]->processes[0].comm = s[4]->processes[0].comm = "execed";
	text = trace(s, ARRAY_SIZE(s));
	assert_has(text, "\"tid\":101,\"ts\":0.000,\"name\":\"thread_name\"", 2);
	assert_has(text, "{\"name\":\"loader\"}", 1);
	assert_has(text, "\"tid\":102,\"ts\":0.000,\"name\":\"thread_name\"", 1);
	assert_has(text, "\"comm\":null", 1);
	assert_has(text, "\"process_name\",\"args\":{\"name\":\"app\"}", 1);
	assert_has(text, "\"process_name\",\"args\":{\"name\":\"execed\"}", 1);
	check(text);
}

/* The counter stands at the beginning of each interval, and falls to 0 with the process. */
static void loads(void **state)
{
	struct snapshot *s[] = { interval(1), interval(2), interval(3), interval(4) };
	char *text;

	(void)state;
	s[1]->processes[0].wait_ns = 2 * NSEC_PER_SEC;
	s[2]->n_processes = s[3]->n_processes = 0;
	text = trace(s, ARRAY_SIZE(s));
	assert_has(text, "\"ts\":0.000,\"name\":\"threads waiting\",\"args\":{\"load\":0.500}", 1);
	assert_has(text,
		   "\"ts\":1000000.000,\"name\":\"threads waiting\",\"args\":{\"load\":2.000}", 1);
	assert_has(text,
		   "\"ts\":2000000.000,\"name\":\"threads waiting\",\"args\":{\"load\":0.000}", 1);
	assert_has(text, "threads waiting", 3);
	check(text);
}

/* Who waits at the end is there once, at the end; idle threads only if they are wanted. */
static void still_waiting(void **state)
{
	struct options o = fixture__options();
	struct snapshot *s[] = { interval(1), interval(2) };
	char *text;

	(void)state;
	for (int i = 0; i < 2; i++) {
		waits(s[i], 0, (i + 1) * 400 * MS);
		waits(s[i], 1, 400 * MS);
		s[i]->threads[1].waiting_for = &s[i]->locks[1];
	}
	s[1]->losses[LOSS_EVENTS_DROPPED] = 12;
	s[1]->losses[LOSS_LOCKS_FULL] = 3;
	text = trace(s, 2);
	assert_has(text, "\"still_waiting\":true", 1);
	assert_has(text, "\"tid\":101,\"ts\":1200000.000,\"dur\":800000.000,\"name\":\"busy\"", 1);
	assert_has(text, "\"ph\":\"i\",\"ts\":1000000.000,\"s\":\"g\",\"name\":\"12 sleeps", 1);
	assert_has(text, "\"losses of this interval\",\"cat\":\"loss\",\"args\":{\"locks_full\":3}",
		   1);
	check(text);
	s[0] = interval(1);
	waits(s[0], 1, 400 * MS);
	s[0]->threads[1].waiting_for = &s[0]->locks[1];
	o.idle = true;
	text = trace_with(&o, s, 1);
	assert_has(text, "\"still_waiting\":true", 1);
	assert_has(text, "\"cat\":\"cond,idle\"", 1);
	check(text);
}

/* Who waits may be all that there is to tell. */
static void only_waiting(void **state)
{
	struct snapshot *s = interval(1);
	char *text;

	(void)state;
	s->n_processes = 0;
	waits(s, 0, 400 * MS);
	text = TRACE(s);
	assert_has(text, "\"still_waiting\":true", 1);
	check(text);
}

/* A deadlock is told once, where it closed. */
static void deadlocks(void **state)
{
	struct snapshot *s[] = { with_sleeps(owned()), with_sleeps(owned()) };
	char *text;

	(void)state;
	s[1]->sleeps_end_ns += NSEC_PER_SEC;
	s[1]->n_sleeps = 0;
	text = trace(s, 2);
	assert_has(text, "\"name\":\"DEADLOCK\"", 2); /* there are two */
	assert_has(text, "\"deadlocked\":true", 5);   /* who queues behind them, too */
	check(text);
}

/* No name breaks the text that it stands in. */
static void quotes(void **state)
{
	struct snapshot *s = with_sleeps(owned());

	(void)state;
	for (size_t i = 0; i < s->n_threads; i++)
		s->threads[i].comm = s->threads[i].process_comm = QUOTES LINES INVALID;
	for (size_t i = 0; i < s->n_locks; i++)
		s->locks[i].name = s->locks[i].where = QUOTES LINES INVALID;
	s->host = s->kernel = QUOTES;
	assert_true(check(TRACE(s)) > 5);
}

/* Without single sleeps there is no trace, and not a byte of one. */
static void none(void **state)
{
	struct options o = fixture__options();
	struct snapshot *s[] = { empty(), interval(1), interval(2), interval(3) };
	struct export_run *run;
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	o.format = "trace";
	run = export__new(&o);
	assert_int_equal(export__add(run, f, s[0]), 0);
	assert_int_equal(export__end(run, f), -ENODATA);
	export__free(run);
	fclose(f);
	assert_int_equal(size, 0);
	free(text);
	/* an interval without them between others is a gap that is seen */
	add(s[1], 0, 1000, 2000, 3000, 1);
	add(s[3], 0, 2 * NSEC_PER_SEC, 2 * NSEC_PER_SEC + 1, 2 * NSEC_PER_SEC + 2, 1);
	s[2]->sleeps_known = false;
	text = trace(s, 4);
	assert_has(text, "\"ts\":1000000.000,\"s\":\"g\",\"name\":\"an interval without", 1);
	assert_has(text, "\"tid\":101,\"ts\":2000000.000", 1);
	assert_int_equal(check(text), 2);
}

/* However many threads come and go, not much more is kept than what is there. */
static void forgets(void **state)
{
	struct trace_tracks *t = trace_tracks__new();

	(void)state;
	for (pid_t round = 0; round < 50; round++) {
		size_t own;

		trace_tracks__begin(t);
		own = trace_tracks__thread(t, 1, 1);
		assert_int_equal(t->threads[own].floor_ns, round ? 77 : 0);
		t->threads[own].floor_ns = 77;
		for (pid_t i = 0; i < 1000; i++) {
			size_t thread = trace_tracks__thread(t, 2, 1000 * round + i + 2);
			size_t process = trace_tracks__process(t, 1000 * round + i + 2);

			assert_int_equal(t->threads[thread].tid, 1000 * round + i + 2);
			assert_int_equal(t->processes[process].pid, 1000 * round + i + 2);
			assert_true(trace_tracks__rename(&t->threads[thread].name, "x"));
			assert_false(trace_tracks__rename(&t->threads[thread].name, "x"));
			assert_true(trace_tracks__rename(&t->processes[process].name, "y"));
		}
		assert_true(t->n_threads < 6000 && t->n_processes < 6000);
	}
	trace_tracks__free(t);
	trace_tracks__free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden),	cmocka_unit_test(names),
		cmocka_unit_test(loads),	cmocka_unit_test(still_waiting),
		cmocka_unit_test(only_waiting), cmocka_unit_test(deadlocks),
		cmocka_unit_test(quotes),	cmocka_unit_test(none),
		cmocka_unit_test(forgets),
	};

	return cmocka_run_group_tests_name("export_trace", tests, NULL, NULL);
}
