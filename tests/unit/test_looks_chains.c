// SPDX-License-Identifier: GPL-2.0-only
/* Chains, deadlocks and stacks of owners, through looks at locks that are really held. */
#include "looks_fixture.h"

/* Row of a thread that holds one lock and waits for another. */
static void waits(struct fixture *x, const struct holding *h, const pthread_mutex_t *m)
{
	fake__thread(&x->fake, getpid(), h->tid, STATE_WAITING);
	wait_for(x, m, h->tid);
}

static void assert_deadlocks(struct fixture *x, size_t n, size_t confirmed)
{
	const struct deadlocks *d = looks__deadlocks(x->looks);
	size_t found = 0;

	for (size_t i = 0; i < d->n; i++)
		found += d->items[i].confirmed;
	assert_int_equal(d->n, n);
	assert_int_equal(found, confirmed);
}

/* Two threads that each hold what the other waits for: found, and at the second look proved. */
static void test_two(void **state)
{
	struct fixture *x = *state;
	struct holding *a = hold__begin(&mutex_calls, A), *b = hold__begin(&mutex_calls, B);
	const struct deadlock_cycle *c;

	waits(x, a, B);
	waits(x, b, A);
	wait_for(x, A, 501); /* behind it, not of it */
	look(x);
	assert_deadlocks(x, 1, 0);
	look(x);
	assert_deadlocks(x, 1, 1);
	c = &looks__deadlocks(x->looks)->items[0];
	assert_int_equal(c->n, 2);
	assert_int_equal(c->waits[0].tid, MIN(a->tid, b->tid));
	assert_int_equal(c->waits[0].tgid, getpid());
	assert_true(c->waits[0].key.addr == (uintptr_t)(a->tid < b->tid ? B : A));
	x->fake.maps.open[0].sequence++; /* it ran: what it holds now is not known from then */
	look(x);
	assert_deadlocks(x, 1, 0);
	hold__end(a);
	hold__end(b);
	look(x);
	assert_deadlocks(x, 0, 0);
}

/* A thread that waits for what it holds. */
static void test_self(void **state)
{
	struct fixture *x = *state;
	struct holding *a = hold__begin(&mutex_calls, A);

	waits(x, a, A);
	look(x);
	look(x);
	assert_deadlocks(x, 1, 1);
	assert_int_equal(looks__deadlocks(x->looks)->items[0].n, 1);
	hold__end(a);
}

/* A wait that ends by its time-out, or one that is over, comes back by itself. */
static void test_no_deadlock(void **state)
{
	struct fixture *x = *state;
	struct holding *a = hold__begin(&mutex_calls, A), *b = hold__begin(&mutex_calls, B);
	struct open_sleep *o;

	waits(x, a, B);
	waits(x, b, A);
	o = &x->fake.maps.open[1];
	o->key.signature = SIGNATURE(0x189 | OP_TIMED, VALUE_2);
	for (int i = 0; i < 3; i++) {
		look(x);
		assert_int_equal(lock_of(x, o->key)->owner, a->tid); /* a chain it is */
		assert_deadlocks(x, 0, 0);
	}
	o->key.signature = SIG_MUTEX;
	o->woken_ns = x->fake.now_ns;
	for (int i = 0; i < 3; i++) {
		look(x);
		assert_deadlocks(x, 0, 0);
	}
	o->woken_ns = 0;
	look(x);
	look(x);
	assert_deadlocks(x, 1, 1);
	hold__end(a);
	hold__end(b);
}

/* Is this the only root of what waits for m? Returns its weight. */
static uint64_t weight_of(struct fixture *x, const pthread_mutex_t *m, const pthread_mutex_t *root)
{
	struct look_lock *l = lock_of(x, mutex_key(m));

	assert_int_equal(l->n_roots, 1);
	assert_true(l->roots[0].key.addr == (uintptr_t)root);
	return l->roots[0].weight;
}

/* Along a chain each wait weighs on the lock at its end, by number of waiters and time. */
static void test_roots(void **state)
{
	struct fixture *x = *state;
	struct holding *a = hold__begin(&mutex_calls, A), *b = hold__begin(&mutex_calls, B);
	struct holding *c = hold__begin(&mutex_calls, C);

	fake__thread(&x->fake, getpid(), c->tid, STATE_RUNNING);
	waits(x, a, B);
	waits(x, b, C);
	wait_for(x, A, 501);
	wait_for(x, A, 502);
	look(x);
	look(x);
	assert_true(weight_of(x, A, C) == 2 * (LOOK_MS * MS + 2));
	assert_true(weight_of(x, B, C) == LOOK_MS * MS + 2);
	assert_true(weight_of(x, C, C) == LOOK_MS * MS + 2);
	x->fake.now_ns += 100 * NSEC_PER_SEC; /* a look stands for its time, not for a minute's */
	look(x);
	assert_true(weight_of(x, C, C) == LOOK_MS * MS + 2 * NSEC_PER_SEC + 3);
	looks__next_interval(x->looks);
	assert_int_equal(lock_of(x, mutex_key(A))->n_roots, 0);
	hold__end(b); /* the chain breaks: now they wait for the first of it */
	x->fake.maps.open[1] = x->fake.maps.open[--x->fake.maps.n_open];
	look(x);
	assert_true(weight_of(x, A, B) > 0);
	hold__end(a);
	hold__end(c);
}

