// SPDX-License-Identifier: GPL-2.0-only
/* The table of columns: keys, widths, values and formats. */
#include "fields_fixture.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../../user/text.h"
#include "../../user/util.h"

#define JSON_KEYS_MAX 40

/* The scalars of the snapshot's schema. Outside checks rely on these names. */
static const char *const json_keys[ENTITY_COUNT][JSON_KEYS_MAX] = {
	[ENTITY_PROCESS] = { "pid", "comm", "user", "cgroup", "runtime", "threads", "sleeps",
			     "wait_ns", "blocked_ns", "delay_ns", "waiting", "idle_wait_ns",
			     "futex_calls", "futex_again", "futex_wakes", "futex_idle_wakes" },
	/* clang-format off */
	[ENTITY_LOCK] = {
		"id", "pid", "address", "kind", "class", "name", "name_from", "sleeps", "wait_ns",
		"blocked_ns", "delay_ns", "max_ns", "p50_ns", "p99_ns", "timeouts", "waiting",
		"oldest_ns", "acquisitions", "contended", "hold_ns", "max_hold_ns", "try_failures",
		"impact_ns", "owner_died", "readers", "deadlocked", "contention", "avg_hold_ns",
		"avg_wait_ns", "call_wait_ns", "read_acquisitions", "read_hold_ns",
		"owner_changes", "signals", "switches", "forced_switches",
	},
	/* clang-format on */
	[ENTITY_THREAD] = { "pid", "tid", "comm", "sleeps", "wait_ns", "waiting_for", "waiting_ns",
			    "state", "syscall", "name", "daemon", "gil" },
};

/* What csv has beside them: json says it in objects. */
static const char *const csv_keys[] = { "owner", "owner_tid", "owner_proof", "verdict" };

static const struct process process = {
	.pid = 4194304,
	.gen = 3,
	.comm = "pool\x1b[2J",
	.user = "www",
	.cgroup = "/system.slice/web.service",
	.threads = 33,
	.sleeps = 168000,
	.wait_ns = 4820000000,
	.blocked_ns = 4000000000,
	.delay_ns = 820000000,
	.waiting = 5,
	.idle_wait_ns = 64000000000,
};

static const struct lock lock = {
	.id = "812:0x7f0011223344",
	.pid = 812,
	.comm = "web",
	.address = 0x7f0011223344,
	.kind = KIND_RWLOCK_WRITE,
	.class = CLASS_CONTENTION,
	.name = "table_lock",
	.name_from = "symbol",
	.sleeps = 3,
	.wait_ns = 60000000,
	.max_ns = 31600000,
	.p50_ns = 1200,
	.p99_ns = 34000000,
	.timeouts = 1,
	.hist = { [8] = 3 },
	.where = "table_insert",
};

static const struct lock unnamed = { .id = "812:0x7f0000000010", .pid = 812, .address = 16 };

/* Not one json key more or less than the schema has. */
static void test_json_keys(void **state)
{
	(void)state;
	for (int e = 0; e < ENTITY_COUNT; e++) {
		size_t n = 0, wanted = 0;

		for (const struct field *f = fields__of(e); f->key; f++)
			n += !!(f->flags & FIELD_JSON);
		for (; json_keys[e][wanted]; wanted++) {
			const struct field *f = fields__find(e, json_keys[e][wanted]);

			if (!f || strcmp(f->key, json_keys[e][wanted]) || !(f->flags & FIELD_JSON))
				fail_msg("%s is missing", json_keys[e][wanted]);
		}
		assert_int_equal(n, wanted);
	}
}

/* The columns that csv has of its own are those of locks, and no json key is among them. */
static void test_csv_keys(void **state)
{
	size_t n = 0;

	(void)state;
	for (int e = 0; e < ENTITY_COUNT; e++)
		for (const struct field *f = fields__of(e); f->key; f++)
			n += !!(f->flags & FIELD_CSV);
	assert_int_equal(n, ARRAY_SIZE(csv_keys));
	for (size_t i = 0; i < ARRAY_SIZE(csv_keys); i++) {
		const struct field *f = fields__find(ENTITY_LOCK, csv_keys[i]);

		assert_non_null(f);
		assert_int_equal(f->flags & (FIELD_CSV | FIELD_JSON), FIELD_CSV);
	}
}

