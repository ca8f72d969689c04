// SPDX-License-Identifier: GPL-2.0-only
/* Files that are no recordings, of other versions, cut, overwritten: one clear line, no crash. */
#include "store_fixture.h"

#include <fcntl.h>
#include <sqlite3.h>

/* Opens and reads all that can be read; a refusal must be one line. Returns intervals read. */
static size_t read_all(void)
{
	char error[STORE_ERROR] = "";
	struct store *s;
	size_t n, good = 0;

	if (store__open(path, &s, error)) {
		assert_one_line(error);
		return 0;
	}
	n = store__count(s);
	for (size_t i = 0; i < n; i++) {
		struct store_interval interval;
		struct snapshot *read;
		struct options o = fixture__options();

		assert_int_equal(store__interval(s, i, &interval), 0);
		if (store__read(s, i, &read, error)) {
			assert_one_line(error);
			continue;
		}
		o.idle = true;
		o.top = 0;
		for (const struct exporter *e = exporters; e->name; e++)
			if (!strcmp(e->name, "json") || !strcmp(e->name, "text"))
				free(export(e->name, read, &o, true));
		snapshot__free(read);
		good++;
	}
	store__close(s);
	return good;
}

static void make_recording(void)
{
	struct store *s = create(NULL);

	append(s, store_fixture__full());
	append(s, owned());
	append(s, hostile());
	store__close(s);
}

static void change(const char *sql)
{
	char *message = NULL;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &message))
		fail_msg("%s: %s", sql, message);
	sqlite3_close(db);
}

static void refuses(const char *part)
{
	char error[STORE_ERROR] = "";
	struct store *s;

	assert_true(store__open(path, &s, error) < 0);
	assert_one_line(error);
	if (!strstr(error, part))
		fail_msg("%s", error);
}

static void write_file(const void *bytes, size_t size)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, size, f), size);
	fclose(f);
}

static char *read_file(size_t *size)
{
	FILE *f = fopen(path, "r");
	char *bytes = xcalloc(1, 1 << 20);

	assert_non_null(f);
	*size = fread(bytes, 1, 1 << 20, f);
	fclose(f);
	return bytes;
}

/* Other files and other databases. */
static void test_no_recording(void **state)
{
	static const char text[] =
		"this is a text, and longer than a hundred bytes, so that SQLite "
		"takes a look at it: it has a header to read, and this is none.";

	(void)state;
	refuses("No such file");
	write_file("", 0);
	refuses("not a recording");
	write_file(text, sizeof(text));
	refuses("not a recording");
	write_file("SQLite format 3", 16);
	refuses("not a recording");
	unlink(path);
	change("CREATE TABLE t (a)");
	refuses("not a recording");
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	refuses("not a recording");
	unlink(path);
	mkdir(path, 0700);
	refuses("directory");
	rmdir(path);
}

/* What a newer program wrote is said to be so; what none wrote is not guessed at. */
static void test_version(void **state)
{
	(void)state;
	make_recording();
	change("PRAGMA user_version = 3");
	refuses("newer");
	change("PRAGMA user_version = 0");
	refuses("not known");
	change("PRAGMA user_version = -1");
	refuses("not known");
	change("PRAGMA user_version = 1"); /* its frames have a column more than that one's */
	refuses("tables are not");
	change("PRAGMA user_version = 2; DROP TABLE verdict");
	refuses("tables are not");
}

/* A table that is a view, or has other columns or somebody's expressions: nothing of it runs. */
static void test_schema(void **state)
{
	(void)state;
	make_recording();
	change("ALTER TABLE lock RENAME TO old; CREATE VIEW lock AS SELECT * FROM old");
	refuses("tables are not");
	unlink(path);
	make_recording();
	change("ALTER TABLE string ADD COLUMN bad AS (zeroblob(1000000000))");
	refuses("tables are not");
	unlink(path);
	make_recording();
	change("CREATE INDEX i ON lock (kind); CREATE VIEW mine AS SELECT 1"); /* fine */
	assert_int_equal(read_all(), 3);
}

/* Rows of the first interval. */
#define FIRST(number) number " <= (SELECT " number "_last FROM interval WHERE interval = 1)"

