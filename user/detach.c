// SPDX-License-Identifier: GPL-2.0-only
#include "detach.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "uprobes.h"
#include "util.h"

#define THREADS_MAX 8 /* so many links are taken away at a time */

struct batch {
	struct uprobe_link **links;
	size_t n, next;
};

static void *detach_some(void *arg)
{
	struct batch *b = arg;
	size_t i;

	while ((i = __atomic_fetch_add(&b->next, 1, __ATOMIC_RELAXED)) < b->n)
		uprobes__detach(b->links[i]);
	return NULL;
}

/* This thread helps, so none needs to start. */
void detach__all(struct uprobe_link **links, size_t n)
{
	struct batch b = { .links = links, .n = n };
	pthread_t helpers[THREADS_MAX - 1];
	size_t n_helpers = 0;

	while (n_helpers + 1 < MIN(n, THREADS_MAX) &&
	       !util__start_thread(&helpers[n_helpers], detach_some, &b))
		n_helpers++;
	detach_some(&b);
	while (n_helpers)
		pthread_join(helpers[--n_helpers], NULL);
}

/* ---- behind our back ---- */

struct detacher {
	pthread_t thread;
	bool started, done; /* done: written by the thread */
	struct uprobe_link **links;
	size_t n;
};

struct detacher *detacher__new(void)
{
	return xcalloc(1, sizeof(struct detacher));
}

static void *run(void *arg)
{
	struct detacher *d = arg;

	detach__all(d->links, d->n);
	__atomic_store_n(&d->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void finish(struct detacher *d)
{
	if (d->started)
		pthread_join(d->thread, NULL);
	free(d->links);
	d->links = NULL;
	d->started = d->done = false;
}

bool detacher__take(struct detacher *d, struct uprobe_link **links, size_t n)
{
	if (d->started && !__atomic_load_n(&d->done, __ATOMIC_ACQUIRE))
		return false;
	finish(d);
	d->links = xcalloc(n, sizeof(struct uprobe_link *));
	memcpy(d->links, links, n * sizeof(struct uprobe_link *));
	d->n = n;
	d->started = !util__start_thread(&d->thread, run, d);
	return d->started;
}

void detacher__free(struct detacher *d)
{
	if (!d)
		return;
	finish(d);
	free(d);
}
