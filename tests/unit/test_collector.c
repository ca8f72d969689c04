// SPDX-License-Identifier: GPL-2.0-only
/* Made-up readings through collector and assembly to snapshots. */
#include "collector_fixture.h"

/* What is read first is the past; totals, processes and threads are sums over the locks. */
static void test_sums(void **state)
{
	struct fixture *x = *state;
	struct fake *f = &x->fake;
	struct lock_key a = fake__key(getpid(), HEAP, SIG_MUTEX);
	struct lock_key b = fake__key(getpid(), HEAP + 64, SIG_MUTEX);
	struct lock_key c = fake__key(spawn(x), HEAP, SIG_MUTEX);
	struct snapshot *s;

	fake__sleeps(f, a, 11, 1000, 5000, 5000);
	begin(state);
	fake__sleeps(f, a, 11, 2, 20, 1);
	fake__sleeps(f, a, 12, 3, 30, 2);
	fake__sleeps(f, b, 11, 4, 40, 3);
	fake__sleeps(f, c, 13, 5, 50, 4);
	fake__open(f, c, 13, 100);
	s = interval(x);
	assert_int_equal(s->n_locks, 3);
	assert_int_equal(s->totals.sleeps, 2 + 3 + 4 + 5 + 1);
	assert_int_equal(s->totals.blocked_ns, (20 + 30 + 40 + 50 + 100) * MS);
	assert_int_equal(s->totals.delay_ns, 10 * MS);
	assert_int_equal(s->totals.wait_ns, s->totals.blocked_ns + s->totals.delay_ns);
	assert_int_equal(s->totals.waiting, 1);
	assert_int_equal(s->idle.sleeps + s->idle.wait_ns + s->idle.waiting, 0);
	assert_int_equal(s->n_processes, 2);
	assert_int_equal(snapshot__process(s, getpid())->wait_ns, 96 * MS);
	assert_int_equal(snapshot__process(s, getpid())->sleeps, 9);
	assert_int_equal(snapshot__process(s, x->child)->waiting, 1);
	assert_int_equal(lock_at(s, HEAP + 64)->wait_ns, 43 * MS);
	assert_int_equal(hist__count(lock_at(s, HEAP + 64)->hist), 4);
	assert_int_equal(s->interval_ns, NSEC_PER_SEC);
	assert_int_equal(s->number, 1);
	s = interval(x);
	assert_int_equal(s->totals.sleeps, 0);
	assert_int_equal(s->number, 2);
}

/* What waits for work is in no contention total: neither of the machine nor of process and thread.
 */
static void test_idle_apart(void **state)
{
	struct fixture *x = begin(state);
	struct lock_key cond = fake__key(getpid(), HEAP + 40, SIG_COND);
	struct lock_key join = fake__key(getpid(), HEAP + 1720, SIG_JOIN);
	struct snapshot *s;

	for (uint32_t tid = 100; tid < 132; tid++)
		fake__open(&x->fake, cond, tid, 500);
	fake__open(&x->fake, join, 99, 900);
	s = interval(x);
	assert_int_equal(s->totals.sleeps + s->totals.wait_ns + s->totals.waiting, 0);
	assert_int_equal(s->idle.waiting, 33);
	assert_int_equal(s->idle.wait_ns, (32 * 500 + 900) * MS);
	assert_int_equal(s->n_processes, 1);
	assert_int_equal(s->processes[0].wait_ns + s->processes[0].sleeps, 0);
	assert_int_equal(s->processes[0].idle_wait_ns, (32 * 500 + 900) * MS);
	assert_int_equal(s->n_threads, 33);
	for (size_t i = 0; i < s->n_threads; i++) {
		assert_int_equal(s->threads[i].wait_ns + s->threads[i].sleeps, 0);
		assert_true(s->threads[i].idle_wait_ns > 0);
		assert_int_equal(s->threads[i].waiting_for->class, CLASS_IDLE);
	}
	assert_int_equal(lock_at(s, HEAP + 1000)->kind, KIND_JOIN);
}

