// SPDX-License-Identifier: GPL-2.0-only
/*
 * many [THREADS [LOCKS [MOVING [SECONDS]]]]: many threads on many mutexes. All but MOVING of the
 * mutexes are held all the time; those are held for HOLD_MS by one of their threads after another.
 * Prints a line when every thread runs, and ends after SECONDS with its threads where they are.
 */
#include "../workloads/workload.h"

#define HOLD_MS	    10
#define STACK_BYTES (32 * 1024)

static pthread_mutex_t *mutexes;
static int locks, moving;
static _Atomic int running;

static void *thread_main(void *arg)
{
	int own = (int)(intptr_t)arg % locks;

	running++;
	for (;;) {
		pthread_mutex_lock(&mutexes[own]);
		pause_ns(HOLD_MS * NS_MS);
		pthread_mutex_unlock(&mutexes[own]);
		pause_ns(HOLD_MS * NS_MS); /* or it would be its own successor */
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int threads = argument(argc, argv, 1, 10000);
	double seconds;
	pthread_attr_t attr;
	pthread_t thread;
	int i;

	locks = argument(argc, argv, 2, 1000);
	moving = argument(argc, argv, 3, 100);
	seconds = argument(argc, argv, 4, 10);
	if (locks < 1 || moving > locks)
		die("usage: many [THREADS [LOCKS [MOVING [SECONDS]]]]");
	mutexes = calloc(locks, sizeof(*mutexes));
	if (!mutexes)
		die("no memory");
	for (i = 0; i < locks; i++) {
		pthread_mutex_init(&mutexes[i], NULL);
		if (i >= moving)
			pthread_mutex_lock(&mutexes[i]);
	}
	pthread_attr_init(&attr);
	must(pthread_attr_setstacksize(&attr, STACK_BYTES), "pthread_attr_setstacksize");
	for (i = 0; i < threads; i++)
		must(pthread_create(&thread, &attr, thread_main, (void *)(intptr_t)i),
		     "pthread_create");
	await(&running, threads);
	printf("{\"pid\":%d,\"threads\":%d,\"locks\":%d}\n", getpid(), threads, locks);
	fflush(stdout);
	pause_ns(seconds * NS_SECOND);
	_exit(0);
}
