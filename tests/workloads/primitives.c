// SPDX-License-Identifier: GPL-2.0-only
/*
 * primitives KIND [ROUNDS [HOLD_MS]]: one thread sleeps exactly ROUNDS times on one object. Each
 * round it enters the wait, is seen asleep there, is left asleep for HOLD_MS more, and is let go;
 * or it times out after HOLD_MS, in the kinds that say so.
 */
#include "workload.h"
#include <semaphore.h>
#include <stddef.h>
#include <sys/resource.h>

#define TARGET_STACK (256 * 1024)

static struct shared {
	_Atomic int go, done, end_target;
	_Atomic pid_t pid, tid; /* of the thread that waits */
	_Atomic uintptr_t object;
	_Atomic uint64_t wait_ns;
	_Atomic long switches; /* voluntary ones inside the wait, as the kernel counts them */
	bool signalled;
	pthread_mutex_t mutex;
	pthread_rwlock_t rwlock;
	pthread_cond_t cond;
	sem_t sem;
	pthread_barrier_t barrier;
	pthread_once_t once;
} * s;

#ifdef __GLIBC__
#define TYPE_ADAPTIVE PTHREAD_MUTEX_ADAPTIVE_NP
#else
#define TYPE_ADAPTIVE PTHREAD_MUTEX_NORMAL /* no kind below asks for it */
#endif

enum flags { RECURSIVE = 1, ERRORCHECK = 2, ADAPTIVE = 4, ROBUST = 8, PI = 16, PSHARED = 32 };

/* Steps return an error number. The waiting thread's: before, wait, leave; main's: hold, release.
 */
struct kind {
	const char *name, *reported;
	size_t object; /* offset in struct shared; 0: the steps set it */
	int (*hold)(void), (*before)(void), (*wait)(void), (*leave)(void), (*release)(void);
	unsigned int flags;
	bool timeout; /* every round ends by its time-out */
};

static uint64_t hold_ns = 2 * NS_MS;
static int round_number;
static const struct kind *kind;
static pthread_t target;
static void *target_stack;

static int mutex_lock(void)
{
	return pthread_mutex_lock(&s->mutex);
}

static int mutex_unlock(void)
{
	return pthread_mutex_unlock(&s->mutex);
}

static uint64_t limit_ns(void)
{
	return kind->timeout ? hold_ns : 60 * NS_SECOND;
}

static int mutex_timedlock(void)
{
	struct timespec t = deadline(CLOCK_REALTIME, limit_ns());

	return pthread_mutex_timedlock(&s->mutex, &t);
}

#ifdef __GLIBC__
static int mutex_clocklock(void)
{
	struct timespec t = deadline(CLOCK_MONOTONIC, limit_ns());

	return pthread_mutex_clocklock(&s->mutex, CLOCK_MONOTONIC, &t);
}
#endif

static int rwlock_read(void)
{
	return pthread_rwlock_rdlock(&s->rwlock);
}

static int rwlock_write(void)
{
	return pthread_rwlock_wrlock(&s->rwlock);
}

static int rwlock_unlock(void)
{
	return pthread_rwlock_unlock(&s->rwlock);
}

static int cond_wait(void)
{
	int err = 0;

	while (!s->signalled && !err)
		err = pthread_cond_wait(&s->cond, &s->mutex);
	s->signalled = false;
	return err;
}

static int cond_timedwait(void)
{
	struct timespec t = deadline(CLOCK_REALTIME, limit_ns());

	return pthread_cond_timedwait(&s->cond, &s->mutex, &t);
}

/* Signals after the unlock, so that the woken thread finds the mutex free and does not sleep again.
 */
static int cond_signal(void)
{
	mutex_lock();
	s->signalled = true;
	mutex_unlock();
	return pthread_cond_signal(&s->cond);
}

static int semaphore_wait(void)
{
	return sem_wait(&s->sem) ? errno : 0;
}

static int semaphore_timedwait(void)
{
	struct timespec t = deadline(CLOCK_REALTIME, limit_ns());

	return sem_timedwait(&s->sem, &t) ? errno : 0;
}

static int semaphore_post(void)
{
	return sem_post(&s->sem) ? errno : 0;
}

static int barrier_wait(void)
{
	int err = pthread_barrier_wait(&s->barrier);

	return err == PTHREAD_BARRIER_SERIAL_THREAD ? 0 : err;
}

