// SPDX-License-Identifier: GPL-2.0-only
/* The snapshot as JSON: the names and types that outside checks rely on, and the values. */
#include "export_fixture.h"

#include <jansson.h>

static json_t *parse(const char *text)
{
	json_error_t error;
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	if (!root)
		fail_msg("no JSON: %s at %d", error.text, error.position);
	return root;
}

/* Fields of DESIGN section 5: names, and types as s(tring) i(nteger) r(eal) a(rray) o(bject)
 * n(ull). */
static void assert_fields(json_t *object, const char *const (*fields)[2])
{
	static const char types[] = {
		[JSON_OBJECT] = 'o', [JSON_ARRAY] = 'a', [JSON_STRING] = 's', [JSON_INTEGER] = 'i',
		[JSON_REAL] = 'r',   [JSON_TRUE] = 'b',	 [JSON_FALSE] = 'b',  [JSON_NULL] = 'n'
	};

	for (; (*fields)[0]; fields++) {
		json_t *value = json_object_get(object, (*fields)[0]);

		if (!value)
			fail_msg("%s is missing", (*fields)[0]);
		if (!strchr((*fields)[1], types[json_typeof(value)]))
			fail_msg("%s is of type %c", (*fields)[0], types[json_typeof(value)]);
	}
}

/* clang-format off */
static const char *const top_fields[][2] = {
	{ "schema", "s" }, { "version", "s" }, { "host", "s" }, { "kernel", "s" }, { "time", "s" },
	{ "interval_ns", "i" }, { "tier", "s" }, { "losses", "o" }, { "self", "o" },
	{ "totals", "o" }, { "idle", "o" }, { "processes", "a" }, { "locks", "a" },
	{ "threads", "a" }, { "deadlocks", "a" }, { "inversions", "an" },
	{ "exact_share", "rn" }, {},
};
static const char *const self_fields[][2] = {
	{ "cpu_ns", "i" }, { "rss_bytes", "i" }, { "probe_ns", "in" }, { "probe_runs", "in" }, {},
};
static const char *const totals_fields[][2] = {
	{ "sleeps", "i" }, { "wait_ns", "i" }, { "blocked_ns", "i" }, { "delay_ns", "i" },
	{ "waiting", "i" }, {},
};
static const char *const idle_fields[][2] = {
	{ "sleeps", "i" }, { "wait_ns", "i" }, { "waiting", "i" }, {},
};
static const char *const process_fields[][2] = {
	{ "pid", "i" }, { "comm", "s" }, { "user", "sn" }, { "cgroup", "sn" }, { "runtime", "sn" },
	{ "threads", "in" }, { "sleeps", "i" }, { "wait_ns", "i" }, { "blocked_ns", "i" },
	{ "delay_ns", "i" }, { "waiting", "i" }, { "idle_wait_ns", "i" }, { "futex_calls", "in" },
	{ "futex_again", "in" }, { "futex_wakes", "in" }, { "futex_idle_wakes", "in" }, {},
};
static const char *const lock_fields[][2] = {
	{ "id", "s" }, { "pid", "i" }, { "address", "s" }, { "kind", "s" }, { "class", "s" },
	{ "name", "sn" }, { "name_from", "sn" }, { "sleeps", "i" }, { "wait_ns", "i" },
	{ "blocked_ns", "i" }, { "delay_ns", "i" }, { "max_ns", "i" }, { "p50_ns", "in" },
	{ "p99_ns", "in" }, { "histogram", "a" }, { "timeouts", "i" }, { "waiting", "i" },
	{ "oldest_ns", "i" }, { "owner", "on" }, { "acquisitions", "in" }, { "contended", "in" },
	{ "contention", "rn" }, { "hold_ns", "in" }, { "avg_hold_ns", "in" },
	{ "max_hold_ns", "in" }, { "hold_histogram", "an" }, { "call_wait_ns", "in" },
	{ "avg_wait_ns", "in" }, { "try_failures", "in" }, { "read_acquisitions", "in" },
	{ "read_hold_ns", "in" }, { "owner_changes", "in" }, { "signals", "in" }, { "sites", "a" },
	{ "owner_died", "in" }, { "readers", "in" }, { "impact_ns", "i" }, { "holders", "a" },
	{ "verdicts", "a" }, { "deadlocked", "b" }, {},
};
static const char *const owner_fields[][2] = {
	{ "tid", "i" }, { "pid", "i" }, { "comm", "s" }, { "proof", "s" }, { "inferred", "b" },
	{ "held_ns", "in" }, { "state", "sn" }, { "syscall", "sn" }, { "state_ns", "in" },
	{ "waiting_for", "sn" }, { "frames", "an" }, {},
};
static const char *const holder_fields[][2] = {
	{ "tid", "i" }, { "pid", "i" }, { "comm", "s" }, { "proof", "s" }, { "inferred", "b" },
	{ "samples", "i" }, { "share", "r" }, { "wait_ns", "i" }, {},
};
static const char *const verdict_fields[][2] = {
	{ "name", "s" }, { "evidence", "sn" }, { "advice", "sn" }, {},
};
static const char *const deadlock_fields[][2] = {
	{ "pid", "i" }, { "since_ns", "i" }, { "threads", "a" }, {},
};
static const char *const deadlock_thread_fields[][2] = {
	{ "pid", "i" }, { "tid", "i" }, { "comm", "s" }, { "waits_for", "s" }, { "held_by", "i" },
	{ "frames", "a" }, {},
};
static const char *const inversion_fields[][2] = {
	{ "pid", "i" }, { "comm", "s" }, { "new", "b" }, { "locks", "a" }, { "sites", "a" }, {},
};
static const char *const edge_fields[][2] = {
	{ "from", "s" }, { "to", "s" }, { "from_name", "sn" }, { "to_name", "sn" }, { "tid", "i" },
	{ "count", "i" }, { "truncated", "b" }, { "frames", "a" }, { "from_frame", "on" }, {},
};
static const char *const site_fields[][2] = {
	{ "role", "s" }, { "samples", "i" }, { "share", "r" }, { "wait_ns", "i" },
	{ "frames", "a" }, {},
};
static const char *const frame_fields[][2] = {
	{ "function", "sn" }, { "module", "sn" }, { "offset", "s" }, { "file", "sn" },
	{ "line", "in" }, { "language", "sn" }, {},
};
static const char *const thread_fields[][2] = {
	{ "pid", "i" }, { "tid", "i" }, { "comm", "s" }, { "sleeps", "i" }, { "wait_ns", "i" },
	{ "waiting_for", "sn" }, { "waiting_ns", "i" }, { "state", "sn" }, { "syscall", "sn" }, {},
};
/* clang-format on */

