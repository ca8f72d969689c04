// SPDX-License-Identifier: GPL-2.0-only
/* Looks at real locks, through the collector, to what a snapshot says of blame. Shares of holders:
 * test_blame_holders.c. */
#include "blame_fixture.h"

static const struct thread *thread_of(const struct fixture *x, pid_t tid)
{
	for (size_t i = 0; i < x->s->n_threads; i++)
		if (x->s->threads[i].tid == tid)
			return &x->s->threads[i];
	fail_msg("no thread %d", tid);
	return NULL;
}

/* One that holds something, too. */
static void holder_waits(struct fixture *x, const pthread_mutex_t *m, const struct holding *h)
{
	fake__thread(&x->fake, getpid(), h->tid, STATE_WAITING);
	wait_for(x, m, h->tid);
}

/* The owner of a lock that records it is a row among the threads, though it did not wait. */
static void test_owner(void **state)
{
	struct fixture *x = begin(state);
	struct holding *h = hold__begin(&mutex_calls, A);
	struct thread_look *row = fake__thread(&x->fake, getpid(), h->tid, STATE_SLEEPING);
	const struct owner *owner;

	row->syscall = SYS_read;
	wait_for(x, A, 501);
	interval(x);
	row->time_ns += NSEC_PER_SEC;
	interval(x);
	owner = lock_of(x, A)->owner;
	assert_non_null(owner);
	assert_int_equal(owner->proof, PROOF_LOCK_WORD);
	assert_ptr_equal(owner->thread, thread_of(x, h->tid));
	assert_int_equal(owner->thread->pid, getpid());
	assert_string_equal(owner->thread->comm, "thread");
	assert_int_equal(owner->thread->state, STATE_SLEEPING);
	assert_string_equal(owner->thread->syscall, "read");
	assert_int_equal(owner->thread->sleeps + owner->thread->wait_ns, 0);
	assert_null(owner->thread->waiting_for);
	assert_true(owner->thread->state_ns == 2 * NSEC_PER_SEC);
	assert_true(owner->held_ns == 2 * NSEC_PER_SEC);
	assert_int_equal(thread_of(x, 501)->state, STATE_WAITING);
	assert_true(thread_of(x, 501)->state_ns == 2 * NSEC_PER_SEC);
	assert_int_equal(lock_of(x, A)->readers, -1);
	assert_int_equal(lock_of(x, A)->looks.n, 1);
	assert_int_equal(lock_of(x, A)->looks.owned, 1);
	assert_string_equal(lock_of(x, A)->looks.syscall, "read");
	assert_int_equal(lock_of(x, A)->looks.syscalls, 1);
	row->state = STATE_RUNNING; /* what it holds now it may have got just now */
	interval(x);
	assert_int_equal(lock_of(x, A)->owner->held_ns, 0);
	assert_null(lock_of(x, A)->owner->thread->syscall);
	hold__end(h);
	interval(x);
	assert_null(lock_of(x, A)->owner);
}

static uint64_t sum_of_impact(const struct snapshot *s)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s->n_locks; i++)
		sum += s->locks[i].impact_ns;
	return sum;
}

/* Along a chain, all wait is charged to the lock at its end; nothing is lost or charged twice. */
static void test_impact(void **state)
{
	struct fixture *x = begin(state);
	struct holding *a = hold__begin(&mutex_calls, A), *b = hold__begin(&mutex_calls, B);
	struct holding *c = hold__begin(&mutex_calls, C);

	fake__thread(&x->fake, getpid(), c->tid, STATE_RUNNING);
	holder_waits(x, B, a);
	holder_waits(x, C, b);
	wait_for(x, A, 501);
	wait_for(x, A, 502);
	fake__sleeps(&x->fake, key_of(A), 503, 3, 333, 7); /* these ended: charged as the others */
	fake__sleeps(&x->fake, fake__key(getpid(), HEAP, SIG_MUTEX), 504, 5, 50, 1);
	interval(x);
	assert_true(lock_of(x, A)->wait_ns == 2340 * MS);
	assert_true(lock_of(x, A)->impact_ns == 0);
	assert_true(lock_of(x, B)->impact_ns == 0);
	assert_true(lock_of(x, C)->impact_ns == (2340 + 1000 + 1000) * MS);
	assert_true(lock_at(x->s, HEAP)->impact_ns == 51 * MS); /* nobody saw who held it */
	assert_true(sum_of_impact(x->s) == x->s->totals.wait_ns);
	hold__end(b); /* the chain breaks after the interval's end */
	x->fake.maps.open[1] = x->fake.maps.open[--x->fake.maps.n_open];
	interval(x);
	assert_true(lock_of(x, B)->impact_ns == 3000 * MS);
	assert_true(sum_of_impact(x->s) == x->s->totals.wait_ns);
	hold__end(a);
	hold__end(c);
}

