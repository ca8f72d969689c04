// SPDX-License-Identifier: GPL-2.0-only
/* Readings of cumulative counters, one after the other, and what each interval shows for them. */
#include "tally_fixture.h"

static int set_up(void **state)
{
	static struct tally t;

	tally__init(&t);
	*state = &t;
	return 0;
}

static int tear_down(void **state)
{
	tally__done(*state);
	return 0;
}

/* What was before the first reading does not count; after it, growth does, and only that. */
static void test_deltas(void **state)
{
	struct tally *t = *state;
	struct reading r = at_ms(1000);

	add_lock(&r, mutex, 1, 10, 500, 50)->timeouts = 3;
	update(t, r);
	assert_delta(t, mutex, 0, 0, 0);
	assert_false(tally_key__active(key_of(t, mutex)));
	r = at_ms(3500);
	add_lock(&r, mutex, 1, 17, 620, 55)->timeouts = 4;
	add_lock(&r, sem, 2, 4, 40, 0)->val = 77; /* new: all of it is of this interval */
	update(t, r);
	assert_delta(t, mutex, 7, 120, 5);
	assert_int_equal(key_of(t, mutex)->delta.timeouts, 1);
	assert_int_equal(key_of(t, mutex)->hist_delta[SHORT], 7);
	assert_true(tally_key__active(key_of(t, mutex)));
	assert_delta(t, sem, 4, 40, 0);
	assert_true(key_of(t, sem)->fresh);
	assert_int_equal(key_of(t, sem)->val, 77);
	assert_int_equal(t->now_ns - t->then_ns, 2500 * MS);
	r = at_ms(4500);
	add_lock(&r, mutex, 1, 17, 620, 55)->timeouts = 4;
	update(t, r);
	assert_delta(t, mutex, 0, 0, 0);
	assert_false(tally_key__active(key_of(t, mutex)));
	assert_false(key_of(t, sem)->present);
	assert_delta(t, sem, 0, 0, 0);
}

/* An entry that the kernel is still making has no id yet: it is left for the next reading. */
static void test_unfinished_entry(void **state)
{
	struct tally *t = *state;
	struct reading r = at_ms(1000);

	update(t, r);
	r = at_ms(2000);
	add_lock(&r, mutex, 0, 0, 0, 0);
	update(t, r);
	assert_null(tally__find(t, &mutex));
	r = at_ms(3000);
	add_lock(&r, mutex, 5, 2, 20, 0);
	update(t, r);
	assert_delta(t, mutex, 2, 20, 0);
}

/* A thread that never wakes counts one second every second; so does one woken but not run. */
static void test_open_sleeps(void **state)
{
	struct tally *t = *state;
	struct reading r = at_ms(1000);

	update(t, r);
	for (uint64_t ms = 2000; ms <= 5000; ms += 1000) {
		r = at_ms(ms);
		add_open(&r, mutex, 101, 1250, 0);
		add_open(&r, mutex, 102, 1250, 1750);
		update(t, r);
		assert_delta(t, mutex, ms == 2000 ? 2 : 0, ms == 2000 ? 750 + 500 : 1000,
			     ms == 2000 ? 250 : 1000);
		assert_wait(t, 101, ms == 2000, ms == 2000 ? 750 : 1000);
		assert_wait(t, 102, ms == 2000, ms == 2000 ? 750 : 1000);
		assert_int_equal(key_of(t, mutex)->open_n, 2);
		assert_int_equal(key_of(t, mutex)->oldest_ns, (ms - 1250) * MS);
		assert_int_equal(key_of(t, mutex)->max_ns, (ms - 1250) * MS);
		assert_int_equal(key_of(t, mutex)->val, 2);
		assert_true(wait_of(t, 101, mutex)->waiting);
		assert_string_equal(wait_of(t, 101, mutex)->comm, "open");
	}
}

/* Its end adds no more than the part since the last reading, to the key and to the thread. */
static void test_open_sleep_ends(void **state)
{
	struct tally *t = *state;
	struct reading r = at_ms(1000);

	update(t, r);
	r = at_ms(3000);
	add_open(&r, mutex, 101, 1500, 0);
	update(t, r);
	assert_delta(t, mutex, 1, 1500, 0);
	r = at_ms(4000);
	add_lock(&r, mutex, 1, 1, 1800, 10);
	add_wait(&r, 101, 1, 1, 1810);
	update(t, r);
	assert_delta(t, mutex, 0, 300, 10);
	assert_wait(t, 101, 0, 310);
	assert_int_equal(key_of(t, mutex)->open_n, 0);
	assert_int_equal(key_of(t, mutex)->oldest_ns, 0);
	assert_false(wait_of(t, 101, mutex)->waiting);
	assert_string_equal(wait_of(t, 101, mutex)->comm, "closed");
}

