/* SPDX-License-Identifier: GPL-2.0-only */
/* Sides to be compared: made-up intervals of few locks. */
#ifndef DIFF_FIXTURE_H
#define DIFF_FIXTURE_H

#include "export_fixture.h"

#include <math.h>

#include "../../user/diff.h"

/* An interval without locks. */
static inline struct snapshot *interval(uint64_t number, uint64_t length_ms)
{
	struct snapshot *s = fixture__empty(number);

	s->interval_ns = length_ms * MS;
	return s;
}

/* A mutex of a program; name NULL: it is called after where it is waited for. */
static inline struct lock *add_lock(struct snapshot *s, pid_t pid, uint64_t address,
				    const char *name, uint64_t wait_ms)
{
	struct fixture_lock f = { pid, "app",	address, KIND_MUTEX, CLASS_CONTENTION, name, NULL,
				  10,  wait_ms, 1000,	 0 };
	struct lock *l = &s->locks[s->n_locks];

	fixture__add_lock(s, &f);
	return l;
}

/* It is waited for in this frame, below pthread_mutex_lock. */
static inline void add_place(struct snapshot *s, struct lock *l, struct frame place)
{
	l->sites = snapshot__alloc(s, 1, sizeof(*l->sites));
	l->n_sites = 1;
	l->sites[0].role = ROLE_WAITER;
	l->sites[0].share = 1;
	l->sites[0].samples = 1;
	l->sites[0].n_frames = 2;
	l->sites[0].frames = snapshot__alloc(s, 2, sizeof(*l->sites[0].frames));
	l->sites[0].frames[0] = (struct frame){
		"pthread_mutex_lock", FIXTURE_LIBC, 0x8a2b0, NULL, 0, "native", NULL
	};
	l->sites[0].frames[1] = place;
	l->name_from = l->name ? "site" : NULL;
}

static inline void take(struct diff_side *side, struct snapshot *s)
{
	assert_int_equal(diff_side__add(side, s), 0);
	snapshot__free(s);
}

/* A side of intervals of a second in which one lock waits that many ms each; 0 ends the list. */
static inline struct diff_side *side_of(const char *name, const uint64_t *waits_ms)
{
	struct diff_side *side = diff_side__new(name, false);

	for (uint64_t i = 0; waits_ms[i]; i++) {
		struct snapshot *s = interval(i + 1, 1000);

		add_lock(s, 100, 0x1000, name, waits_ms[i]);
		take(side, s);
	}
	return side;
}

#define WAITS(...) ((const uint64_t[]){ __VA_ARGS__, 0 })

static inline const struct diff_row *row_of(const struct diff *d, const char *label)
{
	char text[1024];

	for (size_t i = 0; i < d->n; i++)
		if (!strcmp(diff_row__label(&d->rows[i], text, sizeof(text)), label))
			return &d->rows[i];
	return NULL;
}

static inline void assert_close(double a, double b)
{
	if (fabs(a - b) > 1e-9 * fmax(1, fabs(b)))
		fail_msg("%.12g is not %.12g", a, b);
}

static inline void diff_done(struct diff *d, struct diff_side *a, struct diff_side *b)
{
	diff__free(d);
	diff_side__free(a);
	diff_side__free(b);
}

#endif
