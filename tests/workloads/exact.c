// SPDX-License-Identifier: GPL-2.0-only
/*
 * exact WAYS [ROUNDS [HOLD_US]]: takes a lock in every way whose name begins with WAYS, a lock of
 * its own each, and counts: ROUNDS times by one thread, a few times that certainly have to wait, a
 * few that fail, and ROUNDS times by each of three threads that get into each other's way. Each
 * hold lasts HOLD_US or longer, by the program's own clock.
 */
#include "exact.h"
#include <semaphore.h>

#define WAITS	 5
#define REFUSALS 7
#define CROWD	 3
#define LONG_NS	 (60 * NS_SECOND)
/*
 * No call takes as long, nor any turn of the crowd's: the thread was stalled in it, by others that
 * ran in its place. Whether it had the lock then, it cannot know.
 */
#define STALL_NS (100000 + 2 * CROWD * hold_ns)

#ifdef __GLIBC__
#define TYPE_ADAPTIVE PTHREAD_MUTEX_ADAPTIVE_NP
#else
#define TYPE_ADAPTIVE PTHREAD_MUTEX_NORMAL
#endif

enum flags {
	RECURSIVE = 1,
	ERRORCHECK = 2,
	ADAPTIVE = 4,
	ROBUST = 8,
	PI = 16,
	PSHARED = 32,
	READS = 64,  /* several have it at a time */
	TRIES = 128, /* fails at once */
	TIMED = 256, /* fails after a time */
	SPINS = 512, /* waits on a CPU */
};

struct object {
	pthread_mutex_t mutex;
	pthread_rwlock_t rwlock;
	pthread_spinlock_t spin;
	sem_t sem;
};

/* Steps return an error number. Who blocks keeps all others out. */
struct way {
	const char *name, *kind;
	int (*take)(struct object *o), (*release)(struct object *o), (*block)(struct object *o);
	unsigned int flags;
};

/* One way in progress. */
struct run {
	const struct way *way;
	struct object object;
	struct truth *truth;
	_Atomic int go, done;
	_Atomic pid_t tid; /* of the partner */
};

static uint64_t hold_ns = 10000;
static int rounds = 1000;
static __thread uint64_t limit_ns = LONG_NS; /* of calls with a time limit */

static struct timespec limit(clockid_t clock)
{
	return deadline(clock, limit_ns);
}

static int failed(int result)
{
	return result ? errno : 0;
}

static int mutex_lock(struct object *o)
{
	return pthread_mutex_lock(&o->mutex);
}

static int mutex_trylock(struct object *o)
{
	return pthread_mutex_trylock(&o->mutex);
}

static int mutex_timedlock(struct object *o)
{
	struct timespec t = limit(CLOCK_REALTIME);

	return pthread_mutex_timedlock(&o->mutex, &t);
}

static int mutex_unlock(struct object *o)
{
	return pthread_mutex_unlock(&o->mutex);
}

static int rwlock_rdlock(struct object *o)
{
	return pthread_rwlock_rdlock(&o->rwlock);
}

static int rwlock_wrlock(struct object *o)
{
	return pthread_rwlock_wrlock(&o->rwlock);
}

static int rwlock_tryrdlock(struct object *o)
{
	return pthread_rwlock_tryrdlock(&o->rwlock);
}

static int rwlock_trywrlock(struct object *o)
{
	return pthread_rwlock_trywrlock(&o->rwlock);
}

static int rwlock_timedrdlock(struct object *o)
{
	struct timespec t = limit(CLOCK_REALTIME);

	return pthread_rwlock_timedrdlock(&o->rwlock, &t);
}

static int rwlock_timedwrlock(struct object *o)
{
	struct timespec t = limit(CLOCK_REALTIME);

	return pthread_rwlock_timedwrlock(&o->rwlock, &t);
}

static int rwlock_unlock(struct object *o)
{
	return pthread_rwlock_unlock(&o->rwlock);
}

static int spin_lock(struct object *o)
{
	return pthread_spin_lock(&o->spin);
}

static int spin_trylock(struct object *o)
{
	return pthread_spin_trylock(&o->spin);
}

static int spin_unlock(struct object *o)
{
	return pthread_spin_unlock(&o->spin);
}

static int semaphore_wait(struct object *o)
{
	return failed(sem_wait(&o->sem));
}

static int semaphore_trywait(struct object *o)
{
	return failed(sem_trywait(&o->sem));
}

static int semaphore_timedwait(struct object *o)
{
	struct timespec t = limit(CLOCK_REALTIME);

	return failed(sem_timedwait(&o->sem, &t));
}

static int semaphore_post(struct object *o)
{
	return failed(sem_post(&o->sem));
}

#ifdef __GLIBC__
static int mutex_clocklock(struct object *o)
{
	struct timespec t = limit(CLOCK_MONOTONIC);

	return pthread_mutex_clocklock(&o->mutex, CLOCK_MONOTONIC, &t);
}

