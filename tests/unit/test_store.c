// SPDX-License-Identifier: GPL-2.0-only
/* Recordings: what is read is what was appended, and what their limits drop. */
#include "store_fixture.h"

#include "../../user/export.h"
#include "../../user/store_internal.h"

static const char *const formats[] = { "json", "csv", "text", "folded", "dot" };

static void assert_same_export(const struct snapshot *a, const struct snapshot *b)
{
	struct options o = fixture__options();

	o.idle = true;
	o.top = 0;
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		char *expected = export(formats[i], a, &o, true);
		char *got = export(formats[i], b, &o, true);

		assert_string_equal(got, expected);
		free(expected);
		free(got);
	}
}

/* Every fixture, each in its own interval of one file: all formats print the same of both. */
static void test_round_trip(void **state)
{
	struct snapshot *(*const makers[])(
		void) = { plain, owned, hostile, exact, empty, sliced, store_fixture__full };
	struct store *s = create(NULL);
	struct snapshot *read;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(makers); i++)
		append(s, makers[i]());
	store__close(s);
	s = open_store();
	assert_int_equal(store__count(s), ARRAY_SIZE(makers));
	for (size_t i = 0; i < ARRAY_SIZE(makers); i++) {
		struct snapshot *expected = makers[i]();

		read = read_store(s, i);
		assert_same_export(expected, read);
		snapshot__free(expected);
		snapshot__free(read);
	}
	store__close(s);
}

/* A file read and recorded anew is the same: no member is lost that no format prints. */
static void test_every_member(void **state)
{
	struct snapshot *expected = store_fixture__full(), *read;
	struct store *store = create(NULL);
	const struct lock *l;

	(void)state;
	append(store, store_fixture__full());
	store__close(store);
	store = open_store();
	store__count(store);
	read = read_store(store, 0);
	assert_int_equal(read->time.tv_sec, 1700000009);
	assert_int_equal(read->time.tv_nsec, 123456789);
	assert_int_equal(read->number, 9);
	assert_int_equal(read->idle.blocked_ns, 77);
	assert_int_equal(read->idle.delay_ns, 78);
	assert_int_equal(read->processes[0].gen, UINT32_MAX);
	assert_string_equal(read->processes[0].runtime, "CPython 3.11");
	assert_int_equal(read->n_thread_locks, expected->n_thread_locks);
	for (size_t i = 0; i < read->n_thread_locks; i++) {
		const struct thread_lock *a = &read->thread_locks[i];
		const struct thread_lock *b = &expected->thread_locks[i];

		assert_int_equal(a->thread - read->threads, b->thread - expected->threads);
		assert_int_equal(a->lock - read->locks, b->lock - expected->locks);
		assert_int_equal(a->sleeps, b->sleeps);
		assert_int_equal(a->wait_ns, b->wait_ns);
	}
	assert_int_equal(read->n_threads, expected->n_threads);
	l = &read->locks[0];
	assert_int_equal(l->holders[l->n_holders - 1].thread->tid, 4999);
	assert_null(l->holders[l->n_holders - 1].thread->comm);
	assert_string_equal(l->id, "4242:0x55d0c0a81040");
	assert_int_equal(l->looks.n, 10);
	assert_int_equal(l->looks.owned, 9);
	assert_int_equal(l->looks.readers, 2);
	assert_int_equal(l->looks.reader_changes, 3);
	assert_int_equal(l->looks.state[STATE_SLEEPING], 7);
	assert_string_equal(l->looks.syscall, "fsync");
	assert_int_equal(l->looks.syscalls, 6);
	assert_int_equal(l->overtaken, 41);
	assert_int_equal(l->processes, 2);
	assert_int_equal(l->signals, 31);
	assert_int_equal(l->hist[0], 5);
	assert_int_equal(l->hist[HIST_BUCKETS - 1], UINT32_MAX);
	assert_true(l->switches_known);
	assert_int_equal(l->switches, 400);
	assert_int_equal(l->forced_switches, 12);
	assert_int_equal(l->python->n_missing, 2);
	assert_ptr_equal(l->python->missing[1], &read->threads[5]);
	assert_int_equal(l->python->recursion, 4);
	assert_int_equal(l->python->capacity, -1);
	assert_string_equal(read->threads[2].python->name, "worker-2");
	assert_int_equal(read->threads[2].python->daemon, 1);
	assert_int_equal(read->threads[2].python->gil, THREAD_GIL_WANTS);
	assert_null(read->threads[3].python->name);
	assert_int_equal(read->threads[3].python->daemon, -1);
	assert_non_null(read->threads[4].frames);
	assert_int_equal(read->threads[4].n_frames, 0);
	assert_null(read->threads[5].frames);
	assert_int_equal(read->losses[LOSS_COUNT - 1], 7);
	snapshot__free(expected);
	snapshot__free(read);
	store__close(store);
}

