// SPDX-License-Identifier: GPL-2.0-only
/* Evidence and pace of looks. Owners: test_looks_owners.c; deadlocks and chains:
 * test_looks_chains.c. */
#include "looks_fixture.h"

/* What the owner did at each look is the interval's evidence; it begins anew with the next one. */
static void test_evidence(void **state)
{
	static const struct {
		enum thread_state state;
		int syscall;
	} rows[] = { { STATE_RUNNING, -1 }, { STATE_RUNNABLE, -1 }, { STATE_SLEEPING, 0 },
		     { STATE_SLEEPING, 0 }, { STATE_BLOCKED, 74 },  { STATE_SLEEPING, 0 } };
	struct fixture *x = *state;
	struct holding *h = hold__begin(&mutex_calls, A);
	struct lock_key key = mutex_key(A);
	struct look_lock *l;

	wait_for(x, A, 501);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		fake__thread(&x->fake, getpid(), h->tid, rows[i].state)->syscall = rows[i].syscall;
		look(x);
	}
	hold__end(h);
	look(x);
	l = lock_of(x, mutex_key(A));
	assert_int_equal(l->looks.n, ARRAY_SIZE(rows) + 1);
	assert_int_equal(l->looks.owned, ARRAY_SIZE(rows));
	assert_int_equal(l->looks.state[STATE_RUNNING], 1);
	assert_int_equal(l->looks.state[STATE_RUNNABLE], 1);
	assert_int_equal(l->looks.state[STATE_SLEEPING], 3);
	assert_int_equal(l->looks.state[STATE_BLOCKED], 1);
	assert_int_equal(l->calls[0].nr, 0);
	assert_int_equal(l->calls[0].n, 3);
	assert_int_equal(l->calls[1].nr, 74);
	assert_int_equal(l->calls[1].n, 1);
	looks__next_interval(x->looks);
	l = lock_of(x, mutex_key(A));
	assert_int_equal(l->looks.n + l->looks.owned + l->calls[0].n, 0);
	looks__next_interval(x->looks); /* nobody waited through a whole interval: forgotten */
	assert_null(looks__lock(x->looks, &key));
}

/* Threads that were woken and do not run yet wait for a CPU, not for the lock. */
static void test_woken(void **state)
{
	struct fixture *x = *state;
	struct look_lock *l;

	wait_for(x, A, 501)->woken_ns = x->fake.now_ns;
	look(x);
	l = lock_of(x, mutex_key(A));
	assert_int_equal(l->waiters, 0);
	assert_int_equal(l->looks.n, 0);
	assert_int_equal(l->oldest_tid, 501);
}

/* How long an owner has done what it does: as long as it did not run, and no longer. */
static void test_since(void **state)
{
	struct fixture *x = *state;
	struct holding *h = hold__begin(&mutex_calls, A);
	struct thread_look *row;
	struct look_thread *t;
	uint64_t first;

	wait_for(x, A, 501);
	row = fake__thread(&x->fake, getpid(), h->tid, STATE_SLEEPING);
	first = row->time_ns;
	look(x);
	t = looks__thread(x->looks, h->tid);
	assert_true(t->since_ns == 0);
	for (int i = 0; i < 3; i++) {
		row->time_ns += LOOK_MS * MS;
		look(x);
		assert_true(t->since_ns == first);
	}
	row->switches++;
	look(x);
	assert_true(t->since_ns == 0);
	wait_for(x, B, h->tid)->start_ns = 77 * MS; /* of a waiting one its sleep says it */
	row->state = STATE_WAITING;
	look(x);
	assert_true(t->waits && t->since_ns == 77 * MS);
	assert_true(t->waits_for.addr == (uintptr_t)B);
	hold__end(h);
}

/*
 * The time since the look before is charged to who holds now, for each that waits; the first look
 * has none before it, and one that comes late stands for no more than two seconds.
 */
