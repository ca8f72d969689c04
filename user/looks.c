// SPDX-License-Identifier: GPL-2.0-only
#include "looks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "graph.h"
#include "look_stacks.h"
#include "util.h"

#define LOOK_NS	      (100 * 1000000ULL) /* between looks, at least ... */
#define LOOK_SHARE    200 /* ... and so many times what one takes: half a percent of a CPU */
#define WEIGHT_MAX_NS (2 * NSEC_PER_SEC) /* a look stands for no more time than this */
#define BUSY_SHARE    100  /* looks between are worth it from 1 % of one thread's time waited on */
#define THREADS_MAX   4096 /* asked what they do at one look */

/* An open sleep, with the lock that it waits for and its place in the graph. */
struct look_wait {
	const struct open_sleep *open;
	struct look_lock *lock;
	uint32_t place;
	bool waits; /* it is blocked, and the word stands for one lock */
};

struct looks {
	struct source *source;
	struct processes *processes;
	struct samples *samples;
	struct owners *owners;
	struct look_stacks stacks;
	struct look_lock *locks;
	struct look_thread *threads;
	struct deadlocks deadlocks;
	const pid_t *dumped; /* processes */
	size_t n_dumped;
	uint64_t then_ns, due_ns;
	bool busy;
	/* of the running look: */
	uint64_t now_ns;
	struct look_wait *waits;
	size_t n_waits, waits_capacity;
	struct look_lock **asked; /* whose owner is wanted; those that are waited for come first */
	size_t n_asked, asked_capacity, n_waited;
	uint64_t *wanted; /* threads to ask about, as the source has them */
	size_t n_wanted, wanted_capacity;
};

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
	free(l->waits);
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

static struct process_entry *process_of(struct looks *l, uint32_t tgid, uint32_t gen)
{
	struct process_key key = { .tgid = tgid, .gen = gen };

	return processes__get(l->processes, &key, NULL, l->now_ns);
}

/* Asks for a lock's owner at this look. */
static struct look_lock *ask(struct looks *l, const struct lock_key *key)
{
	struct look_lock *lock = looks__lock(l, key);

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
	lock->process = process_of(l, key->tgid, key->gen);
	lock->used = true;
	return lock;
}

static void want(struct looks *l, uint64_t key)
{
	array__grow(l->wanted, l->n_wanted, l->wanted_capacity);
	l->wanted[l->n_wanted++] = key;
}

static void begin(struct looks *l, uint64_t now_ns)
{
	struct look_lock *lock, *next;

	l->now_ns = now_ns;
	l->n_waits = l->n_asked = l->n_wanted = l->n_waited = 0;
	HASH_ITER (hh, l->locks, lock, next) {
		lock->place = GRAPH_NONE;
		lock->waiters = 0;
		lock->oldest_start_ns = 0;
		lock->readers = -1;
		lock->owner = 0;
		lock->number = 0;
	}
}

/*
 * Threads that were woken and do not run yet wait for a CPU, no longer for the lock's owner. A word
 * that is known by its call sites stands for many locks.
 */
