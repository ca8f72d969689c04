// SPDX-License-Identifier: GPL-2.0-only
/* Dumps of a process between intervals. */
#include "collector_fixture.h"
#include "holders_fixture.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;

static struct snapshot *dump(struct fixture *x, pid_t pid)
{
	snapshot__free(x->s);
	x->s = NULL;
	assert_int_equal(collector__dump(x->collector, &pid, 1, &x->s), 0);
	return x->s;
}

static const struct thread *thread_of(const struct snapshot *s, pid_t tid)
{
	for (size_t i = 0; i < s->n_threads; i++)
		if (s->threads[i].tid == tid)
			return &s->threads[i];
	return NULL;
}

/* Processes that are not there, and a source that cannot look, are errors; nothing is written. */
static void test_errors(void **state)
{
	struct fixture *x = begin(state);
	struct snapshot *s = NULL;
	pid_t pids[] = { 4194303, spawn(x) };

	end_child(x);
	assert_int_equal(collector__dump(x->collector, pids, 2, &s), -ESRCH);
	assert_int_equal(collector__dump(x->collector, NULL, 0, &s), -ESRCH);
	assert_int_equal(x->fake.looks_taken, 0);
	pids[1] = getpid();
	x->fake.look_err = -EIO;
	assert_int_equal(collector__dump(x->collector, pids, 2, &s), -EIO);
	x->fake.source.ops = &fake_ops;
	assert_int_equal(collector__dump(x->collector, pids, 2, &s), -ENOTSUP);
	assert_null(s);
}

/* All threads of the process are rows, those that wait and those that do not; no others are. */
static void test_threads(void **state)
{
	struct fixture *x = begin(state);
	struct snapshot *s;

	fake__thread(&x->fake, getpid(), 601, STATE_SLEEPING)->syscall = SYS_read;
	fake__thread(&x->fake, getpid(), 602, STATE_RUNNING);
	fake__thread(&x->fake, getpid(), 603, STATE_WAITING);
	fake__thread(&x->fake, getppid(), 604, STATE_RUNNING);
	fake__open(&x->fake, fake__key(getpid(), HEAP, SIG_MUTEX), 603, 3000);
	s = dump(x, getpid());
	assert_int_equal(s->n_threads, 3);
	assert_int_equal(thread_of(s, 601)->state, STATE_SLEEPING);
	assert_string_equal(thread_of(s, 601)->syscall, "read");
	assert_string_equal(thread_of(s, 601)->comm, "thread");
	assert_int_equal(thread_of(s, 601)->pid, getpid());
	assert_memory_equal(thread_of(s, 601)->process_comm, program_invocation_short_name, 15);
	assert_int_equal(thread_of(s, 602)->state, STATE_RUNNING);
	assert_int_equal(thread_of(s, 603)->state, STATE_WAITING);
	assert_int_equal(thread_of(s, 603)->waiting_for->address, HEAP);
	assert_int_equal(x->fake.looks_taken, 2);
	assert_true(x->fake.n_sampled == 1 && x->fake.sampled[0] & WATCH_PROCESS);
	interval(x); /* what was asked for the dump is asked no more */
	assert_int_equal(x->fake.n_watched, 0);
	assert_int_equal(x->fake.n_sampled, 0);
	assert_int_equal(x->s->n_threads, 1);
}

/* A deadlock is proved within one dump. */
static void test_deadlock(void **state)
{
	struct fixture *x = begin(state);
	struct holding *h = hold__begin(&mutex_calls, &a), *k = hold__begin(&mutex_calls, &b);
	struct snapshot *s;

	fake__thread(&x->fake, getpid(), h->tid, STATE_WAITING);
	fake__thread(&x->fake, getpid(), k->tid, STATE_WAITING);
	fake__open(&x->fake, fake__key(getpid(), (uintptr_t)&b, SIG_MUTEX), h->tid, 5000);
	fake__open(&x->fake, fake__key(getpid(), (uintptr_t)&a, SIG_MUTEX), k->tid, 4000);
	s = dump(x, getpid());
	assert_int_equal(s->n_deadlocks, 1);
	assert_int_equal(s->deadlocks[0].n_threads, 2);
	assert_int_equal(s->n_threads, 2);
	assert_ptr_equal(lock_at(s, (uintptr_t)&a)->owner->thread, thread_of(s, h->tid));
	hold__end(h);
	hold__end(k);
}

/* The running interval keeps its figures, whatever is dumped in it. */
static void test_interval_untouched(void **state)
{
	struct fixture *x = begin(state);
	struct lock_key key = fake__key(getpid(), HEAP, SIG_MUTEX);
	struct snapshot *s;

	fake__sleeps(&x->fake, key, 11, 3, 30, 2);
	assert_int_equal(dump(x, getpid())->number, 0);
	s = interval(x);
	assert_int_equal(s->number, 1);
	assert_int_equal(s->interval_ns, NSEC_PER_SEC);
	assert_int_equal(lock_at(s, HEAP)->sleeps, 3);
	assert_int_equal(lock_at(s, HEAP)->wait_ns, 32 * MS);
}

/* Wakes of an interval in which a sleeper is first dumped are not counted as passing it by. */
static void test_overtaken(void **state)
{
	struct fixture *x = begin(state);
	struct lock_key key = fake__key(getpid(), HEAP, SIG_MUTEX);

	fake__sleeps(&x->fake, key, 11, 7, 30, 2);
	fake__open(&x->fake, key, 12, 100)->sequence = 1;
	dump(x, getpid());
	assert_int_equal(lock_at(interval(x), HEAP)->overtaken, 0);
	fake__sleeps(&x->fake, key, 11, 4, 30, 2);
	dump(x, getpid());
	assert_int_equal(lock_at(interval(x), HEAP)->overtaken, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_errors),    TEST(test_threads),
		TEST(test_deadlock),  TEST(test_interval_untouched),
		TEST(test_overtaken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
