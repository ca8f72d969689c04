// SPDX-License-Identifier: GPL-2.0-only
#include "depths.h"

#include <stdlib.h>

#include "util.h"

void depths__done(struct depths *d)
{
	free(d->items);
	*d = (struct depths){};
}

static struct depth *find(const struct depths *d, uint64_t sp)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->items[i].sp == sp)
			return &d->items[i];
	return NULL;
}

static struct depth *new_depth(struct depths *d)
{
	if (d->n < DEPTHS_MAX) {
		array__grow(d->items, d->n, d->capacity);
		return &d->items[d->n++];
	}
	return &d->items[d->oldest++ % DEPTHS_MAX];
}

void depths__note(struct depths *d, uint64_t sp, const struct site_place *place)
{
	struct depth *depth = find(d, sp);

	if (depth)
		depth->several |= !site_place__equal(&depth->place, place);
	else
		*new_depth(d) = (struct depth){ .sp = sp, .place = *place };
}

const struct site_place *depths__place(const struct depths *d, uint64_t sp)
{
	const struct depth *depth = find(d, sp);

	return depth && !depth->several ? &depth->place : NULL;
}
