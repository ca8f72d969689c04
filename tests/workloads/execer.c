// SPDX-License-Identifier: GPL-2.0-only
/*
 * execer: one pid, two programs. Without address randomisation, the first image waits on a mutex,
 * leaves a thread asleep on a second one and execs itself; the second image waits on a mutex of the
 * same address.
 */
#include "workload.h"
#include <sys/personality.h>

#define WAIT_NS (300 * NS_MS)

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t left = PTHREAD_MUTEX_INITIALIZER;
static _Atomic pid_t tid;
static uint64_t waited_ns;

static void *waiter(void *m)
{
	uint64_t start = now_ns();

	tid = gettid();
	pthread_mutex_lock(m);
	waited_ns = now_ns() - start;
	pthread_mutex_unlock(m);
	return NULL;
}

static pthread_t waiter_start(pthread_mutex_t *m)
{
	pthread_t thread;

	tid = 0;
	pthread_mutex_lock(m);
	must(pthread_create(&thread, NULL, waiter, m), "pthread_create");
	await(&tid, 1);
	await_asleep(getpid(), tid, m, sizeof(*m));
	return thread;
}

static void wait_once(void)
{
	pthread_t thread = waiter_start(&mutex);

	pause_ns(WAIT_NS);
	pthread_mutex_unlock(&mutex);
	pthread_join(thread, NULL);
}

static void exec_self(char **argv, const char *stage, uint64_t first, uint64_t died)
{
	char a[32], b[32];

	snprintf(a, sizeof(a), "%llu", (unsigned long long)first);
	snprintf(b, sizeof(b), "%llu", (unsigned long long)died);
	execl("/proc/self/exe", argv[0], stage, a, b, NULL);
	die("exec: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	uint64_t start;

	if (argc < 2) {
		if (personality(ADDR_NO_RANDOMIZE) < 0)
			die("personality: %s", strerror(errno));
		exec_self(argv, "first", 0, 0);
	}
	wait_once();
	if (!strcmp(argv[1], "first")) {
		start = now_ns();
		waiter_start(&left);
		pause_ns(WAIT_NS);
		exec_self(argv, "second", waited_ns, now_ns() - start);
	}
	if (argc != 4)
		die("usage: execer");
	printf("{\"pid\":%d,\"lock\":\"%p\",\"kind\":\"mutex\",\"sleeps\":2,\"wait_ns\":%llu,"
	       "\"left\":\"%p\",\"left_ns\":%s}\n",
	       getpid(), (void *)&mutex,
	       (unsigned long long)(strtoull(argv[2], NULL, 10) + waited_ns), (void *)&left,
	       argv[3]);
	return 0;
}
