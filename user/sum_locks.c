// SPDX-License-Identifier: GPL-2.0-only
/* A lock's figures, sites and holders over several intervals. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sum_internal.h"
#include "util.h"

static bool is_rwlock(enum lock_kind kind)
{
	return kind == KIND_RWLOCK_READ || kind == KIND_RWLOCK_WRITE;
}

/*
 * What a lock is may be found out after its first interval, and a rwlock is named after those who
 * waited most. Any other kind at the address is another lock: its memory was used again.
 */
static bool is_same(const struct lock *known, const struct lock *from)
{
	return known->kind == from->kind || known->kind == KIND_FUTEX || from->kind == KIND_FUTEX ||
	       (is_rwlock(known->kind) && is_rwlock(from->kind));
}

static struct sum_lock *find(struct sum *sum, const struct sum_lock_key *key,
			     const struct lock *from)
{
	struct sum_lock *l, *found = NULL;

	HASH_FIND(hh, sum->locks, key, sizeof(*key), l);
	for (; l; l = l->next) {
		if (l->stamp == sum->n)
			continue; /* two rows of one interval stay two */
		if (l->row.kind == from->kind)
			return l;
		if (!found && is_same(&l->row, from))
			found = l;
	}
	return found;
}

static struct sum_lock *create(struct sum *sum, const struct sum_lock_key *key,
			       const struct lock *from)
{
	struct sum_lock *l = xcalloc(1, sizeof(*l)), *first;

	l->key = *key;
	memcpy(l->row.id, from->id, sizeof(l->row.id));
	l->row.pid = from->pid;
	l->row.address = from->address;
	l->row.kind = from->kind;
	l->row.class = from->class;
	HASH_FIND(hh, sum->locks, key, sizeof(*key), first);
	if (first) {
		l->next = first->next;
		first->next = l;
	} else {
		HASH_ADD(hh, sum->locks, key, sizeof(l->key), l);
	}
	*sum->end_lock = l;
	sum->end_lock = &l->after;
	return l;
}

/* The interval in which most was waited says what it is, if it knows. */
static void tell(struct sum *sum, struct sum_lock *l, const struct lock *from)
{
	struct lock *to = &l->row;
	bool more = from->wait_ns >= l->told_ns;

	if (from->kind != KIND_FUTEX && (more || to->kind == KIND_FUTEX)) {
		to->kind = from->kind;
		to->class = from->class;
	}
	if (from->comm)
		to->comm = sum__text(sum, from->comm);
	if (from->name && (more || !to->name)) {
		to->name = sum__text(sum, from->name);
		to->name_from = sum__text(sum, from->name_from);
	}
	if (from->where && (more || !to->where))
		to->where = sum__text(sum, from->where);
	l->told_ns = MAX(l->told_ns, from->wait_ns);
}

static void add_hist(uint32_t *to, const uint32_t *from)
{
	for (int i = 0; i < HIST_BUCKETS; i++)
		to[i] = from[i] < UINT32_MAX - to[i] ? to[i] + from[i] : UINT32_MAX;
}

static void add_figures(struct lock *to, const struct lock *from)
{
	to->sleeps += from->sleeps;
	to->wait_ns += from->wait_ns;
	to->blocked_ns += from->blocked_ns;
	to->delay_ns += from->delay_ns;
	to->max_ns = MAX(to->max_ns, from->max_ns);
	to->timeouts += from->timeouts;
	to->processes = MAX(to->processes, from->processes);
	to->impact_ns += from->impact_ns;
	add_hist(to->hist, from->hist);
	if (from->switches_known) {
		to->switches_known = true;
		to->switches += from->switches;
	}
	to->forced_switches += from->forced_switches;
}

static void add_exact(struct sum_lock *l, const struct lock *from)
{
	struct lock *to = &l->row;

	if (!from->exact)
		return;
	to->exact = true;
	to->acquisitions += from->acquisitions;
	to->read_acquisitions += from->read_acquisitions;
	to->contended += from->contended;
	to->try_failures += from->try_failures;
	to->releases += from->releases;
	to->signals += from->signals;
	to->call_wait_ns += from->call_wait_ns;
	l->hold_unknown |= !from->hold_known;
	to->hold_ns += from->hold_ns;
	to->read_hold_ns += from->read_hold_ns;
	to->max_hold_ns = MAX(to->max_hold_ns, from->max_hold_ns);
	to->owner_changes += from->owner_changes;
	add_hist(to->hold_hist, from->hold_hist);
}

