/* SPDX-License-Identifier: GPL-2.0-only */
/* Looks over a source that is filled by hand, at locks that threads of the test really hold. */
#ifndef LOOKS_FIXTURE_H
#define LOOKS_FIXTURE_H

#include "fake_source.h"
#include "holders_fixture.h"

#include "../../user/looks.h"

#define LOOK_MS 100
#define A	(&looks_test_locks[0])
#define B	(&looks_test_locks[1])
#define C	(&looks_test_locks[2])

static pthread_mutex_t looks_test_locks[3] = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
					       PTHREAD_MUTEX_INITIALIZER };

struct fixture {
	struct fake fake;
	struct options options; /* without stacks: sleepers here are made up */
	struct proc *proc;
	struct processes processes;
	struct owners *owners;
	struct samples *samples;
	struct looks *looks;
	struct tally tally;
};

static inline int set_up(void **state)
{
	struct fixture *x = xcalloc(1, sizeof(*x));

	fake__init(&x->fake);
	fake__watches(&x->fake);
	for (size_t i = 0; i < ARRAY_SIZE(looks_test_locks); i++) /* a test that failed held them */
		pthread_mutex_init(&looks_test_locks[i], NULL);
	x->proc = proc__new("/proc");
	processes__init(&x->processes, &x->options, x->proc);
	x->owners = owners__new(x->proc);
	x->samples = samples__new(&x->processes, x->proc, x->owners, NULL);
	x->looks = looks__new(&x->fake.source, &x->processes, x->samples, x->owners, x->proc);
	tally__init(&x->tally);
	*state = x;
	return 0;
}

static inline int tear_down(void **state)
{
	struct fixture *x = *state;

	tally__done(&x->tally);
	looks__free(x->looks);
	samples__free(x->samples);
	owners__free(x->owners);
	processes__done(&x->processes);
	proc__free(x->proc);
	free(x);
	return 0;
}

static inline struct lock_key mutex_key(const pthread_mutex_t *m)
{
	return fake__key(getpid(), (uintptr_t)m, SIG_MUTEX);
}

/* A made-up thread that has waited for a mutex since the running second began. */
static inline struct open_sleep *wait_for(struct fixture *x, const pthread_mutex_t *m, uint32_t tid)
{
	struct open_sleep *o = fake__open(&x->fake, mutex_key(m), tid, 1000);

	o->sequence = 1;
	return o;
}

static inline void look(struct fixture *x)
{
	x->fake.now_ns += LOOK_MS * MS;
	assert_int_equal(looks__now(x->looks, NULL), 0);
}

/* The look that ends an interval of a second. */
static inline void end_interval(struct fixture *x)
{
	struct records r;
	struct look l;

	x->fake.now_ns += NSEC_PER_SEC;
	assert_int_equal(x->fake.source.ops->read(&x->fake.source, &r), 0);
	tally__update(&x->tally, &r);
	l = (struct look){ .now_ns = r.now_ns,
			   .open = r.open,
			   .n_open = r.n_open,
			   .spinning = r.spinning,
			   .n_spinning = r.n_spinning,
			   .cost_ns = r.look_cost_ns };
	looks__interval(x->looks, &l, &x->tally);
}

static inline struct look_lock *lock_of(struct fixture *x, struct lock_key key)
{
	struct look_lock *l = looks__lock(x->looks, &key);

	assert_non_null(l);
	return l;
}

/* As a stack would have told: this is a mutex of the C library, not only something like one. */
static inline void make_sure(struct fixture *x, struct lock_key key)
{
	samples__key(x->samples, &key)->verdict.sure = true;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
