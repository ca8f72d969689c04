/* SPDX-License-Identifier: GPL-2.0-only */
/* A collector over a source that is filled by hand, at mutexes that threads of the test really
 * hold. */
#ifndef BLAME_FIXTURE_H
#define BLAME_FIXTURE_H

#include "collector_fixture.h"
#include "holders_fixture.h"

#define LOCKS 3
#define A     (&locks[0])
#define B     (&locks[1])
#define C     (&locks[2])

static pthread_mutex_t locks[LOCKS] = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
					PTHREAD_MUTEX_INITIALIZER };

static inline struct lock_key key_of(const pthread_mutex_t *m)
{
	return fake__key(getpid(), (uintptr_t)m, SIG_MUTEX);
}

static inline const struct lock *lock_of(const struct fixture *x, const pthread_mutex_t *m)
{
	return lock_at(x->s, (uintptr_t)m);
}

/* A thread that waits for a mutex since the running interval began. */
static inline struct open_sleep *wait_for(struct fixture *x, const pthread_mutex_t *m, uint32_t tid)
{
	struct open_sleep *o = fake__open(&x->fake, key_of(m), tid, 1000);

	o->sequence = 1;
	return o;
}

/* A sampled sleep: the waiter's stack, with the words of the lock, or the waker's. */
static inline void send_stack(struct fixture *x, struct stack_event *e, enum event_type type,
			      uint32_t id, struct lock_key key, void *function)
{
	*e = (struct stack_event){ .type = type, .sample_id = id, .key = key, .gen = FAKE_GEN };
	e->time_ns = x->fake.now_ns;
	e->tid = e->tgid = getpid();
	e->regs.r[REGS_MAX - 1] = (uintptr_t)function;
	fake__event(&x->fake, e, sizeof(*e));
}

/* Until so many looks between intervals were taken. */
static inline void tick_until(struct fixture *x, size_t looks)
{
	for (int i = 0; i < 1000 && x->fake.looks_taken < looks; i++)
		usleep(MIN(collector__tick(x->collector), 10 * MS) / 1000 + 1);
	assert_int_equal(x->fake.looks_taken, looks);
}

/* A test that failed may have held the locks to its end. */
static inline int set_up_locks(void **state)
{
	for (int i = 0; i < LOCKS; i++)
		pthread_mutex_init(&locks[i], NULL);
	return set_up(state);
}

#undef TEST
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up_locks, tear_down)

#endif