/* The objects of an array, or the object itself; an array that is null has none. */
static void assert_each(json_t *value, const char *const (*fields)[2])
{
	json_t *item;
	size_t i;

	if (json_is_object(value))
		assert_fields(value, fields);
	json_array_foreach(value, i, item) assert_fields(item, fields);
}

static void assert_stacks(json_t *array)
{
	json_t *item;
	size_t i;

	json_array_foreach(array, i, item)
		assert_each(json_object_get(item, "frames"), frame_fields);
}

static void assert_lock(json_t *lock)
{
	json_t *owner = json_object_get(lock, "owner");

	assert_fields(lock, lock_fields);
	assert_each(json_object_get(lock, "sites"), site_fields);
	assert_stacks(json_object_get(lock, "sites"));
	assert_each(owner, owner_fields);
	assert_each(json_object_get(owner, "frames"), frame_fields);
	assert_each(json_object_get(lock, "holders"), holder_fields);
	assert_each(json_object_get(lock, "verdicts"), verdict_fields);
}

static void assert_schema(json_t *root)
{
	json_t *item;
	size_t i;

	assert_fields(root, top_fields);
	assert_fields(json_object_get(root, "self"), self_fields);
	assert_fields(json_object_get(root, "totals"), totals_fields);
	assert_fields(json_object_get(root, "idle"), idle_fields);
	for (int loss = 0; loss < LOSS_COUNT; loss++)
		assert_true(json_is_integer(
			json_object_get(json_object_get(root, "losses"), loss_names[loss])));
	assert_each(json_object_get(root, "processes"), process_fields);
	assert_each(json_object_get(root, "threads"), thread_fields);
	json_array_foreach(json_object_get(root, "locks"), i, item) assert_lock(item);
	json_array_foreach(json_object_get(root, "deadlocks"), i, item)
	{
		assert_fields(item, deadlock_fields);
		assert_each(json_object_get(item, "threads"), deadlock_thread_fields);
		assert_stacks(json_object_get(item, "threads"));
	}
	json_array_foreach(json_object_get(root, "inversions"), i, item)
	{
		assert_fields(item, inversion_fields);
		assert_each(json_object_get(item, "sites"), edge_fields);
		assert_stacks(json_object_get(item, "sites"));
	}
}

