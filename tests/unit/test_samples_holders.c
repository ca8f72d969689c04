// SPDX-License-Identifier: GPL-2.0-only
/* Samples to those who held the lock meanwhile. */
#include "samples_fixture.h"

#include <semaphore.h>

#define OBJECT (HEAP + 65536) /* not on the made-up stack */

static const struct lock_holder *holder_of(const struct sample_key *k, pid_t tid)
{
	for (size_t i = 0; i < k->holders.n; i++)
		if (k->holders.items[i].tid == tid)
			return &k->holders.items[i];
	return NULL;
}

/* The words that came with a sleep say who held the lock; the sleep is charged to that thread. */
static void test_holder(void **state)
{
	struct fixture *x = *state;
	struct lock_key key = fake__key(getpid(), OBJECT, SIG_MUTEX);
	struct sample_key *k = samples__key(x->samples, &key);
	union event waiter = event_at(EVENT_WAITER_STACK, 1, key, pthread_mutex_lock);
	union event waker = event_at(EVENT_WAKER_STACK, 1, key, pthread_mutex_unlock);
	const uint32_t words[8] = { 2, 0, 4711, 1 };

	waiter.e.words = WORDS_HAVE_AFTER;
	memcpy(waiter.e.after, words, sizeof(words));
	send(x, &waiter);
	send(x, &waker); /* it records its owner: who woke the sleeper says less */
	send_end(x, 1, 30, 4);
	assert_int_equal(k->holders.n, 1);
	assert_int_equal(holder_of(k, 4711)->source, HELD_AT_START);
	assert_int_equal(holder_of(k, 4711)->wait_ns, 34);
	assert_int_equal(holder_of(k, 4711)->samples, 1);
	samples__next_interval(x->samples);
	assert_int_equal(holder_of(k, 4711)->wait_ns, 0);
	assert_int_equal(holder_of(k, 4711)->samples, 0);
}

/* Of a lock that records nobody, the thread that let the sleeper go is blamed. */
static void test_last_waker(void **state)
{
	struct fixture *x = *state;
	struct lock_key key = fake__key(getpid(), OBJECT, SIG_COND);
	struct sample_key *k = samples__key(x->samples, &key);
	union event waiter = event_at(EVENT_WAITER_STACK, 1, key, sem_wait);
	union event waker = event_at(EVENT_WAKER_STACK, 1, key, sem_post);

	waker.e.tid = 4712;
	send(x, &waiter);
	send(x, &waker);
	send_end(x, 1, 30, 4);
	assert_int_equal(k->verdict.kind, KIND_SEM);
	assert_int_equal(k->holders.n, 1);
	assert_int_equal(holder_of(k, 4712)->source, HELD_BY_WAKER);
	assert_int_equal(holder_of(k, 4712)->wait_ns, 34);
}

/* A sampled wait is charged to who held the lock at its start as it goes on, each part once. */
static void test_holder_of_open(void **state)
{
	struct fixture *x = *state;
	struct lock_key key = fake__key(getpid(), OBJECT, SIG_MUTEX);
	struct open_sleep o = { .key = key, .start_ns = NOW, .sample_id = 1 };
	union event e = event_at(EVENT_WAITER_STACK, 1, key, pthread_mutex_lock);
	struct sample_key *k = samples__key(x->samples, &key);
	const uint32_t words[8] = { 2, 0, 4711, 1 };

	e.e.words = WORDS_HAVE_AFTER;
	memcpy(e.e.after, words, sizeof(words));
	send(x, &e);
	samples__open(x->samples, k, &o, NOW + 100);
	samples__open(x->samples, k, &o, NOW + 300);
	assert_int_equal(holder_of(k, 4711)->wait_ns, 300);
	assert_int_equal(holder_of(k, 4711)->samples, 1);
	send_end(x, 1, 1500, 0);
	assert_int_equal(k->holders.n, 1);
	assert_int_equal(holder_of(k, 4711)->source, HELD_AT_START);
	assert_int_equal(holder_of(k, 4711)->wait_ns, 1500);
	assert_int_equal(holder_of(k, 4711)->samples, 1);
	assert_int_equal(sites_of(k)[0].wait_ns, 1500);
}

/* A wait of which nobody knows who held the lock at its start is charged to nobody. */
static void test_no_holder(void **state)
{
	struct fixture *x = *state;
	struct lock_key key = fake__key(getpid(), OBJECT, SIG_MUTEX);
	struct open_sleep o = { .key = key, .start_ns = NOW, .sample_id = 1 };
	union event e = event_at(EVENT_WAITER_STACK, 1, key, pthread_mutex_lock);
	struct sample_key *k = samples__key(x->samples, &key);

	send(x, &e);
	samples__open(x->samples, k, &o, NOW + 100);
	send_end(x, 1, 1500, 0);
	assert_int_equal(k->holders.n, 0);
	assert_int_equal(sites_of(k)[0].wait_ns, 1500);
}

/* What a holder does is a site of its own role; the stack stays the caller's. */
static void test_held(void **state)
{
	struct fixture *x = *state;
	struct lock_key key = fake__key(getpid(), OBJECT, SIG_MUTEX);
	struct frame frames[] = { { .function = "compute", .offset = 1 } };
	struct named_stack stack = { .frames = frames, .n_frames = 1, .hash = 99 };
	struct sample_key *k = samples__key(x->samples, &key);

	stack.callers.where = stack.callers.at = -1;
	samples__held(x->samples, &key, &stack, 70, true, NOW);
	samples__held(x->samples, &key, &stack, 30, false, NOW);
	samples__held(x->samples, &key, &stack, 5, true, NOW);
	assert_int_equal(n_sites(k), 1);
	assert_int_equal(sites_of(k)[0].role, ROLE_HOLDER);
	assert_int_equal(sites_of(k)[0].samples, 2);
	assert_int_equal(sites_of(k)[0].wait_ns, 105);
	assert_ptr_not_equal(sites_of(k)[0].frames, frames);
	assert_string_equal(sites_of(k)[0].frames[0].function, "compute");
	assert_false(k->has_stack); /* it says nothing of how the lock is waited for */
	stack.frames = NULL;	    /* nothing could be unwound */
	stack.n_frames = 0;
	stack.hash = 0;
	samples__held(x->samples, &key, &stack, 1, true, NOW);
	assert_int_equal(n_sites(k), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_holder),    TEST(test_last_waker), TEST(test_holder_of_open),
		TEST(test_no_holder), TEST(test_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
