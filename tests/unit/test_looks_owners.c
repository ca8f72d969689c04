// SPDX-License-Identifier: GPL-2.0-only
/* Who holds a lock at a look: owners, living and dead, of memory that is shared or not; readers. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_owner),	  TEST(test_foreign_owner),
		TEST(test_shared_memory), TEST(test_not_shared_memory),
		TEST(test_dead_owner),	  TEST(test_dead_owner_changes),
		TEST(test_not_sure),	  TEST(test_unanswered),
		TEST(test_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