/* Asleep already at the first reading: counts from then on. */
static void test_adopted(void **state)
{
	struct tally *t = *state;
	struct reading r = at_ms(1000);

	add_open(&r, mutex, 101, 990, 0)->flags = OPEN_ADOPTED;
	update(t, r);
	assert_delta(t, mutex, 0, 0, 0);
	assert_int_equal(key_of(t, mutex)->max_ns, 0);
	r = at_ms(2000);
	add_open(&r, mutex, 101, 990, 0)->flags = OPEN_ADOPTED;
	update(t, r);
	assert_delta(t, mutex, 0, 1000, 0);
	assert_wait(t, 101, 0, 1000);
	r = at_ms(3000);
	add_lock(&r, mutex, 1, 1, 1510, 0); /* it woke at 2500 */
	add_wait(&r, 101, 1, 1, 1510);
	update(t, r);
	assert_delta(t, mutex, 0, 500, 0);
	assert_wait(t, 101, 0, 500);
}

/*
 * A sleep that ends after the closed ones were read and before the open ones were is in neither:
 * what was shown stands, the rest comes with the next reading, nothing comes twice.
 */
static void test_ends_between_halves(void **state)
{
	struct tally *t = *state;
	struct reading r = at_ms(1000);

	add_lock(&r, mutex, 1, 5, 100, 0);
	update(t, r);
	r = at_ms(2000);
	add_lock(&r, mutex, 1, 5, 100, 0);
	add_open(&r, mutex, 101, 1200, 0);
	update(t, r);
	assert_delta(t, mutex, 1, 800, 0);
	r = at_ms(3000);
	add_lock(&r, mutex, 1, 5, 100, 0);
	update(t, r);
	assert_delta(t, mutex, 0, 0, 0);
	r = at_ms(4000);
	add_lock(&r, mutex, 1, 6, 100 + 1790, 4);
	update(t, r);
	assert_delta(t, mutex, 0, 990, 4);
}

/* The same while others go on: the dip is levelled by them, the sum of all intervals is right. */
static void test_levelling_sums_up(void **state)
{
	struct tally *t = *state;
	struct reading r = at_ms(0);
	uint64_t sleeps = 0, blocked = 0;

	update(t, r);
	for (uint64_t i = 1; i <= 20; i++) {
		bool missed = i % 3 == 0; /* then the open half lacks the sleep that just ended */

		r = at_ms(i * 1000);
		add_lock(&r, mutex, 1, (uint32_t)i, (i - 1) * 1000 + 500, 0);
		if (!missed)
			add_open(&r, mutex, 101, i * 1000 - 400, 0);
		update(t, r);
		sleeps += key_of(t, mutex)->delta.sleeps;
		blocked += key_of(t, mutex)->delta.blocked_ns;
	}
	assert_int_equal(sleeps, 20 + 1);
	assert_int_equal(blocked, (19 * 1000 + 500 + 400) * MS);
}

/* Forgotten by the kernel and made anew: the new id counts from nothing, not from the old sums. */
static void test_new_id(void **state)
{
	struct tally *t = *state;
	struct reading r = at_ms(1000);
	struct tally_key *found;
	uint32_t old = 1, new = 9;

	add_lock(&r, mutex, old, 50, 5000, 500);
	update(t, r);
	r = at_ms(2000);
	add_lock(&r, mutex, new, 3, 30, 3);
	update(t, r);
	assert_delta(t, mutex, 3, 30, 3);
	assert_int_equal(key_of(t, mutex)->hist_delta[SHORT], 3);
	HASH_FIND(hh_id, t->by_id, &old, sizeof(old), found);
	assert_null(found);
	HASH_FIND(hh_id, t->by_id, &new, sizeof(new), found);
	assert_ptr_equal(found, tally__find(t, &mutex));
}

/* The histogram's 32-bit counters wrap: the growth is right across it. */
static void test_wrap(void **state)
{
	static const uint32_t counts[] = { 0x60000000, 0xc0000000, 0xfffffffb, 5, 6 };
	struct tally *t = *state;
	struct reading r = at_ms(1000);

	update(t, r);
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		uint32_t grown = counts[i] - (i ? counts[i - 1] : 0);

		r = at_ms((i + 2) * 1000);
		add_lock(&r, mutex, 1, counts[i], (i + 1) * 100, 0);
		update(t, r);
		assert_delta(t, mutex, grown, 100, 0);
		assert_int_equal(key_of(t, mutex)->hist_delta[SHORT], grown);
	}
}

