// SPDX-License-Identifier: GPL-2.0-only
/* What an instruction does to the stack, to registers and to the flow of control. */
#include "decode_x86_64.h"

#include "encoding_x86_64.h"

static void write_register(const struct encoding *d, uint8_t number, struct insn *insn)
{
	if (d->flags & BYTE && !d->has_rex && number >= 4 && number < 8)
		number &= 3; /* ah, ch, dh, bh */
	if (number != X86_RSP)
		insn->written |= 1u << number;
	else if (!(d->flags & SIMD))
		insn->sp.base = X86_NONE;
}

static void write_operands(const struct encoding *d, struct insn *insn)
{
	if (d->flags & RM && d->mod == 3)
		write_register(d, d->rm, insn);
	if (d->flags & REG)
		write_register(d, d->reg, insn);
	if (d->flags & OP)
		write_register(d, (d->opcode & 7) | d->b << 3, insn);
	if (d->vector)
		write_register(d, d->vvvv, insn);
	if (d->map == 1 && !d->vector && d->opcode == 0xa2) /* cpuid */
		write_register(d, X86_RBX, insn);
}

/* Register `number` is loaded from the stack. */
static void load(struct insn *insn, uint8_t number, uint8_t base, int32_t offset)
{
	insn->written &= ~(1u << number);
	insn->loaded = number;
	insn->from = (struct insn_place){ base, offset };
}

static void move(const struct encoding *d, struct insn *insn)
{
	bool plain = d->w && !d->indexed && !d->segment && !(d->prefixes & ADDRESS_SIZE);
	bool on_stack = d->mod != 3 && (d->base == X86_RSP || d->base == X86_RBP);
	uint8_t to = d->opcode == 0x89 ? d->rm : d->reg;
	uint8_t from = d->opcode == 0x89 ? d->reg : d->rm;

	if (!plain)
		return;
	if (d->opcode == 0x8d && on_stack && d->reg == X86_RSP)
		insn->sp = (struct insn_place){ d->base, d->displacement };
	else if (d->opcode == 0x8b && on_stack && d->reg != X86_RSP)
		load(insn, d->reg, d->base, d->displacement);
	else if (d->opcode != 0x8d && d->mod == 3 && to == X86_RSP && from == X86_RBP)
		insn->sp = (struct insn_place){ X86_RBP, 0 };
}

/* add and sub of a constant; all else that writes the stack pointer makes it unknown. */
static void add(const struct encoding *d, struct insn *insn)
{
	uint8_t digit = d->reg & 7;

	if (d->mod == 3 && d->rm == X86_RSP && d->w && (digit == 0 || digit == 5)) {
		int32_t offset = (int32_t)(digit ? -d->immediate : d->immediate);

		insn->sp = (struct insn_place){ X86_RSP, offset };
	}
}

static void push(const struct encoding *d, struct insn *insn, int32_t bytes)
{
	if (d->prefixes & OPERAND_SIZE)
		insn->sp.base = X86_NONE;
	else if (insn->sp.base != X86_NONE)
		insn->sp.offset = -bytes;
}

static void stack_effect(const struct encoding *d, struct insn *insn)
{
	switch (d->opcode) {
	case 0x50 ... 0x57:
		push(d, insn, 8);
		insn->pushed = (d->opcode & 7) | d->b << 3;
		return;
	case 0x68:
	case 0x6a:
	case 0x9c:
		push(d, insn, 8);
		return;
	case 0x58 ... 0x5f:
		push(d, insn, -8);
		if (insn->sp.base != X86_NONE)
			load(insn, (d->opcode & 7) | d->b << 3, X86_RSP, 0);
		return;
	case 0x8f:
	case 0x9d:
		push(d, insn, -8);
		return;
	case 0x81:
	case 0x83:
		add(d, insn);
		return;
	case 0x89:
	case 0x8b:
	case 0x8d:
		move(d, insn);
		return;
	case 0xc8:
		insn->sp.base = X86_NONE;
		write_register(d, X86_RBP, insn);
		return;
	case 0xc9:
		insn->sp = (struct insn_place){ X86_RBP, 8 };
		load(insn, X86_RBP, X86_RBP, 0);
		return;
	case 0xff:
		if ((d->reg & 7) == 6)
			push(d, insn, 8);
		return;
	}
}

static enum insn_flow flow_of_ff(const struct encoding *d)
{
	switch (d->reg & 7) {
	case 2:
		return FLOW_CALL_BY;
	case 4:
		return d->mod == 3 || d->indexed ? FLOW_JUMP_BY : FLOW_JUMP_VIA;
	case 3:
	case 5:
		return FLOW_STOP; /* to another code segment */
	default:
		return FLOW_NEXT;
	}
}

static enum insn_flow flow_of(const struct encoding *d)
{
	uint8_t op = d->opcode;

	if (d->vector || d->map > 1)
		return FLOW_NEXT;
	if (d->map == 1) {
		if (op == 0x0b || op == 0xb9 || op == 0xff || op == 0x07 || op == 0x35)
			return FLOW_STOP;
		return op >= 0x80 && op <= 0x8f ? FLOW_BRANCH : FLOW_NEXT;
	}
	switch (op) {
	case 0x70 ... 0x7f:
	case 0xe0 ... 0xe3:
		return FLOW_BRANCH;
	case 0xc2 ... 0xc3:
		return FLOW_RETURN;
	case 0xca ... 0xcc:
	case 0xcf:
	case 0xf1:
	case 0xf4:
		return FLOW_STOP;
	case 0xe8:
		return FLOW_CALL;
	case 0xe9:
	case 0xeb:
		return FLOW_JUMP;
	case 0xff:
		return flow_of_ff(d);
	default:
		return FLOW_NEXT;
	}
}

static bool passes_on(const struct encoding *d)
{
	bool plain = d->map == 0 && !d->vector && d->mod == 3;

	if (!plain || d->prefixes & OPERAND_SIZE)
		return false;
	if (d->opcode == 0x89)
		return d->reg == X86_RAX && d->rm == X86_RDI;
	return (d->opcode == 0x8b || d->opcode == 0x63) && d->reg == X86_RDI && d->rm == X86_RAX;
}

int decode__insn(const uint8_t *code, size_t size, struct insn *ret)
{
	struct insn insn = { .sp = { X86_RSP, 0 }, .loaded = X86_NONE, .pushed = X86_NONE };
	struct encoding d;
	int r = encoding__read(code, size, &d);

	if (r < 0)
		return r;
	insn.length = d.at;
	insn.flow = flow_of(&d);
	if (d.flags & (S | L) & ~V)
		insn.target = (int64_t)d.at + d.immediate;
	if (insn.flow == FLOW_RETURN && d.opcode == 0xc2)
		insn.popped = (uint16_t)d.immediate;
	insn.passes_on = passes_on(&d);
	write_operands(&d, &insn);
	if (d.map == 0 && !d.vector)
		stack_effect(&d, &insn);
	else if (d.map == 1 && !d.vector && (d.opcode == 0xa0 || d.opcode == 0xa8))
		push(&d, &insn, 8);
	else if (d.map == 1 && !d.vector && (d.opcode == 0xa1 || d.opcode == 0xa9))
		push(&d, &insn, -8);
	*ret = insn;
	return 0;
}
