// SPDX-License-Identifier: GPL-2.0-only
/* deadlock SECONDS: two threads take two mutexes in opposite order and never come back. */
#include "workload.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int holding;
static _Atomic pid_t tids[2];

static void cross(int i, pthread_mutex_t *first, pthread_mutex_t *then)
{
	tids[i] = gettid();
	pthread_mutex_lock(first);
	holding++;
	await(&holding, 2);
	pthread_mutex_lock(then);
}

static void *forth(void *unused)
{
	cross(0, &a, &b);
	return unused;
}

static void *back(void *unused)
{
	cross(1, &b, &a);
	return unused;
}

int main(int argc, char **argv)
{
	uint64_t run_ns = argument(argc, argv, 1, 5) * NS_SECOND;
	pthread_t thread;

	must(pthread_create(&thread, NULL, forth, NULL), "pthread_create");
	must(pthread_create(&thread, NULL, back, NULL), "pthread_create");
	pause_ns(run_ns);
	printf("{\"pid\":%d,\"locks\":[\"%p\",\"%p\"],\"kind\":\"mutex\",\"threads\":["
	       "{\"tid\":%d,\"waits_for\":\"%p\"},{\"tid\":%d,\"waits_for\":\"%p\"}]}\n",
	       getpid(), (void *)&a, (void *)&b, tids[0], (void *)&b, tids[1], (void *)&a);
	return 0;
}