static int rwlock_clockrdlock(struct object *o)
{
	struct timespec t = limit(CLOCK_MONOTONIC);

	return pthread_rwlock_clockrdlock(&o->rwlock, CLOCK_MONOTONIC, &t);
}

static int rwlock_clockwrlock(struct object *o)
{
	struct timespec t = limit(CLOCK_MONOTONIC);

	return pthread_rwlock_clockwrlock(&o->rwlock, CLOCK_MONOTONIC, &t);
}

static int semaphore_clockwait(struct object *o)
{
	struct timespec t = limit(CLOCK_MONOTONIC);

	return failed(sem_clockwait(&o->sem, CLOCK_MONOTONIC, &t));
}
#endif

#define MUTEX(name, take, flags)                                     \
	{                                                            \
		name, "mutex", take, mutex_unlock, mutex_lock, flags \
	}
#define RWLOCK(name, take, flags)                                         \
	{                                                                 \
		name, "rwlock", take, rwlock_unlock, rwlock_wrlock, flags \
	}
#define SPIN(name, take, flags)                                   \
	{                                                         \
		name, "spin", take, spin_unlock, spin_lock, flags \
	}
#define SEM(name, take, flags)                                           \
	{                                                                \
		name, "sem", take, semaphore_post, semaphore_wait, flags \
	}

static const struct way ways[] = {
	MUTEX("mutex-lock", mutex_lock, 0),
	MUTEX("mutex-recursive", mutex_lock, RECURSIVE),
	MUTEX("mutex-errorcheck", mutex_lock, ERRORCHECK),
	MUTEX("mutex-adaptive", mutex_lock, ADAPTIVE),
	MUTEX("mutex-robust", mutex_lock, ROBUST),
	MUTEX("mutex-pi", mutex_lock, PI),
	MUTEX("mutex-shared", mutex_lock, PSHARED),
	MUTEX("mutex-trylock", mutex_trylock, TRIES),
	MUTEX("mutex-trylock-recursive", mutex_trylock, TRIES | RECURSIVE),
	MUTEX("mutex-trylock-pi", mutex_trylock, TRIES | PI),
	MUTEX("mutex-timedlock", mutex_timedlock, TIMED),
	MUTEX("mutex-timedlock-robust", mutex_timedlock, TIMED | ROBUST),
	RWLOCK("rwlock-rdlock", rwlock_rdlock, READS),
	RWLOCK("rwlock-wrlock", rwlock_wrlock, 0),
	RWLOCK("rwlock-tryrdlock", rwlock_tryrdlock, TRIES | READS),
	RWLOCK("rwlock-trywrlock", rwlock_trywrlock, TRIES),
	RWLOCK("rwlock-timedrdlock", rwlock_timedrdlock, TIMED | READS),
	RWLOCK("rwlock-timedwrlock", rwlock_timedwrlock, TIMED),
	SPIN("spin-lock", spin_lock, SPINS),
	SPIN("spin-trylock", spin_trylock, TRIES),
	SEM("sem-wait", semaphore_wait, 0),
	SEM("sem-trywait", semaphore_trywait, TRIES),
	SEM("sem-timedwait", semaphore_timedwait, TIMED),
#ifdef __GLIBC__
	MUTEX("mutex-clocklock", mutex_clocklock, TIMED),
	RWLOCK("rwlock-clockrdlock", rwlock_clockrdlock, TIMED | READS),
	RWLOCK("rwlock-clockwrlock", rwlock_clockwrlock, TIMED),
	SEM("sem-clockwait", semaphore_clockwait, TIMED),
#endif
};

#define N_WAYS (sizeof(ways) / sizeof(ways[0]))

static struct run runs[N_WAYS];
static struct truth truths[N_WAYS];

static void object_init(struct object *o, unsigned int flags)
{
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
	must(pthread_mutex_init(&o->mutex, &attr), "pthread_mutex_init");
	must(pthread_rwlock_init(&o->rwlock, NULL), "pthread_rwlock_init");
	must(pthread_spin_init(&o->spin, 0), "pthread_spin_init");
	must(failed(sem_init(&o->sem, 0, 1)), "sem_init");
}

static const void *object_used(struct run *r)
{
	switch (r->way->kind[0]) {
	case 'm':
		return &r->object.mutex;
	case 'r':
		return &r->object.rwlock;
	default:
		return r->way->kind[1] == 'p' ? (void *)&r->object.spin : &r->object.sem;
	}
}

/* Takes it, however often that takes; returns how often it failed. *begun: of the last call. */
static int take(struct run *r, uint64_t *begun)
{
	int err, failures = 0;

	while ((*begun = now_ns(), err = r->way->take(&r->object))) {
		if (!(r->way->flags & TRIES) || (err != EBUSY && err != EAGAIN))
			die("%s: %s", r->way->name, strerror(err));
		failures++;
		spin_ns(2000);
	}
	return failures;
}

static int64_t stall(uint64_t call_ns)
{
	return call_ns > STALL_NS ? call_ns : 0;
}

