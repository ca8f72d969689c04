// SPDX-License-Identifier: GPL-2.0-only
/* Stack samples, made up and real, through joining and unwinding to the sites of a lock. */
#include "samples_fixture.h"

#include <sys/syscall.h>

#define FUZZ_NS NSEC_PER_SEC

pthread_barrier_t samples_test_barrier;
pthread_mutex_t samples_test_mutex = PTHREAD_MUTEX_INITIALIZER;

/* A waiter's stack, its waker's and the end become two sites with the sleep's wait in each. */
static void test_one_sleep(void **state)
{
	struct fixture *x = *state;
	struct lock_key key = fake__key(getpid(), HEAP, SIG_MUTEX);
	union event waiter = event_at(EVENT_WAITER_STACK, 1, key, pthread_mutex_lock);
	union event waker = event_at(EVENT_WAKER_STACK, 1, key, pthread_mutex_unlock);
	struct sample_key *k = samples__key(x->samples, &key);

	assert_false(k->has_stack);
	send(x, &waiter);
	send(x, &waker);
	assert_true(k->has_stack);
	assert_int_equal(k->verdict.kind, KIND_MUTEX);
	assert_int_equal(n_sites(k), 2);
	assert_int_equal(sites_of(k)[0].wait_ns, 0);
	send_end(x, 1, 30, 4);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(sites_of(k)[i].role, i ? ROLE_WAKER : ROLE_WAITER);
		assert_int_equal(sites_of(k)[i].samples, 1);
		assert_int_equal(sites_of(k)[i].wait_ns, 34);
		assert_true(sites_of(k)[i].n_frames >= 1);
		assert_non_null(strstr(sites_of(k)[i].frames[0].function,
				       i ? "pthread_mutex_unlock" : "pthread_mutex_lock"));
	}
	send_end(x, 1, 1000, 0); /* a second end of the same sleep is nobody's */
	assert_int_equal(sites_of(k)[0].wait_ns, 34);
}

/* Equal stacks are one site; the interval's figures are cleared with it, what stands is kept. */
static void test_equal_stacks(void **state)
{
	struct fixture *x = *state;
	struct lock_key key = fake__key(getpid(), HEAP, SIG_MUTEX);
	struct sample_key *k = samples__key(x->samples, &key);

	for (uint32_t id = 1; id <= 10; id++) {
		union event e = event_at(EVENT_WAITER_STACK, id, key, pthread_mutex_lock);

		send(x, &e);
		send_end(x, id, id, 0);
	}
	assert_int_equal(n_sites(k), 1);
	assert_int_equal(sites_of(k)[0].samples, 10);
	assert_int_equal(sites_of(k)[0].wait_ns, 55);
	samples__next_interval(x->samples);
	assert_int_equal(sites_of(k)[0].samples, 0);
	assert_int_equal(sites_of(k)[0].wait_ns, 0);
	assert_int_equal(sites_of(k)[0].all_samples, 10);
	assert_int_equal(sites_of(k)[0].all_wait_ns, 55);
}

/* No lock keeps more than so many stacks; the one with the least wait gives way. */
static void test_many_stacks(void **state)
{
	struct fixture *x = *state;
	struct lock_key key = fake__key(getpid(), HEAP, SIG_MUTEX);
	struct sample_key *k = samples__key(x->samples, &key);
	bool largest = false;

	for (uint32_t id = 1; id <= 4 * SITES_MAX; id++) {
		char *pc = (char *)(uintptr_t)pthread_mutex_lock + id;
		union event e = event_at(EVENT_WAITER_STACK, id, key, pc);

		send(x, &e);
		send_end(x, id, id == 7 ? 1000000 : id, 0);
	}
	assert_int_equal(n_sites(k), SITES_MAX);
	for (size_t i = 0; i < n_sites(k); i++)
		largest |= sites_of(k)[i].all_wait_ns == 1000000;
	assert_true(largest);
}

/* The stack corrects what the signature alone said of kind, class and object. */
static void test_verdict(void **state)
{
	struct fixture *x = *state;
	struct lock_key key = fake__key(getpid(), HEAP + 4, SIGNATURE(0x80, VALUE_OTHER));
	struct sample_key *k = samples__key(x->samples, &key);
	union event e = event_at(EVENT_WAITER_STACK, 1, key, pthread_barrier_wait);

	assert_int_equal(k->verdict.kind, KIND_FUTEX);
	send(x, &e);
	assert_int_equal(k->verdict.kind, KIND_BARRIER);
	assert_int_equal(k->verdict.class, CLASS_IDLE);
	assert_int_equal(k->verdict.offset, 4);
}

#define GONE 4194303 /* no process has this number: its mappings cannot be had */

/* A semaphore is told from a condition by the words that came, where no stack could be used. */
static void test_words(void **state)
{
	struct fixture *x = *state;
	struct lock_key key = fake__key(GONE, HEAP, SIG_COND);
	struct sample_key *k = samples__key(x->samples, &key);
	union event e = event_at(EVENT_WAITER_STACK, 1, key, NULL);

	e.e.words = WORDS_HAVE_AFTER;
	e.e.after[4] = 3;
	send(x, &e);
	assert_int_equal(k->verdict.kind, KIND_SEM);
	assert_int_equal(k->verdict.offset, 0);
	assert_int_equal(n_sites(k), 0);
}

