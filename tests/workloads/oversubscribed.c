// SPDX-License-Identifier: GPL-2.0-only
/*
 * oversubscribed SECONDS: two threads contend for a mutex on one CPU while two busy threads for
 * each CPU want to run. What the scheduler itself accounted as run-queue delay around each
 * pthread_mutex_lock (schedstat, second field) is the truth for the delay part of the wait.
 */
#include "workload.h"
#include <fcntl.h>

#define CRITICAL_NS (2 * NS_MS)
#define OUTSIDE_NS  (NS_MS / 2)
#define PAIR	    2

struct part {
	uint64_t wait_ns, delay_ns, acquisitions;
	pid_t tid;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static _Atomic bool over;
static int pair_cpu;

static uint64_t run_delay(int fd)
{
	unsigned long long run, delay;
	char line[128];
	ssize_t n = pread(fd, line, sizeof(line) - 1, 0);

	if (n <= 0)
		die("schedstat: %s", strerror(errno));
	line[n] = '\0';
	if (sscanf(line, "%llu %llu", &run, &delay) != 2)
		die("schedstat: %s", line);
	return delay;
}

static void *spinner(void *unused)
{
	while (!over)
		;
	return unused;
}

static void *worker(void *arg)
{
	struct part *part = arg;
	uint64_t start, delay;
	char path[64];
	int fd;

	pin_to(pair_cpu);
	part->tid = gettid();
	snprintf(path, sizeof(path), "/proc/self/task/%d/schedstat", gettid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	while (!over) {
		delay = run_delay(fd);
		start = now_ns();
		pthread_mutex_lock(&mutex);
		part->wait_ns += now_ns() - start;
		part->delay_ns += run_delay(fd) - delay;
		part->acquisitions++;
		spin_ns(CRITICAL_NS);
		pthread_mutex_unlock(&mutex);
		spin_ns(OUTSIDE_NS);
	}
	close(fd);
	return NULL;
}

int main(int argc, char **argv)
{
	uint64_t run_ns = argument(argc, argv, 1, 3) * NS_SECOND;
	int i, spinners = 2 * sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t thread, pair[PAIR];
	struct part parts[PAIR] = { 0 };

	pair_cpu = first_cpu();
	for (i = 0; i < spinners; i++)
		must(pthread_create(&thread, NULL, spinner, NULL), "pthread_create");
	for (i = 0; i < PAIR; i++)
		must(pthread_create(&pair[i], NULL, worker, &parts[i]), "pthread_create");
	pause_ns(run_ns);
	over = true;
	for (i = 0; i < PAIR; i++)
		pthread_join(pair[i], NULL);
	printf("{\"pid\":%d,\"lock\":\"%p\",\"kind\":\"mutex\",\"wait_ns\":%llu,\"delay_ns\":%llu,"
	       "\"acquisitions\":%llu}\n",
	       getpid(), (void *)&mutex, (unsigned long long)(parts[0].wait_ns + parts[1].wait_ns),
	       (unsigned long long)(parts[0].delay_ns + parts[1].delay_ns),
	       (unsigned long long)(parts[0].acquisitions + parts[1].acquisitions));
	return 0;
}
