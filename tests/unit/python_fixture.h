/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A made-up Python program in an interval of a second: a lock whose holder sleeps, the GIL, a queue
 * that workers wait at, threads with names. For the tests of screens, exports and dumps.
 */
#ifndef PYTHON_FIXTURE_H
#define PYTHON_FIXTURE_H

#include "fixture.h"

#define PY_PID	  6100
#define PY_META	  "6100:0x5649a48bf9e0"
#define PY_GIL	  "6100:0x7f92d0b4e6a8"
#define PY_SECOND "6100:0x5649a483ecf0"

#define PY_EXE	 "/usr/bin/python3.11"
#define PY_APP	 "/srv/shop/app.py"
#define PY_LIB	 "/usr/lib/python3.11/threading.py"
#define PY_QUEUE "/usr/lib/python3.11/queue.py"

#define PY_WAITS                                                                                 \
	{ "__new_sem_wait_slow64.constprop.0", FIXTURE_LIBC, 0x9105f, NULL, 0, "native", NULL }, \
	{                                                                                        \
		"PyThread_acquire_lock_timed", PY_EXE, 0x4ce7c2, NULL, 0, "native", NULL         \
	}
#define PY_STARTS                                                                          \
	{ "Thread.run", PY_LIB, 982, PY_LIB, 982, "python", NULL },                        \
		{ "Thread._bootstrap_inner", PY_LIB, 1045, PY_LIB, 1045, "python", NULL }, \
	{                                                                                  \
		"Thread._bootstrap", PY_LIB, 1002, PY_LIB, 1002, "python", NULL            \
	}

static const struct frame py_waits[] = {
	PY_WAITS,
	{ "_PyObject_MakeTpCall", PY_EXE, 0x4ee332, NULL, 0, "native", NULL },
	{ "UserCache.refresh", PY_APP, 7, PY_APP, 7, "python", NULL },
	{ "refresher", PY_APP, 21, PY_APP, 21, "python", NULL },
	PY_STARTS,
};

static const struct frame py_sleeps[] = {
	{ "clock_nanosleep", FIXTURE_LIBC, 0xd0f20, NULL, 0, "native", NULL },
	{ "time_sleep", PY_EXE, 0x512340, NULL, 0, "native", NULL },
	{ "UserCache.refresh", PY_APP, 8, PY_APP, 8, "python", NULL },
	{ "refresher", PY_APP, 21, PY_APP, 21, "python", NULL },
	PY_STARTS,
};

static const struct frame py_computes[] = {
	PY_WAITS,
	{ "compute", PY_APP, 17, PY_APP, 17, "python", NULL },
	PY_STARTS,
};

static const struct frame py_idles[] = {
	PY_WAITS,
	{ "Condition.wait", PY_LIB, 327, PY_LIB, 327, "python", NULL },
	{ "Queue.get", PY_QUEUE, 171, PY_QUEUE, 171, "python", NULL },
	{ "worker", PY_APP, 24, PY_APP, 24, "python", NULL },
	PY_STARTS,
};

static const struct frame py_takes_gil[] = {
	{ "pthread_cond_timedwait", FIXTURE_LIBC, 0x8e000, NULL, 0, "native", NULL },
	{ "take_gil", PY_EXE, 0x4c1000, NULL, 0, "native", NULL },
	{ "compute", PY_APP, 16, PY_APP, 16, "python", NULL },
	{ "<module>", PY_APP, 30, PY_APP, 30, "python", NULL },
};

static const struct {
	struct fixture_lock lock;
	const char *thread; /* what its threads are called, and their number */
	bool daemon;
	const struct frame *frames;
	size_t n_frames;
} py_locks[] = {
	{ { PY_PID, "python3", 0x5649a48bf9e0, KIND_PY_LOCK, CLASS_CONTENTION,
	    "UserCache._meta_lock", "UserCache.refresh (app.py:7)", 193, 2990, 24000, 3 },
	  "refresher-%u",
	  true,
	  py_waits,
	  ARRAY_SIZE(py_waits) },
	{ { PY_PID, "python3", 0x7f92d0b4e6a8, KIND_GIL, CLASS_CONTENTION, "GIL",
	    "compute (app.py:16)", 516, 650, 6600, 1 },
	  "ThreadPoolExecutor-0_%u",
	  false,
	  py_takes_gil,
	  ARRAY_SIZE(py_takes_gil) },
	{ { PY_PID, "python3", 0x5649a483ecf0, KIND_PY_RLOCK, CLASS_CONTENTION, "app.stats_lock",
	    "compute (app.py:17)", 392, 510, 4600, 1 },
	  "hot-%u",
	  false,
	  py_computes,
	  ARRAY_SIZE(py_computes) },
	{ { PY_PID, "python3", 0x7f92d0c00100, KIND_PY_QUEUE, CLASS_IDLE, "app.jobs",
	    "worker (app.py:24)", 0, 4000, 90000000, 4 },
	  "worker-%u",
	  true,
	  py_idles,
	  ARRAY_SIZE(py_idles) },
	{ { PY_PID, "python3", 0x7f92d0c00200, KIND_PY_BARRIER, CLASS_IDLE, "app.gate",
	    "worker (app.py:26)", 0, 2000, 3000000, 2 },
	  "crosser-%u",
	  true,
	  py_idles,
	  ARRAY_SIZE(py_idles) },
};

