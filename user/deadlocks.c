// SPDX-License-Identifier: GPL-2.0-only
#include "deadlocks.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

static void drop(struct deadlocks *d, size_t i)
{
	free(d->items[i].waits);
	d->items[i] = d->items[--d->n];
}

void deadlocks__done(struct deadlocks *d)
{
	while (d->n)
		drop(d, d->n - 1);
	free(d->items);
	*d = (struct deadlocks){};
}

void deadlocks__begin(struct deadlocks *d)
{
	for (size_t i = 0; i < d->n; i++)
		d->items[i].seen = false;
}

/* The same cycle begins with the same thread at each look. */
static void rotate(struct deadlock_wait *waits, size_t n)
{
	struct deadlock_wait *copy = xcalloc(n, sizeof(*copy));
	size_t first = 0;

	for (size_t i = 1; i < n; i++)
		if (waits[i].tid < waits[first].tid)
			first = i;
	for (size_t i = 0; i < n; i++)
		copy[i] = waits[(first + i) % n];
	memcpy(waits, copy, n * sizeof(*copy));
	free(copy);
}

static uint64_t began_ns(const struct deadlock_wait *w)
{
	return w->start_ns > w->carried_ns ? w->start_ns - w->carried_ns : 0;
}

/*
 * Is it the same wait as at the look before? A signal's handler may have run in between and the
 * call gone on with the wait: then the parts of the wait reach back before that look.
 */
static bool unchanged(const struct deadlock_wait *now, const struct deadlock_wait *then,
		      uint64_t then_ns)
{
	if (now->tid != then->tid || now->tgid != then->tgid ||
	    memcmp(&now->key, &then->key, sizeof(now->key)) != 0)
		return false;
	return now->sequence == then->sequence || (now->resumed && began_ns(now) < then_ns);
}

static bool same_cycle(const struct deadlock_cycle *c, const struct deadlock_wait *waits, size_t n,
		       uint64_t then_ns)
{
	if (c->n != n || c->seen)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!unchanged(&waits[i], &c->waits[i], then_ns))
			return false;
	return true;
}

void deadlocks__see(struct deadlocks *d, struct deadlock_wait *waits, size_t n)
{
	struct deadlock_cycle *c = NULL;

	rotate(waits, n);
	for (size_t i = 0; i < d->n && !c; i++)
		if (same_cycle(&d->items[i], waits, n, d->then_ns))
			c = &d->items[i];
	if (c) {
		c->confirmed = true;
	} else {
		array__grow(d->items, d->n, d->capacity);
		c = &d->items[d->n++];
		*c = (struct deadlock_cycle){ .n = n, .waits = xcalloc(n, sizeof(*waits)) };
	}
	memcpy(c->waits, waits, n * sizeof(*waits));
	c->seen = true;
}

void deadlocks__end(struct deadlocks *d, uint64_t now_ns)
{
	for (size_t i = d->n; i-- > 0;)
		if (!d->items[i].seen)
			drop(d, i);
	d->then_ns = now_ns;
}

uint64_t deadlock_cycle__age(const struct deadlock_cycle *c, uint64_t now_ns)
{
	uint64_t age = UINT64_MAX;

	for (size_t i = 0; i < c->n; i++) {
		uint64_t began = began_ns(&c->waits[i]);

		age = MIN(age, now_ns > began ? now_ns - began : 0);
	}
	return age == UINT64_MAX ? 0 : age;
}