/* Values that no recorder writes, each alone: that interval is refused, the others are read. */
static void test_values(void **state)
{
	static const char *const changes[] = {
		"UPDATE lock SET kind = 987654 WHERE " FIRST("lock"),
		"UPDATE lock SET kind = NULL WHERE " FIRST("lock"),
		"UPDATE lock SET pid = 'x' WHERE " FIRST("lock"),
		"UPDATE lock SET pid = 9999999999 WHERE " FIRST("lock"),
		"UPDATE lock SET deadlocked = 2 WHERE " FIRST("lock"),
		"UPDATE lock SET histogram = '{}' WHERE " FIRST("lock"),
		"UPDATE lock SET histogram = 5 WHERE " FIRST("lock"),
		"UPDATE lock SET comm = NULL WHERE " FIRST("lock"),
		"UPDATE lock SET wait_ns = 1.5 WHERE " FIRST("lock"),
		"UPDATE lock SET lock = lock + 1000 WHERE " FIRST("lock") " AND lock = 3",
		"DELETE FROM lock WHERE " FIRST("lock") " AND lock = 3",
		"DELETE FROM lock WHERE " FIRST("lock"),
		"DELETE FROM thread WHERE " FIRST("thread"),
		"UPDATE thread SET waiting_for = 4000 WHERE " FIRST("thread"),
		"UPDATE thread SET waiting_for = -1 WHERE " FIRST("thread"),
		"UPDATE thread SET stack = 4000 WHERE " FIRST("thread"),
		"UPDATE thread SET state = (SELECT string FROM string WHERE text = 'mutex') "
		"WHERE " FIRST("thread"),
		"UPDATE site SET share = 1e300 WHERE " FIRST("site"),
		"UPDATE site SET share = 9e999 WHERE " FIRST("site"),
		"UPDATE site SET lock = 5000 WHERE " FIRST("site"),
		"UPDATE site SET site = site + 7 WHERE " FIRST("site"),
		"UPDATE deadlock_thread SET deadlock = 3 - deadlock " /* 1, 2, 1 */
		"WHERE deadlock_thread IN (2, 3)",
		"UPDATE owner SET thread = NULL WHERE " FIRST("lock"),
		"UPDATE look SET owner_states = '{\"running\":1' WHERE " FIRST("lock"),
		"DELETE FROM deadlock_thread WHERE " FIRST("deadlock_thread"),
		"UPDATE deadlock_thread SET held_by = NULL WHERE " FIRST("deadlock_thread"),
		"UPDATE deadlock_thread SET waits_for = NULL WHERE " FIRST("deadlock_thread"),
		"DELETE FROM inversion_edge WHERE " FIRST("inversion_edge"),
		"DELETE FROM inversion_edge WHERE " FIRST(
			"inversion_edge") " AND inversion_edge > 1",
		"UPDATE inversion_edge SET from_id = (SELECT string FROM string ORDER BY "
		"length(text) DESC) WHERE " FIRST("inversion_edge"),
		"UPDATE absentee SET thread = 100000 WHERE " FIRST("absentee"),
		"UPDATE verdict SET name = NULL WHERE " FIRST("verdict"),
		"UPDATE interval SET version = NULL WHERE interval = 1",
		"UPDATE interval SET time = NULL WHERE interval = 1",
		"UPDATE interval SET host = -5 WHERE interval = 1",
		"UPDATE interval SET lock_first = NULL WHERE interval = 1",
		"UPDATE interval SET lock_first = lock_first + 1 WHERE interval = 1",
		"UPDATE interval SET lock_last = lock_last - 1 WHERE interval = 1",
		"UPDATE interval SET lock_last = lock_first - 2 WHERE interval = 1",
		"UPDATE interval SET lock_last = 9223372036854775807 WHERE interval = 1",
		"UPDATE interval SET lock_first = -9223372036854775807 - 1 WHERE interval = 1",
		"UPDATE interval SET lock_first = 0.5 WHERE interval = 1",
		"UPDATE interval SET lock_first = 0, lock_last = 4000000 WHERE interval = 1",
		"UPDATE interval SET thread_last = thread_first - 1 WHERE interval = 1",
		"UPDATE interval SET deadlock_thread_last = deadlock_thread_first - 1 "
		"WHERE interval = 1",
		"UPDATE interval SET single_sleeps = NULL WHERE interval = 1",
		"UPDATE interval SET single_sleeps = -1 WHERE interval = 1",
		"UPDATE interval SET single_sleeps = 'x' WHERE interval = 1",
		"UPDATE interval SET sleeps_end_ns = 1.5 WHERE interval = 1",
		"DELETE FROM sleep WHERE " FIRST("sleep"),
		"DELETE FROM sleep WHERE " FIRST("sleep") " AND sleep = 3",
		"UPDATE sleep SET sleep = sleep + 1000 WHERE " FIRST("sleep") " AND sleep = 8",
		"UPDATE sleep SET thread = NULL WHERE " FIRST("sleep"),
		"UPDATE sleep SET thread = -1 WHERE " FIRST("sleep"),
		"UPDATE sleep SET waker = 100000 WHERE " FIRST("sleep"),
		"UPDATE sleep SET lock = 4000 WHERE " FIRST("sleep"),
		"UPDATE sleep SET lock = NULL WHERE " FIRST("sleep"),
		"UPDATE sleep SET ended = NULL WHERE " FIRST("sleep"),
		"UPDATE sleep SET ended = (SELECT string FROM string WHERE text = 'mutex') "
		"WHERE " FIRST("sleep"),
		"UPDATE sleep SET resumed = 2 WHERE " FIRST("sleep"),
		"UPDATE sleep SET end_ns = end_ns + 1000000000 WHERE " FIRST(
			"sleep") " AND sleep = 4",
		"UPDATE sleep SET woken_ns = start_ns - 1 WHERE " FIRST("sleep") " AND sleep = 1",
		"UPDATE sleep SET woken_ns = end_ns + 1 WHERE " FIRST("sleep") " AND sleep = 1",
		"UPDATE sleep SET woken_ns = NULL WHERE " FIRST("sleep"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		size_t left;

		make_recording();
		change(changes[i]);
		left = read_all();
		if (left != 2)
			fail_msg("%s: %zu intervals are read", changes[i], left);
		unlink(path);
	}
}

/* Words that all intervals share: no interval is read that needs them. */
static void test_words(void **state)
{
	(void)state;
	make_recording();
	change("UPDATE string SET text = CAST(x'41004200' AS TEXT) WHERE text = 'mutex'");
	assert_int_equal(read_all(), 0);
	unlink(path);
	make_recording();
	change("UPDATE string SET text = zeroblob(5000000)");
	assert_int_equal(read_all(), 0);
	unlink(path);
	make_recording();
	change("DELETE FROM frame");
	assert_in_range(read_all(), 0, 1);
	unlink(path);
	make_recording();
	change("UPDATE frame SET build_id = -5");
	assert_in_range(read_all(), 0, 1);
	unlink(path);
	make_recording();
	change("UPDATE stack SET depth = depth + 100");
	assert_in_range(read_all(), 0, 1);
}

/* Cut at every page and in between. */
static void test_truncated(void **state)
{
	size_t size;
	char *bytes;

	(void)state;
	make_recording();
	bytes = read_file(&size);
	for (size_t n = 0; n < size; n += 1777) {
		write_file(bytes, n);
		read_all();
	}
	free(bytes);
}

/* Bytes overwritten at random places, a few and many: the seeds are fixed, so are the files. */
static void test_overwritten(void **state)
{
	size_t size;
	char *bytes, *copy;

	(void)state;
	make_recording();
	bytes = read_file(&size);
	copy = xcalloc(1, size);
	for (unsigned int seed = 1; seed <= 300; seed++) {
		unsigned int random = seed, n = seed % 3 ? 1 + seed % 20 : 200;

		memcpy(copy, bytes, size);
		for (unsigned int i = 0; i < n; i++)
			copy[rand_r(&random) % size] = rand_r(&random);
		if (seed % 5 == 0) { /* a run of one value */
			size_t at = rand_r(&random) % (size - 4096);

			memset(copy + at, seed % 10 ? 0xff : 0, 3000);
		}
		write_file(copy, size);
		read_all();
	}
	free(copy);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_no_recording, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_version, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_schema, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_values, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_words, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_truncated, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_overwritten, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
