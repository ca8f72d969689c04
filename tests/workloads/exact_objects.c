// SPDX-License-Identifier: GPL-2.0-only
/*
 * exact_objects CASE [ROUNDS [HOLD_US]]: what is more than taking a lock and letting it go:
 * condition variables, barriers, hand-over, memory that is used again, locks that refuse. Counts
 * its calls and times its holds.
 */
#include "exact.h"
#include <semaphore.h>

#define MEETING 3

static struct truth truths[2];
static size_t n_truths;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static sem_t sem;
static uint64_t hold_ns = 100000;
static int rounds = 100;
static _Atomic int go, done, taken;
static _Atomic pid_t tid;
static _Atomic bool signalled;

static struct truth *truth_new(const char *name, const char *kind, const volatile void *object)
{
	struct truth *t = &truths[n_truths++];

	t->name = name;
	t->kind = kind;
	t->object = object;
	return t;
}

/* From when the lock was got until just before it is let go. */
static void held(struct truth *t, uint64_t start)
{
	truth_owner(t);
	truth_add(&t->hold_ns, now_ns() - start);
	truth_add(&t->acquisitions, 1);
}

static uint64_t mutex_take(pthread_mutex_t *m)
{
	must(pthread_mutex_lock(m), "pthread_mutex_lock");
	return now_ns();
}

static pthread_t partner_start(void *(*run)(void *))
{
	pthread_t thread;

	must(pthread_create(&thread, NULL, run, NULL), "pthread_create");
	return thread;
}

/* ---- condition variables: the mutex is held before the wait, and again after it ---- */

static int (*cond_call)(void);

static int wait_plain(void)
{
	return pthread_cond_wait(&cond, &mutex);
}

static int wait_timed(void)
{
	struct timespec t = deadline(CLOCK_REALTIME, 60 * NS_SECOND);

	return pthread_cond_timedwait(&cond, &mutex, &t);
}

#ifdef __GLIBC__
static int wait_clock(void)
{
	struct timespec t = deadline(CLOCK_MONOTONIC, 60 * NS_SECOND);

	return pthread_cond_clockwait(&cond, &mutex, CLOCK_MONOTONIC, &t);
}
#endif

static int wait_timeout(void)
{
	struct timespec t = deadline(CLOCK_REALTIME, 2 * NS_MS);
	int err = pthread_cond_timedwait(&cond, &mutex, &t);

	signalled = signalled || err == ETIMEDOUT;
	return err == ETIMEDOUT ? 0 : err;
}

static void *cond_waiter(void *unused)
{
	uint64_t start;
	int i;

	tid = gettid();
	for (i = 1; i <= rounds; i++) {
		await(&go, i);
		start = mutex_take(&mutex);
		spin_ns(hold_ns);
		while (!signalled) {
			held(&truths[0], start);
			truth_add(&truths[1].acquisitions, 1);
			must(cond_call(), "wait for a condition");
			start = now_ns();
			spin_ns(hold_ns);
		}
		signalled = false;
		held(&truths[0], start);
		pthread_mutex_unlock(&mutex);
		done = i;
	}
	return unused;
}

/* Inside: the waiter is woken while the mutex is still held, and has to wait for that too. */
static void cond_rounds(int (*call)(void), int (*signal)(pthread_cond_t *), bool inside)
{
	struct truth *m = truth_new("mutex", "mutex", &mutex);
	struct truth *c = truth_new("cond", "cond", &cond);
	pthread_t thread;
	uint64_t start;
	int i;

	cond_call = call;
	c->hold_ns = c->changes = c->contended = UNKNOWN;
	thread = partner_start(cond_waiter);
	for (i = 1; i <= rounds; i++) {
		go = i;
		await(&tid, 1);
		if (signal) {
			/* musl's waiter sleeps on a word of its own stack */
			await_asleep(getpid(), tid, NULL, SIZE_MAX);
			start = mutex_take(&mutex);
			signalled = true;
			truth_add(&c->signals, 1);
			if (inside)
				signal(&cond);
			spin_ns(hold_ns);
			held(m, start);
			pthread_mutex_unlock(&mutex);
			if (!inside)
				signal(&cond);
		}
		await(&done, i);
	}
	pthread_join(thread, NULL);
}

static void cond_wait_case(void)
{
	cond_rounds(wait_plain, pthread_cond_signal, false);
}

static void cond_timedwait_case(void)
{
	cond_rounds(wait_timed, pthread_cond_signal, false);
}

#ifdef __GLIBC__
static void cond_clockwait_case(void)
{
	cond_rounds(wait_clock, pthread_cond_signal, false);
}
#endif

static void cond_signal_case(void)
{
	cond_rounds(wait_plain, pthread_cond_signal, true);
}

static void cond_broadcast_case(void)
{
	cond_rounds(wait_plain, pthread_cond_broadcast, true);
}

static void cond_timeout_case(void)
{
	cond_rounds(wait_timeout, NULL, false);
}

/* ---- barrier, once ---- */

static pthread_barrier_t barrier;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void nothing(void)
{
}

static void *barrier_run(void *unused)
{
	int i, err;

	for (i = 0; i < rounds; i++) {
		err = pthread_barrier_wait(&barrier);
		must(err == PTHREAD_BARRIER_SERIAL_THREAD ? 0 : err, "pthread_barrier_wait");
		truth_add(&truths[0].acquisitions, 1);
	}
	return unused;
}