/* A chain that was longer for a part of the time: what is divided adds up to the nanosecond. */
static void test_impact_divided(void **state)
{
	struct fixture *x = begin(state);
	struct holding *a = hold__begin(&mutex_calls, A), *b = hold__begin(&mutex_calls, B);

	fake__thread(&x->fake, getpid(), b->tid, STATE_RUNNING);
	wait_for(x, A, 501);
	wait_for(x, B, 502);
	interval(x);
	holder_waits(x, B, a);
	x->fake.now_ns += 300 * MS;
	tick_until(x, 1);
	fake__thread(&x->fake, getpid(), a->tid, STATE_RUNNING);
	x->fake.maps.n_open--; /* it goes on */
	fake__sleeps(&x->fake, key_of(A), 503, 1, 1000 / 7, 3);
	interval(x);
	assert_true(lock_of(x, A)->impact_ns > lock_of(x, A)->wait_ns / 2);
	assert_true(lock_of(x, A)->impact_ns < lock_of(x, A)->wait_ns);
	assert_true(lock_of(x, B)->impact_ns > lock_of(x, B)->wait_ns);
	assert_true(sum_of_impact(x->s) == x->s->totals.wait_ns);
	hold__end(a);
	hold__end(b);
}

/* Where nothing is recorded, the last waker is the owner, unless it queues itself. */
static void test_last_waker(void **state)
{
	struct lock_key key = fake__key(getpid(), HEAP, SIGNATURE(0x80, VALUE_OTHER));
	struct fixture *x = begin(state);
	const struct lock *l;

	fake__sleeps(&x->fake, key, 501, 5, 500, 0);
	x->fake.maps.locks[0].last_waker = 601;
	fake__thread(&x->fake, getpid(), 601, STATE_RUNNABLE);
	interval(x);
	l = lock_at(x->s, HEAP);
	assert_int_equal(l->kind, KIND_FUTEX);
	assert_non_null(l->owner);
	assert_int_equal(l->owner->proof, PROOF_LAST_WAKER);
	assert_int_equal(l->owner->thread->tid, 601);
	assert_int_equal(l->owner->thread->state, STATE_RUNNABLE);
	assert_int_equal(l->owner->held_ns, 0); /* when it took it, if it did, nobody knows */
	fake__open(&x->fake, key, 601, 100);
	interval(x);
	assert_null(lock_at(x->s, HEAP)->owner);
}

/* How many were woken since the oldest waiter fell asleep: known from its second interval on. */
static void test_overtaken(void **state)
{
	struct fixture *x = begin(state);
	struct open_sleep *o;

	fake__sleeps(&x->fake, key_of(A), 502, 100, 30, 2);
	o = wait_for(x, A, 501);
	interval(x);
	assert_int_equal(lock_of(x, A)->overtaken, 0);
	fake__sleeps(&x->fake, key_of(A), 502, 5, 30, 2);
	interval(x);
	assert_int_equal(lock_of(x, A)->overtaken, 5);
	fake__sleeps(&x->fake, key_of(A), 502, 7, 30, 2);
	x->fake.maps.locks[0].timeouts += 3; /* nobody was woken in its place by those */
	interval(x);
	assert_int_equal(lock_of(x, A)->overtaken, 5 + 4);
	fake__sleeps(&x->fake, key_of(A), 502, 9, 30, 2);
	o->sequence++; /* it was woken, and sleeps again */
	interval(x);
	assert_int_equal(lock_of(x, A)->overtaken, 0);
	fake__sleeps(&x->fake, key_of(A), 502, 2, 30, 2);
	interval(x);
	assert_int_equal(lock_of(x, A)->overtaken, 2);
	x->fake.maps.n_open = 0;
	fake__sleeps(&x->fake, key_of(A), 502, 2, 30, 2);
	interval(x);
	assert_int_equal(lock_of(x, A)->overtaken, 0);
}

/* A deadlock, told within two intervals: its threads in the order of the cycle, its locks, its age.
 */
