// SPDX-License-Identifier: GPL-2.0-only
#include "assemble.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assemble_exact.h"
#include "assemble_python.h"
#include "blame.h"
#include "runtime_python.h"
#include "util.h"
#include "verdicts.h"

struct assembly {
	struct snapshot *s;
	struct tally *tally;
	struct samples *samples;
	struct processes *processes;
	struct parts parts;
	size_t rows; /* of threads, beside those that waited */
};

static uint64_t wait_of(const struct part *part)
{
	return part->sums.blocked_ns + part->sums.delay_ns;
}

static void add_part(struct lock *lock, const struct part *part)
{
	lock->sleeps += part->sums.sleeps;
	lock->blocked_ns += part->sums.blocked_ns;
	lock->delay_ns += part->sums.delay_ns;
	lock->wait_ns += wait_of(part);
	lock->timeouts += part->sums.timeouts;
	lock->waiting += part->open_n;
	lock->max_ns = MAX(lock->max_ns, part->max_ns);
	lock->oldest_ns = MAX(lock->oldest_ns, part->oldest_ns);
	for (int i = 0; i < HIST_BUCKETS; i++)
		lock->hist[i] += part->hist[i];
	if (part->key->exact)
		assemble_exact__add(lock, part->key);
}

static int compare_sites(const void *a, const void *b)
{
	const struct site *x = a, *y = b;

	if (x->role != y->role)
		return x->role < y->role ? -1 : 1;
	if (x->share != y->share)
		return x->share > y->share ? -1 : 1;
	return 0;
}

/* Where a stack is, or will be, in the lock's sites. */
static size_t find_hash(const uint64_t *hashes, const struct lock *lock,
			const struct sample_site *site)
{
	size_t i = 0;

	while (i < lock->n_sites && (hashes[i] != site->hash || lock->sites[i].role != site->role))
		i++;
	return i;
}

/* held: holders are weighed by how long they hold it, not by the waits of others. */
static bool is_of_part(const struct sample_site *site, const struct part *part, bool held)
{
	if (site->role == ROLE_HOLDER && held && !part->key->exact)
		return false;
	if (!part->site)
		return true;
	if (site->role != ROLE_WAITER)
		return part->main;
	return site->has_place && site_place__equal(&site->place, &part->site->place);
}

/*
 * Shares among the sites of one role. Samples of this interval decide; where there were none (one
 * long sleep, say), what was seen before stands.
 */
static void fill_sites(struct assembly *a, struct lock *lock, const struct part *parts, size_t n)
{
	uint64_t now[ROLE_COUNT] = {}, before[ROLE_COUNT] = {};
	bool held = assemble_exact__has_holders(parts, n);
	uint64_t *hashes;
	size_t n_sites = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < parts[i].sample->sites.n; j++) {
			const struct sample_site *site = &parts[i].sample->sites.items[j];

			if (!is_of_part(site, &parts[i], held))
				continue;
			now[site->role] += site->wait_ns;
			before[site->role] += site->all_wait_ns;
			n_sites++;
		}
	}
	lock->sites = snapshot__alloc(a->s, n_sites, sizeof(*lock->sites));
	hashes = xcalloc(n_sites, sizeof(*hashes));
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < parts[i].sample->sites.n; j++) {
			const struct sample_site *from = &parts[i].sample->sites.items[j];
			size_t at = find_hash(hashes, lock, from);
			struct site *to = &lock->sites[at];
			uint64_t part = now[from->role] ? from->wait_ns : from->all_wait_ns;
			uint64_t whole = now[from->role] ? now[from->role] : before[from->role];

			if (!is_of_part(from, &parts[i], held) || (!from->samples && !part))
				continue;
			to->samples += from->samples;
			to->share += whole ? (double)part / whole : 0;
			to->wait_ns = to->share * lock->wait_ns;
			if (at < lock->n_sites)
				continue; /* the same stack, waiting on another word of it */
			hashes[lock->n_sites++] = from->hash;
			to->role = from->role;
			to->truncated = from->truncated;
			to->n_frames = from->n_frames;
			to->frames = snapshot__alloc(a->s, from->n_frames, sizeof(*to->frames));
			memcpy(to->frames, from->frames, from->n_frames * sizeof(*to->frames));
		}
	}
	free(hashes);
	if (lock->n_sites)
		qsort(lock->sites, lock->n_sites, sizeof(*lock->sites), compare_sites);
}

/* A word that is slept on tells more than calls do. */
static bool tells_more(const struct part *a, const struct part *b)
{
	if (!a->key->exact != !b->key->exact)
		return !a->key->exact;
	return wait_of(a) > wait_of(b);
}

/* Of a lock that no waiter was sampled at, its holders know where it is used. */
static void name_after_others(struct lock *lock, const struct part *parts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct sample_key *k = parts[i].sample;

		if (!lock->where)
			lock->where = k->where;
		if (!lock->name) {
			lock->name = k->name;
			lock->name_from = k->name_from;
		}
	}
}

