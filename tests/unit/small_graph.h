/* SPDX-License-Identifier: GPL-2.0-only */
/* Graphs small enough to be written down. */
#ifndef SMALL_GRAPH_H
#define SMALL_GRAPH_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/graph.h"
#include "../../user/util.h"

#define NONE GRAPH_NONE
#define MOST 16 /* threads, and locks, of a small graph */

/* Owners of each lock, ended by NONE. */
struct small {
	size_t n_threads, n_locks;
	uint32_t waits_for[MOST];
	uint32_t owners[MOST][MOST];
};

static inline struct graph *build(const struct small *s)
{
	uint32_t from[MOST + 1], owners[MOST * MOST], n = 0;
	struct graph_input in = { s->n_threads, s->n_locks, s->waits_for, from, owners };

	for (size_t l = 0; l < s->n_locks; l++) {
		from[l] = n;
		for (int i = 0; i < MOST && s->owners[l][i] != NONE; i++)
			owners[n++] = s->owners[l][i];
	}
	from[s->n_locks] = n;
	return graph__new(&in);
}

static inline void assert_numbers(const char *what, const uint32_t *is, const uint32_t *want,
				  size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is[i] != want[i])
			fail_msg("%s[%zu] is %d, not %d", what, i, (int)is[i], (int)want[i]);
}

/* Below n; the same for the same seed. */
static inline uint32_t any(uint32_t *seed, uint32_t n)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % n;
}

#endif
