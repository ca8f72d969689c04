// SPDX-License-Identifier: GPL-2.0-only
#include "orders.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch.h"
#include "order_graph.h"
#include "util.h"

#define EDGES_MAX      16384 /* as the map of the probes */
#define EDGES_TIGHT    (EDGES_MAX / 4 * 3)
#define UNUSED_NS      (60 * NSEC_PER_SEC)
#define CYCLES_MAX     1024
#define STACKS_MAX     4096 /* that have come before their orders */
#define STACK_READINGS 3    /* ... and are kept so long: the order was entered by another CPU */
#define CALLER_ASKED   3    /* intervals: debug info is read bit by bit */
#define STEPS_INTERVAL (1 << 20) /* what is not searched in one interval is in the next */

/* A stack whose order has not been read yet. */
struct order_stack {
	uint32_t sample_id;
	unsigned int readings;
	struct named_stack stack;
	UT_hash_handle hh;
};

struct inversion_entry {
	struct order_edge **edges; /* from the lock with the lowest address on */
	size_t n;
	bool reported;
};

struct orders {
	struct processes *processes;
	struct samples *samples;
	const struct suppressions *suppressions;
	struct order_graph graph;
	struct order_stack *stacks;
	struct inversion_entry *cycles;
	size_t n_cycles, cycles_capacity;
	struct order_key *gone;
	size_t n_gone, gone_capacity;
	uint64_t lost;
};

struct orders *orders__new(struct processes *processes, struct samples *samples,
			   const struct suppressions *suppressions)
{
	struct orders *o = xcalloc(1, sizeof(*o));

	o->processes = processes;
	o->samples = samples;
	o->suppressions = suppressions;
	order_graph__init(&o->graph, EDGES_MAX);
	return o;
}

static void drop_stack(struct orders *o, struct order_stack *s)
{
	HASH_DELETE(hh, o->stacks, s);
	free(s->stack.frames);
	free(s);
}

/* The last one takes its place. */
static void drop_cycle(struct orders *o, size_t at)
{
	struct inversion_entry *c = &o->cycles[at];

	for (size_t i = 0; i < c->n; i++)
		order_edge__put(c->edges[i]);
	free(c->edges);
	*c = o->cycles[--o->n_cycles];
}

void orders__free(struct orders *o)
{
	struct order_stack *s, *next;

	if (!o)
		return;
	while (o->n_cycles)
		drop_cycle(o, o->n_cycles - 1);
	HASH_ITER (hh, o->stacks, s, next)
		drop_stack(o, s);
	order_graph__done(&o->graph);
	free(o->cycles);
	free(o->gone);
	free(o);
}

static struct process_entry *process_of(struct orders *o, uint32_t tgid, uint32_t gen,
					uint64_t now_ns)
{
	struct process_key key = { .tgid = tgid, .gen = gen };

	return processes__get(o->processes, &key, NULL, now_ns);
}

/* ---- records and events ---- */

static void take_stack(struct orders *o, const struct stack_event *e)
{
	struct process_entry *process = process_of(o, e->tgid, e->gen, e->time_ns);
	struct raw_stack raw = stacks__of_event(e);
	struct order_stack *s;
	struct named_stack stack;

	if (!process->in_scope)
		return;
	process->thread = e->tid;
	HASH_FIND(hh, o->stacks, &e->sample_id, sizeof(e->sample_id), s);
	if (s) /* of an order that was lost: the numbers have come round */
		drop_stack(o, s);
	if (HASH_COUNT(o->stacks) >= STACKS_MAX) {
		o->lost++;
		return;
	}
	if (stacks__name(samples__names(o->samples), o->processes, process, &raw, &stack))
		return;
	s = xcalloc(1, sizeof(*s));
	s->sample_id = e->sample_id;
	s->stack = stack;
	HASH_ADD(hh, o->stacks, sample_id, sizeof(s->sample_id), s);
}

bool orders__event(struct orders *o, const void *data, size_t size)
{
	const struct stack_event *e = data;
	uint32_t type;

	if (size < sizeof(type))
		return false;
	memcpy(&type, data, sizeof(type));
	if (type != EVENT_ORDER_STACK)
		return false;
	if (size >= sizeof(*e) && e->stack_len <= size - sizeof(*e))
		take_stack(o, e);
	return true;
}

static void join_stack(struct orders *o, struct order_edge *e)
{
	struct order_stack *s;

	if (!e->stats.sample_id || e->shown.frames)
		return;
	HASH_FIND(hh, o->stacks, &e->stats.sample_id, sizeof(s->sample_id), s);
	if (!s)
		return;
	e->shown.frames = s->stack.frames;
	e->shown.n_frames = s->stack.n_frames;
	e->shown.truncated = s->stack.truncated;
	s->stack.frames = NULL;
	drop_stack(o, s);
}

static void format_id(char id[32], uint32_t tgid, uint64_t addr)
{
	snprintf(id, 32, "%u:0x%" PRIx64, tgid, addr);
}

