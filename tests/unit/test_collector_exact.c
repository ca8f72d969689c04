// SPDX-License-Identifier: GPL-2.0-only
/* The exact tier's records through a collector: joined with sleeps, scaled, forgotten. */
#include "collector_fixture.h"

#define OTHER (HEAP + 4096)

/* A collector over a source that has the exact tier, begun. */
static struct fixture *begin_exact(void **state)
{
	struct fixture *x = *state;

	x->fake.exact_on = true;
	return begin(state);
}

/* So many holds of 2 ms. */
static struct exact_stats *use(struct fixture *x, uint64_t address, enum exact_op family,
			       uint64_t calls)
{
	struct exact_stats *stats = fake__exact(&x->fake, getpid(), address, family);

	stats->calls += calls;
	stats->releases += calls;
	stats->hold_ns += calls * 2 * MS;
	stats->hold_hist[60] += calls;
	stats->last_ns = x->fake.now_ns;
	return stats;
}

/* Never contended: a lock of its own, with nothing waited. */
static void test_own_lock(void **state)
{
	struct fixture *x = begin_exact(state);
	const struct lock *l;
	struct exact_stats *stats = use(x, HEAP, OP_MUTEX_LOCK, 5);

	stats->max_hold[1] = (struct interval_max){ .ns = 7 * MS, .epoch = 1 };
	stats->failures = 3;
	stats->contended = 1;
	stats->owner_changes = 2;
	stats->wait_ns = 4 * MS;
	interval(x);
	assert_true(x->s->exact);
	assert_float_equal(x->s->exact_share, 1, 0);
	assert_int_equal(x->s->n_locks, 1);
	l = lock_at(x->s, HEAP);
	assert_true(l->exact);
	assert_int_equal(l->kind, KIND_MUTEX);
	assert_int_equal(l->acquisitions, 5);
	assert_int_equal(l->releases, 5);
	assert_int_equal(l->try_failures, 3);
	assert_int_equal(l->contended, 1);
	assert_int_equal(l->owner_changes, 2);
	assert_int_equal(l->call_wait_ns, 4 * MS);
	assert_true(l->hold_known);
	assert_int_equal(l->hold_ns, 10 * MS);
	assert_int_equal(l->max_hold_ns, 7 * MS);
	assert_int_equal(l->hold_hist[60], 5);
	assert_int_equal(l->hist[60], 0);
	assert_int_equal(l->sleeps, 0);
	assert_int_equal(l->wait_ns, 0);
	assert_int_equal(l->processes, 1);
	assert_int_equal(x->s->totals.sleeps, 0);
	assert_int_equal(interval(x)->n_locks, 0); /* unused: no row */
}

/* Sleeps and calls of one object are one lock, which the sleeps give its kind. */
static void test_joined(void **state)
{
	struct fixture *x = begin_exact(state);
	struct lock_key reader = fake__key(getpid(), HEAP + 8, SIGNATURE(0x189, VALUE_3));
	struct lock_key writer = fake__key(getpid(), HEAP + 12, SIGNATURE(0x189, VALUE_3));
	const struct lock *l;

	fake__sleeps(&x->fake, reader, 11, 3, 30, 0);
	fake__sleeps(&x->fake, writer, 12, 1, 5, 0);
	use(x, HEAP, OP_RWLOCK_WRLOCK, 100)->reads = 90;
	interval(x);
	assert_int_equal(x->s->n_locks, 1);
	l = lock_at(x->s, HEAP);
	assert_int_equal(l->kind, KIND_RWLOCK_READ);
	assert_int_equal(l->sleeps, 4);
	assert_int_equal(l->wait_ns, 35 * MS);
	assert_int_equal(l->acquisitions, 100);
	assert_int_equal(l->read_acquisitions, 90);
}