static void *target_thread(void *unused)
{
	await(&s->end_target, round_number);
	return unused;
}

/* On a stack of our own: its pthread_t, the object that is waited on, is then the same each round.
 */
static int target_create(void)
{
	pthread_attr_t attr;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setstack(&attr, target_stack, TARGET_STACK);
	err = pthread_create(&target, &attr, target_thread, NULL);
	pthread_attr_destroy(&attr);
	s->object = (uintptr_t)target;
	return err;
}

static int target_join(void)
{
	return pthread_join(target, NULL);
}

static int target_end(void)
{
	s->end_target = round_number;
	return 0;
}

/* musl's waiters of these sleep on a word of their own stack, not on one of the object. */
static bool waits_on_stack(void)
{
#ifdef __GLIBC__
	return false;
#else
	return kind->object == offsetof(struct shared, cond) ||
	       kind->object == offsetof(struct shared, barrier);
#endif
}

/*
 * Lets the other thread into its wait and keeps it there. The owner is off-CPU meanwhile: the
 * kernel lets the first waiter of a PI lock spin, not sleep, for as long as the owner runs.
 */
static void keep_waiting(void)
{
	s->go = round_number;
	pause_ns(NS_MS);
	if (kind->timeout) {
		await(&s->done, round_number);
		return;
	}
	while (!s->object || !s->tid)
		pause_ns(50000);
	if (waits_on_stack())
		await_asleep(s->pid, s->tid, NULL, SIZE_MAX);
	else
		await_asleep(s->pid, s->tid, (void *)s->object, 1024);
	pause_ns(hold_ns);
}

static int once_begin(void)
{
	s->once = PTHREAD_ONCE_INIT;
	return 0;
}

static int once_run(void)
{
	return pthread_once(&s->once, keep_waiting);
}

#define MUTEX	offsetof(struct shared, mutex)
#define RWLOCK	offsetof(struct shared, rwlock)
#define COND	offsetof(struct shared, cond)
#define SEM	offsetof(struct shared, sem)
#define BARRIER offsetof(struct shared, barrier)
#define ONCE	offsetof(struct shared, once)

#define MUTEX_KIND(name, reported, wait, flags, timeout)                                      \
	{                                                                                     \
		name, reported, MUTEX, mutex_lock, NULL, wait, timeout ? NULL : mutex_unlock, \
			mutex_unlock, flags, timeout                                          \
	}

static const struct kind kinds[] = {
	MUTEX_KIND("mutex", "mutex", mutex_lock, 0, false),
	MUTEX_KIND("recursive", "mutex", mutex_lock, RECURSIVE, false),
	MUTEX_KIND("errorcheck", "mutex", mutex_lock, ERRORCHECK, false),
	MUTEX_KIND("timedlock", "mutex", mutex_timedlock, 0, false),
	MUTEX_KIND("timedlock-timeout", "mutex", mutex_timedlock, 0, true),
#ifdef __GLIBC__
	MUTEX_KIND("adaptive", "mutex", mutex_lock, ADAPTIVE, false),
	MUTEX_KIND("clocklock", "mutex", mutex_clocklock, 0, false),
#endif
	MUTEX_KIND("robust", "mutex", mutex_lock, ROBUST, false),
	MUTEX_KIND("pi", "pi-mutex", mutex_lock, PI, false),
	MUTEX_KIND("pshared", "mutex", mutex_lock, PSHARED, false),
	{ "rwlock-read", "rwlock-read", RWLOCK, rwlock_write, NULL, rwlock_read, rwlock_unlock,
	  rwlock_unlock, 0, false },
	{ "rwlock-write-reader", "rwlock-write", RWLOCK, rwlock_read, NULL, rwlock_write,
	  rwlock_unlock, rwlock_unlock, 0, false },
	{ "rwlock-write-writer", "rwlock-write", RWLOCK, rwlock_write, NULL, rwlock_write,
	  rwlock_unlock, rwlock_unlock, 0, false },
	{ "cond", "cond", COND, NULL, mutex_lock, cond_wait, mutex_unlock, cond_signal, 0, false },
	{ "cond-timed", "cond", COND, NULL, mutex_lock, cond_timedwait, mutex_unlock, NULL, 0,
	  true },
	{ "sem", "sem", SEM, NULL, NULL, semaphore_wait, NULL, semaphore_post, 0, false },
	{ "sem-timed", "sem", SEM, NULL, NULL, semaphore_timedwait, NULL, NULL, 0, true },
	{ "barrier", "barrier", BARRIER, NULL, NULL, barrier_wait, NULL, barrier_wait, 0, false },
	{ "once", "once", ONCE, once_begin, NULL, once_run, NULL, once_run, 0, false },
	{ "join", "join", 0, NULL, target_create, target_join, NULL, target_end, 0, false },
};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void step(int (*f)(void), const char *what)
{
	if (f)
		must(f(), what);
}