static void add_looks(struct sum *sum, struct sum_lock *l, const struct lock_looks *from)
{
	struct lock_looks *to = &l->row.looks;
	const char *name = sum__text(sum, from->syscall);
	size_t i = 0;

	to->n += from->n;
	for (int state = 0; state < STATE_COUNT; state++)
		to->state[state] += from->state[state];
	to->owned += from->owned;
	to->readers += from->readers;
	to->reader_changes += from->reader_changes;
	if (!name)
		return;
	while (i < l->n_calls && l->calls[i].name != name)
		i++;
	if (i == l->n_calls) {
		array__grow(l->calls, l->n_calls, l->calls_capacity);
		l->calls[l->n_calls++] = (struct sum_call){ .name = name };
	}
	l->calls[i].n += from->syscalls;
}

static void add_weight(struct sum_weight *w, double share, uint64_t wait_ns)
{
	share = share >= 0 ? fmin(share, 1) : 0; /* also for NaN */
	w->share += share;
	w->wait += share * (double)wait_ns;
}

static uint64_t mix(uint64_t hash, uint64_t n)
{
	return (hash ^ n) * 0x9e3779b97f4a7c15ULL;
}

/* Of interned text: the same text is at the same address. */
static uint64_t hash_site(const struct site *s, const struct frame *frames)
{
	uint64_t hash = mix(s->role + 1, s->truncated);

	for (size_t i = 0; i < s->n_frames; i++) {
		hash = mix(hash, (uintptr_t)frames[i].function) >> 1;
		hash = mix(hash, (uintptr_t)frames[i].module) >> 1;
		hash = mix(hash, frames[i].offset);
		hash = mix(hash, (uintptr_t)frames[i].file) >> 1;
		hash = mix(hash, frames[i].line);
	}
	return hash;
}

static bool same_frame(const struct frame *a, const struct frame *b)
{
	return a->function == b->function && a->module == b->module && a->offset == b->offset &&
	       a->file == b->file && a->line == b->line && a->language == b->language &&
	       a->build_id == b->build_id;
}

static bool same_site(const struct sum_site *known, const struct site *from,
		      const struct frame *frames, uint64_t hash)
{
	const struct site *row = &known->row;

	if (known->hash != hash || row->role != from->role || row->truncated != from->truncated ||
	    row->n_frames != from->n_frames)
		return false;
	for (size_t i = 0; i < row->n_frames; i++)
		if (!same_frame(&row->frames[i], &frames[i]))
			return false;
	return true;
}

static void add_site(struct sum *sum, struct sum_lock *l, const struct site *from, uint64_t wait_ns)
{
	struct frame *frames = xcalloc(from->n_frames, sizeof(*frames));
	struct sum_site *site;
	uint64_t hash;
	size_t i = 0;

	for (size_t f = 0; f < from->n_frames; f++) {
		frames[f] = from->frames[f];
		frames[f].function = sum__text(sum, frames[f].function);
		frames[f].module = sum__text(sum, frames[f].module);
		frames[f].file = sum__text(sum, frames[f].file);
		frames[f].language = sum__text(sum, frames[f].language);
		frames[f].build_id = sum__text(sum, frames[f].build_id);
	}
	hash = hash_site(from, frames);
	while (i < l->n_sites && !same_site(&l->sites[i], from, frames, hash))
		i++;
	if (i == l->n_sites) {
		array__grow(l->sites, l->n_sites, l->sites_capacity);
		l->sites[l->n_sites++] = (struct sum_site){
			.row = { .role = from->role,
				 .truncated = from->truncated,
				 .n_frames = from->n_frames,
				 .frames = sum__frames(sum, frames, from->n_frames) },
			.hash = hash,
			.number = i,
		};
	}
	site = &l->sites[i];
	site->row.samples += from->samples;
	add_weight(&site->weight, from->share, wait_ns);
	free(frames);
}

static void add_holder(struct sum *sum, struct sum_lock *l, const struct holder *from,
		       uint64_t wait_ns)
{
	const struct thread *t = from->thread;
	struct sum_holder *holder;
	size_t i = 0;

	while (i < l->n_holders &&
	       (l->holders[i].thread.pid != t->pid || l->holders[i].thread.tid != t->tid ||
		l->holders[i].row.proof != from->proof))
		i++;
	if (i == l->n_holders) {
		array__grow(l->holders, l->n_holders, l->holders_capacity);
		l->holders[l->n_holders++] = (struct sum_holder){
			.row = { .proof = from->proof },
			.thread = { .pid = t->pid, .tid = t->tid },
		};
	}
	holder = &l->holders[i];
	if (t->comm)
		holder->thread.comm = sum__text(sum, t->comm);
	if (t->process_comm)
		holder->thread.process_comm = sum__text(sum, t->process_comm);
	if (t->python && t->python->name) {
		struct python_row *row = snapshot__alloc(sum->s, 1, sizeof(*row));

		*row = *t->python;
		row->name = sum__text(sum, t->python->name);
		holder->thread.python = row;
	}
	holder->row.samples += from->samples;
	add_weight(&holder->weight, from->share, wait_ns);
}

