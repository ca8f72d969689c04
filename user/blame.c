// SPDX-License-Identifier: GPL-2.0-only
#include "blame.h"

#include <stdlib.h>
#include <string.h>

#include "syscalls.h"
#include "util.h"

/* A thread that holds a lock without having waited: not among the sorted rows. */
struct row {
	uint64_t tid;
	struct thread *thread;
	UT_hash_handle hh;
};

struct key_row {
	struct lock_key key;
	struct lock *lock;
	UT_hash_handle hh;
};

struct blame {
	struct snapshot *s;
	const struct parts *parts;
	struct looks *looks;
	struct samples *samples;
	struct processes *processes;
	uint64_t now_ns;
	size_t n_sorted; /* rows in the order of process and thread; those behind are in rows */
	struct row *rows;
	struct key_row *keys;
};

static void add_row(struct blame *b, struct thread *t)
{
	struct row *row = xcalloc(1, sizeof(*row));

	row->tid = t->tid;
	row->thread = t;
	HASH_ADD(hh, b->rows, tid, sizeof(row->tid), row);
}

static int compare_threads(const void *a, const void *b)
{
	const struct thread *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

static struct thread *find_row(struct blame *b, pid_t pid, pid_t tid)
{
	struct thread wanted = { .pid = pid, .tid = tid }, *found;
	uint64_t key = tid;
	struct row *row;

	found = b->n_sorted ? bsearch(&wanted, b->s->threads, b->n_sorted, sizeof(wanted),
				      compare_threads)
			    : NULL;
	if (found)
		return found;
	HASH_FIND(hh, b->rows, &key, sizeof(key), row);
	return row ? row->thread : NULL;
}

static void index_rows(struct blame *b)
{
	b->n_sorted = b->s->n_threads;
	for (size_t i = 0; i < b->parts->n; i++) {
		const struct part *part = &b->parts->items[i];
		struct key_row *row;

		HASH_FIND(hh, b->keys, &part->key->key, sizeof(row->key), row);
		if (row)
			continue; /* divided among call sites: nobody is known to hold those */
		row = xcalloc(1, sizeof(*row));
		row->key = part->key->key;
		row->lock = part->lock;
		HASH_ADD(hh, b->keys, key, sizeof(row->key), row);
	}
}

static void free_index(struct blame *b)
{
	struct row *row, *next_row;
	struct key_row *key, *next_key;

	HASH_ITER (hh, b->rows, row, next_row) {
		HASH_DELETE(hh, b->rows, row);
		free(row);
	}
	HASH_ITER (hh, b->keys, key, next_key) {
		HASH_DELETE(hh, b->keys, key);
		free(key);
	}
}

static struct lock *find_lock(struct blame *b, const struct lock_key *key)
{
	struct key_row *row;

	HASH_FIND(hh, b->keys, key, sizeof(*key), row);
	return row ? row->lock : NULL;
}

static const char *process_name(struct blame *b, uint32_t tgid, uint32_t gen)
{
	struct process_key key = { .tgid = tgid, .gen = gen };
	struct process_entry *e = processes__get(b->processes, &key, NULL, b->now_ns);

	return snapshot__string(b->s, e->comm);
}

static void fill_identity(struct blame *b, struct thread *t, const struct look_thread *from)
{
	char comm[LOCKTOP_COMM + 1] = "";

	memcpy(comm, from->now.comm, LOCKTOP_COMM);
	t->pid = from->now.tgid;
	t->tid = from->tid;
	t->comm = snapshot__string(b->s, comm);
	t->process_comm = process_name(b, from->now.tgid, from->now.gen);
}

static void fill_frames(struct blame *b, struct thread *t, const struct named_stack *stack)
{
	if (!stack->frames || t->frames)
		return;
	t->frames = snapshot__alloc(b->s, stack->n_frames, sizeof(*t->frames));
	memcpy(t->frames, stack->frames, stack->n_frames * sizeof(*t->frames));
	t->n_frames = stack->n_frames;
	t->truncated = stack->truncated;
}

static void fill_state(struct blame *b, struct thread *t, const struct look_thread *from)
{
	const struct thread_look *now = &from->now;
	bool asleep = now->state == STATE_SLEEPING || now->state == STATE_BLOCKED;

	t->state = now->state < STATE_COUNT ? now->state : STATE_UNKNOWN;
	t->syscall = asleep ? syscalls__name(now->syscall) : NULL;
	t->state_ns = from->since_ns && b->now_ns > from->since_ns ? b->now_ns - from->since_ns : 0;
	if (from->spins_ns && !t->waiting_for) { /* no sleep, so no figures tell of it */
		t->waiting_for = find_lock(b, &from->waits_for);
		t->waiting_ns = b->now_ns > from->spins_ns ? b->now_ns - from->spins_ns : 0;
	}
	/* a stack from before the thread last ran is another one's by now, unless it only spins */
	if (from->stack_switches == now->switches || now->state == STATE_RUNNING ||
	    (from->spins_ns && from->stack_ns > from->spins_ns))
		fill_frames(b, t, &from->stack);
}

/* The row of a thread that was looked at; NULL: there is no room, or nothing is known of it. */
static struct thread *row_of(struct blame *b, pid_t tid, size_t room)
{
	struct look_thread *from = looks__thread(b->looks, tid);
	struct thread *t;

	if (!from || !from->present)
		return NULL;
	t = find_row(b, from->now.tgid, tid);
	if (!t) {
		if (b->s->n_threads >= room)
			return NULL;
		t = &b->s->threads[b->s->n_threads++];
		fill_identity(b, t, from);
		add_row(b, t);
	}
	if (t->state == STATE_UNKNOWN)
		fill_state(b, t, from);
	return t;
}

/* It has not run since it fell asleep: what it holds now it has held all that time. */
static uint64_t held_ns(const struct thread *t)
{
	return t->state == STATE_RUNNING ? 0 : t->state_ns;
}

static void set_owner(struct blame *b, struct lock *lock, pid_t tid, enum owner_proof proof,
		      size_t room)
{
	struct thread *t = row_of(b, tid, room);

	if (!t || lock->owner)
		return;
	/* whoever let a waiter go may have taken it again, unless it waits in the queue itself */
	if (proof == PROOF_LAST_WAKER && t->waiting_for == lock)
		return;
	lock->owner = snapshot__alloc(b->s, 1, sizeof(*lock->owner));
	lock->owner->thread = t;
	lock->owner->proof = proof;
	lock->owner->held_ns = proof == PROOF_LAST_WAKER ? 0 : held_ns(t);
}

/* The evidence of the key that most looks found waited for: keys of one lock are looked at together
 * and would count twice. */
static void take_looks(struct lock *lock, const struct look_lock *from)
{
	int most = 0;

	if (from->looks.n <= lock->looks.n)
		return;
	lock->looks = from->looks;
	for (int i = 1; i < LOOK_CALLS; i++)
		if (from->calls[i].n > from->calls[most].n)
			most = i;
	lock->looks.syscalls = from->calls[most].n;
	lock->looks.syscall = from->calls[most].n ? syscalls__name(from->calls[most].nr) : NULL;
}

/*
 * Impact of the locks at the end of chains: what one key's waiters waited is divided among them as
 * the looks found it. Without a look at which somebody waited, it is the lock's own.
 */
static void add_impact(struct blame *b, struct lock *own, const struct look_lock *from,
		       uint64_t wait_ns)
{
	uint64_t sum = 0, left = wait_ns;

	for (size_t i = 0; from && i < from->n_roots; i++)
		sum += from->roots[i].weight;
	for (size_t i = 0; sum && i < from->n_roots; i++) {
		struct lock *root = find_lock(b, &from->roots[i].key);
		uint64_t part = (unsigned __int128)wait_ns * from->roots[i].weight / sum;

		if (!root || root == own)
			continue;
		root->impact_ns += part;
		left -= MIN(part, left);
	}
	own->impact_ns += left;
}

/* Wakes that passed its oldest waiter by; threads of one condition variable wait on two words. */
static void count_overtaken(struct blame *b, struct lock *lock, size_t first, size_t n)
{
	struct look_lock *oldest = NULL;
	uint64_t wakes = 0;

	for (size_t i = first; i < first + n; i++) {
		const struct part *part = &b->parts->items[i];
		struct look_lock *l = looks__lock(b->looks, &part->key->key);
		uint64_t ended = hist__count(part->hist);

		wakes += ended > part->sums.timeouts ? ended - part->sums.timeouts : 0;
		if (l && l->oldest_start_ns &&
		    (!oldest || l->oldest_start_ns < oldest->oldest_start_ns))
			oldest = l;
	}
	if (!oldest)
		return;
	if (oldest->overtaken_tid == oldest->oldest_tid &&
	    oldest->overtaken_sequence == oldest->oldest_sequence)
		oldest->overtaken += wakes;
	else
		oldest->overtaken = 0; /* it fell asleep in this interval: who came first? */
	oldest->overtaken_tid = oldest->oldest_tid;
	oldest->overtaken_sequence = oldest->oldest_sequence;
	lock->overtaken = oldest->overtaken;
}

static void blame_lock(struct blame *b, size_t first, size_t n, size_t room)
{
	struct lock *lock = b->parts->items[first].lock;

	lock->readers = -1;
	for (size_t i = first; i < first + n; i++) {
		const struct part *part = &b->parts->items[i];
		struct look_lock *from = part->site ? NULL : looks__lock(b->looks, &part->key->key);

		add_impact(b, lock, from, part->sums.blocked_ns + part->sums.delay_ns);
		if (!from)
			continue;
		take_looks(lock, from);
		lock->readers = MAX(lock->readers, from->readers);
		if (from->owner)
			set_owner(b, lock, from->owner, from->proof, room);
		if (from->died)
			lock->owner_died = from->died;
	}
	for (size_t i = first; i < first + n; i++) {
		const struct part *part = &b->parts->items[i];

		if (part->key->last_waker && lock->class == CLASS_CONTENTION &&
		    part->sample->verdict.owner == OWNER_NONE)
			set_owner(b, lock, part->key->last_waker, PROOF_LAST_WAKER, room);
	}
	if (!b->parts->items[first].site && b->s->interval_ns) /* a dump ends no interval */
		count_overtaken(b, lock, first, n);
}

static int compare_holders(const void *a, const void *b)
{
	const struct holder *x = a, *y = b;

	if (x->share != y->share)
		return x->share > y->share ? -1 : 1;
	return x->thread->tid < y->thread->tid ? -1 : x->thread->tid > y->thread->tid;
}

/* A holder that neither waits nor holds now: not a row of the snapshot. */
static const struct thread *holder_thread(struct blame *b, const struct lock *lock, pid_t tid)
{
	struct look_thread *from = looks__thread(b->looks, tid);
	struct thread *t = find_row(b, from ? (pid_t)from->now.tgid : lock->pid, tid);
	char comm[64];

	if (t)
		return t;
	t = snapshot__alloc(b->s, 1, sizeof(*t));
	t->pid = lock->pid;
	t->tid = tid;
	if (from)
		fill_identity(b, t, from);
	else if (!proc__thread_comm(b->processes->proc, tid, tid, comm, sizeof(comm)))
		t->comm = snapshot__string(b->s, comm);
	return t;
}

static void add_holder(struct blame *b, struct lock *lock, const struct lock_holder *from,
		       double share)
{
	static const enum owner_proof proofs[] = {
		[HELD_AT_LOOKS] = PROOF_LOCK_WORD,  [HELD_AT_START] = PROOF_LOCK_WORD,
		[HELD_BY_WAKER] = PROOF_LAST_WAKER, [HELD_BY_CALLS] = PROOF_EXACT,
		[HELD_BY_PYTHON] = PROOF_PYTHON,    [HELD_GIL_AT_START] = PROOF_PYTHON
	};
	enum owner_proof proof = proofs[from->source];
	struct holder *to = NULL;

	for (size_t i = 0; i < lock->n_holders; i++)
		if (lock->holders[i].thread->tid == from->tid && lock->holders[i].proof == proof)
			to = &lock->holders[i];
	if (!to) {
		to = &lock->holders[lock->n_holders++];
		to->thread = holder_thread(b, lock, from->tid);
		to->proof = proof;
	}
	to->samples += from->samples;
	to->share += share;
	to->wait_ns = to->share * lock->wait_ns;
}

/*
 * What holders are weighed by, the best first: looks of this interval, sampled waits of it, and
 * what was seen before. The first that knows of any holder decides.
 */
enum weighing { BY_LOOKS, BY_SAMPLES, BY_OLD_LOOKS, BY_OLD_SAMPLES, WEIGHINGS };

static uint64_t weigh(const struct lock_holder *h, enum weighing by)
{
	bool looks = by == BY_LOOKS || by == BY_OLD_LOOKS;

	if ((h->source != HELD_AT_START && h->source != HELD_GIL_AT_START &&
	     h->source != HELD_BY_WAKER) != looks)
		return 0;
	return by == BY_LOOKS || by == BY_SAMPLES ? h->wait_ns : h->all_wait_ns;
}

/* A lock that is one of a word's call sites shares the word's holders only if it is the main one.
 */
static const struct holders *holders_of(const struct part *part)
{
	static const struct holders none;

	return !part->site || part->main ? &part->sample->holders : &none;
}

static void fill_holders(struct blame *b, size_t first, size_t n)
{
	struct lock *lock = b->parts->items[first].lock;
	uint64_t sums[WEIGHINGS] = {};
	enum weighing by = BY_LOOKS;
	size_t room = 0;

	for (size_t i = first; i < first + n; i++) {
		const struct holders *h = holders_of(&b->parts->items[i]);

		for (size_t j = 0; j < h->n; j++, room++)
			for (int w = 0; w < WEIGHINGS; w++)
				sums[w] += weigh(&h->items[j], w);
	}
	while (by < WEIGHINGS && !sums[by])
		by++;
	if (by == WEIGHINGS)
		return;
	lock->holders = snapshot__alloc(b->s, room, sizeof(*lock->holders));
	for (size_t i = first; i < first + n; i++) {
		const struct holders *h = holders_of(&b->parts->items[i]);

		for (size_t j = 0; j < h->n; j++)
			if (weigh(&h->items[j], by))
				add_holder(b, lock, &h->items[j],
					   (double)weigh(&h->items[j], by) / sums[by]);
	}
	qsort(lock->holders, lock->n_holders, sizeof(*lock->holders), compare_holders);
}

/* Of a process that is dumped, all threads are rows; and all that spin. */
static void add_others(struct blame *b, size_t room)
{
	struct look_thread *t, *next, *threads = looks__threads(b->looks);

	HASH_ITER (hh, threads, t, next)
		if (t->present && (t->spins_ns || looks__dumps(b->looks, t->now.tgid)))
			row_of(b, t->tid, room);
}

static void fill_waiting(struct blame *b)
{
	for (size_t i = 0; i < b->s->n_threads; i++) {
		struct thread *t = &b->s->threads[i];

		if (t->state != STATE_UNKNOWN || !t->waiting_for)
			continue;
		t->state = STATE_WAITING;
		t->state_ns = t->waiting_ns;
	}
}

/* All of a cycle's threads wait, so they are rows, and their locks too, unless out of scope. */
static void add_deadlock(struct blame *b, const struct deadlock_cycle *c)
{
	struct deadlock *d = &b->s->deadlocks[b->s->n_deadlocks];

	d->threads = snapshot__alloc(b->s, c->n, sizeof(*d->threads));
	for (size_t i = 0; i < c->n; i++) {
		const struct deadlock_wait *next = &c->waits[(i + 1) % c->n];
		struct deadlock_thread *t = &d->threads[i];

		t->thread = find_row(b, c->waits[i].tgid, c->waits[i].tid);
		t->held_by = find_row(b, next->tgid, next->tid);
		t->waits_for = find_lock(b, &c->waits[i].key);
		if (!t->thread || !t->held_by || !t->waits_for)
			return;
	}
	for (size_t i = 0; i < c->n; i++)
		find_lock(b, &c->waits[i].key)->deadlocked = true;
	d->pid = c->waits[0].tgid;
	d->since_ns = deadlock_cycle__age(c, b->now_ns);
	d->n_threads = c->n;
	b->s->n_deadlocks++;
}

static int compare_deadlocks(const void *a, const void *b)
{
	const struct deadlock *x = a, *y = b;

	if (x->since_ns != y->since_ns)
		return x->since_ns > y->since_ns ? -1 : 1;
	return x->threads[0].thread->tid < y->threads[0].thread->tid ? -1 : 1;
}

static void fill_deadlocks(struct blame *b)
{
	const struct deadlocks *from = looks__deadlocks(b->looks);

	b->s->deadlocks = snapshot__alloc(b->s, from->n, sizeof(*b->s->deadlocks));
	for (size_t i = 0; i < from->n; i++)
		if (from->items[i].confirmed)
			add_deadlock(b, &from->items[i]);
	if (b->s->n_deadlocks)
		qsort(b->s->deadlocks, b->s->n_deadlocks, sizeof(*b->s->deadlocks),
		      compare_deadlocks);
}

size_t blame__rows(struct looks *looks)
{
	struct look_thread *threads = looks__threads(looks);

	return HASH_COUNT(threads);
}

void blame(struct snapshot *s, const struct parts *parts, struct looks *looks,
	   struct samples *samples, struct processes *processes)
{
	struct blame b = { .s = s,
			   .parts = parts,
			   .looks = looks,
			   .samples = samples,
			   .processes = processes,
			   .now_ns = looks__time(looks) };
	size_t room = s->n_threads + blame__rows(looks);

	index_rows(&b);
	for (size_t i = 0, n; i < parts->n; i += n) {
		for (n = 1; i + n < parts->n && parts->items[i + n].lock == parts->items[i].lock;
		     n++)
			;
		blame_lock(&b, i, n, room);
		fill_holders(&b, i, n);
	}
	add_others(&b, room);
	fill_waiting(&b);
	fill_deadlocks(&b);
	free_index(&b);
}