/* A condition variable has two words: sleeps on either are sleeps on the one object. */
static void test_two_words(void **state)
{
	struct fixture *x = begin(state);
	struct lock_key low = fake__key(getpid(), HEAP + 40, SIG_COND);
	struct lock_key high = fake__key(getpid(), HEAP + 44, SIG_COND);
	const struct lock *lock;
	struct snapshot *s;
	char id[64];

	fake__sleeps(&x->fake, low, 11, 2, 20, 0);
	fake__sleeps(&x->fake, high, 11, 3, 30, 0);
	fake__open(&x->fake, high, 12, 10);
	s = interval(x);
	assert_int_equal(s->n_locks, 1);
	lock = &s->locks[0];
	assert_int_equal(lock->address, HEAP);
	snprintf(id, sizeof(id), "%d:0x%llx", getpid(), HEAP);
	assert_string_equal(lock->id, id);
	assert_int_equal(lock->kind, KIND_COND);
	assert_int_equal(lock->sleeps, 6);
	assert_int_equal(lock->wait_ns, 60 * MS);
	assert_int_equal(lock->waiting, 1);
	assert_int_equal(hist__count(lock->hist), 5);
	assert_int_equal(s->n_threads, 2);
	assert_int_equal(s->n_thread_locks, 2); /* thread 11's two parts are one */
	assert_int_equal(s->thread_locks[0].wait_ns, 50 * MS);
	assert_int_equal(s->threads[0].tid, 11);
	assert_ptr_equal(s->threads[1].waiting_for, lock);
	assert_int_equal(s->threads[1].waiting_ns, 10 * MS);
}

/* Keys of one object are one lock in its sites too: a stack that waited on both words is one. */
static void test_sites_joined(void **state)
{
	struct fixture *x = begin(state);
	struct stack_event events[2] = {};
	struct end_event ends[2] = {};
	struct snapshot *s;

	for (int i = 0; i < 2; i++) {
		events[i].type = EVENT_WAITER_STACK;
		events[i].sample_id = ends[i].sample_id = i + 1;
		events[i].key = fake__key(getpid(), HEAP + 40 + 4 * i, SIG_COND);
		events[i].time_ns = x->fake.now_ns;
		events[i].tid = events[i].tgid = getpid();
		events[i].regs.r[REGS_MAX - 1] = (uintptr_t)pthread_cond_wait;
		ends[i].type = EVENT_SLEEP_END;
		ends[i].blocked_ns = 20 * MS;
		fake__sleeps(&x->fake, events[i].key, getpid(), 1, 20, 0);
		fake__event(&x->fake, &events[i], sizeof(events[i]));
		fake__event(&x->fake, &ends[i], sizeof(ends[i]));
	}
	s = interval(x);
	assert_int_equal(s->n_locks, 1);
	assert_int_equal(s->locks[0].n_sites, 1);
	assert_int_equal(s->locks[0].sites[0].samples, 2);
	assert_int_equal(s->locks[0].sites[0].wait_ns, 40 * MS);
}

/* Readers and writers sleep in different ways on one object. */
static void test_rwlock(void **state)
{
	struct fixture *x = begin(state);
	struct lock_key reader = fake__key(getpid(), HEAP + 8, SIGNATURE(0x189, VALUE_3));
	struct lock_key writer = fake__key(getpid(), HEAP + 12, SIGNATURE(0x189, VALUE_3));
	struct snapshot *s;

	fake__sleeps(&x->fake, reader, 11, 1, 10, 0);
	fake__sleeps(&x->fake, writer, 12, 1, 90, 0);
	s = interval(x);
	assert_int_equal(s->n_locks, 1);
	assert_int_equal(s->locks[0].address, HEAP);
	assert_int_equal(s->locks[0].kind, KIND_RWLOCK_WRITE);
	assert_int_equal(s->locks[0].wait_ns, 100 * MS);
}

/* A process that --comm does not match is in no number at all. */
static void test_out_of_scope(void **state)
{
	struct fixture *x = *state;
	struct lock_key gone = fake__key(0x3ffffff0, HEAP, SIG_MUTEX);
	struct snapshot *s;

	x->options.comm = "made-up-*";
	begin(state);
	fake__process(&x->fake, gone.tgid, FAKE_GEN, "made-up-short");
	fake__sleeps(&x->fake, fake__key(getpid(), HEAP, SIG_MUTEX), 11, 2, 20, 0);
	fake__open(&x->fake, fake__key(getpid(), HEAP, SIG_MUTEX), 11, 20);
	fake__sleeps(&x->fake, gone, 12, 3, 30, 0);
	s = interval(x);
	assert_int_equal(s->n_processes, 1);
	assert_string_equal(s->processes[0].comm, "made-up-short");
	assert_true(s->processes[0].ended);
	assert_int_equal(s->n_locks, 1);
	assert_int_equal(s->n_threads, 1);
	assert_int_equal(s->totals.sleeps, 3);
	assert_int_equal(s->totals.waiting, 0);
}

