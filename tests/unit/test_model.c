// SPDX-License-Identifier: GPL-2.0-only
/* Snapshot memory, histograms and what is found in a snapshot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/model.h"
#include "../../user/util.h"

#define SAMPLES 20000

/*
 * The bucket of a wait as the probes choose it, by another way than theirs: count the doublings,
 * then the quarters of the last one.
 */
static unsigned int reference_bucket(uint64_t ns)
{
	unsigned int doubling = 0;
	uint64_t low = 1ULL << HIST_FIRST;

	if (ns < low)
		return 0;
	for (; ns >= 2 * low && doubling < HIST_DOUBLINGS; doubling++)
		low *= 2;
	if (doubling == HIST_DOUBLINGS)
		return HIST_BUCKETS - 1;
	return HIST_STEPS * doubling + (unsigned int)((ns - low) / (low / HIST_STEPS));
}

/* Names stand at the index of their enumerator; none is missing. */
static void test_names(void **state)
{
	(void)state;
	assert_string_equal(lock_kind_names[KIND_FUTEX], "futex");
	assert_string_equal(lock_kind_names[KIND_RWLOCK_WRITE], "rwlock-write");
	assert_string_equal(lock_kind_names[KIND_PARK], "park");
	assert_string_equal(lock_class_names[CLASS_CONTENTION], "contention");
	assert_string_equal(lock_class_names[CLASS_IDLE], "idle");
	assert_string_equal(site_role_names[ROLE_WAITER], "waiter");
	assert_string_equal(site_role_names[ROLE_WAKER], "waker");
	assert_string_equal(site_role_names[ROLE_HOLDER], "holder");
	for (int i = 0; i < KIND_COUNT; i++)
		assert_non_null(lock_kind_names[i]);
}

/* Memory of a snapshot is zeroed, aligned, not shared, of any size, and freed with it. */
static void test_alloc(void **state)
{
	static const size_t sizes[] = { 1, 3, 8, 17, 100, 0, 5000, 16384, 16385, 70000, 1 << 20 };
	struct {
		unsigned char *p;
		size_t size;
	} made[2200];
	struct snapshot *s = snapshot__new();
	size_t n = ARRAY_SIZE(made);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		size_t size = sizes[i % ARRAY_SIZE(sizes)];

		if (size > 10000 && i % 50)
			size = i % 300;
		made[i].size = size;
		made[i].p = snapshot__alloc(s, size, 1);
		assert_non_null(made[i].p);
		assert_int_equal((uintptr_t)made[i].p % _Alignof(max_align_t), 0);
		for (size_t j = 0; j < size; j++)
			assert_int_equal(made[i].p[j], 0);
		memset(made[i].p, (int)(i % 251) + 1, size);
	}
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < made[i].size; j++)
			assert_int_equal(made[i].p[j], i % 251 + 1);
	snapshot__free(s);
	snapshot__free(NULL);
}

/* Strings are copies; no string stays none. */
static void test_string(void **state)
{
	struct snapshot *s = snapshot__new();
	char text[] = "queue.c";
	const char *copy = snapshot__string(s, text);

	(void)state;
	text[0] = 'Q';
	assert_string_equal(copy, "queue.c");
	assert_string_equal(snapshot__string(s, ""), "");
	assert_null(snapshot__string(s, NULL));
	snapshot__free(s);
}

/* Edges: known values, and each edge is the least wait of its bucket for the reference. */
static void test_edges(void **state)
{
	(void)state;
	assert_int_equal(hist__edge(0), 0);
	assert_int_equal(hist__edge(1), 320);
	assert_int_equal(hist__edge(4), 512);
	assert_int_equal(hist__edge(HIST_BUCKETS - 1), 7ULL << 37);
	assert_int_equal(hist__edge(HIST_BUCKETS), 1ULL << 40);
	assert_int_equal(hist__edge(HIST_BUCKETS + 9), 1ULL << 40);
	for (unsigned int b = 1; b < HIST_BUCKETS; b++) {
		assert_int_equal(reference_bucket(hist__edge(b)), b);
		assert_int_equal(reference_bucket(hist__edge(b) - 1), b - 1);
	}
}

/* Nothing, one wait, and waits outside the range on both sides. */
static void test_quantile_borders(void **state)
{
	uint32_t hist[HIST_BUCKETS] = { 0 };

	(void)state;
	assert_int_equal(hist__count(hist), 0);
	assert_int_equal(hist__quantile(hist, 0.5), 0);
	hist[8] = 1; /* 1024 to 1280 */
	assert_int_equal(hist__quantile(hist, 0), 1152);
	assert_int_equal(hist__quantile(hist, 1), 1152);
	assert_int_equal(hist__quantile(hist, NAN), 1152);
	assert_int_equal(hist__quantile(hist, -3), 1152);
	assert_int_equal(hist__quantile(hist, 7), 1152);
	hist[0] = 8;
	assert_int_equal(hist__quantile(hist, 0.5), 180);
	hist[HIST_BUCKETS - 1] = UINT32_MAX; /* sums must not wrap */
	assert_int_equal(hist__count(hist), UINT32_MAX + 9ULL);
	assert_true(hist__quantile(hist, 0.99) > 7ULL << 37);
	assert_true(hist__quantile(hist, 1) <= 1ULL << 40);
}