static void take_order(struct orders *o, const struct order_key *key,
		       const struct order_stats *stats, uint64_t now_ns)
{
	struct order_edge *e = order_graph__take(&o->graph, key, stats, now_ns);

	if (!e)
		return;
	if (!e->shown.from[0]) { /* it is new */
		process_of(o, key->tgid, key->gen, now_ns);
		format_id(e->shown.from, key->tgid, key->from);
		format_id(e->shown.to, key->tgid, key->to);
	}
	e->shown.tid = stats->tid;
	e->shown.count = stats->count;
	join_stack(o, e);
}

void orders__update(struct orders *o, const struct records *r)
{
	struct order_stack *s, *next;

	for (size_t i = 0; i < r->n_orders; i++)
		take_order(o, &r->order_keys[i], &r->orders[i], r->now_ns);
	for (size_t i = 0; i < r->n_exact && o->graph.locks; i++)
		order_graph__lives(&o->graph, &r->exact_keys[i], r->exact[i].lives);
	HASH_ITER (hh, o->stacks, s, next)
		if (++s->readings >= STACK_READINGS)
			drop_stack(o, s);
}

/* ---- names ---- */

/* The lock as the lists show it, or NULL. */
static const struct lock *find_lock(const struct snapshot *s, pid_t pid, uint64_t addr)
{
	for (size_t i = 0; i < s->n_locks; i++)
		if (s->locks[i].address == addr && s->locks[i].pid == pid)
			return &s->locks[i];
	return NULL;
}

/* After the lists, else after the symbol at its address. True: the lists had a name. */
static bool name_lock(struct orders *o, const struct snapshot *s, struct process_entry *process,
		      uint64_t addr, const char **name, uint64_t now_ns)
{
	struct names *names = samples__names(o->samples);
	const struct lock *lock = find_lock(s, process->key.tgid, addr);
	const struct maps *maps;

	if (lock && lock->name) {
		*name = names__intern(names, lock->name);
		return true;
	}
	if (!*name) {
		maps = processes__maps(o->processes, process, addr, false, now_ns);
		*name = names__data(names, process->tid, maps, addr).name;
	}
	return false;
}

/*
 * A return address: as a stack of one frame that was interrupted inside of the call. Of what was
 * inlined there (a guard's constructor, say), the function around it all says most.
 */
static struct frame *name_caller(struct orders *o, struct process_entry *process, uint64_t caller,
				 uint64_t now_ns)
{
	struct user_regs regs = {};
	struct raw_stack raw = { .regs = &regs, .bytes = "", .now_ns = now_ns };
	struct named_stack stack;
	struct frame *ret = NULL;

	if (!caller)
		return NULL;
	regs.r[arch__native()->pc] = caller - 1;
	if (stacks__name(samples__names(o->samples), o->processes, process, &raw, &stack))
		return NULL;
	if (stack.n_frames) {
		ret = xcalloc(1, sizeof(*ret));
		*ret = stack.frames[stack.n_frames - 1];
	}
	free(stack.frames);
	return ret;
}

static void name_edge(struct orders *o, const struct snapshot *s, struct order_edge *e,
		      uint64_t now_ns)
{
	struct process_entry *process = process_of(o, e->key.tgid, e->key.gen, now_ns);
	struct inversion_edge *shown = &e->shown;

	if (!e->from_snapshot)
		e->from_snapshot = name_lock(o, s, process, e->key.from, &shown->from_name, now_ns);
	if (!e->to_snapshot)
		e->to_snapshot = name_lock(o, s, process, e->key.to, &shown->to_name, now_ns);
	if (e->asked < CALLER_ASKED && (!shown->from_frame || !shown->from_frame->line)) {
		free(shown->from_frame);
		shown->from_frame = name_caller(o, process, e->stats.caller, now_ns);
		e->asked++;
	}
}

/* ---- cycles ---- */

static bool is_known(const struct orders *o, struct order_edge *const *edges, size_t n)
{
	for (size_t i = 0; i < o->n_cycles; i++) {
		const struct inversion_entry *c = &o->cycles[i];
		size_t same = 0;

		/* edges may be others by now: they were dropped, and made anew */
		while (c->n == n && same < n &&
		       !memcmp(&c->edges[same]->key, &edges[same]->key, sizeof(edges[same]->key)))
			same++;
		if (same == n)
			return true;
	}
	return false;
}

static void keep_cycle(struct orders *o, struct order_edge *const *found, size_t n)
{
	struct order_edge *edges[ORDER_CYCLE_MAX];
	struct inversion_entry *c;
	size_t lowest = 0;

	for (size_t i = 1; i < n; i++)
		if (found[i]->key.from < found[lowest]->key.from)
			lowest = i;
	for (size_t i = 0; i < n; i++)
		edges[i] = found[(lowest + i) % n];
	if (is_known(o, edges, n))
		return;
	if (o->n_cycles == CYCLES_MAX) {
		o->lost++;
		return;
	}
	array__grow(o->cycles, o->n_cycles, o->cycles_capacity);
	c = &o->cycles[o->n_cycles++];
	*c = (struct inversion_entry){ .edges = xcalloc(n, sizeof(*edges)), .n = n };
	for (size_t i = 0; i < n; i++)
		c->edges[i] = order_edge__use(edges[i]);
}

