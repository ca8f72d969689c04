// SPDX-License-Identifier: GPL-2.0-only
/*
 * owners LOCK SECONDS: a thread holds a lock of this kind, asleep in hold_here(), and two threads
 * want it in want_here(). The truth is printed as soon as they are asleep. In mode sem one thread
 * posts what two wait for; in mode rwlock-write-readers three threads hold the lock.
 */
#include "workload.h"
#include <semaphore.h>
#include <stddef.h>

#define WAITERS	     2
#define READERS	     3
#define POST_EACH_NS (50 * NS_MS)

enum flags { RECURSIVE = 1, ERRORCHECK = 2, ADAPTIVE = 4, ROBUST = 8, PI = 16, PSHARED = 32 };

#ifdef __GLIBC__
#define TYPE_ADAPTIVE PTHREAD_MUTEX_ADAPTIVE_NP
#define NO_OWNER      0
#else
#define TYPE_ADAPTIVE PTHREAD_MUTEX_NORMAL
#define NO_OWNER      1 /* musl does not record it */
#endif

static struct shared {
	pthread_mutex_t mutex;
	pthread_rwlock_t rwlock;
	sem_t sem;
	_Atomic int holding;
	_Atomic pid_t owner_pid, owner, pid, waiters[WAITERS];
} * s;

static FILE *file;

static void mutex_lock(void)
{
	must(pthread_mutex_lock(&s->mutex), "pthread_mutex_lock");
}

static void rwlock_write(void)
{
	must(pthread_rwlock_wrlock(&s->rwlock), "pthread_rwlock_wrlock");
}

static void rwlock_read(void)
{
	must(pthread_rwlock_rdlock(&s->rwlock), "pthread_rwlock_rdlock");
}

static void stdio_lock(void)
{
	flockfile(file);
}

static void semaphore_wait(void)
{
	while (sem_wait(&s->sem))
		;
}

#define MUTEX	  offsetof(struct shared, mutex)
#define RWLOCK	  offsetof(struct shared, rwlock)
#define SEM	  offsetof(struct shared, sem)
#define FILE_LOCK SIZE_MAX /* inside of the C library's FILE */

static const struct kind {
	const char *name, *reported;
	size_t object; /* in struct shared */
	void (*hold)(void), (*want)(void);
	unsigned int flags;
	int no_owner, holders;
} kinds[] = {
	{ "normal", "mutex", MUTEX, mutex_lock, mutex_lock, 0, NO_OWNER, 1 },
	{ "recursive", "mutex", MUTEX, mutex_lock, mutex_lock, RECURSIVE, 0, 1 },
	{ "errorcheck", "mutex", MUTEX, mutex_lock, mutex_lock, ERRORCHECK, 0, 1 },
	{ "adaptive", "mutex", MUTEX, mutex_lock, mutex_lock, ADAPTIVE, NO_OWNER, 1 },
	{ "robust", "mutex", MUTEX, mutex_lock, mutex_lock, ROBUST, 0, 1 },
	{ "pi", "pi-mutex", MUTEX, mutex_lock, mutex_lock, PI, 0, 1 },
	{ "pi-robust", "pi-mutex", MUTEX, mutex_lock, mutex_lock, PI | ROBUST, 0, 1 },
	{ "pshared", "mutex", MUTEX, mutex_lock, mutex_lock, PSHARED, NO_OWNER, 1 },
	{ "pshared-robust", "mutex", MUTEX, mutex_lock, mutex_lock, PSHARED | ROBUST, 0, 1 },
	{ "rwlock-write", "rwlock-write", RWLOCK, rwlock_write, rwlock_write, 0, NO_OWNER, 1 },
	{ "rwlock-read", "rwlock-read", RWLOCK, rwlock_write, rwlock_read, 0, NO_OWNER, 1 },
	{ "rwlock-write-readers", "rwlock-write", RWLOCK, rwlock_read, rwlock_write, 0, 1,
	  READERS },
	{ "stdio", "stdio", FILE_LOCK, stdio_lock, stdio_lock, 0, 0, 1 },
	{ "sem", "sem", SEM, NULL, semaphore_wait, 0, 0, 0 },
};

