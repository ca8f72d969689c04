/* SPDX-License-Identifier: GPL-2.0-only */
/* What the judges of verdicts*.c share. */
#ifndef VERDICTS_INTERNAL_H
#define VERDICTS_INTERNAL_H

#include "model.h"
#include "util.h"

#define LOAD_MIN  0.1 /* below it, a cure would gain nothing that anybody could feel */
#define LOOKS_MIN 2   /* that must agree: one alone is an anecdote */

#define STARVING_NS (NSEC_PER_SEC / 2) /* far longer than readers should hold */

/* The call that was judged last: owners of thousands of locks are asleep in few. */
struct judged_call {
	const char *name; /* NULL: none yet */
	bool is_io;
};

/* A lock before its judges. */
struct judged {
	const struct snapshot *s;
	const struct lock *lock;
	const struct owner *owner; /* proved; or NULL */
	bool inferred;		   /* the owner is: what it did is no evidence */
	double load;		   /* 0 if unknown */
	struct judged_call *call;
};

struct finding {
	char detail[24];    /* goes on with the verdict's name, in parentheses; or empty */
	char evidence[160]; /* numbers and our own words: no foreign bytes */
};

/* Writes the evidence. Always true: a judge says it when it has made up its mind. */
bool finding__say(struct finding *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A number as people read it, for the arguments of printf. */
struct figure {
	char text[16];
};

struct figure figure__duration(uint64_t ns);
struct figure figure__count(double n);
struct figure figure__load(double n);

/* What keeps the owner from letting go. */
bool verdict_owner__stopped(const struct judged *j, struct finding *f);
bool verdict_owner__frozen(const struct judged *j, struct finding *f);
bool verdict_owner__throttled(const struct judged *j, struct finding *f);
bool verdict_owner__preempted(const struct judged *j, struct finding *f);
bool verdict_owner__in_io(const struct judged *j, struct finding *f);
bool verdict_owner__asleep(const struct judged *j, struct finding *f);

/* Locks of Python. */
bool verdict_python__gil_bound(const struct judged *j, struct finding *f);
bool verdict_python__daemon_at_exit(const struct judged *j, struct finding *f);
bool verdict_python__in_del(const struct judged *j, struct finding *f);
bool verdict_python__in_import(const struct judged *j, struct finding *f);
bool verdict_python__timing_out(const struct judged *j, struct finding *f);
bool verdict_python__writer_starving(const struct judged *j, struct finding *f);

#endif
