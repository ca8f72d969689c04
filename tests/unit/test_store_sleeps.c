// SPDX-License-Identifier: GPL-2.0-only
/* Recordings: single sleeps, build ids, and files of the version that had neither. */
#include "store_fixture.h"

#include <sqlite3.h>

#include "../../user/report.h"

#define FRAMES_ID "0123456789abcdef0123456789abcdef01234567"

static struct snapshot *read_one(void)
{
	struct store *s = open_store();
	struct snapshot *read;

	assert_int_equal(store__count(s), 1);
	read = read_store(s, 0);
	store__close(s);
	return read;
}

static struct snapshot *pass(struct snapshot *snapshot)
{
	struct store *s = create(NULL);

	append(s, snapshot);
	store__close(s);
	return read_one();
}

static void assert_same_thread(const struct snapshot *of, const struct thread *a,
			       const struct thread *b, const struct snapshot *expected)
{
	bool row = b >= expected->threads && b < expected->threads + expected->n_threads;

	assert_int_equal(!a, !b);
	if (!a)
		return;
	assert_int_equal(a >= of->threads && a < of->threads + of->n_threads, row);
	if (row)
		assert_int_equal(a - of->threads, b - expected->threads);
	assert_int_equal(a->pid, b->pid);
	assert_int_equal(a->tid, b->tid);
	assert_int_equal(!a->comm, !b->comm);
	if (a->comm)
		assert_string_equal(a->comm, b->comm);
}

static void assert_same_sleeps(const struct snapshot *read, const struct snapshot *expected)
{
	assert_true(read->sleeps_known);
	assert_int_equal(read->sleeps_end_ns, expected->sleeps_end_ns);
	assert_int_equal(read->n_sleeps, expected->n_sleeps);
	for (size_t i = 0; i < read->n_sleeps; i++) {
		const struct sleep *a = &read->sleeps[i], *b = &expected->sleeps[i];

		assert_same_thread(read, a->thread, b->thread, expected);
		assert_same_thread(read, a->waker, b->waker, expected);
		assert_int_equal(a->lock - read->locks, b->lock - expected->locks);
		assert_int_equal(a->start_ns, b->start_ns);
		assert_int_equal(a->woken_ns, b->woken_ns);
		assert_int_equal(a->end_ns, b->end_ns);
		assert_int_equal(a->ended, b->ended);
		assert_int_equal(a->earlier, b->earlier);
		assert_int_equal(a->resumed, b->resumed);
		assert_int_equal(a->inferred, b->inferred);
	}
}

/* Every member of every sleep; threads that only woke others are none of the interval's list. */
static void test_sleeps(void **state)
{
	struct snapshot *expected = store_fixture__full(), *read = pass(store_fixture__full());

	(void)state;
	assert_int_equal(read->n_threads, expected->n_threads);
	assert_same_sleeps(read, expected);
	assert_ptr_equal(read->sleeps[2].waker, read->sleeps[3].thread); /* one row, not two */
	snapshot__free(expected);
	snapshot__free(read);
}

/* No sleep ended, or none was kept: these are two things. */
static void test_none(void **state)
{
	struct snapshot *s = plain(), *read;

	(void)state;
	s->sleeps_known = true;
	s->sleeps_end_ns = 5;
	read = pass(s);
	assert_true(read->sleeps_known);
	assert_int_equal(read->n_sleeps, 0);
	assert_int_equal(read->sleeps_end_ns, 5);
	snapshot__free(read);
	unlink(path);
	read = pass(plain());
	assert_false(read->sleeps_known);
	assert_int_equal(read->n_sleeps, 0);
	assert_int_equal(read->sleeps_end_ns, 0);
	snapshot__free(read);
}

/* Frames that differ in the build only are two, in one stack of one interval too. */
static void test_build_ids(void **state)
{
	struct snapshot *s = plain(), *read;
	struct site *from = &s->locks[0].sites[0], *sites = snapshot__alloc(s, 2, sizeof(*sites));

	(void)state;
	for (int i = 0; i < 2; i++) {
		sites[i] = *from;
		sites[i].frames = snapshot__alloc(s, from->n_frames, sizeof(*from->frames));
		memcpy(sites[i].frames, from->frames, from->n_frames * sizeof(*from->frames));
	}
	sites[0].frames[0].build_id = NULL;
	sites[1].frames[0].build_id = FRAMES_ID;
	s->locks[0].sites = sites;
	s->locks[0].n_sites = 2;
	read = pass(s);
	assert_null(read->locks[0].sites[0].frames[0].build_id);
	assert_string_equal(read->locks[0].sites[1].frames[0].build_id, FRAMES_ID);
	snapshot__free(read);
}

static void assert_answer(const char *sql, const char *expected)
{
	sqlite3_stmt *statement;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL))
		fail_msg("%s", sqlite3_errmsg(db));
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	assert_string_equal(sqlite3_column_text(statement, 0), expected);
	sqlite3_finalize(statement);
	sqlite3_close(db);
}