static const struct kind *kind;

static NOINLINE void hold_here(void)
{
	for (;;)
		pause_ns(NS_SECOND);
	KEEP_FRAME;
}

static void *holder(void *unused)
{
	s->owner_pid = outer_pid();
	s->owner = outer_tid();
	kind->hold();
	s->holding++;
	hold_here();
	return unused;
}

static NOINLINE void post_here(void)
{
	sem_post(&s->sem);
	KEEP_FRAME;
}

/* Only ever to a waiter that is asleep: each post ends a sleep. */
static void *poster(void *unused)
{
	int i;

	s->owner_pid = outer_pid();
	s->owner = outer_tid();
	for (;;) {
		for (i = 0; i < WAITERS; i++)
			await_asleep(s->pid, s->waiters[i], &s->sem, sizeof(s->sem));
		post_here();
		s->holding++;
		pause_ns(POST_EACH_NS);
	}
	return unused;
}

static NOINLINE void want_here(void)
{
	kind->want();
	KEEP_FRAME;
}

static void *waiter(void *i)
{
	s->pid = outer_pid();
	s->waiters[(intptr_t)i] = outer_tid();
	for (;;)
		want_here();
	return NULL;
}

static void objects_init(void)
{
	unsigned int flags = kind->flags;
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	if (flags & (RECURSIVE | ERRORCHECK | ADAPTIVE))
		pthread_mutexattr_settype(&attr, flags & RECURSIVE    ? PTHREAD_MUTEX_RECURSIVE
						 : flags & ERRORCHECK ? PTHREAD_MUTEX_ERRORCHECK
								      : TYPE_ADAPTIVE);
	if (flags & ROBUST)
		pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	if (flags & PI && pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT))
		exit(SKIPPED);
	if (flags & PSHARED)
		pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	must(pthread_mutex_init(&s->mutex, &attr), "pthread_mutex_init");
	must(pthread_rwlock_init(&s->rwlock, NULL), "pthread_rwlock_init");
	sem_init(&s->sem, 0, 0);
	file = fopen("/dev/null", "we");
	if (!file)
		die("/dev/null: %s", strerror(errno));
}

static void waiters_start(void)
{
	intptr_t i;

	for (i = 0; i < WAITERS; i++)
		thread_start(waiter, (void *)i);
}

/* NULL: who knows where. */
static void *object(void)
{
	return kind->object == FILE_LOCK ? NULL : (char *)s + kind->object;
}

static void all_start(void)
{
	int i;

	for (i = 0; i < kind->holders; i++)
		thread_start(holder, NULL);
	await(&s->holding, kind->holders);
	if (kind->flags & PSHARED) {
		if (!fork_child()) {
			waiters_start();
			for (;;)
				pause();
		}
	} else {
		waiters_start();
	}
	for (i = 0; i < WAITERS; i++) {
		await(&s->waiters[i], 1);
		await_asleep(s->pid, s->waiters[i], object(), object() ? 1024 : SIZE_MAX);
	}
	if (!kind->holders) {
		thread_start(poster, NULL);
		await(&s->holding, 3);
	}
}

int main(int argc, char **argv)
{
	char lock[32];
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && argc > 1; i++)
		if (!strcmp(argv[1], kinds[i].name))
			kind = &kinds[i];
	if (!kind)
		die("usage: owners LOCK SECONDS");
	s = shared_page(sizeof(*s));
	objects_init();
	all_start();
	printf("{\"pid\":%d,\"kind\":\"%s\",\"owner_pid\":%d,\"owner\":%d,\"readers\":%d,"
	       "\"lock\":\"%s\",\"waiters\":[%d,%d]}\n",
	       s->pid, kind->reported, s->owner_pid, kind->no_owner ? 0 : s->owner,
	       kind->holders > 1 ? kind->holders : 0, address(lock, object()), s->waiters[0],
	       s->waiters[1]);
	fflush(stdout);
	pause_ns(argument(argc, argv, 2, 5) * NS_SECOND);
	return 0;
}