static void *once_run(void *unused)
{
	int i;

	for (i = 0; i < rounds; i++) {
		must(pthread_once(&once, nothing), "pthread_once");
		truth_add(&truths[0].acquisitions, 1);
	}
	return unused;
}

static void meeting(struct truth *t, void *(*run)(void *))
{
	pthread_t threads[MEETING];
	int i;

	t->hold_ns = t->changes = t->contended = UNKNOWN;
	for (i = 0; i < MEETING; i++)
		threads[i] = partner_start(run);
	for (i = 0; i < MEETING; i++)
		pthread_join(threads[i], NULL);
}

static void barrier_case(void)
{
	must(pthread_barrier_init(&barrier, NULL, MEETING), "pthread_barrier_init");
	meeting(truth_new("barrier", "barrier", &barrier), barrier_run);
}

static void once_case(void)
{
	meeting(truth_new("once", "once", &once), once_run);
}

/* ---- locks that change hands, die, or refuse ---- */

static _Atomic uint64_t taken_ns;

static void *handover_poster(void *unused)
{
	int i;

	for (i = 1; i <= rounds; i++) {
		await(&taken, i);
		spin_ns(hold_ns);
		truth_add(&truths[0].hold_ns, now_ns() - taken_ns);
		sem_post(&sem);
		done = i;
	}
	return unused;
}

/* One thread takes it, another one lets it go. */
static void handover_case(void)
{
	struct truth *t = truth_new("handover", "sem", &sem);
	pthread_t poster;
	int i;

	t->changes = 0;
	sem_init(&sem, 0, 1);
	poster = partner_start(handover_poster);
	for (i = 1; i <= rounds; i++) {
		must(sem_wait(&sem) ? errno : 0, "sem_wait");
		taken_ns = now_ns();
		truth_add(&t->acquisitions, 1);
		taken = i;
		await(&done, i);
	}
	pthread_join(poster, NULL);
}

/* The same memory is one mutex after another. */
static void reuse_case(void)
{
	struct truth *t = truth_new("reuse", "mutex", &mutex);
	uint64_t start;
	int i, n;

	for (i = 0; i < rounds; i++) {
		must(pthread_mutex_init(&mutex, NULL), "pthread_mutex_init");
		for (n = 0; n < 3; n++) {
			start = mutex_take(&mutex);
			spin_ns(hold_ns);
			held(t, start);
			must(pthread_mutex_unlock(&mutex), "pthread_mutex_unlock");
		}
		must(pthread_mutex_destroy(&mutex), "pthread_mutex_destroy");
	}
}

/* A mutex that refuses to be locked twice by its owner. */
static void relock_case(void)
{
	struct truth *t = truth_new("relock", "mutex", &mutex);
	pthread_mutexattr_t attr;
	uint64_t start;
	int i;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&mutex, &attr);
	for (i = 0; i < rounds; i++) {
		start = mutex_take(&mutex);
		if (pthread_mutex_lock(&mutex) != EDEADLK)
			die("locked twice");
		spin_ns(hold_ns);
		held(t, start);
		must(pthread_mutex_unlock(&mutex), "pthread_mutex_unlock");
	}
}

static void *dying_run(void *unused)
{
	mutex_take(&mutex);
	return unused;
}

/* Its owner ends without letting it go: the next one is told so, and has it. */
static void dead_owner_case(void)
{
	struct truth *t = truth_new("dead owner", "mutex", &mutex);
	pthread_mutexattr_t attr;
	uint64_t start;
	int i, err;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&mutex, &attr);
	t->changes = t->contended = UNKNOWN;
	for (i = 0; i < rounds; i++) {
		pthread_join(partner_start(dying_run), NULL);
		truth_add(&t->acquisitions, 1);
		err = i & 1 ? pthread_mutex_trylock(&mutex) : pthread_mutex_lock(&mutex);
		start = now_ns();
		if (err != EOWNERDEAD)
			die("the owner's end was not told: %s", strerror(err));
		must(pthread_mutex_consistent(&mutex), "pthread_mutex_consistent");
		spin_ns(hold_ns);
		held(t, start);
		must(pthread_mutex_unlock(&mutex), "pthread_mutex_unlock");
	}
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{ "cond-wait", cond_wait_case },
	{ "cond-timedwait", cond_timedwait_case },
#ifdef __GLIBC__
	{ "cond-clockwait", cond_clockwait_case },
#endif
	{ "cond-signal", cond_signal_case },
	{ "cond-broadcast", cond_broadcast_case },
	{ "cond-timeout", cond_timeout_case },
	{ "barrier", barrier_case },
	{ "once", once_case },
	{ "handover", handover_case },
	{ "reuse", reuse_case },
	{ "relock", relock_case },
	{ "dead-owner", dead_owner_case },
};

int main(int argc, char **argv)
{
	size_t i, n = sizeof(cases) / sizeof(cases[0]);

	pause_first();
	rounds = argument(argc, argv, 2, rounds);
	hold_ns = argument(argc, argv, 3, 100) * 1000;
	for (i = 0; i < n && (argc < 2 || strcmp(argv[1], cases[i].name)); i++)
		;
	if (i == n && argc > 1 && !strcmp(argv[1], "cond-clockwait"))
		return SKIPPED;
	if (i == n)
		die("usage: exact_objects CASE [ROUNDS [HOLD_US]]");
	cases[i].run();
	truth_print(truths, n_truths);
	return 0;
}