/* Rows are whole, keys and heads unique, heads fit their columns, text is on the left. */
static void test_rows(void **state)
{
	(void)state;
	for (int e = 0; e < ENTITY_COUNT; e++) {
		for (const struct field *f = fields__of(e); f->key; f++) {
			assert_int_equal(f->entity, e);
			assert_non_null(f->get);
			assert_true(f->help && *f->help);
			assert_true(f->flags & (FIELD_SCREEN | FIELD_JSON | FIELD_CSV));
			assert_true((int)strlen(f->title) <= f->width);
			assert_int_equal(!!(f->flags & FIELD_LEFT), f->unit == UNIT_TEXT);
			for (const struct field *g = f + 1; g->key; g++) {
				assert_string_not_equal(f->key, g->key);
				assert_true(strcasecmp(f->title, g->title));
			}
			assert_ptr_equal(fields__find(e, f->key), f);
		}
	}
}

/* Columns of the sleep tier up to a priority, with one blank between them. */
static int columns(enum entity entity, unsigned int priority)
{
	int sum = -1;

	for (const struct field *f = fields__of(entity); f->key; f++)
		if ((f->flags & FIELD_SCREEN) && !(f->flags & FIELD_EXACT) &&
		    f->priority <= priority)
			sum += f->width + 1;
	return sum;
}

/* The least terminal shows what matters; a common one is well filled; text ends each row. */
static void test_widths(void **state)
{
	(void)state;
	for (int e = 0; e < ENTITY_COUNT; e++) {
		const struct field *last = NULL;

		assert_in_range(columns(e, 0), 40, 60);
		assert_in_range(columns(e, 2), 70, 80);
		for (const struct field *f = fields__of(e); f->key; f++)
			if ((f->flags & FIELD_SCREEN) && !f->priority)
				last = f;
		assert_true(last && last->unit == UNIT_TEXT);
		for (const struct field *f = fields__of(e); f->key; f++)
			if (f > last && (f->flags & FIELD_SCREEN))
				assert_int_equal(f->unit, UNIT_TEXT);
	}
}

/* Sort keys: json keys, also without the unit, and what stands in the column head. */
static void test_find(void **state)
{
	static const struct {
		enum entity entity;
		const char *key, *expected;
	} cases[] = {
		{ ENTITY_LOCK, "wait_ns", "wait_ns" },
		{ ENTITY_LOCK, "wait", "wait_ns" },
		{ ENTITY_LOCK, "WAIT", "wait_ns" },
		{ ENTITY_LOCK, "waiting", "waiting" },
		{ ENTITY_LOCK, "p99", "p99_ns" },
		{ ENTITY_LOCK, "sleep/s", "sleeps" },
		{ ENTITY_LOCK, "where", "where" },
		{ ENTITY_PROCESS, "idle", "idle_wait_ns" },
		{ ENTITY_PROCESS, "idle_wait", "idle_wait_ns" },
		{ ENTITY_PROCESS, "command", "comm" },
		{ ENTITY_THREAD, "waiting", "waiting_ns" },
		{ ENTITY_THREAD, "age", "waiting_ns" },
		{ ENTITY_THREAD, "waiting_for", "waiting_for" },
		{ ENTITY_THREAD, "waiting for", "lock" },
	};
	static const char *const wrong[] = {
		"", "_ns", "wai", "wait_", "wait_n", "wait_nsx", "p9"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct field *f = fields__find(cases[i].entity, cases[i].key);

		assert_non_null(f);
		assert_string_equal(f->key, cases[i].expected);
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		for (int e = 0; e < ENTITY_COUNT; e++)
			assert_null(fields__find(e, wrong[i]));
	for (int e = 0; e < ENTITY_COUNT; e++)
		assert_string_equal(fields__default_sort(e)->key, "wait_ns");
}

/* A terminal of 120 columns says who holds a lock, and what is wrong with it. */
static void test_wide(void **state)
{
	static const char *const wanted[] = { "owner", "verdict", "impact_ns" };

	(void)state;
	assert_in_range(columns(ENTITY_LOCK, 5), 100, 120);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		const struct field *f = fields__find(ENTITY_LOCK, wanted[i]);

		assert_true(f->flags & FIELD_SCREEN);
		assert_in_range(f->priority, 3, 5);
	}
}

