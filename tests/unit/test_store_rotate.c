// SPDX-License-Identifier: GPL-2.0-only
/* Recordings that rotate: large intervals, and what numbers and questions make of it. */
#include "store_fixture.h"

#include <sqlite3.h>

#define LIMIT	   (1 << 20)
#define TEXT_BYTES 60000

/* Its locks have so many names of 60 kB that no other interval has. */
static struct snapshot *large(uint64_t number, size_t names)
{
	struct snapshot *s = fixture__new(number);

	for (size_t i = 0; i < names; i++) {
		_cleanup_(util__freep) char *name =
			xasprintf("%0*d", TEXT_BYTES, (int)(number + i));
		const char **where[] = { &s->locks[i / 2].name, &s->locks[i / 2].name_from };

		assert_in_range(i / 2, 0, s->n_locks - 1);
		*where[i % 2] = snapshot__string(s, name);
	}
	return s;
}

static void assert_bounded(void)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_in_range(st.st_size, 0, LIMIT);
}

/* A bounded file that rotates, its newest interval's number. */
static struct store *rotating(uint64_t last)
{
	const struct store_limits limits = { .bytes = LIMIT };
	struct store *s = create(&limits);

	for (uint64_t i = 1; i <= last; i++)
		append(s, large(1000 * i, i % 3));
	assert_bounded();
	return s;
}

/* It finds room at the cost of old ones, those after it too, and none is damaged. */
static void test_burst(void **state)
{
	struct store *s = rotating(100);
	size_t left;

	(void)state;
	append(s, large(200000, 12)); /* 720 kB */
	assert_bounded();
	for (uint64_t i = 0; i < 3; i++) {
		append(s, large(300000 + i, 1));
		assert_bounded();
	}
	append(s, large(400000, 12)); /* no room for both */
	store__close(s);
	assert_bounded();
	s = open_store();
	left = store__count(s);
	assert_in_range(left, 1, 4);
	for (size_t i = 0; i < left; i++) {
		struct snapshot *read = read_store(s, i);

		assert_int_equal(read->number, i == left - 1 ? 400000 : 300003 - left + 1 + i);
		if (i == left - 1)
			for (size_t j = 0; j < 6; j++)
				assert_int_equal(strlen(read->locks[j].name), TEXT_BYTES);
		snapshot__free(read);
	}
	store__close(s);
}

/* One that is larger than the file may become is refused; nothing that was there goes for it. */
static void test_too_large(void **state)
{
	struct snapshot *s = fixture__new(7), *read;
	struct store *store = rotating(50);
	char error[STORE_ERROR];
	size_t before;

	(void)state;
	for (size_t i = 0; i < s->n_threads; i++) {
		_cleanup_(util__freep) char *name = xasprintf("%0*d", TEXT_BYTES, (int)i);
		_cleanup_(util__freep) char *other = xasprintf("-%0*d", TEXT_BYTES, (int)i);

		s->threads[i].comm = snapshot__string(s, name);
		s->threads[i].process_comm = snapshot__string(s, other);
	}
	assert_in_range(s->n_threads * 2 * TEXT_BYTES, LIMIT, 100 * LIMIT);
	assert_int_equal(store__append(store, s, error), -EFBIG);
	assert_non_null(strstr(error, "--max-size"));
	snapshot__free(s);
	store__close(store);
	assert_bounded();
	store = open_store();
	before = store__count(store);
	assert_in_range(before, 2, 50);
	for (size_t i = 0; i < before; i++) {
		read = read_store(store, i);
		assert_int_equal(read->number, 1000 * (50 - before + 1 + i));
		snapshot__free(read);
	}
	store__close(store);
}

static int64_t ask(const char *sql)
{
	sqlite3_stmt *statement;
	sqlite3 *db;
	int64_t n;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	n = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return n;
}

static void append_at(struct store *store, struct snapshot *s, time_t second)
{
	s->time = (struct timespec){ .tv_sec = second };
	append(store, s);
}

/* Where a table has become empty, its numbers go on: what is written next is read as it was. */
static void test_numbers(void **state)
{
	const struct store_limits limits = { .keep_ns = 3 * NSEC_PER_SEC };
	struct store *store = create(&limits);
	struct snapshot *full = store_fixture__full(), *read;
	size_t deadlocks = full->n_deadlocks, sleeps = full->n_sleeps;
	int64_t last;

	(void)state;
	assert_true(deadlocks && sleeps);
	append_at(store, full, 1000);
	last = ask("SELECT max(deadlock_thread) FROM deadlock_threads");
	assert_in_range(last, deadlocks, 1000);
	for (int i = 1; i < 10; i++)
		append_at(store, fixture__new(i), 1000 + i);
	assert_int_equal(ask("SELECT count(*) FROM deadlock_thread"), 0);
	assert_int_equal(ask("SELECT count(*) FROM sleep"), 0);
	append_at(store, store_fixture__full(), 1010);
	append_at(store, store_fixture__full(), 1011);
	store__close(store);
	assert_int_equal(ask("SELECT min(deadlock_thread) FROM deadlock_threads"), last + 1);
	assert_int_equal(ask("SELECT min(sleep) FROM sleep"), sleeps + 1);
	store = open_store();
	for (size_t i = store__count(store) - 2; i < store__count(store); i++) {
		read = read_store(store, i);
		assert_int_equal(read->n_deadlocks, deadlocks);
		assert_int_equal(read->n_sleeps, sleeps);
		assert_ptr_equal(read->sleeps[1].waker, &read->threads[0]);
		assert_int_equal(read->sleeps[2].waker->tid, 5123);
		snapshot__free(read);
	}
	store__close(store);
}

/* Who asks for one interval, or one row of it, does not wait for all the others to be read. */
static void test_views(void **state)
{
	static const char *const questions[] = {
		"SELECT * FROM locks WHERE interval = 7",
		"SELECT * FROM owners WHERE interval = 7",
		"SELECT * FROM sites s JOIN locks l USING (interval, lock) WHERE interval = 7",
		"SELECT * FROM threads t JOIN locks l ON l.interval = t.interval AND "
		"l.lock = t.waiting_for WHERE t.interval = 7",
		"SELECT * FROM sleeps WHERE interval = 7",
	};
	struct store *store = create(NULL);
	sqlite3 *db;

	(void)state;
	append(store, store_fixture__full());
	store__close(store);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
		_cleanup_(util__freep) char *sql = xasprintf("EXPLAIN QUERY PLAN %s", questions[i]);
		sqlite3_stmt *plan;

		assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &plan, NULL), SQLITE_OK);
		while (sqlite3_step(plan) == SQLITE_ROW) {
			const char *step = (const char *)sqlite3_column_text(plan, 3);

			if (strstr(step, "SCAN") && !strstr(step, "SCAN CONSTANT"))
				fail_msg("%s: %s", questions[i], step);
		}
		sqlite3_finalize(plan);
	}
	sqlite3_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_burst, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_too_large, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_numbers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_views, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
