// SPDX-License-Identifier: GPL-2.0-only
/* Sleeps one by one, from events of the probes to rows of snapshots. */
#include "collector_fixture.h"

/* Ends that long (ms) after the interval has begun; blocked for 5 ms, then 2 ms until it runs. */
static struct sleep_event sleep_of(struct fixture *x, uint32_t lock_id, uint32_t tid, uint64_t ms)
{
	uint64_t end = x->fake.now_ns + ms * MS;

	return (struct sleep_event){ .type = EVENT_SLEEP,
				     .lock_id = lock_id,
				     .tid = tid,
				     .tgid = getpid(),
				     .start_ns = end - 7 * MS,
				     .woken_ns = end - 2 * MS,
				     .end_ns = end,
				     .ended = END_OTHER };
}

static void tell(struct fixture *x, const struct sleep_event *e)
{
	fake__event(&x->fake, e, sizeof(*e));
}

static struct lock_key mutex(uint64_t address)
{
	return fake__key(getpid(), address, SIG_MUTEX);
}

/* Observation has begun, and one thread has slept on one lock since. */
static struct fixture *begin_slept(void **state)
{
	struct fixture *x = *state;

	x->options.events = 1000;
	begin(state);
	fake__sleeps(&x->fake, mutex(HEAP), 11, 1, 5, 2);
	return x;
}

/* Rows stand in the order of their ends, on the clock of the wall, with lock, thread and waker. */
static void test_rows(void **state)
{
	struct fixture *x = *state;
	struct sleep_event late, early;
	struct snapshot *s;
	struct timespec now;
	uint64_t real, mono;

	x->options.events = 1000;
	x->fake.now_ns = util__monotonic_ns();
	begin(state);
	fake__sleeps(&x->fake, mutex(HEAP), 11, 1, 5, 2);
	fake__sleeps(&x->fake, mutex(HEAP + 64), 12, 1, 5, 2);
	late = sleep_of(x, 2, 12, 700);
	late.ended = END_TIMEOUT;
	late.flags = OPEN_ADOPTED;
	early = sleep_of(x, 1, 11, 300);
	early.ended = END_WOKEN;
	early.waker = early.waker_tgid = getpid();
	tell(x, &late);
	tell(x, &early);
	clock_gettime(CLOCK_REALTIME, &now);
	mono = util__monotonic_ns();
	s = interval(x);
	assert_true(s->sleeps_known);
	assert_int_equal(s->n_sleeps, 2);
	assert_ptr_equal(s->sleeps[0].lock, lock_at(s, HEAP));
	assert_ptr_equal(s->sleeps[1].lock, lock_at(s, HEAP + 64));
	assert_int_equal(s->sleeps[0].thread->tid, 11);
	assert_string_equal(s->sleeps[0].thread->comm, "waiter");
	assert_true(s->sleeps[0].thread >= s->threads &&
		    s->sleeps[0].thread < s->threads + s->n_threads);
	assert_int_equal(s->sleeps[0].waker->tid, getpid());
	assert_string_equal(s->sleeps[0].waker->comm, program_invocation_short_name);
	assert_null(s->sleeps[1].waker);
	assert_int_equal(s->sleeps[0].ended, END_WOKEN);
	assert_int_equal(s->sleeps[1].ended, END_TIMEOUT);
	assert_true(s->sleeps[1].earlier && !s->sleeps[0].earlier);
	assert_int_equal(s->sleeps[0].woken_ns - s->sleeps[0].start_ns, 5 * MS);
	assert_int_equal(s->sleeps[0].end_ns - s->sleeps[0].woken_ns, 2 * MS);
	assert_int_equal(s->sleeps_end_ns - s->sleeps[0].end_ns, 700 * MS);
	real = (uint64_t)now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
	assert_true(s->sleeps_end_ns + mono - x->fake.now_ns - real + 50 * MS < 100 * MS);
	s = interval(x);
	assert_true(s->sleeps_known && !s->n_sleeps);
	assert_int_equal(snapshot__losses(s), 0);
}

/* Without --events there are none, and it is said that they are not known. */
static void test_unknown(void **state)
{
	struct fixture *x = begin(state);
	struct sleep_event e = sleep_of(x, 1, 11, 300);
	struct snapshot *s;

	fake__sleeps(&x->fake, mutex(HEAP), 11, 1, 5, 2);
	tell(x, &e);
	s = interval(x);
	assert_false(s->sleeps_known);
	assert_int_equal(s->n_sleeps, 0);
}

/* What a signal or a GIL's time-out divides is one sleep, which another one's begins anew. */
static void test_resumed(void **state)
{
	struct fixture *x = *state;
	struct sleep_event parts[4], e;
	struct snapshot *s;

	x->options.events = 1000;
	begin(state);
	fake__sleeps(&x->fake, mutex(HEAP), 11, 2, 21, 6);
	for (int i = 0; i < 4; i++) {
		parts[i] = sleep_of(x, 1, 11, 100 + 10 * i);
		parts[i].flags = i % 3 ? OPEN_RESUMED : 0;
		parts[i].ended = i == 2 ? END_WOKEN : END_SIGNAL;
		tell(x, &parts[i]);
	}
	s = interval(x);
	assert_int_equal(s->n_sleeps, 2);
	assert_int_equal(s->sleeps[0].end_ns - s->sleeps[0].start_ns, 27 * MS);
	assert_int_equal(s->sleeps[0].end_ns - s->sleeps[0].woken_ns, 2 * MS);
	assert_int_equal(s->sleeps[0].ended, END_WOKEN);
	assert_false(s->sleeps[0].resumed || s->sleeps[1].resumed);
	/* what it goes on from was in the interval before */
	e = sleep_of(x, 1, 11, 10);
	e.flags = OPEN_RESUMED;
	tell(x, &e);
	fake__sleeps(&x->fake, mutex(HEAP), 11, 0, 5, 2);
	s = interval(x);
	assert_int_equal(s->n_sleeps, 1);
	assert_true(s->sleeps[0].resumed);
	assert_int_equal(s->sleeps[0].end_ns - s->sleeps[0].start_ns, 7 * MS);
}