/*
 * The longest wait bounds the percentiles from above, in the open last bucket too. Not known (0),
 * it must not make bucket 0 empty.
 */
static void test_percentiles_and_max(void **state)
{
	struct lock lock = { .max_ns = 1200 };

	(void)state;
	lock__percentiles(&lock);
	assert_int_equal(lock.p50_ns, 0);
	assert_int_equal(lock.p99_ns, 0);

	lock.hist[8] = 1; /* one wait: it is all percentiles */
	lock__percentiles(&lock);
	assert_int_equal(lock.p50_ns, 1200);
	assert_int_equal(lock.p99_ns, 1200);

	lock.hist[8] = 1000;
	lock__percentiles(&lock);
	assert_in_range(lock.p99_ns, 1195, 1200);

	lock.max_ns = 3600 * NSEC_PER_SEC;
	lock.hist[8] = 0;
	lock.hist[HIST_BUCKETS - 1] = 1;
	lock__percentiles(&lock);
	assert_int_equal(lock.p99_ns, 3600 * NSEC_PER_SEC);

	lock.max_ns = 0;
	lock.hist[HIST_BUCKETS - 1] = 0;
	lock.hist[0] = 10;
	lock__percentiles(&lock);
	assert_int_equal(lock.p50_ns, 144); /* the fifth of ten, spread over 320 ns */

	lock.max_ns = 500; /* it belongs to another interval: no bound */
	lock.hist[0] = 0;
	lock.hist[8] = 1000;
	lock__percentiles(&lock);
	assert_in_range(lock.p50_ns, 1140, 1160);
	assert_in_range(lock.p99_ns, 1270, 1280);
}

#define STEPS_A_DOUBLING 256

/* 2^(doublings), drawn evenly from first to first + span. */
static uint64_t log_uniform(double first, double span)
{
	double wait = 1;
	int steps = (int)((first + span * drand48()) * STEPS_A_DOUBLING);

	for (; steps >= STEPS_A_DOUBLING; steps -= STEPS_A_DOUBLING)
		wait *= 2;
	for (; steps; steps--)
		wait *= 1.0027112750502025; /* 2^(1/256) */
	return (uint64_t)(wait * (1 + drand48() / 369));
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void assert_near(uint64_t got, uint64_t exact, const char *what)
{
	if (fabs((double)got - (double)exact) > 0.1 * (double)exact)
		fail_msg("%s: %lu, exact %lu", what, got, exact);
}

/* Property: p50 and p99 of log-uniform waits are within 10 % of the exact ones. */
static void test_percentiles_near(void **state)
{
	static uint64_t waits[SAMPLES];

	(void)state;
	srand48(3);
	for (int round = 0; round < 100; round++) {
		double from = 9 + drand48() * 10, span = 2 + drand48() * 18;
		struct lock lock = { 0 };

		for (int i = 0; i < SAMPLES; i++) {
			waits[i] = log_uniform(from, span);
			lock.hist[reference_bucket(waits[i])]++;
			lock.max_ns = MAX(lock.max_ns, waits[i]);
		}
		qsort(waits, SAMPLES, sizeof(waits[0]), compare_u64);
		lock__percentiles(&lock);
		assert_int_equal(hist__count(lock.hist), SAMPLES);
		assert_near(lock.p50_ns, waits[SAMPLES / 2 - 1], "p50");
		assert_near(lock.p99_ns, waits[SAMPLES * 99 / 100 - 1], "p99");
		assert_near(hist__quantile(lock.hist, 0.5), waits[SAMPLES / 2 - 1], "bare p50");
		assert_true(lock.p99_ns <= lock.max_ns);
	}
}

/* Losses of all names are summed. */
static void test_losses(void **state)
{
	struct snapshot *s = snapshot__new();

	(void)state;
	assert_int_equal(snapshot__losses(s), 0);
	for (int i = 0; i < LOSS_COUNT; i++)
		s->losses[i] = 1ULL << i;
	assert_int_equal(snapshot__losses(s), (1ULL << LOSS_COUNT) - 1);
	snapshot__free(s);
}

/* Finders: the right row or none; of two processes with one pid the one that lives. */
static void test_finders(void **state)
{
	struct snapshot *s = snapshot__new();

	(void)state;
	assert_null(snapshot__process(s, 1));
	s->n_processes = 3;
	s->processes = snapshot__alloc(s, 3, sizeof(*s->processes));
	s->processes[0] = (struct process){ .pid = 7, .ended = true };
	s->processes[1] = (struct process){ .pid = 8, .ended = true };
	s->processes[2] = (struct process){ .pid = 7 };
	assert_ptr_equal(snapshot__process(s, 7), &s->processes[2]);
	assert_ptr_equal(snapshot__process(s, 8), &s->processes[1]);
	assert_null(snapshot__process(s, 9));
	snapshot__free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_alloc),
		cmocka_unit_test(test_string),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_quantile_borders),
		cmocka_unit_test(test_percentiles_and_max),
		cmocka_unit_test(test_percentiles_near),
		cmocka_unit_test(test_losses),
		cmocka_unit_test(test_finders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
