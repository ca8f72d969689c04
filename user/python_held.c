// SPDX-License-Identifier: GPL-2.0-only
/*
 * Locks that are held, as the interpreter tells them. Threads run on while their frames are read:
 * that one holds a Lock is said only if two looks found it in a block entered for it, and the Lock
 * was locked afterwards.
 */
#include <stdlib.h>
#include <string.h>

#include "python_exits.h"
#include "util.h"

#define LOCKS_MAX	8192
#define ONE_BYTE_LOCKED 1
#define SEM_VALUE	0x7fffffff /* the highest bit is musl's: somebody waits */

/* A lock that a thread entered a block for. */
struct hold {
	uint64_t object, frame;
	size_t thread, order; /* the outermost block has the highest */
	uint64_t code;
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
	struct python_types types;
	struct holds holds;
	uint64_t *rlocks; /* that were seen, held by a block or not */
	size_t n_rlocks, rlocks_capacity;
};

/* ---- looks at all frames ---- */

static int by_place(const void *a, const void *b)
{
	const struct hold *x = a, *y = b;

	if (x->object != y->object)
		return x->object < y->object ? -1 : 1;
	if (x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	return x->frame < y->frame ? -1 : x->frame > y->frame;
}

static void add_hold(struct holds *h, const struct hold *hold)
{
	if (h->n >= LOCKS_MAX)
		return;
	array__grow(h->items, h->n, h->capacity);
	h->items[h->n] = *hold;
	h->items[h->n].order = h->n;
	h->n++;
}

static void sort(struct holds *h)
{
	if (h->n)
		qsort(h->items, h->n, sizeof(*h->items), by_place);
}

static bool has(const struct holds *h, const struct hold *hold)
{
	return h->n && bsearch(hold, h->items, h->n, sizeof(*h->items), by_place);
}

static void add_rlock(struct search *s, uint64_t object)
{
	if (s->n_rlocks >= LOCKS_MAX)
		return;
	array__grow(s->rlocks, s->n_rlocks, s->rlocks_capacity);
	s->rlocks[s->n_rlocks++] = object;
}

/* bound: gets the objects that functions among these are bound to; NULL: not wanted. */
static size_t find_rlocks(struct search *s, const uint64_t *addresses, size_t n, uint64_t *bound)
{
	struct python_object *objects = xcalloc(n ? n : 1, sizeof(*objects));
	size_t n_bound = 0;

	python_locks__read(s->target, addresses, n, objects);
	for (size_t i = 0; i < n; i++) {
		enum python_object_type type =
			python_exits__type(s->target, &s->types, &objects[i]);

		if (type == PYTHON_AN_RLOCK)
			add_rlock(s, objects[i].address);
		else if (type == PYTHON_BUILTIN && bound)
			bound[n_bound++] = objects[i].second;
	}
	free(objects);
	return n_bound;
}

/* RLocks among what is at hand, and behind an __exit__ or an acquire there. */
static void find_all_rlocks(struct search *s, const struct python_slots *slots)
{
	uint64_t *bound = xcalloc(slots->n_objects + 1, sizeof(*bound));
	size_t n = find_rlocks(s, slots->objects, slots->n_objects, bound);

	find_rlocks(s, bound, n, NULL);
	free(bound);
}

/* What threads let go to wait for a Condition, inside of a block for it. */
static struct holds let_go(struct search *s, const struct python_slots *slots)
{
	struct holds ret = { 0 };

	for (size_t i = 0; i < slots->n_waits; i++) {
		struct hold hold = { .thread = slots->waits[i].thread };

		hold.object = python_exits__lock_of(s->target, &s->types, slots->waits[i].object,
						    &hold.rlock);
		if (hold.object)
			add_hold(&ret, &hold);
	}
	sort(&ret);
	return ret;
}

static struct holds look(struct search *s, const size_t *which, size_t n, bool rlocks)
{
	struct python_slots slots;
	struct holds ret = { 0 }, waits;

	python_slots__read(s->target, s->codes, s->names, s->threads, which, n, &slots);
	waits = let_go(s, &slots);
	for (size_t i = 0; i < slots.n_exits && ret.n < LOCKS_MAX; i++) {
		const struct python_slot *e = &slots.exits[i];
		struct hold hold = { .thread = e->thread };

		hold.object = python_exits__lock(s->target, &s->types, e, &hold.rlock);
		if (!hold.object || has(&waits, &hold))
			continue;
		hold.frame = e->frame;
		hold.code = e->code;
		hold.instruction = e->instruction;
		add_hold(&ret, &hold);
		if (hold.rlock && rlocks)
			add_rlock(s, hold.object);
	}
	if (rlocks)
		find_all_rlocks(s, &slots);
	free(waits.items);
	python_slots__done(&slots);
	sort(&ret);
	return ret;
}

/* Keeps what a second look finds again. An RLock's own memory says who has it. */
static void look_again(struct search *s)
{
	size_t *which = xcalloc(s->n + 1, sizeof(*which)), n = 0, kept = 0;
	bool *taken = xcalloc(s->n + 1, sizeof(*taken));
	struct holds again;

	for (size_t i = 0; i < s->holds.n; i++) {
		const struct hold *hold = &s->holds.items[i];

		if (hold->rlock || taken[hold->thread])
			continue;
		taken[hold->thread] = true;
		which[n++] = hold->thread;
	}
	again = look(s, which, n, false);
	for (size_t i = 0; i < s->holds.n; i++)
		if (s->holds.items[i].rlock || has(&again, &s->holds.items[i]))
			s->holds.items[kept++] = s->holds.items[i];
	s->holds.n = kept;
	free(again.items);
	free(taken);
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

/* n holds of one Lock. */
static bool read_lock(struct search *s, const struct hold *holds, size_t n, struct python_lock *ret)
{
	struct python_lock lock = { .object = holds->object };
	struct python_object o;
	size_t outermost = 0;

	python_locks__read(s->target, &lock.object, 1, &o);
	lock.word = word_of(s->target, lock.object, o.first);
	if (python_exits__type(s->target, &s->types, &o) != PYTHON_A_LOCK ||
	    !is_locked(s->target, lock.word))
		return false;
	for (size_t i = 1; i < n; i++)
		if (holds[i].order > holds[outermost].order)
			outermost = i;
	if (holds[0].thread == holds[n - 1].thread) {
		lock.holder = s->threads[holds->thread].state;
		lock.code = holds[outermost].code;
		lock.instruction = holds[outermost].instruction;
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

/* The outermost block of an RLock's owner for it. */
static void add_block(const struct search *s, uint64_t owner, struct python_lock *lock)
{
	size_t order = 0;

	for (size_t i = 0; i < s->holds.n; i++) {
		const struct hold *hold = &s->holds.items[i];

		if (hold->object != lock->object || s->threads[hold->thread].ident != owner ||
		    hold->order < order)
			continue;
		order = hold->order;
		lock->code = hold->code;
		lock->instruction = hold->instruction;
	}
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
	if (holder)
		add_block(s, owner, &lock);
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
		if (!h->items[i].rlock && read_lock(s, &h->items[i], same, &locks[n]))
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
	struct search s = {
		.target = t, .codes = codes, .names = names, .threads = threads, .n = n
	};
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
	locks = xcalloc(s.holds.n + s.n_rlocks + 1, sizeof(*locks));
	found = read_locks(&s, locks);
	*ret = locks;
	free(s.rlocks);
	free(s.holds.items);
	free(s.by_ident);
	free(which);
	return (int)found;
}
