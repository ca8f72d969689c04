/* SPDX-License-Identifier: GPL-2.0-only */
/* What samples.c (events -> sites), samples_exact.c (those of the exact tier) and samples_names.c
 * (sites -> names) share. */
#ifndef SAMPLES_INTERNAL_H
#define SAMPLES_INTERNAL_H

#include "samples.h"

/* A sampled sleep that has not ended, or a sampled hold. */
struct pending {
	uint64_t id;
	struct sample_key *key;
	uint64_t site[ROLE_COUNT]; /* hashes; 0: none */
	pid_t holder;		   /* who held the lock when it began, or ended it; 0: not known */
	enum holder_source source;
	uint64_t credited_ns;
	unsigned long seen; /* interval */
	UT_hash_handle hh;
};

struct samples {
	struct processes *processes;
	struct names *names;
	struct owners *owners;
	const struct aliases *aliases; /* the user's names; NULL: none */
	struct sample_key *keys;
	struct pending *pending;
	pid_t gil_holder; /* who had the GIL that the latest stack waits for; 0: not known */
	unsigned long interval;
	unsigned int reads;
	uint32_t *deep; /* locks whose samples were too short */
	size_t n_deep, deep_capacity;
};

struct process_entry *samples__process(struct samples *s, uint32_t tgid, uint32_t gen,
				       uint64_t now_ns);

struct pending *samples__pending(struct samples *s, uint64_t id, struct sample_key *k);

/*
 * Enters a stack; after: words of the lock, or NULL. Returns the site's hash, 0 if the process has
 * no mappings any more.
 */
uint64_t samples__take_stack(struct samples *s, struct sample_key *k, enum site_role role,
			     struct process_entry *process, const struct raw_stack *raw,
			     const uint8_t *after);

/* What the Python frames of a stack tell of the lock that is waited for, or taken, there. */
void samples_python__judge(struct samples *s, struct sample_key *k, struct process_entry *process,
			   const struct named_stack *stack, const struct raw_stack *raw,
			   struct sample_site *site);

/* The same of what is known after samples__begin_anew(): by the sites that are left. */
void samples_python__begin_anew(struct sample_key *k);

/* EVENT_TAKER_STACK. */
void samples_exact__taker(struct samples *s, const struct stack_event *e);

/* May the sample be forgotten, that was not seen to end? */
bool samples_exact__is_lost(const struct samples *s, const struct pending *p);

/* Is it one of the exact tier's that nobody has asked for lately? */
bool samples_exact__is_unused(const struct samples *s, const struct sample_key *k);

#endif
