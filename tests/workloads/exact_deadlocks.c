// SPDX-License-Identifier: GPL-2.0-only
/*
 * exact_deadlocks sem|spin|mixed SECONDS [DELAY]: two threads that want, DELAY seconds after they
 * took the first, each other's lock: semaphores, spinlocks, or a mutex and a semaphore. What says
 * who has them is only that they were seen taken. The truth is printed as soon as both stand still.
 */
#include "workload.h"
#include <semaphore.h>

#define THREADS 2

enum type { MUTEX, SEM, SPIN };

static union lock {
	pthread_mutex_t mutex;
	sem_t sem;
	pthread_spinlock_t spin;
} locks[THREADS];

static const struct mode {
	const char *name, *kind;
	enum type types[THREADS];
} modes[] = {
	{ "sem", "sem", { SEM, SEM } },
	{ "spin", "spin", { SPIN, SPIN } },
	{ "mixed", "sem", { MUTEX, SEM } },
};

static const struct mode *mode;
static pthread_t threads[THREADS];
static _Atomic pid_t tids[THREADS];
static _Atomic int ready;
static uint64_t delay_ns;

static NOINLINE void take(int i)
{
	int err = mode->types[i] == MUTEX ? pthread_mutex_lock(&locks[i].mutex)
		  : mode->types[i] == SEM ? (sem_wait(&locks[i].sem) ? errno : 0)
					  : pthread_spin_lock(&locks[i].spin);

	must(err, "take");
	KEEP_FRAME;
}

static NOINLINE void want(int i)
{
	take(i);
	KEEP_FRAME;
}

static void *run(void *arg)
{
	int i = (intptr_t)arg;

	tids[i] = outer_tid();
	take(i);
	ready++;
	await(&ready, THREADS);
	pause_ns(delay_ns);
	want(!i);
	return NULL;
}

/* Until this thread stands: asleep on the other one's lock, or spinning for it. */
static void stands(int i)
{
	while (!tids[i])
		pause_ns(50000);
	if (mode->types[!i] != SPIN)
		await_asleep(outer_pid(), tids[i], &locks[!i], sizeof(locks[!i]));
	else
		while (thread_cpu_ns(threads[i]) < 5 * NS_MS)
			pause_ns(50000);
}

static void locks_init(void)
{
	int i;

	for (i = 0; i < THREADS; i++) {
		if (mode->types[i] == MUTEX)
			pthread_mutex_init(&locks[i].mutex, NULL);
		else if (mode->types[i] == SEM)
			sem_init(&locks[i].sem, 0, 1);
		else
			pthread_spin_init(&locks[i].spin, 0);
	}
}

static void truth_print(void)
{
	struct timespec t;
	char text[32];
	int i;

	clock_gettime(CLOCK_REALTIME, &t);
	printf("{\"pid\":%d,\"kind\":\"%s\",\"formed_ns\":%llu,\"threads\":[", outer_pid(),
	       mode->kind, t.tv_sec * NS_SECOND + t.tv_nsec);
	for (i = 0; i < THREADS; i++)
		printf("%s{\"pid\":%d,\"tid\":%d,\"waits_for\":\"%s\",\"held_by\":%d,\"cycle\":0}",
		       i ? "," : "", outer_pid(), tids[i], address(text, &locks[!i]), tids[!i]);
	puts("]}");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	intptr_t i;

	for (i = 0; i < (int)(sizeof(modes) / sizeof(modes[0])) && argc > 1; i++)
		if (!strcmp(argv[1], modes[i].name))
			mode = &modes[i];
	if (!mode)
		die("usage: exact_deadlocks sem|spin|mixed SECONDS [DELAY]");
	delay_ns = argument(argc, argv, 3, 0) * NS_SECOND;
	locks_init();
	for (i = 0; i < THREADS; i++)
		must(pthread_create(&threads[i], NULL, run, (void *)i), "pthread_create");
	for (i = 0; i < THREADS; i++)
		stands(i);
	truth_print();
	pause_ns(argument(argc, argv, 2, 5) * NS_SECOND);
	_exit(0);
}
