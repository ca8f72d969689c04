// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits as profiles for pprof: how often and how long, by the stacks that waited, or by those that
 * let the waiters go. They are two formats as Go's block and mutex profiles are two files: in one,
 * each wait would count twice.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "export.h"
#include "profile.h"
#include "select.h"
#include "util.h"

struct document {
	struct options options;
	enum site_role role;
	struct profile *profile;
	uint64_t begin_ns, duration_ns;
	uint64_t losses[LOSS_COUNT];
	char head[512];
};

static void *new_document(const struct options *o, enum site_role role)
{
	struct document *d = xcalloc(1, sizeof(*d));

	d->options = *o;
	d->role = role;
	d->profile = profile__new();
	return d;
}

static void *new_waiters(const struct options *o)
{
	return new_document(o, ROLE_WAITER);
}

static void *new_wakers(const struct options *o)
{
	return new_document(o, ROLE_WAKER);
}

static void free_document(void *document)
{
	struct document *d = document;

	if (!d)
		return;
	profile__free(d->profile);
	free(d);
}

static int add(void *document, FILE *out, const struct snapshot *s)
{
	struct document *d = document;
	size_t n;
	const void **rows = select__rows(s, &d->options, ENTITY_LOCK, &n);
	uint64_t end_ns = (uint64_t)s->time.tv_sec * NSEC_PER_SEC + (uint64_t)s->time.tv_nsec;

	for (size_t i = 0; i < n; i++)
		profile__add_lock(d->profile, rows[i], d->role);
	free(rows);
	if (!d->begin_ns)
		d->begin_ns = end_ns - MIN(end_ns, s->interval_ns);
	d->duration_ns += s->interval_ns;
	for (int i = 0; i < LOSS_COUNT; i++)
		d->losses[i] += s->losses[i];
	snprintf(d->head, sizeof(d->head), "locktop %s on %s, Linux %s: %s",
		 s->version ? s->version : "?", s->host ? s->host : "?",
		 s->kernel ? s->kernel : "?",
		 d->role == ROLE_WAITER ? "where threads waited for locks"
					: "where locks were let go that others waited for");
	return 0;
}

static int write_document(void *document, FILE *out)
{
	struct document *d = document;
	char line[128];

	profile__comment(d->profile, d->head);
	for (int i = 0; i < LOSS_COUNT; i++) {
		snprintf(line, sizeof(line), "lost: %s %" PRIu64, loss_names[i], d->losses[i]);
		if (d->losses[i])
			profile__comment(d->profile, line);
	}
	return profile__write(d->profile, out, d->begin_ns, d->duration_ns);
}

const struct export_document export_pprof = { new_waiters, add, write_document, free_document };
const struct export_document export_pprof_waker = { new_wakers, add, write_document,
						    free_document };
