// SPDX-License-Identifier: GPL-2.0-only
#include "fields_owner.h"

#include <stdio.h>

#include "fields_internal.h"
#include "fields_python.h"
#include "text.h"

#define OWNER_NAME 33 /* bytes of a thread's name where its number follows */

struct value fields_owner__words(const void *row)
{
	const struct lock *lock = row;
	const struct owner *owner = lock->owner;
	struct value v = { .known = true }, called;
	char name[OWNER_NAME];

	if (lock->owner_died) {
		snprintf(v.made, sizeof(v.made), "died %d", lock->owner_died);
	} else if (owner) {
		called = fields_python__called(owner->thread);
		text__clean(name, sizeof(name), called.known ? called.text : "?");
		snprintf(v.made, sizeof(v.made), "%s %d%s", name, (int)owner->thread->tid,
			 owner->proof == PROOF_LAST_WAKER ? "?" : "");
	} else if (lock->readers > 0) {
		snprintf(v.made, sizeof(v.made), "%d reader%s", lock->readers,
			 lock->readers == 1 ? "" : "s");
	} else {
		return nothing();
	}
	return v;
}

struct value fields_owner__tid(const void *row)
{
	const struct owner *owner = ((const struct lock *)row)->owner;

	return owner ? number((uint64_t)owner->thread->tid) : nothing();
}

struct value fields_owner__proof(const void *row)
{
	const struct owner *owner = ((const struct lock *)row)->owner;

	return owner && (unsigned int)owner->proof < PROOF_COUNT
		       ? text(owner_proof_names[owner->proof])
		       : nothing();
}

struct value fields_owner__died(const void *row)
{
	const struct lock *lock = row;

	return lock->owner_died ? number((uint64_t)lock->owner_died) : nothing();
}

struct value fields_owner__readers(const void *row)
{
	const struct lock *lock = row;

	return lock->readers < 0 ? nothing() : number((uint64_t)lock->readers);
}
