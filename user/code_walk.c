// SPDX-License-Identifier: GPL-2.0-only
/*
 * A called function may never return (exit, a failed assertion), and then the bytes behind the call
 * belong to something else, at another depth. So functions that are called directly are looked
 * into: does any path through them reach a return?
 */
#include "code_walk.h"

#include <stdlib.h>
#include <string.h>

#include "decode_x86_64.h"
#include "util.h"

#define LEVELS	     6	  /* of calls looked into */
#define INSNS	     1024 /* of one function */
#define SLOTS	     (2 * INSNS)
#define PATHS	     256
#define CALLEES	     256
#define EXIT_INSNS   8
#define DEPTH_MAX    (1 << 24) /* bytes of one frame */
#define CALL_LENGTHS 8

const uint8_t saved_dwarf_numbers[SAVED_COUNT] = { 3, 6, 12, 13, 14, 15 };

struct path {
	uint64_t at;
	bool fallen; /* no jump led here */
	struct insn_place sp;
	int32_t freed; /* what was below this belongs to functions jumped into */
	uint8_t same, restored, pushed_same, pushed_restored;
	struct code_place saved[SAVED_COUNT];
};

/* One function that is being looked at. */
struct level {
	uint64_t end;
	unsigned int round;
	struct {
		uint64_t at;
		unsigned int round; /* older ones are empty */
	} seen[SLOTS];		    /* an open-addressed set */
	struct path paths[PATHS];
	unsigned int n_paths, insns;
	bool lost; /* some path could not be followed to its end */
	struct code_step *step;
	bool returns;
};

struct code_walker {
	const struct code_reader *reader;
	unsigned int round;
	unsigned int insns;
	struct {
		uint64_t vaddr;
		bool never_returns;
	} callees[CALLEES];
	unsigned int n_callees;
	struct level levels[LEVELS];
};

struct code_walker *code_walker__new(void)
{
	return xcalloc(1, sizeof(struct code_walker));
}

void code_walker__free(struct code_walker *w)
{
	free(w);
}

static bool decode(const struct code_reader *reader, uint64_t vaddr, struct insn *ret)
{
	const uint8_t *code;
	size_t n = reader->read(reader->context, vaddr, &code);

	return n > 0 && decode__insn(code, n, ret) == 0;
}

static int saved_index(uint8_t number)
{
	return number == X86_RBX	     ? SAVED_RBX
	       : number == X86_RBP	     ? SAVED_RBP
	       : number >= 12 && number < 16 ? number - 12 + SAVED_R12
					     : -1;
}

/* Marks a place as seen. False if it was, or there is no room. */
static bool see(struct level *l, uint64_t at)
{
	uint64_t i = (at * 0x9e3779b97f4a7c15ULL) >> 32;

	if (l->insns >= INSNS) {
		l->lost = true;
		return false;
	}
	for (i %= SLOTS; l->seen[i].round == l->round; i = (i + 1) % SLOTS) {
		if (l->seen[i].at == at)
			return false;
	}
	l->seen[i].at = at;
	l->seen[i].round = l->round;
	l->insns++;
	return true;
}

static void later(struct level *l, const struct path *p, uint64_t at)
{
	if (l->n_paths == PATHS) {
		l->lost = true;
		return;
	}
	l->paths[l->n_paths] = *p;
	l->paths[l->n_paths].at = at;
	l->paths[l->n_paths++].fallen = false;
}

/* What a place before an instruction is, seen from where the walk began. */
static struct insn_place resolve(const struct path *p, struct insn_place place)
{
	struct insn_place unknown = { .base = X86_NONE };
	int64_t offset = place.offset;

	if (place.base == X86_RSP) {
		offset += p->sp.offset;
		place.base = p->sp.base;
	} else if (place.base != X86_RBP || !(p->same & 1u << SAVED_RBP)) {
		return unknown;
	}
	if (offset > DEPTH_MAX || offset < -DEPTH_MAX)
		return unknown;
	place.offset = (int32_t)offset;
	return place;
}

static struct code_place to_place(struct insn_place place)
{
	return (struct code_place){ .by_fp = place.base == X86_RBP, .offset = place.offset };
}

/* Register `saved` is loaded from the stack. */
static void restore(struct path *p, int saved, struct insn_place from)
{
	uint8_t bit = 1u << saved;

	if (from.base == p->sp.base && from.offset < p->freed) {
		/* Pushed by this very path: it is again what it was then. */
		p->same |= p->pushed_same & bit;
		p->restored |= p->pushed_restored & bit;
	} else if (from.base != X86_NONE) {
		p->restored |= bit;
		p->saved[saved] = to_place(from);
	}
}

static void change(struct path *p, const struct insn *insn)
{
	struct insn_place sp = resolve(p, insn->sp), from = resolve(p, insn->from);
	int pushed = saved_index(insn->pushed);

	if (pushed >= 0) {
		uint8_t bit = 1u << pushed;

		p->pushed_same = (p->pushed_same & ~bit) | (p->same & bit);
		p->pushed_restored = (p->pushed_restored & ~bit) | (p->restored & bit);
	}
	for (uint8_t i = 0; i < X86_REGISTERS; i++) {
		int saved = saved_index(i);

		if (saved < 0 || (!(insn->written & 1u << i) && insn->loaded != i))
			continue;
		p->same &= ~(1u << saved);
		p->restored &= ~(1u << saved);
		if (insn->loaded == i)
			restore(p, saved, from);
	}
	p->freed = sp.base == p->sp.base ? MAX(p->freed, sp.offset) : sp.offset;
	p->sp = sp;
}

