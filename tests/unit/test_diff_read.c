// SPDX-License-Identifier: GPL-2.0-only
/* Files -> sides: what -f json prints comes back whole, and what is wrong is said in one line. */
#include "diff_fixture.h"

#include <errno.h>
#include <unistd.h>

#include "../../user/diff_read.h"
#include "../../user/store.h"

static int read_text(const char *text, size_t size, struct diff_side **ret, char *error,
		     size_t room)
{
	FILE *file = fmemopen((void *)text, size, "r");
	int err;

	assert_non_null(file);
	*ret = diff_side__new("FILE", false);
	error[0] = 0;
	err = diff_read__json(file, *ret, error, room);
	fclose(file);
	return err;
}

static void assert_same_row(const struct diff_row *row)
{
	for (int f = 0; f < FIGURE_COUNT; f++) {
		const struct diff_value *a = &row->values[DIFF_A][f], *b = &row->values[DIFF_B][f];

		assert_int_equal(a->known, b->known);
		if (a->known)
			assert_close(a->n, b->n);
	}
	assert_int_equal(row->locks[DIFF_A], row->locks[DIFF_B]);
	assert_true(row->change == 0);
}

/* A snapshot, and what was printed of it: the same locks with the same figures. */
static void assert_round_trip(struct snapshot *(*make)(void))
{
	struct diff_side *a = diff_side__new("a", false), *b;
	struct options o = fixture__options();
	struct snapshot *s = make();
	char *text, error[512];
	struct diff *d;

	o.top = 0;
	text = export("json", s, &o, true);
	assert_int_equal(read_text(text, strlen(text), &b, error, sizeof(error)), 0);
	assert_string_equal(error, "");
	assert_int_equal(diff_side__add(a, s), 0);
	d = diff__new(a, b);
	for (size_t i = 0; i < d->n; i++)
		assert_same_row(&d->rows[i]);
	assert_same_row(&d->total);
	assert_int_equal(a->begin.tv_sec, b->begin.tv_sec);
	assert_int_equal(a->end.tv_sec, b->end.tv_sec);
	assert_int_equal(a->losses, b->losses);
	assert_int_equal(a->deadlocks, b->deadlocks);
	assert_string_equal(a->host, b->host);
	assert_true(a->exact_s == b->exact_s && a->scaled == b->scaled);
	free(text);
	diff_done(d, a, b);
	snapshot__free(s);
}

static struct snapshot *stacks(void)
{
	struct snapshot *s = fixture__new(1);

	fixture__add_stacks(s, &s->locks[1]); /* it has no name */
	s->losses[2] = 7;
	return s;
}

static void test_round_trip(void **state)
{
	(void)state;
	assert_round_trip(plain);
	assert_round_trip(stacks);
	assert_round_trip(exact);
	assert_round_trip(sliced);
	assert_round_trip(owned);
	assert_round_trip(empty);
}

#define HEAD                     \
	"{\"schema\":\"locktop/" \
	"1\",\"interval_ns\":1000000000,\"time\":\"2023-11-14T22:13:20.000Z\","
#define LOCK(rest)                                                                                 \
	HEAD "\"processes\":[{\"pid\":1,\"comm\":\"a\"}],\"locks\":[{\"id\":\"1:0x10\",\"pid\":1," \
	     "\"kind\":\"mutex\",\"class\":\"contention\",\"wait_ns\":5" rest "}]}\n"

/* The least that makes a snapshot; blank lines and a missing last newline do no harm. */
static void test_least(void **state)
{
	static const char text[] = "\n" LOCK("") "  \r\n" HEAD "\"processes\":[],\"locks\":[]}";
	struct diff_side *side;
	char error[512];

	(void)state;
	assert_int_equal(read_text(text, strlen(text), &side, error, sizeof(error)), 0);
	assert_int_equal(side->intervals, 2);
	assert_int_equal(HASH_COUNT(side->seen), 1);
	assert_string_equal(side->seen->comm, "a");
	assert_null(side->host);
	diff_side__free(side);
}

