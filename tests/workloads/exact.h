/* SPDX-License-Identifier: GPL-2.0-only */
/* What the workloads of the exact tier share: the truth about each of their locks, as they count it
 * themselves. */
#ifndef EXACT_H
#define EXACT_H

#include "workload.h"

#define UNKNOWN -1 /* in a truth: this workload cannot know; null in JSON */

/* One lock's. Threads add to it when they do not hold the lock: holds stay as short as they are. */
struct truth {
	const char *name, *kind;
	const volatile void *object;
	pid_t pid; /* 0: this process */
	_Atomic int64_t acquisitions, reads, failures;
	_Atomic int64_t contended; /* at least so many of the acquisitions */
	_Atomic int64_t hold_ns;
	_Atomic int64_t stalls_ns; /* in calls that took it or let it go: it was held, or not */
	_Atomic int64_t changes;   /* taken by another thread than before */
	_Atomic int64_t signals;
	pid_t owner; /* who took it last; the lock protects it */
};

/* PAUSE_MS in the environment: so long before the first lock is taken, for probes to be there. */
static UNUSED void pause_first(void)
{
	const char *ms = getenv("PAUSE_MS");

	if (ms)
		pause_ns(atoi(ms) * NS_MS);
}

/* Adds to what is known. */
static UNUSED void truth_add(_Atomic int64_t *member, int64_t n)
{
	if (*member != UNKNOWN)
		atomic_fetch_add(member, n);
}

/* Inside the lock: who has it now. */
static UNUSED void truth_owner(struct truth *t)
{
	pid_t tid = gettid();

	if (t->owner && t->owner != tid)
		truth_add(&t->changes, 1);
	t->owner = tid;
}

static UNUSED void truth_number(const char *key, int64_t n)
{
	if (n == UNKNOWN)
		printf(",\"%s\":null", key);
	else
		printf(",\"%s\":%lld", key, (long long)n);
}

static UNUSED void truth_print_one(const struct truth *t)
{
	char text[32];

	printf("{\"name\":\"%s\",\"pid\":%d,\"lock\":\"%s\",\"kind\":\"%s\"", t->name,
	       t->pid ? t->pid : outer_pid(), address(text, t->object), t->kind);
	truth_number("acquisitions", t->acquisitions);
	truth_number("read_acquisitions", t->reads);
	truth_number("try_failures", t->failures);
	truth_number("contended", t->contended);
	truth_number("hold_ns", t->hold_ns);
	truth_number("stalls_ns", t->stalls_ns);
	truth_number("owner_changes", t->changes);
	truth_number("signals", t->signals);
	putchar('}');
}

/* The whole line; n locks. */
static UNUSED void truth_print(const struct truth *truths, size_t n)
{
	size_t i;

	printf("{\"pid\":%d,\"locks\":[", outer_pid());
	for (i = 0; i < n; i++) {
		if (i)
			putchar(',');
		truth_print_one(&truths[i]);
	}
	puts("]}");
	fflush(stdout);
}

#endif
