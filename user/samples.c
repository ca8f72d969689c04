// SPDX-License-Identifier: GPL-2.0-only
#include "samples_internal.h"

#include <stdlib.h>
#include <string.h>

#include "arch.h"
#include "sleeper.h"
#include "util.h"

#define READS_INTERVAL	  200 /* stacks of long sleepers read in one interval, in all ... */
#define READS_MORE	  50  /* ... of keys that stacks have been seen of already ... */
#define READS_KEY	  8   /* ... and for one key */
#define READ_AGE_NS	  (20 * 1000000ULL) /* a sleeper younger than this may be gone again */
#define PENDING_INTERVALS 3 /* a sample whose sleep is not seen any more is kept this long */
/* A word so near above the stack pointer is on the thread's own stack. */
#define OWN_STACK_BYTES 32768
#define READ_ID		(1ULL << 63)

struct samples *samples__new(struct processes *processes, struct proc *proc, struct owners *owners,
			     const struct aliases *aliases)
{
	struct samples *s = xcalloc(1, sizeof(*s));

	s->processes = processes;
	s->owners = owners;
	s->aliases = aliases;
	s->names = names__new(proc, processes->options->debuginfod);
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
	sites__done(&k->sites);
	depths__done(&k->depths);
	holders__done(&k->holders);
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
	free(s->deep);
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
		k->used = s->interval;
		return k;
	}
	k = xcalloc(1, sizeof(*k));
	k->key = *key;
	k->used = s->interval;
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

	HASH_ITER (hh, s->keys, k, next_key)
		k->gone |= samples_exact__is_unused(s, k);
	HASH_ITER (hh, s->pending, p, next_pending)
		if (p->key->gone ||
		    (p->site[ROLE_HOLDER] ? samples_exact__is_lost(s, p)
					  : s->interval - p->seen >= PENDING_INTERVALS))
			drop_pending(s, p);
	HASH_ITER (hh, s->keys, k, next_key)
		if (k->gone)
			drop_key(s, k);
}

static uint64_t stack_pointer(const struct user_regs *regs)
{
	return regs->r[arch__native()->sp];
}

static void judge(struct sample_key *k, const struct named_stack *stack,
		  const struct user_regs *regs, const uint8_t *after)
{
	const struct callers *c = &stack->callers;
	uint64_t sp = stack_pointer(regs);
	struct kind_evidence evidence = {
		.function = c->function,
		.wrapper = c->wrapper,
		.library = c->library,
		.user = c->user,
		.after = after,
		.on_stack = k->key.addr >= sp && k->key.addr - sp < OWN_STACK_BYTES,
		.new_cond = stack->new_cond,
	};

	if (k->has_stack)
		return;
	k->verdict = kinds__judge(&k->key, &evidence);
	k->has_stack = true;
	k->looked_up = false; /* the object may begin elsewhere than was thought */
	k->named_after = 0;
}

/* A line has no address: a number made of it and its file stands for one. */
static uint64_t line_address(const struct frame *f)
{
	uint64_t hash = 0xcbf29ce484222325ULL ^ (uint64_t)f->line;

	for (const char *c = f->module; c && *c; c++)
		hash = (hash ^ (unsigned char)*c) * 0x100000001b3ULL;
	return hash >> 16;
}

static struct site_place place_of(const struct named_stack *stack)
{
	int at = stack->callers.where;
	const struct frame *f = &stack->frames[at];
	const char *outer = NULL;

	if (frame__is_python(f))
		return (struct site_place){ .function = f->function,
					    .module = f->module,
					    .address = line_address(f),
					    .line = f->line };
	for (size_t i = at; i < stack->n_frames && !outer; i++)
		outer = stack->frames[i].function;
	/* code that a runtime made has no place that lasts: the runtime's own function does */
	if (!f->function && !f->module && at > 0)
		f = &stack->frames[at - 1];
	return (struct site_place){ .function = f->function,
				    .module = f->module,
				    .address = f->offset,
				    .offset = stack->where_offset,
				    .outer = outer };
}

static struct sample_site site_of(const struct named_stack *stack, enum site_role role,
				  uint64_t now_ns)
{
	struct sample_site site = {
		.role = role,
		.used_ns = now_ns,
		.hash = stack->hash ? stack->hash : 1,
		.frames = stack->frames,
		.n_frames = stack->n_frames,
		.truncated = stack->truncated,
		.has_place = stack->callers.where >= 0,
	};

	if (site.has_place)
		site.place = place_of(stack);
	return site;
}