/* Each is refused with the line's number, in one line, and what is already there is freed. */
static void test_wrong(void **state)
{
	static const char *const bad[] = {
		"{}",
		"[]",
		"null",
		"{",
		"time,interval_ns,comm",
		"SQLite format 3",
		"{\"schema\":\"locktop/2\"}",
		"{\"schema\":7}",
		HEAD "\"processes\":[]}",
		HEAD "\"locks\":[]}",
		HEAD "\"processes\":{},\"locks\":[]}",
		HEAD "\"processes\":[],\"locks\":7}",
		HEAD "\"processes\":[{\"pid\":-1}],\"locks\":[]}",
		HEAD "\"processes\":[{\"pid\":1,\"comm\":[]}],\"locks\":[]}",
		HEAD "\"processes\":[],\"locks\":[7]}",
		HEAD "\"processes\":[],\"locks\":[{}]}",
		HEAD "\"processes\":[],\"locks\":[],\"totals\":{\"wait_ns\":-1}}",
		HEAD "\"processes\":[],\"locks\":[],\"losses\":{\"locks_full\":\"x\"}}",
		HEAD "\"processes\":[],\"locks\":[],\"deadlocks\":7}",
		HEAD "\"interval_ns\":5,\"processes\":[],\"locks\":[]}", /* twice */
		"{\"schema\":\"locktop/1\",\"interval_ns\":0,\"processes\":[],\"locks\":[]}",
		"{\"schema\":\"locktop/1\",\"interval_ns\":1.5,\"processes\":[],\"locks\":[]}",
		"{\"schema\":\"locktop/1\",\"interval_ns\":9223372036854775807,\"processes\":[],"
		"\"locks\":[]}",
		"{\"schema\":\"locktop/1\",\"interval_ns\":5,\"time\":\"soon\",\"processes\":[],"
		"\"locks\":[]}",
		"{\"schema\":\"locktop/1\",\"interval_ns\":5,\"tier\":\"exact\",\"exact_share\":2,"
		"\"processes\":[],\"locks\":[]}",
		LOCK(",\"kind\":\"spoon\""),
		LOCK(",\"sleeps\":\"7\""),
		LOCK(",\"sleeps\":99999999999999999999"),
		LOCK(",\"name\":{}"),
		LOCK(",\"name\":\"a\\u0000b\""),
		LOCK(",\"histogram\":[{\"le_ns\":8,\"count\":4294967296}]"),
		LOCK(",\"histogram\":[{\"le_ns\":-8,\"count\":1}]"),
		LOCK(",\"histogram\":{}"),
		LOCK(",\"sites\":[{}]"),
		LOCK(",\"sites\":[{\"role\":\"waiter\",\"share\":-1}]"),
		LOCK(",\"sites\":[{\"role\":\"waiter\",\"frames\":[{\"line\":-1}]}]"),
		LOCK(",\"sites\":[{\"role\":\"waiter\",\"frames\":[{\"function\":1}]}]"),
	};
	struct diff_side *side;
	char text[2048], error[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(text, sizeof(text), "%s%s\n", LOCK(""), bad[i]);
		if (read_text(text, strlen(text), &side, error, sizeof(error)) != -EINVAL)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(strncmp(error, "FILE:2: ", 8), 0);
		assert_null(strchr(error, '\n'));
		diff_side__free(side);
	}
}

/* What could overrun something: long ids, deep nesting, many frames, sites, buckets. */
static void test_large(void **state)
{
	char *text = xcalloc(1, 1 << 20), error[512];
	struct diff_side *side;
	size_t n;

	(void)state;
	n = sprintf(text,
		    HEAD "\"processes\":[],\"locks\":[{\"id\":\"%0500d\",\"pid\":1,"
			 "\"kind\":\"mutex\",\"class\":\"contention\",\"wait_ns\":5}]}",
		    7);
	assert_int_equal(read_text(text, n, &side, error, sizeof(error)), -EINVAL);
	diff_side__free(side);
	memset(text, '[', 1 << 19);
	assert_int_equal(read_text(text, 1 << 19, &side, error, sizeof(error)), -EINVAL);
	diff_side__free(side);
	n = sprintf(text, "%.*s,\"sites\":[", (int)strlen(LOCK("")) - 4, LOCK(""));
	for (int i = 0; i < 300; i++) {
		n += sprintf(text + n, "%s{\"role\":\"waiter\",\"share\":1,\"frames\":[",
			     i ? "," : "");
		for (int j = 0; j < (i ? 1 : 2000); j++)
			n += sprintf(text + n, "%s{\"function\":\"f%d\"}", j ? "," : "", j);
		n += sprintf(text + n, "]}");
	}
	n += sprintf(text + n, "],\"histogram\":[");
	for (int i = 0; i < 300; i++)
		n += sprintf(text + n, "%s{\"le_ns\":9223372036854775807,\"count\":4294967295}",
			     i ? "," : "");
	n += sprintf(text + n, "]}]}");
	assert_int_equal(read_text(text, n, &side, error, sizeof(error)), 0);
	assert_int_equal(side->seen->sum.hist[HIST_BUCKETS - 1], UINT32_MAX);
	assert_string_equal(diff_seen__place(side->seen)->text, "f0");
	diff_side__free(side);
	free(text);
}

