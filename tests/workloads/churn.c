// SPDX-License-Identifier: GPL-2.0-only
/*
 * churn SECONDS: threads that live for one acquisition of a contended mutex, PARALLEL of them at a
 * time, made and ended all the time.
 */
#include "workload.h"

#define PARALLEL    8
#define CRITICAL_NS NS_MS

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t wait_ns, threads; /* under the mutex */

static void *worker(void *unused)
{
	uint64_t start = now_ns();

	pthread_mutex_lock(&mutex);
	wait_ns += now_ns() - start;
	threads++;
	spin_ns(CRITICAL_NS);
	pthread_mutex_unlock(&mutex);
	return unused;
}

int main(int argc, char **argv)
{
	uint64_t end_ns = now_ns() + argument(argc, argv, 1, 3) * NS_SECOND;
	pthread_t thread[PARALLEL] = { 0 };
	int i;

	while (now_ns() < end_ns) {
		for (i = 0; i < PARALLEL; i++)
			must(pthread_create(&thread[i], NULL, worker, NULL), "pthread_create");
		for (i = 0; i < PARALLEL; i++)
			pthread_join(thread[i], NULL);
	}
	printf("{\"pid\":%d,\"lock\":\"%p\",\"kind\":\"mutex\",\"wait_ns\":%llu,\"threads\":%llu}"
	       "\n",
	       getpid(), (void *)&mutex, (unsigned long long)wait_ns, (unsigned long long)threads);
	return 0;
}