uint64_t samples__take_stack(struct samples *s, struct sample_key *k, enum site_role role,
			     struct process_entry *process, const struct raw_stack *raw,
			     const uint8_t *after)
{
	struct named_stack stack;
	struct sample_site site;

	if (stacks__name(s->names, s->processes, process, raw, &stack))
		return 0;
	if (role == ROLE_WAITER)
		judge(k, &stack, raw->regs, after);
	site = site_of(&stack, role, raw->now_ns);
	if (role != ROLE_WAKER)
		samples_python__judge(s, k, process, &stack, raw, &site);
	return sites__add(&k->sites, &site)->hash;
}

struct pending *samples__pending(struct samples *s, uint64_t id, struct sample_key *k)
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

/* What was known before stands where nothing is known now. */
static void set_holder(struct pending *p, pid_t tid, enum holder_source source)
{
	if (!tid)
		return;
	p->holder = tid;
	p->source = source;
}

struct process_entry *samples__process(struct samples *s, uint32_t tgid, uint32_t gen,
				       uint64_t now_ns)
{
	struct process_key key = { .tgid = tgid, .gen = gen };

	return processes__get(s->processes, &key, NULL, now_ns);
}

/* A stack that was cut where its copy ended: the next ones of this lock should be longer. */
static void note_deep(struct samples *s, const struct sample_key *k, const struct stack_event *e,
		      uint64_t hash, enum site_role role)
{
	const struct sample_site *site = sites__find(&k->sites, role, hash);

	if (!site || !site->truncated || e->stack_len < s->processes->options->stack_bytes ||
	    e->stack_len >= STACK_BYTES_MAX)
		return;
	array__grow(s->deep, s->n_deep, s->deep_capacity);
	s->deep[s->n_deep++] = e->lock_id;
}

/* Who held it when the sleep began; of a lock that does not record it, who let the waiter go. */
static void note_holder(struct samples *s, struct pending *p, enum site_role role,
			const struct process_entry *process, const struct stack_event *e)
{
	struct sample_key *k = p->key;

	if (role == ROLE_WAITER) {
		pid_t tid = owners__at_sleep(s->owners, &k->verdict, process, e);

		set_holder(p, tid, HELD_AT_START);
		set_holder(p, s->gil_holder, HELD_GIL_AT_START);
	} else if (k->verdict.owner == OWNER_NONE) {
		set_holder(p, e->tid, HELD_BY_WAKER);
	}
}

static void note_depth(struct sample_key *k, const struct stack_event *e, uint64_t hash)
{
	const struct sample_site *site = sites__find(&k->sites, ROLE_WAITER, hash);

	if (site && site->has_place && k->verdict.by_site)
		depths__note(&k->depths, stack_pointer(&e->regs), &site->place);
}

static void on_stack(struct samples *s, const struct stack_event *e)
{
	enum site_role role = e->type == EVENT_WAKER_STACK ? ROLE_WAKER : ROLE_WAITER;
	struct process_entry *process = samples__process(s, e->tgid, e->gen, e->time_ns);
	struct raw_stack raw = stacks__of_event(e);
	const uint8_t *after = e->words & WORDS_HAVE_AFTER ? e->after : NULL;
	struct sample_key *k;
	struct pending *p;

	if (!process->in_scope)
		return;
	process->thread = e->tid;
	k = samples__key(s, &e->key);
	p = samples__pending(s, e->sample_id, k);
	p->site[role] = samples__take_stack(s, k, role, process, &raw, after);
	if (!p->site[role] && role == ROLE_WAITER && !k->has_stack) {
		struct kind_evidence evidence = { .after = after };

		k->verdict = kinds__judge(&k->key, &evidence);
	}
	note_holder(s, p, role, process, e);
	note_deep(s, k, e, p->site[role], role);
	if (role == ROLE_WAITER)
		note_depth(k, e, p->site[role]);
}

size_t samples__deep(struct samples *s, const uint32_t **ids)
{
	size_t n = s->n_deep;

	s->n_deep = 0;
	*ids = s->deep;
	return n;
}

