// SPDX-License-Identifier: GPL-2.0-only
/*
 * storm THREADS SECONDS: critical sections of 2 us and nothing outside them: as many sleeps a
 * second as a mutex gives. Times its waits, and prints acquisitions a second.
 */
#include "workload.h"

#define CRITICAL_NS 2000

struct part {
	uint64_t wait_ns, acquisitions;
} __attribute__((aligned(64)));

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t end_ns;

static void *worker(void *arg)
{
	struct sched_param param = { .sched_priority = 1 };
	struct part *part = arg;
	uint64_t start, got;

	/* whoever is woken tries at once, if that is allowed: else a busy machine makes it a calm
	 */
	sched_setscheduler(0, SCHED_FIFO, &param);
	do {
		start = now_ns();
		pthread_mutex_lock(&mutex);
		got = now_ns();
		part->wait_ns += got - start;
		part->acquisitions++;
		spin_ns(CRITICAL_NS);
		pthread_mutex_unlock(&mutex);
	} while (got < end_ns);
	return NULL;
}

int main(int argc, char **argv)
{
	int i, threads = threads_argument(argc, argv, 1, 8);
	double seconds = argument(argc, argv, 2, 2);
	static struct part parts[THREADS_MAX];
	uint64_t wait_ns = 0, acquisitions = 0;
	pthread_t thread[THREADS_MAX];

	end_ns = now_ns() + seconds * NS_SECOND;
	for (i = 0; i < threads; i++)
		must(pthread_create(&thread[i], NULL, worker, &parts[i]), "pthread_create");
	pause_ns(seconds * NS_SECOND);
	for (i = 0; i < threads; i++) {
		pthread_join(thread[i], NULL);
		wait_ns += parts[i].wait_ns;
		acquisitions += parts[i].acquisitions;
	}
	printf("{\"pid\":%d,\"lock\":\"%p\",\"kind\":\"mutex\",\"wait_ns\":%llu,"
	       "\"acquisitions\":%llu,\"per_second\":%.0f}\n",
	       getpid(), (void *)&mutex, (unsigned long long)wait_ns,
	       (unsigned long long)acquisitions, acquisitions / seconds);
	return 0;
}