static void cover(bool *bytes, size_t at, size_t size)
{
	memset(bytes + at, true, size);
}

static size_t size_of(const struct store_column *c)
{
	switch (c->type) {
	case TYPE_U32:
	case TYPE_INT:
	case TYPE_ENUM:
		return 4;
	case TYPE_BOOL:
		return 1;
	case TYPE_CHARS:
		return 32;
	case TYPE_HIST:
		return sizeof(((struct lock *)0)->hist);
	case TYPE_STATES:
		return sizeof(((struct lock *)0)->looks.state);
	case TYPE_TIME:
		return sizeof(struct timespec);
	default:
		return 8;
	}
}

/* Bytes of a row's struct that no table keeps: padding, and what is said in the test below. */
static size_t uncovered(enum store_table_id id)
{
	static bool bytes[1 << 14];
	size_t size = store_tables[id].row_size, left = 0;

	memset(bytes, false, sizeof(bytes));
	for (int i = 0; i < STORE_TABLES; i++) {
		const struct store_table *t = &store_tables[i];
		bool own = i == (int)id || (t->shape == SHAPE_PART && t->parent == id);

		for (size_t j = 0; own && j < t->n_columns; j++) {
			cover(bytes, t->columns[j].offset, size_of(&t->columns[j]));
			if (t->columns[j].type == TYPE_STACK)
				cover(bytes, t->columns[j].more, sizeof(size_t));
			if (t->columns[j].known)
				cover(bytes, t->columns[j].known, 1);
		}
		if (t->parent != id || i == (int)id)
			continue;
		if (t->shape == SHAPE_ARRAY || t->shape == SHAPE_POINTER)
			cover(bytes, t->array, sizeof(void *));
		if (t->shape == SHAPE_ARRAY)
			cover(bytes, t->count, sizeof(size_t));
	}
	for (size_t i = 0; i < size; i++)
		left += !bytes[i];
	return left;
}

/*
 * A member that is new in the model has a column here, or the recording would lose it: each struct
 * is covered but for its padding.
 */
