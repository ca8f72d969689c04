// SPDX-License-Identifier: GPL-2.0-only
/*
 * moving SECONDS [THREADS [LOCKS]]: threads take up to three of many mutexes at a time, always in
 * the order of their addresses, so that no deadlock is possible; but chains form and fall apart all
 * the time, and now and then one stands for a while because its last owner sleeps.
 */
#include "workload.h"

#define LOCKS_MAX 4096
#define AT_ONCE	  3

static pthread_mutex_t mutexes[LOCKS_MAX];
static _Atomic bool over;
static _Atomic uint64_t acquisitions, long_holds;
static int n_locks;

static uint32_t random_next(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 33;
}

/* Low numbers come more often: their locks are contended. */
static int lock_pick(uint64_t *state)
{
	double u = random_next(state) / 2147483648.0;

	return n_locks * u * u;
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Sorted, each once. */
static int locks_pick(uint64_t *state, int *locks)
{
	int i, n = 0, wanted = 1 + random_next(state) % AT_ONCE;

	for (i = 0; i < wanted; i++)
		locks[i] = lock_pick(state);
	qsort(locks, wanted, sizeof(*locks), by_number);
	for (i = 0; i < wanted; i++)
		if (!n || locks[i] != locks[n - 1])
			locks[n++] = locks[i];
	return n;
}

static void hold(uint64_t *state)
{
	unsigned int dice = random_next(state) % 10000;

	if (dice < 5000) {
		spin_ns(random_next(state) % 20000);
	} else if (dice < 9998) {
		pause_ns(random_next(state) % (2 * NS_MS));
	} else {
		long_holds++;
		pause_ns(300 * NS_MS + random_next(state) % (500 * NS_MS));
	}
}

static void *worker(void *seed)
{
	uint64_t state = (uintptr_t)seed * 0x9e3779b97f4a7c15ULL + 1;
	int locks[AT_ONCE], i, n;

	while (!over) {
		n = locks_pick(&state, locks);
		for (i = 0; i < n; i++)
			pthread_mutex_lock(&mutexes[locks[i]]);
		acquisitions += n;
		hold(&state);
		for (i = n; i--;)
			pthread_mutex_unlock(&mutexes[locks[i]]);
		pause_ns(random_next(&state) % (8 * NS_MS));
	}
	return NULL;
}

int main(int argc, char **argv)
{
	uint64_t run_ns = argument(argc, argv, 1, 10) * NS_SECOND;
	int i, n = threads_argument(argc, argv, 2, 200);
	pthread_t threads[THREADS_MAX];

	n_locks = argument(argc, argv, 3, 1000);
	if (n_locks < 1 || n_locks > LOCKS_MAX)
		die("moving: 1 to %d locks", LOCKS_MAX);
	for (i = 0; i < n_locks; i++)
		pthread_mutex_init(&mutexes[i], NULL);
	for (i = 0; i < n; i++)
		must(pthread_create(&threads[i], NULL, worker, (void *)(intptr_t)i),
		     "pthread_create");
	pause_ns(run_ns);
	over = true;
	for (i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	printf("{\"pid\":%d,\"threads\":%d,\"locks\":%d,\"acquisitions\":%llu,\"long_holds\":%llu}"
	       "\n",
	       getpid(), n, n_locks, (unsigned long long)acquisitions,
	       (unsigned long long)long_holds);
	return 0;
}