static void credit(struct pending *p, uint64_t wait_ns)
{
	uint64_t more = wait_ns > p->credited_ns ? wait_ns - p->credited_ns : 0;

	if (p->holder)
		holders__credit(&p->key->holders, p->holder, p->source, more, !p->credited_ns);

	for (int role = 0; role < ROLE_COUNT; role++) {
		struct sample_site *site =
			p->site[role] ? sites__find(&p->key->sites, role, p->site[role]) : NULL;

		if (!site)
			continue;
		site->wait_ns += more;
		site->all_wait_ns += more;
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
	credit(p, e->blocked_ns + e->delay_ns);
	drop_pending(s, p);
}

void samples__event(struct samples *s, const void *data, size_t size)
{
	const struct stack_event *stack = data;
	uint32_t type;

	if (size < sizeof(type))
		return;
	memcpy(&type, data, sizeof(type));
	if ((type == EVENT_SLEEP_END || type == EVENT_HOLD_END) && size >= sizeof(struct end_event))
		on_end(s, data);
	if (size < sizeof(*stack) || stack->stack_len > size - sizeof(*stack))
		return;
	if (type == EVENT_WAITER_STACK || type == EVENT_WAKER_STACK)
		on_stack(s, stack);
	else if (type == EVENT_TAKER_STACK)
		samples_exact__taker(s, stack);
}

/* Enters a stack of a sleeper of whom no sample came: it slept before, or too many did. */
static struct pending *read_sleeper(struct samples *s, struct sample_key *k,
				    const struct open_sleep *o, uint64_t id, uint64_t now_ns)
{
	struct process_entry *process = samples__process(s, o->key.tgid, o->key.gen, now_ns);
	struct sleeper_memory memory;
	struct raw_stack raw = {
		.regs = &o->regs, .bytes = memory.stack, .now_ns = now_ns, .tid = o->tid
	};
	const uint8_t *after;
	struct pending *p;
	uint64_t hash;

	s->reads++;
	process->thread = o->tid;
	if (!process->in_scope || sleeper__read(o, &memory))
		return NULL;
	raw.len = memory.len;
	after = memory.has_after ? memory.after : NULL;
	hash = samples__take_stack(s, k, ROLE_WAITER, process, &raw, after);
	if (!hash)
		return NULL;
	p = samples__pending(s, id, k);
	p->site[ROLE_WAITER] = hash;
	return p;
}

/* Samples of this interval: where there are enough, no more need to be read. */
static uint64_t samples_of(const struct sample_key *k)
{
	uint64_t n = 0;

	for (size_t i = 0; i < k->sites.n; i++)
		if (k->sites.items[i].role == ROLE_WAITER)
			n += k->sites.items[i].samples;
	return n;
}

void samples__open(struct samples *s, struct sample_key *k, const struct open_sleep *o,
		   uint64_t now_ns)
{
	uint64_t age = now_ns > o->start_ns ? now_ns - o->start_ns : 0;
	uint64_t id = o->sample_id;
	struct pending *p;

	if (!id)
		id = READ_ID | (uint64_t)o->tid << 32 | o->sequence;
	HASH_FIND(hh, s->pending, &id, sizeof(id), p);
	if (!p && id & READ_ID && age >= READ_AGE_NS && s->processes->options->stack_bytes &&
	    s->reads < (k->has_stack ? READS_MORE : READS_INTERVAL) && samples_of(k) < READS_KEY)
		p = read_sleeper(s, k, o, id, now_ns);
	if (!p)
		return;
	p->seen = s->interval;
	credit(p, age);
}

void samples__held(struct samples *s, const struct lock_key *key, const struct named_stack *stack,
		   uint64_t wait_ns, bool sample, uint64_t now_ns)
{
	struct sample_key *k = samples__key(s, key);
	struct sample_site added, *site;

	if (SIGNATURE_OP(key->signature) & OP_EXACT)
		return; /* its holder sites are weighed by hold, not by wait */
	site = sites__find(&k->sites, ROLE_HOLDER, stack->hash ? stack->hash : 1);
	if (!site || sample) {
		added = site_of(stack, ROLE_HOLDER, now_ns);
		added.frames = xcalloc(stack->n_frames, sizeof(*added.frames));
		if (stack->n_frames)
			memcpy(added.frames, stack->frames,
			       stack->n_frames * sizeof(*added.frames));
		site = sites__add(&k->sites, &added);
	}
	site->wait_ns += wait_ns;
	site->all_wait_ns += wait_ns;
	site->used_ns = now_ns;
}

struct names *samples__names(struct samples *s)
{
	return s->names;
}

void samples__next_interval(struct samples *s)
{
	struct sample_key *k, *next;

	sweep(s);
	HASH_ITER (hh, s->keys, k, next) {
		sites__next_interval(&k->sites);
		holders__next_interval(&k->holders);
	}
	s->interval++;
	s->reads = 0;
}
