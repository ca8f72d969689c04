/* SPDX-License-Identifier: GPL-2.0-only */
/* Intervals with single sleeps, made by hand, and a reader of the traces that come of them. */
#ifndef TRACE_FIXTURE_H
#define TRACE_FIXTURE_H

#include "export_fixture.h"

#include <jansson.h>

#define T0	(1700000000ULL * NSEC_PER_SEC) /* where the trace begins */
#define THREADS 6
#define PID	100

/* An interval of a second, the number'th from T0 on, with threads 101 ... at two locks. */
static inline struct snapshot *interval(uint64_t number)
{
	static const struct fixture_lock locks[] = {
		{ PID, "app", 0x1000, KIND_MUTEX, CLASS_CONTENTION, "busy", "work", 1, 500, 1, 0 },
		{ PID, "app", 0x2000, KIND_COND, CLASS_IDLE, "pool", "idle", 1, 1, 1, 0 },
	};
	struct snapshot *s = fixture__empty(number);

	for (size_t i = 0; i < ARRAY_SIZE(locks); i++)
		fixture__add_lock(s, &locks[i]);
	fixture__add_processes(s);
	for (int i = 0; i < THREADS; i++)
		s->threads[s->n_threads++] = (struct thread){
			.pid = PID, .tid = PID + 1 + i, .comm = "worker", .process_comm = "app"
		};
	s->sleeps_known = true;
	s->sleeps_end_ns = T0 + number * NSEC_PER_SEC;
	s->sleeps = snapshot__alloc(s, 1024, sizeof(*s->sleeps));
	return s;
}

/* Times from T0 on; waker -1: none. */
static inline struct sleep *add(struct snapshot *s, int thread, uint64_t start, uint64_t woken,
				uint64_t end, int waker)
{
	struct sleep *sleep = &s->sleeps[s->n_sleeps++];

	*sleep = (struct sleep){ .thread = &s->threads[thread],
				 .lock = &s->locks[0],
				 .waker = waker < 0 ? NULL : &s->threads[waker],
				 .start_ns = T0 + start,
				 .woken_ns = T0 + woken,
				 .end_ns = T0 + end,
				 .ended = waker < 0 ? END_TIMEOUT : END_WOKEN };
	return sleep;
}

static inline void waits(struct snapshot *s, int thread, uint64_t ns)
{
	s->threads[thread].waiting_for = &s->locks[0];
	s->threads[thread].waiting_ns = ns;
}

/* The whole output of these intervals, which are freed. */
static inline char *trace_with(const struct options *o, struct snapshot **rows, size_t n)
{
	size_t size;
	char *text = export_document("trace", rows, n, o, &size);

	for (size_t i = 0; i < n; i++)
		snapshot__free(rows[i]);
	assert_int_equal(strlen(text), size);
	return text;
}

static inline char *trace(struct snapshot **rows, size_t n)
{
	struct options o = fixture__options();

	return trace_with(&o, rows, n);
}

#define TRACE(...)                                  \
	trace((struct snapshot *[]){ __VA_ARGS__ }, \
	      sizeof((struct snapshot *[]){ __VA_ARGS__ }) / sizeof(struct snapshot *))

static inline size_t count(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)); text++)
		n++;
	return n;
}

#define assert_has(text, part, times)                                                    \
	do {                                                                             \
		if (count(text, part) != (times))                                        \
			fail_msg("%s: %zu times in\n%s", part, count(text, part), text); \
	} while (0)

/* ---- a reader ---- */

/* Times as viewers have them: us, as doubles, and the end is a sum. */
struct row {
	int64_t track;
	double begin, end;
	bool is_wake;
};

static inline int compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->track != y->track)
		return x->track < y->track ? -1 : 1;
	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	return x->end > y->end ? -1 : x->end < y->end;
}

static inline double us_of(const json_t *event, const char *key)
{
	return json_number_value(json_object_get(event, key));
}

static inline int64_t track_of(const json_t *event)
{
	return json_integer_value(json_object_get(event, "tid"));
}

static inline bool is(const json_t *event, const char *key, const char *value)
{
	const char *text = json_string_value(json_object_get(event, key));

	return text && !strcmp(text, value);
}

static inline size_t read_slices(const json_t *events, struct row *rows)
{
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(events); i++) {
		const json_t *event = json_array_get(events, i);
		struct row *row = &rows[n];

		if (!is(event, "ph", "X"))
			continue;
		row->track = track_of(event);
		row->begin = us_of(event, "ts");
		row->end = row->begin + us_of(event, "dur");
		row->is_wake = is(event, "cat", "wake");
		n++;
	}
	qsort(rows, n, sizeof(*rows), compare_rows);
	return n;
}

static inline void check_nesting(const struct row *rows, size_t n)
{
	const struct row *around[16];
	size_t depth = 0;

	for (size_t i = 0; i < n; i++) {
		const struct row *row = &rows[i];

		assert_true(row->begin >= 0 && row->end >= row->begin);
		if (i && rows[i - 1].track != row->track)
			depth = 0;
		while (depth && around[depth - 1]->end <= row->begin)
			depth--;
		if (depth && row->end > around[depth - 1]->end)
			fail_msg("track %lld: %.17g-%.17g and %.17g-%.17g overlap",
				 (long long)row->track, row->begin, row->end,
				 around[depth - 1]->begin, around[depth - 1]->end);
		assert_true(depth < ARRAY_SIZE(around));
		around[depth++] = row;
	}
}

static inline bool in_slice(const json_t *event, const struct row *rows, size_t n)
{
	double at = us_of(event, "ts");

	for (size_t i = 0; i < n; i++)
		if (rows[i].track == track_of(event) && rows[i].begin <= at &&
		    at <= rows[i].end + 1e-4)
			return true;
	return false;
}

/* Beginning and end of each arrow follow each other in the file, but for the slice between. */
static inline size_t check_arrows(const json_t *events, const struct row *rows, size_t n)
{
	const json_t *begin = NULL;
	int64_t last = -1;
	size_t arrows = 0;

	for (size_t i = 0; i < json_array_size(events); i++) {
		const json_t *event = json_array_get(events, i);
		int64_t id = json_integer_value(json_object_get(event, "id"));

		if (is(event, "ph", "s")) {
			assert_null(begin);
			assert_true(id > last);
			assert_true(in_slice(event, rows, n));
			begin = event;
			last = id;
		} else if (is(event, "ph", "f")) {
			assert_non_null(begin);
			assert_int_equal(id, last);
			assert_true(us_of(event, "ts") >= us_of(begin, "ts"));
			assert_true(in_slice(event, rows, n));
			assert_true(is(event, "bp", "e"));
			begin = NULL;
			arrows++;
		}
	}
	assert_null(begin);
	return arrows;
}

/* Returns the number of arrows; frees the text. */
static inline size_t check(char *text)
{
	json_error_t error;
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	json_t *events = json_object_get(json, "traceEvents");
	struct row *rows;
	size_t n, arrows;

	if (!json)
		fail_msg("line %d: %s\n%s", error.line, error.text, text);
	rows = xcalloc(json_array_size(events) + 1, sizeof(*rows));
	n = read_slices(events, rows);
	check_nesting(rows, n);
	arrows = check_arrows(events, rows, n);
	free(rows);
	json_decref(json);
	free(text);
	return arrows;
}

#endif
