// SPDX-License-Identifier: GPL-2.0-only
/*
 * idle WORKERS SECONDS: a thread pool without work: WORKERS threads wait on a condition variable,
 * main in pthread_join. Nothing is contended, the end included: nobody is woken, the process exits.
 */
#include "workload.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

static void *worker(void *unused)
{
	pthread_mutex_lock(&mutex);
	for (;;)
		pthread_cond_wait(&cond, &mutex);
	return unused;
}

static void *timekeeper(void *ns)
{
	pause_ns(*(uint64_t *)ns);
	return NULL;
}

int main(int argc, char **argv)
{
	int i, workers = threads_argument(argc, argv, 1, 32);
	uint64_t run_ns = argument(argc, argv, 2, 5) * NS_SECOND;
	pthread_t thread;

	for (i = 0; i < workers; i++) {
		must(pthread_create(&thread, NULL, worker, NULL), "pthread_create");
		pthread_detach(thread);
	}
	must(pthread_create(&thread, NULL, timekeeper, &run_ns), "pthread_create");
	pthread_join(thread, NULL);
	printf("{\"pid\":%d,\"lock\":\"%p\",\"kind\":\"cond\",\"join\":\"0x%lx\",\"waiting\":%d}\n",
	       getpid(), (void *)&cond, (unsigned long)thread, workers + 1);
	return 0;
}