/* Each unit as people read it; rates and loads by the interval; foreign bytes made harmless. */
static void test_format(void **state)
{
	const uint64_t two = 2 * NSEC_PER_SEC;

	(void)state;
	assert_shown(ENTITY_PROCESS, "pid", &process, two, "4194304");
	assert_shown(ENTITY_PROCESS, "comm", &process, two, "pool?[2J");
	assert_shown(ENTITY_PROCESS, "threads", &process, two, "33");
	assert_shown(ENTITY_PROCESS, "sleeps", &process, two, "84k");
	assert_shown(ENTITY_PROCESS, "sleeps", &process, 0, "168k");
	assert_shown(ENTITY_PROCESS, "wait", &process, two, "2.41");
	assert_shown(ENTITY_PROCESS, "wait", &process, 0, "4.82s");
	assert_shown(ENTITY_PROCESS, "idle", &process, two, "32.0");
	assert_shown(ENTITY_LOCK, "id", &lock, two, "812:0x7f0011223344");
	assert_shown(ENTITY_LOCK, "address", &lock, two, "0x7f0011223344");
	assert_shown(ENTITY_LOCK, "kind", &lock, two, "rwlock-write");
	assert_shown(ENTITY_LOCK, "class", &lock, two, "contention");
	assert_shown(ENTITY_LOCK, "lock", &lock, two, "table_lock");
	assert_shown(ENTITY_LOCK, "lock", &unnamed, two, "0x7f0000000010");
	assert_shown(ENTITY_LOCK, "sleeps", &lock, two, "1.5");
	assert_shown(ENTITY_LOCK, "wait", &lock, two, "0.03");
	assert_shown(ENTITY_LOCK, "p50", &lock, two, "1.2us");
	assert_shown(ENTITY_LOCK, "p99", &lock, two, "34ms");
	assert_shown(ENTITY_LOCK, "where", &lock, two, "table_insert");
}

