/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stack samples -> sites. A sampled sleep sends up to three events (waiter's stack, waker's stack,
 * end); they are joined here, unwound, and their wait is credited to the sites of the lock. So does
 * a hold in the exact tier (taker's stack, end), whose site is the holder's.
 */
#ifndef SAMPLES_H
#define SAMPLES_H

#include "aliases.h"
#include "depths.h"
#include "hash.h"
#include "holders.h"
#include "kinds.h"
#include "names.h"
#include "owners.h"
#include "processes.h"
#include "sites.h"
#include "stacks.h"

/* Words of an interpreter's GIL: what it waits on, its mutexes, and where who was made to let go of
 * it waits until another has it. */
enum python_gil_part { GIL_NONE, GIL_CONDITION, GIL_MUTEX, GIL_SWITCH };

/* What samples told about one key. Strings are interned: they live as long as struct samples. */
struct sample_key {
	struct lock_key key;
	struct kind_verdict verdict;
	bool has_stack; /* the verdict rests on a stack, not on the signature alone */
	const char *name, *name_from;
	const char *where; /* caller of the lock function, at its main site */
	struct {
		uint64_t device, inode, offset;
	} shared; /* where its object lies, if processes share the memory; inode 0: they do not */
	bool looked_up; /* the place of its object is known */
	struct static_name object;
	const char *memory;   /* "heap", "stack", "shared" or "mapped" */
	uint64_t named_after; /* hash of the site that the name was made of */
	bool gone;	      /* to be swept */
	struct {
		enum python_gil_part gil;
		const char *name; /* as the program calls it; NULL: unknown */
		bool seen;	  /* it is a lock of Python, or of its interpreter */
		bool internal;	  /* it is a part of another object, which stands for it */
	} python;
	unsigned long used; /* interval in which it was last asked for */
	struct sites sites;
	struct depths depths; /* where sleeps without a sample are, if its word serves many sites */
	struct holders holders;
	UT_hash_handle hh;
};

struct samples;

/* Borrows all; aliases may be NULL. */
struct samples *samples__new(struct processes *processes, struct proc *proc, struct owners *owners,
			     const struct aliases *aliases);
void samples__free(struct samples *s);

/* One event from the source, as it came: malformed ones are dropped. */
void samples__event(struct samples *s, const void *data, size_t size);

/* Locks (lock_stats.id) whose stacks need longer copies, since the last call; valid until the next
 * event. Returns their number. */
size_t samples__deep(struct samples *s, const uint32_t **ids);

/* The entry of a key, made if need be. */
struct sample_key *samples__key(struct samples *s, const struct lock_key *key);

/*
 * Credits the running part of an open sleep on k to its site, and to who held the lock when it
 * began. A sleep without a sample gets one now, by reading the sleeper's memory.
 */
void samples__open(struct samples *s, struct sample_key *k, const struct open_sleep *o,
		   uint64_t now_ns);

/*
 * Credits wait to what the lock's holder was doing; sample: the stack was taken now, not before.
 * The stack stays the caller's.
 */
void samples__held(struct samples *s, const struct lock_key *key, const struct named_stack *stack,
		   uint64_t wait_ns, bool sample, uint64_t now_ns);

/*
 * The exact tier knows by its calls what kind of lock a futex word is in; where a function has told
 * already, it changes nothing.
 */
void samples__judged(struct sample_key *k, const struct kind_verdict *verdict);

/* The lock was destroyed in this interval: what was known before is another's. */
void samples__begin_anew(struct sample_key *k);

/* For stacks that are no sample of a lock. */
struct names *samples__names(struct samples *s);

/* Brings name, where and shared up to date. */
void samples__name(struct samples *s, struct sample_key *k, uint64_t now_ns);

/* The name of a lock that is known by its call site, with name_from and where. */
const char *samples__site_name(struct samples *s, const struct sample_key *k,
			       const struct sample_site *site, const char **from,
			       const char **where);

/* The interval was read: its credits are cleared, samples of vanished sleeps dropped. */
void samples__next_interval(struct samples *s);

/* The key is forgotten; it goes at the end of the interval. */
void samples__drop(struct samples *s, const struct lock_key *key);

#endif
