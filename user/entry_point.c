// SPDX-License-Identifier: GPL-2.0-only
#include "entry_point.h"

#include "uprobe_x86_64.h"
#include "util.h"

#define BLOCK_BYTES    128	   /* what comes later than this is no entry block */
#define FUNCTION_BYTES (64u << 10) /* a longer one is not looked through */
#define AWAY_BYTES     1024	   /* looked through behind each jump out of the function */
#define WAYS_OUT       32

static bool read_insn(const struct code_reader *reader, uint64_t vaddr, struct uprobe_insn *ret)
{
	const uint8_t *code;
	size_t n = reader->read(reader->context, vaddr, &code);

	return n > 0 && uprobe__insn(code, n, ret) == 0;
}

static uint16_t registers_of(unsigned int args)
{
	uint16_t mask = 0;

	for (unsigned int i = 0; i < MIN(args, UPROBE_ARGS_MAX); i++)
		mask |= 1u << uprobe_arg_registers[i];
	return mask;
}

/* Is all as it was at the start behind this instruction, but for the stack pointer? */
static bool leaves_intact(const struct uprobe_insn *u, uint16_t kept)
{
	const struct insn *insn = &u->insn;
	uint16_t loaded = insn->loaded == X86_NONE ? 0 : 1u << insn->loaded;

	return u->plain && !u->stores && insn->flow == FLOW_NEXT && insn->sp.base == X86_RSP &&
	       !((insn->written | loaded) & kept);
}

/* From the start straight on to the first emulated instruction. */
static bool walk(const struct code_reader *reader, uint64_t start, uint64_t size, uint16_t kept,
		 struct entry_point *ret)
{
	struct entry_point p = { .emulated = true };
	int64_t stack = 0;

	do {
		struct uprobe_insn u;

		if (!read_insn(reader, start + p.offset, &u))
			return false;
		if (u.emulated) {
			p.stack = (uint32_t)stack;
			*ret = p;
			return true;
		}
		if (!leaves_intact(&u, kept))
			return false;
		stack -= u.insn.sp.offset;
		p.offset += u.insn.length;
		if (stack < 0 || stack > UINT32_MAX)
			return false;
	} while (p.offset < MIN(size, BLOCK_BYTES));
	return false;
}

/* A spin lock whose first instruction, which the kernel refuses, is the try itself. */
static bool walk_tried(const struct code_reader *reader, uint64_t start, uint64_t size,
		       struct entry_point *ret)
{
	struct uprobe_insn try, branch;

	if (!read_insn(reader, start, &try) || try.counts_down != uprobe_arg_registers[0] ||
	    try.insn.length >= size || !read_insn(reader, start + try.insn.length, &branch) ||
	    !branch.emulated || !branch.branches_on_zero)
		return false;
	*ret = (struct entry_point){ .offset = try.insn.length, .emulated = true, .tried = true };
	return true;
}

/* What a look through all instructions of a function tells. */
struct sweep {
	bool known;	/* all of them were understood, and none jumps by a table */
	bool to_start;	/* some branch goes to the first one */
	uint64_t first; /* the lowest behind it that a branch goes to, UINT64_MAX: none */
	uint64_t away[WAYS_OUT];
	size_t n_away;
};

static void add_way(uint64_t *ways, size_t *n, size_t max, uint64_t target)
{
	for (size_t i = 0; i < *n; i++) {
		if (ways[i] == target)
			return;
	}
	if (*n < max)
		ways[(*n)++] = target;
}

static bool has_target(const struct insn *insn)
{
	return insn->flow == FLOW_JUMP || insn->flow == FLOW_BRANCH || insn->flow == FLOW_CALL;
}

static void note_target(struct sweep *s, uint64_t start, uint64_t target)
{
	if (target == start)
		s->to_start = true;
	else if (target > start)
		s->first = MIN(s->first, target);
}

static struct sweep sweep_own(const struct code_reader *reader, uint64_t start, uint64_t size)
{
	struct sweep s = { .known = size > 0 && size <= FUNCTION_BYTES, .first = UINT64_MAX };
	struct uprobe_insn u;

	for (uint64_t at = start; s.known && at - start < size; at += u.insn.length) {
		uint64_t target;

		if (!read_insn(reader, at, &u) || u.insn.flow == FLOW_JUMP_BY) {
			s.known = false;
			break;
		}
		target = at + (uint64_t)u.insn.target;
		if (!has_target(&u.insn))
			continue;
		if (target - start < size)
			note_target(&s, start, target);
		else if (u.insn.flow != FLOW_CALL)
			add_way(s.away, &s.n_away, WAYS_OUT, target);
	}
	return s;
}

/*
 * Parts of a function that are seldom needed stand elsewhere, under a name that a stripped file
 * does not have, and may come back.
 */
static void sweep_away(const struct code_reader *reader, uint64_t start, uint64_t size,
		       struct sweep *s)
{
	s->known &= s->n_away < WAYS_OUT;
	for (size_t i = 0; i < s->n_away; i++) {
		uint64_t end = s->away[i] + AWAY_BYTES;
		struct uprobe_insn u;

		for (uint64_t at = s->away[i]; at < end; at += u.insn.length) {
			uint64_t target;

			if (at - start < size || !read_insn(reader, at, &u))
				break;
			target = at + (uint64_t)u.insn.target;
			if (has_target(&u.insn) && target - start < size && target != start)
				note_target(s, start, target);
		}
	}
}

struct entry_point entry_point__find(const struct code_reader *reader, uint64_t start,
				     uint64_t size, unsigned int args)
{
	struct entry_point dear = { 0 }, found;
	struct sweep s = sweep_own(reader, start, size);
	struct uprobe_insn first;

	sweep_away(reader, start, size, &s);
	dear.again = s.to_start;
	dear.refused = read_insn(reader, start, &first) && first.refused;
	if (!walk(reader, start, size, registers_of(args), &found) &&
	    !(dear.refused && walk_tried(reader, start, size, &found)))
		return dear;
	if (found.offset > 0 && (!s.known || s.first <= start + found.offset))
		return dear;
	found.again = s.to_start;
	return found;
}

size_t entry_point__ways_out(const struct code_reader *reader, uint64_t start, uint64_t size,
			     bool always, uint64_t *ret, size_t max)
{
	struct uprobe_insn u;
	size_t n = 0;

	size = MIN(size, FUNCTION_BYTES);
	for (uint64_t at = start; at - start < size; at += u.insn.length) {
		uint64_t target;

		if (!read_insn(reader, at, &u))
			break;
		target = at + (uint64_t)u.insn.target;
		if (always && u.insn.flow == FLOW_BRANCH)
			break;
		if (has_target(&u.insn) && target - start >= size)
			add_way(ret, &n, max, target);
		if (always && u.insn.flow != FLOW_NEXT)
			break;
	}
	return n;
}