/* A sleep whose signature fits several kinds, with calls that say which: no stack is needed. */
static void test_surer(void **state)
{
	struct fixture *x = begin_exact(state);
	const struct lock *l;

	fake__sleeps(&x->fake, fake__key(getpid(), HEAP, SIG_COND), 11, 1, 30, 0);
	use(x, HEAP, OP_SEM_WAIT, 1);
	interval(x);
	assert_int_equal(x->s->n_locks, 1);
	l = lock_at(x->s, HEAP);
	assert_int_equal(l->kind, KIND_SEM);
	assert_int_equal(l->class, CLASS_CONTENTION);
	assert_int_equal(l->sleeps, 1);
	assert_int_equal(l->acquisitions, 1);
}

/* A lock that is waited for all the time without a call: its exact figures are known to be none. */
static void test_no_calls(void **state)
{
	struct fixture *x = begin_exact(state);
	struct lock_key key = fake__key(getpid(), HEAP, SIG_MUTEX);

	use(x, HEAP, OP_MUTEX_LOCK, 4);
	interval(x);
	fake__open(&x->fake, key, 11, 900);
	fake__open(&x->fake, fake__key(getpid(), OTHER, SIG_MUTEX), 12, 900);
	interval(x);
	assert_int_equal(x->s->n_locks, 2);
	assert_true(lock_at(x->s, HEAP)->exact);
	assert_int_equal(lock_at(x->s, HEAP)->acquisitions, 0);
	assert_int_equal(lock_at(x->s, HEAP)->waiting, 1);
	assert_false(lock_at(x->s, OTHER)->exact); /* never seen by the tier */
}

/* Between time slices all the interval: unknown, though the lock was seen before. */
static void test_slices(void **state)
{
	struct fixture *x = begin_exact(state);
	struct lock_key key = fake__key(getpid(), HEAP, SIG_MUTEX);

	use(x, HEAP, OP_MUTEX_LOCK, 4);
	x->fake.exact_off_ns += 750 * MS;
	interval(x);
	assert_float_equal(x->s->exact_share, 0.25, 1e-9);
	assert_int_equal(lock_at(x->s, HEAP)->acquisitions, 16);
	assert_int_equal(lock_at(x->s, HEAP)->hold_ns, 32 * MS);
	assert_int_equal(lock_at(x->s, HEAP)->hold_hist[60], 4);
	fake__sleeps(&x->fake, key, 11, 1, 3, 0);
	x->fake.exact_off_ns += NSEC_PER_SEC;
	interval(x);
	assert_true(x->s->exact);
	assert_float_equal(x->s->exact_share, 0, 0);
	assert_false(lock_at(x->s, HEAP)->exact);
	assert_int_equal(lock_at(x->s, HEAP)->acquisitions, 0);
}

/* Without the tier nothing is exact. */
static void test_without(void **state)
{
	struct fixture *x = begin(state);

	fake__sleeps(&x->fake, fake__key(getpid(), HEAP, SIG_MUTEX), 11, 1, 3, 0);
	interval(x);
	assert_false(x->s->exact);
	assert_float_equal(x->s->exact_share, 0, 0);
	assert_false(lock_at(x->s, HEAP)->exact);
}

/* What is never held has no hold; a semaphore's is known as long as its balance is. */
static void test_hold_known(void **state)
{
	struct fixture *x = begin_exact(state);
	struct exact_stats *sem;

	fake__exact(&x->fake, getpid(), HEAP, OP_BARRIER_WAIT)->calls = 8;
	sem = fake__exact(&x->fake, getpid(), OTHER, OP_SEM_WAIT);
	sem->multiple = 1;
	sem->calls = 1;
	sem->taken_sum = x->fake.now_ns + 400 * MS;
	interval(x);
	assert_false(lock_at(x->s, HEAP)->hold_known);
	assert_int_equal(lock_at(x->s, HEAP)->class, CLASS_IDLE);
	assert_true(lock_at(x->s, OTHER)->hold_known);
	assert_int_equal(lock_at(x->s, OTHER)->hold_ns, 600 * MS);
	assert_int_equal(lock_at(x->s, OTHER)->max_hold_ns, 0);
	sem->releases = 2;
	interval(x);
	assert_false(lock_at(x->s, OTHER)->hold_known);
	assert_int_equal(lock_at(x->s, OTHER)->hold_ns, 0);
}