/*
 * A sleep that a signal interrupted goes on as the same one: no second sleep, its histogram entry
 * moves to a longer bucket, its age counts from the beginning, its time only once.
 */
static void test_resumed(void **state)
{
	struct tally *t = *state;
	struct reading r = at_ms(1000);
	struct open_sleep *o;

	update(t, r);
	r = at_ms(2000); /* the first part ended by 1900, the second began at once */
	add_lock(&r, mutex, 1, 1, 400, 0);
	add_wait(&r, 101, 1, 1, 400);
	o = add_open(&r, mutex, 101, 1900, 0);
	o->flags = OPEN_RESUMED;
	o->carried_ns = 400 * MS;
	update(t, r);
	assert_delta(t, mutex, 1, 500, 0);
	assert_wait(t, 101, 1, 500);
	assert_int_equal(key_of(t, mutex)->open_n, 1);
	assert_int_equal(key_of(t, mutex)->oldest_ns, 500 * MS);
	r = at_ms(3000);
	add_lock(&r, mutex, 1, 0, 1200, 0)->hist[SHORT + 20] = 1;
	add_wait(&r, 101, 1, 1, 1200);
	update(t, r);
	assert_delta(t, mutex, 0, 700, 0);
	assert_wait(t, 101, 0, 700);
	assert_int_equal(key_of(t, mutex)->hist_delta[SHORT], 0);
	assert_int_equal(key_of(t, mutex)->hist_delta[SHORT + 20], 1);
}

/* A thread's number of sleeps is 32 bits wide too: hours of a busy lock. */
static void test_wait_wrap(void **state)
{
	struct tally *t = *state;
	struct reading r = at_ms(1000);

	add_lock(&r, mutex, 1, 1, 100, 0);
	add_wait(&r, 101, 1, UINT32_MAX - 4, 100);
	update(t, r);
	r = at_ms(2000);
	add_lock(&r, mutex, 1, 11, 200, 0);
	add_wait(&r, 101, 1, 5, 200);
	update(t, r);
	assert_wait(t, 101, 10, 100);
}

/* The longest wait is that of the interval read, not one of an interval before. */
static void test_max_by_epoch(void **state)
{
	struct tally *t = *state;
	struct reading r = at_ms(1000);

	update(t, r);
	for (uint32_t epoch = 6; epoch <= 8; epoch++) {
		struct lock_stats *stats;

		r = at_ms(epoch * 1000);
		stats = add_lock(&r, mutex, 1, epoch, epoch, 0);
		stats->max[0] = (struct interval_max){ .ns = 60 * MS, .epoch = 6 };
		stats->max[1] = (struct interval_max){ .ns = 70 * MS, .epoch = 7 };
		update(t, r);
		assert_int_equal(key_of(t, mutex)->max_ns, epoch == 8 ? 0 : epoch * 10 * MS);
	}
	r = at_ms(9000);
	add_lock(&r, mutex, 1, 8, 8, 0)->max[1] =
		(struct interval_max){ .ns = 20 * MS, .epoch = 9 };
	add_open(&r, mutex, 101, 8950, 0);
	update(t, r);
	assert_int_equal(key_of(t, mutex)->max_ns, 50 * MS); /* one still going on is longer */
}

/* Threads of one lock are told apart; a wait of a lock that was not read is left for later. */
static void test_waits(void **state)
{
	struct tally *t = *state;
	struct reading r = at_ms(1000);

	add_lock(&r, mutex, 1, 4, 40, 0);
	add_wait(&r, 101, 1, 3, 30);
	add_wait(&r, 102, 1, 1, 10);
	update(t, r);
	assert_wait(t, 101, 0, 0);
	r = at_ms(2000);
	add_lock(&r, mutex, 1, 9, 90, 0);
	add_wait(&r, 101, 1, 5, 45);
	add_wait(&r, 102, 1, 4, 45);
	add_wait(&r, 103, 77, 1, 1);
	update(t, r);
	assert_wait(t, 101, 2, 15);
	assert_wait(t, 102, 3, 35);
	assert_int_equal(HASH_COUNT(t->waits), 2);
	assert_int_equal(wait_of(t, 101, mutex)->tgid, 100);
	r = at_ms(3000); /* 101's entry was forgotten and made anew */
	add_lock(&r, mutex, 1, 10, 92, 0);
	add_wait(&r, 101, 1, 1, 2);
	update(t, r);
	assert_wait(t, 101, 1, 2);
	assert_wait(t, 102, 0, 0);
	assert_false(wait_of(t, 102, mutex)->present);
}

