// SPDX-License-Identifier: GPL-2.0-only
#include "doing.h"

#include <stdio.h>

#include "text.h"
#include "util.h"
#include "words.h"

static const struct {
	const char *words;
	bool lasts;	/* for how long is worth saying */
	bool in_a_call; /* which system call is, too */
} states[STATE_COUNT] = {
	[STATE_UNKNOWN] = { "", false, false },
	[STATE_RUNNING] = { "running", false, false },
	[STATE_RUNNABLE] = { "runnable, has no CPU", true, false },
	[STATE_WAITING] = { "waits in a futex", true, false },
	[STATE_SLEEPING] = { "asleep", true, true },
	[STATE_BLOCKED] = { "blocked on a disk or a page fault", true, true },
	[STATE_STOPPED] = { "stopped by a signal", true, false },
	[STATE_TRACED] = { "stopped by a debugger", true, false },
	[STATE_FROZEN] = { "frozen by its control group", true, false },
	[STATE_THROTTLED] = { "throttled: its control group has used up its CPU time", true,
			      false },
	[STATE_EXITED] = { "exited: never coming back", false, false },
};

static void duration(char *buf, size_t size, uint64_t ns)
{
	char text[16];

	buf[0] = 0;
	text__duration(text, sizeof(text), ns);
	if (ns)
		snprintf(buf, size, " for %s", text);
}

char *doing__thread(char *buf, size_t size, const struct thread *t)
{
	unsigned int state = (unsigned int)t->state < STATE_COUNT ? t->state : STATE_UNKNOWN;
	char name[WORDS_MAX], call[64] = "", age[32];

	if (t->waiting_for && (state == STATE_WAITING || state == STATE_UNKNOWN)) {
		duration(age, sizeof(age), t->waiting_ns);
		snprintf(buf, size, "waits for %s%s",
			 words__lock_name(name, sizeof(name), t->waiting_for), age);
		return buf;
	}
	if (states[state].in_a_call && t->syscall)
		text__clean(call, sizeof(call), t->syscall);
	duration(age, sizeof(age), states[state].lasts ? t->state_ns : 0);
	snprintf(buf, size, "%s%s%s%s", states[state].words, call[0] ? " in " : "", call, age);
	return buf;
}

bool doing__has_owner(enum lock_kind kind)
{
	static const bool none[KIND_COUNT] = {
		[KIND_COND] = true,	    [KIND_SEM] = true,	    [KIND_BARRIER] = true,
		[KIND_JOIN] = true,	    [KIND_PY_EVENT] = true, [KIND_PY_CONDITION] = true,
		[KIND_PY_SEMAPHORE] = true, [KIND_PY_QUEUE] = true, [KIND_PY_BARRIER] = true,
	};

	return (unsigned int)kind >= KIND_COUNT || !none[kind];
}

bool doing__proved(const struct lock *l)
{
	return l->owner && l->owner->thread && l->owner->proof != PROOF_LAST_WAKER;
}

char *doing__unproved(char *buf, size_t size, const struct lock *l)
{
	char who[WORDS_MAX];

	buf[0] = 0;
	if (doing__proved(l))
		return buf;
	if (l->owner_died)
		snprintf(buf, size, "owner %d exited: never coming back", l->owner_died);
	else if (l->readers > 0)
		snprintf(buf, size, "held by %d %s", l->readers,
			 l->readers == 1 ? "reader" : "readers");
	else if (l->owner && l->owner->thread)
		snprintf(buf, size, "%slast let go by %s (inferred)",
			 doing__has_owner(l->kind) ? "owner unknown, " : "",
			 words__thread(who, sizeof(who), l->owner->thread, l->pid));
	else if (doing__has_owner(l->kind))
		snprintf(buf, size, "owner unknown");
	return buf;
}
