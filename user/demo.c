// SPDX-License-Identifier: GPL-2.0-only
/*
 * A little bank: tellers fight for one lock that is held too long, auditors read under a rwlock
 * that a writer wants, and a pool of workers waits for jobs that never come.
 */
#include "demo.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "util.h"

#define TELLERS	 4
#define AUDITORS 3
#define WORKERS	 8

/* Global and with plain names: that is how they appear on the screen. */
pthread_mutex_t demo_accounts_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_rwlock_t demo_rates_lock = PTHREAD_RWLOCK_INITIALIZER;
pthread_mutex_t demo_jobs_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t demo_jobs_waiting = PTHREAD_COND_INITIALIZER;
sem_t demo_desks;

static void pause_us(long us)
{
	struct timespec ts = { .tv_nsec = us * 1000 };

	nanosleep(&ts, NULL);
}

static void *teller(void *arg)
{
	prctl(PR_SET_NAME, "teller");
	for (;;) {
		pthread_mutex_lock(&demo_accounts_lock);
		pause_us(4000); /* I/O while the lock is held: the classic mistake */
		pthread_mutex_unlock(&demo_accounts_lock);
		pause_us(1000);
	}
	return arg;
}

static void *auditor(void *arg)
{
	prctl(PR_SET_NAME, "auditor");
	for (;;) {
		pthread_rwlock_rdlock(&demo_rates_lock);
		pause_us(2000);
		pthread_rwlock_unlock(&demo_rates_lock);
		pause_us(5000);
	}
	return arg;
}

static void *rate_setter(void *arg)
{
	prctl(PR_SET_NAME, "rate-setter");
	for (;;) {
		pthread_rwlock_wrlock(&demo_rates_lock);
		pause_us(8000);
		pthread_rwlock_unlock(&demo_rates_lock);
		pause_us(20000);
	}
	return arg;
}

static void *customer(void *arg)
{
	prctl(PR_SET_NAME, "customer");
	for (;;) {
		sem_wait(&demo_desks);
		pause_us(3000);
		sem_post(&demo_desks);
	}
	return arg;
}

static void *worker(void *arg)
{
	prctl(PR_SET_NAME, "worker");
	pthread_mutex_lock(&demo_jobs_lock);
	for (;;)
		pthread_cond_wait(&demo_jobs_waiting, &demo_jobs_lock);
	return arg;
}

int demo__run(void)
{
	static const struct {
		void *(*run)(void *);
		int count;
	} crowd[] = {
		{ teller, TELLERS }, { auditor, AUDITORS }, { rate_setter, 1 },
		{ customer, 3 },     { worker, WORKERS },
	};

	prctl(PR_SET_NAME, "locktop-demo");
	sem_init(&demo_desks, 0, 2);
	for (size_t i = 0; i < ARRAY_SIZE(crowd); i++) {
		for (int j = 0; j < crowd[i].count; j++) {
			pthread_t thread;

			if (pthread_create(&thread, NULL, crowd[i].run, NULL))
				return 1;
		}
	}
	for (;;)
		pause();
}
