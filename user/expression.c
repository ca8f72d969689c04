// SPDX-License-Identifier: GPL-2.0-only
#include "expression.h"

#include <dwarf.h>
#include <string.h>

#include "util.h"

#define DEPTH_MAX 16
#define OPS_MAX	  64 /* there are no loops here; PLT and signal frames need about ten */

struct stack_machine {
	uint64_t item[DEPTH_MAX];
	unsigned int n;
};

bool state__read(const struct machine_state *s, uint64_t address, unsigned int size, uint64_t *ret)
{
	uint64_t offset = address - s->base, value = 0;

	if (address < s->base || offset > s->stack_len || s->stack_len - offset < size)
		return false;
	/* x86 and all other machines here are little-endian. */
	memcpy(&value, s->stack + offset, size);
	*ret = value;
	return true;
}

static bool push(struct stack_machine *m, uint64_t value)
{
	if (m->n == DEPTH_MAX)
		return false;
	m->item[m->n++] = value;
	return true;
}

static bool push_register(struct stack_machine *m, const struct machine_state *s, uint64_t reg,
			  uint64_t offset)
{
	if (reg >= s->arch->registers || !(s->known & 1u << reg))
		return false;
	return push(m, s->r[reg] + offset);
}

static bool dereference(struct stack_machine *m, const struct machine_state *s, uint64_t size)
{
	if (m->n == 0 || (size != 1 && size != 2 && size != 4 && size != 8))
		return false;
	return state__read(s, m->item[m->n - 1], size, &m->item[m->n - 1]);
}

/* Operations that take two items and leave one. */
static bool binary(uint8_t op, uint64_t a, uint64_t b, uint64_t *ret)
{
	int64_t x = a, y = b;

	switch (op) {
	case DW_OP_plus:
		*ret = a + b;
		break;
	case DW_OP_minus:
		*ret = a - b;
		break;
	case DW_OP_mul:
		*ret = a * b;
		break;
	case DW_OP_and:
		*ret = a & b;
		break;
	case DW_OP_or:
		*ret = a | b;
		break;
	case DW_OP_xor:
		*ret = a ^ b;
		break;
	case DW_OP_shl:
		*ret = b < 64 ? a << b : 0;
		break;
	case DW_OP_shr:
		*ret = b < 64 ? a >> b : 0;
		break;
	case DW_OP_shra:
		*ret = x >> MIN(b, 63);
		break;
	case DW_OP_eq:
		*ret = x == y;
		break;
	case DW_OP_ne:
		*ret = x != y;
		break;
	case DW_OP_ge:
		*ret = x >= y;
		break;
	case DW_OP_gt:
		*ret = x > y;
		break;
	case DW_OP_le:
		*ret = x <= y;
		break;
	case DW_OP_lt:
		*ret = x < y;
		break;
	default:
		return false;
	}
	return true;
}

/* Operations that move items about or change the top one. */
static bool arrange(struct stack_machine *m, const Dwarf_Op *op)
{
	uint64_t *top = m->n ? &m->item[m->n - 1] : NULL, swapped;

	switch (op->atom) {
	case DW_OP_dup:
		return m->n >= 1 && push(m, *top);
	case DW_OP_over:
		return m->n >= 2 && push(m, top[-1]);
	case DW_OP_drop:
		if (m->n < 1)
			return false;
		m->n--;
		return true;
	case DW_OP_swap:
		if (m->n < 2)
			return false;
		swapped = top[-1];
		top[-1] = *top;
		*top = swapped;
		return true;
	case DW_OP_plus_uconst:
		if (m->n < 1)
			return false;
		*top += op->number;
		return true;
	case DW_OP_neg:
	case DW_OP_not:
		if (m->n < 1)
			return false;
		*top = op->atom == DW_OP_neg ? -*top : ~*top;
		return true;
	default:
		if (m->n < 2 || !binary(op->atom, top[-1], *top, &top[-1]))
			return false;
		m->n--;
		return true;
	}
}

static bool step(struct stack_machine *m, const struct machine_state *s, const Dwarf_Op *op)
{
	uint8_t atom = op->atom;

	if (atom >= DW_OP_lit0 && atom <= DW_OP_lit31)
		return push(m, atom - DW_OP_lit0);
	if (atom >= DW_OP_breg0 && atom <= DW_OP_breg31)
		return push_register(m, s, atom - DW_OP_breg0, op->number);
	if ((atom >= DW_OP_const1u && atom <= DW_OP_consts) || atom == DW_OP_addr)
		return push(m, op->number);
	switch (atom) {
	case DW_OP_bregx:
		return push_register(m, s, op->number, op->number2);
	case DW_OP_call_frame_cfa:
		return s->cfa_known && push(m, s->cfa);
	case DW_OP_deref:
		return dereference(m, s, s->arch->word);
	case DW_OP_deref_size:
		return dereference(m, s, op->number);
	case DW_OP_nop:
		return true;
	default:
		return arrange(m, op);
	}
}

/* A register as a location: its value can be had only as a whole expression. */
static bool register_value(struct stack_machine *m, const struct machine_state *s,
			   const Dwarf_Op *op)
{
	if (op->atom == DW_OP_regx)
		return push_register(m, s, op->number, 0);
	return op->atom >= DW_OP_reg0 && op->atom <= DW_OP_reg31 &&
	       push_register(m, s, op->atom - DW_OP_reg0, 0);
}

bool expression__run(const struct machine_state *s, const Dwarf_Op *ops, size_t n, uint64_t *ret,
		     bool *value)
{
	struct stack_machine m = { .n = 0 };

	if (n == 0 || n > OPS_MAX)
		return false;
	*value = false;
	if (n == 1 && register_value(&m, s, &ops[0])) {
		*value = true;
	} else {
		for (size_t i = 0; i < n; i++) {
			if (ops[i].atom == DW_OP_stack_value && i == n - 1)
				*value = true;
			else if (!step(&m, s, &ops[i]))
				return false;
		}
	}
	if (m.n == 0)
		return false;
	*ret = m.item[m.n - 1];
	return true;
}
