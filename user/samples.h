/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stack samples -> sites. A sampled sleep sends up to three events (waiter's stack, waker's stack,
 * end); they are joined here, unwound, and their wait is credited to the sites of the lock.
 */
#ifndef SAMPLES_H
#define SAMPLES_H

#include <uthash.h>

#include "kinds.h"
#include "processes.h"
#include "symbols.h"

#define SITES_MAX 32 /* distinct stacks kept for one key; the least important gives way */

/* One distinct stack of one role. Strings are interned: they live as long as struct samples. */
struct sample_site {
	enum site_role role;
	uint64_t hash;
	struct frame *frames;
	size_t n_frames;
	bool truncated;
	uint64_t samples, wait_ns;	   /* of the running interval */
	uint64_t all_samples, all_wait_ns; /* since it was first seen */
	unsigned long used;		   /* interval of the latest use */
};

/* What samples told about one key. */
struct sample_key {
	struct lock_key key;
	struct kind_verdict verdict;
	bool has_stack; /* the verdict rests on a stack, not on the signature alone */
	const char *name, *name_from;
	bool name_tried;
	bool gone;	   /* to be swept */
	const char *where; /* caller of the lock function in the first sample */
	struct sample_site *sites;
	size_t n_sites, sites_capacity;
	UT_hash_handle hh;
};

struct samples;

struct samples *samples__new(struct processes *processes, struct proc *proc);
void samples__free(struct samples *s);

/* One event from the source, as it came: malformed ones are dropped. */
void samples__event(struct samples *s, const void *data, size_t size);

/* The entry of a key, made if need be. */
struct sample_key *samples__key(struct samples *s, const struct lock_key *key);

/*
 * Credits the running part of an open sleep to its site. A sleep without a sample gets one now, by
 * reading the sleeper's memory.
 */
void samples__open(struct samples *s, const struct open_sleep *o, uint64_t now_ns);

/* The name of the key's object, found on the first call. */
void samples__name(struct samples *s, struct sample_key *k, uint64_t now_ns);

/* The interval was read: its credits are cleared, samples of vanished sleeps dropped. */
void samples__next_interval(struct samples *s);

/* The key is forgotten; it goes at the end of the interval. */
void samples__drop(struct samples *s, const struct lock_key *key);

#endif
