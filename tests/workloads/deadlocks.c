// SPDX-License-Identifier: GPL-2.0-only
/*
 * deadlocks MODE SECONDS [DELAY]: threads take one lock each and, DELAY seconds later, want
 * another. The truth is printed as soon as all of them are asleep; mode timed, where nothing
 * stands, prints it at its end.
 */
#include "workload.h"

#define LOCKS_MAX  4
#define STEPS_MAX  6
#define NONE	   -1
#define JOIN(i)	   (-2 - (i)) /* wants the end of thread i */
#define TIMEOUT_NS (1300 * NS_MS)

enum flags { RWLOCK = 1, PROCESSES = 2, TIMED = 4 };

/* Thread i holds lock first and wants lock then. */
struct step {
	int first, then;
};

static const struct mode {
	const char *name, *kind;
	unsigned int flags;
	int n;
	struct step steps[STEPS_MAX];
} modes[] = {
	{ "pair", "mutex", 0, 2, { { 0, 1 }, { 1, 0 } } },
	{ "three", "mutex", 0, 3, { { 0, 1 }, { 1, 2 }, { 2, 0 } } },
	{ "self", "mutex", 0, 1, { { 0, 0 } } },
	{ "two", "mutex", 0, 4, { { 0, 1 }, { 1, 0 }, { 2, 3 }, { 3, 2 } } },
	/* one thread wants a lock of the cycle, one behind it, and one holds nothing */
	{ "queued", "mutex", 0, 5, { { 0, 1 }, { 1, 0 }, { 2, 0 }, { NONE, 2 }, { NONE, 1 } } },
	{ "rwlock", "rwlock-write", RWLOCK, 2, { { 0, 1 }, { 1, 0 } } },
	{ "processes", "mutex", PROCESSES, 2, { { 0, 1 }, { 1, 0 } } },
	{ "join", "mutex", 0, 2, { { 0, JOIN(1) }, { NONE, 0 } } },
	{ "chain", "mutex", 0, 3, { { 0, NONE }, { 1, 0 }, { 2, 1 } } },
	{ "timed", "mutex", TIMED, 2, { { 0, 1 }, { 1, 0 } } },
};

static struct shared {
	pthread_mutex_t mutexes[LOCKS_MAX];
	pthread_rwlock_t rwlocks[LOCKS_MAX];
	_Atomic int ready, rounds;
	_Atomic pid_t pids[STEPS_MAX], tids[STEPS_MAX];
	_Atomic uintptr_t wanted[STEPS_MAX]; /* addresses in the process of each thread */
} locks, *s = &locks;

static const struct mode *mode;
static pthread_t threads[STEPS_MAX];
static uint64_t delay_ns, run_ns;

static void take(int lock)
{
	if (mode->flags & RWLOCK)
		must(pthread_rwlock_wrlock(&s->rwlocks[lock]), "pthread_rwlock_wrlock");
	else
		must(pthread_mutex_lock(&s->mutexes[lock]), "pthread_mutex_lock");
}

static void *object(int lock)
{
	if (lock == NONE)
		return NULL;
	if (lock < NONE)
		return (void *)threads[JOIN(lock)];
	return mode->flags & RWLOCK ? (void *)&s->rwlocks[lock] : (void *)&s->mutexes[lock];
}

static NOINLINE void want(int lock)
{
	if (lock == NONE)
		for (;;)
			pause_ns(NS_SECOND);
	if (lock < NONE)
		pthread_join(threads[JOIN(lock)], NULL);
	else
		take(lock);
	KEEP_FRAME;
}

static void *thread_run(void *arg)
{
	int i = (intptr_t)arg;
	const struct step *step = &mode->steps[i];

	s->pids[i] = outer_pid();
	s->tids[i] = outer_tid();
	if (step->first != NONE)
		take(step->first);
	s->ready++;
	await(&s->ready, mode->n);
	if (delay_ns)
		pause_ns(delay_ns);
	s->wanted[i] = (uintptr_t)object(step->then);
	want(step->then);
	return NULL;
}

/* The same circle, round after round, but thread 0 gives up: what it holds goes to the other. */
static void *timed_run(void *arg)
{
	int i = (intptr_t)arg, round = 0, err;
	const struct step *step = &mode->steps[i];
	uint64_t end = now_ns() + run_ns;
	struct timespec t;

	while (now_ns() < end) {
		round++;
		pthread_mutex_lock(&s->mutexes[step->first]);
		s->ready++;
		await(&s->ready, round * mode->n);
		t = deadline(CLOCK_REALTIME, i ? 3600 * NS_SECOND : TIMEOUT_NS);
		/* The other one has no time-out at all: only thread 0 can break the circle. */
		err = i ? pthread_mutex_lock(&s->mutexes[step->then])
			: pthread_mutex_timedlock(&s->mutexes[step->then], &t);
		if (err && (i || err != ETIMEDOUT))
			die("thread %d: %s", i, strerror(err));
		pthread_mutex_unlock(&s->mutexes[step->first]);
		if (!err)
			pthread_mutex_unlock(&s->mutexes[step->then]);
		s->rounds++;
		await(&s->rounds, round * mode->n);
	}
	return NULL;
}

