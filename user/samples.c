// SPDX-License-Identifier: GPL-2.0-only
#include "samples.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "util.h"

#define READ_STACK_BYTES  8192
#define READS_INTERVAL	  200 /* stacks of long sleepers read in one interval, in all ... */
#define READS_KEY	  8   /* ... and for one key */
#define READ_AGE_NS	  (20 * 1000000ULL) /* a sleeper younger than this may be gone again */
#define PENDING_INTERVALS 3 /* a sample whose sleep is not seen any more is kept this long */
#define READ_ID		  (1ULL << 63)

/* A sampled sleep that has not ended. */
struct pending {
	uint64_t id;
	struct sample_key *key;
	uint64_t site[ROLE_COUNT]; /* hashes; 0: none */
	uint64_t credited_ns;
	unsigned long seen; /* interval */
	UT_hash_handle hh;
};

struct samples {
	struct processes *processes;
	struct names *names;
	struct sample_key *keys;
	struct pending *pending;
	unsigned long interval;
	unsigned int reads;
};

struct samples *samples__new(struct processes *processes, struct proc *proc)
{
	struct samples *s = xcalloc(1, sizeof(*s));

	s->processes = processes;
	s->names = names__new(proc);
	s->interval = 1;
	return s;
}

static void drop_pending(struct samples *s, struct pending *p)
{
	HASH_DELETE(hh, s->pending, p);
	free(p);
}

static void drop_key(struct samples *s, struct sample_key *k)
{
	HASH_DELETE(hh, s->keys, k);
	for (size_t i = 0; i < k->n_sites; i++)
		free(k->sites[i].frames);
	free(k->sites);
	free(k);
}

void samples__free(struct samples *s)
{
	struct pending *p, *next_pending;
	struct sample_key *k, *next_key;

	if (!s)
		return;
	HASH_ITER (hh, s->pending, p, next_pending)
		drop_pending(s, p);
	HASH_ITER (hh, s->keys, k, next_key)
		drop_key(s, k);
	names__free(s->names);
	free(s);
}

static struct sample_key *find_key(struct samples *s, const struct lock_key *key)
{
	struct sample_key *k;

	HASH_FIND(hh, s->keys, key, sizeof(*key), k);
	return k;
}

struct sample_key *samples__key(struct samples *s, const struct lock_key *key)
{
	struct sample_key *k = find_key(s, key);
	struct kind_evidence none = {};

	if (k) {
		k->gone = false;
		return k;
	}
	k = xcalloc(1, sizeof(*k));
	k->key = *key;
	k->verdict = kinds__judge(key, &none);
	HASH_ADD(hh, s->keys, key, sizeof(k->key), k);
	return k;
}

void samples__drop(struct samples *s, const struct lock_key *key)
{
	struct sample_key *k = find_key(s, key);

	if (k)
		k->gone = true;
}

/* One pass for all dropped keys and for samples whose sleep is not seen any more. */
static void sweep(struct samples *s)
{
	struct pending *p, *next_pending;
	struct sample_key *k, *next_key;

	HASH_ITER (hh, s->pending, p, next_pending)
		if (p->key->gone || s->interval - p->seen >= PENDING_INTERVALS)
			drop_pending(s, p);
	HASH_ITER (hh, s->keys, k, next_key)
		if (k->gone)
			drop_key(s, k);
}

static struct sample_site *find_site(struct sample_key *k, enum site_role role, uint64_t hash)
{
	for (size_t i = 0; i < k->n_sites; i++)
		if (k->sites[i].hash == hash && k->sites[i].role == role)
			return &k->sites[i];
	return NULL;
}

/* A place for a new site: behind the others, or that of the least important one. */
static struct sample_site *new_site(struct sample_key *k)
{
	struct sample_site *least = NULL;

	if (k->n_sites < SITES_MAX) {
		array__grow(k->sites, k->n_sites, k->sites_capacity);
		return &k->sites[k->n_sites++];
	}
	for (size_t i = 0; i < k->n_sites; i++)
		if (!least || k->sites[i].all_wait_ns < least->all_wait_ns)
			least = &k->sites[i];
	free(least->frames);
	return least;
}

