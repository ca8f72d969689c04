// SPDX-License-Identifier: GPL-2.0-only
#include "assemble_python.h"

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
