// SPDX-License-Identifier: GPL-2.0-only
/*
 * pingpong ROUNDS: two threads on one CPU hand a turn to each other through one futex word: a
 * sleep or two and two wakes a round, and nothing else. The worst case for whoever watches sleeps.
 */
#include "workload.h"

static _Atomic uint32_t turn;
static long rounds;
static _Atomic long sleeps; /* waits that did not end at once */

static void pass(uint32_t mine)
{
	long i, slept = 0;

	for (i = 0; i < rounds; i++) {
		while (atomic_load(&turn) != mine)
			slept += !syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, !mine, NULL, NULL,
					  0);
		atomic_store(&turn, !mine);
		syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	}
	sleeps += slept;
}

static void *second(void *unused)
{
	pass(1);
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	double seconds;
	uint64_t start;

	rounds = argument(argc, argv, 1, 200000);
	pin_to(first_cpu()); /* the second thread inherits it */
	start = now_ns();
	must(pthread_create(&thread, NULL, second, NULL), "pthread_create");
	pass(0);
	pthread_join(thread, NULL);
	seconds = (double)(now_ns() - start) / NS_SECOND;
	printf("{\"pid\":%d,\"lock\":\"%p\",\"kind\":\"futex\",\"rounds\":%ld,\"sleeps\":%ld,"
	       "\"seconds\":%.6f,"
	       "\"per_second\":%.0f}\n",
	       getpid(), (void *)&turn, rounds, sleeps, seconds, rounds / seconds);
	return 0;
}
