// SPDX-License-Identifier: GPL-2.0-only
/*
 * Thread dumps, compared with tests/golden/dump_*. LOCKTOP_GOLDEN_UPDATE=1 writes those files anew;
 * look at the difference before committing it. Run from the top of the tree.
 */
#include "export_fixture.h"
#include "python_fixture.h"

#include <errno.h>
#include <time.h>

#include "../../user/dump.h"

static char *dump(const struct snapshot *s, pid_t pid)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_int_equal(dump__write(f, s, pid), 0);
	fclose(f);
	assert_int_equal(strlen(text), size);
	return text;
}

static const struct frame idle_frames[] = {
	{ "pthread_cond_wait", FIXTURE_LIBC, 0x8e000, NULL, 0, "native", NULL },
	{ "pool_worker", FIXTURE_DB, 0x50000, "pool.c", 61, "native", NULL },
};

/* A pool of 200: all at one place but two, one of which is in another function. */
static struct snapshot *pool(void)
{
	struct fixture_lock f = fixture_locks[2];
	struct snapshot *s = fixture__empty(5);
	struct thread *last;

	f.waiting = 200;
	fixture__add_lock(s, &f);
	fixture__add_processes(s);
	fixture__add_threads(s);
	set_states(s);
	for (size_t i = 0; i < s->n_threads; i++)
		set_stack(s, &s->threads[i], idle_frames, ARRAY_SIZE(idle_frames));
	s->threads[100].frames[1].function = "elsewhere";
	last = &s->threads[s->n_threads - 1];
	last->n_frames = 0;
	last->state = STATE_RUNNING;
	return s;
}

/* Threads in every state, of which little is known. */
static struct snapshot *states(void)
{
	struct snapshot *s = fixture__empty(6);

	for (int i = 0; i <= STATE_COUNT; i++)
		s->threads[s->n_threads++] = (struct thread){
			.pid = 50,
			.tid = 50 + i,
			.comm = i < STATE_COUNT ? thread_state_names[i] : "from the future",
			.process_comm = "many",
			.state = i,
			.syscall = i == STATE_SLEEPING || i == STATE_BLOCKED ? "pread64" : NULL,
			.state_ns = i % 2 ? 1500 * MS : 0,
		};
	return s;
}

/* Whole dumps: a deadlock of two, owners of all sorts, one of one, a pool, states, foreign names,
 * a Python program.
 */
static void test_golden(void **state)
{
	static const struct {
		const char *name;
		struct snapshot *(*make)(void);
		pid_t pid;
	} cases[] = {
		{ "dump_deadlock.txt", owned, 4242 }, { "dump_owners.txt", owned, 977 },
		{ "dump_self.txt", owned, 31337 },    { "dump_pool.txt", pool, 4242 },
		{ "dump_states.txt", states, 50 },    { "dump_hostile.txt", hostile, 70 },
		{ "dump_nobody.txt", empty, 1 },      { "dump_python.txt", python_usual, PY_PID },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct snapshot *s = cases[i].make();
		char *text = dump(s, cases[i].pid);

		assert_golden(cases[i].name, text);
		free(text);
		snapshot__free(s);
	}
}

/* The place of a word in a dump; it must be there. */
static const char *at(const char *text, const char *word)
{
	const char *place = strstr(text, word);

	if (!place)
		fail_msg("\"%s\" is missing in:\n%s", word, text);
	return place;
}

/* Deadlocks first; then who waits and holds, who waits, who holds, and the idle ones last. */
static void test_order(void **state)
{
	struct snapshot *s = owned();
	char *text;

	(void)state;
	set_owner(s, lock_of(s, SLOTS), thread_of(s, 4246), PROOF_LAST_WAKER, 0);
	text = dump(s, 4242);
	assert_true(at(text, "DEADLOCK") < at(text, "\nthread "));
	assert_true(at(text, "\nthread db/2 4293") < at(text, "\nthread db/1 4243"));
	assert_true(at(text, "\nthread db/1 4243") < at(text, "\nthread dbserver 4244"));
	assert_true(at(text, "\nthread dbserver 4244") < at(text, "\nthread dbserver 4246"));
	assert_true(at(text, "\nthread dbserver 4246") < at(text, "for cond 0x"));
	at(text, "  holds: slots (0 waiting, inferred)\n");
	free(text);
	snapshot__free(s);
}