static void judge(struct sample_key *k, const struct named_stack *stack, const uint8_t *after)
{
	struct kind_evidence evidence = { .function = stack->callers.function, .after = after };

	if (k->has_stack)
		return;
	k->verdict = kinds__judge(&k->key, &evidence);
	k->where = stack->callers.where < 0 ? NULL : stack->frames[stack->callers.where].function;
	k->has_stack = true;
}

/* Unwinds and enters a stack. Returns the site's hash, 0 if nothing could be made of it. */
static uint64_t take_stack(struct samples *s, struct sample_key *k, enum site_role role, pid_t pid,
			   const struct maps *maps, const struct user_regs *regs, const void *bytes,
			   size_t len, const uint8_t *after)
{
	struct named_stack stack;
	struct sample_site *site;
	uint64_t hash;

	names__stack(s->names, pid, maps, regs, bytes, len, &stack);
	if (role == ROLE_WAITER)
		judge(k, &stack, after);
	hash = stack.hash ? stack.hash : 1;
	site = find_site(k, role, hash);
	if (site) {
		free(stack.frames);
	} else {
		site = new_site(k);
		*site = (struct sample_site){ .role = role,
					      .hash = hash,
					      .frames = stack.frames,
					      .n_frames = stack.n_frames,
					      .truncated = stack.truncated };
	}
	site->samples++;
	site->all_samples++;
	site->used = s->interval;
	return hash;
}

static struct pending *get_pending(struct samples *s, uint64_t id, struct sample_key *k)
{
	struct pending *p;

	HASH_FIND(hh, s->pending, &id, sizeof(id), p);
	if (!p) {
		p = xcalloc(1, sizeof(*p));
		p->id = id;
		HASH_ADD(hh, s->pending, id, sizeof(p->id), p);
	}
	p->key = k;
	p->seen = s->interval;
	return p;
}

static struct process_entry *process_of(struct samples *s, uint32_t tgid, uint32_t gen,
					uint64_t now_ns)
{
	struct process_key key = { .tgid = tgid, .gen = gen };

	return processes__get(s->processes, &key, NULL, now_ns);
}

static void on_stack(struct samples *s, const struct stack_event *e)
{
	enum site_role role = e->type == EVENT_WAKER_STACK ? ROLE_WAKER : ROLE_WAITER;
	struct process_entry *process = process_of(s, e->key.tgid, e->key.gen, e->time_ns);
	const uint8_t *after = e->words & WORDS_HAVE_AFTER ? e->after : NULL;
	const struct maps *maps = NULL;
	struct sample_key *k;
	struct pending *p;

	/* only a word shared between processes has a waker elsewhere: its maps are not these */
	if (e->tgid != e->key.tgid)
		return;
	k = samples__key(s, &e->key);
	p = get_pending(s, e->sample_id, k);
	if (!e->compat)
		maps = processes__maps(s->processes, process, e->regs.r[REGS_MAX - 1], e->time_ns);
	if (!maps) {
		struct kind_evidence evidence = { .after = after };

		if (role == ROLE_WAITER && !k->has_stack)
			k->verdict = kinds__judge(&k->key, &evidence);
		return;
	}
	p->site[role] =
		take_stack(s, k, role, e->tgid, maps, &e->regs, e->stack, e->stack_len, after);
}

static void credit(struct samples *s, struct pending *p, uint64_t wait_ns)
{
	uint64_t more = wait_ns > p->credited_ns ? wait_ns - p->credited_ns : 0;

	for (int role = 0; role < ROLE_COUNT; role++) {
		struct sample_site *site =
			p->site[role] ? find_site(p->key, role, p->site[role]) : NULL;

		if (!site)
			continue;
		site->wait_ns += more;
		site->all_wait_ns += more;
		site->used = s->interval;
	}
	p->credited_ns += more;
}

static void on_end(struct samples *s, const struct end_event *e)
{
	uint64_t id = e->sample_id;
	struct pending *p;

	HASH_FIND(hh, s->pending, &id, sizeof(id), p);
	if (!p)
		return;
	credit(s, p, e->blocked_ns + e->delay_ns);
	drop_pending(s, p);
}

