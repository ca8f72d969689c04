// SPDX-License-Identifier: GPL-2.0-only
/* Looks and samples of real locks, through the collector, to what a snapshot says of blame. */
#include "collector_fixture.h"
#include "holders_fixture.h"

#define LOCKS 3
#define A     (&locks[0])
#define B     (&locks[1])
#define C     (&locks[2])

static pthread_mutex_t locks[LOCKS] = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
					PTHREAD_MUTEX_INITIALIZER };

static struct lock_key key_of(const pthread_mutex_t *m)
{
	return fake__key(getpid(), (uintptr_t)m, SIG_MUTEX);
}

static const struct lock *lock_of(const struct fixture *x, const pthread_mutex_t *m)
{
	return lock_at(x->s, (uintptr_t)m);
}

static const struct thread *thread_of(const struct fixture *x, pid_t tid)
{
	for (size_t i = 0; i < x->s->n_threads; i++)
		if (x->s->threads[i].tid == tid)
			return &x->s->threads[i];
	fail_msg("no thread %d", tid);
	return NULL;
}

/* A thread that waits for a mutex since the running interval began. */
static struct open_sleep *wait_for(struct fixture *x, const pthread_mutex_t *m, uint32_t tid)
{
	struct open_sleep *o = fake__open(&x->fake, key_of(m), tid, 1000);

	o->sequence = 1;
	return o;
}

/* One that holds something, too. */
static void holder_waits(struct fixture *x, const pthread_mutex_t *m, const struct holding *h)
{
	fake__thread(&x->fake, getpid(), h->tid, STATE_WAITING);
	wait_for(x, m, h->tid);
}

/* A sampled sleep: the waiter's stack, with the words of the lock, or the waker's. */
static void send_stack(struct fixture *x, struct stack_event *e, enum event_type type, uint32_t id,
		       struct lock_key key, void *function)
{
	*e = (struct stack_event){ .type = type, .sample_id = id, .key = key, .gen = FAKE_GEN };
	e->time_ns = x->fake.now_ns;
	e->tid = e->tgid = getpid();
	e->regs.r[REGS_MAX - 1] = (uintptr_t)function;
	fake__event(&x->fake, e, sizeof(*e));
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

static void tick_until(struct fixture *x, size_t looks)
{
	for (int i = 0; i < 1000 && x->fake.looks_taken < looks; i++)
		usleep(MIN(collector__tick(x->collector), 10 * MS) / 1000 + 1);
	assert_int_equal(x->fake.looks_taken, looks);
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

/* Who held a lock while others waited: shares by wait, their sum 1, the largest first. */
static void test_holders(void **state)
{
	static const struct {
		uint32_t tid;
		uint64_t wait_ms;
	} rows[] = { { 4711, 20 }, { 4712, 60 }, { 4711, 20 } };
	struct fixture *x = begin(state);
	struct stack_event stacks[ARRAY_SIZE(rows)];
	struct end_event ends[ARRAY_SIZE(rows)];
	const struct lock *l;
	double sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const uint32_t words[8] = { 2, 0, rows[i].tid, 1 };

		send_stack(x, &stacks[i], EVENT_WAITER_STACK, i + 1, key_of(A), pthread_mutex_lock);
		stacks[i].words = WORDS_HAVE_AFTER;
		memcpy(stacks[i].after, words, sizeof(words));
		ends[i] = (struct end_event){ EVENT_SLEEP_END, i + 1, rows[i].wait_ms * MS, 0 };
		fake__event(&x->fake, &ends[i], sizeof(ends[i]));
		fake__sleeps(&x->fake, key_of(A), 501, 2, 2 * rows[i].wait_ms, 0);
	}
	interval(x);
	l = lock_of(x, A);
	assert_int_equal(l->n_holders, 2);
	assert_int_equal(l->holders[0].thread->tid, 4712);
	assert_int_equal(l->holders[0].thread->pid, getpid());
	assert_int_equal(l->holders[0].samples, 1);
	assert_int_equal(l->holders[1].samples, 2);
	assert_int_equal(l->holders[0].proof, PROOF_LOCK_WORD);
	assert_true(l->holders[0].wait_ns == 120 * MS); /* of all wait, not of the sampled alone */
	for (size_t i = 0; i < l->n_holders; i++)
		sum += l->holders[i].share;
	assert_true(sum > 0.999999 && sum < 1.000001);
	fake__sleeps(&x->fake, key_of(A), 501, 1, 10, 0); /* no samples: what was seen stands */
	interval(x);
	l = lock_of(x, A);
	assert_int_equal(l->n_holders, 2);
	assert_int_equal(l->holders[0].thread->tid, 4712);
	assert_int_equal(l->holders[0].samples, 0);
	assert_true(l->holders[0].share > 0.59 && l->holders[0].share < 0.61);
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

/* A test that failed may have held the locks to its end. */
static int set_up_locks(void **state)
{
	for (int i = 0; i < LOCKS; i++)
		pthread_mutex_init(&locks[i], NULL);
	return set_up(state);
}

int main(void)
{
#undef TEST
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up_locks, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_owner),      TEST(test_impact),	    TEST(test_impact_divided),
		TEST(test_holders),    TEST(test_last_waker),	    TEST(test_overtaken),
		TEST(test_deadlock),   TEST(test_deadlocks_sorted), TEST(test_out_of_scope),
		TEST(test_dead_owner), TEST(test_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
