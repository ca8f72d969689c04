// SPDX-License-Identifier: GPL-2.0-only
#include "assemble_python.h"

#include "python_state.h"
#include "util.h"

/* Sleeps of those who were made to let go of a GIL: on a word of its own, near it. */
static uint64_t forced_switches(const struct parts *parts, const struct lock *gil)
{
	uint64_t n = 0;

	for (size_t i = 0; i < parts->n; i++) {
		const struct part *part = &parts->items[i];

		if (part->lock->pid == gil->pid && !part->key->exact &&
		    part->sample->python.gil == GIL_SWITCH &&
		    part->lock->address - gil->address < GIL_BYTES_MAX)
			n += part->sums.sleeps;
	}
	return n;
}

/* A wait for a GIL ends every 5 ms to ask for it: those time-outs are none of the program's. */
static void fill_gil(const struct parts *parts, const struct part *part, struct pythons *pythons)
{
	struct python *py = pythons__known(pythons, &part->process->key);
	struct lock *lock = part->lock;

	lock->timeouts = 0;
	lock->switches_known = py && pythons__switches(pythons, py, lock->address, &lock->switches);
	lock->forced_switches = forced_switches(parts, lock);
}

/*
 * acquire() tries before it waits, so as not to let the GIL go for a lock that is free: each wait
 * comes with a try that failed, which the program did not ask for.
 */
static void fill_failures(struct lock *lock)
{
	uint64_t tries = lock->contended + lock->timeouts;

	lock->try_failures -= MIN(lock->try_failures, tries);
}

void assemble_python__lock(const struct parts *parts, const struct part *part,
			   struct pythons *pythons)
{
	enum lock_kind kind = part->lock->kind;

	if (kind == KIND_GIL)
		fill_gil(parts, part, pythons);
	else if (part->lock->exact && (kind == KIND_PY_LOCK || kind == KIND_PY_RLOCK))
		fill_failures(part->lock);
}

static void fill(struct snapshot *s, struct thread *t, struct pythons *pythons, struct python *py)
{
	static const enum thread_gil gils[] = { [GIL_UNKNOWN] = THREAD_GIL_UNKNOWN,
						[GIL_HAS] = THREAD_GIL_HAS,
						[GIL_HAS_NOT] = THREAD_GIL_NONE };
	struct python_thread_seen seen;
	struct python_row *row;

	if (!pythons__thread(pythons, py, t->tid, &seen))
		return;
	row = snapshot__alloc(s, 1, sizeof(*row));
	row->name = snapshot__string(s, seen.name);
	row->daemon = seen.daemon;
	row->gil = t->waiting_for && t->waiting_for->kind == KIND_GIL ? THREAD_GIL_WANTS
								      : gils[seen.gil];
	t->python = row;
}

/* Those that wait for it now; who came and went in the interval is on the way to the next round. */
static size_t waiting_tids(const struct snapshot *s, const struct lock *lock, pid_t *tids)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_threads && n < PYTHON_PARTIES; i++)
		if (s->threads[i].waiting_for == lock)
			tids[n++] = s->threads[i].tid;
	return n;
}

static struct thread *find_thread(struct snapshot *s, pid_t pid, pid_t tid)
{
	struct thread *t;

	for (size_t i = 0; i < s->n_threads; i++)
		if (s->threads[i].tid == tid && s->threads[i].pid == pid)
			return &s->threads[i];
	t = snapshot__alloc(s, 1, sizeof(*t));
	t->pid = pid;
	t->tid = tid;
	return t;
}

/* Who is missing at a barrier that some have come to. */
static void fill_missing(struct snapshot *s, const struct parts *parts, const struct lock *lock,
			 struct pythons *pythons, struct python *py,
			 struct python_lock_state *state)
{
	pid_t waiting[PYTHON_PARTIES];
	const pid_t *missing;
	size_t n = waiting_tids(s, lock, waiting);

	for (size_t i = 0; i < n; i++)
		python__came(py, lock->address, waiting[i]);
	for (size_t i = 0; i < parts->n; i++)
		if (parts->items[i].lock == lock && parts->items[i].key->last_waker)
			python__came(py, lock->address, parts->items[i].key->last_waker);
	n = python__missing(py, lock->address, waiting, n, &missing);
	if (!state->arrived || state->arrived >= state->parties)
		return;
	state->missing = snapshot__alloc(s, n, sizeof(*state->missing));
	for (size_t i = 0; i < n; i++) {
		struct thread *t = find_thread(s, lock->pid, missing[i]);
		struct python_thread_seen seen;

		if (!pythons__thread(pythons, py, t->tid, &seen))
			continue; /* it has ended */
		if (!t->python)
			fill(s, t, pythons, py);
		state->missing[state->n_missing++] = t;
	}
}

static void fill_state(struct snapshot *s, const struct parts *parts, struct lock *lock,
		       struct pythons *pythons)
{
	struct python_lock_state state = PYTHON_LOCK_STATE_UNKNOWN, *kept;
	struct python *py = pythons__living(pythons, lock->pid);

	if (!py || !lock->waiting)
		return;
	if (lock->kind == KIND_PY_RLOCK)
		state.recursion = pythons__recursion(pythons, py, lock->address);
	else if (!python_state__read(python__target(py), lock->kind, lock->address, &state))
		return;
	if (state.recursion < 0 && lock->kind == KIND_PY_RLOCK)
		return;
	if (state.parties > 0)
		fill_missing(s, parts, lock, pythons, py, &state);
	kept = snapshot__alloc(s, 1, sizeof(*kept));
	*kept = state;
	lock->python = kept;
}

void assemble_python__states(struct snapshot *s, const struct parts *parts, struct pythons *pythons)
{
	for (size_t i = 0; i < s->n_locks; i++)
		if (s->locks[i].kind >= KIND_PY_LOCK && s->locks[i].kind <= KIND_PY_QUEUE)
			fill_state(s, parts, &s->locks[i], pythons);
}

/* Threads come process by process. */
void assemble_python__threads(struct snapshot *s, struct pythons *pythons)
{
	struct python *py = NULL;

	for (size_t i = 0; i < s->n_threads; i++) {
		struct thread *t = &s->threads[i];

		if (!i || t->pid != s->threads[i - 1].pid)
			py = pythons__living(pythons, t->pid);
		if (py)
			fill(s, t, pythons, py);
	}
}
