// SPDX-License-Identifier: GPL-2.0-only
/* killed THREADS SECONDS: a child process whose threads are asleep on a mutex is killed by SIGKILL.
 */
#include "workload.h"

static struct shared {
	pthread_mutex_t mutex;
	_Atomic int ready;
	_Atomic pid_t tids[THREADS_MAX];
	uint64_t start_ns[THREADS_MAX];
} * s;

static void *waiter(void *i)
{
	s->start_ns[(intptr_t)i] = now_ns();
	s->tids[(intptr_t)i] = gettid();
	pthread_mutex_lock(&s->mutex);
	return NULL;
}

static void child_run(int threads)
{
	pthread_t thread;
	intptr_t i;

	pthread_mutex_lock(&s->mutex);
	for (i = 0; i < threads; i++) {
		must(pthread_create(&thread, NULL, waiter, (void *)i), "pthread_create");
		await(&s->tids[i], 1);
		await_asleep(getpid(), s->tids[i], &s->mutex, sizeof(s->mutex));
	}
	s->ready = 1;
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	int i, threads = threads_argument(argc, argv, 1, 4);
	uint64_t run_ns = argument(argc, argv, 2, 1) * NS_SECOND, wait_ns = 0, end;
	pid_t child;

	s = shared_page(sizeof(*s));
	pthread_mutex_init(&s->mutex, NULL);
	child = fork();
	if (child < 0)
		die("fork: %s", strerror(errno));
	if (!child)
		child_run(threads);
	await(&s->ready, 1);
	pause_ns(run_ns);
	kill(child, SIGKILL);
	end = now_ns();
	waitpid(child, NULL, 0);
	for (i = 0; i < threads; i++)
		wait_ns += end - s->start_ns[i];
	printf("{\"pid\":%d,\"lock\":\"%p\",\"kind\":\"mutex\",\"sleeps\":%d,\"wait_ns\":%llu}\n",
	       child, (void *)&s->mutex, threads, (unsigned long long)wait_ns);
	return 0;
}
