// SPDX-License-Identifier: GPL-2.0-only
/* Samples of the exact tier -> holder sites, and names of locks that nobody ever slept on. */
#include "samples_fixture.h"

#include <semaphore.h>
#include <string.h>

#define OBJECT (HEAP + 65536)
#define TAKER  0x80000001

static struct lock_key exact_key(enum exact_op family)
{
	return fake__key(getpid(), OBJECT, SIGNATURE(OP_EXACT | family, 0));
}

static void send_hold(struct fixture *x, uint32_t id, uint64_t hold_ns)
{
	struct end_event end = { .type = EVENT_HOLD_END, .sample_id = id, .blocked_ns = hold_ns };

	samples__event(x->samples, &end, sizeof(end));
}

/* A call to `function` from a function of this file: its frame, then ours. */
static union event call_at(enum event_type type, uint32_t id, struct lock_key key, void *function,
			   void *caller)
{
	union event event = event_at(type, id, key, function);
	uint64_t frame[2] = { (uintptr_t)caller + 1, 0 };

	memcpy(event.e.stack, frame, sizeof(frame)); /* entered, and nothing pushed yet */
	return event;
}

static struct sample_key *taken_from(struct fixture *x, uint32_t id, enum exact_op family,
				     void *function, void *caller)
{
	struct lock_key key = exact_key(family);
	union event e = call_at(EVENT_TAKER_STACK, id, key, function, caller);

	send(x, &e);
	return samples__key(x->samples, &key);
}

/* Places that locks are taken from, of different names. */
static void alpha(void)
{
	__asm__ volatile("nop; nop; nop; nop");
}

static void beta(void)
{
	__asm__ volatile("nop; nop; nop; nop; nop");
}

/* Where it was taken is a holder's site, which its hold is credited to when it ends. */
static void test_holder_site(void **state)
{
	struct fixture *x = *state;
	struct sample_key *k = taken_from(x, TAKER, OP_MUTEX_LOCK, pthread_mutex_lock, alpha);

	assert_int_equal(n_sites(k), 1);
	assert_int_equal(sites_of(k)[0].role, ROLE_HOLDER);
	assert_int_equal(sites_of(k)[0].samples, 1);
	assert_int_equal(sites_of(k)[0].wait_ns, 0);
	assert_int_equal(k->verdict.kind, KIND_MUTEX);
	send_hold(x, TAKER, 70);
	assert_int_equal(sites_of(k)[0].wait_ns, 70);
	send_hold(x, TAKER, 70); /* over */
	send_hold(x, 99, 70);	 /* never begun */
	assert_int_equal(sites_of(k)[0].all_wait_ns, 70);
	assert_int_equal(k->holders.n, 0); /* nobody waited */
}

/* A hold may last for many intervals. */
static void test_long_hold(void **state)
{
	struct fixture *x = *state;
	struct sample_key *k = taken_from(x, TAKER, OP_MUTEX_LOCK, pthread_mutex_lock, alpha);
	struct lock_key key = k->key;

	for (int i = 0; i < 200; i++) {
		samples__next_interval(x->samples);
		k = samples__key(x->samples, &key); /* it is still used */
	}
	send_hold(x, TAKER, 200 * NSEC_PER_SEC);
	assert_int_equal(sites_of(k)[0].wait_ns, 200 * NSEC_PER_SEC);
}

/* Keys that no figures come of are not kept: no reading ever forgets them. */
static void test_unused(void **state)
{
	struct fixture *x = *state;
	struct sample_key *k = taken_from(x, TAKER, OP_MUTEX_LOCK, pthread_mutex_lock, alpha);
	struct lock_key key = k->key;

	for (int i = 0; i < 100; i++)
		samples__next_interval(x->samples);
	assert_int_equal(n_sites(samples__key(x->samples, &key)), 0);
}

/* A lock on the heap is called after the place that holds it most, however short the waits. */
static void test_name(void **state)
{
	struct fixture *x = *state;
	struct sample_key *k = taken_from(x, TAKER, OP_MUTEX_LOCK, pthread_mutex_lock, alpha);

	taken_from(x, TAKER + 1, OP_MUTEX_LOCK, pthread_mutex_lock, beta);
	assert_int_equal(n_sites(k), 2);
	send_hold(x, TAKER, 10);
	send_hold(x, TAKER + 1, 500);
	samples__name(x->samples, k, NOW);
	assert_string_equal(k->name, "heap lock at beta+0x0");
	assert_string_equal(k->name_from, "site");
	assert_string_equal(k->where, "beta");
}

/* Semaphores are let go by others: their samples have no end, but name them all the same. */
static void test_sem(void **state)
{
	struct fixture *x = *state;
	struct sample_key *k = taken_from(x, TAKER, OP_SEM_WAIT, sem_wait, alpha);

	send_hold(x, TAKER, 5); /* nobody waits for it */
	assert_int_equal(sites_of(k)[0].wait_ns, 0);
	assert_int_equal(k->verdict.kind, KIND_SEM);
	samples__name(x->samples, k, NOW);
	assert_string_equal(k->name, "heap lock at alpha+0x0");
}

/* A destroyed lock's address is another lock by now: what came before this interval is dropped. */
static void test_begin_anew(void **state)
{
	struct fixture *x = *state;
	struct sample_key *k = taken_from(x, TAKER, OP_MUTEX_LOCK, pthread_mutex_lock, alpha);

	send_hold(x, TAKER, 1000);
	holders__credit(&k->holders, 5, HELD_BY_CALLS, 10, true);
	samples__name(x->samples, k, NOW);
	samples__next_interval(x->samples);
	taken_from(x, TAKER + 1, OP_MUTEX_LOCK, pthread_mutex_lock, beta);
	send_hold(x, TAKER + 1, 10);
	samples__begin_anew(k);
	assert_null(k->name);
	assert_int_equal(n_sites(k), 1);
	assert_int_equal(sites_of(k)[0].all_wait_ns, 10);
	assert_int_equal(k->holders.n, 0);
	samples__name(x->samples, k, NOW);
	assert_string_equal(k->name, "heap lock at beta+0x0");
}

/* What holders do while others wait weighs waits: it is not mixed with holds. */
static void test_one_unit(void **state)
{
	struct fixture *x = *state;
	struct lock_key key = exact_key(OP_SPIN_LOCK);
	struct named_stack stack = { .hash = 9 };

	stack.callers.where = stack.callers.at = -1;
	samples__held(x->samples, &key, &stack, 70, true, NOW);
	assert_int_equal(n_sites(samples__key(x->samples, &key)), 0);
}

/* Events that are cut short, or of no lock of the exact tier, are dropped. */
static void test_malformed(void **state)
{
	struct fixture *x = *state;
	struct lock_key futex = fake__key(getpid(), OBJECT, SIG_MUTEX), key = exact_key(OP_ONCE);
	union event e = event_at(EVENT_TAKER_STACK, TAKER, futex, alpha);
	struct end_event end = { .type = EVENT_HOLD_END, .sample_id = TAKER };

	send(x, &e);
	assert_int_equal(n_sites(samples__key(x->samples, &futex)), 0);
	e.e.key = key;
	samples__event(x->samples, &e, sizeof(e.e) - 1);
	e.e.stack_len++;
	samples__event(x->samples, &e, sizeof(e));
	samples__event(x->samples, &end, sizeof(end) - 1);
	assert_int_equal(n_sites(samples__key(x->samples, &key)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_holder_site), TEST(test_long_hold), TEST(test_unused),
		TEST(test_name),	TEST(test_sem),	      TEST(test_begin_anew),
		TEST(test_one_unit),	TEST(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
