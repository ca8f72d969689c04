// SPDX-License-Identifier: GPL-2.0-only
/* What Python's frames tell of a lock: its kind and its name, in place of the semaphore below it.
 */
#include "samples_internal.h"

#include <stdio.h>

#include "arch.h"
#include "runtime_python.h"

/* The parts of a GIL: [enum python_gil_part]. */
static const struct gil_row {
	const char *name;
	enum lock_kind kind;
	enum lock_class class;
	enum owner_rule owner;
} gil_rows[] = {
	[GIL_CONDITION] = { "GIL", KIND_GIL, CLASS_CONTENTION, OWNER_PYTHON },
	/* held for a moment, to hand the GIL over */
	[GIL_MUTEX] = { "GIL (mutex)", KIND_MUTEX, CLASS_CONTENTION, OWNER_MUTEX },
	/* who was made to let go of it waits until another has it */
	[GIL_SWITCH] = { "GIL (forced switch)", KIND_COND, CLASS_IDLE, OWNER_NONE },
};

static void judge_gil(struct samples *s, struct sample_key *k, enum python_gil_part part,
		      uint64_t gil, size_t which)
{
	const struct gil_row *row = &gil_rows[part];
	char name[64];

	if (k->python.seen)
		return;
	k->python.seen = true;
	k->python.gil = part;
	snprintf(name, sizeof(name), which ? "%s of interpreter %zu" : "%s", row->name, which);
	k->python.name = names__intern(s->names, name);
	k->python.internal = SIGNATURE_OP(k->key.signature) & OP_EXACT;
	k->verdict.kind = row->kind;
	k->verdict.class = row->class;
	k->verdict.owner = row->owner;
	k->verdict.sure = true;
	if (part == GIL_CONDITION) /* either of its words: one lock, at the GIL's own address */
		k->verdict.offset = k->key.addr - gil;
	k->has_stack = true;
	k->named_after = 0;
}

/* The bytes before a word on the waiter's own stack, as they came with it; NULL: it is elsewhere.
 */
static const uint8_t *before_word(const struct sample_key *k, const struct raw_stack *raw)
{
	uint64_t at = k->key.addr - raw->regs->r[arch__native()->sp];

	return at >= WORDS_BEFORE && at < raw->len ? (const uint8_t *)raw->bytes + at - WORDS_BEFORE
						   : NULL;
}

/*
 * Constructs wait on locks that they make for it: what is waited for is the construct. Its locks'
 * memory is used again, so that a word may be of one object now and of another later.
 */
static void judge_key(struct sample_key *k, const struct python_lock_seen *seen)
{
	bool exact = SIGNATURE_OP(k->key.signature) & OP_EXACT;
	bool own = !seen->wait.object;

	if (own && k->python.seen && k->verdict.by_site)
		own = false;
	if (!k->python.seen) { /* what was seen before the interpreter was found tells less */
		sites__forget_places(&k->sites);
		depths__done(&k->depths);
		k->named_after = 0;
	}
	k->python.seen = true;
	k->python.internal = exact && seen->wait.object;
	k->verdict = (struct kind_verdict){ .kind = seen->wait.kind,
					    .class = seen->wait.class,
					    .by_site = !own,
					    .owner = own ? OWNER_PYTHON : OWNER_NONE,
					    .sure = true };
	k->has_stack = true;
	if (own && seen->name && seen->name != k->python.name) {
		k->python.name = seen->name;
		k->named_after = 0;
	}
}

void samples_python__judge(struct samples *s, struct sample_key *k, struct process_entry *process,
			   const struct named_stack *stack, const struct raw_stack *raw,
			   struct sample_site *site)
{
	struct pythons *pythons = s->processes->pythons;
	struct python *py = pythons__known(pythons, &process->key);
	struct python_lock_seen seen;
	enum python_gil_part part;
	const uint8_t *before;
	uint64_t gil;
	size_t which;

	s->gil_holder = 0;
	if (!py)
		return;
	part = python__gil_part(py, k->key.addr, &gil, &which);
	if (part != GIL_NONE) {
		judge_gil(s, k, part, gil, which);
		if (stack->python)
			s->gil_holder = owners__thread(
				s->owners, process,
				pythons__thread_of(pythons, py, stack->python->gil_holder),
				raw->now_ns);
		return;
	}
	/* its locks are semaphores; libraries take others on its behalf */
	if (!stack->python || (!k->python.seen && k->verdict.kind != KIND_SEM))
		return;
	before = before_word(k, raw);
	if (!pythons__see(pythons, py, stack->python, stack, k->key.addr, before, before != NULL,
			  &seen))
		return;
	judge_key(k, &seen);
	site->judged = true;
	site->kind = seen.wait.kind;
	site->class = seen.wait.class;
	site->name = seen.name;
	/* one that nobody names is one of many that come and go: the line that waits tells more */
	if (site->has_place && seen.wait.object)
		site->place.object = seen.name ? seen.wait.object : 0;
	else if (site->has_place)
		site->place.object = k->key.addr;
}

void samples_python__begin_anew(struct sample_key *k)
{
	const struct sample_site *latest = NULL;

	if (k->python.gil)
		return;
	for (size_t i = 0; i < k->sites.n; i++)
		if (k->sites.items[i].judged &&
		    (!latest || k->sites.items[i].used_ns > latest->used_ns))
			latest = &k->sites.items[i];
	k->python.seen = latest;
	k->python.name = latest && !k->verdict.by_site ? latest->name : NULL;
	k->python.internal &= latest != NULL;
}