static void test_charge(void **state)
{
	struct fixture *x = *state;
	struct holding *h = hold__begin(&mutex_calls, A);
	struct lock_key key = mutex_key(A);
	const struct holders *charged = &samples__key(x->samples, &key)->holders;

	wait_for(x, A, 501);
	wait_for(x, A, 502);
	fake__thread(&x->fake, getpid(), h->tid, STATE_SLEEPING);
	look(x);
	assert_int_equal(charged->n, 1);
	assert_int_equal(charged->items[0].wait_ns, 0);
	look(x);
	assert_int_equal(charged->items[0].tid, h->tid);
	assert_int_equal(charged->items[0].source, HELD_AT_LOOKS);
	assert_int_equal(charged->items[0].samples, 2);
	assert_int_equal(charged->items[0].wait_ns, 2 * LOOK_MS * MS);
	x->fake.maps.open[1].woken_ns = x->fake.now_ns; /* it waits for a CPU only */
	look(x);
	assert_int_equal(charged->items[0].wait_ns, 3 * LOOK_MS * MS);
	x->fake.now_ns += 60 * NSEC_PER_SEC;
	look(x);
	assert_int_equal(charged->items[0].wait_ns, 3 * LOOK_MS * MS + 2 * NSEC_PER_SEC);
	x->fake.maps.n_open = 0; /* nobody waits: it costs nobody anything */
	look(x);
	assert_int_equal(charged->items[0].samples, 4);
	hold__end(h);
	wait_for(x, A, 501);
	look(x); /* nobody holds it */
	assert_int_equal(charged->n, 1);
	assert_int_equal(charged->items[0].samples, 4);
	assert_int_equal(charged->items[0].wait_ns, 3 * LOOK_MS * MS + 2 * NSEC_PER_SEC);
}

/* What is not in scope, or stands for many locks, is waited for by nobody, whoever holds it. */
static void test_left_out(void **state)
{
	struct fixture *x = *state;
	struct holding *h = hold__begin(&mutex_calls, A);
	struct lock_key by_site = mutex_key(A), foreign = mutex_key(A);

	samples__key(x->samples, &by_site)->verdict.by_site = true;
	fake__thread(&x->fake, getpid(), h->tid, STATE_RUNNING);
	wait_for(x, A, 501);
	foreign.gen++; /* a process that was not seen before */
	fake__open(&x->fake, foreign, 502, 1000);
	x->options.comm = "made-up-*";
	look(x);
	assert_int_equal(lock_of(x, by_site)->waiters, 0);
	assert_int_equal(lock_of(x, by_site)->looks.n, 0);
	assert_int_equal(lock_of(x, by_site)->n_roots, 0);
	assert_int_equal(lock_of(x, foreign)->waiters, 0);
	assert_int_equal(lock_of(x, foreign)->looks.n, 0);
	assert_int_equal(x->fake.n_sampled, 0);
	hold__end(h);
}

/* A source that can do nothing of this is fine: then nothing is known, and nobody is dead. */
static void test_plain_source(void **state)
{
	struct fixture *x = *state;
	struct holding *h = hold__begin(&mutex_calls, A);

	x->fake.source.ops = &fake_ops;
	make_sure(x, mutex_key(A));
	wait_for(x, A, 501);
	assert_int_equal(looks__now(x->looks, NULL), -ENOTSUP);
	assert_true(looks__tick(x->looks, util__monotonic_ns()) == UINT64_MAX);
	for (int i = 0; i < 3; i++)
		end_interval(x);
	assert_int_equal(lock_of(x, mutex_key(A))->waiters, 1);
	assert_int_equal(lock_of(x, mutex_key(A))->owner, 0);
	assert_int_equal(lock_of(x, mutex_key(A))->died, 0);
	hold__end(h);
}

/* Looks come no more often than ten times a second, and say when the next one is due. */
static void test_pace(void **state)
{
	struct fixture *x = *state;
	uint64_t now, left;

	wait_for(x, A, 501);
	end_interval(x);
	end_interval(x);
	now = util__monotonic_ns();
	left = looks__tick(x->looks, now);
	assert_true(left > 50 * MS && left != UINT64_MAX);
	assert_int_equal(x->fake.looks_taken, 0);
	while (util__monotonic_ns() < now + left)
		usleep(1000);
	now = util__monotonic_ns();
	left = looks__tick(x->looks, now);
	assert_true(left >= LOOK_MS * MS && left != UINT64_MAX);
	assert_int_equal(x->fake.looks_taken, 1);
	for (int i = 0; i < 20; i++)
		looks__tick(x->looks, now + left - 1);
	assert_int_equal(x->fake.looks_taken, 1);
	x->fake.look_err = -EIO; /* one that fails is not tried for ever */
	looks__tick(x->looks, now + 100 * NSEC_PER_SEC);
	assert_true(looks__tick(x->looks, now + 200 * NSEC_PER_SEC) == UINT64_MAX);
}

