// SPDX-License-Identifier: GPL-2.0-only
/* Readings of the exact tier's counters, and what each interval shows for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "../../user/tally.h"
#include "../../user/util.h"

#define MS     1000000ULL
#define OBJECT 0x1000
#define BUCKET 30

static const struct process_key process = { .tgid = 100, .gen = 1 };

/* What the kernel holds of one object, and when it is read. */
struct kernel {
	struct tally tally;
	struct exact_key key;
	struct exact_stats stats;
	struct open_call spinning;
	struct records r;
};

static int set_up(void **state)
{
	static struct kernel k;

	k = (struct kernel){ .key = { .tgid = 100, .gen = 1, .addr = OBJECT } };
	k.stats.family = OP_MUTEX_LOCK;
	k.r = (struct records){ .now_ns = 1000 * NSEC_PER_SEC, .exact_on = true, .n_exact = 1 };
	k.r.exact_ns = 7 * NSEC_PER_SEC; /* begun long after the machine was */
	tally__init(&k.tally);
	*state = &k;
	return 0;
}

static int tear_down(void **state)
{
	struct kernel *k = *state;

	tally__done(&k->tally);
	return 0;
}

/* A reading after so long, of which the probes counted so much. */
static const struct tally_key *read_after(struct kernel *k, uint64_t ms, uint64_t on_ms)
{
	k->r.now_ns += ms * MS;
	k->r.exact_ns += on_ms * MS;
	k->r.epoch++;
	k->r.exact_keys = &k->key;
	k->r.exact = &k->stats;
	k->r.spinning = &k->spinning;
	tally__update(&k->tally, &k->r);
	return tally__find_exact(&k->tally, &process, OBJECT, k->stats.family);
}

/* So many holds of that length more. */
static void use(struct kernel *k, uint64_t n, uint64_t hold_ms)
{
	k->stats.calls += n;
	k->stats.releases += n;
	k->stats.hold_ns += n * hold_ms * MS;
	k->stats.hold_hist[BUCKET] += n;
}

/* What was before the first reading does not count; after it growth does, and only that. */
static void test_deltas(void **state)
{
	struct kernel *k = *state;
	const struct tally_key *t;

	use(k, 10, 3);
	k->stats.wait_ns = 5 * MS;
	t = read_after(k, 1000, 1000);
	assert_non_null(t->exact);
	assert_false(t->exact->known);
	assert_false(tally_key__active(t));
	use(k, 7, 2);
	k->stats.contended = 3;
	k->stats.failures = 2;
	k->stats.reads = 4;
	k->stats.signals = 6;
	k->stats.owner_changes = 5;
	k->stats.wait_ns += 11 * MS;
	k->stats.read_hold_ns = MS;
	t = read_after(k, 1000, 1000);
	assert_true(t->exact->known);
	assert_true(tally_key__active(t));
	assert_int_equal(t->exact->delta.calls, 7);
	assert_int_equal(t->exact->delta.releases, 7);
	assert_int_equal(t->exact->delta.hold_ns, 14 * MS);
	assert_int_equal(t->exact->delta.wait_ns, 11 * MS);
	assert_int_equal(t->exact->delta.contended, 3);
	assert_int_equal(t->exact->delta.failures, 2);
	assert_int_equal(t->exact->delta.reads, 4);
	assert_int_equal(t->exact->delta.signals, 6);
	assert_int_equal(t->exact->delta.owner_changes, 5);
	assert_int_equal(t->exact->delta.read_hold_ns, MS);
	assert_int_equal(t->hist_delta[BUCKET], 7);
	assert_int_equal(t->delta.sleeps, 0); /* its histogram is none of sleeps */
	assert_int_equal(t->last_ns, k->r.now_ns);
	t = read_after(k, 1000, 1000);
	assert_true(t->exact->known);
	assert_false(tally_key__active(t));
	assert_int_equal(t->exact->delta.calls, 0);
	assert_int_equal(t->hist_delta[BUCKET], 0);
	assert_int_equal(t->last_ns, k->r.now_ns - NSEC_PER_SEC);
}

/* An entry that no call has been counted in yet may not have its family either. */
static void test_unfinished(void **state)
{
	struct kernel *k = *state;

	assert_null(read_after(k, 1000, 1000));
	use(k, 2, 1);
	assert_int_equal(read_after(k, 1000, 1000)->exact->delta.calls, 2);
}

/* The histogram's counters are 32 bits wide: their differences hold across the wrap. */
static void test_wrap(void **state)
{
	struct kernel *k = *state;

	k->stats.hold_hist[BUCKET] = UINT32_MAX - 1;
	k->stats.calls = 1;
	read_after(k, 1000, 1000);
	use(k, 5, 1);
	assert_int_equal(read_after(k, 1000, 1000)->hist_delta[BUCKET], 5);
}