/* The view has names in place of numbers, and times that nobody has to reckon. */
static void test_view(void **state)
{
	struct store *s = create(NULL);

	(void)state;
	append(s, store_fixture__full());
	store__close(s);
	assert_answer("SELECT concat FROM (SELECT lock_id || ' ' || lock_name || ' ' || kind || ' '"
		      " || class || ' ' || pid || ' ' || tid || ' ' || comm || ' ' || waker_pid ||"
		      " ' ' || waker_tid || ' ' || waker_comm || ' ' || ended || ' ' || wait_ns ||"
		      " ' ' || blocked_ns || ' ' || delay_ns || ' ' || inferred AS concat"
		      " FROM sleeps WHERE sleep = 3)",
		      "4242:0x7f10a4000c80 pool_worker cond idle 4242 4245 dbserver 977 5123 waker "
		      "timeout 6000002 5000002 1000000 1");
	assert_answer("SELECT at FROM sleeps WHERE sleep = 3", "2023-11-14T22:13:28.002Z");
	assert_answer("SELECT count(*) FROM sleeps WHERE waker IS NULL", "9");
	assert_answer("SELECT count(*) FROM frames WHERE build_id = '" FRAMES_ID "'", "1");
}

/* What several intervals make together has no single sleeps; one alone has its own. */
static void test_sum(void **state)
{
	struct store *s = create(NULL);
	struct snapshot *sum;
	char error[STORE_ERROR];

	(void)state;
	append(s, store_fixture__full());
	append(s, store_fixture__full());
	store__close(s);
	s = open_store();
	assert_int_equal(store__count(s), 2);
	assert_int_equal(report__read(s, 0, 1, &sum, error), 0);
	assert_false(sum->sleeps_known);
	assert_int_equal(sum->n_sleeps, 0);
	assert_null(sum->sleeps);
	assert_int_equal(sum->sleeps_end_ns, 0);
	snapshot__free(sum);
	assert_int_equal(report__read(s, 1, 1, &sum, error), 0);
	assert_true(sum->sleeps_known);
	snapshot__free(sum);
	store__close(s);
}

/* A bounded file stays below its bound, and what stays is whole. */
static void test_max_size(void **state)
{
	const struct store_limits limits = { .bytes = 2 << 20 };
	struct store *s = create(&limits);
	struct snapshot *expected = NULL, *read;
	size_t left;
	struct stat st;

	(void)state;
	for (unsigned int i = 0; i < 60; i++) {
		snapshot__free(expected);
		expected = plain();
		expected->number = i;
		expected->sleeps_known = true;
		expected->sleeps = snapshot__alloc(expected, 4000, sizeof(*expected->sleeps));
		expected->n_sleeps = 4000;
		for (size_t j = 0; j < expected->n_sleeps; j++)
			expected->sleeps[j] =
				(struct sleep){ .thread = &expected->threads[j % 3],
						.lock = &expected->locks[j % 5],
						.start_ns = STORE_FIXTURE_TIME + i + j,
						.woken_ns = STORE_FIXTURE_TIME + i + j + 3,
						.end_ns = STORE_FIXTURE_TIME + i + j + 4,
						.waker = &expected->threads[j % 4] };
		assert_int_equal(store__append(s, expected, (char[STORE_ERROR]){}), 0);
		assert_int_equal(stat(path, &st), 0);
		assert_in_range(st.st_size, 0, limits.bytes);
	}
	store__close(s);
	s = open_store();
	left = store__count(s);
	assert_in_range(left, 3, 59);
	read = read_store(s, left - 1);
	assert_int_equal(read->number, 59);
	assert_same_sleeps(read, expected);
	snapshot__free(expected);
	snapshot__free(read);
	store__close(s);
}

static void run_sql(const char *sql)
{
	char *message = NULL;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &message))
		fail_msg("%s", message);
	sqlite3_close(db);
}

static void make_version_1(void)
{
	char *sql = xcalloc(1, 1 << 18);
	FILE *f = fopen("tests/unit/store_version_1.sql", "r");

	assert_non_null(f);
	assert_in_range(fread(sql, 1, (1 << 18) - 1, f), 10000, (1 << 18) - 2);
	fclose(f);
	run_sql(sql);
	free(sql);
}

/* A file of version 1 is read as it was; what that version did not keep is not known. */
static void test_version_1(void **state)
{
	struct options o = fixture__options();
	char *all = NULL;
	struct store *s;
	size_t size, n;
	FILE *out = open_memstream(&all, &size);

	(void)state;
	make_version_1();
	o.idle = true;
	o.top = 0;
	s = open_store();
	n = store__count(s);
	assert_int_equal(n, 3);
	for (size_t i = 0; i < n; i++) {
		struct snapshot *read = read_store(s, i);
		char *text = export("text", read, &o, true);

		fputs(text, out);
		free(text);
		assert_false(read->sleeps_known);
		assert_int_equal(read->n_sleeps, 0);
		assert_null(read->locks[0].sites[0].frames[0].build_id);
		snapshot__free(read);
	}
	store__close(s);
	fclose(out);
	assert_golden("store_version_1.txt", all);
	free(all);
}

/* Tables of version 1 that are not that version's are not read either. */
static void test_version_1_tables(void **state)
{
	static const char *const changes[] = {
		"PRAGMA user_version = 2",
		"ALTER TABLE frame ADD COLUMN build_id INTEGER",
		"ALTER TABLE string ADD COLUMN bad AS (zeroblob(1000000000))",
		"DROP TABLE owner",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		char error[STORE_ERROR] = "";
		struct store *s;

		make_version_1();
		run_sql(changes[i]);
		assert_int_equal(store__open(path, &s, error), -EBADMSG);
		assert_one_line(error);
		unlink(path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sleeps, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_build_ids, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_view, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sum, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_max_size, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_version_1, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_version_1_tables, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
