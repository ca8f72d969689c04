// SPDX-License-Identifier: GPL-2.0-only
/* Threads, locks and frames as text and dumps write them. */
#include "fixture.h"

#include <stdlib.h>

#include "../../user/words.h"

/* A thread by name (Python's if it has one) and number, with its process where that is another one.
 */
static void test_thread(void **state)
{
	const struct thread t = { .pid = 7, .tid = 9, .comm = "work\x1b", .process_comm = "web" };
	const struct python_row called = { .name = "refresher-1" }, unnamed = { .daemon = 1 };
	struct thread python = t;
	const struct thread nameless = { .pid = 7, .tid = 9, .comm = "" };
	char text[WORDS_MAX];

	(void)state;
	assert_string_equal(words__thread(text, sizeof(text), &t, 7), "work? 9");
	assert_string_equal(words__thread(text, sizeof(text), &t, 8), "work? 9 of web (process 7)");
	assert_string_equal(words__thread(text, sizeof(text), &nameless, 8),
			    "? 9 of ? (process 7)");
	python.python = &called;
	assert_string_equal(words__thread(text, sizeof(text), &python, 7), "refresher-1 9");
	python.python = &unnamed;
	assert_string_equal(words__thread(text, sizeof(text), &python, 7), "work? 9");
}

/* A lock by kind, name and address; without a name, the kind says something at least. */
static void test_lock(void **state)
{
	struct lock l = { .kind = KIND_MUTEX, .name = "a\nb", .address = 0x10 };
	char text[WORDS_MAX];

	(void)state;
	assert_string_equal(words__lock(text, sizeof(text), &l), "mutex a?b 0x10");
	assert_string_equal(words__lock_name(text, sizeof(text), &l), "a?b");
	l.name = NULL;
	assert_string_equal(words__lock(text, sizeof(text), &l), "mutex 0x10");
	assert_string_equal(words__lock_name(text, sizeof(text), &l), "mutex 0x10");
	l.kind = 999;
	assert_string_equal(words__lock(text, sizeof(text), &l), "lock 0x10");
}

/* The best that is known of a frame, without directories. */
static void test_frame(void **state)
{
	static const struct {
		struct frame frame;
		const char *expected;
	} cases[] = {
		{ { "f", "/lib/x.so", 16, "/src/dir/f.c", 3, NULL, NULL }, "f (f.c:3)" },
		{ { "f", "/lib/x.so", 16, "/src/dir/f.c", 0, NULL, NULL }, "f (x.so)" },
		{ { "f", NULL, 16, NULL, 0, NULL, NULL }, "f" },
		{ { "", "/lib/x.so", 16, NULL, 0, NULL, NULL }, "x.so+0x10" },
		{ { NULL, NULL, UINT64_MAX, NULL, 0, NULL, NULL }, "0xffffffffffffffff" },
		{ { "f\t", "/lib/\x1b", 16, NULL, 0, NULL, NULL }, "f? (?)" },
	};
	char text[WORDS_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(words__frame(text, sizeof(text), &cases[i].frame),
				    cases[i].expected);
}

/* Little room is kept to. */
static void test_room(void **state)
{
	const struct frame f = { "function", "/lib/x.so", 16, "/src/f.c", 3, NULL, NULL };
	const struct thread t = { .pid = 7, .tid = 9, .comm = "worker", .process_comm = "web" };
	const struct lock l = { .name = "table_lock", .address = 0x10 };

	(void)state;
	for (size_t size = 1; size < 40; size++) {
		char *text = malloc(size);

		assert_true(strlen(words__frame(text, size, &f)) < size);
		assert_true(strlen(words__thread(text, size, &t, 1)) < size);
		assert_true(strlen(words__lock(text, size, &l)) < size);
		assert_true(strlen(words__lock_name(text, size, &l)) < size);
		free(text);
	}
}

/* Who called the lock function: in a program, in one that is linked statically, and in none. */
static void test_own_frame(void **state)
{
	static const struct frame shared[] = {
		{ "__lll_lock_wait", FIXTURE_LIBC, 1, NULL, 0, NULL, NULL },
		{ "pthread_mutex_lock", FIXTURE_LIBC, 2, NULL, 0, NULL, NULL },
		{ "own", FIXTURE_DB, 3, NULL, 0, NULL, NULL },
		{ "main", FIXTURE_DB, 4, NULL, 0, NULL, NULL },
	};
	static const struct frame linked[] = {
		{ "__lll_lock_wait", FIXTURE_DB, 1, NULL, 0, NULL, NULL },
		{ "pthread_mutex_lock", FIXTURE_DB, 2, NULL, 0, NULL, NULL },
		{ "own", FIXTURE_DB, 3, NULL, 0, NULL, NULL },
	};
	static const struct frame own[] = { { NULL, FIXTURE_DB, 3, NULL, 0, NULL, NULL } };
	static const struct frame deep[500] = { { "read", FIXTURE_LIBC, 1, NULL, 0, NULL, NULL },
						{ "own", FIXTURE_DB, 3, NULL, 0, NULL, NULL } };

	(void)state;
	assert_ptr_equal(words__own_frame(shared, 4), &shared[2]);
	assert_ptr_equal(words__own_frame(linked, 3), &linked[2]);
	assert_ptr_equal(words__own_frame(own, 1), own);
	assert_ptr_equal(words__own_frame(deep, 500), &deep[1]);
	assert_null(words__own_frame(shared, 2));
	assert_null(words__own_frame(NULL, 0));
}

/* Each proof has its words, and one from the future too. */
static void test_proof(void **state)
{
	(void)state;
	for (int i = 0; i <= PROOF_COUNT; i++)
		assert_true(words__proof(i)[0]);
	assert_non_null(strstr(words__proof(PROOF_LAST_WAKER), "inferred"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_thread),	  cmocka_unit_test(test_lock),
		cmocka_unit_test(test_frame),	  cmocka_unit_test(test_room),
		cmocka_unit_test(test_own_frame), cmocka_unit_test(test_proof),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
