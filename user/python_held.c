// SPDX-License-Identifier: GPL-2.0-only
/*
 * Locks that are held, as the interpreter tells them. Threads run on while their frames are read:
 * that one holds a Lock is said only if two looks found it in a block entered for it, and the Lock
 * was locked afterwards.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "python_locks.h"
#include "python_slots.h"
#include "util.h"

#define TYPES		256 /* remembered for one call; a power of two */
#define PROBES		8
#define DEPTH_MAX	4 /* from a construct to its lock */
#define LOCKS_MAX	65536
#define ONE_BYTE_LOCKED 1
#define SEM_VALUE	0x7fffffff /* the highest bit is musl's: somebody waits */

enum object_type {
	OBJECT_OTHER,
	OBJECT_LOCK,
	OBJECT_RLOCK,
	OBJECT_BUILTIN,	 /* a function in C, bound to its object */
	OBJECT_METHOD,	 /* a function in Python, bound to its object */
	OBJECT_FUNCTION, /* not bound, in C or Python */
};

static const struct type_row {
	const char *name;
	enum object_type type;
} type_rows[] = {
	{ "_thread.lock", OBJECT_LOCK },
	{ "_thread.RLock", OBJECT_RLOCK },
	{ "builtin_function_or_method", OBJECT_BUILTIN },
	{ "method", OBJECT_METHOD },
	{ "function", OBJECT_FUNCTION },
	{ "method_descriptor", OBJECT_FUNCTION },
};

/* A Lock that a block was entered for, or an RLock. */
struct hold {
	size_t thread;
	uint64_t frame, code, object;
	int64_t instruction;
	bool rlock;
};

struct holds {
	struct hold *items;
	size_t n, capacity;
};

struct search {
	struct python_target *target;
	struct python_codes *codes;
	struct names *names;
	const struct python_thread *threads;
	const struct python_thread **by_ident; /* in order of ident */
	size_t n;
	uint64_t types[TYPES];
	enum object_type known[TYPES];
	struct holds holds;
	uint64_t *rlocks; /* that were seen, held by a block or not */
	size_t n_rlocks, rlocks_capacity;
};

/* ---- what objects are ---- */

static enum object_type ask_type(struct python_target *t, uint64_t object)
{
	char name[32];

	if (python__type_name(t, object, name, sizeof(name)))
		return OBJECT_OTHER;
	for (size_t i = 0; i < ARRAY_SIZE(type_rows); i++)
		if (!strcmp(name, type_rows[i].name))
			return type_rows[i].type;
	return OBJECT_OTHER;
}

static enum object_type type_of(struct search *s, const struct python_object *o)
{
	uint64_t slot = o->type >> 4;

	if (!o->type)
		return OBJECT_OTHER;
	for (int i = 0; i < PROBES; i++, slot++) {
		uint64_t *type = &s->types[slot % TYPES];

		if (*type == o->type)
			return s->known[slot % TYPES];
		if (*type)
			continue;
		*type = o->type;
		s->known[slot % TYPES] = ask_type(s->target, o->address);
		return s->known[slot % TYPES];
	}
	return ask_type(s->target, o->address);
}

static struct python_object object_at(struct search *s, uint64_t address)
{
	struct python_object o;

	python_locks__read(s->target, &address, 1, &o);
	return o;
}

/* The lock of a Condition or of a reentrant lock in Python. false: it holds none, as a Semaphore
 * does, whose own lock is taken for moments only. */
static bool lock_of_construct(struct search *s, uint64_t object, struct hold *ret)
{
	for (int i = 0; i < DEPTH_MAX; i++) {
		struct python_object o = object_at(s, object);
		enum object_type type = type_of(s, &o);
		const char *attribute;

		if (type == OBJECT_LOCK || type == OBJECT_RLOCK) {
			ret->object = object;
			ret->rlock = type == OBJECT_RLOCK;
			return true;
		}
		attribute = o.type ? python_locks__attribute(s->target, o.type) : NULL;
		if (!attribute || (strcmp(attribute, "_lock") && strcmp(attribute, "_block")))
			return false;
		object = python__attribute(s->target, object, attribute);
	}
	return false;
}

static bool is_exit(struct search *s, uint64_t definition)
{
	char name[16];

	return !python__c_string(s->target, python__pointer(s->target, definition), name,
				 sizeof(name)) &&
	       !strcmp(name, "__exit__");
}

/* What the block is for that keeps these in its slots. */
static bool lock_of_exit(struct search *s, const struct python_slot *slot, struct hold *ret)
{
	struct python_object o = object_at(s, slot->object), below;

	switch (type_of(s, &o)) {
	case OBJECT_BUILTIN:
		return is_exit(s, o.first) && lock_of_construct(s, o.second, ret);
	case OBJECT_METHOD:
		return lock_of_construct(s, o.second, ret);
	default:
		if (!s->target->layout->locks_inside || !slot->below)
			return false;
		below = object_at(s, slot->below);
		return type_of(s, &below) == OBJECT_FUNCTION &&
		       lock_of_construct(s, slot->object, ret);
	}
}