void samples__event(struct samples *s, const void *data, size_t size)
{
	const struct stack_event *stack = data;
	uint32_t type;

	if (size < sizeof(type))
		return;
	memcpy(&type, data, sizeof(type));
	if (type == EVENT_SLEEP_END && size >= sizeof(struct end_event))
		on_end(s, data);
	else if ((type == EVENT_WAITER_STACK || type == EVENT_WAKER_STACK) &&
		 size >= sizeof(*stack) && stack->stack_len <= size - sizeof(*stack))
		on_stack(s, stack);
}

/* Is the thread still where the registers say? /proc/TID/syscall: number, 6 arguments, sp, pc. */
static bool still_there(const struct open_sleep *o)
{
	char path[64], text[512];
	uint64_t sp, pc;

	snprintf(path, sizeof(path), "/proc/%u/syscall", o->tid);
	if (util__read_file(path, text, sizeof(text)) <= 0)
		return false;
	if (sscanf(text, "%*s %*s %*s %*s %*s %*s %*s %" SCNx64 " %" SCNx64, &sp, &pc) != 2)
		return false;
	return sp == o->regs.r[7] && pc == o->regs.r[REGS_MAX - 1];
}

/* Reads the stack of a sleeper of whom no sample came: it slept before observation, or too many
 * did. */
static struct pending *read_sleeper(struct samples *s, struct sample_key *k,
				    const struct open_sleep *o, uint64_t id, uint64_t now_ns)
{
	struct process_entry *process = process_of(s, o->key.tgid, o->key.gen, now_ns);
	const struct maps *maps =
		processes__maps(s->processes, process, o->regs.r[REGS_MAX - 1], now_ns);
	uint8_t bytes[READ_STACK_BYTES], after[WORDS_AFTER];
	struct pending *p;
	ssize_t len;
	bool words;

	s->reads++;
	len = maps ? proc__read_memory(o->key.tgid, o->regs.r[7], bytes, sizeof(bytes)) : -1;
	if (len <= 0)
		return NULL;
	words = proc__read_memory(o->key.tgid, o->key.addr, after, sizeof(after)) == sizeof(after);
	if (!still_there(o))
		return NULL;
	p = get_pending(s, id, k);
	p->site[ROLE_WAITER] = take_stack(s, k, ROLE_WAITER, o->key.tgid, maps, &o->regs, bytes,
					  len, words ? after : NULL);
	return p;
}

static unsigned int reads_of(const struct sample_key *k, unsigned long interval)
{
	unsigned int n = 0;

	for (size_t i = 0; i < k->n_sites; i++)
		if (k->sites[i].role == ROLE_WAITER && k->sites[i].used == interval)
			n += k->sites[i].samples;
	return n;
}

void samples__open(struct samples *s, const struct open_sleep *o, uint64_t now_ns)
{
	struct sample_key *k = samples__key(s, &o->key);
	uint64_t age = now_ns > o->start_ns ? now_ns - o->start_ns : 0;
	uint64_t id = o->sample_id;
	struct pending *p;

	if (!id)
		id = READ_ID | (uint64_t)o->tid << 32 | o->sequence;
	HASH_FIND(hh, s->pending, &id, sizeof(id), p);
	if (!p && id & READ_ID && age >= READ_AGE_NS && s->processes->options->stack_bytes &&
	    s->reads < READS_INTERVAL && reads_of(k, s->interval) < READS_KEY)
		p = read_sleeper(s, k, o, id, now_ns);
	if (!p)
		return;
	p->seen = s->interval;
	credit(s, p, age);
}

void samples__name(struct samples *s, struct sample_key *k, uint64_t now_ns)
{
	uint64_t object = k->key.addr - k->verdict.offset;
	struct process_entry *process;

	if (k->name_tried)
		return;
	k->name_tried = true;
	process = process_of(s, k->key.tgid, k->key.gen, now_ns);
	k->name = names__data(s->names, k->key.tgid,
			      processes__maps(s->processes, process, object, now_ns), object);
	k->name_from = k->name ? "symbol" : NULL;
}

void samples__next_interval(struct samples *s)
{
	struct sample_key *k, *next;

	sweep(s);
	HASH_ITER (hh, s->keys, k, next)
		for (size_t i = 0; i < k->n_sites; i++)
			k->sites[i].samples = k->sites[i].wait_ns = 0;
	s->interval++;
	s->reads = 0;
}