/* An object's name, also when the object's place was corrected after the first look at it. */
static void test_name(void **state)
{
	struct fixture *x = *state;
	uint64_t address = (uintptr_t)&samples_test_barrier;
	struct lock_key key = fake__key(getpid(), address + 4, SIGNATURE(0x80, VALUE_OTHER));
	struct sample_key *k = samples__key(x->samples, &key);
	union event e = event_at(EVENT_WAITER_STACK, 1, key, pthread_barrier_wait);

	samples__name(x->samples, k, NOW);
	assert_string_equal(k->name, "samples_test_barrier+0x4");
	assert_string_equal(k->name_from, "symbol");
	send(x, &e);
	samples__name(x->samples, k, NOW);
	assert_string_equal(k->name, "samples_test_barrier");
}

/*
 * A waker in another process is unwound by the mappings of that process: where they cannot be had,
 * these are not used in their place.
 */
static void test_foreign_waker(void **state)
{
	struct fixture *x = *state;
	struct lock_key key = fake__key(getpid(), HEAP, SIGNATURE(0, VALUE_2));
	union event e = event_at(EVENT_WAKER_STACK, 1, key, pthread_mutex_unlock);

	e.e.tgid = e.e.tid = GONE;
	send(x, &e);
	assert_int_equal(n_sites(samples__key(x->samples, &key)), 0);
}

/* Samples whose sleep is not seen any more are dropped after a while; their end is nobody's then.
 */
static void test_vanished_sleep(void **state)
{
	struct fixture *x = *state;
	struct lock_key key = fake__key(getpid(), HEAP, SIG_MUTEX);
	struct sample_key *k = samples__key(x->samples, &key);
	union event e = event_at(EVENT_WAITER_STACK, 1, key, pthread_mutex_lock);

	send(x, &e);
	for (int i = 0; i < 8; i++)
		samples__next_interval(x->samples);
	send_end(x, 1, 99, 0);
	assert_int_equal(sites_of(k)[0].all_wait_ns, 0);
}

/* A forgotten key goes with its samples; the next event makes it anew. */
static void test_drop(void **state)
{
	struct fixture *x = *state;
	struct lock_key key = fake__key(getpid(), HEAP, SIG_MUTEX);
	union event e = event_at(EVENT_WAITER_STACK, 1, key, pthread_mutex_lock);

	send(x, &e);
	samples__drop(x->samples, &key);
	samples__next_interval(x->samples);
	assert_false(samples__key(x->samples, &key)->has_stack);
	send_end(x, 1, 99, 0);
	samples__drop(x->samples, &key);
	samples__key(x->samples, &key); /* needed again before it went: it stays */
	send(x, &e);
	samples__next_interval(x->samples);
	assert_true(samples__key(x->samples, &key)->has_stack);
}

/* Events that are too short, of no known type, or longer than they are: nothing comes of them. */
static void test_malformed(void **state)
{
	struct fixture *x = *state;
	struct lock_key key = fake__key(getpid(), HEAP, SIG_MUTEX);
	struct sample_key *k = samples__key(x->samples, &key);
	union event e = event_at(EVENT_WAITER_STACK, 1, key, pthread_mutex_lock);
	struct end_event end = { .type = EVENT_SLEEP_END, .sample_id = 1 };

	for (size_t size = 0; size < sizeof(e.e) + e.e.stack_len; size += 3)
		samples__event(x->samples, &e, size);
	e.e.stack_len = UINT32_MAX;
	samples__event(x->samples, &e, sizeof(e));
	e.e.stack_len = STACK_LEN + 1;
	samples__event(x->samples, &e, sizeof(e));
	e.e.stack_len = STACK_LEN;
	for (uint32_t type = EVENT_SLEEP_END + 1; type; type *= 2) {
		e.e.type = type;
		send(x, &e);
	}
	for (size_t size = 0; size < sizeof(end); size++)
		samples__event(x->samples, &end, size);
	send_end(x, 0, UINT64_MAX, UINT64_MAX);
	assert_int_equal(n_sites(k), 0);
	assert_false(k->has_stack);
}

/* Random bytes for a second, some of them made to look like events. */
static void test_random_events(void **state)
{
	struct fixture *x = *state;
	uint64_t end = util__monotonic_ns() + FUZZ_NS;
	union event *e = xcalloc(1, sizeof(*e));
	unsigned int seed = 4711;

	for (unsigned long n = 0; util__monotonic_ns() < end; n++) {
		size_t size = rand_r(&seed) % (sizeof(*e) + 1);

		for (size_t i = 0; i < sizeof(*e); i++)
			((uint8_t *)e)[i] = rand_r(&seed) >> 7;
		e->e.type = rand_r(&seed) % 5;
		e->e.sample_id %= 8;
		if (n % 4)
			e->e.stack_len %= STACK_LEN + 2;
		if (n % 2) {
			e->e.key.tgid = e->e.tgid = getpid();
			e->e.key.gen = FAKE_GEN;
			e->e.gen = FAKE_GEN;
		}
		if (n % 8 == 1)
			e->e.regs.r[REGS_MAX - 1] = (uintptr_t)pthread_mutex_lock + n % 4096;
		samples__event(x->samples, e, size);
		if (n % 64 == 0)
			samples__next_interval(x->samples);
	}
	free(e);
}