/* ---- looks at all frames ---- */

static void add_rlock(struct search *s, uint64_t object)
{
	if (s->n_rlocks >= LOCKS_MAX)
		return;
	array__grow(s->rlocks, s->n_rlocks, s->rlocks_capacity);
	s->rlocks[s->n_rlocks++] = object;
}

/* RLocks among what is at hand, and what is bound to functions there: an __exit__, an acquire. */
static void find_rlocks(struct search *s, const uint64_t *addresses, size_t n)
{
	struct python_object *objects = xcalloc(n ? n : 1, sizeof(*objects));
	size_t n_bound = 0;

	for (int round = 0; round < 2 && n > 0; round++, n = n_bound) {
		uint64_t *bound = xcalloc(n, sizeof(*bound));

		python_locks__read(s->target, addresses, n, objects);
		n_bound = 0;
		for (size_t i = 0; i < n; i++) {
			enum object_type type = type_of(s, &objects[i]);

			if (type == OBJECT_RLOCK)
				add_rlock(s, objects[i].address);
			else if (type == OBJECT_BUILTIN)
				bound[n_bound++] = objects[i].second;
		}
		if (round > 0)
			free((void *)addresses);
		addresses = bound;
	}
	free(objects);
}

/* Has the thread let it go, to wait for a Condition inside of the block? */
static bool waits_for_condition(struct search *s, const struct python_slots *slots,
				const struct hold *hold)
{
	for (size_t i = 0; i < slots->n_waits; i++) {
		struct hold condition;

		if (slots->waits[i].thread == hold->thread &&
		    lock_of_construct(s, slots->waits[i].object, &condition) &&
		    condition.object == hold->object)
			return true;
	}
	return false;
}

static struct holds look(struct search *s, const size_t *which, size_t n, bool rlocks)
{
	struct python_slots slots;
	struct holds holds = { 0 };

	python_slots__read(s->target, s->codes, s->names, s->threads, which, n, &slots);
	for (size_t i = 0; i < slots.n_exits && holds.n < LOCKS_MAX; i++) {
		const struct python_slot *e = &slots.exits[i];
		struct hold hold = { .thread = e->thread,
				     .frame = e->frame,
				     .code = e->code,
				     .instruction = e->instruction };

		if (!lock_of_exit(s, e, &hold))
			continue;
		if (hold.rlock && rlocks)
			add_rlock(s, hold.object);
		if (!hold.rlock && waits_for_condition(s, &slots, &hold))
			continue;
		array__grow(holds.items, holds.n, holds.capacity);
		holds.items[holds.n++] = hold;
	}
	if (rlocks)
		find_rlocks(s, slots.objects, slots.n_objects);
	python_slots__done(&slots);
	return holds;
}

/* In order of objects; of each the outermost block last, as looks find them. */
static int by_object(const void *a, const void *b)
{
	const struct hold *x = a, *y = b;

	if (x->object != y->object)
		return x->object < y->object ? -1 : 1;
	return x->thread < y->thread ? -1 : x->thread > y->thread;
}

static bool is_among(const struct holds *holds, const struct hold *hold)
{
	for (size_t i = 0; i < holds->n; i++)
		if (holds->items[i].object == hold->object &&
		    holds->items[i].thread == hold->thread && holds->items[i].frame == hold->frame)
			return true;
	return false;
}

/* Keeps what a second look finds again. An RLock's own memory says who has it. */
static void look_again(struct search *s)
{
	size_t *which = xcalloc(s->holds.n ? s->holds.n : 1, sizeof(*which));
	struct holds again;
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < s->holds.n; i++)
		if (!s->holds.items[i].rlock && (!n || which[n - 1] != s->holds.items[i].thread))
			which[n++] = s->holds.items[i].thread;
	again = look(s, which, n, false);
	for (size_t i = 0; i < s->holds.n; i++)
		if (s->holds.items[i].rlock || is_among(&again, &s->holds.items[i]))
			s->holds.items[kept++] = s->holds.items[i];
	s->holds.n = kept;
	free(again.items);
	free(which);
}

/* ---- what comes of it ---- */

static uint64_t word_of(const struct python_target *t, uint64_t object, uint64_t first)
{
	return t->layout->locks_inside ? object + t->layout->lock.lock : first;
}

static bool is_locked(struct python_target *t, uint64_t word)
{
	int32_t value;
	uint8_t byte;

	if (t->layout->one_byte_locks || t->layout->locks_inside)
		return !python__read(t, word, &byte, 1) && (byte & ONE_BYTE_LOCKED);
	/* A semaphore; -1 in musl up to 1.1: somebody waits. */
	return !python__int32(t, word, &value) && ((value & SEM_VALUE) == 0 || value == -1);
}