static void make_lock(struct assembly *a, struct lock *lock, struct part *parts, size_t n)
{
	struct part *main = &parts[0];
	pid_t pid = 0;

	for (size_t i = 0; i < n; i++) {
		add_part(lock, &parts[i]);
		parts[i].lock = lock;
		if (tells_more(&parts[i], main))
			main = &parts[i];
	}
	lock->pid = main->id.pid;
	lock->address = main->id.address;
	snprintf(lock->id, sizeof(lock->id), "%d:0x%" PRIx64, lock->pid, lock->address);
	lock->comm = snapshot__string(a->s, main->process->comm);
	lock->kind = main->sample->verdict.kind;
	lock->class = main->sample->verdict.class;
	lock->name = main->sample->name;
	lock->name_from = main->sample->name_from;
	lock->where = main->sample->where;
	if (main->site) {
		if (main->site->judged) {
			lock->kind = main->site->kind;
			lock->class = main->site->class;
		}
		lock->name = samples__site_name(a->samples, main->sample, main->site,
						&lock->name_from, &lock->where);
	}
	name_after_others(lock, parts, n);
	for (size_t i = 0; i < n; i++) { /* sorted by process within the lock */
		lock->processes += parts[i].process->key.tgid != (uint32_t)pid;
		pid = parts[i].process->key.tgid;
	}
	lock__percentiles(lock);
	fill_sites(a, lock, parts, n);
}

static void make_locks(struct assembly *a)
{
	struct snapshot *s = a->s;
	struct part *parts = a->parts.items;

	s->locks = snapshot__alloc(s, a->parts.n, sizeof(*s->locks));
	for (size_t i = 0, n; i < a->parts.n; i += n) {
		for (n = 1; i + n < a->parts.n && parts__same_lock(&parts[i], &parts[i + n]); n++)
			;
		make_lock(a, &s->locks[s->n_locks++], &parts[i], n);
	}
	for (size_t i = 0; i < a->parts.n; i++)
		if (!i || parts[i].lock != parts[i - 1].lock)
			assemble_python__lock(&a->parts, &parts[i], a->processes->pythons);
}

static void add_totals(struct totals *to, const struct lock *lock)
{
	to->sleeps += lock->sleeps;
	to->wait_ns += lock->wait_ns;
	to->blocked_ns += lock->blocked_ns;
	to->delay_ns += lock->delay_ns;
	to->waiting += lock->waiting;
}

static void begin_process(struct assembly *a, struct process *to, const struct process_entry *from)
{
	to->pid = from->key.tgid;
	to->gen = from->key.gen;
	to->comm = snapshot__string(a->s, from->comm);
	to->user = from->uid_known
			   ? snapshot__string(a->s, proc__user(a->processes->proc, from->uid))
			   : NULL;
	to->cgroup = snapshot__string(a->s, from->cgroup);
	to->runtime = snapshot__string(a->s, pythons__title(a->processes->pythons, &from->key));
	to->threads = from->threads;
	to->ended = from->ended;
	to->calls_known = from->futex_seen;
	to->futex_calls = from->futex_delta.calls;
	to->futex_again = from->futex_delta.again;
	to->futex_wakes = from->futex_delta.wakes;
	to->futex_idle_wakes = from->futex_delta.idle_wakes;
}

static int compare_processes(const void *a, const void *b)
{
	const struct part *x = *(const struct part *const *)a, *y = *(const struct part *const *)b;
	const struct process_key *p = &x->process->key, *q = &y->process->key;

	if (p->tgid != q->tgid)
		return p->tgid < q->tgid ? -1 : 1;
	return p->gen < q->gen ? -1 : p->gen > q->gen;
}

static void add_to_process(struct process *p, const struct part *part)
{
	if (part->lock->class == CLASS_IDLE) {
		p->idle_wait_ns += wait_of(part);
		return;
	}
	p->sleeps += part->sums.sleeps;
	p->wait_ns += wait_of(part);
	p->blocked_ns += part->sums.blocked_ns;
	p->delay_ns += part->sums.delay_ns;
	p->waiting += part->open_n;
}

/* By parts, not by locks: a lock may be several processes'. */
static void make_processes(struct assembly *a)
{
	const struct part **by_process = xcalloc(a->parts.n, sizeof(*by_process));
	struct snapshot *s = a->s;

	for (size_t i = 0; i < a->parts.n; i++)
		by_process[i] = &a->parts.items[i];
	if (a->parts.n)
		qsort(by_process, a->parts.n, sizeof(*by_process), compare_processes);
	s->processes = snapshot__alloc(s, a->parts.n, sizeof(*s->processes));
	for (size_t i = 0; i < a->parts.n; i++) {
		if (!i || compare_processes(&by_process[i - 1], &by_process[i]))
			begin_process(a, &s->processes[s->n_processes++], by_process[i]->process);
		add_to_process(&s->processes[s->n_processes - 1], by_process[i]);
	}
	free(by_process);
	for (size_t i = 0; i < s->n_locks; i++)
		add_totals(s->locks[i].class == CLASS_IDLE ? &s->idle : &s->totals, &s->locks[i]);
}