static void test_deadlock(void **state)
{
	struct fixture *x = begin(state);
	struct holding *a = hold__begin(&mutex_calls, A), *b = hold__begin(&mutex_calls, B);
	const struct deadlock *d;

	holder_waits(x, B, a);
	holder_waits(x, A, b);
	x->fake.maps.open[1].start_ns += 400 * MS;
	wait_for(x, A, 501);
	interval(x);
	assert_int_equal(x->s->n_deadlocks, 0);
	assert_false(lock_of(x, A)->deadlocked);
	interval(x);
	assert_int_equal(x->s->n_deadlocks, 1);
	d = &x->s->deadlocks[0];
	assert_int_equal(d->pid, getpid());
	assert_int_equal(d->n_threads, 2);
	assert_true(d->since_ns == 1600 * MS);
	for (size_t i = 0; i < 2; i++) {
		const struct deadlock_thread *t = &d->threads[i];

		assert_ptr_equal(t->held_by, d->threads[!i].thread);
		assert_ptr_equal(t->thread->waiting_for, t->waits_for);
		assert_ptr_equal(t->waits_for->owner->thread, t->held_by);
		assert_true(t->waits_for->deadlocked);
	}
	assert_ptr_equal(d->threads[0].thread, thread_of(x, a->tid < b->tid ? a->tid : b->tid));
	/* nobody is free at the end of a cycle; still, all wait is charged once */
	assert_true(sum_of_impact(x->s) == x->s->totals.wait_ns);
	x->fake.maps.open[0].woken_ns = x->fake.now_ns; /* it dissolves */
	interval(x);
	assert_int_equal(x->s->n_deadlocks, 0);
	assert_false(lock_of(x, A)->deadlocked);
	hold__end(a);
	hold__end(b);
}

/* Several deadlocks, the oldest first; a thread that waits for itself is one. */
static void test_deadlocks_sorted(void **state)
{
	struct fixture *x = begin(state);
	struct holding *a = hold__begin(&mutex_calls, A), *b = hold__begin(&mutex_calls, B);

	holder_waits(x, A, a);
	holder_waits(x, B, b);
	x->fake.maps.open[0].start_ns += 300 * MS;
	interval(x);
	interval(x);
	assert_int_equal(x->s->n_deadlocks, 2);
	assert_int_equal(x->s->deadlocks[0].n_threads, 1);
	assert_int_equal(x->s->deadlocks[0].threads[0].thread->tid, b->tid);
	assert_ptr_equal(x->s->deadlocks[0].threads[0].held_by,
			 x->s->deadlocks[0].threads[0].thread);
	assert_int_equal(x->s->deadlocks[1].threads[0].thread->tid, a->tid);
	hold__end(a);
	hold__end(b);
}

/* Out of scope there is no blame of any kind. */
static void test_out_of_scope(void **state)
{
	struct fixture *x = *state;
	struct holding *a = hold__begin(&mutex_calls, A), *b = hold__begin(&mutex_calls, B);

	x->options.comm = "made-up-*";
	begin(state);
	holder_waits(x, B, a);
	holder_waits(x, A, b);
	for (int i = 0; i < 3; i++) {
		interval(x);
		assert_int_equal(x->s->n_deadlocks, 0);
		assert_int_equal(x->s->n_locks + x->s->n_threads, 0);
	}
	hold__end(a);
	hold__end(b);
}

/* A lock whose owner ended says so, with its number, once it is sure that it is a mutex. */
static void test_dead_owner(void **state)
{
	struct fixture *x = begin(state);
	pid_t dead = hold__die(&mutex_calls, A);
	struct stack_event e;

	wait_for(x, A, 501);
	interval(x);
	interval(x);
	assert_int_equal(lock_of(x, A)->owner_died, 0);
	send_stack(x, &e, EVENT_WAITER_STACK, 1, key_of(A), pthread_mutex_lock);
	interval(x);
	interval(x);
	assert_int_equal(lock_of(x, A)->owner_died, dead);
	assert_null(lock_of(x, A)->owner);
	*A = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}

/* Readers of a rwlock are counted beside it, whichever of its words is waited on. */
static void test_readers(void **state)
{
	static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
	struct lock_key writer =
		fake__key(getpid(), (uintptr_t)&rwlock + 8, SIGNATURE(0x189, VALUE_2));
	struct fixture *x = begin(state);

	for (int i = 0; i < 3; i++)
		pthread_rwlock_rdlock(&rwlock);
	fake__open(&x->fake, writer, 501, 1000);
	interval(x);
	assert_int_equal(lock_at(x->s, (uintptr_t)&rwlock)->readers, 3);
	assert_null(lock_at(x->s, (uintptr_t)&rwlock)->owner);
	for (int i = 0; i < 3; i++)
		pthread_rwlock_unlock(&rwlock);
	interval(x);
	assert_int_equal(lock_at(x->s, (uintptr_t)&rwlock)->readers, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_owner),
		TEST(test_impact),
		TEST(test_impact_divided),
		TEST(test_last_waker),
		TEST(test_overtaken),
		TEST(test_deadlock),
		TEST(test_deadlocks_sorted),
		TEST(test_out_of_scope),
		TEST(test_dead_owner),
		TEST(test_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
