/* SPDX-License-Identifier: GPL-2.0-only */
/* Threads of the test itself that take real locks and keep them until they are told to end. */
#ifndef HOLDERS_FIXTURE_H
#define HOLDERS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define HOLD_SECONDS 20 /* a lock that cannot be had by then is held by a test that failed */

/* A lock function and its opposite, for any kind of lock. */
struct lock_calls {
	int (*take)(void *lock);
	int (*drop)(void *lock);
};

#define LOCK_CALLS(name, type, taker, dropper)    \
	static inline int name##_take(void *lock) \
	{                                         \
		return taker((type *)lock);       \
	}                                         \
	static inline int name##_drop(void *lock) \
	{                                         \
		return dropper((type *)lock);     \
	}                                         \
	static const struct lock_calls name __attribute__((unused)) = { name##_take, name##_drop }

LOCK_CALLS(mutex_calls, pthread_mutex_t, pthread_mutex_lock, pthread_mutex_unlock);
LOCK_CALLS(writer_calls, pthread_rwlock_t, pthread_rwlock_wrlock, pthread_rwlock_unlock);
LOCK_CALLS(reader_calls, pthread_rwlock_t, pthread_rwlock_rdlock, pthread_rwlock_unlock);

struct holding {
	const struct lock_calls *calls;
	void *lock, *second; /* second: NULL, or taken too */
	pthread_t thread;
	pid_t tid;
	sem_t ready, go;
};

static inline void *hold(void *arg)
{
	struct holding *h = arg;

	h->tid = syscall(SYS_gettid);
	h->calls->take(h->lock);
	if (h->second)
		h->calls->take(h->second);
	sem_post(&h->ready);
	while (sem_wait(&h->go) && errno == EINTR)
		;
	if (h->second)
		h->calls->drop(h->second);
	h->calls->drop(h->lock);
	return NULL;
}

/* Returns when the thread holds what it is to hold. */
static inline struct holding *hold__both(const struct lock_calls *calls, void *lock, void *second)
{
	struct holding *h = calloc(1, sizeof(*h));
	struct timespec end;
	int err;

	assert_non_null(h);
	h->calls = calls;
	h->lock = lock;
	h->second = second;
	sem_init(&h->ready, 0, 0);
	sem_init(&h->go, 0, 0);
	assert_int_equal(pthread_create(&h->thread, NULL, hold, h), 0);
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += HOLD_SECONDS;
	while ((err = sem_timedwait(&h->ready, &end)) && errno == EINTR)
		;
	if (err)
		fail_msg("a lock that should be free is not");
	return h;
}

static inline struct holding *hold__begin(const struct lock_calls *calls, void *lock)
{
	return hold__both(calls, lock, NULL);
}

/* It drops its locks and is gone when this returns. */
static inline void hold__end(struct holding *h)
{
	sem_post(&h->go);
	pthread_join(h->thread, NULL);
	sem_destroy(&h->ready);
	sem_destroy(&h->go);
	free(h);
}

static inline void *take_and_end(void *arg)
{
	struct holding *h = arg;

	h->tid = syscall(SYS_gettid);
	h->calls->take(h->lock);
	return NULL;
}

/* Takes a lock in a thread that ends without dropping it; returns that thread's number. */
static inline pid_t hold__die(const struct lock_calls *calls, void *lock)
{
	struct holding h = { .calls = calls, .lock = lock };

	assert_int_equal(pthread_create(&h.thread, NULL, take_and_end, &h), 0);
	pthread_join(h.thread, NULL);
	/* joined is not gone: the kernel wakes the joiner before it takes the thread away */
	for (int i = 0; i < 5000 && !syscall(SYS_tgkill, getpid(), h.tid, 0); i++)
		usleep(1000);
	return h.tid;
}

/* For a child process that holds locks: it ends with the test, however that ends. */
static inline void hold__orphan_ends(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

#endif