/* Every field of the schema in every snapshot, with its type; null where a thing is unknown. */
static void test_json_schema(void **state)
{
	struct snapshot *(*const makes[])(void) = { plain, owned, exact, sliced, hostile, empty };
	struct options o = fixture__options();

	(void)state;
	o.idle = true;
	for (size_t i = 0; i < ARRAY_SIZE(makes); i++) {
		struct snapshot *s = makes[i]();
		char *text = export("json", s, &o, i == 0);
		json_t *root = parse(text);
		/* One lock of the exact tier was not used in the interval. */
		size_t quiet = makes[i] == exact || makes[i] == sliced;

		assert_schema(root);
		assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
		assert_int_equal(json_array_size(json_object_get(root, "locks")),
				 s->n_locks - quiet);
		assert_int_equal(json_array_size(json_object_get(root, "threads")), s->n_threads);
		assert_int_equal(json_array_size(json_object_get(root, "deadlocks")),
				 s->n_deadlocks);
		json_decref(root);
		free(text);
		snapshot__free(s);
	}
}

static const char *string_of(json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static json_int_t integer_of(json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

/* The values of one snapshot, read back. */
static void test_json_values(void **state)
{
	struct options o = fixture__options();
	struct snapshot *s = plain();
	char *text = export("json", s, &o, true);
	json_t *root = parse(text), *lock, *site, *bucket;

	(void)state;
	assert_string_equal(string_of(root, "schema"), "locktop/1");
	assert_string_equal(string_of(root, "time"), "2023-11-14T22:13:21.123Z");
	assert_string_equal(string_of(root, "tier"), "sleep");
	assert_int_equal(integer_of(json_object_get(root, "self"), "probe_ns"), 7 * MS);
	assert_int_equal(integer_of(json_object_get(root, "idle"), "waiting"), 34);
	lock = json_array_get(json_object_get(root, "locks"), 0);
	assert_string_equal(string_of(lock, "id"), "4242:0x55d0c0a81040");
	assert_string_equal(string_of(lock, "address"), "0x55d0c0a81040");
	assert_string_equal(string_of(lock, "name"), "table_cache_lock");
	assert_int_equal(integer_of(lock, "wait_ns"), 2310 * MS);
	bucket = json_array_get(json_object_get(lock, "histogram"), 0);
	assert_int_equal(integer_of(bucket, "le_ns"), hist__edge(61));
	assert_int_equal(integer_of(bucket, "count"), 84210);
	site = json_array_get(json_object_get(lock, "sites"), 0);
	assert_string_equal(string_of(site, "role"), "waiter");
	assert_string_equal(
		string_of(json_array_get(json_object_get(site, "frames"), 1), "function"),
		"open_table");
	json_decref(root);
	free(text);
	snapshot__free(s);
}

/* The lock of this id in a snapshot's json. */
static json_t *lock_with(json_t *root, const char *id)
{
	json_t *lock;
	size_t i;

	json_array_foreach(json_object_get(root, "locks"), i,
			   lock) if (!strcmp(string_of(lock, "id"), id)) return lock;
	fail_msg("%s is missing", id);
	return NULL;
}

static void assert_null_field(json_t *object, const char *key)
{
	assert_true(json_is_null(json_object_get(object, key)));
}

/* Owners: read from the lock, inferred, ended, readers; each with what is known of it. */
static void test_json_owners(void **state)
{
	struct options o = fixture__options();
	struct snapshot *s = owned();
	char *text = export("json", s, &o, true);
	json_t *root = parse(text), *lock, *owner, *verdict;

	(void)state;
	lock = lock_with(root, TABLE_LOCK);
	owner = json_object_get(lock, "owner");
	assert_int_equal(integer_of(owner, "tid"), 4293);
	assert_string_equal(string_of(owner, "proof"), "lock-word");
	assert_true(json_is_false(json_object_get(owner, "inferred")));
	assert_int_equal(integer_of(owner, "held_ns"), 3201 * MS);
	assert_string_equal(string_of(owner, "state"), "waiting");
	assert_string_equal(string_of(owner, "waiting_for"), LOG_LOCK);
	assert_int_equal(json_array_size(json_object_get(owner, "frames")), 4);
	assert_int_equal(json_array_size(json_object_get(lock, "holders")), 2);
	assert_int_equal(integer_of(lock, "impact_ns"), 2950 * MS);
	assert_true(json_is_true(json_object_get(lock, "deadlocked")));
	lock = lock_with(root, SLOTS);
	owner = json_object_get(lock, "owner");
	assert_string_equal(string_of(owner, "proof"), "last-waker");
	assert_true(json_is_true(json_object_get(owner, "inferred")));
	assert_string_equal(string_of(owner, "syscall"), "read");
	assert_int_equal(integer_of(owner, "state_ns"), 1200 * MS);
	assert_null_field(owner, "held_ns");
	assert_null_field(owner, "waiting_for");
	verdict = json_array_get(json_object_get(lock, "verdicts"), 0);
	assert_string_equal(string_of(verdict, "name"), "owner in I/O (read)");
	lock = lock_with(root, ARENA);
	assert_null_field(lock, "owner");
	assert_int_equal(integer_of(lock, "owner_died"), 1179);
	assert_null_field(lock, "readers");
	lock = lock_with(root, CONFIG_LOCK);
	assert_null_field(lock, "owner");
	assert_null_field(lock, "owner_died");
	assert_int_equal(integer_of(lock, "readers"), 3);
	json_decref(root);
	free(text);
	snapshot__free(s);
}

/* A cycle of two and one of one; an owner without a stack or a known state says null. */
static void test_json_deadlocks(void **state)
{
	struct options o = fixture__options();
	struct snapshot *s = owned();
	char *text = export("json", s, &o, true);
	json_t *root = parse(text), *deadlock, *thread, *owner;

	(void)state;
	assert_int_equal(json_array_size(json_object_get(root, "deadlocks")), 2);
	deadlock = json_array_get(json_object_get(root, "deadlocks"), 0);
	assert_int_equal(integer_of(deadlock, "pid"), 4242);
	assert_int_equal(integer_of(deadlock, "since_ns"), 3200 * MS);
	assert_int_equal(json_array_size(json_object_get(deadlock, "threads")), 2);
	thread = json_array_get(json_object_get(deadlock, "threads"), 1);
	assert_int_equal(integer_of(thread, "tid"), 4293);
	assert_int_equal(integer_of(thread, "held_by"), 4243);
	assert_string_equal(string_of(thread, "waits_for"), LOG_LOCK);
	assert_int_equal(json_array_size(json_object_get(thread, "frames")), 4);
	deadlock = json_array_get(json_object_get(root, "deadlocks"), 1);
	thread = json_array_get(json_object_get(deadlock, "threads"), 0);
	assert_int_equal(json_array_size(json_object_get(deadlock, "threads")), 1);
	assert_int_equal(integer_of(thread, "tid"), integer_of(thread, "held_by"));
	assert_int_equal(json_array_size(json_object_get(thread, "frames")), 0);
	json_decref(root);
	free(text);
	thread_of(s, 31638)->state = STATE_UNKNOWN;
	text = export("json", s, &o, true);
	root = parse(text);
	owner = json_object_get(lock_with(root, SESSION_LOCK), "owner");
	assert_null_field(owner, "state");
	assert_null_field(owner, "frames");
	json_decref(root);
	free(text);
	snapshot__free(s);
}

/* What is not known is null; what is too large for the format stays the largest, never negative. */
static void test_json_edges(void **state)
{
	struct options o = fixture__options();
	struct snapshot *s = fixture__empty(1);
	json_t *root, *lock;
	char *text;

	(void)state;
	s->locks[0] = (struct lock){ .id = "1:0x0", .pid = 1, .wait_ns = UINT64_MAX, .sleeps = 1 };
	s->n_locks = 1;
	s->losses[0] = UINT64_MAX;
	text = export("json", s, &o, true);
	root = parse(text);
	lock = json_array_get(json_object_get(root, "locks"), 0);
	assert_true(json_is_null(json_object_get(json_object_get(root, "self"), "probe_ns")));
	assert_true(json_is_null(json_object_get(lock, "name")));
	assert_true(json_is_null(json_object_get(lock, "p50_ns")));
	assert_int_equal(integer_of(lock, "wait_ns"), INT64_MAX);
	assert_int_equal(integer_of(json_object_get(root, "losses"), loss_names[0]), INT64_MAX);
	json_decref(root);
	free(text);
	snapshot__free(s);
}

#define FAST_LOCK "6000:0x601000"

/* Figures of the exact tier; what a kind of lock has not is null, as all of it is without. */
static void test_json_exact(void **state)
{
	struct options o = fixture__options();
	struct snapshot *s = exact();
	char *text = export("json", s, &o, true);
	json_t *root = parse(text), *lock, *bucket;

	(void)state;
	assert_string_equal(string_of(root, "tier"), "exact");
	assert_true(json_real_value(json_object_get(root, "exact_share")) == 1);
	lock = lock_with(root, TABLE_LOCK);
	assert_int_equal(integer_of(lock, "acquisitions"), 912340);
	assert_true((int)(json_real_value(json_object_get(lock, "contention")) * 1000000) == 92301);
	assert_int_equal(integer_of(lock, "avg_hold_ns"), 870 * MS / 912338);
	assert_int_equal(integer_of(lock, "owner_changes"), 411000);
	bucket = json_array_get(json_object_get(lock, "hold_histogram"), 0);
	assert_int_equal(integer_of(bucket, "le_ns"), hist__edge(9));
	assert_int_equal(integer_of(bucket, "count"), s->locks[0].hold_hist[8]);
	lock = lock_with(root, SLOTS);
	assert_int_equal(integer_of(lock, "hold_ns"), 4100 * MS);
	assert_null_field(lock, "max_hold_ns");
	assert_int_equal(json_array_size(json_object_get(lock, "hold_histogram")), 0);
	lock = lock_with(root, FAST_LOCK);
	assert_int_equal(integer_of(lock, "acquisitions"), 7400000);
	assert_int_equal(integer_of(lock, "wait_ns"), 0);
	/* A process whose locks are shown is shown. */
	assert_int_equal(json_array_size(json_object_get(root, "processes")), 4);
	json_decref(root);
	free(text);
	snapshot__free(s);
	s = plain();
	text = export("json", s, &o, true);
	root = parse(text);
	assert_null_field(root, "exact_share");
	assert_null_field(root, "inversions");
	assert_null_field(lock_with(root, TABLE_LOCK), "hold_histogram");
	json_decref(root);
	free(text);
	snapshot__free(s);
}

/* Each step of an inversion with its locks and its stack, and whether it is reported first now. */
static void test_json_inversions(void **state)
{
	struct options o = fixture__options();
	struct snapshot *s = exact();
	char *text = export("json", s, &o, true);
	json_t *root = parse(text), *list = json_object_get(root, "inversions"), *one, *edge;

	(void)state;
	assert_int_equal(json_array_size(list), 2);
	one = json_array_get(list, 0);
	assert_int_equal(integer_of(one, "pid"), 4242);
	assert_true(json_is_true(json_object_get(one, "new")));
	assert_string_equal(json_string_value(json_array_get(json_object_get(one, "locks"), 1)),
			    LOG_LOCK);
	edge = json_array_get(json_object_get(one, "sites"), 0);
	assert_string_equal(string_of(edge, "from"), TABLE_LOCK);
	assert_string_equal(string_of(edge, "to"), LOG_LOCK);
	assert_string_equal(string_of(edge, "from_name"), "table_cache_lock");
	assert_null_field(edge, "to_name");
	assert_int_equal(integer_of(edge, "tid"), 4243);
	assert_int_equal(integer_of(edge, "count"), 120);
	assert_int_equal(json_array_size(json_object_get(edge, "frames")), 3);
	assert_string_equal(string_of(json_object_get(edge, "from_frame"), "function"),
			    "begin_query");
	edge = json_array_get(json_object_get(one, "sites"), 1);
	assert_true(json_is_true(json_object_get(edge, "truncated")));
	assert_null_field(edge, "from_frame");
	one = json_array_get(list, 1);
	assert_true(json_is_false(json_object_get(one, "new")));
	assert_int_equal(json_array_size(json_object_get(one, "sites")), 3);
	json_decref(root);
	free(text);
	snapshot__free(s);
	s = sliced();
	text = export("json", s, &o, true);
	root = parse(text);
	assert_true(json_is_array(json_object_get(root, "inversions")));
	assert_int_equal(json_array_size(json_object_get(root, "inversions")), 0);
	json_decref(root);
	free(text);
	snapshot__free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_schema),	cmocka_unit_test(test_json_values),
		cmocka_unit_test(test_json_owners),	cmocka_unit_test(test_json_deadlocks),
		cmocka_unit_test(test_json_edges),	cmocka_unit_test(test_json_exact),
		cmocka_unit_test(test_json_inversions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
