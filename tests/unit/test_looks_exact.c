// SPDX-License-Identifier: GPL-2.0-only
/* Looks with the exact tier: owners of locks that record none, and threads that spin. */
#include "looks_fixture.h"

#define SEM	0x7f0000001000ULL
#define OTHER	0x7f0000002000ULL
#define SIG_SEM SIGNATURE(0x189, VALUE_0)

/* A thread that waits for a semaphore, as a stack has told. */
static struct lock_key wait_sem(struct fixture *x, uint64_t address, uint32_t tid)
{
	struct lock_key key = fake__key(getpid(), address, SIG_SEM);
	struct sample_key *k = samples__key(x->samples, &key);

	fake__open(&x->fake, key, tid, 1000)->sequence = 1;
	k->verdict = (struct kind_verdict){ .kind = KIND_SEM, .sure = true };
	return key;
}

/* Taken once more than it was let go, by that thread. */
static struct exact_stats *take_sem(struct fixture *x, uint64_t address, uint32_t tid)
{
	struct exact_stats *s = fake__exact(&x->fake, getpid(), address, OP_SEM_WAIT);

	s->calls = s->releases + 1;
	s->owner = tid;
	return s;
}

/* Who took a semaphore last holds it, as long as it lives and nobody else can. */
static void test_sem_owner(void **state)
{
	struct fixture *x = *state;
	struct lock_key key = wait_sem(x, SEM, 501);
	struct exact_stats *s = take_sem(x, SEM, 502);

	fake__thread(&x->fake, getpid(), 502, STATE_SLEEPING);
	look(x);
	assert_int_equal(lock_of(x, key)->owner, 502);
	assert_int_equal(lock_of(x, key)->proof, PROOF_EXACT);
	assert_true(lock_of(x, key)->number_at == 0);
	assert_int_equal(lock_of(x, key)->looks.owned, 1);
	s->calls++; /* taken twice: it counts, and who lets go is anybody's guess */
	look(x);
	assert_int_equal(lock_of(x, key)->owner, 0);
	s->calls--;
	s->owner = 0;
	look(x);
	assert_int_equal(lock_of(x, key)->owner, 0);
	s->owner = 502;
	fake__thread(&x->fake, getpid(), 502, STATE_EXITED);
	look(x);
	assert_int_equal(lock_of(x, key)->owner, 0);
	fake__thread(&x->fake, getppid(), 502, STATE_SLEEPING); /* another process's by now */
	look(x);
	assert_int_equal(lock_of(x, key)->owner, 0);
}

/* A slot that is taken to be filled is let go by its reader: who filled it last may wait for it. */
static void test_sem_handed_over(void **state)
{
	struct fixture *x = *state;
	struct lock_key key = wait_sem(x, SEM, 501);

	wait_sem(x, SEM, 502);
	take_sem(x, SEM, 501);
	fake__thread(&x->fake, getpid(), 501, STATE_WAITING);
	look(x);
	look(x);
	assert_int_equal(lock_of(x, key)->owner, 0);
	assert_int_equal(looks__deadlocks(x->looks)->n, 0);
}

/* Of memory that processes share, each one's calls are only a part. */
static void test_sem_shared(void **state)
{
	struct fixture *x = *state;
	struct lock_key key = wait_sem(x, SEM, 501), shared = key;
	struct sample_key *k;

	shared.signature = SIGNATURE(0x109, VALUE_0);
	k = samples__key(x->samples, &shared);
	k->verdict = samples__key(x->samples, &key)->verdict;
	x->fake.maps.open[0].key = shared;
	take_sem(x, SEM, 502);
	fake__thread(&x->fake, getpid(), 502, STATE_SLEEPING);
	look(x);
	assert_int_equal(lock_of(x, shared)->owner, 0);
}

/* Each holds what the other wants, and no word of memory says so. */
static void test_sem_deadlock(void **state)
{
	struct fixture *x = *state;

	wait_sem(x, SEM, 501);
	wait_sem(x, OTHER, 502);
	take_sem(x, SEM, 502);
	take_sem(x, OTHER, 501);
	fake__thread(&x->fake, getpid(), 501, STATE_WAITING);
	fake__thread(&x->fake, getpid(), 502, STATE_WAITING);
	look(x);
	assert_false(looks__deadlocks(x->looks)->items[0].confirmed);
	look(x);
	assert_int_equal(looks__deadlocks(x->looks)->n, 1);
	assert_true(looks__deadlocks(x->looks)->items[0].confirmed);
}

/* Where a lock's own word says who holds it, calls say nothing. */
static void test_word_decides(void **state)
{
	struct fixture *x = *state;
	struct holding *h = hold__begin(&mutex_calls, A);
	struct exact_stats *s = fake__exact(&x->fake, getpid(), (uintptr_t)A, OP_MUTEX_LOCK);

	wait_for(x, A, 501);
	wait_for(x, B, 503);
	s->owner = 502;
	fake__exact(&x->fake, getpid(), (uintptr_t)B, OP_MUTEX_LOCK)->owner = 502;
	fake__thread(&x->fake, getpid(), 502, STATE_SLEEPING);
	fake__thread(&x->fake, getpid(), h->tid, STATE_SLEEPING);
	look(x);
	assert_int_equal(lock_of(x, mutex_key(A))->owner, h->tid);
	assert_int_equal(lock_of(x, mutex_key(A))->proof, PROOF_LOCK_WORD);
	assert_int_equal(lock_of(x, mutex_key(B))->owner, 0); /* it is free */
	hold__end(h);
}