/* Forgotten and made anew, it counts from 0. */
static void test_made_anew(void **state)
{
	struct kernel *k = *state;
	const struct tally_key *t;

	use(k, 50, 2);
	k->stats.lives = 3;
	read_after(k, 1000, 1000);
	memset(&k->stats, 0, sizeof(k->stats));
	use(k, 4, 2);
	t = read_after(k, 1000, 1000);
	assert_int_equal(t->exact->delta.calls, 4);
	assert_int_equal(t->exact->delta.hold_ns, 8 * MS);
	assert_int_equal(t->hist_delta[BUCKET], 4);
	assert_false(t->exact->reborn);
}

/* The longest hold is that of the interval that was read. */
static void test_max(void **state)
{
	struct kernel *k = *state;

	use(k, 1, 9);
	read_after(k, 1000, 1000);
	k->stats.max_hold[0] = (struct interval_max){ .ns = 9 * MS, .epoch = 2 };
	k->stats.max_hold[1] = (struct interval_max){ .ns = 5 * MS, .epoch = 1 };
	assert_int_equal(read_after(k, 1000, 1000)->exact->max_hold_ns, 9 * MS);
	assert_int_equal(read_after(k, 1000, 1000)->exact->max_hold_ns, 0); /* that of 1 is over */
}

/* Counted for a part of the interval: counters and times are scaled, the rest is as it was. */
static void test_slices(void **state)
{
	struct kernel *k = *state;
	const struct tally_key *t;

	use(k, 1, 1);
	read_after(k, 1000, 1000);
	use(k, 5, 3);
	k->stats.max_hold[0] = (struct interval_max){ .ns = 3 * MS, .epoch = 2 };
	t = read_after(k, 1000, 300);
	assert_float_equal(k->tally.exact_share, 0.3, 1e-9);
	assert_int_equal(t->exact->delta.calls, 17); /* 16.67 */
	assert_int_equal(t->exact->delta.hold_ns, 50 * MS);
	assert_int_equal(t->exact->max_hold_ns, 3 * MS);
	assert_int_equal(t->hist_delta[BUCKET], 5);
	use(k, 100, 1);
	t = read_after(k, 1000, 985); /* readings themselves take time */
	assert_float_equal(k->tally.exact_share, 1, 0);
	assert_int_equal(t->exact->delta.calls, 100);
	use(k, 100, 1);
	t = read_after(k, 1000, 975);
	assert_int_equal(t->exact->delta.calls, 103);
}

/* Not at all: nothing is known of the interval, and nothing is lost of what comes later. */
static void test_off(void **state)
{
	struct kernel *k = *state;
	const struct tally_key *t;

	use(k, 1, 1);
	read_after(k, 1000, 1000);
	use(k, 3, 1); /* as the slice ended */
	t = read_after(k, 1000, 0);
	assert_float_equal(k->tally.exact_share, 0, 0);
	assert_false(t->exact->known);
	assert_false(tally_key__active(t));
	assert_int_equal(t->absent, 0);
	t = read_after(k, 1000, 1000);
	assert_true(t->exact->known);
	assert_int_equal(t->exact->delta.calls, 3);
	k->r.exact_on = false;
	k->r.n_exact = 0;
	t = read_after(k, 1000, 0);
	assert_float_equal(k->tally.exact_share, 0, 0);
	assert_int_equal(t->absent, 1);
}

/* Destroyed and made anew by the program: said once, and the figures go on. */
static void test_lives(void **state)
{
	struct kernel *k = *state;

	use(k, 1, 1);
	k->stats.lives = 4;
	assert_true(read_after(k, 1000, 1000)->exact->reborn);
	assert_false(read_after(k, 1000, 1000)->exact->reborn);
	use(k, 2, 1);
	k->stats.lives = 5;
	assert_true(read_after(k, 1000, 1000)->exact->reborn);
	assert_int_equal(
		tally__find_exact(&k->tally, &process, OBJECT, OP_MUTEX_LOCK)->exact->delta.calls,
		2);
}

static void take_sem(struct kernel *k, uint64_t at_ns)
{
	k->stats.calls++;
	k->stats.taken_sum += at_ns;
}

static void post_sem(struct kernel *k, uint64_t at_ns)
{
	k->stats.releases++;
	k->stats.released_sum += at_ns;
}

/* A hold that goes on counts up to now, whoever lets go; the sums wrap as they please. */
static void test_sem_hold(void **state)
{
	struct kernel *k = *state;
	const struct tally_key *t;

	k->stats.family = OP_SEM_WAIT;
	k->stats.multiple = 1;
	k->stats.taken_sum = k->stats.released_sum = UINT64_MAX - 5;
	take_sem(k, k->r.now_ns);
	post_sem(k, k->r.now_ns + 500 * MS);
	t = read_after(k, 1000, 1000);
	assert_int_equal(t->exact->delta.hold_ns, 0);
	take_sem(k, k->r.now_ns + 200 * MS);
	take_sem(k, k->r.now_ns + 900 * MS);
	t = read_after(k, 1000, 1000);
	assert_int_equal(t->exact->delta.hold_ns, 900 * MS);
	assert_true(tally_exact__is_held(t->exact));
	t = read_after(k, 1000, 1000); /* no call, and still held twice */
	assert_int_equal(t->exact->delta.hold_ns, 2000 * MS);
	assert_true(tally_key__active(t));
	post_sem(k, k->r.now_ns + 100 * MS);
	post_sem(k, k->r.now_ns + 300 * MS);
	t = read_after(k, 1000, 1000);
	assert_int_equal(t->exact->delta.hold_ns, 400 * MS);
	assert_false(t->exact->unbalanced);
	assert_false(tally_exact__is_held(t->exact));
	t = read_after(k, 1000, 1000);
	assert_int_equal(t->exact->delta.hold_ns, 0);
	assert_false(tally_key__active(t));
}

