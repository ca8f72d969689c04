/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A profile as pprof reads it: stacks with how often and how long they waited. Equal stacks of the
 * same lock add up; what is equal is written once. It knows no snapshot, only frames.
 */
#ifndef PROFILE_H
#define PROFILE_H

#include <stdio.h>

#include "model.h"

#define PROFILE_SAMPLES_MAX 100000 /* distinct ones; what comes later stands under one name */

/* What a sample can be selected by. No text is NULL. */
struct profile_labels {
	const char *process;
	pid_t pid;
	const char *lock;
	const char *address; /* a lock's name need not be its alone */
	const char *kind;
	const char *class;
};

struct profile_sample {
	const struct frame *frames; /* innermost first; n_frames 0: no stack is known */
	size_t n_frames;
	bool truncated; /* outer frames are missing */
	uint64_t contentions;
	uint64_t delay_ns;
};

struct profile;

struct profile *profile__new(void);
void profile__free(struct profile *p);

void profile__add(struct profile *p, const struct profile_labels *labels,
		  const struct profile_sample *sample);

/*
 * A lock's waits by its stacks in this role. What no stack accounts for stands under [no stack], so
 * that the sum is that of the lock.
 */
void profile__add_lock(struct profile *p, const struct lock *l, enum site_role role);

/* A line about the profile as a whole. */
void profile__comment(struct profile *p, const char *text);

/* begin_ns: since 1970. Compressed, as files of this kind are. 0 or -errno. */
int profile__write(const struct profile *p, FILE *out, uint64_t begin_ns, uint64_t duration_ns);

#endif
