// SPDX-License-Identifier: GPL-2.0-only
/*
 * patterns MODE SECONDS: contention of a known shape.
 *   starving   a writer waits while there is always a reader inside of the rwlock
 *   overtaken  a thread waits on a semaphore whose posts all go to threads of higher priority
 *   crowded    threads are woken at once from each wait, and then wait for a CPU
 *   shares     two threads hold a mutex in turn, one three times as long as the other
 *   convoy     each of several threads gets a mutex from the one before it, and never soon again
 *   several    each of several mutexes is wanted by as many threads, for as long
 *   alone      each thread locks a mutex of its own
 */
#include "workload.h"
#include <semaphore.h>

#define READERS	 4
#define FAST	 3 /* threads that overtake */
#define WORKERS	 3 /* threads on the crowded CPU */
#define SPINNERS 4
#define CONVOY	 12	/* threads */
#define SEVERAL	 4	/* mutexes */
#define WANTED	 3	/* threads that want each of them */
#define TURN_NS	 100000 /* 5000 a second: a slow machine too has 1000 */
#define LONG_NS	 (30 * NS_MS)
#define SHORT_NS (10 * NS_MS)

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static sem_t sem, sems[WORKERS];
static _Atomic bool over;
static _Atomic int inside, ready, turn, held, rounds;
static _Atomic pid_t tids[THREADS_MAX];
static _Atomic uint64_t waited_ns[THREADS_MAX]; /* charged to thread i */
static int cpu;

/* ---- starving ---- */

/* Leaves only if another reader stays. */
static bool may_leave(void)
{
	int n = inside;

	while (n > 1)
		if (atomic_compare_exchange_weak(&inside, &n, n - 1))
			return true;
	return false;
}

static void *reader(void *i)
{
	pause_ns((intptr_t)i * 5 * NS_MS);
	while (!over) {
		pthread_rwlock_rdlock(&rwlock);
		inside++;
		ready++;
		pause_ns(20 * NS_MS);
		while (!may_leave() && !over)
			pause_ns(NS_MS);
		pthread_rwlock_unlock(&rwlock);
		pause_ns(15 * NS_MS);
	}
	return NULL;
}

static void *writer(void *unused)
{
	await(&ready, 2);
	tids[0] = gettid();
	pthread_rwlock_wrlock(&rwlock);
	if (!over)
		die("the writer got in");
	return unused;
}

static const void *starving_start(void)
{
	intptr_t i;

	for (i = 0; i < READERS; i++)
		thread_start(reader, (void *)i);
	thread_start(writer, NULL);
	await(&tids[0], 1);
	await_asleep(getpid(), tids[0], &rwlock, sizeof(rwlock));
	return &rwlock;
}

/* ---- overtaken ---- */

static void *fast(void *i)
{
	struct sched_param param = { .sched_priority = 1 };

	if (sched_setscheduler(0, SCHED_FIFO, &param))
		exit(SKIPPED);
	tids[1 + (intptr_t)i] = gettid();
	for (;;)
		if (!sem_wait(&sem))
			rounds++;
	return NULL;
}

static void *slow(void *unused)
{
	tids[0] = gettid();
	while (sem_wait(&sem))
		;
	die("the slow thread was woken");
	return unused;
}

/* Posts only when all of the fast ones are asleep, so that there is one to wake before the slow. */
static void *overtaken_poster(void *unused)
{
	int i;

	for (;;) {
		for (i = 0; i <= FAST; i++)
			await_asleep(getpid(), tids[i], &sem, sizeof(sem));
		sem_post(&sem);
		pause_ns(3 * NS_MS);
	}
	return unused;
}

static const void *overtaken_start(void)
{
	intptr_t i;

	sem_init(&sem, 0, 0);
	thread_start(slow, NULL);
	await(&tids[0], 1);
	await_asleep(getpid(), tids[0], &sem, sizeof(sem));
	for (i = 0; i < FAST; i++) {
		thread_start(fast, (void *)i);
		await(&tids[1 + i], 1);
	}
	thread_start(overtaken_poster, NULL);
	return &sem;
}

/* ---- crowded ---- */

static void *spinner(void *unused)
{
	pin_to(cpu);
	while (!over)
		KEEP_FRAME;
	return unused;
}

static void *crowded_worker(void *arg)
{
	intptr_t i = (intptr_t)arg;

	pin_to(cpu);
	tids[i] = gettid();
	while (!over) {
		if (!sem_wait(&sems[i]))
			rounds++;
		spin_ns(2 * NS_MS); /* hungry: it gets no advantage when it wakes */
	}
	return NULL;
}

static void *crowded_poster(void *arg)
{
	intptr_t i = (intptr_t)arg;

	while (!over) {
		await_asleep(getpid(), tids[i], &sems[i], sizeof(sems[i]));
		sem_post(&sems[i]);
	}
	return NULL;
}

static const void *crowded_start(void)
{
	intptr_t i;

	cpu = first_cpu();
	for (i = 0; i < SPINNERS; i++)
		thread_start(spinner, NULL);
	for (i = 0; i < WORKERS; i++) {
		sem_init(&sems[i], 0, 0);
		thread_start(crowded_worker, (void *)i);
		await(&tids[i], 1);
		thread_start(crowded_poster, (void *)i);
	}
	return sems;
}

