/* SPDX-License-Identifier: GPL-2.0-only */
/* A user at the keyboard in front of the made-up machine. */
#ifndef KEYS_FIXTURE_H
#define KEYS_FIXTURE_H

#include "fixture.h"

#include <stdlib.h>

#include "../../user/keys.h"

/* A view of the fixture's first interval. */
struct world {
	struct snapshot *s;
	struct view *v;
};

static inline int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct options o = fixture__options();

	w->s = fixture__new(1);
	w->v = view__new(&o);
	view__update(w->v, w->s, 10);
	*state = w;
	return 0;
}

static inline int teardown(void **state)
{
	struct world *w = *state;

	view__free(w->v);
	snapshot__free(w->s);
	free(w);
	return 0;
}

/* As the loop does: the next key acts on what this one made. */
static inline unsigned int press(struct world *w, int key)
{
	unsigned int outcome = keys__dispatch(w->v, key);

	view__update(w->v, w->s, 10);
	return outcome;
}

static inline void type(struct world *w, const char *text)
{
	while (*text)
		press(w, (unsigned char)*text++);
}

#endif
