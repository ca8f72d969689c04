// SPDX-License-Identifier: GPL-2.0-only
#include "looks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "looks_internal.h"
#include "runtime_python.h"

#define LOOK_NS	      (100 * 1000000ULL) /* between looks, at least ... */
#define LOOK_SHARE    200 /* ... and so many times what one takes: half a percent of a CPU */
#define WEIGHT_MAX_NS (2 * NSEC_PER_SEC) /* a look stands for no more time than this */
#define BUSY_SHARE    100 /* looks between are worth it from 1 % of one thread's time waited on */

struct looks *looks__new(struct source *source, struct processes *processes,
			 struct samples *samples, struct owners *owners, struct proc *proc)
{
	struct looks *l = xcalloc(1, sizeof(*l));

	l->source = source;
	l->processes = processes;
	l->samples = samples;
	l->owners = owners;
	l->busy = true;
	look_stacks__init(&l->stacks, source, processes, samples, proc);
	return l;
}

static void drop_lock(struct looks *l, struct look_lock *lock)
{
	if (lock->place != GRAPH_NONE) /* the latest look asked for it */
		recall__forget(&l->sleepers);
	HASH_DELETE(hh, l->locks, lock);
	free(lock->roots);
	free(lock);
}

static void drop_thread(struct looks *l, struct look_thread *t)
{
	HASH_DELETE(hh, l->threads, t);
	free(t->stack.frames);
	free(t);
}

void looks__free(struct looks *l)
{
	struct look_lock *lock, *next_lock;
	struct look_thread *t, *next_thread;

	if (!l)
		return;
	HASH_ITER (hh, l->locks, lock, next_lock)
		drop_lock(l, lock);
	HASH_ITER (hh, l->threads, t, next_thread)
		drop_thread(l, t);
	deadlocks__done(&l->deadlocks);
	look_stacks__done(&l->stacks);
	recall__done(&l->sleepers);
	free(l->waits);
	free(l->spins);
	free(l->asked);
	free(l->wanted);
	free(l);
}

struct look_lock *looks__lock(struct looks *l, const struct lock_key *key)
{
	struct look_lock *lock;

	HASH_FIND(hh, l->locks, key, sizeof(*key), lock);
	return lock;
}

struct look_thread *looks__thread(struct looks *l, pid_t tid)
{
	uint32_t key = tid;
	struct look_thread *t;

	HASH_FIND(hh, l->threads, &key, sizeof(key), t);
	return t;
}

const struct deadlocks *looks__deadlocks(const struct looks *l)
{
	return &l->deadlocks;
}

uint64_t looks__time(const struct looks *l)
{
	return l->now_ns;
}

struct process_entry *looks__process(struct looks *l, uint32_t tgid, uint32_t gen)
{
	struct process_key key = { .tgid = tgid, .gen = gen };

	return processes__get(l->processes, &key, NULL, l->now_ns);
}

void looks__want(struct looks *l, uint64_t key)
{
	array__grow(l->wanted, l->n_wanted, l->wanted_capacity);
	l->wanted[l->n_wanted++] = key;
}