/* What ended before observation began is no row; what ends after a reading, one of the next. */
static void test_interval_of(void **state)
{
	struct fixture *x = *state;
	struct sleep_event before, during, after;
	struct snapshot *s;

	x->options.events = 1000;
	fake__sleeps(&x->fake, mutex(HEAP), 11, 1, 5, 2);
	before = sleep_of(x, 1, 11, 0);
	tell(x, &before);
	begin(state);
	fake__sleeps(&x->fake, mutex(HEAP), 11, 1, 5, 2);
	during = sleep_of(x, 1, 11, 1000);
	after = sleep_of(x, 1, 11, 1008);
	tell(x, &during);
	tell(x, &after);
	s = interval(x);
	assert_int_equal(s->n_sleeps, 1);
	assert_int_equal(s->sleeps[0].end_ns, s->sleeps_end_ns);
	fake__sleeps(&x->fake, mutex(HEAP), 11, 1, 5, 2);
	s = interval(x);
	assert_int_equal(s->n_sleeps, 1);
	assert_int_equal(s->sleeps_end_ns - s->sleeps[0].end_ns, 992 * MS);
}

/* A lock that no reading had yet is waited for once; then the sleep is a loss, not a silence. */
static void test_lock_comes_late(void **state)
{
	struct fixture *x = *state;
	struct sleep_event known, unknown;
	struct snapshot *s;

	x->options.events = 1000;
	begin(state);
	known = sleep_of(x, 1, 11, 999);
	unknown = sleep_of(x, 99, 11, 998);
	tell(x, &known);
	tell(x, &unknown);
	s = interval(x);
	assert_int_equal(s->n_sleeps, 0);
	assert_int_equal(s->losses[LOSS_EVENTS_DROPPED], 0);
	fake__sleeps(&x->fake, mutex(HEAP), 11, 1, 5, 2);
	s = interval(x);
	assert_int_equal(s->n_sleeps, 1);
	assert_int_equal(s->losses[LOSS_EVENTS_DROPPED], 1);
	s = interval(x);
	assert_int_equal(s->losses[LOSS_EVENTS_DROPPED], 0);
}

/* Processes that --comm does not match have no rows, and no loss. */
static void test_out_of_scope(void **state)
{
	struct fixture *x = *state;
	struct sleep_event e;
	struct snapshot *s;

	x->options.events = 1000;
	x->options.comm = "made-up-*";
	begin(state);
	fake__sleeps(&x->fake, mutex(HEAP), 11, 1, 5, 2);
	e = sleep_of(x, 1, 11, 300);
	tell(x, &e);
	for (int i = 0; i < 3; i++) {
		s = interval(x);
		assert_int_equal(s->n_sleeps, 0);
		assert_int_equal(s->losses[LOSS_EVENTS_DROPPED], 0);
	}
}

/* However long an interval is, it does not take all memory: what is beyond has a name. */
static void test_bound(void **state)
{
	struct fixture *x = *state;
	struct sleep_event e;
	struct snapshot *s;
	size_t n = 0;

	x->options.events = 1000000;
	begin(state);
	fake__sleeps(&x->fake, mutex(HEAP), 11, 1, 5, 2);
	for (int round = 0; round < 20000; round++) {
		for (int i = 0; i < FAKE_MAX; i++) {
			e = sleep_of(x, 1, 11, 300);
			tell(x, &e);
			n++;
		}
		collector__tick(x->collector);
	}
	s = interval(x);
	assert_true(s->n_sleeps < n);
	assert_int_equal(s->n_sleeps + s->losses[LOSS_EVENTS_DROPPED], n);
}

/* Clocks of two CPUs may be apart: no part of a sleep is shorter than nothing. */
static void test_clocks_apart(void **state)
{
	struct fixture *x = begin_slept(state);
	struct sleep_event e = sleep_of(x, 1, 11, 300);
	struct snapshot *s;

	e.woken_ns = e.start_ns - 40;
	e.end_ns = e.start_ns - 20;
	tell(x, &e);
	s = interval(x);
	assert_int_equal(s->n_sleeps, 1);
	assert_int_equal(s->sleeps[0].woken_ns, s->sleeps[0].start_ns);
	assert_int_equal(s->sleeps[0].end_ns, s->sleeps[0].start_ns);
}

/* Of what comes from elsewhere nothing is believed: neither size nor cause. */
static void test_hostile(void **state)
{
	struct fixture *x = begin_slept(state);
	struct sleep_event e = sleep_of(x, 1, 11, 300);
	struct snapshot *s;

	e.ended = 4000000000;
	e.waker = e.waker_tgid = 2000000000; /* there is no such process */
	fake__event(&x->fake, &e, sizeof(e) - 1);
	fake__event(&x->fake, &e, sizeof(e));
	s = interval(x);
	assert_int_equal(s->n_sleeps, 1);
	assert_int_equal(s->sleeps[0].ended, END_OTHER);
	assert_int_equal(s->sleeps[0].waker->tid, 2000000000);
	assert_null(s->sleeps[0].waker->comm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rows),	TEST(test_unknown),	    TEST(test_resumed),
		TEST(test_interval_of), TEST(test_lock_comes_late), TEST(test_out_of_scope),
		TEST(test_bound),	TEST(test_clocks_apart),    TEST(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