/* A thread that waits for samples_test_mutex. */
static void *waiter_of_samples_test(void *tid)
{
	__atomic_store_n((pid_t *)tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
	pthread_mutex_lock(&samples_test_mutex);
	pthread_mutex_unlock(&samples_test_mutex);
	return NULL;
}

/* Fills in the registers of a thread that sleeps in a futex call, as the task iterator would. */
static bool read_regs(pid_t tid, struct open_sleep *o)
{
	char path[64], text[512];
	long nr;

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
	return util__read_file(path, text, sizeof(text)) > 0 &&
	       sscanf(text, "%ld %*s %*s %*s %*s %*s %*s %llx %llx", &nr, &o->regs.r[7],
		      &o->regs.r[REGS_MAX - 1]) == 3 &&
	       nr == SYS_futex;
}

/* A sleeper of whom no sample came is looked at while it sleeps: kind, name and caller come out. */
static void test_real_sleeper(void **state)
{
	struct fixture *x = *state;
	struct lock_key key = fake__key(getpid(), (uintptr_t)&samples_test_mutex, SIG_MUTEX);
	struct open_sleep o = { .key = key, .start_ns = NOW - 500 * MS, .sequence = 1 };
	struct sample_key *k = samples__key(x->samples, &key);
	pthread_t thread;
	pid_t tid = 0;

	pthread_mutex_lock(&samples_test_mutex);
	assert_int_equal(pthread_create(&thread, NULL, waiter_of_samples_test, &tid), 0);
	for (int i = 0; i < 5000 && !(o.tid && read_regs(o.tid, &o)); i++) {
		usleep(1000);
		o.tid = __atomic_load_n(&tid, __ATOMIC_ACQUIRE);
	}
	samples__open(x->samples, k, &o, NOW);
	samples__name(x->samples, k, NOW);
	o.regs.r[7] += 8; /* not where it is: what is read then is not its stack */
	o.sequence++;
	samples__open(x->samples, k, &o, NOW);
	pthread_mutex_unlock(&samples_test_mutex);
	pthread_join(thread, NULL);
	assert_true(k->has_stack);
	assert_int_equal(k->verdict.kind, KIND_MUTEX);
	assert_string_equal(k->name, "samples_test_mutex");
	assert_int_equal(n_sites(k), 1);
	assert_int_equal(sites_of(k)[0].role, ROLE_WAITER);
	assert_int_equal(sites_of(k)[0].samples, 1);
	assert_int_equal(sites_of(k)[0].wait_ns, 500 * MS);
	assert_non_null(k->where);
	assert_string_equal(k->where, "waiter_of_samples_test");
}

/* One that has slept only for a moment may be gone again: it is left alone. */
static void test_young_sleeper(void **state)
{
	struct fixture *x = *state;
	struct lock_key key = fake__key(getpid(), HEAP, SIG_MUTEX);
	struct open_sleep o = { .key = key, .start_ns = NOW - MS, .tid = getpid() };
	struct sample_key *k = samples__key(x->samples, &key);

	samples__open(x->samples, k, &o, NOW);
	assert_int_equal(n_sites(k), 0);
}

/* A sampled sleep that goes on is credited as it does, and at its end with the rest only. */
static void test_open_credit(void **state)
{
	struct fixture *x = *state;
	struct lock_key key = fake__key(getpid(), HEAP, SIG_MUTEX);
	struct open_sleep o = { .key = key, .start_ns = NOW, .sample_id = 1 };
	union event e = event_at(EVENT_WAITER_STACK, 1, key, pthread_mutex_lock);
	struct sample_key *k = samples__key(x->samples, &key);

	send(x, &e);
	samples__open(x->samples, k, &o, NOW + 700);
	assert_int_equal(sites_of(k)[0].wait_ns, 700);
	samples__next_interval(x->samples);
	samples__open(x->samples, k, &o, NOW + 1700);
	assert_int_equal(sites_of(k)[0].wait_ns, 1000);
	samples__next_interval(x->samples);
	send_end(x, 1, 2000, 100);
	assert_int_equal(sites_of(k)[0].wait_ns, 400);
	assert_int_equal(sites_of(k)[0].all_wait_ns, 2100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_sleep),	  TEST(test_equal_stacks),   TEST(test_many_stacks),
		TEST(test_verdict),	  TEST(test_words),	     TEST(test_name),
		TEST(test_foreign_waker), TEST(test_vanished_sleep), TEST(test_drop),
		TEST(test_malformed),	  TEST(test_random_events),  TEST(test_real_sleeper),
		TEST(test_young_sleeper), TEST(test_open_credit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