/* After the last numbers of a process were shown, nothing of it is kept anywhere. */
static void test_ended_process(void **state)
{
	struct fixture *x = begin(state);
	struct fake *f = &x->fake;
	pid_t pid = spawn(x);
	struct lock_key key = fake__key(pid, HEAP, SIG_MUTEX);
	struct snapshot *s;

	fake__process(f, pid, FAKE_GEN, "child");
	fake__sleeps(f, key, 12, 3, 30, 0);
	s = interval(x);
	assert_int_equal(s->totals.sleeps, 3);
	assert_true(s->processes[0].threads == 1 && !s->processes[0].ended);
	end_child(x);
	fake__sleeps(f, key, 12, 2, 20, 0);
	s = interval(x);
	assert_int_equal(s->totals.sleeps, 2);
	assert_true(s->processes[0].ended);
	assert_int_equal(s->processes[0].threads, -1);
	for (int i = 0; i < 3; i++)
		s = interval(x);
	assert_int_equal(s->n_processes, 0);
	assert_int_equal(f->maps.n_locks, 0);
	assert_int_equal(f->maps.n_waits, 0);
	assert_int_equal(f->maps.n_processes, 0);
	assert_int_equal(f->forgot_processes, 1);
}

static struct fixture *dying;

/* The child sleeps twice more and ends, all after the maps were read. */
static void die(struct fake *f)
{
	f->on_drain = NULL;
	fake__sleeps(f, fake__key(dying->child, HEAP, SIG_MUTEX), 12, 2, 20, 0);
	end_child(dying);
}

/* A process that ends just after a reading has numbers that only the next one brings. */
static void test_ends_after_reading(void **state)
{
	struct fixture *x = begin(state);
	pid_t pid = spawn(x);
	struct lock_key key = fake__key(pid, HEAP, SIG_MUTEX);
	uint64_t sleeps = 0;

	dying = x;
	fake__process(&x->fake, pid, FAKE_GEN, "child");
	fake__sleeps(&x->fake, key, 12, 3, 30, 0);
	x->fake.on_drain = die;
	for (int i = 0; i < 4; i++)
		sleeps += interval(x)->totals.sleeps;
	assert_int_equal(sleeps, 3 + 2);
	assert_int_equal(x->fake.maps.n_locks, 0);
}

/*
 * A thread that slept before observation began has no entry until it wakes. If it wakes between
 * the halves of a reading, neither half has it; its end must not count its whole sleep again.
 */
static void test_adopted_ends_between_halves(void **state)
{
	struct fixture *x = begin(state);
	struct lock_key key = fake__key(getpid(), HEAP, SIG_MUTEX);
	uint64_t wait = 0;

	for (int i = 1; i <= 5; i++) {
		x->fake.maps.n_open = 0;
		fake__open(&x->fake, key, 11, (i - 1) * 1000)->flags = OPEN_ADOPTED;
		wait += interval(x)->totals.wait_ns;
	}
	x->fake.maps.n_open = 0;
	wait += interval(x)->totals.wait_ns;
	fake__sleeps(&x->fake, key, 11, 1, 5900, 0);
	wait += interval(x)->totals.wait_ns;
	assert_in_range(wait, 4000 * MS, 5900 * MS);
}

/* An exec makes another process of the same pid; the one before has ended. */
static void test_exec(void **state)
{
	struct fixture *x = begin(state);
	pid_t pid = spawn(x);
	struct lock_key before = fake__key(pid, HEAP, SIG_MUTEX), after = before;
	struct snapshot *s;

	after.gen++;
	fake__process(&x->fake, pid, FAKE_GEN, "before");
	fake__sleeps(&x->fake, before, 12, 3, 30, 0);
	s = interval(x);
	assert_int_equal(s->n_processes, 1);
	assert_false(s->processes[0].ended);
	fake__process(&x->fake, pid, FAKE_GEN + 1, "after");
	fake__sleeps(&x->fake, before, 12, 1, 10, 0);
	fake__sleeps(&x->fake, after, 12, 4, 40, 0);
	s = interval(x);
	assert_int_equal(s->n_processes, 2);
	assert_int_equal(s->totals.sleeps, 5);
	assert_int_equal(snapshot__process(s, pid)->sleeps, 4);
	for (int i = 0; i < 3; i++)
		interval(x);
	assert_int_equal(x->fake.maps.n_locks, 1);
	assert_int_equal(x->fake.maps.lock_keys[0].gen, FAKE_GEN + 1);
	assert_int_equal(x->fake.maps.n_processes, 1);
}

/* What was not slept on for a minute makes room for others; two seconds where room is short. */
static void test_unused(void **state)
{
	struct fixture *x = begin(state);
	struct lock_key old = fake__key(getpid(), HEAP, SIG_MUTEX);
	struct lock_key new = fake__key(getpid(), HEAP + 64, SIG_MUTEX);
	struct snapshot *s;

	fake__sleeps(&x->fake, old, 11, 1, 10, 0);
	for (int i = 0; i < 55; i++)
		interval(x);
	assert_int_equal(x->fake.maps.n_locks, 1);
	for (int i = 0; i < 10; i++)
		interval(x);
	assert_int_equal(x->fake.maps.n_locks, 0);
	assert_int_equal(x->fake.maps.n_waits, 0);
	fake__sleeps(&x->fake, old, 11, 2, 20, 0); /* again: what it was before is not there */
	s = interval(x);
	assert_int_equal(s->totals.sleeps, 2);
	x->fake.locks_max = x->fake.waits_max = 1;
	fake__sleeps(&x->fake, new, 11, 1, 10, 0);
	for (int i = 0; i < 4; i++)
		interval(x);
	assert_int_equal(x->fake.maps.n_locks, 0);
}

