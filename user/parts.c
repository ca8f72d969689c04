// SPDX-License-Identifier: GPL-2.0-only
#include "parts.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "util.h"

/* A place that more than one process can have: a spot in shared memory, or a call site in a file.
 */
struct shared_place {
	uint64_t a, b, c;
};

struct identity {
	struct shared_place place;
	struct lock_identity first;
	UT_hash_handle hh;
};

struct identities {
	struct identity *by_place;
};

struct identities *identities__new(void)
{
	return xcalloc(1, sizeof(struct identities));
}

void identities__free(struct identities *i)
{
	struct identity *id, *next;

	if (!i)
		return;
	HASH_ITER (hh, i->by_place, id, next) {
		HASH_DELETE(hh, i->by_place, id);
		free(id);
	}
	free(i);
}

static struct lock_identity first_of(struct identities *i, const struct shared_place *place,
				     const struct lock_identity *own)
{
	struct identity *id;

	HASH_FIND(hh, i->by_place, place, sizeof(*place), id);
	if (!id) {
		id = xcalloc(1, sizeof(*id));
		id->place = *place;
		id->first = *own;
		HASH_ADD(hh, i->by_place, place, sizeof(id->place), id);
	}
	return id->first;
}

static struct lock_identity identify(struct identities *i, const struct part *part)
{
	const struct sample_key *k = part->sample;
	struct lock_identity own = {
		.pid = part->key->key.tgid,
		.gen = part->key->key.gen,
		.address = k->key.addr - k->verdict.offset,
	};
	struct shared_place place = { k->shared.device, k->shared.inode, k->shared.offset };

	if (part->site)
		own.address = part->site->place.object ? part->site->place.object
						       : part->site->place.address;
	if (!k->shared.inode)
		return own;
	if (part->site && part->site->place.module)
		place = (struct shared_place){ (uintptr_t)part->site->place.module,
					       part->site->place.address, 0 };
	return first_of(i, &place, &own);
}

static int compare_parts(const void *a, const void *b)
{
	const struct lock_identity *x = &((const struct part *)a)->id;
	const struct lock_identity *y = &((const struct part *)b)->id;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->gen != y->gen)
		return x->gen < y->gen ? -1 : 1;
	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return 0;
}

/* Locks next to each other, and in each the parts of one process. */
static int compare_in_lock(const void *a, const void *b)
{
	const struct lock_key *x = &((const struct part *)a)->key->key;
	const struct lock_key *y = &((const struct part *)b)->key->key;
	int order = compare_parts(a, b);

	return order ? order : (x->tgid > y->tgid) - (x->tgid < y->tgid);
}

bool parts__same_lock(const struct part *a, const struct part *b)
{
	return !compare_parts(a, b);
}

static struct part *add(struct parts *p, const struct part *part)
{
	array__grow(p->items, p->n, p->capacity);
	p->items[p->n] = *part;
	return &p->items[p->n++];
}

static void take_whole(struct part *part)
{
	const struct tally_key *k = part->key;

	part->sums = k->delta;
	part->open_n = k->open_n;
	part->oldest_ns = k->oldest_ns;
	part->max_ns = k->max_ns;
	if (!k->exact) /* whose histogram is of holds */
		memcpy(part->hist, k->hist_delta, sizeof(part->hist));
}

/* The first weight of each place is the sum of its stacks; the others' are 0. */
static size_t weigh(const struct sites *s, uint64_t *weights, uint64_t *sum)
{
	uint64_t now = 0;
	size_t main = s->n;

	for (size_t i = 0; i < s->n; i++)
		if (s->items[i].role == ROLE_WAITER)
			now += s->items[i].wait_ns;
	*sum = 0;
	for (size_t i = 0; i < s->n; i++) {
		const struct sample_site *site = &s->items[i];
		size_t first = i;

		weights[i] = 0;
		if (site->role != ROLE_WAITER || !site->has_place)
			continue;
		for (size_t j = 0; j < i; j++)
			if (s->items[j].role == ROLE_WAITER && s->items[j].has_place &&
			    site_place__equal(&s->items[j].place, &site->place) && first == i)
				first = j;
		weights[first] += now ? site->wait_ns : site->all_wait_ns;
		*sum += now ? site->wait_ns : site->all_wait_ns;
	}
	for (size_t i = 0; i < s->n; i++)
		if (weights[i] && (main == s->n || weights[i] > weights[main]))
			main = i;
	return main;
}

static uint64_t portion(uint64_t whole, uint64_t weight, uint64_t sum)
{
	return (uint64_t)((unsigned __int128)whole * weight / sum);
}

/* What is left after the others took theirs goes to the main part: the sums stay exact. */
static void divide(struct part *main, struct part *part, uint64_t weight, uint64_t sum)
{
	const struct tally_key *k = part->key;

#define TAKE(member, whole)                                 \
	do {                                                \
		part->member = portion(whole, weight, sum); \
		main->member -= part->member;               \
	} while (0)
	TAKE(sums.sleeps, k->delta.sleeps);
	TAKE(sums.blocked_ns, k->delta.blocked_ns);
	TAKE(sums.delay_ns, k->delta.delay_ns);
	TAKE(sums.timeouts, k->delta.timeouts);
	for (int i = 0; i < HIST_BUCKETS; i++)
		TAKE(hist[i], k->hist_delta[i]);
#undef TAKE
}

