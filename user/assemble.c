// SPDX-License-Identifier: GPL-2.0-only
#include "assemble.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/* A key and what is known of it, on its way into a lock. */
struct part {
	const struct tally_key *key;
	struct sample_key *sample;
	struct process_entry *process;
	uint64_t object;
	struct lock *lock;
};

struct assembly {
	struct snapshot *s;
	struct tally *tally;
	struct samples *samples;
	struct processes *processes;
	struct part *parts; /* active keys in scope, by process and object */
	size_t n_parts, capacity;
};

static int compare_parts(const void *a, const void *b)
{
	const struct part *x = a, *y = b;
	const struct lock_key *p = &x->key->key, *q = &y->key->key;

	if (p->tgid != q->tgid)
		return p->tgid < q->tgid ? -1 : 1;
	if (p->gen != q->gen)
		return p->gen < q->gen ? -1 : 1;
	if (x->object != y->object)
		return x->object < y->object ? -1 : 1;
	return 0;
}

static bool same_lock(const struct part *x, const struct part *y)
{
	return !compare_parts(x, y);
}

static void collect_parts(struct assembly *a)
{
	struct tally_key *k, *next;

	HASH_ITER (hh, a->tally->keys, k, next) {
		struct process_key key = { .tgid = k->key.tgid, .gen = k->key.gen };
		struct process_entry *process;
		struct part *part;

		if (!tally_key__active(k))
			continue;
		process = processes__get(a->processes, &key, NULL, a->tally->now_ns);
		if (!process->in_scope)
			continue;
		array__grow(a->parts, a->n_parts, a->capacity);
		part = &a->parts[a->n_parts++];
		part->key = k;
		part->process = process;
		part->sample = samples__key(a->samples, &k->key);
		part->object = k->key.addr - part->sample->verdict.offset;
		samples__name(a->samples, part->sample, a->tally->now_ns);
	}
	if (a->n_parts)
		qsort(a->parts, a->n_parts, sizeof(*a->parts), compare_parts);
}

static uint64_t wait_of(const struct tally_key *k)
{
	return k->delta.blocked_ns + k->delta.delay_ns;
}

static void add_part(struct lock *lock, const struct part *part)
{
	const struct tally_key *k = part->key;

	lock->sleeps += k->delta.sleeps;
	lock->blocked_ns += k->delta.blocked_ns;
	lock->delay_ns += k->delta.delay_ns;
	lock->wait_ns += wait_of(k);
	lock->timeouts += k->delta.timeouts;
	lock->waiting += k->open_n;
	lock->max_ns = MAX(lock->max_ns, k->max_ns);
	lock->oldest_ns = MAX(lock->oldest_ns, k->oldest_ns);
	for (int i = 0; i < HIST_BUCKETS; i++)
		lock->hist[i] += k->hist_delta[i];
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

/*
 * Shares among the sites of one role. Samples of this interval decide; where there were none (one
 * long sleep, say), what was seen before stands.
 */
static void fill_sites(struct assembly *a, struct lock *lock, const struct part *parts, size_t n)
{
	uint64_t now[ROLE_COUNT] = {}, before[ROLE_COUNT] = {};
	size_t n_sites = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < parts[i].sample->n_sites; j++) {
			const struct sample_site *site = &parts[i].sample->sites[j];

			now[site->role] += site->wait_ns;
			before[site->role] += site->all_wait_ns;
			n_sites++;
		}
	}
	lock->sites = snapshot__alloc(a->s, n_sites, sizeof(*lock->sites));
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < parts[i].sample->n_sites; j++) {
			const struct sample_site *from = &parts[i].sample->sites[j];
			struct site *to = &lock->sites[lock->n_sites];
			uint64_t part = now[from->role] ? from->wait_ns : from->all_wait_ns;
			uint64_t whole = now[from->role] ? now[from->role] : before[from->role];

			if (!from->samples && !part)
				continue;
			lock->n_sites++;
			to->role = from->role;
			to->samples = from->samples;
			to->share = whole ? (double)part / whole : 0;
			to->wait_ns = to->share * lock->wait_ns;
			to->truncated = from->truncated;
			to->n_frames = from->n_frames;
			to->frames = snapshot__alloc(a->s, from->n_frames, sizeof(*to->frames));
			memcpy(to->frames, from->frames, from->n_frames * sizeof(*to->frames));
		}
	}
	if (lock->n_sites)
		qsort(lock->sites, lock->n_sites, sizeof(*lock->sites), compare_sites);
}

static void make_lock(struct assembly *a, struct lock *lock, struct part *parts, size_t n)
{
	const struct part *main = &parts[0];

	for (size_t i = 0; i < n; i++) {
		add_part(lock, &parts[i]);
		parts[i].lock = lock;
		if (wait_of(parts[i].key) > wait_of(main->key))
			main = &parts[i];
	}
	lock->pid = main->key->key.tgid;
	lock->address = main->object;
	snprintf(lock->id, sizeof(lock->id), "%d:0x%" PRIx64, lock->pid, lock->address);
	lock->comm = snapshot__string(a->s, main->process->comm);
	lock->kind = main->sample->verdict.kind;
	lock->class = main->sample->verdict.class;
	lock->name = main->sample->name;
	lock->name_from = main->sample->name_from;
	lock->where = main->sample->where;
	lock__percentiles(lock);
	fill_sites(a, lock, parts, n);
}