/* One block for threads that do the same, with each of their numbers, in lines of bounded width. */
static void test_folds(void **state)
{
	struct snapshot *s = pool();
	char *text = dump(s, 4242), word[32];
	size_t blocks = 0;

	(void)state;
	for (const char *c = text; (c = strstr(c, "\nthread ")); c++)
		blocks++;
	assert_int_equal(blocks, 3);
	at(text, "and 198 more threads like this:");
	for (size_t i = 0; i < s->n_threads; i++) {
		snprintf(word, sizeof(word), " %d", (int)s->threads[i].tid);
		at(text, word);
	}
	for (const char *c = text; *c; c += strcspn(c, "\n") + 1)
		assert_true(strcspn(c, "\n") <= 100);
	free(text);
	snapshot__free(s);
}

/* Who holds a lock never disappears in another one's block. */
static void test_holders_stand_alone(void **state)
{
	struct snapshot *s = pool();
	struct lock *more = &s->locks[s->n_locks++];
	char *text;

	(void)state;
	*more = (struct lock){ .id = "4242:0x10", .pid = 4242, .address = 16, .name = "held" };
	set_owner(s, more, &s->threads[50], PROOF_LOCK_WORD, 0);
	text = dump(s, 4242);
	at(text, "  holds: held (0 waiting)\n");
	at(text, "and 197 more threads like this:");
	free(text);
	snapshot__free(s);
}

/* No byte that could act on a terminal, whatever the names. */
static void test_harmless(void **state)
{
	struct snapshot *s = hostile();

	(void)state;
	s->host = ESCAPE;
	for (pid_t pid = 70; pid < 77; pid++) {
		char *text = dump(s, pid);

		for (const char *c = text; *c; c++)
			if ((unsigned char)*c < ' ' && *c != '\n')
				fail_msg("byte %#x", *c);
		assert_null(strstr(text, "\xff"));
		assert_null(strstr(text, "\xe2\x80\xae"));
		free(text);
	}
	snapshot__free(s);
}

/* Names of any length are cut, not overrun. */
static void test_long_names(void **state)
{
	struct snapshot *s = owned();
	char *name = xcalloc(1, 100001);

	(void)state;
	memset(name, 'n', 100000);
	for (size_t i = 0; i < s->n_threads; i++) {
		struct thread *t = &s->threads[i];

		t->comm = t->process_comm = t->syscall = name;
		for (size_t j = 0; j < t->n_frames; j++)
			t->frames[j].function = t->frames[j].module = t->frames[j].file = name;
	}
	for (size_t i = 0; i < s->n_locks; i++)
		s->locks[i].name = name;
	for (size_t i = 0; i < s->n_processes; i++) {
		char *text = dump(s, s->processes[i].pid);

		for (const char *c = text; *c; c += strcspn(c, "\n") + 1)
			assert_true(strcspn(c, "\n") < 3000);
		free(text);
	}
	free(name);
	snapshot__free(s);
}

/* A full device is an error. */
static void test_full(void **state)
{
	struct snapshot *s = owned();
	FILE *f = fopen("/dev/full", "w");

	(void)state;
	setvbuf(f, NULL, _IONBF, 0);
	assert_int_equal(dump__write(f, s, 4242), -ENOSPC);
	fclose(f);
	snapshot__free(s);
}

/* Ten thousand threads, no two alike, are written in no time worth noting. */
static void test_many(void **state)
{
	const size_t many = 10000;
	struct snapshot *s = fixture__empty(1);
	uint64_t began;

	(void)state;
	s->threads = snapshot__alloc(s, many, sizeof(*s->threads));
	s->locks = snapshot__alloc(s, many, sizeof(*s->locks));
	s->n_threads = s->n_locks = many;
	for (size_t i = 0; i < many; i++) {
		struct thread *t = &s->threads[i];

		*t = (struct thread){ .pid = 9, .tid = 10 + i, .waiting_for = &s->locks[i] };
		s->locks[i] = (struct lock){ .pid = 9, .address = 8 * i };
		set_stack(s, t, lock_frames, ARRAY_SIZE(lock_frames));
		if (i % 2)
			set_owner(s, &s->locks[i], &s->threads[i - 1], PROOF_LOCK_WORD, 0);
	}
	began = util__monotonic_ns();
	free(dump(s, 9));
	assert_true(util__monotonic_ns() - began < NSEC_PER_SEC);
	snapshot__free(s);
}

static int set_up(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),	 cmocka_unit_test(test_order),
		cmocka_unit_test(test_folds),	 cmocka_unit_test(test_holders_stand_alone),
		cmocka_unit_test(test_harmless), cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_full),	 cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
