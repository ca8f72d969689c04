/* SPDX-License-Identifier: GPL-2.0-only */
/* A collector over a source that is filled by hand. */
#ifndef COLLECTOR_FIXTURE_H
#define COLLECTOR_FIXTURE_H

#include "fake_source.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "../../user/collector.h"

#define HEAP 0x7f0000001000ULL /* where no symbol is */

/* A collector over a fake source, begun. */
struct fixture {
	struct fake fake;
	struct options options;
	struct proc *proc;
	struct collector *collector;
	struct snapshot *s; /* of the latest interval */
	pid_t child;
};

static inline struct fixture *begin(void **state)
{
	struct fixture *x = *state;

	x->proc = proc__new("/proc");
	x->collector = collector__new(&x->options, &x->fake.source, x->proc, NULL, NULL);
	assert_int_equal(collector__start(x->collector), 0);
	return x;
}

/* A second goes by; its snapshot. */
static inline struct snapshot *interval(struct fixture *x)
{
	snapshot__free(x->s);
	x->fake.now_ns += NSEC_PER_SEC;
	assert_int_equal(collector__interval(x->collector, &x->s), 0);
	return x->s;
}

static inline int set_up(void **state)
{
	struct fixture *x = xcalloc(1, sizeof(*x));

	fake__init(&x->fake);
	fake__watches(&x->fake);
	*state = x;
	return 0;
}

static inline int tear_down(void **state)
{
	struct fixture *x = *state;

	if (x->child > 0) {
		kill(x->child, SIGKILL);
		waitpid(x->child, NULL, 0);
	}
	snapshot__free(x->s);
	collector__free(x->collector);
	proc__free(x->proc);
	free(x);
	return 0;
}

/* A process of our own that can be made to end. */
static inline pid_t spawn(struct fixture *x)
{
	x->child = fork();
	if (x->child == 0) {
		for (;;)
			pause();
	}
	assert_true(x->child > 0);
	return x->child;
}

static inline void end_child(struct fixture *x)
{
	kill(x->child, SIGKILL);
	waitpid(x->child, NULL, 0);
	x->child = 0;
}

static inline const struct lock *lock_at(const struct snapshot *s, uint64_t address)
{
	for (size_t i = 0; i < s->n_locks; i++)
		if (s->locks[i].address == address)
			return &s->locks[i];
	fail_msg("no lock at %#llx", (unsigned long long)address);
	return NULL;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