/* One thread's figures on one lock, before threads are made of them. */
struct share {
	uint32_t tgid, tid; /* of `wait`, at hand for sorting */
	const struct tally_wait *wait;
	const struct part *part, *current;
};

static int compare_shares(const void *a, const void *b)
{
	const struct share *x = a, *y = b;

	if (x->tgid != y->tgid)
		return x->tgid < y->tgid ? -1 : 1;
	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return x->part < y->part ? -1 : x->part > y->part;
}

/* The parts of a key that its threads' figures go to: of waits that ended, and of the open one. */
static void find_parts(struct assembly *a)
{
	struct tally_key *k, *next;

	HASH_ITER (hh, a->tally->keys, k, next)
		k->part = k->current = NULL;
	for (size_t i = 0; i < a->parts.n; i++) {
		const struct part *part = &a->parts.items[i];

		if (part->main)
			part->key->part = part;
		if (part->current)
			part->key->current = part;
	}
}

static struct share *collect_shares(struct assembly *a, size_t *n)
{
	struct share *shares = xrealloc(NULL, HASH_COUNT(a->tally->waits), sizeof(*shares));
	struct tally_wait *w, *next;
	bool sorted = true; /* they are, while no thread slept a second time */

	*n = 0;
	find_parts(a);
	HASH_ITER (hh, a->tally->waits, w, next) {
		const struct tally_key *k = w->id.key;

		if (!k->part || (!w->waiting && !w->wait_ns && !w->sleeps))
			continue;
		shares[(*n)++] = (struct share){ .tgid = w->tgid,
						 .tid = w->id.tid,
						 .wait = w,
						 .part = k->part,
						 .current = k->current };
		sorted &= *n < 2 || compare_shares(&shares[*n - 2], &shares[*n - 1]) <= 0;
	}
	if (!sorted)
		qsort(shares, *n, sizeof(*shares), compare_shares);
	return shares;
}

static void add_share(struct assembly *a, struct thread *t, const struct share *share)
{
	const struct tally_wait *w = share->wait;
	struct lock *lock = share->part->lock;
	struct thread_lock *tl = &a->s->thread_locks[a->s->n_thread_locks];

	if (a->s->n_thread_locks && tl[-1].thread == t && tl[-1].lock == lock)
		tl--; /* another word of the same lock */
	else
		a->s->n_thread_locks++;
	tl->thread = t;
	tl->lock = lock;
	tl->sleeps += w->sleeps;
	tl->wait_ns += w->wait_ns;
	if (lock->class == CLASS_IDLE) {
		t->idle_wait_ns += w->wait_ns;
	} else {
		t->sleeps += w->sleeps;
		t->wait_ns += w->wait_ns;
	}
	if (w->waiting) {
		t->waiting_for = share->current ? share->current->lock : lock;
		t->waiting_ns = w->open_ns;
	}
}

static void make_threads(struct assembly *a)
{
	struct snapshot *s = a->s;
	size_t n;
	struct share *shares = collect_shares(a, &n);

	/* with room for owners: a thread that holds a lock need not have waited */
	s->threads = snapshot__alloc(s, n + a->rows, sizeof(*s->threads));
	s->thread_locks = snapshot__alloc(s, n, sizeof(*s->thread_locks));
	for (size_t i = 0; i < n; i++) {
		const struct tally_wait *w = shares[i].wait;

		if (!i || w->id.tid != shares[i - 1].wait->id.tid ||
		    w->tgid != shares[i - 1].wait->tgid) {
			struct thread *t = &s->threads[s->n_threads++];
			bool same = i && !strcmp(t[-1].comm, w->comm); /* as in a pool */

			t->pid = w->tgid;
			t->tid = w->id.tid;
			t->comm = same ? t[-1].comm : snapshot__string(s, w->comm);
			t->process_comm = shares[i].part->lock->comm;
		}
		add_share(a, &s->threads[s->n_threads - 1], &shares[i]);
	}
	free(shares);
}

void assemble(struct snapshot *s, struct identities *identities, struct tally *t,
	      struct samples *samples, struct processes *processes, struct looks *looks,
	      struct sleeps *sleeps)
{
	struct assembly a = { .s = s,
			      .tally = t,
			      .samples = samples,
			      .processes = processes,
			      .rows = blame__rows(looks) };

	parts__collect(&a.parts, identities, t, samples, processes);
	make_locks(&a);
	make_processes(&a);
	make_threads(&a);
	blame(s, &a.parts, looks, samples, processes);
	if (sleeps)
		sleeps__fill(sleeps, s, &a.parts, t);
	assemble_python__threads(s, processes->pythons);
	assemble_python__states(s, &a.parts, processes->pythons);
	verdicts__judge(s);
	parts__done(&a.parts);
}
