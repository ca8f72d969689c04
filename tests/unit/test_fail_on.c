// SPDX-License-Identifier: GPL-2.0-only
/* What ends a run by --fail-on, and what it says of it, on the made-up machine. */
#include "fixture.h"

#include "../../user/fail_on.h"

static bool found(const struct snapshot *s, const char *name, char *message, size_t size)
{
	const struct fail_on *f = fail_on__find(name);

	assert_non_null(f);
	message[0] = 0;
	return f->found(s, message, size);
}

/* Every row is found by its name, and nothing else is. */
static void test_find(void **state)
{
	(void)state;
	for (const struct fail_on *f = fail_ons; f->name; f++) {
		assert_ptr_equal(fail_on__find(f->name), f);
		assert_true(f->help && f->found);
	}
	assert_null(fail_on__find(""));
	assert_null(fail_on__find("dead"));
	assert_null(fail_on__find("deadlock "));
}

/* A machine on which threads wait, and nothing is wrong, ends no run. */
static void test_nothing(void **state)
{
	struct snapshot *s = fixture__new(1);
	char message[256];

	(void)state;
	for (const struct fail_on *f = fail_ons; f->name; f++) {
		assert_false(found(s, f->name, message, sizeof(message)));
		assert_string_equal(message, "");
	}
	snapshot__free(s);
}

/* A deadlock is told with process and number of threads; one alone waits for itself. */
static void test_deadlock(void **state)
{
	struct snapshot *s = fixture__new(1);
	struct deadlock_thread threads[2] = { { .thread = &s->threads[0] },
					      { .thread = &s->threads[1] } };
	struct deadlock d = { .pid = 4242, .threads = threads, .n_threads = 2 };
	char message[256], small[8];

	(void)state;
	s->deadlocks = &d;
	s->n_deadlocks = 1;
	assert_true(found(s, "deadlock", message, sizeof(message)));
	assert_non_null(strstr(message, "dbserver"));
	assert_non_null(strstr(message, "4242"));
	assert_non_null(strstr(message, "2 threads wait for each other"));
	d.n_threads = 1;
	s->threads[0].process_comm = NULL; /* it ended before it had a name */
	assert_true(found(s, "deadlock", message, sizeof(message)));
	assert_non_null(strstr(message, "1 thread waits for itself"));
	assert_true(found(s, "deadlock", small, sizeof(small))); /* cut, not overrun */
	assert_int_equal(strlen(small), sizeof(small) - 1);
	assert_false(found(s, "dead-owner", message, sizeof(message)));
	snapshot__free(s);
}

/* A lock whose owner has died fails a run only while someone waits for it. */
static void test_dead_owner(void **state)
{
	struct snapshot *s = fixture__new(1);
	char message[256];

	(void)state;
	s->locks[3].owner_died = 991; /* nobody waits for it */
	assert_int_equal(s->locks[3].waiting, 0);
	assert_false(found(s, "dead-owner", message, sizeof(message)));
	s->locks[3].waiting = 1;
	assert_true(found(s, "dead-owner", message, sizeof(message)));
	assert_non_null(strstr(message, "queued"));
	assert_non_null(strstr(message, "977"));
	assert_non_null(strstr(message, "thread 991"));
	assert_non_null(strstr(message, "slots"));
	s->locks[3].name = s->locks[3].comm = NULL;
	assert_true(found(s, "dead-owner", message, sizeof(message)));
	assert_non_null(strstr(message, s->locks[3].id));
	assert_false(found(s, "deadlock", message, sizeof(message)));
	snapshot__free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_deadlock),
		cmocka_unit_test(test_dead_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