static void add_way(struct level *l, const struct path *p, uint16_t popped)
{
	struct code_step *step = l->step;
	struct code_place pc = to_place(p->sp);
	struct code_way *way;

	l->returns = true;
	/* What returns to below where the walk began was not called from here. */
	if (!step || (!pc.by_fp && pc.offset < 0))
		return;
	for (unsigned int i = 0; i < step->n; i++) {
		way = &step->ways[i];
		if (way->pc.by_fp == pc.by_fp && way->pc.offset == pc.offset)
			return;
	}
	if (step->n == CODE_WAYS_MAX) {
		l->lost = true;
		return;
	}
	way = &step->ways[step->n++];
	*way = (struct code_way){
		.pc = pc, .popped = popped, .same = p->same, .restored = p->restored
	};
	memcpy(way->saved, p->saved, sizeof(way->saved));
}

static bool never_returns(struct code_walker *w, unsigned int depth, uint64_t vaddr);

/* Goes on behind an instruction. False: this path is at its end. */
static bool go_on(struct code_walker *w, unsigned int depth, struct path *p,
		  const struct insn *insn)
{
	struct level *l = &w->levels[depth];
	uint64_t next = p->at + insn->length, target = p->at + (uint64_t)insn->target;

	p->at = next;
	p->fallen = true;
	switch (insn->flow) {
	case FLOW_NEXT:
	case FLOW_CALL_BY:
		return true;
	case FLOW_BRANCH:
		later(l, p, target);
		return true;
	case FLOW_CALL:
		/* A call of what stands behind it is a push. */
		l->lost |= target == next;
		return target != next && !never_returns(w, depth + 1, target);
	case FLOW_JUMP:
		p->at = target;
		p->fallen = false;
		return true;
	case FLOW_JUMP_VIA:
	case FLOW_RETURN:
		add_way(l, p, insn->popped);
		return false;
	case FLOW_JUMP_BY:
		l->lost = true;
		return false;
	case FLOW_STOP:
		return false;
	}
	return false;
}

static void follow(struct code_walker *w, unsigned int depth, struct path *p)
{
	struct level *l = &w->levels[depth];
	struct insn insn;

	do {
		/* Only a call that does not return can stand at the end of a function. */
		if ((p->fallen && p->at == l->end) || !see(l, p->at))
			return;
		if (++w->insns > CODE_WALK_INSNS || !decode(w->reader, p->at, &insn)) {
			l->lost = true;
			return;
		}
		change(p, &insn);
		if (p->sp.base == X86_NONE) {
			l->lost = true;
			return;
		}
	} while (go_on(w, depth, p, &insn));
}

/* All paths of one function; without a step to fill, up to the first return. */
static void explore(struct code_walker *w, unsigned int depth, uint64_t start, uint64_t end,
		    struct code_step *step)
{
	struct level *l = &w->levels[depth];
	struct path path = {
		.at = start,
		.fallen = true,
		.sp = { .base = X86_RSP },
		.same = (1u << SAVED_COUNT) - 1,
	};

	l->round = ++w->round;
	l->end = end;
	l->n_paths = l->insns = 0;
	l->lost = l->returns = false;
	l->step = step;
	follow(w, depth, &path);
	for (unsigned int i = 0; i < l->n_paths && (step || !l->returns); i++) {
		path = l->paths[i];
		follow(w, depth, &path);
	}
}

/* Every doubt means that it returns. */
static bool never_returns(struct code_walker *w, unsigned int depth, uint64_t vaddr)
{
	unsigned int mine = w->n_callees;
	struct level *l;

	for (unsigned int i = 0; i < w->n_callees; i++) {
		if (w->callees[i].vaddr == vaddr)
			return w->callees[i].never_returns;
	}
	if (depth == LEVELS || w->n_callees == CALLEES)
		return false;
	w->callees[w->n_callees].vaddr = vaddr;
	w->callees[w->n_callees++].never_returns = false; /* should it call itself */
	l = &w->levels[depth];
	explore(w, depth, vaddr, 0, NULL);
	w->callees[mine].never_returns = !l->returns && !l->lost;
	return w->callees[mine].never_returns;
}

/*
 * exit(main()), and its like for threads: straight on, what the callee returned goes as the
 * argument into something that does not come back.
 */
static bool ends_thread(const struct code_reader *reader, uint64_t at)
{
	struct insn insn;
	bool passed = false;

	for (int i = 0; i < EXIT_INSNS && decode(reader, at, &insn); i++) {
		passed |= insn.passes_on;
		if (insn.flow == FLOW_CALL || insn.flow == FLOW_JUMP || insn.flow == FLOW_STOP)
			return passed;
		if (insn.flow != FLOW_NEXT)
			return false;
		at += insn.length;
	}
	return false;
}

bool code_walk__from(struct code_walker *w, const struct code_reader *reader, uint64_t vaddr,
		     uint64_t end, struct code_step *ret)
{
	struct code_step step = { 0 };
	const uint8_t *code;

	if (reader->read(reader->context, vaddr, &code) == 0)
		return false;
	w->reader = reader;
	w->insns = w->n_callees = 0;
	explore(w, 0, vaddr, end, &step);
	step.complete = !w->levels[0].lost;
	step.outermost = step.complete && step.n == 0 && ends_thread(reader, vaddr);
	*ret = step;
	return true;
}

bool code_walk__after_call(const struct code_reader *reader, uint64_t vaddr)
{
	for (unsigned int length = 2; length <= CALL_LENGTHS; length++) {
		struct insn insn;

		if (vaddr >= length && decode(reader, vaddr - length, &insn) &&
		    insn.length == length && (insn.flow == FLOW_CALL || insn.flow == FLOW_CALL_BY))
			return true;
	}
	return false;
}
