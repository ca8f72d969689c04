// SPDX-License-Identifier: GPL-2.0-only
/* Who comes to a barrier: a barrier itself only counts. */
#include <stdlib.h>

#include "runtime_python_internal.h"
#include "util.h"

#define BARRIERS_MAX 256 /* remembered; the oldest give way */

static bool is_among(pid_t tid, const pid_t *tids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (tids[i] == tid)
			return true;
	return false;
}

static struct barrier_seen *find(struct python *py, uint64_t object)
{
	struct barrier_seen *b;

	HASH_FIND(hh, py->barriers, &object, sizeof(object), b);
	if (b)
		return b;
	if (HASH_COUNT(py->barriers) >= BARRIERS_MAX) {
		b = py->barriers;
		HASH_DELETE(hh, py->barriers, b);
		free(b);
	}
	b = xcalloc(1, sizeof(*b));
	b->object = object;
	HASH_ADD(hh, py->barriers, object, sizeof(b->object), b);
	return b;
}

void python__came(struct python *py, uint64_t barrier, pid_t tid)
{
	struct barrier_seen *b = find(py, barrier);

	if (b->n < PYTHON_PARTIES && !is_among(tid, b->tids, b->n))
		b->tids[b->n++] = tid;
}

size_t python__missing(struct python *py, uint64_t barrier, const pid_t *tids, size_t n,
		       const pid_t **ret)
{
	struct barrier_seen *b = find(py, barrier);
	size_t missing = 0;

	for (size_t i = 0; i < b->n; i++)
		if (!is_among(b->tids[i], tids, n))
			py->missing[missing++] = b->tids[i];
	*ret = py->missing;
	return missing;
}

void python_barriers__done(struct python *py)
{
	struct barrier_seen *b, *next;

	HASH_ITER (hh, py->barriers, b, next) {
		HASH_DELETE(hh, py->barriers, b);
		free(b);
	}
}
