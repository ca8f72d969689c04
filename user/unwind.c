// SPDX-License-Identifier: GPL-2.0-only
#include "unwind.h"

#include <string.h>

#include "expression.h"
#include "frames.h"
#include "step_code.h"
#include "util.h"

_Static_assert(SYMBOLS_FILES_KEPT > UNWIND_FRAMES_MAX, "a stack's files must outlive it");

enum outcome {
	CALLER,	   /* the state is the caller's now */
	OUTERMOST, /* there is no caller */
	LOST,	   /* it can't be found */
};

struct unwinder {
	struct symbols *symbols;
	pid_t pid;
	const struct maps *maps;
	struct machine_state state;
	bool exact; /* the pc was interrupted; it is no return address */
};

static uint64_t mask(const struct arch *arch)
{
	return arch->word == 8 ? UINT64_MAX : UINT32_MAX;
}

/* The frame of the state's pc. prev: its callee's, most often in the same mapping. */
static void locate(const struct unwinder *u, uint64_t pc, const struct unwind_frame *prev,
		   struct unwind_frame *ret)
{
	uint64_t lookup = u->exact ? pc : pc - 1;
	const struct mapping *m = prev ? prev->mapping : NULL;
	bool same = m && lookup >= m->start && lookup < m->end;

	*ret = (struct unwind_frame){ .pc = pc, .lookup = lookup };
	ret->mapping = same ? m : maps__find(u->maps, lookup);
	if (!ret->mapping)
		return;
	ret->file = same ? prev->file : symbols__file(u->symbols, u->pid, ret->mapping);
	if (ret->file && !elf_file__vaddr(ret->file, ret->mapping, lookup, &ret->vaddr))
		ret->file = NULL;
}

static bool executable(const struct maps *maps, uint64_t pc)
{
	const struct mapping *m = maps__find(maps, pc - 1);

	return m && m->exec;
}

/*
 * The value that register `reg` had in the caller, by the rules of the frame. False if it is
 * unknown there; *undefined if the rules themselves say so.
 */
static bool caller_register(const struct machine_state *s, Dwarf_Frame *frame, unsigned int reg,
			    uint64_t *ret, bool *undefined)
{
	Dwarf_Op memory[3], *ops;
	uint64_t result;
	size_t n;
	bool value;

	*undefined = false;
	if (dwarf_frame_register(frame, reg, memory, &ops, &n) != 0)
		return false;
	if (n == 0) {
		*undefined = ops != NULL;
		if (*undefined || !(s->known & 1u << reg))
			return false;
		*ret = s->r[reg]; /* same value */
		return true;
	}
	if (!expression__run(s, ops, n, &result, &value))
		return false;
	if (!value && !state__read(s, result, s->arch->word, &result))
		return false;
	*ret = result & mask(s->arch);
	return true;
}

static enum outcome step_by_rules(struct unwinder *u, const struct frame_rules *rules)
{
	const struct arch *arch = u->state.arch;
	struct machine_state *s = &u->state, next = *s;
	bool value, undefined;
	uint64_t cfa, last = s->r[arch->sp];
	Dwarf_Op *ops;
	size_t n;

	s->cfa_known = false;
	if (dwarf_frame_cfa(rules->frame, &ops, &n) != 0 ||
	    !expression__run(s, ops, n, &cfa, &value))
		return LOST;
	s->cfa = cfa & mask(arch);
	s->cfa_known = true;
	next.known = 0;
	for (unsigned int i = 0; i < arch->registers; i++) {
		/* Only a signal's frame knows the others; asking libdw is what a walk costs. */
		if (!rules->signal && !(arch->saved & 1u << i))
			continue;
		if (caller_register(s, rules->frame, i, &next.r[i], &undefined))
			next.known |= 1u << i;
		else if (i == arch->pc)
			return undefined ? OUTERMOST : LOST;
	}
	if (next.r[arch->pc] == 0)
		return OUTERMOST;
	if (!(next.known & 1u << arch->sp)) {
		next.r[arch->sp] = s->cfa;
		next.known |= 1u << arch->sp;
	}
	/*
	 * Stacks grow down, so each caller's is higher. A signal handler on a stack of its own ends
	 * the walk as well: the other stack was not copied.
	 */
	if (next.r[arch->sp] <= last || next.r[arch->sp] - s->base > s->stack_len)
		return LOST;
	u->exact = rules->signal;
	u->state = next;
	return CALLER;
}

static bool read_place(const struct machine_state *s, struct code_place place, uint64_t *at,
		       uint64_t *ret)
{
	unsigned int base = place.by_fp ? s->arch->fp : s->arch->sp;

	if (!(s->known & 1u << base))
		return false;
	*at = s->r[base] + (uint64_t)(int64_t)place.offset;
	return *at % s->arch->word == 0 && *at >= s->r[s->arch->sp] &&
	       state__read(s, *at, s->arch->word, ret);
}

/* A return address in a file stands right after a call. */
static bool called_from(struct unwinder *u, uint64_t pc)
{
	const struct mapping *m = maps__find(u->maps, pc - 1);
	struct code_location where = {
		.symbols = u->symbols,
		.pid = u->pid,
		.mapping = m,
		.file = m && m->exec ? symbols__file(u->symbols, u->pid, m) : NULL,
	};

	if (!where.file || !elf_file__vaddr(where.file, m, pc - 1, &where.vaddr))
		return false;
	where.vaddr++;
	return step_code__after_call(symbols__step_code(u->symbols), &where);
}

