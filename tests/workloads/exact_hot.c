// SPDX-License-Identifier: GPL-2.0-only
/*
 * exact_hot SECONDS THREADS EACH_NS [sleeping]: threads that take and let go a mutex of their own,
 * uncontended, once every EACH_NS; 0: as often as they can. Those that are late catch up. Sleeping:
 * a hundred at a time, and asleep in between. Prints how often, also for each second.
 */
#include "exact.h"

#define SECONDS_MAX 60
#define BATCH	    100

struct hot {
	pthread_mutex_t mutex;
	_Atomic long seconds[SECONDS_MAX];
	long n;
} __attribute__((aligned(64)));

static struct hot *hots;
static uint64_t start_ns, end_ns, each_ns;
static bool sleeping;

/* Until it is this one's turn; returns the time. */
static uint64_t turn(long n)
{
	uint64_t due = start_ns + n * each_ns, now = now_ns();

	if (sleeping && now < due)
		pause_ns(due - now);
	while (each_ns && now < due)
		now = now_ns();
	return now;
}

static void *hot_run(void *arg)
{
	struct hot *h = arg;
	uint64_t now = now_ns();
	int i, batch = each_ns && !sleeping ? 1 : BATCH;

	while (now < end_ns) {
		for (i = 0; i < batch; i++) {
			pthread_mutex_lock(&h->mutex);
			pthread_mutex_unlock(&h->mutex);
		}
		h->n += batch;
		h->seconds[(now - start_ns) / NS_SECOND] += batch;
		now = turn(h->n);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	double seconds = argument(argc, argv, 1, 3);
	int i, s, threads = threads_argument(argc, argv, 2, 1);
	pthread_t thread[THREADS_MAX];
	long total = 0, in_second;
	char text[32];

	if (seconds > SECONDS_MAX)
		die("at most %d seconds", SECONDS_MAX);
	each_ns = argument(argc, argv, 3, 0);
	sleeping = argc > 4 && each_ns;
	hots = shared_page(threads * sizeof(*hots));
	start_ns = now_ns();
	end_ns = start_ns + seconds * NS_SECOND;
	for (i = 0; i < threads; i++) {
		pthread_mutex_init(&hots[i].mutex, NULL);
		must(pthread_create(&thread[i], NULL, hot_run, &hots[i]), "pthread_create");
	}
	for (i = 0; i < threads; i++) {
		pthread_join(thread[i], NULL);
		total += hots[i].n;
	}
	printf("{\"pid\":%d,\"lock\":\"%s\",\"kind\":\"mutex\",\"acquisitions\":%ld,\"seconds\":[",
	       outer_pid(), address(text, &hots[0].mutex), total);
	for (s = 0; s < (int)seconds; s++) {
		in_second = 0;
		for (i = 0; i < threads; i++)
			in_second += hots[i].seconds[s];
		printf("%s%ld", s ? "," : "", in_second);
	}
	puts("]}");
	return 0;
}
