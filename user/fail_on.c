// SPDX-License-Identifier: GPL-2.0-only
#include "fail_on.h"

#include <stdio.h>
#include <string.h>

static bool deadlock(const struct snapshot *s, char *message, size_t size)
{
	const struct deadlock *d = s->deadlocks;
	const struct thread *t;

	if (!s->n_deadlocks)
		return false;
	t = d->threads[0].thread;
	snprintf(message, size, "deadlock in %s (process %d): %zu %s, for ever",
		 t->process_comm ? t->process_comm : "?", d->pid, d->n_threads,
		 d->n_threads == 1 ? "thread waits for itself" : "threads wait for each other");
	return true;
}

static bool dead_owner(const struct snapshot *s, char *message, size_t size)
{
	for (size_t i = 0; i < s->n_locks; i++) {
		const struct lock *lock = &s->locks[i];

		if (!lock->owner_died || !lock->waiting)
			continue;
		snprintf(message, size,
			 "dead owner in %s (process %d): thread %d ended while it held %s",
			 lock->comm ? lock->comm : "?", lock->pid, lock->owner_died,
			 lock->name ? lock->name : lock->id);
		return true;
	}
	return false;
}

const struct fail_on fail_ons[] = {
	{ "deadlock", "threads that wait for each other for ever", deadlock },
	{ "dead-owner", "a lock that is waited for and whose owner has ended", dead_owner },
	{},
};

const struct fail_on *fail_on__find(const char *name)
{
	for (const struct fail_on *f = fail_ons; f->name; f++)
		if (!strcmp(f->name, name))
			return f;
	return NULL;
}
