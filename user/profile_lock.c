// SPDX-License-Identifier: GPL-2.0-only
/* A lock's waits by its stacks in one role, as samples of a profile. */
#include <inttypes.h>
#include <stdio.h>

#include "profile.h"
#include "util.h"
#include "words.h"

/* Sleeps are not sampled with their lengths: they divide as the waits of their lock do. */
static void add_site(struct profile *p, const struct profile_labels *labels,
		     const struct site *site, uint64_t sleeps)
{
	struct profile_sample sample = { .frames = site->frames,
					 .n_frames = site->n_frames,
					 .truncated = site->truncated,
					 .contentions = sleeps,
					 .delay_ns = site->wait_ns };

	profile__add(p, labels, &sample);
}

static uint64_t share_of(uint64_t n, double share)
{
	double part = (double)n * share;

	if (part >= (double)n)
		return n;
	return part > 0 ? (uint64_t)part : 0;
}

void profile__add_lock(struct profile *p, const struct lock *l, enum site_role role)
{
	char name[WORDS_MAX], address[32];
	struct profile_labels labels = {
		.process = l->comm ? l->comm : "",
		.pid = l->pid,
		.lock = words__lock_name(name, sizeof(name), l),
		.address = address,
		.kind = lock_kind_names[l->kind],
		.class = lock_class_names[l->class],
	};
	struct profile_sample rest = { .contentions = l->sleeps, .delay_ns = l->wait_ns };
	const struct site *last = NULL;

	snprintf(address, sizeof(address), "0x%" PRIx64, l->address);

	for (size_t i = 0; i < l->n_sites; i++) {
		const struct site *site = &l->sites[i];
		uint64_t sleeps = MIN(share_of(l->sleeps, site->share), rest.contentions);

		if (site->role != role || (!site->wait_ns && !sleeps))
			continue;
		add_site(p, &labels, site, sleeps);
		rest.contentions -= sleeps;
		rest.delay_ns -= MIN(rest.delay_ns, site->wait_ns);
		last = site;
	}
	/* what whole numbers lose in being divided is no stack's absence */
	if (last && rest.delay_ns <= l->n_sites && rest.contentions <= l->n_sites) {
		rest.frames = last->frames;
		rest.n_frames = last->n_frames;
		rest.truncated = last->truncated;
	}
	if (rest.delay_ns || rest.contentions)
		profile__add(p, &labels, &rest);
}
