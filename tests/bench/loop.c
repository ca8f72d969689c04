// SPDX-License-Identifier: GPL-2.0-only
/*
 * loop MODE SECONDS: does one thing as often as it can for a time; prints how often, as JSON. It is
 * what gets measured with and without locktop beside it. A virtual machine's speed changes by a
 * third from one moment to the next, so that "rate" is made to depend on it as little as possible:
 * mutex sections last a time, not a number of steps; ping-pong is put in relation to a fixed piece
 * of work done in between on the same CPU; of system calls the fastest stretch counts.
 */
#include "../workloads/workload.h"

#define MUTEX_THREADS 4
#define SECTION_NS    10000 /* inside the mutex; as long outside */
#define ROUNDS	      100   /* of ping-pong between two pieces of reference work */
#define CALLS	      200   /* in a stretch of system calls, or of pairs */
#define PAIRS_MAX     64
#define LINE	      64 /* bytes that one CPU's cache shares with no other */

struct result {
	uint64_t count, sleeps;
	double per_second, rate;
};

/* What one player of a pair has done, and how fast its CPU was meanwhile. */
struct score {
	uint64_t sleeps; /* waits that the kernel says were ended by a wake */
	uint64_t rounds, rounds_ns;
	uint64_t works, works_ns;
	uint64_t last_ns; /* when the latest reference work ended */
};

/* One word of a ping-pong pair and what its waiter has done. */
struct side {
	_Atomic int ball;
	struct score score;
} __attribute__((aligned(LINE)));

struct pair {
	struct side side[2];
	int cpu;
};

struct mutex_thread {
	uint64_t n;
	int cpu;
} __attribute__((aligned(LINE)));

static struct pair pairs[PAIRS_MAX];
static struct mutex_thread mutex_threads[MUTEX_THREADS];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static _Atomic bool stop;

/* The CPUs that this process may use; returns how many, at most max. */
static int cpus_allowed(int *cpus, int max)
{
	cpu_set_t set;
	int i, n = 0;

	if (sched_getaffinity(0, sizeof(set), &set))
		die("sched_getaffinity: %s", strerror(errno));
	for (i = 0; i < CPU_SETSIZE && n < max; i++)
		if (CPU_ISSET(i, &set))
			cpus[n++] = i;
	return n;
}

/* Accounts the rounds since the last call and measures the CPU's speed now. */
static void reference_work(struct score *s)
{
	uint64_t start = now_ns(), end;
	int i;

	if (s->last_ns) {
		s->rounds_ns += start - s->last_ns;
		s->rounds += ROUNDS;
	}
	for (i = 0; i < 100000; i++)
		__asm__ volatile("" : : "r"(i));
	end = now_ns();
	s->works++;
	s->works_ns += end - start;
	s->last_ns = end;
}

static void finish_after(double seconds)
{
	pause_ns(seconds * NS_SECOND);
	stop = true;
}

static void *mutex_main(void *arg)
{
	struct mutex_thread *t = arg;

	pin_to(t->cpu);
	while (!stop) {
		pthread_mutex_lock(&mutex);
		spin_ns(SECTION_NS);
		pthread_mutex_unlock(&mutex);
		spin_ns(SECTION_NS);
		t->n++;
	}
	return NULL;
}

static struct result mutex_run(double seconds)
{
	pthread_t threads[MUTEX_THREADS];
	int i, n, cpus[MUTEX_THREADS];
	uint64_t start = now_ns();
	struct result r = { 0 };

	n = cpus_allowed(cpus, MUTEX_THREADS);
	for (i = 0; i < MUTEX_THREADS; i++) {
		mutex_threads[i].cpu = cpus[i % n];
		must(pthread_create(&threads[i], NULL, mutex_main, &mutex_threads[i]), "thread");
	}
	finish_after(seconds);
	for (i = 0; i < MUTEX_THREADS; i++) {
		pthread_join(threads[i], NULL);
		r.count += mutex_threads[i].n;
	}
	r.per_second = r.count * 1e9 / (now_ns() - start);
	r.rate = r.per_second;
	return r;
}

