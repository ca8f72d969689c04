/* SPDX-License-Identifier: GPL-2.0-only */
/* What samples.c (events -> sites) and samples_names.c (sites -> names) share. */
#ifndef SAMPLES_INTERNAL_H
#define SAMPLES_INTERNAL_H

#include "samples.h"

struct pending; /* a sampled sleep that has not ended */

struct samples {
	struct processes *processes;
	struct names *names;
	struct owners *owners;
	const struct aliases *aliases; /* the user's names; NULL: none */
	struct sample_key *keys;
	struct pending *pending;
	unsigned long interval;
	unsigned int reads;
	uint32_t *deep; /* locks whose samples were too short */
	size_t n_deep, deep_capacity;
};

struct process_entry *samples__process(struct samples *s, uint32_t tgid, uint32_t gen,
				       uint64_t now_ns);

#endif
