// SPDX-License-Identifier: GPL-2.0-only
/* Which rows an export shows, and in which order. */
#include "export_fixture.h"

#include <stdlib.h>

#include "../../user/select.h"

static const void **rows_of(const struct snapshot *s, const struct options *o, enum entity entity,
			    size_t *n)
{
	const void **rows = select__rows(s, o, entity, n);

	assert_non_null(rows);
	return rows;
}

/* Addresses of the locks shown must be these, in this order. */
static void assert_locks(const struct options *o, const uint64_t *addresses, size_t n)
{
	struct snapshot *s = fixture__new(1);
	size_t count;
	const void **rows = rows_of(s, o, ENTITY_LOCK, &count);

	assert_int_equal(count, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(((const struct lock *)rows[i])->address, addresses[i]);
	free(rows);
	snapshot__free(s);
}

#define LOCKS(o, ...)                                             \
	do {                                                      \
		static const uint64_t wanted[] = { __VA_ARGS__ }; \
		assert_locks(o, wanted, ARRAY_SIZE(wanted));      \
	} while (0)

#define TABLE	0x55d0c0a81040
#define LOG	0x7f10a4000b60
#define POOL	0x7f10a4000c80
#define SLOT	0x5581f2a40a20
#define HEAP	0x5581f2a40b00
#define REQUEST 0x7ffd10203040
#define SESSION 0x7ffd10203100

/* By wait, the idle class hidden; with --idle it stands where its wait puts it. */
static void test_idle(void **state)
{
	struct options o = fixture__options();

	(void)state;
	LOCKS(&o, TABLE, LOG, SLOT, SESSION, HEAP);
	o.idle = true;
	LOCKS(&o, POOL, REQUEST, TABLE, LOG, SLOT, SESSION, HEAP);
}

/* Sort keys of locks; a key that locks have not leaves them in their own order. */
static void test_sort(void **state)
{
	struct options o = fixture__options();

	(void)state;
	o.sort_key = "sleeps";
	LOCKS(&o, TABLE, SLOT, LOG, HEAP, SESSION);
	o.reverse = true;
	LOCKS(&o, SESSION, HEAP, LOG, SLOT, TABLE);
	o.reverse = false;
	o.sort_key = "max";
	LOCKS(&o, LOG, TABLE, SESSION, SLOT, HEAP);
	o.sort_key = "pid"; /* then by address */
	LOCKS(&o, SLOT, HEAP, TABLE, LOG, SESSION);
	o.sort_key = "name"; /* unknown ones last */
	LOCKS(&o, SESSION, SLOT, TABLE, HEAP, LOG);
	o.reverse = true;
	LOCKS(&o, TABLE, SLOT, SESSION, HEAP, LOG);
	o.reverse = false;
	o.sort_key = "cgroup";
	LOCKS(&o, TABLE, LOG, SLOT, SESSION, HEAP);
}

/* --top keeps the first of each process, in the order asked for; 0 keeps all. */
static void test_top(void **state)
{
	struct options o = fixture__options();

	(void)state;
	o.top = 1;
	LOCKS(&o, TABLE, SLOT, SESSION);
	o.idle = true;
	LOCKS(&o, POOL, REQUEST, SLOT);
	o.idle = false;
	o.reverse = true;
	LOCKS(&o, HEAP, SESSION, LOG);
	o.reverse = false;
	o.top = 2;
	LOCKS(&o, TABLE, LOG, SLOT, SESSION, HEAP);
	o.top = 0;
	LOCKS(&o, TABLE, LOG, SLOT, SESSION, HEAP);
}

/* select__all has those that --top leaves out; select__top cuts threads by process too. */
static void test_left_out(void **state)
{
	struct options o = fixture__options();
	struct snapshot *s = fixture__new(1);
	const void **rows;
	size_t n;

	(void)state;
	o.top = 1;
	rows = select__all(s, &o, ENTITY_LOCK, &n);
	assert_int_equal(n, 5);
	assert_int_equal(select__top(rows, n, ENTITY_LOCK, 1), 3);
	free(rows);
	o.idle = true;
	rows = select__all(s, &o, ENTITY_THREAD, &n);
	assert_int_equal(n, s->n_threads);
	assert_int_equal(select__top(rows, n, ENTITY_THREAD, 0), n);
	assert_int_equal(select__top(rows, n, ENTITY_THREAD, 2), 6);
	free(rows);
	snapshot__free(s);
}

/* Processes and threads that only idle are hidden with it; one that waits now is not. */
static void test_processes_threads(void **state)
{
	struct options o = fixture__options();
	struct snapshot *s = fixture__new(1);
	const void **rows;
	size_t n, all;

	(void)state;
	s->processes[s->n_processes++] =
		(struct process){ .pid = 5, .comm = "idler", .idle_wait_ns = NSEC_PER_SEC };
	s->processes[s->n_processes++] = (struct process){ .pid = 6, .comm = "new", .waiting = 1 };
	rows = rows_of(s, &o, ENTITY_PROCESS, &n);
	assert_int_equal(n, 4);
	assert_int_equal(((const struct process *)rows[0])->pid, 4242);
	assert_int_equal(((const struct process *)rows[3])->pid, 6);
	free(rows);
	rows = rows_of(s, &o, ENTITY_THREAD, &n);
	for (size_t i = 0; i < n; i++) {
		const struct thread *t = rows[i];

		assert_true(t->wait_ns || t->sleeps ||
			    (t->waiting_for && t->waiting_for->class == CLASS_CONTENTION));
		if (i)
			assert_true(((const struct thread *)rows[i - 1])->wait_ns >= t->wait_ns);
	}
	free(rows);
	o.idle = true;
	rows = rows_of(s, &o, ENTITY_PROCESS, &all);
	assert_int_equal(all, 5);
	free(rows);
	rows = rows_of(s, &o, ENTITY_THREAD, &all);
	assert_int_equal(all, s->n_threads);
	assert_true(n < all);
	free(rows);
	snapshot__free(s);
}

/* What belongs to a deadlock is shown, even of the idle class and beyond --top. */
static void test_deadlocked(void **state)
{
	struct options o = fixture__options();
	struct snapshot *s = fixture__new(1);
	struct thread *waits = thread_of(s, 4242 + 1 + 2 * 50);
	struct process *idler = &s->processes[s->n_processes++];
	struct lock *lock;
	const void **rows;
	size_t n, deadlocked = 0;

	(void)state;
	lock = lock_of(s, waits->waiting_for->id);
	assert_int_equal(lock->class, CLASS_IDLE);
	add_deadlock(s, &waits, 1, NSEC_PER_SEC);
	lock->pid = 555; /* of a process that is not shown for itself */
	*idler = (struct process){ .pid = 555, .comm = "idler", .idle_wait_ns = NSEC_PER_SEC };
	s->locks[1].deadlocked = true;
	o.top = 1;
	rows = rows_of(s, &o, ENTITY_LOCK, &n);
	for (size_t i = 0; i < n; i++)
		deadlocked += ((const struct lock *)rows[i])->deadlocked;
	assert_int_equal(n, 5);
	assert_int_equal(deadlocked, 2);
	free(rows);
	rows = rows_of(s, &o, ENTITY_PROCESS, &n);
	assert_int_equal(n, 4);
	free(rows);
	rows = rows_of(s, &o, ENTITY_THREAD, &n);
	for (size_t i = deadlocked = 0; i < n; i++)
		deadlocked += rows[i] == waits;
	assert_int_equal(deadlocked, 1);
	free(rows);
	snapshot__free(s);
}

/* A thread that waits for nothing is shown while it holds a lock that is. */
static void test_owners(void **state)
{
	struct options o = fixture__options();
	struct snapshot *s = fixture__new(1);
	struct thread *holds = &s->threads[s->n_threads++];
	static const struct thread elsewhere = { .pid = 1, .tid = 1 };
	const void **rows;
	size_t without, with;

	(void)state;
	*holds = (struct thread){ .pid = 4242, .tid = 9999, .comm = "holder" };
	rows = rows_of(s, &o, ENTITY_THREAD, &without);
	free(rows);
	set_owner(s, &s->locks[2], holds, PROOF_LOCK_WORD, 0); /* idle: not shown */
	set_owner(s, &s->locks[1], &elsewhere, PROOF_LOCK_WORD, 0);
	rows = rows_of(s, &o, ENTITY_THREAD, &with);
	free(rows);
	assert_int_equal(with, without);
	set_owner(s, &s->locks[0], holds, PROOF_LOCK_WORD, 0);
	rows = rows_of(s, &o, ENTITY_THREAD, &with);
	free(rows);
	assert_int_equal(with, without + 1);
	snapshot__free(s);
}

/* Thousands of locks of one process are cut in no time worth noting. */
static void test_many(void **state)
{
	const size_t many = 32768;
	struct options o = fixture__options();
	struct snapshot *s = snapshot__new();
	uint64_t began;
	const void **rows;
	size_t n;

	(void)state;
	s->locks = snapshot__alloc(s, many, sizeof(*s->locks));
	s->n_locks = many;
	for (size_t i = 0; i < many; i++)
		s->locks[i] = (struct lock){ .pid = 7, .address = 64 * i, .wait_ns = i % 977 };
	began = util__monotonic_ns();
	rows = rows_of(s, &o, ENTITY_LOCK, &n);
	assert_true(util__monotonic_ns() - began < NSEC_PER_SEC);
	assert_int_equal(n, 20);
	assert_int_equal(((const struct lock *)rows[0])->wait_ns, 976);
	free(rows);
	snapshot__free(s);
}

/* An interval without a row is an array without one. */
static void test_empty(void **state)
{
	struct options o = fixture__options();
	struct snapshot *s = snapshot__new();

	(void)state;
	for (int e = 0; e < ENTITY_COUNT; e++) {
		size_t n = 99;

		free(rows_of(s, &o, e, &n));
		assert_int_equal(n, 0);
	}
	snapshot__free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_sort),
		cmocka_unit_test(test_top),
		cmocka_unit_test(test_left_out),
		cmocka_unit_test(test_processes_threads),
		cmocka_unit_test(test_deadlocked),
		cmocka_unit_test(test_owners),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