static void throw_ball(struct side *to)
{
	to->ball = 1;
	syscall(SYS_futex, &to->ball, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
}

static void play(struct side *own, struct side *other, int cpu, bool reference)
{
	struct sched_param none = { 0 };
	uint64_t n;

	/* Without preemption by the thread that was woken, every throw makes its thrower sleep. */
	sched_setscheduler(0, SCHED_BATCH, &none);
	pin_to(cpu);
	for (n = 0; !stop; n++) {
		while (!own->ball && !stop)
			if (!syscall(SYS_futex, &own->ball, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0,
				     NULL, NULL, 0))
				own->score.sleeps++;
		own->ball = 0;
		if (reference && n % ROUNDS == 0)
			reference_work(&own->score);
		throw_ball(other);
	}
	throw_ball(other); /* the other one may not have seen the end yet */
}

static void *ping_main(void *arg)
{
	struct pair *p = arg;

	play(&p->side[0], &p->side[1], p->cpu, true);
	return NULL;
}

static void *pong_main(void *arg)
{
	struct pair *p = arg;

	play(&p->side[1], &p->side[0], p->cpu, false);
	return NULL;
}

/* Pairs of threads that wake each other, each pair on a CPU of its own. */
static struct result pairs_run(double seconds, int max)
{
	pthread_t threads[PAIRS_MAX][2];
	int i, n, cpus[PAIRS_MAX];
	struct result r = { 0 };

	n = cpus_allowed(cpus, max);
	for (i = 0; i < n; i++) {
		pairs[i].cpu = cpus[i];
		pairs[i].side[0].ball = 1;
		must(pthread_create(&threads[i][0], NULL, ping_main, &pairs[i]), "thread");
		must(pthread_create(&threads[i][1], NULL, pong_main, &pairs[i]), "thread");
	}
	finish_after(seconds);
	for (i = 0; i < n; i++) {
		const struct score *ping = &pairs[i].side[0].score;

		pthread_join(threads[i][0], NULL);
		pthread_join(threads[i][1], NULL);
		if (!ping->rounds)
			die("no time for %d rounds", ROUNDS);
		r.count += ping->rounds;
		r.per_second += ping->rounds * 1e9 / ping->rounds_ns;
		r.rate += (double)ping->rounds / ping->rounds_ns * ping->works_ns / ping->works;
		r.sleeps += ping->sleeps + pairs[i].side[1].score.sleeps;
	}
	return r;
}

static struct result pingpong_run(double seconds)
{
	return pairs_run(seconds, 1);
}

static struct result storm_run(double seconds)
{
	return pairs_run(seconds, PAIRS_MAX);
}

static struct result stretches_run(double seconds, void (*call)(void))
{
	uint64_t start = now_ns(), now = start, end = start + seconds * NS_SECOND;
	uint64_t before, best = UINT64_MAX;
	struct result r = { 0 };
	int i;

	pin_to(first_cpu());
	while (now < end) {
		before = now_ns();
		for (i = 0; i < CALLS; i++)
			call();
		now = now_ns();
		best = now - before < best ? now - before : best;
		r.count += CALLS;
	}
	r.per_second = r.count * 1e9 / (now - start);
	r.rate = CALLS * 1e9 / best;
	return r;
}

static void getppid_call(void)
{
	syscall(SYS_getppid);
}

static void pair_call(void)
{
	pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
}

static struct result syscall_run(double seconds)
{
	return stretches_run(seconds, getppid_call);
}

static struct result pair_run(double seconds)
{
	return stretches_run(seconds, pair_call);
}

static const struct mode {
	const char *name;
	struct result (*run)(double seconds);
} modes[] = {
	{ "mutex", mutex_run },	    { "pingpong", pingpong_run }, { "storm", storm_run },
	{ "syscall", syscall_run }, { "pair", pair_run },
};

int main(int argc, char **argv)
{
	double seconds = argument(argc, argv, 2, 1);
	const struct mode *mode = NULL;
	struct result r;
	size_t i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]) && argc > 1; i++)
		if (!strcmp(argv[1], modes[i].name))
			mode = &modes[i];
	if (!mode)
		die("usage: loop mutex|pingpong|storm|syscall|pair [SECONDS]");
	r = mode->run(seconds);
	printf("{\"pid\":%d,\"count\":%llu,\"sleeps\":%llu,\"per_second\":%.1f,\"rate\":%.6f}\n",
	       getpid(), (unsigned long long)r.count, (unsigned long long)r.sleeps, r.per_second,
	       r.rate);
	return 0;
}