/* Losses and cost are those of the interval; what was lost before the start is not ours. */
static void test_losses_and_cost(void **state)
{
	struct fixture *x = *state;
	struct fake *f = &x->fake;
	struct snapshot *s;

	f->losses[LOSS_LOCKS_FULL] = 100;
	f->self = (struct self_cost){ .cpu_ns = 500, .rss_bytes = 4096, .probe_ns = 70 };
	begin(state);
	f->losses[LOSS_LOCKS_FULL] = 103;
	f->losses[LOSS_ITERATOR_SHORT] = 1;
	f->self = (struct self_cost){ 800, 8192, 90, 5, true };
	s = interval(x);
	assert_int_equal(s->losses[LOSS_LOCKS_FULL], 3);
	assert_int_equal(s->losses[LOSS_ITERATOR_SHORT], 1);
	assert_int_equal(snapshot__losses(s), 4);
	assert_int_equal(s->self.cpu_ns, 300);
	assert_int_equal(s->self.rss_bytes, 8192);
	assert_int_equal(s->self.probe_ns, 20);
	assert_true(s->self.probe_known);
	s = interval(x);
	assert_int_equal(snapshot__losses(s), 0);
	assert_int_equal(s->self.cpu_ns, 0);
}

/* A source that fails is an error of the interval, and no snapshot is made of the rest. */
static void test_errors(void **state)
{
	struct fixture *x = begin(state);
	struct snapshot *s = NULL;

	x->fake.read_err = -EIO;
	assert_int_equal(collector__interval(x->collector, &s), -EIO);
	assert_null(s);
	x->fake.read_err = 0;
	x->fake.drain_err = -EINVAL;
	assert_int_equal(collector__interval(x->collector, &s), -EINVAL);
	assert_null(s);
	x->fake.drain_err = 0;
	interval(x);
	assert_true(collector__tick(x->collector) > 0);
}

/* The look that ends an interval finds owners; between intervals, looks come only where it pays. */
static void test_looks(void **state)
{
	struct fixture *x = begin(state);

	interval(x);
	for (int i = 0; i < 3; i++)
		collector__tick(x->collector);
	assert_int_equal(x->fake.looks_taken, 0);
	fake__open(&x->fake, fake__key(getpid(), HEAP, SIG_MUTEX), 11, 900);
	interval(x);
	for (int i = 0; i < 500 && x->fake.looks_taken < 2; i++)
		usleep(MIN(collector__tick(x->collector), 10 * MS) / 1000 + 1);
	assert_int_equal(x->fake.looks_taken, 2);
	interval(x);
	assert_int_equal(lock_at(x->s, HEAP)->looks.n, 3);
	x->fake.source.ops = &fake_ops; /* one that cannot look: intervals go on */
	assert_int_equal(lock_at(interval(x), HEAP)->looks.n, 1);
	assert_null(lock_at(x->s, HEAP)->owner);
}

/* An entry of a thread without a lock, a lock without a process: shown as far as known, or not. */
static void test_incomplete(void **state)
{
	struct fixture *x = begin(state);
	struct lock_key nobody = fake__key(0x3ffffff1, HEAP, SIG_MUTEX);
	struct snapshot *s;

	x->fake.maps.wait_keys[x->fake.maps.n_waits++] =
		(struct wait_key){ .tid = 5, .lock_id = 12345 };
	fake__sleeps(&x->fake, nobody, 11, 1, 10, 0);
	fake__sleeps(&x->fake, fake__key(0, 0, 0), 0, 1, 10, 0);
	s = interval(x);
	for (size_t i = 0; i < s->n_locks; i++)
		assert_non_null(s->locks[i].comm);
	interval(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sums),
		TEST(test_idle_apart),
		TEST(test_two_words),
		TEST(test_sites_joined),
		TEST(test_rwlock),
		TEST(test_out_of_scope),
		TEST(test_ended_process),
		TEST(test_ends_after_reading),
		TEST(test_adopted_ends_between_halves),
		TEST(test_exec),
		TEST(test_unused),
		TEST(test_losses_and_cost),
		TEST(test_errors),
		TEST(test_looks),
		TEST(test_incomplete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