#define SLOW_MS 5

static void work(void)
{
	uint64_t end = util__cpu_ns() + SLOW_MS * MS;

	while (util__cpu_ns() < end)
		;
}

static void look_slowly(struct fake *f)
{
	(void)f;
	work();
}

static void sample_slowly(struct source *s, const uint64_t *keys, const struct held_word *words,
			  size_t n, uint64_t period_ns)
{
	fake_sample(s, keys, words, n, period_ns);
	work();
}

/* What asking costs spaces looks, so that they take half a percent of a CPU; stacks do not count.
 */
static void test_cost(void **state)
{
	struct fixture *x = *state;
	struct holding *h = hold__begin(&mutex_calls, A);
	struct source_ops slow = fake_watching_ops;

	slow.sample = sample_slowly;
	x->fake.source.ops = &slow;
	wait_for(x, A, 501);
	fake__thread(&x->fake, getpid(), h->tid, STATE_RUNNING);
	look(x);
	assert_int_equal(x->fake.n_sampled, 1);
	assert_true(looks__tick(x->looks, util__monotonic_ns()) < 200 * SLOW_MS * MS);
	x->fake.on_look = look_slowly;
	look(x);
	assert_true(looks__tick(x->looks, util__monotonic_ns()) > 190 * SLOW_MS * MS);
	x->fake.on_look = NULL;
	end_interval(x);
	end_interval(x);
	assert_true(looks__tick(x->looks, util__monotonic_ns()) < 190 * SLOW_MS * MS);
	x->fake.look_cost_ns = SLOW_MS * MS;
	end_interval(x);
	assert_true(looks__tick(x->looks, util__monotonic_ns()) > 190 * SLOW_MS * MS);
	hold__end(h);
}

static struct holding *holding;

/* The owner lets go between the reading of its lock's word and the question what it does. */
static int threads_late(struct source *s, const uint64_t *keys, size_t n,
			const struct thread_look **ret, size_t *n_ret)
{
	if (holding)
		hold__end(holding);
	holding = NULL;
	return fake_threads(s, keys, n, ret, n_ret);
}

/* Who let go before it fell asleep does not sleep with the lock. */
static void test_moved(void **state)
{
	struct fixture *x = *state;
	struct source_ops late = fake_watching_ops;
	struct look_lock *l;

	late.threads = threads_late;
	x->fake.source.ops = &late;
	holding = hold__begin(&mutex_calls, A);
	wait_for(x, A, 501);
	fake__thread(&x->fake, getpid(), holding->tid, STATE_SLEEPING);
	look(x);
	l = lock_of(x, mutex_key(A));
	assert_int_equal(l->looks.owned, 1);
	assert_int_equal(l->looks.state[STATE_SLEEPING], 0);
	assert_int_equal(l->looks.state[STATE_RUNNING], 1);
}

/* Where next to nothing is waited for, or only idly, none come at all. */
static void test_not_busy(void **state)
{
	struct lock_key cond = fake__key(getpid(), (uintptr_t)A + 40, SIG_COND);
	uint64_t far = util__monotonic_ns() + 1000 * NSEC_PER_SEC;
	struct fixture *x = *state;

	end_interval(x);
	fake__sleeps(&x->fake, mutex_key(A), 501, 3, 9, 0); /* 9 ms of a second */
	fake__open(&x->fake, cond, 502, 1000);
	end_interval(x);
	assert_true(looks__tick(x->looks, far) == UINT64_MAX);
	assert_int_equal(x->fake.looks_taken, 0);
	fake__sleeps(&x->fake, mutex_key(A), 501, 3, 11, 0);
	end_interval(x);
	looks__tick(x->looks, far);
	assert_int_equal(x->fake.looks_taken, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_evidence), TEST(test_woken),	      TEST(test_since), TEST(test_charge),
		TEST(test_left_out), TEST(test_plain_source), TEST(test_pace),	TEST(test_cost),
		TEST(test_moved),    TEST(test_not_busy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