/* What is marked goes, with the waits of its keys; the others stay as they were. */
static void test_sweep(void **state)
{
	struct tally *t = *state;
	struct reading r = at_ms(1000);
	struct tally_key *found;
	uint32_t id = 1;

	add_lock(&r, mutex, 1, 1, 10, 0);
	add_lock(&r, sem, 2, 1, 10, 0);
	add_wait(&r, 101, 1, 1, 10);
	add_wait(&r, 101, 2, 1, 10);
	add_wait(&r, 102, 2, 1, 10);
	update(t, r);
	tally__find(t, &mutex)->gone = true;
	((struct tally_wait *)wait_of(t, 102, sem))->gone = true;
	tally__sweep(t);
	assert_null(tally__find(t, &mutex));
	HASH_FIND(hh_id, t->by_id, &id, sizeof(id), found);
	assert_null(found);
	assert_int_equal(HASH_COUNT(t->waits), 1);
	assert_non_null(wait_of(t, 101, sem));
	r = at_ms(2000); /* seen again, it is new */
	add_lock(&r, mutex, 3, 2, 20, 0);
	update(t, r);
	assert_delta(t, mutex, 2, 20, 0);
}

/*
 * Sleepers are known again from one reading to the next, wherever in it they are: by thread and
 * lock, for a thread may sleep elsewhere meanwhile, and a lock may have been forgotten.
 */
static void test_sleepers(void **state)
{
	struct tally *t = *state;
	struct reading r = at_ms(1000);

	add_open(&r, mutex, 101, 500, 0);
	add_open(&r, mutex, 102, 600, 0);
	add_open(&r, mutex, 103, 700, 0);
	update(t, r);
	r = at_ms(2000);
	add_open(&r, sem, 102, 1100, 0);
	add_open(&r, mutex, 103, 700, 0);
	update(t, r);
	assert_wait(t, 102, 0, 0);
	assert_false(wait_of(t, 102, mutex)->waiting);
	assert_int_equal(wait_of(t, 102, sem)->wait_ns, 900 * MS);
	assert_int_equal(wait_of(t, 103, mutex)->wait_ns, 1000 * MS);
	assert_int_equal(HASH_COUNT(t->waits), 4);
	tally__find(t, &mutex)->gone = true;
	tally__sweep(t);
	r = at_ms(3000);
	add_open(&r, sem, 102, 1100, 0);
	add_open(&r, mutex, 103, 2500, 0);
	update(t, r);
	assert_int_equal(wait_of(t, 102, sem)->wait_ns, 1000 * MS);
	assert_int_equal(wait_of(t, 103, mutex)->wait_ns, 500 * MS);
	assert_int_equal(HASH_COUNT(t->waits), 2);
}

/* Clocks of two CPUs differ a little: a sleep that begins after now has lasted for nothing. */
static void test_clocks(void **state)
{
	struct tally *t = *state;
	struct reading r = at_ms(1000);

	update(t, r);
	r = at_ms(2000);
	add_open(&r, mutex, 101, 2001, 0);
	add_open(&r, mutex, 102, 1990, 2005);
	add_open(&r, mutex, 103, 1990, 1980); /* woken before it began */
	update(t, r);
	assert_delta(t, mutex, 3, 10, 10);
	assert_int_equal(key_of(t, mutex)->oldest_ns, 10 * MS);
}

/* Who woke a sleeper last: as the kernel has it, and kept while it has nothing newer. */
static void test_last_waker(void **state)
{
	struct tally *t = *state;
	struct reading r = at_ms(1000);

	add_lock(&r, mutex, 1, 1, 10, 0);
	update(t, r);
	assert_int_equal(key_of(t, mutex)->last_waker, 0);
	r = at_ms(2000);
	add_lock(&r, mutex, 1, 2, 20, 0)->last_waker = 4711;
	update(t, r);
	assert_int_equal(key_of(t, mutex)->last_waker, 4711);
	r = at_ms(3000);
	add_lock(&r, mutex, 1, 3, 30, 0)->last_waker = 4712;
	update(t, r);
	assert_int_equal(key_of(t, mutex)->last_waker, 4712);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_deltas),
		TEST(test_unfinished_entry),
		TEST(test_open_sleeps),
		TEST(test_open_sleep_ends),
		TEST(test_adopted),
		TEST(test_ends_between_halves),
		TEST(test_levelling_sums_up),
		TEST(test_new_id),
		TEST(test_wrap),
		TEST(test_resumed),
		TEST(test_wait_wrap),
		TEST(test_max_by_epoch),
		TEST(test_waits),
		TEST(test_sweep),
		TEST(test_sleepers),
		TEST(test_clocks),
		TEST(test_last_waker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