/* Read between a call's count and its time: the interval is right all the same, and the next. */
static void test_sem_torn(void **state)
{
	struct kernel *k = *state;
	uint64_t taken;

	k->stats.family = OP_SEM_WAIT;
	k->stats.multiple = 1;
	take_sem(k, k->r.now_ns + 700 * MS);
	taken = k->stats.taken_sum;
	read_after(k, 1000, 1000);
	post_sem(k, k->r.now_ns + 100 * MS);
	k->stats.calls++; /* taken at 999 ms, which is not in the sum yet */
	taken += k->r.now_ns + 999 * MS;
	assert_in_range(read_after(k, 1000, 1000)->exact->delta.hold_ns, 100 * MS, 101 * MS);
	k->stats.taken_sum = taken;
	post_sem(k, k->r.now_ns + 9 * MS);
	assert_in_range(read_after(k, 1000, 1000)->exact->delta.hold_ns, 8 * MS, 10 * MS);
}

/* Let go more often than taken: a queue of work, not a lock. What it was held is not known, for
 * ever. */
static void test_sem_unbalanced(void **state)
{
	struct kernel *k = *state;
	const struct tally_key *t;

	k->stats.family = OP_SEM_WAIT;
	k->stats.multiple = 1;
	take_sem(k, k->r.now_ns);
	post_sem(k, k->r.now_ns);
	read_after(k, 1000, 1000);
	post_sem(k, k->r.now_ns);
	assert_true(read_after(k, 1000, 1000)->exact->unbalanced);
	take_sem(k, k->r.now_ns);
	take_sem(k, k->r.now_ns);
	t = read_after(k, 1000, 1000);
	assert_true(t->exact->unbalanced);
	assert_int_equal(t->exact->delta.hold_ns, 0);
	assert_int_equal(t->exact->delta.calls, 2);
}

/* Calls that nobody counted are missing from the balance. */
static void test_sem_slices(void **state)
{
	struct kernel *k = *state;

	k->stats.family = OP_SEM_WAIT;
	k->stats.multiple = 1;
	take_sem(k, k->r.now_ns);
	assert_false(read_after(k, 1000, 1000)->exact->unbalanced);
	assert_true(read_after(k, 1000, 0)->exact->unbalanced);
	assert_true(read_after(k, 1000, 1000)->exact->unbalanced);
}

/* One holder at a time: its holds were timed, and missed calls do no harm; unless others let it go.
 */
static void test_sem_as_lock(void **state)
{
	struct kernel *k = *state;
	const struct tally_key *t;

	k->stats.family = OP_SEM_WAIT;
	read_after(k, 1000, 1000);
	k->stats.releases = 4;
	k->stats.calls = 2;
	k->stats.hold_ns = 30 * MS;
	k->stats.max_hold[k->r.epoch & 1] = (struct interval_max){ 20 * MS, k->r.epoch, 0 };
	t = read_after(k, 1000, 1000);
	assert_false(t->exact->unbalanced);
	assert_int_equal(t->exact->delta.hold_ns, 30 * MS);
	k->stats.foreign = 3;
	assert_false(read_after(k, 1000, 1000)->exact->unbalanced); /* handed over */
	k->stats.spare = 1;
	t = read_after(k, 1000, 1000);
	assert_true(t->exact->unbalanced);
}

/* A lock that threads spin for is there, whether it was ever taken or not. */
static void test_spinning(void **state)
{
	struct kernel *k = *state;
	const struct tally_key *t;

	k->stats.family = OP_SPIN_LOCK;
	read_after(k, 1000, 1000);
	k->spinning = (struct open_call){ .key = k->key, .op = OP_SPIN_LOCK, .tid = 11 };
	k->r.n_spinning = 1;
	t = read_after(k, 1000, 1000);
	assert_int_equal(t->exact->spinners, 1);
	assert_true(tally_key__active(t));
	assert_int_equal(t->absent, 0);
	assert_false(t->exact->known);
	assert_int_equal(t->open_n, 0);
	k->r.n_spinning = 0;
	t = read_after(k, 1000, 1000);
	assert_false(tally_key__active(t));
	assert_int_equal(t->absent, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_deltas),
		TEST(test_unfinished),
		TEST(test_wrap),
		TEST(test_made_anew),
		TEST(test_max),
		TEST(test_slices),
		TEST(test_off),
		TEST(test_lives),
		TEST(test_sem_hold),
		TEST(test_sem_torn),
		TEST(test_sem_unbalanced),
		TEST(test_sem_slices),
		TEST(test_sem_as_lock),
		TEST(test_spinning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
