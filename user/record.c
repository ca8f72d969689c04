// SPDX-License-Identifier: GPL-2.0-only
#include "record.h"

#include <stdlib.h>

#include "util.h"

struct record {
	struct store *store;
	char error[STORE_ERROR];
};

int record__new(const struct options *o, struct record **ret, char error[STORE_ERROR])
{
	const struct store_limits limits = { .bytes = o->max_bytes, .keep_ns = o->keep_ns };
	struct store *store;
	struct record *r;
	int err = store__create(o->output, &limits, &store, error);

	if (err)
		return err;
	r = xcalloc(1, sizeof(*r));
	r->store = store;
	*ret = r;
	return 0;
}

void record__free(struct record *r)
{
	if (!r)
		return;
	store__close(r->store);
	free(r);
}

int record__add(void *ctx, const struct snapshot *s)
{
	struct record *r = ctx;

	return store__append(r->store, s, r->error);
}

const char *record__error(const struct record *r)
{
	return r->error;
}
