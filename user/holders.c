// SPDX-License-Identifier: GPL-2.0-only
#include "holders.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

void holders__done(struct holders *h)
{
	free(h->items);
	*h = (struct holders){};
}

static struct lock_holder *find(struct holders *h, pid_t tid, enum holder_source source)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->items[i].tid == tid && h->items[i].source == source)
			return &h->items[i];
	return NULL;
}

/* A new entry, in the place of the one that cost least if there are too many. */
static struct lock_holder *add(struct holders *h)
{
	struct lock_holder *least;

	if (h->n < HOLDERS_MAX) {
		array__grow(h->items, h->n, h->capacity);
		return &h->items[h->n++];
	}
	least = &h->items[0];
	for (size_t i = 1; i < h->n; i++)
		if (h->items[i].wait_ns < least->wait_ns ||
		    (h->items[i].wait_ns == least->wait_ns &&
		     h->items[i].all_wait_ns < least->all_wait_ns))
			least = &h->items[i];
	return least;
}

void holders__credit(struct holders *h, pid_t tid, enum holder_source source, uint64_t wait_ns,
		     bool sample)
{
	struct lock_holder *holder = find(h, tid, source);

	if (!holder) {
		holder = add(h);
		*holder = (struct lock_holder){ .tid = tid, .source = source };
	}
	holder->samples += sample;
	holder->wait_ns += wait_ns;
	holder->all_wait_ns += wait_ns;
}

void holders__next_interval(struct holders *h)
{
	size_t kept = 0;

	for (size_t i = 0; i < h->n; i++) {
		struct lock_holder *holder = &h->items[i];

		/* what was long ago is outweighed, and forgotten, in time */
		holder->all_wait_ns = holder->all_wait_ns / 8 * 7;
		holder->samples = holder->wait_ns = 0;
		if (holder->all_wait_ns)
			h->items[kept++] = *holder;
	}
	h->n = kept;
}