/* ---- shares ---- */

static NOINLINE void mine(uint64_t ns)
{
	while (pthread_mutex_trylock(&mutex))
		pause_ns(50000);
	held++;
	/* held until the waiter is there, and then for so long */
	await_asleep(getpid(), tids[2], &mutex, sizeof(mutex));
	pause_ns(ns);
	KEEP_FRAME;
}

static NOINLINE void hold_long(void)
{
	mine(LONG_NS);
	pthread_mutex_unlock(&mutex);
	KEEP_FRAME;
}

static NOINLINE void hold_short(void)
{
	mine(SHORT_NS);
	pthread_mutex_unlock(&mutex);
	KEEP_FRAME;
}

static void *shares_holder(void *arg)
{
	intptr_t i = (intptr_t)arg;
	int round;

	tids[i] = gettid();
	await(&tids[2], 1);
	for (round = 0; !over; round++) {
		await(&turn, 2 * round + i);
		if (i)
			hold_short();
		else
			hold_long();
		await(&rounds, 2 * round + i + 1); /* the waiter has had it */
		turn++;
	}
	return NULL;
}

static void *shares_waiter(void *unused)
{
	uint64_t start;
	int round;

	tids[2] = gettid();
	for (round = 0; !over; round++) {
		await(&held, round + 1);
		start = now_ns();
		pthread_mutex_lock(&mutex);
		waited_ns[round % 2] += now_ns() - start;
		pthread_mutex_unlock(&mutex);
		rounds++;
	}
	return unused;
}

static const void *shares_start(void)
{
	thread_start(shares_waiter, NULL);
	thread_start(shares_holder, (void *)0);
	thread_start(shares_holder, (void *)1);
	return &mutex;
}

/* ---- convoy ---- */

/* Whoever lets go leaves the CPU at once, so that the one that it woke has the lock next. */
static void *convoy_member(void *unused)
{
	struct sched_param param = { .sched_priority = 1 };

	/* whoever has the lock has a CPU too, if that is allowed: what else runs here is no matter
	 */
	sched_setscheduler(0, SCHED_FIFO, &param);
	while (!over) {
		pthread_mutex_lock(&mutex);
		spin_ns(TURN_NS);
		pthread_mutex_unlock(&mutex);
		pause_ns(TURN_NS);
	}
	return unused;
}

static const void *convoy_start(void)
{
	int i;

	for (i = 0; i < CONVOY; i++)
		thread_start(convoy_member, NULL);
	return &mutex;
}

/* ---- several ---- */

static void *several_member(void *wanted)
{
	while (!over) {
		pthread_mutex_lock(wanted);
		pause_ns(2 * NS_MS);
		pthread_mutex_unlock(wanted);
		pause_ns(NS_MS / 2);
	}
	return NULL;
}

static const void *several_start(void)
{
	static pthread_mutex_t mutexes[SEVERAL];
	int i;

	for (i = 0; i < SEVERAL; i++)
		pthread_mutex_init(&mutexes[i], NULL);
	for (i = 0; i < SEVERAL * WANTED; i++)
		thread_start(several_member, &mutexes[i % SEVERAL]);
	return mutexes;
}

/* ---- alone ---- */

static void *lonely(void *unused)
{
	pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;

	while (!over) {
		pthread_mutex_lock(&own);
		pause_ns(NS_MS);
		pthread_mutex_unlock(&own);
	}
	return unused;
}

static const void *alone_start(void)
{
	int i;

	for (i = 0; i < 4; i++)
		thread_start(lonely, NULL);
	return &mutex;
}

static const struct mode {
	const char *name, *kind;
	const void *(*start)(void); /* the lock */
} modes[] = {
	{ "starving", "rwlock-write", starving_start },
	{ "overtaken", "sem", overtaken_start },
	{ "crowded", "sem", crowded_start },
	{ "shares", "mutex", shares_start },
	{ "convoy", "mutex", convoy_start },
	{ "several", "mutex", several_start },
	{ "alone", "mutex", alone_start },
};

int main(int argc, char **argv)
{
	const struct mode *mode = NULL;
	const void *lock;
	char text[32];
	size_t i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]) && argc > 1; i++)
		if (!strcmp(argv[1], modes[i].name))
			mode = &modes[i];
	if (!mode)
		die("usage: patterns MODE SECONDS");
	lock = mode->start();
	pause_ns(argument(argc, argv, 2, 5) * NS_SECOND);
	over = true;
	printf("{\"pid\":%d,\"kind\":\"%s\",\"lock\":\"%s\",\"rounds\":%d,\"tids\":[%d,%d,%d],"
	       "\"waited_ns\":[%llu,%llu]}\n",
	       getpid(), mode->kind, address(text, lock), rounds, tids[0], tids[1], tids[2],
	       (unsigned long long)waited_ns[0], (unsigned long long)waited_ns[1]);
	fflush(stdout);
	_exit(0);
}