static void search(struct orders *o, uint64_t end)
{
	struct order_edge *e, *found[ORDER_CYCLE_MAX];
	size_t n;

	while (o->graph.steps < end && (e = order_graph__next(&o->graph))) {
		n = order_graph__cycle(&o->graph, e, found);
		if (n)
			keep_cycle(o, found, n);
	}
}

/* Marks the edges that the user does not want to hear of. Returns whether there was one. */
static bool suppress(struct orders *o, const struct inversion_entry *c)
{
	bool found = false;

	for (size_t i = 0; i < c->n; i++) {
		if (!suppressions__match(o->suppressions, &c->edges[i]->shown))
			continue;
		c->edges[i]->suppressed = true;
		found = true;
	}
	return found;
}

/*
 * Names what was found, and drops what is suppressed: its other edges may be part of longer cycles
 * that are not. Returns whether these are to be looked for.
 */
static bool judge(struct orders *o, const struct snapshot *s, uint64_t now_ns)
{
	bool dropped = false;

	for (size_t i = 0; i < o->n_cycles;) {
		const struct inversion_entry *c = &o->cycles[i];

		for (size_t j = 0; j < c->n; j++)
			name_edge(o, s, c->edges[j], now_ns);
		if (!o->suppressions || !suppress(o, c)) {
			i++;
			continue;
		}
		for (size_t j = 0; j < c->n; j++)
			order_graph__queue(&o->graph, c->edges[j]);
		drop_cycle(o, i);
		dropped = true;
	}
	return dropped;
}

/* ---- the snapshot ---- */

static void fill_edge(struct snapshot *s, struct inversion_edge *to,
		      const struct inversion_edge *from)
{
	*to = *from;
	if (from->frames) {
		to->frames = snapshot__alloc(s, from->n_frames, sizeof(*to->frames));
		memcpy(to->frames, from->frames, from->n_frames * sizeof(*to->frames));
	}
	if (from->from_frame) {
		to->from_frame = snapshot__alloc(s, 1, sizeof(*to->from_frame));
		*to->from_frame = *from->from_frame;
	}
}

static void fill_inversion(struct snapshot *s, struct inversion *to,
			   const struct process_entry *process, struct inversion_entry *c)
{
	to->pid = process->key.tgid;
	to->comm = snapshot__string(s, process->comm);
	to->fresh = !c->reported;
	c->reported = true;
	to->edges = snapshot__alloc(s, c->n, sizeof(*to->edges));
	to->n_edges = c->n;
	for (size_t i = 0; i < c->n; i++)
		fill_edge(s, &to->edges[i], &c->edges[i]->shown);
}

void orders__fill(struct orders *o, struct snapshot *s, uint64_t now_ns)
{
	uint64_t end = o->graph.steps + STEPS_INTERVAL;

	do
		search(o, end);
	while (judge(o, s, now_ns) && o->graph.steps < end);
	s->inversions = snapshot__alloc(s, o->n_cycles, sizeof(*s->inversions));
	for (size_t i = 0; i < o->n_cycles; i++) {
		const struct order_key *key = &o->cycles[i].edges[0]->key;
		struct process_entry *process = process_of(o, key->tgid, key->gen, now_ns);

		if (process->in_scope)
			fill_inversion(s, &s->inversions[s->n_inversions++], process,
				       &o->cycles[i]);
	}
}

/* ---- what is over ---- */

/* Ended before the latest reading, or not known any more. */
static bool is_over(const struct orders *o, const struct order_key *key)
{
	struct process_key process = { .tgid = key->tgid, .gen = key->gen };
	struct process_entry *e;

	HASH_FIND(hh, o->processes->by_key, &process, sizeof(process), e);
	return !e || e->reported;
}

size_t orders__forget(struct orders *o, uint64_t now_ns, const struct order_key **keys)
{
	bool tight = HASH_COUNT(o->graph.edges) > EDGES_TIGHT;
	struct order_edge *e, *next;

	for (size_t i = o->n_cycles; i-- > 0;)
		if (is_over(o, &o->cycles[i].edges[0]->key))
			drop_cycle(o, i);
	o->n_gone = 0;
	HASH_ITER (hh, o->graph.edges, e, next) {
		bool unused = tight && now_ns > e->used_ns && now_ns - e->used_ns > UNUSED_NS;

		if (!unused && !order_edge__is_stale(e) && !is_over(o, &e->key))
			continue;
		array__grow(o->gone, o->n_gone, o->gone_capacity);
		o->lost += e->queued; /* nobody has looked at it */
		o->gone[o->n_gone++] = e->key;
		order_graph__drop(&o->graph, e);
	}
	*keys = o->gone;
	return o->n_gone;
}

uint64_t orders__lost(const struct orders *o)
{
	return o->lost + o->graph.lost;
}