static void add_wait(struct looks *l, const struct open_sleep *o)
{
	struct look_lock *lock = ask(l, &o->key);
	struct look_wait wait = { .open = o, .lock = lock };

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

/* Reads the words of the locks that were asked for. */
static struct owner_query *read_owners(struct looks *l)
{
	struct owner_query *queries = xcalloc(l->n_asked, sizeof(*queries));

	for (size_t i = 0; i < l->n_asked; i++) {
		queries[i].key = &l->asked[i]->key;
		queries[i].verdict = &l->asked[i]->sample->verdict;
		queries[i].process = l->asked[i]->process;
	}
	owners__read(l->owners, queries, l->n_asked, l->now_ns);
	for (size_t i = 0; i < l->n_asked; i++)
		if (queries[i].tid)
			want(l, queries[i].tid);
	return queries;
}

static int compare_numbers(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void note_thread(struct looks *l, const struct thread_look *now)
{
	struct look_thread *t = looks__thread(l, now->tid);
	bool same;

	if (!t) {
		t = xcalloc(1, sizeof(*t));
		t->tid = now->tid;
		HASH_ADD(hh, l->threads, tid, sizeof(t->tid), t);
	}
	same = t->present && t->now.tgid == now->tgid && t->now.gen == now->gen &&
	       t->now.switches == now->switches && t->now.state == now->state &&
	       now->state != STATE_RUNNING;
	if (!same)
		t->since_ns = 0;
	else if (!t->since_ns)
		t->since_ns = t->now.time_ns;
	t->now = *now;
	t->waits = false;
}

/* What the owners do. Without an answer nobody is known to be alive. */
static void ask_threads(struct looks *l)
{
	struct look_thread *t, *next;
	const struct thread_look *found;
	size_t n = 0, unique = 0;

	if (l->n_wanted)
		qsort(l->wanted, l->n_wanted, sizeof(*l->wanted), compare_numbers);
	for (size_t i = 0; i < l->n_wanted && unique < THREADS_MAX; i++)
		if (!unique || l->wanted[unique - 1] != l->wanted[i])
			l->wanted[unique++] = l->wanted[i];
	if (!l->source->ops->threads ||
	    l->source->ops->threads(l->source, l->wanted, unique, &found, &n))
		n = 0;
	for (size_t i = 0; i < n; i++)
		note_thread(l, &found[i]);
	HASH_ITER (hh, l->threads, t, next)
		t->present = false;
	for (size_t i = 0; i < n; i++)
		looks__thread(l, found[i].tid)->present = true;
	for (size_t i = 0; i < l->n_waits; i++) {
		const struct open_sleep *o = l->waits[i].open;

		t = looks__thread(l, o->tid);
		if (!t || !t->present)
			continue;
		t->waits = true;
		t->waits_for = o->key;
		if (t->now.state == STATE_WAITING)
			t->since_ns = o->start_ns;
	}
}

/* Has the owner's process mapped the memory that the lock lies in? */
static bool shares_memory(struct looks *l, struct sample_key *k, const struct look_thread *t)
{
	struct process_entry *process = process_of(l, t->now.tgid, t->now.gen);
	const struct maps *maps;

	if (!k->looked_up)
		samples__name(l->samples, k, l->now_ns); /* else it waits for the interval's end */
	if (!k->shared.inode)
		return false;
	maps = processes__maps(l->processes, process, 0, false, l->now_ns);
	for (size_t i = 0; maps && i < maps->n; i++) {
		const struct mapping *m = &maps->items[i];

		if (m->shared && m->inode == k->shared.inode &&
		    ((uint64_t)m->dev_major << 32 | m->dev_minor) == k->shared.device)
			return true;
	}
	return false;
}

/*
 * Has the thread that a lock names ended? A thread that the source says nothing of may have been
 * left out: there was no room for it, or the look was cut short. Then /proc is asked.
 */
static bool has_ended(struct looks *l, const struct look_lock *lock, pid_t tid, bool shared)
{
	const struct look_thread *t = looks__thread(l, tid);
	struct proc_info info;
	int err;

	if (t && t->present)
		return t->now.state == STATE_EXITED || !shared;
	if (!tid)
		return true;
	err = proc__info(l->stacks.proc, tid, &info);
	return err ? err == -ESRCH : !shared && info.tgid != (pid_t)lock->key.tgid;
}

/* A thread of that number holds the lock, or one that has ended did, or the word says nothing. */
static void settle(struct looks *l, struct look_lock *lock, const struct owner_query *q)
{
	struct sample_key *k = samples__key(l->samples, &lock->key);
	struct look_thread *t = q->tid ? looks__thread(l, q->tid) : NULL;
	bool own, alive, shared = owners__shared(&lock->key, &k->verdict), foreign = false;
	uint32_t missing;

	lock->readers = q->read ? q->word.readers : -1;
	alive = t && t->present && t->now.state != STATE_EXITED;
	own = alive && t->now.tgid == lock->key.tgid;
	if (alive && !own && shared)
		foreign = shares_memory(l, k, t);
	if (own || foreign) {
		lock->owner = q->tid;
		lock->number = q->word.number;
		lock->number_at = own ? q->number_at : 0;
		lock->number_mask = q->number_mask;
	}
	missing = q->read && q->word.sound && k->verdict.sure && lock->waiters && !lock->owner &&
				  k->verdict.owner != OWNER_JOIN && l->source->ops->threads
			  ? q->word.number
			  : 0;
	if (missing && !has_ended(l, lock, q->tid, shared))
		missing = 0;
	lock->died = missing && missing == lock->missing ? (pid_t)missing : 0;
	lock->missing = missing;
}

/* Places of threads in the graph: all that wait, and all that hold. */
static uint32_t place_of(const uint64_t *tids, size_t n, uint64_t tid)
{
	const uint64_t *found = bsearch(&tid, tids, n, sizeof(*tids), compare_numbers);

	return found ? (uint32_t)(found - tids) : GRAPH_NONE;
}

static size_t number_threads(struct looks *l, uint64_t **ret)
{
	uint64_t *tids = xcalloc(l->n_waits + l->n_asked, sizeof(*tids));
	size_t n = 0, unique = 0;

	for (size_t i = 0; i < l->n_waits; i++)
		tids[n++] = l->waits[i].open->tid;
	for (size_t i = 0; i < l->n_asked; i++)
		if (l->asked[i]->owner)
			tids[n++] = l->asked[i]->owner;
	if (n)
		qsort(tids, n, sizeof(*tids), compare_numbers);
	for (size_t i = 0; i < n; i++)
		if (!unique || tids[unique - 1] != tids[i])
			tids[unique++] = tids[i];
	for (size_t i = 0; i < l->n_waits; i++)
		l->waits[i].place = place_of(tids, unique, l->waits[i].open->tid);
	*ret = tids;
	return unique;
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

static void judge(struct looks *l, uint64_t passed_ns)
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

/* The rest of a look, when all that is asked for is known. */
static void take(struct looks *l)
{
	uint64_t passed = l->then_ns && l->now_ns > l->then_ns ? l->now_ns - l->then_ns : 0;
	struct owner_query *queries = read_owners(l);

	passed = MIN(passed, WEIGHT_MAX_NS);
	ask_threads(l);
	for (size_t i = 0; i < l->n_asked; i++)
		settle(l, l->asked[i], &queries[i]);
	free(queries);
	judge(l, passed);
	for (size_t i = 0; i < l->n_waits; i++) {
		const struct look_lock *lock = l->waits[i].lock;

		samples__open(l->samples, lock->sample, l->waits[i].open, lock->owner, l->now_ns);
	}
	look_stacks__take(&l->stacks, l, l->asked, l->n_waited, passed, l->now_ns);
	if (l->n_dumped)
		look_stacks__dump(&l->stacks, l, l->dumped, l->n_dumped, l->now_ns);
	l->then_ns = l->now_ns;
}

static void schedule(struct looks *l, uint64_t begun_ns)
{
	uint64_t now = util__monotonic_ns(), cost = now > begun_ns ? now - begun_ns : 0;

	l->due_ns = now + MAX(LOOK_NS, cost * LOOK_SHARE);
}

static void add_waits(struct looks *l, const struct look *look)
{
	begin(l, look->now_ns);
	for (size_t i = 0; i < look->n_open; i++)
		add_wait(l, &look->open[i]);
	l->n_waited = l->n_asked;
}

void looks__interval(struct looks *l, const struct look *look, struct tally *tally)
{
	uint64_t begun = util__monotonic_ns(), length = tally->now_ns - tally->then_ns, wait = 0;
	struct tally_key *t, *next;

	add_waits(l, look);
	HASH_ITER (hh, tally->keys, t, next) {
		const struct kind_verdict *v;

		if (!tally_key__active(t))
			continue;
		v = &samples__key(l->samples, &t->key)->verdict;
		if (v->class == CLASS_IDLE || v->by_site)
			continue;
		wait += t->delta.blocked_ns + t->delta.delay_ns;
		if (v->owner != OWNER_NONE)
			ask(l, &t->key);
		else if (t->last_waker)
			want(l, t->last_waker);
	}
	l->busy = wait > length / BUSY_SHARE;
	take(l);
	schedule(l, begun);
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
	uint64_t begun = util__monotonic_ns();
	struct look look;
	int err = l->source->ops->look ? l->source->ops->look(l->source, &look) : -ENOTSUP;

	if (err)
		return err;
	add_waits(l, &look);
	for (size_t i = 0; i < l->n_dumped; i++)
		want(l, l->dumped[i] | WATCH_PROCESS);
	take(l);
	schedule(l, begun);
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
