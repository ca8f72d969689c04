// SPDX-License-Identifier: GPL-2.0-only
/* blocked SECONDS: one thread waits on a mutex that main holds, from beginning to end. */
#include "workload.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static _Atomic pid_t waiter_tid;
static uint64_t start_ns, got_ns;

static void *waiter(void *unused)
{
	start_ns = now_ns();
	waiter_tid = gettid();
	pthread_mutex_lock(&mutex);
	got_ns = now_ns();
	pthread_mutex_unlock(&mutex);
	return unused;
}

int main(int argc, char **argv)
{
	double seconds = argument(argc, argv, 1, 5);
	pthread_t thread;

	pthread_mutex_lock(&mutex);
	must(pthread_create(&thread, NULL, waiter, NULL), "pthread_create");
	pause_ns(seconds * NS_SECOND);
	pthread_mutex_unlock(&mutex);
	pthread_join(thread, NULL);
	printf("{\"pid\":%d,\"tid\":%d,\"lock\":\"%p\",\"kind\":\"mutex\",\"sleeps\":1,"
	       "\"wait_ns\":%llu}\n",
	       getpid(), waiter_tid, (void *)&mutex, (unsigned long long)(got_ns - start_ns));
	return 0;
}
