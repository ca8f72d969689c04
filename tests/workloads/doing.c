// SPDX-License-Identifier: GPL-2.0-only
/*
 * doing WHAT SECONDS: a thread holds a mutex and does WHAT, in a function named WHAT_here; threads
 * want the mutex in want_here(). The truth is printed as soon as all of them are where they should
 * be. In mode robust the owner ends after half of the time, and says how its waiter fared.
 */
#include "workload.h"

#define WAITERS_MAX 3

static struct shared {
	pthread_mutex_t mutexes[WAITERS_MAX + 1]; /* the first is the one that WHAT is about */
	_Atomic int holding, inherited, over;
	_Atomic pid_t owner_pid, owner, waiters[WAITERS_MAX];
} * s;

static uint64_t run_ns;
static int pipe_fds[2], crowded_cpu;

static NOINLINE void running_here(void)
{
	while (!s->over)
		KEEP_FRAME;
}

/* What else runs here does not take the CPU from it, if that is allowed; a look at it does not. */
static void run_first(void)
{
	struct sched_param param = { .sched_priority = 1 };

	sched_setscheduler(0, SCHED_FIFO, &param);
	running_here();
}

static NOINLINE void read_here(void)
{
	char c;

	while (read(pipe_fds[0], &c, 1) != 1)
		;
	KEEP_FRAME;
}

static NOINLINE void nanosleep_here(void)
{
	pause_ns(3600 * NS_SECOND);
	KEEP_FRAME;
}