static union {
	struct stack_event e;
	uint8_t bytes[sizeof(struct stack_event) + 64];
} taker;

/* The stack of a sampled call in this process, and how long the lock was held. */
static void sample_hold(struct fixture *x, uint64_t address, uint64_t hold_ns)
{
	static struct end_event end;

	memset(&taker, 0, sizeof(taker));
	taker.e.type = EVENT_TAKER_STACK;
	taker.e.sample_id = 0x80000000 | 1;
	taker.e.key = fake__key(getpid(), address, SIGNATURE(OP_EXACT | OP_MUTEX_LOCK, 0));
	taker.e.time_ns = x->fake.now_ns;
	taker.e.tid = taker.e.tgid = getpid();
	taker.e.gen = FAKE_GEN;
	taker.e.regs.r[7] = OTHER;
	taker.e.regs.r[REGS_MAX - 1] = (uintptr_t)pthread_mutex_lock;
	taker.e.stack_len = 64;
	memcpy(taker.e.stack, &(uint64_t){ (uintptr_t)sample_hold + 1 }, 8);
	end = (struct end_event){ .type = EVENT_HOLD_END,
				  .sample_id = taker.e.sample_id,
				  .blocked_ns = hold_ns };
	fake__event(&x->fake, &taker, sizeof(taker));
	fake__event(&x->fake, &end, sizeof(end));
}

/* Holder sites and name of a lock that never slept; what it does for waits is one tree less. */
static void test_holder_sites(void **state)
{
	struct fixture *x = begin_exact(state);
	const struct lock *l;

	x->options.stack_bytes = STACK_BYTES_DEFAULT;
	use(x, HEAP, OP_MUTEX_LOCK, 1);
	sample_hold(x, HEAP, 2 * MS);
	interval(x);
	l = lock_at(x->s, HEAP);
	assert_int_equal(l->n_sites, 1);
	assert_int_equal(l->sites[0].role, ROLE_HOLDER);
	assert_float_equal(l->sites[0].share, 1, 0);
	assert_string_equal(l->name, "heap lock at sample_hold+0x0");
	assert_string_equal(l->where, "sample_hold");
}

/* Destroyed: the name is another's by now, the figures go on. */
static void test_lives(void **state)
{
	struct fixture *x = begin_exact(state);
	const struct lock *l;

	x->options.stack_bytes = STACK_BYTES_DEFAULT;
	use(x, HEAP, OP_MUTEX_LOCK, 1);
	sample_hold(x, HEAP, 2 * MS);
	interval(x);
	use(x, HEAP, OP_MUTEX_LOCK, 6)->lives++;
	interval(x);
	l = lock_at(x->s, HEAP);
	assert_null(l->name);
	assert_int_equal(l->n_sites, 0);
	assert_int_equal(l->acquisitions, 6);
}

/* Entries unused for a minute are forgotten, those of locks that are held only if room is short. */
static void test_forget_unused(void **state)
{
	struct fixture *x = begin_exact(state);

	use(x, HEAP, OP_MUTEX_LOCK, 1);
	use(x, OTHER, OP_MUTEX_LOCK, 1)->owner = 11;
	interval(x);
	x->fake.now_ns += 50 * NSEC_PER_SEC;
	interval(x);
	assert_int_equal(x->fake.maps.n_exact, 2);
	x->fake.now_ns += 10 * NSEC_PER_SEC;
	interval(x);
	assert_int_equal(x->fake.maps.n_exact, 1);
	assert_int_equal(x->fake.maps.exact_keys[0].addr, OTHER);
	x->fake.exact_max = 1;
	interval(x);
	assert_int_equal(x->fake.maps.n_exact, 0);
	assert_int_equal(x->fake.forgot_exact, 2);
	assert_int_equal(x->fake.forgot_locks, 0);
	use(x, HEAP, OP_MUTEX_LOCK, 3);
	assert_int_equal(lock_at(interval(x), HEAP)->acquisitions, 3);
}

