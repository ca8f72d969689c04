// SPDX-License-Identifier: GPL-2.0-only
/* Who holds the locks that a look asks for, and what those threads do. */
#include <errno.h>
#include <stdlib.h>

#include "looks_internal.h"
#include "runtime_python.h"

#define THREADS_MAX 4096 /* asked what they do at one look */

/* Is it told who holds the lock, or that nobody does, by the lock itself? */
static bool tells(const struct look_lock *lock, const struct owner_query *q)
{
	switch (lock->sample->verdict.owner) {
	case OWNER_NONE:
		return false;
	case OWNER_PYTHON:
		return lock->python_told;
	case OWNER_MUSL_MUTEX: /* a normal one records nobody */
		return !q->read || q->word.sound;
	case OWNER_MUSL_RWLOCK: /* nor does one that a writer has */
		return !q->read || q->word.readers;
	default:
		return true;
	}
}

/*
 * Of two calls that come to a free lock at once, both are taken for its owner's. The one that was
 * not waits, though no call was seen to find the lock taken.
 */
static bool waits_unseen(struct looks *l, const struct look_lock *lock,
			 const struct exact_stats *stats)
{
	bool waits = false;
	uint64_t n = 0;

	for (size_t i = 0; i < l->n_waits; i++) {
		if (l->waits[i].lock != lock)
			continue;
		waits |= l->waits[i].open->tid == stats->owner;
		n++;
	}
	return waits && n > stats->waiting;
}

/*
 * Who took the lock last, as the exact tier saw, and has not let it go. Semaphores may be let go by
 * others: only one that is taken once more than it was let go has somebody who holds it, if that
 * thread is not itself waiting for another to do so (a slot that is taken to be filled, emptied by
 * whoever reads it).
 */
static pid_t find_taker(struct looks *l, const struct look_lock *lock)
{
	const struct kind_verdict *v = &lock->sample->verdict;
	struct exact_key key = { .tgid = lock->key.tgid,
				 .gen = lock->key.gen,
				 .addr = lock->key.addr - v->offset };
	bool exact = SIGNATURE_OP(lock->key.signature) & OP_EXACT;
	struct exact_stats stats;

	if (v->by_site || !l->source->ops->exact_lock ||
	    l->source->ops->exact_lock(l->source, &key, &stats))
		return 0;
	if (stats.family != OP_SEM_WAIT)
		return stats.family == OP_MUTEX_LOCK && waits_unseen(l, lock, &stats) ? 0
										      : stats.owner;
	if (stats.calls - stats.releases != 1 || (!exact && owners__shared(&lock->key, v)))
		return 0; /* other processes' calls are not among these */
	for (size_t i = 0; i < l->n_waits; i++)
		if (l->waits[i].lock == lock && l->waits[i].open->tid == stats.owner)
			return 0;
	return stats.owner;
}

/* Who holds it, as the interpreter knows. */
static void ask_python(struct looks *l, struct look_lock *lock)
{
	struct pythons *pythons = l->processes->pythons;
	struct python *py;

	if (lock->sample->verdict.owner != OWNER_PYTHON || !lock->waiters)
		return;
	py = pythons__known(pythons, &lock->process->key);
	if (!py)
		return;
	lock->python = owners__thread(
		l->owners, lock->process,
		pythons__owner(pythons, py, lock->key.addr, &lock->python_told), l->now_ns);
	if (lock->python)
		looks__want(l, lock->python);
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
	for (size_t i = 0; i < l->n_asked; i++) {
		struct look_lock *lock = l->asked[i];

		ask_python(l, lock);
		if (lock->waiters && !tells(lock, &queries[i]))
			lock->taker = find_taker(l, lock);
		if (queries[i].tid || lock->taker)
			looks__want(l, queries[i].tid ? queries[i].tid : lock->taker);
	}
	return queries;
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
	t->spins_ns = 0;
}

/* What the owners do. Without an answer nobody is known to be alive. */
static void ask_threads(struct looks *l)
{
	struct look_thread *t, *next;
	const struct thread_look *found;
	size_t n = 0, unique = 0;

	if (l->n_wanted)
		qsort(l->wanted, l->n_wanted, sizeof(*l->wanted), looks__compare_numbers);
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
		t->spins_ns = l->waits[i].spins ? o->start_ns : 0;
		if (t->now.state == STATE_WAITING)
			t->since_ns = o->start_ns;
	}
}

/* Has the owner's process mapped the memory that the lock lies in? */
static bool shares_memory(struct looks *l, struct sample_key *k, const struct look_thread *t)
{
	struct process_entry *process = looks__process(l, t->now.tgid, t->now.gen);
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

/* Who was seen taking it, or has it by the interpreter, holds it if that thread lives. */
static void settle_thread(struct looks *l, struct look_lock *lock, pid_t tid,
			  enum owner_proof proof)
{
	const struct look_thread *t = tid ? looks__thread(l, tid) : NULL;

	if (lock->owner || !t || !t->present || t->now.state == STATE_EXITED ||
	    t->now.tgid != lock->key.tgid)
		return;
	lock->owner = tid;
	lock->proof = proof;
	lock->number_at = 0;
}

/* A thread of that number holds the lock, or one that has ended did, or the word says nothing. */
static void settle(struct looks *l, struct look_lock *lock, const struct owner_query *q)
{
	struct sample_key *k = lock->sample;
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
		lock->proof = PROOF_LOCK_WORD;
		lock->number = q->word.number;
		lock->number_at = own ? q->number_at : 0;
		lock->number_mask = q->number_mask;
	}
	settle_thread(l, lock, lock->python, PROOF_PYTHON);
	settle_thread(l, lock, lock->taker, PROOF_EXACT);
	missing = q->read && q->word.sound && k->verdict.sure && lock->waiters && !lock->owner &&
				  k->verdict.owner != OWNER_JOIN && l->source->ops->threads
			  ? q->word.number
			  : 0;
	if (missing && !has_ended(l, lock, q->tid, shared))
		missing = 0;
	lock->died = missing && missing == lock->missing ? (pid_t)missing : 0;
	lock->missing = missing;
}

/* Does it matter what the owner does: is it neither on a CPU nor waiting for another lock? */
static bool is_suspect(struct looks *l, const struct look_lock *lock)
{
	const struct look_thread *t =
		lock->owner && lock->waiters ? looks__thread(l, lock->owner) : NULL;

	return t && lock->proof == PROOF_LOCK_WORD && t->now.state != STATE_RUNNING &&
	       t->now.state != STATE_WAITING;
}

/*
 * Words are read before their owners are asked what they do. One that let go in between sleeps on
 * its own account: the words are read again.
 */
static void confirm(struct looks *l, struct owner_query *queries)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n_asked; i++) {
		struct look_lock *lock = l->asked[i];

		lock->moved = false;
		if (is_suspect(l, lock))
			queries[n++] = (struct owner_query){ .key = &lock->key,
							     .verdict = &lock->sample->verdict,
							     .process = lock->process };
	}
	owners__read(l->owners, queries, n, l->now_ns);
	n = 0;
	for (size_t i = 0; i < l->n_asked; i++) {
		struct look_lock *lock = l->asked[i];

		if (!is_suspect(l, lock))
			continue;
		lock->moved = queries[n].read && queries[n].word.number != lock->number;
		n++;
	}
}

void look_owners__find(struct looks *l)
{
	struct owner_query *queries = read_owners(l);

	ask_threads(l);
	for (size_t i = 0; i < l->n_asked; i++)
		settle(l, l->asked[i], &queries[i]);
	confirm(l, queries);
	free(queries);
}