int looks__compare_numbers(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Asks for a lock's owner at this look. known: perhaps it; may be NULL. */
static struct look_lock *ask(struct looks *l, const struct lock_key *key, struct look_lock *known)
{
	struct look_lock *lock =
		known && !memcmp(&known->key, key, sizeof(*key)) ? known : looks__lock(l, key);

	if (!lock) {
		lock = xcalloc(1, sizeof(*lock));
		lock->key = *key;
		lock->last_readers = -1;
		lock->place = GRAPH_NONE;
		HASH_ADD(hh, l->locks, key, sizeof(lock->key), lock);
	}
	if (lock->place != GRAPH_NONE)
		return lock;
	array__grow(l->asked, l->n_asked, l->asked_capacity);
	lock->place = l->n_asked;
	l->asked[l->n_asked++] = lock;
	lock->sample = samples__key(l->samples, key);
	lock->process = looks__process(l, key->tgid, key->gen);
	lock->used = true;
	return lock;
}

static void begin(struct looks *l, uint64_t now_ns)
{
	struct look_lock *lock, *next;

	l->now_ns = now_ns;
	pythons__look(l->processes->pythons, now_ns);
	l->n_waits = l->n_asked = l->n_wanted = l->n_waited = 0;
	recall__begin(&l->sleepers);
	HASH_ITER (hh, l->locks, lock, next) {
		lock->place = GRAPH_NONE;
		lock->waiters = 0;
		lock->oldest_start_ns = 0;
		lock->readers = -1;
		lock->owner = lock->taker = lock->python = 0;
		lock->python_told = false;
		lock->number = 0;
	}
}

/*
 * Threads that were woken and do not run yet wait for a CPU, no longer for the lock's owner. A word
 * that is known by its call sites stands for many locks.
 */
static void add_wait(struct looks *l, const struct open_sleep *o, bool spins)
{
	struct look_lock *lock = ask(l, &o->key, spins ? NULL : recall__find(&l->sleepers, o->tid));
	struct look_wait wait = { .open = o, .lock = lock, .spins = spins };

	if (!spins)
		recall__note(&l->sleepers, o->tid, lock);
	if (!lock->process->in_scope)
		return;
	wait.waits = !lock->sample->verdict.by_site && !o->woken_ns;
	lock->waiters += wait.waits;
	if (!lock->oldest_start_ns || o->start_ns < lock->oldest_start_ns) {
		lock->oldest_start_ns = o->start_ns;
		lock->oldest_tid = o->tid;
		lock->oldest_sequence = o->sequence;
	}
	array__grow(l->waits, l->n_waits, l->waits_capacity);
	l->waits[l->n_waits++] = wait;
}

/*
 * Threads that spin wait like others, but are no sleepers: they have no figures and no stack at
 * rest. They are asked what they do, for nothing else tells of them.
 */
static void add_spins(struct looks *l, const struct look *look)
{
	if (look->n_spinning > l->spins_capacity) {
		free(l->spins);
		l->spins = xcalloc(look->n_spinning, sizeof(*l->spins));
		l->spins_capacity = look->n_spinning;
	}
	for (size_t i = 0; i < look->n_spinning; i++) {
		const struct open_call *from = &look->spinning[i];
		struct open_sleep *to = &l->spins[i];

		*to = (struct open_sleep){ .key = { .tgid = from->key.tgid,
						    .gen = from->key.gen,
						    .addr = from->key.addr },
					   .start_ns = from->start_ns,
					   .tid = from->tid,
					   .sequence = from->sequence };
		to->key.signature = SIGNATURE(OP_EXACT | exact_family(from->op), 0);
		add_wait(l, to, true);
		looks__want(l, from->tid);
	}
}

/* The time since the look before is charged to who holds now: looks come at no special moments. */
static void charge_holders(struct looks *l, uint64_t passed_ns)
{
	static const enum holder_source sources[PROOF_COUNT] = {
		[PROOF_LOCK_WORD] = HELD_AT_LOOKS,
		[PROOF_EXACT] = HELD_BY_CALLS,
		[PROOF_PYTHON] = HELD_BY_PYTHON,
	};

	for (size_t i = 0; i < l->n_waited; i++) {
		const struct look_lock *lock = l->asked[i];

		if (lock->waiters && lock->owner)
			holders__credit(&lock->sample->holders, lock->owner, sources[lock->proof],
					lock->waiters * passed_ns, true);
	}
}

/*
 * The rest of a look, when all that is asked for is known. What stacks tell of the locks is wanted
 * before their owners are asked for; reading them has bounds of its own and does not count as cost
 * of the look.
 */
static void take(struct looks *l)
{
	uint64_t passed = l->then_ns && l->now_ns > l->then_ns ? l->now_ns - l->then_ns : 0;
	uint64_t begun;

	passed = MIN(passed, WEIGHT_MAX_NS);
	for (size_t i = 0; i < l->n_waits; i++)
		if (!l->waits[i].spins)
			samples__open(l->samples, l->waits[i].lock->sample, l->waits[i].open,
				      l->now_ns);
	begun = util__cpu_ns();
	look_owners__find(l);
	look_graph__judge(l, passed);
	charge_holders(l, passed);
	l->cost_ns += util__cpu_ns() - begun;
	look_stacks__take(&l->stacks, l, l->asked, l->n_waited, passed, l->now_ns);
	if (l->n_dumped)
		look_stacks__dump(&l->stacks, l, l->dumped, l->n_dumped, l->now_ns);
	l->then_ns = l->now_ns;
	l->due_ns = util__monotonic_ns() + MAX(LOOK_NS, l->cost_ns * LOOK_SHARE);
}

static void add_waits(struct looks *l, const struct look *look)
{
	uint64_t begun = util__cpu_ns();

	begin(l, look->now_ns);
	for (size_t i = 0; i < look->n_open; i++)
		add_wait(l, &look->open[i], false);
	recall__end(&l->sleepers);
	add_spins(l, look);
	l->n_waited = l->n_asked;
	l->cost_ns = look->cost_ns + util__cpu_ns() - begun;
}

void looks__interval(struct looks *l, const struct look *look, struct tally *tally)
{
	uint64_t length = tally->now_ns - tally->then_ns, wait = 0;
	struct tally_key *t, *next;

	add_waits(l, look);
	HASH_ITER (hh, tally->keys, t, next) {
		const struct kind_verdict *v;

		if (t->exact || !tally_key__active(t))
			continue;
		v = &samples__key(l->samples, &t->key)->verdict;
		if (v->class == CLASS_IDLE || v->by_site)
			continue;
		wait += t->delta.blocked_ns + t->delta.delay_ns;
		if (v->owner != OWNER_NONE)
			ask(l, &t->key, NULL);
		else if (t->last_waker)
			looks__want(l, t->last_waker);
	}
	l->busy = wait > length / BUSY_SHARE || look->n_spinning;
	take(l);
}

void looks__dump(struct looks *l, const pid_t *pids, size_t n)
{
	l->dumped = pids;
	l->n_dumped = n;
}

bool looks__dumps(const struct looks *l, pid_t pid)
{
	for (size_t i = 0; i < l->n_dumped; i++)
		if (l->dumped[i] == pid)
			return true;
	return false;
}

struct look_thread *looks__threads(struct looks *l)
{
	return l->threads;
}

int looks__now(struct looks *l, struct look *ret)
{
	struct look look;
	int err = l->source->ops->look ? l->source->ops->look(l->source, &look) : -ENOTSUP;

	if (err)
		return err;
	add_waits(l, &look);
	for (size_t i = 0; i < l->n_dumped; i++)
		looks__want(l, l->dumped[i] | WATCH_PROCESS);
	take(l);
	if (ret)
		*ret = look;
	return 0;
}

uint64_t looks__tick(struct looks *l, uint64_t now_ns)
{
	if (!l->busy || !l->source->ops->look)
		return UINT64_MAX;
	if (now_ns >= l->due_ns && looks__now(l, NULL))
		l->busy = false;
	return l->due_ns > now_ns ? l->due_ns - now_ns : 0;
}

void looks__event(struct looks *l, const struct stack_event *e)
{
	look_stacks__event(&l->stacks, l, l->locks, e);
}

void looks__next_interval(struct looks *l)
{
	struct look_lock *lock, *next_lock;
	struct look_thread *t, *next_thread;

	HASH_ITER (hh, l->locks, lock, next_lock) {
		if (!lock->used) {
			drop_lock(l, lock);
			continue;
		}
		lock->used = false;
		lock->n_roots = 0;
		memset(&lock->looks, 0, sizeof(lock->looks));
		memset(lock->calls, 0, sizeof(lock->calls));
	}
	HASH_ITER (hh, l->threads, t, next_thread)
		if (!t->present)
			drop_thread(l, t);
}