static void test_all_bytes(void **state)
{
	static const struct {
		enum store_table_id id;
		size_t bytes;
	} rows[] = {
		/* the losses, which have a table of their own; the arena; padding behind bools */
		{ STORE_TABLE_INTERVAL, LOSS_COUNT * 8 + 8 + 7 + 7 + 7 },
		{ STORE_TABLE_PROCESS, 4 + 6 },
		{ STORE_TABLE_LOCK,
		  32 /* its id, made of pid and address */ + 4 + 4 + 7 + 4 + 4 + 7 + 7 + 7 },
		{ STORE_TABLE_THREAD, 3 },
		{ STORE_TABLE_THREAD_LOCK, 0 },
		{ STORE_TABLE_DEADLOCK, 4 },
		{ STORE_TABLE_INVERSION, 4 + 7 },
		{ STORE_TABLE_SLEEP, 1 },
		{ STORE_TABLE_SITE, 4 + 7 },
		{ STORE_TABLE_OWNER, 4 },
		{ STORE_TABLE_HOLDER, 4 },
		{ STORE_TABLE_PYTHON_LOCK, 0 },
		{ STORE_TABLE_ABSENTEE, 0 },
		{ STORE_TABLE_VERDICT, 0 },
		{ STORE_TABLE_PYTHON_THREAD, 0 },
		{ STORE_TABLE_DEADLOCK_THREAD, 0 },
		{ STORE_TABLE_INVERSION_EDGE, 4 + 7 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t left = uncovered(rows[i].id);

		if (left != rows[i].bytes)
			fail_msg("%s: %zu bytes are kept nowhere, not %zu",
				 store_tables[rows[i].id].name, left, rows[i].bytes);
	}
}

/* What jumps and charts ask for; a file that grows while it is read; no interval beyond the end. */
static void test_growing(void **state)
{
	struct store *writer = create(NULL), *reader;
	struct store_interval interval;
	struct snapshot *s = plain();
	char error[STORE_ERROR];

	(void)state;
	reader = open_store();
	assert_int_equal(store__count(reader), 0);
	s->losses[LOSS_LOCKS_FULL] = 3;
	append(writer, s);
	assert_int_equal(store__count(reader), 1);
	append(writer, owned());
	assert_int_equal(store__interval(reader, 1, &interval), -ENOENT);
	assert_int_equal(store__count(reader), 2);
	assert_int_equal(store__interval(reader, 0, &interval), 0);
	assert_int_equal(interval.time.tv_sec, 1700000001);
	assert_int_equal(interval.time.tv_nsec, 123999999);
	assert_int_equal(interval.interval_ns, NSEC_PER_SEC);
	assert_int_equal(interval.wait_ns, 3058 * MS);
	assert_int_equal(interval.losses, 3);
	assert_int_equal(store__read(reader, 2, &s, error), -ENOENT);
	store__close(reader);
	store__close(writer);
}

static struct snapshot *numbered(uint64_t number)
{
	struct snapshot *s = fixture__new(number);
	struct frame *frames;

	/* names that no other interval has */
	for (size_t i = 0; i < s->n_locks; i++) {
		char name[200];

		snprintf(name, sizeof(name), "%0150u_%zu", (unsigned int)number, i);
		s->locks[i].name = snapshot__string(s, name);
	}
	frames = s->locks[0].sites[0].frames;
	frames[0].line = (int)number;
	return s;
}

static int64_t ask(const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *statement;
	int64_t n;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	n = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return n;
}

/* --max-size: the file never passes it; what stays is the newest, whole, and its words only. */
static void test_max_size(void **state)
{
	const struct store_limits limits = { .bytes = 1 << 20 };
	struct store *s = create(&limits);
	uint64_t n = 600;
	struct stat st;
	size_t left;

	(void)state;
	for (uint64_t i = 1; i <= n; i++) {
		append(s, numbered(i));
		assert_int_equal(stat(path, &st), 0);
		assert_in_range(st.st_size, 0, limits.bytes);
	}
	store__close(s);
	assert_int_equal(stat(path, &st), 0);
	assert_in_range(st.st_size, limits.bytes / 2, limits.bytes);
	s = open_store();
	left = store__count(s);
	assert_in_range(left, 20, n / 2);
	for (size_t i = 0; i < left; i++) {
		struct snapshot *expected = numbered(n - left + 1 + i), *read = read_store(s, i);

		assert_same_export(expected, read);
		snapshot__free(expected);
		snapshot__free(read);
	}
	store__close(s);
	/* words of intervals that are gone went with their chapter */
	assert_in_range(ask("SELECT count(*) FROM string"), 7 * left, 10 * left + 200);
	assert_in_range(ask("SELECT count(*) FROM chapter"), 2, 30);
	assert_int_equal(ask("SELECT count(DISTINCT interval) FROM locks"), left);
}

/* --keep: what is older goes; a limit of time alone does not bound the size. */
static void test_keep(void **state)
{
	const struct store_limits limits = { .keep_ns = 10 * NSEC_PER_SEC };
	struct store *s = create(&limits);
	struct snapshot *read;

	(void)state;
	for (uint64_t i = 1; i <= 50; i++)
		append(s, numbered(i));
	store__close(s);
	s = open_store();
	assert_int_equal(store__count(s), 11);
	read = read_store(s, 0);
	assert_int_equal(read->number, 40);
	snapshot__free(read);
	store__close(s);
	assert_in_range(ask("SELECT count(*) FROM string"), 7 * 11, 7 * 25 + 50);
}

/* An interval that made room for others while a reader looked elsewhere: said so, no damage. */
static void test_gone(void **state)
{
	const struct store_limits limits = { .keep_ns = 2 * NSEC_PER_SEC };
	struct store *writer = create(&limits), *reader;
	struct snapshot *read;
	char error[STORE_ERROR];

	(void)state;
	append(writer, numbered(1));
	reader = open_store();
	assert_int_equal(store__count(reader), 1);
	for (uint64_t i = 2; i <= 9; i++)
		append(writer, numbered(i));
	assert_int_equal(store__read(reader, 0, &read, error), -ENOENT);
	assert_non_null(strstr(error, "no longer"));
	assert_int_equal(store__count(reader), 4); /* numbers of intervals stay as they are */
	read = read_store(reader, 3);
	assert_int_equal(read->number, 9);
	snapshot__free(read);
	store__close(reader);
	store__close(writer);
}

/* A file that is there stays as it is; one without an interval does not stay; only root's eyes. */
static void test_create(void **state)
{
	const struct store_limits none = {};
	struct store *s = create(NULL), *other;
	char error[STORE_ERROR];
	struct stat st;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(store__create(path, &none, &other, error), -EEXIST);
	assert_one_line(error);
	store__close(s);
	assert_int_equal(stat(path, &st), -1);
	assert_int_equal(store__create("/no/such/directory/file", &none, &other, error), -ENOENT);
	assert_one_line(error);
	assert_int_equal(store__create("", &none, &other, error), -ENOENT);
	/* closed well, it is one file */
	s = create(NULL);
	append(s, plain());
	store__close(s);
	assert_int_equal(ask("SELECT count(*) FROM locks"), 7);
	snprintf(error, sizeof(error), "%s-wal", path);
	assert_int_equal(stat(error, &st), -1);
}

/* Histograms as JSON, and text that is none. */
static void test_histogram(void **state)
{
	static const char *const bad[] = {
		"",
		"{",
		"{}",
		"{\"320\":}",
		"{\"320\":1",
		"{320:1}",
		"{\"321\":1}",
		"{\"320\":-1}",
		"{\"320\":4294967296}",
		"{\"320\":1}x",
		"{\"384\":1,\"320\":1}",
		"{\"320\":1,}",
		"{\"99999999999999999999999\":1}",
	};
	uint32_t hist[HIST_BUCKETS] = { [0] = 1, [5] = 20, [127] = UINT32_MAX }, got[HIST_BUCKETS];
	char json[STORE_HIST];
	size_t size = store_hist__format(json, hist);

	(void)state;
	memset(got, 0, sizeof(got));
	assert_true(store_hist__parse(json, size, got));
	assert_memory_equal(got, hist, sizeof(hist));
	for (int i = 0; i < HIST_BUCKETS; i++)
		hist[i] = UINT32_MAX;
	assert_in_range(store_hist__format(json, hist), HIST_BUCKETS, STORE_HIST);
	memset(hist, 0, sizeof(hist));
	assert_int_equal(store_hist__format(json, hist), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (store_hist__parse(bad[i], strlen(bad[i]), got))
			fail_msg("%s", bad[i]);
}

/* The tables are part of the format: whoever changes them raises STORE_VERSION. */
static void test_schema(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	fprintf(out, "-- version %d\n", STORE_VERSION);
	for (const struct store_statement *o = store_others; o->name; o++)
		if (store_schema__has(o, STORE_VERSION))
			fprintf(out, "%s;\n", o->sql);
	for (int i = 0; i < STORE_TABLES; i++) {
		char *table = store_schema__table(i, STORE_VERSION), *view = store_schema__view(i);

		fprintf(out, "%s;\n%s;\n", table, view);
		free(table);
		free(view);
	}
	fclose(out);
	assert_golden("store_schema.sql", text);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_every_member, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_growing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_max_size, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_keep, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_gone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_create, set_up, tear_down),
		cmocka_unit_test(test_all_bytes),
		cmocka_unit_test(test_histogram),
		cmocka_unit_test(test_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
