// SPDX-License-Identifier: GPL-2.0-only
/* Owners, evidence and pace of looks. Deadlocks and chains: test_looks_chains.c. */
#include "looks_fixture.h"

#include <sys/mman.h>
#include <sys/wait.h>

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;

/* A lock that a thread holds names that thread, with what it does. */
static void test_owner(void **state)
{
	struct fixture *x = *state;
	struct holding *h = hold__begin(&mutex_calls, A);
	struct look_lock *l;

	wait_for(x, A, 501);
	wait_for(x, A, 502)->start_ns -= MS;
	fake__thread(&x->fake, getpid(), h->tid, STATE_RUNNING);
	look(x);
	l = lock_of(x, mutex_key(A));
	assert_int_equal(l->owner, h->tid);
	assert_int_equal(l->number, h->tid);
	assert_true(l->number_at == (uintptr_t)A + 8);
	assert_int_equal(l->waiters, 2);
	assert_int_equal(l->oldest_tid, 502);
	assert_int_equal(l->readers, -1);
	assert_int_equal(l->died, 0);
	assert_int_equal(looks__thread(x->looks, h->tid)->now.state, STATE_RUNNING);
	assert_false(looks__thread(x->looks, h->tid)->waits);
	assert_int_equal(x->fake.n_watched, 1); /* the owner alone: who waits is known */
	hold__end(h);
	look(x);
	assert_int_equal(l->owner, 0);
	assert_true(looks__time(x->looks) == x->fake.now_ns);
}

/* A number that belongs to a thread of another process is no owner of a private lock. */
static void test_foreign_owner(void **state)
{
	struct fixture *x = *state;
	struct holding *h = hold__begin(&mutex_calls, A);

	wait_for(x, A, 501);
	fake__thread(&x->fake, getppid(), h->tid, STATE_RUNNING);
	look(x);
	assert_int_equal(lock_of(x, mutex_key(A))->owner, 0);
	fake__thread(&x->fake, getpid(), h->tid, STATE_EXITED);
	look(x);
	assert_int_equal(lock_of(x, mutex_key(A))->owner, 0);
	fake__thread(&x->fake, getpid(), h->tid, STATE_SLEEPING);
	look(x);
	assert_int_equal(lock_of(x, mutex_key(A))->owner, h->tid);
	hold__end(h);
}

static pid_t child_holds(pthread_mutex_t *m)
{
	pid_t child = fork();

	if (child == 0) {
		hold__orphan_ends();
		pthread_mutex_lock(m);
		for (;;)
			pause();
	}
	assert_true(child > 0);
	for (int i = 0; i < 10000 && !__atomic_load_n((int *)m, __ATOMIC_ACQUIRE); i++)
		usleep(1000);
	usleep(10000); /* the owner is written right after the word */
	return child;
}