/* musl's normal mutexes have a word that names nobody: there, calls do. */
static void test_silent_word(void **state)
{
	struct fixture *x = *state;
	static const uint32_t normal[8] = { 0, 16, 1 }; /* type, lock, waiters */
	static const uint32_t recursive[8] = { 1, 0, 1 };
	const uint32_t *words[] = { normal, recursive };

	fake__thread(&x->fake, getpid(), 502, STATE_SLEEPING);
	for (int i = 0; i < 2; i++) {
		struct lock_key key =
			fake__key(getpid(), (uintptr_t)words[i] + 4, SIGNATURE(0x80, VALUE_TOP));

		fake__open(&x->fake, key, 501 + 2 * i, 1000);
		fake__exact(&x->fake, getpid(), (uintptr_t)words[i], OP_MUTEX_LOCK)->owner = 502;
		look(x);
		assert_int_equal(lock_of(x, key)->owner, i ? 0 : 502);
	}
}

/*
 * Two calls came to a free mutex at once, and both are taken for its owner's: who waits for it
 * while no call found it taken does not hold it. Who comes back to what it holds finds it taken.
 */
static void test_both_free(void **state)
{
	static const uint32_t words[8] = { 0, 16, 1 }; /* of musl, as above */
	struct lock_key key = fake__key(getpid(), (uintptr_t)words + 4, SIGNATURE(0x80, VALUE_TOP));
	struct fixture *x = *state;
	struct exact_stats *stats =
		fake__exact(&x->fake, getpid(), (uintptr_t)words, OP_MUTEX_LOCK);

	stats->owner = 501;
	fake__open(&x->fake, key, 501, 1000);
	fake__thread(&x->fake, getpid(), 501, STATE_WAITING);
	look(x);
	assert_int_equal(lock_of(x, key)->owner, 0);
	stats->waiting = 1;
	look(x);
	assert_int_equal(lock_of(x, key)->owner, 501);
}

/* Without the tier nobody is asked. */
static void test_without(void **state)
{
	struct fixture *x = *state;
	struct lock_key key = wait_sem(x, SEM, 501);

	fake__thread(&x->fake, getpid(), 502, STATE_SLEEPING);
	look(x);
	assert_int_equal(lock_of(x, key)->owner, 0);
	assert_int_equal(lock_of(x, key)->taker, 0);
}

/* A thread that spins waits for the lock of its calls; it has no figures of sleeps. */
static void test_spinning(void **state)
{
	struct fixture *x = *state;
	struct lock_key key = fake__key(getpid(), OTHER, OP_EXACT | OP_SPIN_LOCK);
	struct lock_key sem = wait_sem(x, SEM, 502);
	struct look_thread *t;

	fake__exact(&x->fake, getpid(), OTHER, OP_SPIN_LOCK)->owner = 502;
	take_sem(x, SEM, 503);
	fake__spin(&x->fake, getpid(), OTHER, 501, x->fake.now_ns);
	fake__thread(&x->fake, getpid(), 501, STATE_RUNNING);
	fake__thread(&x->fake, getpid(), 502, STATE_WAITING);
	fake__thread(&x->fake, getpid(), 503, STATE_SLEEPING);
	look(x);
	assert_int_equal(lock_of(x, key)->waiters, 1);
	assert_int_equal(lock_of(x, key)->owner, 502);
	assert_int_equal(lock_of(x, key)->proof, PROOF_EXACT);
	/* a chain: 501 spins behind 502, who sleeps behind 503 */
	assert_int_equal(lock_of(x, key)->n_roots, 1);
	assert_memory_equal(&lock_of(x, key)->roots[0].key, &sem, sizeof(sem));
	t = looks__thread(x->looks, 501);
	assert_non_null(t);
	assert_true(t->waits);
	assert_int_equal(t->spins_ns, x->fake.maps.spinning[0].start_ns);
	assert_memory_equal(&t->waits_for, &key, sizeof(key));
	assert_int_equal(looks__thread(x->looks, 502)->spins_ns, 0);
	assert_int_equal(samples__key(x->samples, &key)->sites.n, 0);
	x->fake.maps.n_spinning = 0;
	look(x);
	assert_int_equal(lock_of(x, key)->waiters, 0);
	look(x);
	t = looks__thread(x->looks, 501);
	assert_false(t->present);
}

/* A thread that spins for what it holds itself never gets it; one whose call is another does. */
static void test_spin_deadlock(void **state)
{
	struct fixture *x = *state;

	fake__exact(&x->fake, getpid(), OTHER, OP_SPIN_LOCK)->owner = 501;
	fake__spin(&x->fake, getpid(), OTHER, 501, x->fake.now_ns);
	fake__thread(&x->fake, getpid(), 501, STATE_RUNNING);
	look(x);
	x->fake.maps.spinning[0].sequence++;
	look(x);
	assert_false(looks__deadlocks(x->looks)->items[0].confirmed);
	look(x);
	assert_true(looks__deadlocks(x->looks)->items[0].confirmed);
}

/* Looks go on between intervals while threads spin, though nobody sleeps. */
static void test_busy(void **state)
{
	struct fixture *x = *state;

	end_interval(x);
	assert_true(looks__tick(x->looks, UINT64_MAX - 1) == UINT64_MAX);
	fake__spin(&x->fake, getpid(), OTHER, 501, x->fake.now_ns);
	end_interval(x);
	assert_true(looks__tick(x->looks, 0) < UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sem_owner),	 TEST(test_sem_handed_over),
		TEST(test_sem_shared),	 TEST(test_sem_deadlock),
		TEST(test_word_decides), TEST(test_silent_word),
		TEST(test_both_free),	 TEST(test_without),
		TEST(test_spinning),	 TEST(test_spin_deadlock),
		TEST(test_busy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