static void make_locks(struct assembly *a)
{
	struct snapshot *s = a->s;

	s->locks = snapshot__alloc(s, a->n_parts, sizeof(*s->locks));
	for (size_t i = 0, n; i < a->n_parts; i += n) {
		for (n = 1; i + n < a->n_parts && same_lock(&a->parts[i], &a->parts[i + n]); n++)
			;
		make_lock(a, &s->locks[s->n_locks++], &a->parts[i], n);
	}
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
	to->threads = from->threads;
	to->ended = from->ended;
}

/* Parts are in the order of their processes, and so are their locks. */
static void make_processes(struct assembly *a)
{
	struct snapshot *s = a->s;
	const struct process_entry *last = NULL;
	const struct lock *done = NULL;

	s->processes = snapshot__alloc(s, a->n_parts, sizeof(*s->processes));
	for (size_t i = 0; i < a->n_parts; i++) {
		const struct lock *lock = a->parts[i].lock;
		struct process *p;

		if (a->parts[i].process != last)
			begin_process(a, &s->processes[s->n_processes++], a->parts[i].process);
		last = a->parts[i].process;
		if (lock == done)
			continue;
		done = lock;
		p = &s->processes[s->n_processes - 1];
		add_totals(lock->class == CLASS_IDLE ? &s->idle : &s->totals, lock);
		if (lock->class == CLASS_IDLE) {
			p->idle_wait_ns += lock->wait_ns;
			continue;
		}
		p->sleeps += lock->sleeps;
		p->wait_ns += lock->wait_ns;
		p->blocked_ns += lock->blocked_ns;
		p->delay_ns += lock->delay_ns;
		p->waiting += lock->waiting;
	}
}

/* One thread's figures on one lock, before threads are made of them. */
struct share {
	const struct tally_wait *wait;
	const struct part *part;
};

static int compare_shares(const void *a, const void *b)
{
	const struct share *x = a, *y = b;

	if (x->wait->tgid != y->wait->tgid)
		return x->wait->tgid < y->wait->tgid ? -1 : 1;
	if (x->wait->id.tid != y->wait->id.tid)
		return x->wait->id.tid < y->wait->id.tid ? -1 : 1;
	return x->part < y->part ? -1 : x->part > y->part;
}

struct part_of_key {
	const struct tally_key *key;
	const struct part *part;
};

static int compare_key_pointers(const void *a, const void *b)
{
	const struct part_of_key *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

static struct share *collect_shares(struct assembly *a, size_t *n)
{
	struct part_of_key *index = xcalloc(a->n_parts, sizeof(*index));
	struct share *shares = NULL;
	struct tally_wait *w, *next;
	size_t capacity = 0;

	*n = 0;
	for (size_t i = 0; i < a->n_parts; i++)
		index[i] = (struct part_of_key){ a->parts[i].key, &a->parts[i] };
	if (a->n_parts)
		qsort(index, a->n_parts, sizeof(*index), compare_key_pointers);
	HASH_ITER (hh, a->tally->waits, w, next) {
		struct part_of_key wanted = { .key = w->id.key }, *found;

		if (!w->waiting && !w->wait_ns && !w->sleeps)
			continue;
		found = a->n_parts ? bsearch(&wanted, index, a->n_parts, sizeof(*index),
					     compare_key_pointers)
				   : NULL;
		if (!found)
			continue;
		array__grow(shares, *n, capacity);
		shares[(*n)++] = (struct share){ w, found->part };
	}
	free(index);
	if (*n)
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
		t->waiting_for = lock;
		t->waiting_ns = w->open_ns;
	}
}

static void make_threads(struct assembly *a)
{
	struct snapshot *s = a->s;
	size_t n;
	struct share *shares = collect_shares(a, &n);

	s->threads = snapshot__alloc(s, n, sizeof(*s->threads));
	s->thread_locks = snapshot__alloc(s, n, sizeof(*s->thread_locks));
	for (size_t i = 0; i < n; i++) {
		const struct tally_wait *w = shares[i].wait;

		if (!i || w->id.tid != shares[i - 1].wait->id.tid ||
		    w->tgid != shares[i - 1].wait->tgid) {
			struct thread *t = &s->threads[s->n_threads++];

			t->pid = w->tgid;
			t->tid = w->id.tid;
			t->comm = snapshot__string(s, w->comm);
			t->process_comm = shares[i].part->lock->comm;
		}
		add_share(a, &s->threads[s->n_threads - 1], &shares[i]);
	}
	free(shares);
}

void assemble(struct snapshot *s, struct tally *t, struct samples *samples,
	      struct processes *processes)
{
	struct assembly a = { .s = s, .tally = t, .samples = samples, .processes = processes };

	collect_parts(&a);
	make_locks(&a);
	make_processes(&a);
	make_threads(&a);
	free(a.parts);
}