/* Bytes that are no text at all, and texts that end anywhere. */
static void test_cut(void **state)
{
	struct options o = fixture__options();
	struct snapshot *s = exact();
	struct diff_side *side;
	char *text = export("json", s, &o, true), error[512];
	size_t n = strlen(text);

	(void)state;
	for (size_t cut = 1; cut + 1 < n; cut += 97) {
		assert_int_equal(read_text(text, cut, &side, error, sizeof(error)), -EINVAL);
		assert_null(strchr(error, '\n'));
		diff_side__free(side);
	}
	for (size_t i = 0; i < n; i += 13) {
		char old = text[i];

		text[i] = (char)(old ^ 0x80);
		read_text(text, n, &side, error, sizeof(error));
		assert_null(strchr(error, '\n'));
		diff_side__free(side);
		text[i] = old;
	}
	free(text);
	snapshot__free(s);
}

/* Files that are not there, are no files, or have nothing in them. */
static void test_files(void **state)
{
	char path[] = "/tmp/locktop-diff-XXXXXX", error[512];
	struct diff_side *side = NULL;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(diff_read(path, false, &side, error, sizeof(error)), -ENODATA);
	assert_non_null(strstr(error, path));
	assert_int_equal(diff_read("/no/such/file", false, &side, error, sizeof(error)), -ENOENT);
	assert_non_null(strstr(error, "/no/such/file"));
	assert_int_equal(diff_read("/tmp", false, &side, error, sizeof(error)), -EISDIR);
	assert_int_equal(write(fd, LOCK(""), strlen(LOCK(""))), strlen(LOCK("")));
	assert_null(side);
	assert_int_equal(diff_read(path, false, &side, error, sizeof(error)), 0);
	assert_int_equal(side->intervals, 1);
	diff_side__free(side);
	close(fd);
	unlink(path);
}

static void remove_recording(const char *directory)
{
	static const char *const names[] = { "/x", "/x-wal", "/x-shm", "/x-journal", "" };
	char path[256];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s%s", directory, names[i]);
		remove(path);
	}
}

/* A recording is the same side as what was recorded; one that is none is told in one line. */
static void test_recording(void **state)
{
	struct snapshot *(*const made[])(void) = { plain, stacks, exact, sliced, owned };
	char directory[] = "/tmp/locktop-diff-XXXXXX", path[64], error[512];
	struct diff_side *a = diff_side__new("a", false), *b = NULL;
	struct store_limits limits = {};
	struct store *store;
	struct diff *d;
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/x", directory);
	assert_int_equal(store__create(path, &limits, &store, error), 0);
	for (size_t i = 0; i < ARRAY_SIZE(made); i++) {
		struct snapshot *s = made[i]();

		assert_int_equal(store__append(store, s, error), 0);
		take(a, s);
	}
	store__close(store);
	assert_int_equal(diff_read(path, false, &b, error, sizeof(error)), 0);
	assert_int_equal(b->intervals, ARRAY_SIZE(made));
	d = diff__new(a, b);
	assert_true(d->n > 0);
	for (size_t i = 0; i < d->n; i++)
		assert_same_row(&d->rows[i]);
	assert_same_row(&d->total);
	diff_done(d, a, b);
	b = NULL;
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("SQLite format 3", file);
	fclose(file);
	assert_true(diff_read(path, false, &b, error, sizeof(error)) < 0);
	assert_non_null(strstr(error, path));
	assert_null(strchr(error, '\n'));
	assert_null(b);
	remove_recording(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_least),
		cmocka_unit_test(test_wrong),	   cmocka_unit_test(test_large),
		cmocka_unit_test(test_cut),	   cmocka_unit_test(test_files),
		cmocka_unit_test(test_recording),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