static inline void python_fixture__name(struct snapshot *s, struct thread *t, size_t lock,
					unsigned int number)
{
	struct python_row *row = snapshot__alloc(s, 1, sizeof(*row));
	bool waits_for_gil = t->waiting_for && t->waiting_for->kind == KIND_GIL;
	char name[64];

	snprintf(name, sizeof(name), py_locks[lock].thread, number);
	row->name = snapshot__string(s, name);
	row->daemon = py_locks[lock].daemon;
	row->gil = waits_for_gil ? THREAD_GIL_WANTS : THREAD_GIL_NONE;
	t->python = row;
	t->frames = snapshot__alloc(s, py_locks[lock].n_frames, sizeof(*t->frames));
	memcpy(t->frames, py_locks[lock].frames, py_locks[lock].n_frames * sizeof(*t->frames));
	t->n_frames = t->waiting_for ? py_locks[lock].n_frames : 0;
	t->state = t->waiting_for ? STATE_WAITING : STATE_RUNNING;
	t->syscall = t->waiting_for ? "futex" : NULL;
	t->state_ns = t->waiting_ns;
}

static inline void python_fixture__stack(struct snapshot *s, struct lock *l, enum site_role role,
					 const struct frame *frames, size_t n)
{
	struct site *site = &l->sites[l->n_sites++];

	*site = (struct site){ .role = role, .samples = 9, .share = 1, .wait_ns = l->wait_ns };
	site->frames = snapshot__alloc(s, n, sizeof(*frames));
	memcpy(site->frames, frames, n * sizeof(*frames));
	site->n_frames = n;
}

/* The last refresher has the lock, and sleeps; the second executor has the GIL. */
static inline void python_fixture__hold(struct snapshot *s)
{
	struct thread *asleep = fixture__thread(s, PY_PID + 4), *running;
	struct python_row *row;

	FIXTURE_FRAMES(s, asleep, py_sleeps);
	asleep->state = STATE_SLEEPING;
	asleep->syscall = "clock_nanosleep";
	asleep->state_ns = 3 * MS;
	running = fixture__thread(s, PY_PID + 52);
	row = snapshot__alloc(s, 1, sizeof(*row));
	*row = *running->python;
	row->gil = THREAD_GIL_HAS;
	running->python = row;
	running->n_frames = 0;
	for (int i = 0; i < 2; i++) {
		s->locks[i].owner = snapshot__alloc(s, 1, sizeof(struct owner));
		*s->locks[i].owner =
			(struct owner){ i ? running : asleep, PROOF_PYTHON, i ? 0 : 3 * MS };
	}
}

/* A queue with room for ten, a barrier that one thread is missing at, a lock taken twice. */
static inline void python_fixture__construct(struct snapshot *s)
{
	struct python_lock_state *states = snapshot__alloc(s, 3, sizeof(*states));

	for (int i = 0; i < 3; i++) {
		states[i] = (struct python_lock_state)PYTHON_LOCK_STATE_UNKNOWN;
		s->locks[2 + i].python = &states[i];
	}
	states[0].recursion = 2;
	states[1].capacity = 10;
	states[1].size = 0;
	states[2].parties = 3;
	states[2].arrived = 2;
	states[2].n_missing = 1;
	states[2].missing = snapshot__alloc(s, 1, sizeof(*states[2].missing));
	states[2].missing[0] = fixture__thread(s, PY_PID + 203);
}

static inline struct snapshot *python_fixture__new(uint64_t number)
{
	struct snapshot *s = fixture__empty(number);
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(py_locks); i++) {
		struct lock *l = &s->locks[i];

		fixture__add_lock(s, &py_locks[i].lock);
		l->name_from = "python";
		l->readers = -1;
		l->sites = snapshot__alloc(s, 2, sizeof(*l->sites));
		python_fixture__stack(s, l, ROLE_WAITER, py_locks[i].frames, py_locks[i].n_frames);
	}
	python_fixture__stack(s, &s->locks[0], ROLE_HOLDER, py_sleeps, ARRAY_SIZE(py_sleeps));
	s->locks[1].switches_known = true;
	s->locks[1].switches = 994;
	s->locks[1].forced_switches = 12;
	fixture__add_processes(s);
	s->processes[0].runtime = "CPython 3.11";
	fixture__add_threads(s);
	for (size_t i = 0; i < s->n_locks; i++)
		for (unsigned int j = 0; j <= s->locks[i].waiting; j++)
			python_fixture__name(s, &s->threads[n++], i, j);
	python_fixture__hold(s);
	python_fixture__construct(s);
	return s;
}

/* Two of its threads wait for each other. */
static inline struct snapshot *python_fixture__deadlocked(uint64_t number)
{
	struct snapshot *s = python_fixture__new(number);
	struct thread *ring[] = { fixture__thread(s, PY_PID + 1),
				  fixture__thread(s, PY_PID + 101) };
	struct deadlock *d = snapshot__alloc(s, 1, sizeof(*d));

	*d = (struct deadlock){ .pid = PY_PID, .since_ns = 3200 * MS, .n_threads = 2 };
	d->threads = snapshot__alloc(s, 2, sizeof(*d->threads));
	for (size_t i = 0; i < 2; i++) {
		struct lock *l = &s->locks[i ? 2 : 0];

		ring[i]->waiting_ns = ring[i]->state_ns = 3200 * MS;
		d->threads[i] = (struct deadlock_thread){ ring[i], l, ring[!i] };
		l->owner = snapshot__alloc(s, 1, sizeof(*l->owner));
		*l->owner = (struct owner){ ring[!i], PROOF_PYTHON, 3200 * MS };
		l->deadlocked = true;
	}
	s->deadlocks = d;
	s->n_deadlocks = 1;
	return s;
}

/* The one that exports and dumps are shown with. */
static inline struct snapshot *python_usual(void)
{
	return python_fixture__deadlocked(7);
}

#endif
