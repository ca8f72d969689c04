// SPDX-License-Identifier: GPL-2.0-only
/*
 * stacks LOCKS PATHS SECONDS: two threads fight for each mutex, and reach it on one of PATHS
 * different call paths, each time on the next. A path is DEPTH calls through FUNCTIONS functions
 * that call each other, so that with many paths almost every stack is one that was never there.
 * Prints a line when every thread runs, and ends after SECONDS.
 */
#include "../workloads/workload.h"

#define DEPTH	    8
#define FUNCTIONS   256 /* a byte of the path chooses one */
#define HOLD_MS	    20
#define STACK_BYTES (64 * 1024)

typedef void (*step_fn)(pthread_mutex_t *mutex, uint64_t path, int left);

static const step_fn steps[FUNCTIONS];
static pthread_mutex_t *mutexes;
static uint64_t paths;
static _Atomic uint64_t turns;
static _Atomic int running;

static __attribute__((noinline)) void step(pthread_mutex_t *mutex, uint64_t path, int left)
{
	if (left) {
		steps[path % FUNCTIONS](mutex, path / FUNCTIONS, left - 1);
	} else {
		pthread_mutex_lock(mutex);
		pause_ns(HOLD_MS * NS_MS);
		pthread_mutex_unlock(mutex);
	}
	__asm__ volatile(""); /* something left to do: no tail calls */
}

/* The number keeps the compiler from folding the functions into one. */
#define STEP(n)                                                                               \
	static __attribute__((noinline)) void step_##n(pthread_mutex_t *mutex, uint64_t path, \
						       int left)                              \
	{                                                                                     \
		step(mutex, path, left);                                                      \
		__asm__ volatile("" : : "i"(0x##n));                                          \
	}
#define ENTRY(n) step_##n,
#define ROW(x, h)                                                                               \
	x(h##0) x(h##1) x(h##2) x(h##3) x(h##4) x(h##5) x(h##6) x(h##7) x(h##8) x(h##9) x(h##a) \
		x(h##b) x(h##c) x(h##d) x(h##e) x(h##f)
/* clang-format off */
#define ROWS(x) \
	ROW(x, 0) ROW(x, 1) ROW(x, 2) ROW(x, 3) ROW(x, 4) ROW(x, 5) ROW(x, 6) ROW(x, 7) \
	ROW(x, 8) ROW(x, 9) ROW(x, a) ROW(x, b) ROW(x, c) ROW(x, d) ROW(x, e) ROW(x, f)
/* clang-format on */

ROWS(STEP)
static const step_fn steps[FUNCTIONS] = { ROWS(ENTRY) };

/* Neighbours differ in all bytes. */
static uint64_t path_of(uint64_t turn)
{
	uint64_t path = (turn % paths + 1) * 0x9e3779b97f4a7c15ULL;

	return (path ^ path >> 32) * 0xd6e8feb86659fd93ULL;
}

static void *thread_main(void *arg)
{
	running++;
	for (;;) {
		step(arg, path_of(turns++), DEPTH);
		pause_ns(HOLD_MS * NS_MS / 2); /* or it would be its own successor */
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int i, locks = argument(argc, argv, 1, 250);
	double seconds = argument(argc, argv, 3, 10);
	pthread_attr_t attr;
	pthread_t thread;

	paths = argument(argc, argv, 2, 1);
	if (locks < 1 || paths < 1)
		die("usage: stacks LOCKS PATHS SECONDS");
	mutexes = calloc(locks, sizeof(*mutexes));
	if (!mutexes)
		die("no memory");
	pthread_attr_init(&attr);
	must(pthread_attr_setstacksize(&attr, STACK_BYTES), "pthread_attr_setstacksize");
	for (i = 0; i < locks; i++)
		pthread_mutex_init(&mutexes[i], NULL);
	for (i = 0; i < 2 * locks; i++)
		must(pthread_create(&thread, &attr, thread_main, &mutexes[i / 2]),
		     "pthread_create");
	await(&running, 2 * locks);
	printf("{\"pid\":%d,\"threads\":%d,\"locks\":%d}\n", getpid(), 2 * locks, locks);
	fflush(stdout);
	pause_ns(seconds * NS_SECOND);
	_exit(0);
}