static long voluntary_switches(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nvcsw;
}

/*
 * One wait, timed. On a busy machine a time-out can be over before the thread gets to sleep: such a
 * wait does not count, the round waits again.
 */
static void wait_once(void)
{
	long switches, slept;
	uint64_t start, took;
	int err;

	do {
		switches = voluntary_switches();
		start = now_ns();
		err = kind->wait();
		took = now_ns() - start;
		slept = voluntary_switches() - switches;
		if (err != (kind->timeout ? ETIMEDOUT : 0))
			die("wait: %s", strerror(err));
	} while (kind->timeout && !slept);
	s->wait_ns += took;
	s->switches += slept;
}

static void *waiter(void *rounds)
{
	int i;

	s->pid = getpid();
	s->tid = gettid();
	for (i = 1; i <= (int)(intptr_t)rounds; i++) {
		await(&s->go, i);
		step(kind->before, "before");
		wait_once();
		step(kind->leave, "leave");
		s->done = i;
	}
	return NULL;
}

static void rounds_run(int rounds)
{
	for (round_number = 1; round_number <= rounds; round_number++) {
		step(kind->hold, "hold");
		if (kind->release != once_run)
			keep_waiting();
		step(kind->release, "release");
		await(&s->done, round_number);
	}
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
	if (flags & PI)
		pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	if (flags & PSHARED)
		pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	must(pthread_mutex_init(&s->mutex, &attr), "pthread_mutex_init");
	must(pthread_rwlock_init(&s->rwlock, NULL), "pthread_rwlock_init");
	must(pthread_cond_init(&s->cond, NULL), "pthread_cond_init");
	must(pthread_barrier_init(&s->barrier, NULL, 2), "pthread_barrier_init");
	sem_init(&s->sem, 0, 0);
	if (kind->object)
		s->object = (uintptr_t)s + kind->object;
}

/* The waiting thread: of this process, or of a child where the object is shared. */
static void waiting_run(int rounds)
{
	pthread_t thread;
	pid_t child;

	if (kind->flags & PSHARED) {
		child = fork();
		if (child < 0)
			die("fork: %s", strerror(errno));
		if (!child) {
			waiter((void *)(intptr_t)rounds);
			_exit(0);
		}
		rounds_run(rounds);
		waitpid(child, NULL, 0);
	} else {
		must(pthread_create(&thread, NULL, waiter, (void *)(intptr_t)rounds),
		     "pthread_create");
		rounds_run(rounds);
		pthread_join(thread, NULL);
	}
}

int main(int argc, char **argv)
{
	int rounds = argument(argc, argv, 2, 23);
	size_t i;

	for (i = 0; i < N_KINDS && argc > 1; i++)
		if (!strcmp(argv[1], kinds[i].name))
			kind = &kinds[i];
	if (!kind) {
		fprintf(stderr, "usage: primitives KIND [ROUNDS [HOLD_MS]]; kinds:");
		for (i = 0; i < N_KINDS; i++)
			fprintf(stderr, " %s", kinds[i].name);
		die(" ");
	}
	hold_ns = argument(argc, argv, 3, kind->timeout ? 5 : 2) * NS_MS;
	s = shared_page(sizeof(*s));
	target_stack = shared_page(TARGET_STACK);
	objects_init();
	waiting_run(rounds);
	printf("{\"pid\":%d,\"tid\":%d,\"lock\":\"0x%lx\",\"kind\":\"%s\",\"sleeps\":%d,"
	       "\"wait_ns\":%llu,\"timeouts\":%d,\"switches\":%ld}\n",
	       s->pid, s->tid, (unsigned long)s->object, kind->reported, rounds,
	       (unsigned long long)s->wait_ns, kind->timeout ? rounds : 0, s->switches);
	return 0;
}