/* With room short, two seconds are long. */
static void test_forget_tight(void **state)
{
	struct fixture *x = begin_exact(state);

	x->fake.exact_max = 3;
	use(x, HEAP, OP_MUTEX_LOCK, 1);
	use(x, OTHER, OP_MUTEX_LOCK, 1);
	interval(x);
	interval(x);
	use(x, OTHER, OP_MUTEX_LOCK, 1);
	interval(x);
	interval(x);
	assert_int_equal(x->fake.maps.n_exact, 1);
	assert_int_equal(x->fake.maps.exact_keys[0].addr, OTHER);
}

/* Those of a process that has ended go after their last numbers were shown. */
static void test_forget_ended(void **state)
{
	struct fixture *x = begin_exact(state);
	pid_t child = spawn(x);

	fake__process(&x->fake, child, FAKE_GEN, "child");
	fake__exact(&x->fake, child, HEAP, OP_MUTEX_LOCK)->calls = 1;
	interval(x);
	assert_int_equal(x->s->n_locks, 1);
	fake__exact(&x->fake, child, HEAP, OP_MUTEX_LOCK)->calls = 4;
	end_child(x);
	interval(x);
	assert_int_equal(lock_at(x->s, HEAP)->acquisitions, 3);
	interval(x);
	interval(x);
	assert_int_equal(x->fake.maps.n_exact, 0);
}

/* Two threads that spin for each other's locks: a deadlock, with rows for both. */
static void test_spin_deadlock(void **state)
{
	struct fixture *x = begin_exact(state);
	const uint64_t at[] = { HEAP, OTHER };
	const struct deadlock *d;

	for (uint32_t i = 0; i < 2; i++) {
		use(x, at[i], OP_SPIN_LOCK, 1)->owner = 501 + i;
		fake__spin(&x->fake, getpid(), at[!i], 501 + i, x->fake.now_ns + 300 * MS);
		fake__thread(&x->fake, getpid(), 501 + i, STATE_RUNNING);
	}
	fake__spin(&x->fake, getpid(), HEAP, 503, x->fake.now_ns);
	fake__thread(&x->fake, getpid(), 503, STATE_RUNNING); /* behind them, and holds nothing */
	interval(x);
	assert_int_equal(x->s->n_deadlocks, 0); /* seen once */
	interval(x);
	assert_int_equal(x->s->n_deadlocks, 1);
	d = &x->s->deadlocks[0];
	assert_int_equal(d->n_threads, 2);
	assert_int_equal(d->since_ns, 1700 * MS);
	assert_int_equal(d->threads[0].waits_for->kind, KIND_SPIN);
	assert_int_equal(d->threads[0].thread->tid, 501);
	assert_int_equal(d->threads[0].held_by->tid, 502);
	assert_ptr_equal(d->threads[0].thread->waiting_for, lock_at(x->s, OTHER));
	assert_int_equal(d->threads[0].thread->waiting_ns, 1700 * MS);
	assert_int_equal(x->s->n_threads, 3);
	for (size_t i = 0; i < 3; i++)
		assert_non_null(x->s->threads[i].waiting_for);
	assert_int_equal(lock_at(x->s, HEAP)->owner->proof, PROOF_EXACT);
	assert_int_equal(lock_at(x->s, HEAP)->waiting, 0); /* they do not sleep */
	assert_int_equal(lock_at(x->s, HEAP)->wait_ns, 0);
	assert_true(lock_at(x->s, HEAP)->deadlocked);
	assert_int_equal(lock_at(x->s, HEAP)->holders[0].proof, PROOF_EXACT);
	x->fake.maps.n_spinning = 0;
	assert_int_equal(interval(x)->n_deadlocks, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_own_lock),	  TEST(test_joined),	   TEST(test_surer),
		TEST(test_no_calls),	  TEST(test_slices),	   TEST(test_without),
		TEST(test_hold_known),	  TEST(test_holder_sites), TEST(test_lives),
		TEST(test_forget_unused), TEST(test_forget_tight), TEST(test_forget_ended),
		TEST(test_spin_deadlock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
