/* SPDX-License-Identifier: GPL-2.0-only */
/* A machine with one lock, for the tests of verdicts; and what to say of its verdicts. */
#ifndef VERDICTS_FIXTURE_H
#define VERDICTS_FIXTURE_H

#include "fixture.h"

#include "../../user/verdicts.h"

/* A process whose one lock is waited for by one thread all the time, and a thread that may own it.
 */
struct machine {
	struct snapshot *s;
	struct process *process;
	struct lock *lock;
	struct thread *thread;
	struct owner *owner;
};

static inline void begin(struct machine *m)
{
	static const struct fixture_lock mutex = { .pid = 7,
						   .comm = "a",
						   .address = 0x1000,
						   .kind = KIND_MUTEX,
						   .sleeps = 10,
						   .wait_ms = 100,
						   .max_us = 1,
						   .waiting = 1 };

	m->s = fixture__empty(1);
	fixture__add_lock(m->s, &mutex);
	m->lock = &m->s->locks[0];
	m->lock->processes = 1;
	m->lock->readers = -1;
	fixture__add_processes(m->s);
	m->process = &m->s->processes[0];
	m->process->wait_ns = 100 * NSEC_PER_SEC; /* of other locks */
	m->thread = &m->s->threads[m->s->n_threads++];
	*m->thread = (struct thread){ .pid = 7, .tid = 8, .comm = "b", .state = STATE_RUNNING };
	m->owner = snapshot__alloc(m->s, 1, sizeof(*m->owner));
	*m->owner = (struct owner){ .thread = m->thread, .proof = PROOF_LOCK_WORD };
}

static inline void set_load(struct machine *m, double load)
{
	m->lock->wait_ns = load * NSEC_PER_SEC;
	m->lock->delay_ns = 0;
	m->lock->blocked_ns = m->lock->wait_ns;
}

/* What each look found the owner to do. */
static inline void set_looks(struct machine *m, enum thread_state state, unsigned int n,
			     unsigned int of)
{
	m->lock->looks = (struct lock_looks){ .n = of, .owned = of };
	m->lock->looks.state[STATE_RUNNING] = of - n;
	m->lock->looks.state[state] += n;
}

static inline const struct verdict *find(const struct lock *lock, const char *name)
{
	for (size_t i = 0; i < lock->n_verdicts; i++)
		if (!strcmp(lock->verdicts[i].name, name))
			return &lock->verdicts[i];
	return NULL;
}

static inline void assert_given(const struct lock *lock, const char *name, const char *evidence,
				int line)
{
	const struct verdict *v = find(lock, name);

	if (!v)
		fail_msg("line %d: no %s; first: %s", line, name,
			 lock->n_verdicts ? lock->verdicts[0].name : "none");
	if (evidence && strcmp(v->evidence, evidence))
		fail_msg("line %d: %s: %s", line, v->evidence, evidence);
	assert_non_null(v->advice);
}

static inline void assert_refused(const struct lock *lock, const char *name, int line)
{
	if (find(lock, name))
		fail_msg("line %d: %s: %s", line, name, find(lock, name)->evidence);
}

/* After setup and changes, the verdict is given with this evidence (NULL: any); or it is not. */
#define JUDGE(setup, ...) \
	struct machine m; \
	begin(&m);        \
	setup(&m);        \
	__VA_ARGS__;      \
	verdicts__judge(m.s)
#define GIVEN(setup, name, evidence, ...)                               \
	do {                                                            \
		JUDGE(setup, __VA_ARGS__);                              \
		assert_given(&m.s->locks[0], name, evidence, __LINE__); \
		snapshot__free(m.s);                                    \
	} while (0)
#define REFUSED(setup, name, ...)                               \
	do {                                                    \
		JUDGE(setup, __VA_ARGS__);                      \
		assert_refused(&m.s->locks[0], name, __LINE__); \
		snapshot__free(m.s);                            \
	} while (0)
#define NOTHING(setup, ...)                              \
	do {                                             \
		JUDGE(setup, __VA_ARGS__);               \
		assert_int_equal(m.lock->n_verdicts, 0); \
		snapshot__free(m.s);                     \
	} while (0)

static inline void quiet(struct machine *m)
{
	(void)m;
}

/* Owned by a thread that does this now; no look has seen it. */
static inline void owner_now(struct machine *m, enum thread_state state, uint64_t ns)
{
	m->lock->owner = m->owner;
	m->thread->state = state;
	m->thread->state_ns = ns;
}

#endif