/* A parent is asleep uninterruptibly while its vfork'ed child has not let go of its memory. */
static NOINLINE void vfork_here(void)
{
	if (!vfork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	KEEP_FRAME;
}

static void *spinner(void *unused)
{
	pin_to(crowded_cpu);
	while (!s->over)
		KEEP_FRAME;
	return unused;
}

/* Wants a CPU, and gets next to nothing of it. */
static NOINLINE void preempted_here(void)
{
	struct sched_param param = { 0 };

	crowded_cpu = first_cpu();
	thread_start(spinner, NULL);
	pin_to(crowded_cpu);
	if (sched_setscheduler(0, SCHED_IDLE, &param))
		die("sched_setscheduler: %s", strerror(errno));
	running_here();
}

static NOINLINE void stopped_here(void)
{
	raise(SIGSTOP);
	KEEP_FRAME;
}

static NOINLINE void exited_here(void)
{
	KEEP_FRAME;
}

static NOINLINE void robust_here(void)
{
	pause_ns(run_ns / 2);
	KEEP_FRAME;
}

enum flags { ROBUST = 1, PROCESSES = 2, CHAIN = 4 };

static const struct what {
	const char *name, *state, *call; /* as locktop should say them */
	void (*here)(void);
	unsigned int flags;
	int waiters;
	char letter; /* the owner's state in /proc; 0: is gone, or what it likes */
} whats[] = {
	{ "running", "running", NULL, run_first, 0, 1, 'R' },
	{ "displaced", "running", NULL, running_here, 0, 1, 'R' },
	{ "apart", "running", NULL, running_here, PROCESSES, 1, 'R' }, /* in another process */
	{ "preempted", "runnable", NULL, preempted_here, 0, 1, 'R' },
	{ "read", "sleeping", "read", read_here, 0, 1, 'S' },
	{ "nanosleep", "sleeping", "clock_nanosleep", nanosleep_here, 0, 1, 'S' },
	{ "vfork", "blocked", "vfork", vfork_here, 0, 1, 'D' },
	{ "stopped", "stopped", NULL, stopped_here, PROCESSES, 1, 'T' },
	{ "exited", "exited", NULL, exited_here, 0, 1, 0 },
	{ "robust", "sleeping", "clock_nanosleep", robust_here, ROBUST, 1, 'S' },
	/* waiter i holds mutex i + 1 and wants mutex i */
	{ "chain", "sleeping", "clock_nanosleep", nanosleep_here, CHAIN, 3, 'S' },
};

static const struct what *what;

static void *owner(void *unused)
{
	s->owner_pid = getpid();
	s->owner = gettid();
	pthread_mutex_lock(&s->mutexes[0]);
	s->holding = 1;
	what->here();
	return unused;
}

static NOINLINE void want_here(pthread_mutex_t *mutex)
{
	int err = pthread_mutex_lock(mutex);

	if (err == EOWNERDEAD) {
		s->inherited = 1;
		pthread_mutex_consistent(mutex);
		pthread_mutex_unlock(mutex);
	} else {
		must(err, "pthread_mutex_lock");
	}
}

static void *waiter(void *arg)
{
	intptr_t i = (intptr_t)arg;
	int wanted = what->flags & CHAIN ? i : 0;

	if (what->flags & CHAIN)
		pthread_mutex_lock(&s->mutexes[i + 1]);
	s->waiters[i] = gettid();
	want_here(&s->mutexes[wanted]);
	return NULL;
}

static void mutexes_init(void)
{
	pthread_mutexattr_t attr;
	int i;

	pthread_mutexattr_init(&attr);
	if (what->flags & ROBUST)
		pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	if (what->flags & PROCESSES)
		pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	for (i = 0; i <= WAITERS_MAX; i++)
		must(pthread_mutex_init(&s->mutexes[i], &attr), "pthread_mutex_init");
}

static pid_t owner_start(void)
{
	pid_t child = 0;

	if (what->flags & PROCESSES) {
		child = fork_child();
		if (!child) {
			owner(NULL);
			_exit(0);
		}
	} else {
		thread_start(owner, NULL);
	}
	await(&s->holding, 1);
	return child;
}

static bool owner_settled(void)
{
	char path[64], line[512];

	if (what->letter)
		return thread_state(s->owner_pid, s->owner) == what->letter;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", s->owner_pid, s->owner);
	return !proc_read(line, sizeof(line), path);
}

static void all_start(void)
{
	intptr_t i;

	for (i = 0; i < what->waiters; i++) {
		thread_start(waiter, (void *)i);
		await(&s->waiters[i], 1);
		await_asleep(getpid(), s->waiters[i], s->mutexes, sizeof(s->mutexes));
	}
	while (!owner_settled())
		pause_ns(50000);
}

static void truth_print(void)
{
	char lock[32], next[32];
	int i;

	printf("{\"pid\":%d,\"kind\":\"mutex\",\"lock\":\"%s\",\"owner_pid\":%d,\"owner\":%d,"
	       "\"state\":\"%s\",\"call\":\"%s\",\"inherited\":%d,\"waiters\":[",
	       getpid(), address(lock, &s->mutexes[0]), s->owner_pid, s->owner, what->state,
	       what->call ? what->call : "", s->inherited);
	for (i = 0; i < what->waiters; i++)
		printf("%s{\"tid\":%d,\"lock\":\"%s\"}", i ? "," : "", s->waiters[i],
		       address(next, &s->mutexes[what->flags & CHAIN ? i : 0]));
	puts("]}");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	pid_t child;
	size_t i;

	for (i = 0; i < sizeof(whats) / sizeof(whats[0]) && argc > 1; i++)
		if (!strcmp(argv[1], whats[i].name))
			what = &whats[i];
	if (!what)
		die("usage: doing WHAT SECONDS");
	run_ns = argument(argc, argv, 2, 5) * NS_SECOND;
	s = shared_page(sizeof(*s));
	if (pipe(pipe_fds))
		die("pipe: %s", strerror(errno));
	mutexes_init();
	child = owner_start();
	all_start();
	if (!(what->flags & ROBUST))
		truth_print();
	pause_ns(run_ns);
	if (what->flags & ROBUST)
		truth_print();
	s->over = 1;
	if (child) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	return 0;
}