/* In memory that both processes have mapped, a thread of the other one is the owner at once. */
static void test_shared_memory(void **state)
{
	struct fixture *x = *state;
	pthread_mutex_t *m =
		mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct lock_key shared = fake__key(getpid(), (uintptr_t)m, SIGNATURE(0, VALUE_2));
	struct lock_key private = mutex_key(m);
	pthread_mutexattr_t attr;
	pid_t child;

	assert_true(m != MAP_FAILED);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(m, &attr);
	child = child_holds(m);
	fake__open(&x->fake, shared, 501, 1000);
	fake__open(&x->fake, private, 502, 1000);
	fake__thread(&x->fake, child, child, STATE_SLEEPING);
	look(x);
	assert_int_equal(lock_of(x, shared)->owner, child);
	assert_true(lock_of(x, shared)->number_at == 0); /* it lies elsewhere in the other one */
	assert_int_equal(lock_of(x, private)->owner, 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	munmap(m, sizeof(*m));
}

/* Memory that only one of them has does not make a foreign thread the owner of a shared word. */
static void test_not_shared_memory(void **state)
{
	struct fixture *x = *state;
	struct lock_key key = fake__key(getpid(), (uintptr_t)A, SIGNATURE(0, VALUE_2));
	struct holding *h = hold__begin(&mutex_calls, A);

	make_sure(x, key);
	fake__open(&x->fake, key, 501, 1000);
	fake__thread(&x->fake, getppid(), h->tid, STATE_SLEEPING);
	for (int i = 0; i < 3; i++) {
		look(x);
		assert_int_equal(lock_of(x, key)->owner, 0);
		assert_int_equal(lock_of(x, key)->died,
				 0); /* what that one has mapped may change */
	}
	hold__end(h);
}

static void reset_mutex(pthread_mutex_t *m)
{
	*m = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}

/* An owner that is not there at one look may just be ending; at two looks it has died. */
static void test_dead_owner(void **state)
{
	struct fixture *x = *state;
	pid_t dead = hold__die(&mutex_calls, A);

	make_sure(x, mutex_key(A));
	wait_for(x, A, 501);
	look(x);
	assert_int_equal(lock_of(x, mutex_key(A))->died, 0);
	for (int i = 0; i < 3; i++) {
		look(x);
		assert_int_equal(lock_of(x, mutex_key(A))->died, dead);
		assert_int_equal(lock_of(x, mutex_key(A))->owner, 0);
	}
	x->fake.maps.open[0].woken_ns = x->fake.now_ns; /* nobody waits any more */
	look(x);
	assert_int_equal(lock_of(x, mutex_key(A))->died, 0);
	reset_mutex(A);
}

/* Another number at the second look is another owner, which has to be missed twice itself. */
static void test_dead_owner_changes(void **state)
{
	struct fixture *x = *state;
	pid_t dead = hold__die(&mutex_calls, A);

	make_sure(x, mutex_key(A));
	wait_for(x, A, 501);
	look(x);
	reset_mutex(A);
	dead = hold__die(&mutex_calls, A);
	look(x);
	assert_int_equal(lock_of(x, mutex_key(A))->died, 0);
	look(x);
	assert_int_equal(lock_of(x, mutex_key(A))->died, dead);
	reset_mutex(A);
}

/* What only looks like a mutex may hold any number: nobody is declared dead for it. */
static void test_not_sure(void **state)
{
	struct fixture *x = *state;

	hold__die(&mutex_calls, A);
	wait_for(x, A, 501);
	for (int i = 0; i < 4; i++) {
		look(x);
		assert_int_equal(lock_of(x, mutex_key(A))->died, 0);
	}
	reset_mutex(A);
}

/* A live owner that the source left out, or that it could not ask about, is not dead for that. */
static void test_unanswered(void **state)
{
	struct fixture *x = *state;
	struct holding *h = hold__begin(&mutex_calls, A);

	make_sure(x, mutex_key(A));
	wait_for(x, A, 501);
	for (int i = 0; i < 4; i++) {
		x->fake.threads_err = i < 2 ? 0 : -EIO;
		look(x);
		assert_int_equal(lock_of(x, mutex_key(A))->owner, 0);
		assert_int_equal(lock_of(x, mutex_key(A))->died, 0);
	}
	hold__end(h);
}

/* Readers are counted, and how often their number changed while a writer waited. */
static void test_readers(void **state)
{
	struct lock_key key =
		fake__key(getpid(), (uintptr_t)&rwlock + 8, SIGNATURE(0x189, VALUE_2));
	struct fixture *x = *state;
	struct holding *h;

	pthread_rwlock_rdlock(&rwlock);
	pthread_rwlock_rdlock(&rwlock);
	fake__open(&x->fake, key, 501, 1000);
	look(x);
	look(x);
	assert_int_equal(lock_of(x, key)->readers, 2);
	assert_int_equal(lock_of(x, key)->looks.reader_changes, 0);
	h = hold__begin(&reader_calls, &rwlock);
	look(x);
	assert_int_equal(lock_of(x, key)->readers, 3);
	hold__end(h);
	look(x);
	assert_int_equal(lock_of(x, key)->looks.reader_changes, 2);
	assert_int_equal(lock_of(x, key)->looks.readers, 4);
	pthread_rwlock_unlock(&rwlock);
	pthread_rwlock_unlock(&rwlock);
	look(x);
	assert_int_equal(lock_of(x, key)->readers, 0);
	assert_int_equal(lock_of(x, key)->looks.readers, 4);
	assert_int_equal(lock_of(x, key)->looks.reader_changes, 2);
	assert_int_equal(lock_of(x, key)->owner, 0);
}

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
		TEST(test_owner),	  TEST(test_foreign_owner),
		TEST(test_shared_memory), TEST(test_not_shared_memory),
		TEST(test_dead_owner),	  TEST(test_dead_owner_changes),
		TEST(test_not_sure),	  TEST(test_unanswered),
		TEST(test_readers),	  TEST(test_evidence),
		TEST(test_woken),	  TEST(test_since),
		TEST(test_left_out),	  TEST(test_plain_source),
		TEST(test_pace),	  TEST(test_not_busy),
		TEST(test_charge),	  TEST(test_cost),
		TEST(test_moved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