/* In a child: the same memory at other addresses. */
static void map_again(int fd)
{
	void *old = s;

	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (s == MAP_FAILED || munmap(old, sizeof(*s)))
		die("mmap: %s", strerror(errno));
}

static int shared_map(void)
{
	int fd = memfd_create("locks", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, sizeof(*s)))
		die("memfd_create: %s", strerror(errno));
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (s == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	return fd;
}

static void locks_init(void)
{
	int i, shared = mode->flags & PROCESSES ? PTHREAD_PROCESS_SHARED : PTHREAD_PROCESS_PRIVATE;
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, shared);
	for (i = 0; i < LOCKS_MAX; i++) {
		must(pthread_mutex_init(&s->mutexes[i], &attr), "pthread_mutex_init");
		must(pthread_rwlock_init(&s->rwlocks[i], NULL), "pthread_rwlock_init");
	}
}

static void start_all(int fd)
{
	void *(*run)(void *) = mode->flags & TIMED ? timed_run : thread_run;
	intptr_t i;

	/* A join needs the thread's name before it starts: the last one first. */
	for (i = mode->n - 1; i >= 0; i--) {
		if (i && mode->flags & PROCESSES) {
			if (!fork_child()) {
				map_again(fd);
				thread_run((void *)i);
			}
		} else {
			must(pthread_create(&threads[i], NULL, run, (void *)i), "pthread_create");
		}
	}
}

static int holder_of(int lock)
{
	int i;

	if (lock < NONE)
		return JOIN(lock);
	for (i = 0; i < mode->n && lock != NONE; i++)
		if (mode->steps[i].first == lock)
			return i;
	return NONE;
}

/* Does whoever follows the owners from this thread come back to it? Then its smallest member. */
static int cycle_of(int i)
{
	int n, at = i, least = i;

	for (n = 0; n < mode->n; n++) {
		at = holder_of(mode->steps[at].then);
		if (at == NONE)
			return NONE;
		if (at < least)
			least = at;
		if (at == i)
			return least;
	}
	return NONE;
}

static void truth_print(uint64_t formed_ns)
{
	char wanted[32];
	int i, holder;

	printf("{\"pid\":%d,\"kind\":\"%s\",\"formed_ns\":%llu,\"rounds\":%d,\"threads\":[",
	       getpid(), mode->kind, (unsigned long long)formed_ns, s->rounds);
	for (i = 0; i < mode->n && !(mode->flags & TIMED); i++) {
		holder = holder_of(mode->steps[i].then);
		printf("%s{\"pid\":%d,\"tid\":%d,\"waits_for\":\"%s\",\"held_by\":%d,\"cycle\":%d}",
		       i ? "," : "", s->pids[i], s->tids[i], address(wanted, (void *)s->wanted[i]),
		       holder == NONE ? 0 : s->tids[holder], cycle_of(i));
	}
	puts("]}");
	fflush(stdout);
}

/* Returns when all that will sleep are asleep: the time of the real-time clock. */
static uint64_t formed(void)
{
	struct timespec t;
	int i;

	for (i = 0; i < mode->n; i++) {
		if (mode->steps[i].then == NONE)
			continue;
		while (!s->wanted[i])
			pause_ns(50000);
		await_asleep(s->pids[i], s->tids[i], (void *)s->wanted[i], 1024);
	}
	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * NS_SECOND + t.tv_nsec;
}

int main(int argc, char **argv)
{
	int fd = -1;
	size_t i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]) && argc > 1; i++)
		if (!strcmp(argv[1], modes[i].name))
			mode = &modes[i];
	if (!mode)
		die("usage: deadlocks MODE SECONDS [DELAY]");
	run_ns = argument(argc, argv, 2, 5) * NS_SECOND;
	delay_ns = argument(argc, argv, 3, 0) * NS_SECOND;
	if (mode->flags & PROCESSES)
		fd = shared_map();
	locks_init();
	start_all(fd);
	if (mode->flags & TIMED) {
		pthread_join(threads[0], NULL);
		pthread_join(threads[1], NULL);
		truth_print(0);
		return 0;
	}
	truth_print(formed());
	pause_ns(run_ns);
	return 0;
}
