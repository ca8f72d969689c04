// SPDX-License-Identifier: GPL-2.0-only
/* Who held a lock while others waited, by looks and samples, through the collector. */
#include "blame_fixture.h"

#include <semaphore.h>

static void assert_holder(const struct lock *l, size_t i, pid_t tid, double share, uint64_t samples)
{
	const struct holder *h = &l->holders[i];

	assert_true(i < l->n_holders);
	assert_int_equal(h->thread->tid, tid);
	assert_int_equal(h->thread->pid, getpid());
	assert_int_equal(h->proof, PROOF_LOCK_WORD);
	assert_true(h->share > share - 0.000001 && h->share < share + 0.000001);
	assert_int_equal(h->samples, samples);
	assert_true(h->wait_ns + 1 >= (uint64_t)(share * l->wait_ns));
	assert_true(h->wait_ns <= (uint64_t)(share * l->wait_ns) + 1);
}

/* A sampled wait that ended, of a lock that this thread held when it began. */
struct sampled_wait {
	struct end_event end;
	struct stack_event stack;
};

static void send_wait(struct fixture *x, struct sampled_wait *w, uint32_t id, pid_t holder,
		      uint64_t wait_ms)
{
	const uint32_t words[8] = { 2, 0, holder, 1 };

	send_stack(x, &w->stack, EVENT_WAITER_STACK, id, key_of(A), pthread_mutex_lock);
	w->stack.words = WORDS_HAVE_AFTER;
	memcpy(w->stack.after, words, sizeof(words));
	w->end = (struct end_event){ EVENT_SLEEP_END, id, wait_ms * MS, 0 };
	fake__event(&x->fake, &w->end, sizeof(w->end));
}

/* Who held a lock while others waited: shares by wait, their sum 1, the largest first. */
static void test_holders(void **state)
{
	static const struct {
		uint32_t tid;
		uint64_t wait_ms;
	} rows[] = { { 4711, 20 }, { 4712, 60 }, { 4711, 20 } };
	struct fixture *x = begin(state);
	struct sampled_wait waits[ARRAY_SIZE(rows)];
	const struct lock *l;
	double sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		send_wait(x, &waits[i], i + 1, rows[i].tid, rows[i].wait_ms);
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

/* One thread holds the lock at a look that comes so long after the one before. */
static void hold_at_look(struct fixture *x, struct holding *h, uint64_t after_ms)
{
	fake__thread(&x->fake, getpid(), h->tid, STATE_RUNNING);
	x->fake.now_ns += after_ms * MS;
	tick_until(x, x->fake.looks_taken + 1);
}

/* An interval of a lock that one thread held for 300 ms and another for 100, at looks, while 501
 * waited, who waits no more at the end of it. */
static void hold_in_turn(struct fixture *x, pid_t tids[2])
{
	static const uint64_t held_ms[] = { 300, 100 };
	struct holding *h[2];

	wait_for(x, A, 501);
	interval(x); /* the first look: nothing was before it */
	assert_int_equal(lock_of(x, A)->n_holders, 0);
	h[0] = hold__begin(&mutex_calls, A);
	hold_at_look(x, h[0], held_ms[0]);
	tids[0] = h[0]->tid;
	hold__end(h[0]);
	h[1] = hold__begin(&mutex_calls, A);
	hold_at_look(x, h[1], held_ms[1]);
	tids[1] = h[1]->tid;
	hold__end(h[1]);
	x->fake.maps.n_open = 0;
	fake__sleeps(&x->fake, key_of(A), 501, 1, 1400, 0);
}

/*
 * What decides: looks of the interval, whatever samples say; samples of it where no look found
 * anybody; then looks of before, and not the samples of then.
 */
static void test_weighing(void **state)
{
	struct fixture *x = begin(state);
	struct sampled_wait w[2];
	pid_t tids[2];

	hold_in_turn(x, tids);
	send_wait(x, &w[0], 1, tids[1], 9000);
	send_wait(x, &w[1], 2, 4711, 900);
	interval(x);
	assert_int_equal(lock_of(x, A)->n_holders, 2);
	assert_holder(lock_of(x, A), 0, tids[0], 0.75, 1);
	assert_holder(lock_of(x, A), 1, tids[1], 0.25, 1);

	wait_for(x, A, 501); /* a look again, at which nobody holds it */
	send_wait(x, &w[0], 3, 4711, 10);
	send_wait(x, &w[1], 4, tids[0], 40);
	interval(x);
	assert_int_equal(lock_of(x, A)->looks.n, 1);
	assert_int_equal(lock_of(x, A)->n_holders, 2);
	assert_holder(lock_of(x, A), 0, tids[0], 0.8, 1);
	assert_holder(lock_of(x, A), 1, 4711, 0.2, 1);

	x->fake.maps.n_open = 0;
	fake__sleeps(&x->fake, key_of(A), 501, 1, 1400, 0);
	interval(x);
	assert_int_equal(lock_of(x, A)->n_holders, 2);
	assert_holder(lock_of(x, A), 0, tids[0], 0.75, 0);
	assert_holder(lock_of(x, A), 1, tids[1], 0.25, 0);
}

/* Of a lock that records nobody, those are named that let its waiters go, and as inferred. */
static void test_inferred(void **state)
{
	struct lock_key key = fake__key(getpid(), HEAP, SIG_COND);
	struct fixture *x = begin(state);
	struct end_event end = { EVENT_SLEEP_END, 1, 30 * MS, 0 };
	struct stack_event waiter, waker;
	const struct lock *l;

	send_stack(x, &waiter, EVENT_WAITER_STACK, 1, key, sem_wait);
	send_stack(x, &waker, EVENT_WAKER_STACK, 1, key, sem_post);
	waker.tid = 4712;
	fake__event(&x->fake, &end, sizeof(end));
	fake__sleeps(&x->fake, key, 501, 1, 30, 0);
	interval(x);
	l = lock_at(x->s, HEAP);
	assert_int_equal(l->kind, KIND_SEM);
	assert_int_equal(l->n_holders, 1);
	assert_int_equal(l->holders[0].thread->tid, 4712);
	assert_int_equal(l->holders[0].proof, PROOF_LAST_WAKER);
	assert_true(l->holders[0].share == 1);
	assert_true(l->holders[0].wait_ns == 30 * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_holders),
		TEST(test_weighing),
		TEST(test_inferred),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