/* Owners that run, or would, are sampled; when nobody waits for them any more, no longer. */
static void test_sampled(void **state)
{
	struct fixture *x = *state;
	struct holding *a = hold__begin(&mutex_calls, A), *b = hold__begin(&mutex_calls, B);

	fake__thread(&x->fake, getpid(), a->tid, STATE_RUNNING);
	fake__thread(&x->fake, getpid(), b->tid, STATE_SLEEPING);
	wait_for(x, A, 501);
	wait_for(x, B, 502);
	look(x);
	assert_int_equal(x->fake.n_sampled, 1);
	assert_int_equal(x->fake.sampled[0], a->tid);
	assert_true(x->fake.sample_period_ns > 0);
	x->fake.maps.n_open = 0;
	look(x);
	assert_int_equal(x->fake.n_sampled, 0);
	hold__end(a);
	hold__end(b);
}

static const struct sample_site *holder_site(struct fixture *x, const pthread_mutex_t *m)
{
	struct lock_key key = mutex_key(m);
	const struct sites *s = &samples__key(x->samples, &key)->sites;
	const struct sample_site *found = NULL;

	for (size_t i = 0; i < s->n; i++)
		if (s->items[i].role == ROLE_HOLDER)
			found = &s->items[i];
	return found;
}

/* Registers of a thread that is asleep, as the kernel has them. */
static void read_regs(struct thread_look *row)
{
	char path[64], text[512];
	long nr = -1;

	snprintf(path, sizeof(path), "/proc/self/task/%u/syscall", row->tid);
	for (int i = 0; i < 5000 && nr < 0; i++) {
		usleep(1000);
		if (util__read_file(path, text, sizeof(text)) <= 0 ||
		    sscanf(text, "%ld %*s %*s %*s %*s %*s %*s %llx %llx", &nr, &row->regs.r[7],
			   &row->regs.r[REGS_MAX - 1]) != 3)
			nr = -1;
	}
	assert_true(nr >= 0);
}

/* The stack of an owner that sleeps is read once, and charged with what is waited meanwhile. */
static void test_sleeping_owner(void **state)
{
	struct fixture *x = *state;
	struct holding *a = hold__begin(&mutex_calls, A);
	struct thread_look *row = fake__thread(&x->fake, getpid(), a->tid, STATE_SLEEPING);
	const struct sample_site *site;
	struct look_thread *t;
	uint64_t switches;

	read_regs(row);
	assert_int_equal(proc__switches(x->proc, a->tid, &switches), 0);
	row->switches = switches;
	wait_for(x, A, 501);
	wait_for(x, A, 502);
	look(x);
	look(x);
	t = looks__thread(x->looks, a->tid);
	assert_true(t->stack.n_frames > 1);
	assert_true(t->stack_switches == switches);
	site = holder_site(x, A);
	assert_non_null(site);
	assert_int_equal(site->samples, 1);
	assert_true(site->wait_ns == 2 * LOOK_MS * MS);
	row->switches--; /* it has run since: what lies there now is not the stack of then */
	look(x);
	assert_true(site->wait_ns == 2 * LOOK_MS * MS);
	assert_false(t->stack_switches == row->switches);
	hold__end(a);
}

/* A sampled stack of a running owner is charged to the lock that is waited for, and to no other. */
static void test_running_owner(void **state)
{
	struct fixture *x = *state;
	struct holding *a = hold__begin(&mutex_calls, A), *b = hold__begin(&mutex_calls, B);
	struct stack_event e = { .type = EVENT_RUNNING_STACK, .tid = a->tid, .gen = FAKE_GEN };
	const struct sample_site *site;

	e.time_ns = x->fake.now_ns;
	e.regs.r[REGS_MAX - 1] = (uintptr_t)test_running_owner;
	fake__thread(&x->fake, getpid(), a->tid, STATE_RUNNING);
	fake__thread(&x->fake, getpid(), b->tid, STATE_RUNNING);
	wait_for(x, A, 501);
	wait_for(x, A, 502);
	wait_for(x, B, 503);
	look(x);
	looks__event(x->looks, &e); /* of no process */
	assert_null(holder_site(x, A));
	e.tgid = getpid();
	looks__event(x->looks, &e);
	site = holder_site(x, A);
	assert_non_null(site);
	assert_int_equal(site->samples, 1);
	assert_true(site->wait_ns == 2 * x->fake.sample_period_ns);
	assert_string_equal(site->frames[0].function, "test_running_owner");
	assert_null(holder_site(x, B));
	e.tid = 4194303; /* nobody that was looked at */
	looks__event(x->looks, &e);
	hold__end(a);
	hold__end(b);
}

/* All threads of a dumped process are asked about and sampled, whether they hold anything or not.
 */
static void test_dump(void **state)
{
	struct fixture *x = *state;
	const pid_t pids[] = { getpid(), getppid() };
	struct look l;

	fake__thread(&x->fake, getpid(), 601, STATE_SLEEPING);
	fake__thread(&x->fake, getpid(), 602, STATE_RUNNING);
	looks__dump(x->looks, pids, 2);
	assert_true(looks__dumps(x->looks, getppid()));
	assert_false(looks__dumps(x->looks, 1));
	assert_int_equal(looks__now(x->looks, &l), 0);
	assert_int_equal(l.n_open, 0);
	assert_int_equal(x->fake.n_watched, 2);
	assert_true(x->fake.watched[0] & WATCH_PROCESS);
	assert_int_equal(x->fake.n_sampled, 2);
	assert_non_null(looks__thread(x->looks, 601));
	assert_non_null(looks__thread(x->looks, 602));
	looks__dump(x->looks, NULL, 0);
	look(x);
	assert_int_equal(x->fake.n_watched, 0);
	assert_int_equal(x->fake.n_sampled, 0);
	assert_false(looks__thread(x->looks, 601)->present);
	looks__next_interval(x->looks);
	assert_null(looks__threads(x->looks));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_two),	  TEST(test_self),	    TEST(test_no_deadlock),
		TEST(test_roots), TEST(test_sampled),	    TEST(test_sleeping_owner),
		TEST(test_dump),  TEST(test_running_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
