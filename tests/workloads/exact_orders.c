// SPDX-License-Identifier: GPL-2.0-only
/*
 * exact_orders MODE [ROUNDS [SECONDS]]: threads that take up to four locks in orders that do or do
 * not contradict each other. They run one after the other and never meet, so nothing ever waits.
 * Stays for SECONDS. The truth says which orders are an inversion, and where they were taken: in
 * functions first_N (the lock held) and then_N (the one wanted) of thread N.
 */
#include "exact.h"

#define LOCKS	 4
#define STEPS	 3
#define THREADS	 3
#define TRY	 16 /* | lock: by trylock */
#define READ	 32 /* | lock: for reading; locks of such a mode are rwlocks */
#define WRITE	 64
#define END	 -1
#define LOCK(at) ((at)&15)

/* What each thread takes, in this order; thread i's edge of the inversion is its last but one. */
static const struct mode {
	const char *name;
	bool inverted;
	int threads;
	int takes[THREADS][STEPS + 1];
} modes[] = {
	{ "pair", true, 2, { { 0, 1, END }, { 1, 0, END } } },
	{ "three", true, 3, { { 0, 1, END }, { 1, 2, END }, { 2, 0, END } } },
	{ "ordered", false, 3, { { 0, 1, END }, { 1, 2, END }, { 0, 2, END } } },
	{ "gate", false, 2, { { 3, 0, 1, END }, { 3, 1, 0, END } } },
	{ "half-gate", true, 2, { { 3, 0, 1, END }, { 1, 0, END } } },
	{ "trylock", false, 2, { { 0, 1, END }, { 1, TRY | 0, END } } },
	{ "readers", false, 2, { { READ | 0, READ | 1, END }, { READ | 1, READ | 0, END } } },
	{ "writers", true, 2, { { WRITE | 0, WRITE | 1, END }, { WRITE | 1, WRITE | 0, END } } },
	/* one thread in both orders cannot meet itself */
	{ "alone", false, 1, { { 0, 1, END } } },
};

static const struct mode *mode;
static pthread_mutex_t mutexes[LOCKS];
static pthread_rwlock_t rwlocks[LOCKS];
static int rounds = 20;
static pid_t tids[THREADS];

static bool is_rwlock(int at)
{
	return at & (READ | WRITE);
}

static void take(int at)
{
	pthread_mutex_t *m = &mutexes[LOCK(at)];
	pthread_rwlock_t *l = &rwlocks[LOCK(at)];

	must(at & READ	  ? pthread_rwlock_rdlock(l)
	     : at & WRITE ? pthread_rwlock_wrlock(l)
	     : at & TRY	  ? pthread_mutex_trylock(m)
			  : pthread_mutex_lock(m),
	     "take");
}

static void let_go(int at)
{
	must(is_rwlock(at) ? pthread_rwlock_unlock(&rwlocks[LOCK(at)])
			   : pthread_mutex_unlock(&mutexes[LOCK(at)]),
	     "let go");
}

/* Functions for stacks to show, two for each thread. */
#define STEP(name)                        \
	static NOINLINE void name(int at) \
	{                                 \
		take(at);                 \
		KEEP_FRAME;               \
	}

STEP(first_0)
STEP(first_1)
STEP(first_2)
STEP(then_0)
STEP(then_1)
STEP(then_2)

static void (*const firsts[])(int) = { first_0, first_1, first_2 };
static void (*const thens[])(int) = { then_0, then_1, then_2 };

static int steps_of(int i)
{
	int n = 0;

	while (mode->takes[i][n] != END)
		n++;
	return n;
}

static void once(int i, bool backwards)
{
	const int *takes = mode->takes[i];
	int s, n = steps_of(i);

	for (s = 0; s < n; s++)
		(s < n - 1 ? firsts : thens)[i](takes[backwards ? n - 1 - s : s]);
	for (s = n - 1; s >= 0; s--)
		let_go(takes[s]);
}

static void *run(void *arg)
{
	int r, i = (intptr_t)arg;
	bool alone = mode->threads == 1;

	tids[i] = outer_tid();
	for (r = 0; r < rounds; r++)
		once(i, alone && r % 2);
	return NULL;
}

static const void *object(int at)
{
	return is_rwlock(at) ? (void *)&rwlocks[LOCK(at)] : (void *)&mutexes[LOCK(at)];
}

static void print_edges(void)
{
	char from[32], to[32];
	const int *takes;
	int i, n;

	for (i = 0; i < mode->threads; i++) {
		takes = mode->takes[i];
		n = steps_of(i);
		printf("%s{\"from\":\"%s\",\"to\":\"%s\",\"tid\":%d,\"first\":\"first_%d\","
		       "\"then\":\"then_%d\",\"count\":%d}",
		       i ? "," : "", address(from, object(takes[n - 2])),
		       address(to, object(takes[n - 1])), tids[i], i, i, rounds);
	}
}

int main(int argc, char **argv)
{
	pthread_t thread;
	intptr_t i;

	for (i = 0; i < (int)(sizeof(modes) / sizeof(modes[0])) && argc > 1; i++)
		if (!strcmp(argv[1], modes[i].name))
			mode = &modes[i];
	if (!mode)
		die("usage: exact_orders MODE [ROUNDS [SECONDS]]");
	rounds = argument(argc, argv, 2, rounds);
	for (i = 0; i < LOCKS; i++) {
		pthread_mutex_init(&mutexes[i], NULL);
		pthread_rwlock_init(&rwlocks[i], NULL);
	}
	for (i = 0; i < mode->threads; i++) {
		must(pthread_create(&thread, NULL, run, (void *)i), "pthread_create");
		pthread_join(thread, NULL);
	}
	pause_ns(argument(argc, argv, 3, 0) * NS_SECOND);
	printf("{\"pid\":%d,\"inverted\":%s,\"edges\":[", outer_pid(),
	       mode->inverted ? "true" : "false");
	print_edges();
	puts("]}");
	return 0;
}
