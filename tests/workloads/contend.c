// SPDX-License-Identifier: GPL-2.0-only
/*
 * contend THREADS SECONDS CRITICAL_US OUTSIDE_US [FILE]: threads that want one mutex and time their
 * own waits. FILE, if given, is a mapping with running totals: struct totals, then a struct slot
 * for each thread; a reader can so take the truth at any two points in time.
 */
#include "workload.h"
#include <fcntl.h>

struct totals {
	uint64_t threads;
	uint64_t lock;
};

struct slot {
	_Alignas(8) uint64_t sequence; /* odd while it is written */
	uint64_t wait_ns;	       /* of the waits that are over */
	uint64_t since_ns;	       /* CLOCK_MONOTONIC start of the wait going on, or 0 */
	uint64_t acquisitions;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct slot *slots;
static uint64_t end_ns, critical_ns, outside_ns;
static _Atomic pid_t tids[THREADS_MAX];

static void slot_write(struct slot *slot, uint64_t wait_ns, uint64_t since_ns, unsigned int got)
{
	__atomic_fetch_add(&slot->sequence, 1, __ATOMIC_ACQ_REL);
	slot->wait_ns += wait_ns;
	slot->since_ns = since_ns;
	slot->acquisitions += got;
	__atomic_fetch_add(&slot->sequence, 1, __ATOMIC_ACQ_REL);
}

static void *worker(void *arg)
{
	struct slot *slot = arg;
	uint64_t start, got;

	tids[slot - slots] = gettid();
	do {
		start = now_ns();
		slot_write(slot, 0, start, 0);
		pthread_mutex_lock(&mutex);
		got = now_ns();
		slot_write(slot, got - start, 0, 1);
		spin_ns(critical_ns);
		pthread_mutex_unlock(&mutex);
		spin_ns(outside_ns);
	} while (got < end_ns);
	return NULL;
}

static struct totals *totals_map(const char *path, int threads)
{
	size_t size = sizeof(struct totals) + threads * sizeof(struct slot);
	struct totals *p;
	int fd;

	if (!path)
		return shared_page(size);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || ftruncate(fd, size))
		die("%s: %s", path, strerror(errno));
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		die("%s: %s", path, strerror(errno));
	close(fd);
	return p;
}

int main(int argc, char **argv)
{
	int i, threads = threads_argument(argc, argv, 1, 4);
	uint64_t wait_ns = 0, acquisitions = 0, run_ns = argument(argc, argv, 2, 3) * NS_SECOND;
	struct totals *totals = totals_map(argc > 5 ? argv[5] : NULL, threads);
	pthread_t thread[THREADS_MAX];

	critical_ns = argument(argc, argv, 3, 1000) * 1000;
	outside_ns = argument(argc, argv, 4, 0) * 1000;
	slots = (struct slot *)(totals + 1);
	totals->lock = (uintptr_t)&mutex;
	totals->threads = threads;
	end_ns = now_ns() + run_ns;
	for (i = 0; i < threads; i++)
		must(pthread_create(&thread[i], NULL, worker, &slots[i]), "pthread_create");
	pause_ns(run_ns);
	for (i = 0; i < threads; i++) {
		pthread_join(thread[i], NULL);
		wait_ns += slots[i].wait_ns;
		acquisitions += slots[i].acquisitions;
	}
	printf("{\"pid\":%d,\"lock\":\"0x%lx\",\"kind\":\"mutex\",\"wait_ns\":%llu,"
	       "\"acquisitions\":%llu,\"threads\":[",
	       getpid(), (unsigned long)(uintptr_t)&mutex, (unsigned long long)wait_ns,
	       (unsigned long long)acquisitions);
	for (i = 0; i < threads; i++)
		printf("%s{\"tid\":%d,\"wait_ns\":%llu,\"acquisitions\":%llu}", i ? "," : "",
		       tids[i], (unsigned long long)slots[i].wait_ns,
		       (unsigned long long)slots[i].acquisitions);
	puts("]}");
	return 0;
}