struct sum_lock *sum_lock__add(struct sum *sum, const struct sum_lock_key *key,
			       const struct lock *from)
{
	struct sum_lock *l = find(sum, key, from);

	if (!l)
		l = create(sum, key, from);
	l->stamp = sum->n;
	tell(sum, l, from);
	add_figures(&l->row, from);
	add_exact(l, from);
	add_looks(sum, l, &from->looks);
	for (size_t i = 0; i < from->n_sites; i++)
		add_site(sum, l, &from->sites[i], from->wait_ns);
	for (size_t i = 0; i < from->n_holders; i++)
		if (from->holders[i].thread)
			add_holder(sum, l, &from->holders[i], from->wait_ns);
	return l;
}

/* Where nobody waited, the intervals' shares count alike. */
static double share_of(const struct sum_weight *w, const struct sum_weight *all)
{
	if (all->wait > 0)
		return w->wait / all->wait;
	return all->share > 0 ? w->share / all->share : 0;
}

static int compare_sites(const void *a, const void *b)
{
	const struct sum_site *x = a, *y = b;

	if (x->row.role != y->row.role)
		return x->row.role < y->row.role ? -1 : 1;
	if (x->row.share != y->row.share)
		return x->row.share > y->row.share ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

static void finish_sites(struct sum *sum, struct sum_lock *l, struct lock *to)
{
	struct sum_weight all[ROLE_COUNT] = {};

	for (size_t i = 0; i < l->n_sites; i++) {
		struct sum_weight *w = &all[l->sites[i].row.role];

		w->wait += l->sites[i].weight.wait;
		w->share += l->sites[i].weight.share;
	}
	for (size_t i = 0; i < l->n_sites; i++) {
		struct site *site = &l->sites[i].row;

		site->share = share_of(&l->sites[i].weight, &all[site->role]);
		site->wait_ns = site->share * to->wait_ns;
	}
	if (l->n_sites)
		qsort(l->sites, l->n_sites, sizeof(*l->sites), compare_sites);
	to->n_sites = l->n_sites;
	to->sites = snapshot__alloc(sum->s, l->n_sites, sizeof(*to->sites));
	for (size_t i = 0; i < l->n_sites; i++)
		to->sites[i] = l->sites[i].row;
}

static int compare_holders(const void *a, const void *b)
{
	const struct sum_holder *x = a, *y = b;

	if (x->row.share != y->row.share)
		return x->row.share > y->row.share ? -1 : 1;
	return x->thread.tid < y->thread.tid ? -1 : x->thread.tid > y->thread.tid;
}

/* A row of the sum, if the thread is one: what it does now is told with it. */
static const struct thread *holder_thread(struct sum *sum, const struct sum_lock *l,
					  const struct thread *t)
{
	struct sum_thread_key key = { .pid = t->pid, .gen = l->key.gen, .tid = t->tid };
	struct sum_thread *found;
	struct thread *to;

	HASH_FIND(hh, sum->threads, &key, sizeof(key), found);
	if (found)
		return &sum->s->threads[found->index];
	to = snapshot__alloc(sum->s, 1, sizeof(*to));
	*to = *t;
	return to;
}

static void finish_holders(struct sum *sum, struct sum_lock *l, struct lock *to)
{
	struct sum_weight all = {};

	for (size_t i = 0; i < l->n_holders; i++) {
		all.wait += l->holders[i].weight.wait;
		all.share += l->holders[i].weight.share;
	}
	for (size_t i = 0; i < l->n_holders; i++) {
		struct holder *holder = &l->holders[i].row;

		holder->share = share_of(&l->holders[i].weight, &all);
		holder->wait_ns = holder->share * to->wait_ns;
	}
	if (l->n_holders)
		qsort(l->holders, l->n_holders, sizeof(*l->holders), compare_holders);
	to->n_holders = l->n_holders;
	to->holders = snapshot__alloc(sum->s, l->n_holders, sizeof(*to->holders));
	for (size_t i = 0; i < l->n_holders; i++) {
		to->holders[i] = l->holders[i].row;
		to->holders[i].thread = holder_thread(sum, l, &l->holders[i].thread);
	}
}

void sum_lock__finish(struct sum *sum, struct sum_lock *l, struct lock *to)
{
	*to = l->row;
	to->readers = -1;
	to->hold_known = to->exact && !l->hold_unknown;
	for (size_t i = 0; i < l->n_calls; i++) {
		if (l->calls[i].n <= to->looks.syscalls)
			continue;
		to->looks.syscall = l->calls[i].name;
		to->looks.syscalls = l->calls[i].n;
	}
	lock__percentiles(to);
	finish_sites(sum, l, to);
	finish_holders(sum, l, to);
}

void sum_lock__free(struct sum_lock *l)
{
	free(l->sites);
	free(l->holders);
	free(l->calls);
	free(l);
}