static bool read_lock(struct search *s, const struct holds *h, size_t first, size_t n,
		      struct python_lock *ret)
{
	const struct hold *hold = &h->items[first + n - 1];
	struct python_object o = object_at(s, hold->object);
	struct python_lock lock = { .object = hold->object };

	lock.word = word_of(s->target, lock.object, o.first);
	if (type_of(s, &o) != OBJECT_LOCK || !is_locked(s->target, lock.word))
		return false;
	if (h->items[first].thread == hold->thread) {
		lock.holder = s->threads[hold->thread].state;
		lock.code = hold->code;
		lock.instruction = hold->instruction;
	}
	*ret = lock;
	return true;
}

static const struct python_thread *thread_of(const struct search *s, uint64_t ident)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (s->by_ident[middle]->ident < ident)
			low = middle + 1;
		else
			high = middle;
	}
	return low < s->n && s->by_ident[low]->ident == ident ? s->by_ident[low] : NULL;
}

static bool read_rlock(struct search *s, uint64_t object, struct python_lock *ret)
{
	const struct python_layout *l = s->target->layout;
	struct python_lock lock = { .object = object, .rlock = true };
	uint64_t first, owner, count;
	struct python_range ranges[] = {
		{ .address = object + l->lock.lock, &first, .size = 8 },
		{ .address = object + l->lock.rlock_owner, &owner, .size = 8 },
		{ .address = object + l->lock.rlock_count, &count, .size = 8 },
	};
	const struct python_thread *holder;

	s->target->read(s->target, ranges, ARRAY_SIZE(ranges));
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (!ranges[i].got)
			return false;
	lock.word = word_of(s->target, object, first);
	if (l->locks_inside && owner)
		count++;
	holder = owner && count ? thread_of(s, owner) : NULL;
	if (holder) {
		lock.holder = holder->state;
		lock.count = (uint32_t)MIN(count, (uint64_t)UINT32_MAX);
	}
	for (size_t i = 0; holder && i < s->holds.n; i++) {
		const struct hold *hold = &s->holds.items[i];

		if (hold->object == object && s->threads[hold->thread].ident == owner) {
			lock.code = hold->code;
			lock.instruction = hold->instruction;
		}
	}
	*ret = lock;
	return true;
}

static int by_address(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static size_t read_locks(struct search *s, struct python_lock *locks)
{
	const struct holds *h = &s->holds;
	size_t n = 0, same;

	for (size_t i = 0; i < h->n; i += same) {
		for (same = 1; i + same < h->n; same++)
			if (h->items[i].object != h->items[i + same].object)
				break;
		if (!h->items[i].rlock && read_lock(s, h, i, same, &locks[n]))
			n++;
	}
	if (s->n_rlocks)
		qsort(s->rlocks, s->n_rlocks, sizeof(*s->rlocks), by_address);
	for (size_t i = 0; i < s->n_rlocks; i++)
		if ((!i || s->rlocks[i] != s->rlocks[i - 1]) &&
		    read_rlock(s, s->rlocks[i], &locks[n]))
			n++;
	return n;
}

/* A thread that is being made has its maker's ident for a moment: of two the older one comes first,
 * which the interpreter's list has last. */
static int by_ident(const void *a, const void *b)
{
	const struct python_thread *x = *(const struct python_thread *const *)a;
	const struct python_thread *y = *(const struct python_thread *const *)b;

	if (x->ident != y->ident)
		return x->ident < y->ident ? -1 : 1;
	return x > y ? -1 : x < y;
}

int python_threads__locks(struct python_target *t, struct python_codes *codes, struct names *names,
			  const struct python_thread *threads, size_t n, struct python_lock **ret)
{
	struct search s = { t, codes, names, threads, .n = n };
	size_t *which = xcalloc(n ? n : 1, sizeof(*which)), found;
	struct python_lock *locks;

	s.by_ident = xcalloc(n ? n : 1, sizeof(*s.by_ident));
	for (size_t i = 0; i < n; i++) {
		which[i] = i;
		s.by_ident[i] = &threads[i];
	}
	qsort(s.by_ident, n, sizeof(*s.by_ident), by_ident);
	s.holds = look(&s, which, n, true);
	look_again(&s);
	if (s.holds.n)
		qsort(s.holds.items, s.holds.n, sizeof(*s.holds.items), by_object);
	locks = xcalloc(s.holds.n + s.n_rlocks + 1, sizeof(*locks));
	found = read_locks(&s, locks);
	*ret = locks;
	free(s.rlocks);
	free(s.holds.items);
	free(s.by_ident);
	free(which);
	return (int)found;
}
