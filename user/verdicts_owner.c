// SPDX-License-Identifier: GPL-2.0-only
/*
 * Verdicts on what the owner of a lock does while others wait for it. Their evidence is the looks
 * of the interval, and one long stay of the owner that few looks fell into.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "text.h"
#include "util.h"
#include "verdicts_internal.h"

#define IN(state) (1U << STATE_##state)

static bool owner_is(const struct judged *j, unsigned int states)
{
	return j->owner && j->lock->waiting && (states & 1U << j->owner->thread->state);
}

/* How it is known that the owner was in one of some states while threads waited. */
struct stay {
	unsigned int looks; /* so many of those that knew the owner; 0: by ns */
	uint64_t ns;	    /* so long without a break, up to now; 0: not known */
};

static bool owner_was(const struct judged *j, unsigned int states, struct stay *ret)
{
	const struct lock_looks *looks = &j->lock->looks;
	unsigned int n = 0;

	if (j->load < LOAD_MIN)
		return false;
	for (int i = 0; i < STATE_COUNT && !j->inferred; i++)
		n += states & 1U << i ? looks->state[i] : 0;
	if (n >= LOOKS_MIN && n >= looks->owned - looks->owned / 2) {
		*ret = (struct stay){ .looks = n };
		return true;
	}
	if (!owner_is(j, states) || j->owner->thread->state_ns < j->s->interval_ns / 2)
		return false;
	*ret = (struct stay){ .ns = j->owner->thread->state_ns };
	return true;
}

/* what: "asleep"; where: "", or ", in read". */
static bool say_stay(struct finding *f, const struct judged *j, const struct stay *stay,
		     const char *what, const char *where)
{
	struct figure load = figure__load(j->load);

	if (stay->looks)
		return finding__say(f, "owner %s at %u of %u looks%s; load %s", what, stay->looks,
				    j->lock->looks.owned, where, load.text);
	if (!stay->ns)
		return finding__say(f, "owner, thread %d, is %s now; load %s",
				    j->owner->thread->tid, what, load.text);
	return finding__say(f, "owner, thread %d, %s for %s so far%s; load %s",
			    j->owner->thread->tid, what, figure__duration(stay->ns).text, where,
			    load.text);
}

/* What does not end by itself is told as soon as it is seen. */
static bool is_halted(const struct judged *j, unsigned int states, const char *what,
		      struct finding *f)
{
	struct stay stay = {};

	if (!owner_was(j, states, &stay)) {
		if (!owner_is(j, states))
			return false;
		stay.ns = j->owner->thread->state_ns;
	}
	return say_stay(f, j, &stay, what, "");
}

bool verdict_owner__stopped(const struct judged *j, struct finding *f)
{
	return is_halted(j, IN(STOPPED) | IN(TRACED), "stopped", f);
}

bool verdict_owner__frozen(const struct judged *j, struct finding *f)
{
	return is_halted(j, IN(FROZEN), "frozen", f);
}

/* Ends by itself within a tenth of a second, and comes again: worth a word if much waits. */
bool verdict_owner__throttled(const struct judged *j, struct finding *f)
{
	return j->load >= LOAD_MIN && is_halted(j, IN(THROTTLED), "throttled", f);
}

bool verdict_owner__preempted(const struct judged *j, struct finding *f)
{
	struct stay stay;

	return owner_was(j, IN(RUNNABLE), &stay) && say_stay(f, j, &stay, "without a CPU", "");
}

/*
 * Calls that wait for a device, a file or a peer. Not mmap and its like: they wait for other
 * threads of their process.
 */
static bool is_io(const char *call)
{
	static const char *const patterns[] = {
		"read*",     "write*",	   "pread*",	 "pwrite*",    "recv*",	   "send*",
		"accept*",   "connect",	   "shutdown",	 "poll",       "ppoll",	   "select",
		"pselect6",  "epoll_*",	   "fsync",	 "fdatasync",  "sync*",	   "msync",
		"splice",    "tee",	   "vmsplice",	 "copy_file*", "open*",	   "close*",
		"*stat*",    "access",	   "faccessat*", "getdents*",  "rename*",  "*link",
		"*linkat",   "mkdir*",	   "rmdir",	 "mknod*",     "truncate", "ftruncate",
		"fallocate", "fadvise64*", "io_*",	 "ioctl",      "flock",	   "fcntl",
		"mq_timed*", "msgrcv",	   "msgsnd",
	};

	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
		if (!fnmatch(patterns[i], call, 0))
			return true;
	return false;
}

/* The same, if it is not the one that was asked for last. */
static bool waits_for_io(const struct judged *j, const char *call)
{
	if (!j->call->name || strcmp(j->call->name, call))
		*j->call = (struct judged_call){ call, is_io(call) };
	return j->call->is_io;
}

static const char page_fault[] = "page fault";

/* The call that the owner was asleep in; NULL: not known. */
static const char *call_of(const struct judged *j, const struct stay *stay)
{
	const struct lock_looks *looks = &j->lock->looks;
	const char *call = stay->looks ? looks->syscall : j->owner->thread->syscall;
	bool blocked = stay->looks ? looks->state[STATE_BLOCKED] >= (stay->looks + 1) / 2
				   : j->owner->thread->state == STATE_BLOCKED;

	return call ? call : blocked ? page_fault : NULL;
}

static bool sleeps(const struct judged *j, bool io, struct finding *f)
{
	struct stay stay;
	const char *call;
	char where[64] = "";

	if (!owner_was(j, IN(SLEEPING) | IN(BLOCKED), &stay))
		return false;
	call = call_of(j, &stay);
	if (io != (call && (call == page_fault || waits_for_io(j, call))))
		return false;
	text__clean(f->detail, sizeof(f->detail), call ? call : "");
	if (call == page_fault)
		snprintf(where, sizeof(where), ", in a page fault");
	else if (call && stay.looks)
		snprintf(where, sizeof(where), ", at %u in %s", j->lock->looks.syscalls, f->detail);
	else if (call)
		snprintf(where, sizeof(where), ", in %s", f->detail);
	return say_stay(f, j, &stay, "asleep", where);
}

bool verdict_owner__in_io(const struct judged *j, struct finding *f)
{
	return sleeps(j, true, f);
}

bool verdict_owner__asleep(const struct judged *j, struct finding *f)
{
	return sleeps(j, false, f);
}
