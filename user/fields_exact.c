// SPDX-License-Identifier: GPL-2.0-only
#include "fields_exact.h"

#include "fields_internal.h"

#define COUNTED(name, member)                                          \
	struct value fields_exact__##name(const void *row)             \
	{                                                              \
		const struct lock *lock = row;                         \
                                                                       \
		return lock->exact ? number(lock->member) : unknown(); \
	}

COUNTED(acquisitions, acquisitions)
COUNTED(read_acquisitions, read_acquisitions)
COUNTED(contended, contended)
COUNTED(call_wait, call_wait_ns)
COUNTED(try_failures, try_failures)
COUNTED(owner_changes, owner_changes)
COUNTED(signals, signals)

/* Nobody holds a condition, a barrier or a once-object, and none of them is taken. */
static bool is_taken(const struct lock *lock)
{
	return lock->kind != KIND_COND && lock->kind != KIND_BARRIER && lock->kind != KIND_ONCE;
}

#define HELD(name, member)                                                      \
	struct value fields_exact__##name(const void *row)                      \
	{                                                                       \
		const struct lock *lock = row;                                  \
                                                                                \
		return hold_known(lock) ? number(lock->member) : no_hold(lock); \
	}

static bool hold_known(const struct lock *lock)
{
	return lock->exact && lock->hold_known && is_taken(lock);
}

static struct value no_hold(const struct lock *lock)
{
	return lock->exact && !is_taken(lock) ? nothing() : unknown();
}

HELD(hold, hold_ns)
HELD(read_hold, read_hold_ns)

static struct value mean(uint64_t sum, uint64_t n)
{
	return n ? number(sum / n) : nothing();
}

/*
 * A call is counted when it is made, and as contended when it is over: of an interval's few calls
 * more can have ended than begun.
 */
struct value fields_exact__contention(const void *row)
{
	const struct lock *lock = row;
	uint64_t n = MIN(lock->contended, lock->acquisitions);

	if (!lock->exact)
		return unknown();
	return is_taken(lock) && lock->acquisitions
		       ? number((double)n / lock->acquisitions * VALUE_WHOLE)
		       : nothing();
}

struct value fields_exact__avg_wait(const void *row)
{
	const struct lock *lock = row;

	if (!lock->exact)
		return unknown();
	return is_taken(lock) ? mean(lock->call_wait_ns, lock->acquisitions) : nothing();
}

struct value fields_exact__avg_hold(const void *row)
{
	const struct lock *lock = row;

	return hold_known(lock) ? mean(lock->hold_ns, lock->releases) : no_hold(lock);
}

/* Of a semaphore with several holders it is not known: who lets it go need not be who took it last.
 */
struct value fields_exact__max_hold(const void *row)
{
	const struct lock *lock = row;

	if (!hold_known(lock))
		return no_hold(lock);
	if (lock->max_hold_ns)
		return number(lock->max_hold_ns);
	return lock->kind == KIND_SEM ? unknown() : nothing();
}

#define CALLED(member)                                                 \
	struct value fields_exact__##member(const void *row)           \
	{                                                              \
		const struct process *p = row;                         \
                                                                       \
		return p->calls_known ? number(p->member) : unknown(); \
	}

CALLED(futex_calls)
CALLED(futex_again)
CALLED(futex_wakes)
CALLED(futex_idle_wakes)