static void round_once(struct run *r)
{
	uint64_t begun, start, end;
	int failures = take(r, &begun), times = 1;
	bool again = r->way->flags & RECURSIVE;

	start = now_ns();
	if (again) {
		must(r->way->take(&r->object), "again");
		times++;
	}
	spin_ns(hold_ns);
	if (!(r->way->flags & READS))
		truth_owner(r->truth);
	if (again)
		must(r->way->release(&r->object), "release of the second");
	end = now_ns();
	must(r->way->release(&r->object), "release");
	truth_add(&r->truth->stalls_ns, stall(start - begun) + stall(now_ns() - end));
	truth_add(&r->truth->hold_ns, end - start);
	truth_add(&r->truth->acquisitions, times);
	truth_add(&r->truth->failures, failures);
	if (r->way->flags & READS)
		truth_add(&r->truth->reads, times);
}

static void refused_once(struct run *r)
{
	int err;

	limit_ns = NS_MS;
	err = r->way->take(&r->object);
	limit_ns = LONG_NS;
	if (err != EBUSY && err != EAGAIN && err != ETIMEDOUT)
		die("%s: was to fail: %s", r->way->name, strerror(err));
	truth_add(&r->truth->failures, 1);
}

static bool can_wait(const struct way *way)
{
	return !(way->flags & TRIES);
}

static bool can_fail(const struct way *way)
{
	return way->flags & (TRIES | TIMED);
}

static void *partner_run(void *arg)
{
	struct run *r = arg;
	int i;

	r->tid = gettid();
	for (i = 1; i <= WAITS + REFUSALS; i++) {
		await(&r->go, i);
		if (i <= WAITS && can_wait(r->way))
			round_once(r);
		else if (i > WAITS && can_fail(r->way))
			refused_once(r);
		r->done = i;
	}
	return NULL;
}

/* Until the partner is certainly inside the call: asleep, or using up CPU time. */
static void partner_await(struct run *r, pthread_t partner, uint64_t before)
{
	if (!(r->way->flags & SPINS))
		await_asleep(getpid(), r->tid, r->truth->object, sizeof(r->object));
	else
		while (thread_cpu_ns(partner) < before + 2 * NS_MS)
			pause_ns(50000);
}

/*
 * This thread has it while the partner wants it: waits until it is let go, or fails. What is done
 * meanwhile takes no locks: pauses are off-CPU, for a PI mutex makes its first waiter spin else.
 */
static void blocked_rounds(struct run *r)
{
	uint64_t start, held, cpu;
	pthread_t partner;
	bool wait;
	int i;

	must(pthread_create(&partner, NULL, partner_run, r), "pthread_create");
	await(&r->tid, 1);
	for (i = 1; i <= WAITS + REFUSALS; i++) {
		wait = i <= WAITS;
		if (wait ? !can_wait(r->way) : !can_fail(r->way)) {
			r->go = i;
			await(&r->done, i);
			continue;
		}
		must(r->way->block(&r->object), "block");
		start = now_ns();
		if (!(r->way->flags & READS))
			truth_owner(r->truth);
		cpu = thread_cpu_ns(partner);
		r->go = i;
		if (wait)
			partner_await(r, partner, cpu);
		else
			await(&r->done, i);
		pause_ns(hold_ns);
		held = now_ns() - start;
		must(r->way->release(&r->object), "release");
		truth_add(&r->truth->hold_ns, held);
		truth_add(&r->truth->acquisitions, 1);
		truth_add(&r->truth->contended, wait);
		await(&r->done, i);
	}
	pthread_join(partner, NULL);
}

static void *crowd_run(void *arg)
{
	int i;

	for (i = 0; i < rounds; i++)
		round_once(arg);
	return NULL;
}

static void way_run(struct run *r)
{
	pthread_t crowd[CROWD];
	int i;

	object_init(&r->object, r->way->flags);
	r->truth->name = r->way->name;
	r->truth->kind = r->way->kind;
	r->truth->object = object_used(r);
	r->truth->changes = r->way->flags & READS ? UNKNOWN : 0;
	crowd_run(r);
	blocked_rounds(r);
	for (i = 0; i < CROWD; i++)
		must(pthread_create(&crowd[i], NULL, crowd_run, r), "pthread_create");
	for (i = 0; i < CROWD; i++)
		pthread_join(crowd[i], NULL);
}

int main(int argc, char **argv)
{
	const char *wanted = argc > 1 ? argv[1] : "?";
	size_t i, n = 0;

	pause_first();
	rounds = argument(argc, argv, 2, rounds);
	hold_ns = argument(argc, argv, 3, 10) * 1000;
	for (i = 0; i < N_WAYS; i++) {
		if (strncmp(ways[i].name, wanted, strlen(wanted)))
			continue;
		runs[n].way = &ways[i];
		runs[n].truth = &truths[n];
		way_run(&runs[n++]);
	}
	if (!n)
		die("usage: exact WAYS [ROUNDS [HOLD_US]]");
	truth_print(truths, n);
	return 0;
}
