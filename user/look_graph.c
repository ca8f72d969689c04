// SPDX-License-Identifier: GPL-2.0-only
/* Who waits for whom at a look: chains, deadlocks, and evidence for verdicts. */
#include <stdlib.h>
#include <string.h>

#include "looks_internal.h"

/* Places of threads in the graph: all that wait, and all that hold. */
static uint32_t place_of(const uint64_t *tids, size_t n, uint64_t tid)
{
	const uint64_t *found = bsearch(&tid, tids, n, sizeof(*tids), looks__compare_numbers);

	return found ? (uint32_t)(found - tids) : GRAPH_NONE;
}

/* Those that wait come in the order of their numbers, or nearly so. */
static void place_waits(struct looks *l, const uint64_t *tids, size_t n)
{
	size_t next = 0;

	for (size_t i = 0; i < l->n_waits; i++) {
		uint64_t tid = l->waits[i].open->tid;

		while (next < n && tids[next] < tid)
			next++;
		if (next >= n || tids[next] != tid)
			next = place_of(tids, n, tid);
		l->waits[i].place = next;
	}
}

/* Sorts what may be sorted already, and leaves each number once. Returns how many there are. */
static size_t sort(uint64_t *v, size_t n)
{
	size_t unique = 0, ordered = 1;

	while (ordered < n && v[ordered - 1] <= v[ordered])
		ordered++;
	if (ordered < n)
		qsort(v, n, sizeof(*v), looks__compare_numbers);
	for (size_t i = 0; i < n; i++)
		if (!unique || v[unique - 1] != v[i])
			v[unique++] = v[i];
	return unique;
}

static size_t number_threads(struct looks *l, uint64_t **ret)
{
	uint64_t *waiters = xcalloc(l->n_waits, sizeof(*waiters));
	uint64_t *owners = xcalloc(l->n_asked, sizeof(*owners));
	uint64_t *tids = xcalloc(l->n_waits + l->n_asked, sizeof(*tids));
	size_t n_waiters = l->n_waits, n_owners = 0, n = 0;

	for (size_t i = 0; i < l->n_waits; i++)
		waiters[i] = l->waits[i].open->tid;
	for (size_t i = 0; i < l->n_asked; i++)
		if (l->asked[i]->owner)
			owners[n_owners++] = l->asked[i]->owner;
	n_waiters = sort(waiters, n_waiters);
	n_owners = sort(owners, n_owners);
	for (size_t i = 0, j = 0; i < n_waiters || j < n_owners; n++) {
		bool waiter = i < n_waiters && (j == n_owners || waiters[i] <= owners[j]);

		tids[n] = waiter ? waiters[i++] : owners[j];
		j += j < n_owners && owners[j] == tids[n];
	}
	free(waiters);
	free(owners);
	place_waits(l, tids, n);
	*ret = tids;
	return n;
}

static struct graph *make_graph(struct looks *l, const uint64_t *tids, size_t n)
{
	uint32_t *waits_for = xcalloc(n, sizeof(*waits_for));
	uint32_t *from = xcalloc(l->n_asked + 1, sizeof(*from));
	uint32_t *owners = xcalloc(l->n_asked, sizeof(*owners));
	struct graph_input in = { n, l->n_asked, waits_for, from, owners };
	struct graph *g;

	for (size_t i = 0; i < n; i++)
		waits_for[i] = GRAPH_NONE;
	for (size_t i = 0; i < l->n_waits; i++)
		if (l->waits[i].waits)
			waits_for[l->waits[i].place] = l->waits[i].lock->place;
	for (size_t i = 0; i < l->n_asked; i++) {
		from[i + 1] = from[i];
		if (l->asked[i]->owner)
			owners[from[i + 1]++] = place_of(tids, n, l->asked[i]->owner);
	}
	g = graph__new(&in);
	free(waits_for);
	free(from);
	free(owners);
	return g;
}

static void add_root(struct look_lock *lock, const struct lock_key *root, uint64_t weight)
{
	for (size_t i = 0; i < lock->n_roots; i++) {
		if (!memcmp(&lock->roots[i].key, root, sizeof(*root))) {
			lock->roots[i].weight += weight;
			return;
		}
	}
	array__grow(lock->roots, lock->n_roots, lock->roots_capacity);
	lock->roots[lock->n_roots++] = (struct look_root){ *root, weight };
}

static void note_call(struct look_lock *lock, int nr)
{
	for (int i = 0; i < LOOK_CALLS; i++) {
		if (lock->calls[i].n && lock->calls[i].nr != nr)
			continue;
		lock->calls[i].nr = nr;
		lock->calls[i].n++;
		return;
	}
}

static void note_evidence(struct looks *l, struct look_lock *lock)
{
	const struct look_thread *t = lock->owner ? looks__thread(l, lock->owner) : NULL;

	if (!lock->waiters)
		return;
	lock->looks.n++;
	lock->looks.readers += lock->readers > 0;
	lock->looks.reader_changes +=
		lock->readers > 0 && lock->last_readers > 0 && lock->readers != lock->last_readers;
	lock->last_readers = lock->readers;
	if (!t)
		return;
	lock->looks.owned++;
	if (lock->moved) { /* so it ran */
		lock->looks.state[STATE_RUNNING]++;
		return;
	}
	lock->looks.state[t->now.state < STATE_COUNT ? t->now.state : STATE_UNKNOWN]++;
	if ((t->now.state == STATE_SLEEPING || t->now.state == STATE_BLOCKED) &&
	    t->now.syscall >= 0)
		note_call(lock, t->now.syscall);
}

static bool is_deadlock(struct deadlock_wait *waits, const struct look_wait *const *by_place,
			const struct graph_cycle *c)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct open_sleep *o = by_place[c->threads[i]]->open;

		if (SIGNATURE_OP(o->key.signature) & OP_TIMED)
			return false; /* it comes back by itself */
		waits[i] = (struct deadlock_wait){ .key = o->key,
						   .start_ns = o->start_ns,
						   .carried_ns = o->carried_ns,
						   .sequence = o->sequence,
						   .tid = o->tid,
						   .tgid = o->key.tgid,
						   .resumed = o->flags & OPEN_RESUMED };
	}
	return true;
}

static void find_deadlocks(struct looks *l, const struct graph *g, size_t n_threads)
{
	const struct look_wait **by_place = xcalloc(n_threads, sizeof(*by_place));
	struct deadlock_wait *waits = xcalloc(n_threads, sizeof(*waits));

	for (size_t i = 0; i < l->n_waits; i++)
		by_place[l->waits[i].place] = &l->waits[i];
	deadlocks__begin(&l->deadlocks);
	for (size_t i = 0; i < g->n_cycles; i++)
		if (is_deadlock(waits, by_place, &g->cycles[i]))
			deadlocks__see(&l->deadlocks, waits, g->cycles[i].n);
	deadlocks__end(&l->deadlocks, l->now_ns);
	free(by_place);
	free(waits);
}

void look_graph__judge(struct looks *l, uint64_t passed_ns)
{
	uint64_t *tids;
	size_t n = number_threads(l, &tids);
	struct graph *g = make_graph(l, tids, n);

	for (size_t i = 0; i < l->n_asked; i++)
		note_evidence(l, l->asked[i]);
	for (size_t i = 0; i < l->n_waits; i++) {
		const struct look_wait *w = &l->waits[i];
		uint32_t root = g->root_lock[w->place];

		if (w->waits && root != GRAPH_NONE)
			add_root(w->lock, &l->asked[root]->key, passed_ns + 1);
	}
	find_deadlocks(l, g, n);
	graph__free(g);
	free(tids);
}