static const struct sample_site *latest_place(const struct sites *s)
{
	const struct sample_site *latest = NULL;

	for (size_t i = 0; i < s->n; i++)
		if (s->items[i].role == ROLE_WAITER && s->items[i].has_place &&
		    (!latest || s->items[i].used_ns > latest->used_ns))
			latest = &s->items[i];
	return latest;
}

/* Returns whether the key was divided; false: it has no sites to be divided by. */
static bool collect_sites(struct parts *p, struct identities *identities, struct part *whole)
{
	const struct sites *s = &whole->sample->sites;
	const struct sample_site *latest = latest_place(s);
	uint64_t weights[SITES_MAX], sum;
	size_t main_site = weigh(s, weights, &sum), main_part = p->n;
	bool open_placed = false;

	if (main_site == s->n)
		return false;
	whole->site = &s->items[main_site];
	whole->id = identify(identities, whole);
	whole->main = true;
	whole->open_n = whole->oldest_ns = 0;
	add(p, whole);
	for (size_t i = 0; i < s->n; i++) {
		struct part *part = &p->items[main_part];
		bool current = site_place__equal(&s->items[i].place, &latest->place);

		if (!weights[i])
			continue;
		if (i != main_site) {
			part = add(p, whole);
			part->main = false;
			part->max_ns = 0;
			part->site = &s->items[i];
			part->id = identify(identities, part);
			divide(&p->items[main_part], part, weights[i], sum);
		}
		if (current && !open_placed) {
			open_placed = part->current = true;
			part->open_n = whole->key->open_n;
			part->oldest_ns = whole->key->oldest_ns;
		}
	}
	if (!open_placed) {
		p->items[main_part].current = true;
		p->items[main_part].open_n = whole->key->open_n;
		p->items[main_part].oldest_ns = whole->key->oldest_ns;
	}
	return true;
}

/* What the exact tier knows of the object at this address, of whatever family; NULL: nothing. */
static struct tally_key *find_exact(struct tally *t, const struct process_key *process,
				    uint64_t address)
{
	struct tally_key *found = NULL;

	for (uint32_t op = 0; op < EXACT_OPS && !found; op++)
		if (exact_family(op) == op)
			found = tally__find_exact(t, process, address, op);
	return found;
}

/* The same where what object the word is in is only guessed: the guess that finds one is right. */
static struct tally_key *guess_exact(struct tally *t, const struct process_key *process,
				     struct sample_key *sample)
{
	for (uint32_t op = 0; op < EXACT_OPS; op++) {
		struct kind_verdict as;
		struct tally_key *found;

		if (exact_family(op) != op)
			continue;
		as = kinds__judge_as(&sample->key, op);
		found = as.sure ? tally__find_exact(t, process, sample->key.addr - as.offset, op)
				: NULL;
		if (!found)
			continue;
		samples__judged(sample, &as);
		return found;
	}
	return NULL;
}

/* What the exact tier knows of the same object; NULL: nothing. */
static struct tally_key *exact_of(struct tally *t, struct tally_key *k, struct sample_key *sample)
{
	struct process_key process = { .tgid = k->key.tgid, .gen = k->key.gen };

	if (k->exact)
		return k;
	if (!t->exact_on || sample->verdict.by_site)
		return NULL;
	if (!sample->verdict.sure)
		return guess_exact(t, &process, sample);
	return find_exact(t, &process, k->key.addr - sample->verdict.offset);
}

static void collect_key(struct parts *p, struct identities *identities, struct tally *t,
			struct samples *samples, struct part *part)
{
	const struct lock_key *key = &part->key->key;
	struct tally_key *exact;

	part->sample = samples__key(samples, key);
	exact = exact_of(t, tally__find(t, key), part->sample);
	if (exact && exact->exact->reborn)
		samples__begin_anew(part->sample);
	if (part->key->exact && part->sample->python.internal)
		return; /* what its calls do says nothing of the object that it is a part of */
	samples__name(samples, part->sample, t->now_ns);
	take_whole(part);
	if (part->sample->verdict.by_site && collect_sites(p, identities, part))
		return;
	part->main = part->current = true;
	part->id = identify(identities, part);
	add(p, part);
	if (!exact || exact == part->key || tally_key__active(exact) || exact->exact->joined)
		return;
	/* nothing happened to it as far as the exact tier saw, and that is known */
	exact->exact->joined = true;
	collect_key(p, identities, t, samples,
		    &(struct part){ .key = exact, .process = part->process });
}

void parts__collect(struct parts *p, struct identities *identities, struct tally *t,
		    struct samples *samples, struct processes *processes)
{
	struct tally_key *k, *next;

	HASH_ITER (hh, t->keys, k, next) {
		struct process_key key = { .tgid = k->key.tgid, .gen = k->key.gen };
		struct part part = { .key = k };

		if (!tally_key__active(k))
			continue;
		part.process = processes__get(processes, &key, NULL, t->now_ns);
		if (part.process->in_scope)
			collect_key(p, identities, t, samples, &part);
	}
	if (p->n)
		qsort(p->items, p->n, sizeof(*p->items), compare_in_lock);
}

void parts__done(struct parts *p)
{
	free(p->items);
	*p = (struct parts){};
}
