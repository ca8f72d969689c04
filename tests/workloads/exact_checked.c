// SPDX-License-Identifier: GPL-2.0-only
/*
 * exact_checked SECONDS [sealed]: threads that change what only a lock protects, by all kinds of
 * locks, and check the sums at the end. Sealed: no system calls are allowed but those that this
 * takes; any other one ends the process. Prints its truth at the start, and again at the end, which
 * SIGTERM brings about too.
 */
#include "exact.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <semaphore.h>
#include <stddef.h>

#define THREADS 3
#define KINDS	5

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t queue = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t spin;
static sem_t sem;
static _Atomic uint64_t end_ns;
static long sums[KINDS];	   /* each protected by its lock alone */
static _Atomic long checks[KINDS]; /* what they must come to */
static long items;
static _Atomic bool over;
static _Atomic int running;
static pid_t pid; /* asked for before it is sealed */

#define ALLOW(number)                                      \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static void seal(void)
{
	static struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW(SYS_futex),
		ALLOW(SYS_nanosleep),
		ALLOW(SYS_clock_nanosleep),
		ALLOW(SYS_clock_gettime),
		ALLOW(SYS_write),
		ALLOW(SYS_exit),
		ALLOW(SYS_exit_group),
		ALLOW(SYS_rt_sigprocmask),
		ALLOW(SYS_rt_sigreturn),
		ALLOW(SYS_rseq),
		ALLOW(SYS_madvise),
		ALLOW(SYS_munmap),
		ALLOW(SYS_gettid),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(filter[0]),
		.filter = filter,
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program))
		die("seccomp: %s", strerror(errno));
}

/* Not one instruction: without its lock, threads would lose each other's additions. */
static void add(int kind)
{
	volatile long *sum = &sums[kind];
	long n = *sum;

	spin_ns(500);
	*sum = n + 1;
	checks[kind]++;
}

static void add_by_mutex(unsigned int n)
{
	struct timespec t = deadline(CLOCK_REALTIME, 60 * NS_SECOND);

	if (n % 3 == 0)
		must(pthread_mutex_lock(&mutex), "lock");
	else if (n % 3 == 1)
		must(pthread_mutex_timedlock(&mutex, &t), "timedlock");
	else if (pthread_mutex_trylock(&mutex))
		return;
	add(0);
	must(pthread_mutex_unlock(&mutex), "unlock");
}

static void add_by_rwlock(unsigned int n)
{
	if (n % 4 == 0) {
		must(pthread_rwlock_rdlock(&rwlock), "rdlock");
		if (sums[1] > checks[1])
			die("a reader saw a sum before its check");
	} else {
		must(pthread_rwlock_wrlock(&rwlock), "wrlock");
		add(1);
	}
	must(pthread_rwlock_unlock(&rwlock), "unlock");
}

static void add_by_spin(unsigned int n)
{
	if (n % 2)
		must(pthread_spin_lock(&spin), "spin");
	else if (pthread_spin_trylock(&spin))
		return;
	add(2);
	must(pthread_spin_unlock(&spin), "unlock");
}

static void add_by_sem(unsigned int n)
{
	if (n % 2)
		must(sem_wait(&sem) ? errno : 0, "sem_wait");
	else if (sem_trywait(&sem))
		return;
	add(3);
	must(sem_post(&sem) ? errno : 0, "sem_post");
}

/* One item into the queue; the consumer takes them out. */
static void add_item(unsigned int n)
{
	pthread_mutex_lock(&queue);
	items++;
	checks[4]++;
	pthread_mutex_unlock(&queue);
	if (n % 2)
		pthread_cond_signal(&filled);
	else
		pthread_cond_broadcast(&filled);
}

static void *consumer(void *unused)
{
	struct timespec t;

	running++;
	pthread_mutex_lock(&queue);
	while (!over || items) {
		t = deadline(CLOCK_REALTIME, 10 * NS_MS);
		while (!items && !over)
			pthread_cond_timedwait(&filled, &queue, &t);
		sums[4] += items;
		items = 0;
	}
	pthread_mutex_unlock(&queue);
	return unused;
}

static void *worker(void *unused)
{
	unsigned int n;

	running++;
	for (n = 0; now_ns() < end_ns; n++) {
		add_by_mutex(n);
		add_by_rwlock(n);
		add_by_spin(n);
		add_by_sem(n);
		add_item(n);
	}
	return unused;
}

static void end_now(int unused)
{
	end_ns = 0;
}

static void print(bool ended)
{
	char line[256], text[32];
	int i, n, right = 0;

	for (i = 0; i < KINDS; i++)
		right += sums[i] == checks[i] && sums[i] > 0;
	n = snprintf(line, sizeof(line),
		     "{\"pid\":%d,\"lock\":\"%s\",\"kind\":\"mutex\",\"ended\":%s,\"right\":%d,"
		     "\"of\":%d,\"rounds\":%ld}\n",
		     pid, address(text, &mutex), ended ? "true" : "false", right, KINDS,
		     (long)checks[4]);
	if (write(STDOUT_FILENO, line, n) != n)
		_exit(1);
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS + 1];
	int i;

	pid = getpid();
	signal(SIGTERM, end_now);
	pthread_spin_init(&spin, 0);
	sem_init(&sem, 0, 1);
	end_ns = now_ns() + argument(argc, argv, 1, 2) * NS_SECOND;
	for (i = 0; i <= THREADS; i++)
		must(pthread_create(&threads[i], NULL, i < THREADS ? worker : consumer, NULL),
		     "pthread_create");
	await(&running, THREADS + 1); /* what starts a thread is not allowed to it later */
	print(false);
	if (argc > 2 && !strcmp(argv[2], "sealed"))
		seal();
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	over = true;
	pthread_join(threads[THREADS], NULL);
	print(true);
	_exit(0);
}