/* What is not known is null and ?; what does not apply is null and -; never a zero. */
static void test_unknown(void **state)
{
	static const char *const none[] = { "p50_ns", "p99_ns" };
	static const char *const no_text[] = { "name", "name_from", "where", "comm" };
	const struct process ended = { .threads = -1 };
	const struct thread runs = { .waiting_ns = 77 };

	(void)state;
	for (int e = 0; e < ENTITY_COUNT; e++) {
		for (const struct field *f = fields__of(e); f->key; f++) {
			if (!(f->flags & FIELD_EXACT))
				continue;
			assert_false(
				f->get(e == ENTITY_LOCK ? (void *)&lock : (void *)&ended).known);
			assert_shown(e, f->key, e == ENTITY_LOCK ? (void *)&lock : (void *)&ended,
				     1, "?");
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		assert_false(fields__find(ENTITY_LOCK, none[i])->get(&unnamed).known);
		assert_shown(ENTITY_LOCK, none[i], &unnamed, 1, "-");
	}
	for (size_t i = 0; i < ARRAY_SIZE(no_text); i++)
		assert_shown(ENTITY_LOCK, no_text[i], &unnamed, 1, "?");
	assert_shown(ENTITY_PROCESS, "threads", &ended, 1, "?");
	assert_shown(ENTITY_PROCESS, "user", &ended, 1, "?");
	assert_false(fields__find(ENTITY_THREAD, "waiting_for")->get(&runs).known);
	assert_shown(ENTITY_THREAD, "waiting_for", &runs, 1, "-");
	assert_shown(ENTITY_THREAD, "lock", &runs, 1, "-");
	assert_shown(ENTITY_THREAD, "waiting_ns", &runs, 1, "0");
}

/* A column that few rows have is none while no row has it; Python's names are the owners' too. */
static void test_rare(void **state)
{
	static const struct process native = { .pid = 1 },
				    python = { .pid = 2, .runtime = "CPython 3.11" };
	const void *rows[] = { &native, &python };
	const struct field *runtime = fields__find(ENTITY_PROCESS, "runtime");
	static const struct python_row row = { .name = "ThreadPoolExecutor-0_12", .daemon = -1 };
	static const struct thread thread = { .tid = 7, .comm = "python3", .python = &row };
	static struct owner owner = { &thread, PROOF_PYTHON, 5 };
	const struct lock held = { .owner = &owner };

	(void)state;
	assert_false(field__is_known(runtime, rows, 0));
	assert_false(field__is_known(runtime, rows, 1));
	assert_true(field__is_known(runtime, rows, 2));
	assert_true(field__is_known(fields__find(ENTITY_PROCESS, "user"), rows, 1));
	assert_shown(ENTITY_PROCESS, "runtime", &native, 1, "-");
	assert_shown(ENTITY_LOCK, "owner", &held, 1, "ThreadPoolExecutor-0_12 7");
	assert_shown(ENTITY_THREAD, "label", &thread, 1, "ThreadPoolExecutor-0_12");
	assert_shown(ENTITY_THREAD, "comm", &thread, 1, "python3");
	assert_shown(ENTITY_THREAD, "daemon", &thread, 1, "-");
}

/* Who holds a lock in a few words: proved, inferred, ended, readers, nobody. */
static void test_owner(void **state)
{
	static const struct thread thread = { .pid = 812,
					      .tid = 4194303,
					      .comm = "a\tworker name" };
	static const struct thread nameless = { .pid = 812, .tid = 9 };
	static const struct thread long_name = {
		.tid = 7, .comm = "0123456789012345678901234567890123456789"
	};
	static struct owner proved = { &thread, PROOF_LOCK_WORD, 5 };
	static struct owner inferred = { &nameless, PROOF_LAST_WAKER, 0 };
	static struct owner named = { &long_name, PROOF_EXACT, 0 };
	const struct field *tid = fields__find(ENTITY_LOCK, "owner_tid");
	struct lock l = { .readers = -1, .owner = &proved };

	(void)state;
	assert_shown(ENTITY_LOCK, "owner", &l, 1, "a?worker name 4194303");
	assert_shown(ENTITY_LOCK, "owner_proof", &l, 1, "lock-word");
	assert_int_equal(tid->get(&l).number, 4194303);
	l.owner = &inferred;
	assert_shown(ENTITY_LOCK, "owner", &l, 1, "? 9?");
	assert_shown(ENTITY_LOCK, "owner_proof", &l, 1, "last-waker");
	l.owner = &named;
	assert_shown(ENTITY_LOCK, "owner", &l, 1, "01234567890123456789012345678901 7");
	l.owner_died = 77;
	assert_shown(ENTITY_LOCK, "owner", &l, 1, "died 77");
	l = (struct lock){ .readers = 3 };
	assert_shown(ENTITY_LOCK, "owner", &l, 1, "3 readers");
	l.readers = 1;
	assert_shown(ENTITY_LOCK, "owner", &l, 1, "1 reader");
	for (l.readers = 0; l.readers >= -1; l.readers--) {
		assert_false(fields__find(ENTITY_LOCK, "owner")->get(&l).known);
		assert_shown(ENTITY_LOCK, "owner", &l, 1, "-");
		assert_false(tid->get(&l).known);
		assert_false(fields__find(ENTITY_LOCK, "owner_proof")->get(&l).known);
		assert_false(fields__find(ENTITY_LOCK, "owner_died")->get(&l).known);
		assert_int_equal(fields__find(ENTITY_LOCK, "readers")->get(&l).known, !l.readers);
	}
}

/* The first verdict; flags; what threads do. */
static void test_verdict_state(void **state)
{
	static struct verdict verdicts[] = { { "convoy", NULL, NULL }, { "other", NULL, NULL } };
	struct lock l = { .verdicts = verdicts };
	struct thread t = { .state = STATE_THROTTLED, .syscall = "read" };

	(void)state;
	assert_shown(ENTITY_LOCK, "verdict", &l, 1, "-");
	assert_shown(ENTITY_LOCK, "deadlocked", &l, 1, "no");
	l.n_verdicts = 2;
	assert_shown(ENTITY_LOCK, "verdict", &l, 1, "convoy");
	l.deadlocked = true;
	assert_shown(ENTITY_LOCK, "deadlocked", &l, 1, "yes");
	assert_shown(ENTITY_THREAD, "state", &t, 1, "throttled");
	assert_shown(ENTITY_THREAD, "syscall", &t, 1, "read");
	t = (struct thread){ .state = 99 };
	assert_shown(ENTITY_THREAD, "state", &t, 1, "?");
	assert_shown(ENTITY_THREAD, "syscall", &t, 1, "-");
	t.state = STATE_UNKNOWN;
	assert_false(fields__find(ENTITY_THREAD, "state")->get(&t).known);
}

/* Numbers beyond what a value holds stay the largest; an address keeps all its bits. */
static void test_extremes(void **state)
{
	const struct lock huge = { .wait_ns = UINT64_MAX,
				   .max_ns = UINT64_MAX,
				   .address = UINT64_MAX - 15,
				   .kind = 12345,
				   .class = 9,
				   .id = "no colon" };
	const void *rows[] = { &huge, &lock };

	(void)state;
	assert_int_equal(fields__find(ENTITY_LOCK, "max")->get(&huge).number, INT64_MAX);
	assert_shown(ENTITY_LOCK, "address", &huge, 1, "0xfffffffffffffff0");
	assert_shown(ENTITY_LOCK, "kind", &huge, 1, "?");
	assert_shown(ENTITY_LOCK, "class", &huge, 1, "?");
	assert_shown(ENTITY_LOCK, "lock", &huge, 1, "no colon");
	fields__sort(fields__find(ENTITY_LOCK, "address"), false, rows, ARRAY_SIZE(rows));
	assert_ptr_equal(rows[0], &lock);
}

/* No value, however large, is wider than its column; little room does no harm. */
static void test_fits(void **state)
{
	const struct lock huge = { .sleeps = UINT64_MAX,
				   .wait_ns = UINT64_MAX,
				   .max_ns = UINT64_MAX,
				   .waiting = UINT64_MAX,
				   .exact = true,
				   .acquisitions = UINT64_MAX,
				   .contended = UINT64_MAX,
				   .releases = 1,
				   .hold_known = true,
				   .hold_ns = UINT64_MAX,
				   .max_hold_ns = UINT64_MAX,
				   .owner_changes = UINT64_MAX };
	char buf[64];

	(void)state;
	for (const struct field *f = fields__of(ENTITY_LOCK); f->key; f++) {
		field__format(f, &huge, NSEC_PER_SEC, buf, sizeof(buf));
		if (f->unit != UNIT_TEXT)
			assert_true((int)strlen(buf) <= f->width);
		field__format_scaled(f, &huge, NSEC_PER_SEC, true, buf, sizeof(buf));
		if (f->unit != UNIT_TEXT)
			assert_true((int)strlen(buf) <= f->width + field__is_scaled(f, true));
		for (size_t size = 1; size < 8; size++) {
			char *small = malloc(size);

			field__format_scaled(f, &huge, NSEC_PER_SEC, true, small, size);
			assert_true(strlen(small) < size);
			field__format(f, &lock, NSEC_PER_SEC, small, size);
			assert_true(strlen(small) < size);
			free(small);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_keys),     cmocka_unit_test(test_csv_keys),
		cmocka_unit_test(test_rows),	      cmocka_unit_test(test_widths),
		cmocka_unit_test(test_wide),	      cmocka_unit_test(test_find),
		cmocka_unit_test(test_format),	      cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_rare),	      cmocka_unit_test(test_owner),
		cmocka_unit_test(test_verdict_state), cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