static enum outcome take_way(struct unwinder *u, const struct code_way *way, uint64_t pc,
			     uint64_t at)
{
	const struct arch *arch = u->state.arch;
	struct machine_state *s = &u->state, next = *s;

	next.known = 1u << arch->sp | 1u << arch->pc;
	next.r[arch->sp] = at + arch->word + (uint64_t)way->popped;
	next.r[arch->pc] = pc;
	for (unsigned int i = 0; i < SAVED_COUNT; i++) {
		unsigned int reg = saved_dwarf_numbers[i];
		bool same = way->same & 1u << i && s->known & 1u << reg;

		if (same ||
		    (way->restored & 1u << i && read_place(s, way->saved[i], &at, &next.r[reg])))
			next.known |= 1u << reg;
	}
	u->exact = false;
	u->state = next;
	return CALLER;
}

/*
 * Code without rules in a file: musl's, and most of what is written in assembly. Of several ways
 * only the true one leads to a place right after a call, else the stack ends here. *conclusive: the
 * code was understood, and another guess could only be worse.
 */
static enum outcome step_by_code(struct unwinder *u, const struct unwind_frame *frame,
				 bool *conclusive)
{
	const struct code_location where = {
		.symbols = u->symbols,
		.pid = u->pid,
		.mapping = frame->mapping,
		.file = frame->file,
		.vaddr = frame->vaddr + (frame->pc - frame->lookup),
	};
	const struct code_step *found = step_code__at(symbols__step_code(u->symbols), &where);
	const struct code_way *way = NULL;
	uint64_t pc, at, way_pc = 0, way_at = 0;

	*conclusive = found && (found->complete || found->n > 0);
	if (!found)
		return LOST;
	if (found->outermost)
		return OUTERMOST;
	for (unsigned int i = 0; i < found->n; i++) {
		if (!read_place(&u->state, found->ways[i].pc, &at, &pc) || !called_from(u, pc))
			continue;
		if (way)
			return LOST;
		way = &found->ways[i];
		way_pc = pc;
		way_at = at;
	}
	return way ? take_way(u, way, way_pc, way_at) : LOST;
}

/* Code without rules (a JIT compiler's, most often) may keep frame pointers. */
static enum outcome step_by_frame_pointer(struct unwinder *u, const struct unwind_frame *frame)
{
	struct machine_state *s = &u->state;
	const struct arch *arch = s->arch;
	uint64_t fp = s->r[arch->fp], caller_fp, pc;

	if (!(s->known & 1u << arch->fp) || fp < s->r[arch->sp] || fp % arch->word != 0 ||
	    !state__read(s, fp, arch->word, &caller_fp) ||
	    !state__read(s, fp + arch->word, arch->word, &pc))
		return LOST;
	if (pc == 0)
		return OUTERMOST;
	if (!executable(u->maps, pc))
		return LOST;
	/* In a file the register may as well hold anything else. */
	if (frame->file && arch == arch__native() && !called_from(u, pc))
		return LOST;
	s->r[arch->sp] = fp + 2 * arch->word;
	s->r[arch->fp] = caller_fp;
	s->r[arch->pc] = pc;
	/* What the other registers were is not known any more. */
	s->known = 1u << arch->sp | 1u << arch->fp | 1u << arch->pc;
	u->exact = false;
	return CALLER;
}

static enum outcome step(struct unwinder *u, struct unwind_frame *frame)
{
	const struct frame_rules *rules;
	enum outcome outcome;
	bool conclusive;

	if (!frame->mapping || !frame->mapping->exec)
		return LOST;
	if (frame->file && elf_file__machine(frame->file) == u->state.arch->machine) {
		rules = frames__at(symbols__frames(u->symbols), frame->file, frame->vaddr);
		/* Nothing calls the code that a handler returns to: its address is exact. */
		if (rules->signal && frame->lookup != frame->pc) {
			frame->vaddr += frame->pc - frame->lookup;
			frame->lookup = frame->pc;
		}
		if (rules->frame)
			return step_by_rules(u, rules);
		outcome = step_by_code(u, frame, &conclusive);
		if (outcome != LOST || conclusive)
			return outcome;
	}
	return step_by_frame_pointer(u, frame);
}

static void start(struct unwinder *u, const struct user_regs *regs, const void *stack,
		  size_t stack_len)
{
	const struct mapping *m = maps__find(u->maps, regs->r[arch__native()->pc]);
	struct elf_file *file = m ? symbols__file(u->symbols, u->pid, m) : NULL;
	const struct arch *arch = file ? arch__of_machine(elf_file__machine(file)) : NULL;
	struct machine_state *s = &u->state;

	s->arch = arch ? arch : arch__native();
	for (unsigned int i = 0; i < s->arch->registers; i++)
		s->r[i] = regs->r[s->arch->from ? s->arch->from[i] : i] & mask(s->arch);
	s->known = (1u << s->arch->registers) - 1;
	s->base = s->r[s->arch->sp];
	s->stack = stack;
	/* A stack that wraps around the address space would make every comparison a trap. */
	s->stack_len = MIN(stack_len, UINT64_MAX - s->base);
	u->exact = true;
}

void unwind__stack(struct symbols *symbols, pid_t pid, const struct maps *maps,
		   const struct user_regs *regs, const void *stack, size_t stack_len,
		   struct unwind_stack *ret)
{
	struct unwinder u = { .symbols = symbols, .pid = pid, .maps = maps };
	enum outcome outcome = CALLER;

	start(&u, regs, stack, stack_len);
	ret->n = 0;
	while (outcome == CALLER && ret->n < UNWIND_FRAMES_MAX) {
		struct unwind_frame *frame = &ret->frames[ret->n];

		locate(&u, u.state.r[u.state.arch->pc], ret->n ? frame - 1 : NULL, frame);
		ret->n++;
		outcome = step(&u, frame);
	}
	ret->truncated = outcome != OUTERMOST;
}
