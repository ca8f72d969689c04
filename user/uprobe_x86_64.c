// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's arch/x86/kernel/uprobes.c, as it is from Linux 5.15 on: branch_setup_xol_ops() takes
 * nop, jmp, jcc and call, push_setup_xol_ops() takes push, is_prefix_bad() refuses some prefixes;
 * all else is single-stepped out of line. Newer kernels emulate longer nops too, which is of no use
 * before they are the oldest ones.
 */
#include "uprobe_x86_64.h"

#include "encoding_x86_64.h"

const uint8_t uprobe_arg_registers[UPROBE_ARGS_MAX] = { X86_RDI, 6, 2, 1, 8, 9 };

/* Opcodes that write only what their operands say. cdq, mul, string operations are none of them. */
static const bool plain_one_byte[256] = {
	[0x00 ... 0x05] = true, /* add, or, ... cmp */
	[0x08 ... 0x0d] = true, [0x10 ... 0x15] = true, [0x18 ... 0x1d] = true,
	[0x20 ... 0x25] = true, [0x28 ... 0x2d] = true, [0x30 ... 0x35] = true,
	[0x38 ... 0x3d] = true, [0x63] = true,		/* movslq */
	[0x69] = true,		[0x6b] = true,		/* imul */
	[0x80 ... 0x81] = true, [0x83 ... 0x85] = true, /* arithmetic, test */
	[0x88 ... 0x8b] = true, [0x8d] = true,		/* mov, lea */
	[0x98] = true,					/* cltq */
	[0xa8 ... 0xa9] = true, [0xb0 ... 0xbf] = true, /* test, mov */
	[0xc0 ... 0xc1] = true, [0xc6 ... 0xc7] = true, /* shifts, mov */
	[0xd0 ... 0xd3] = true, [0xf8 ... 0xf9] = true, /* shifts, clc, stc */
};

static const bool plain_two_byte[256] = {
	/* after 0f */
	[0x1f] = true,					/* long nops */
	[0x40 ... 0x4f] = true,				/* cmov */
	[0x90 ... 0x9f] = true,				/* setcc */
	[0xa3] = true,		[0xaf] = true,		/* bt, imul */
	[0xb6 ... 0xb7] = true, [0xba ... 0xbf] = true, /* movz, bit tests and scans, movs */
};

/* An emulated instruction has no prefix: its length says so. Prefixed ones the kernel misreads. */
static bool is_emulated(const struct encoding *d)
{
	uint8_t op = d->opcode;

	if (d->vector || d->map > 1)
		return false;
	if (d->map == 1)
		return op >= 0x80 && op <= 0x8f && d->at == 6;
	switch (op) {
	case 0x50 ... 0x57:
		return d->at == 1 || (d->at == 2 && d->code[0] == 0x41);
	case 0x90:
		return d->at == 1;
	case 0x70 ... 0x7f:
	case 0xeb:
		return d->at == 2;
	case 0xe8 ... 0xe9:
		return d->at == 5;
	default:
		return false;
	}
}

/* Segments other than fs and gs, and lock. */
static bool is_refused(const struct encoding *d)
{
	for (size_t i = 0; i < d->at; i++) {
		switch (d->code[i]) {
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
		case 0xf0:
			return true;
		case 0x64 ... 0x67:
		case 0xf2 ... 0xf3:
			continue;
		default:
			return false;
		}
	}
	return false;
}

static bool is_endbr(const struct encoding *d)
{
	return d->map == 1 && !d->vector && d->opcode == 0x1e && d->prefixes == REP &&
	       d->code[d->at - 1] == 0xfa;
}

static bool is_plain(const struct encoding *d)
{
	uint8_t digit = d->reg & 7;

	if (d->vector || d->map > 1 || d->prefixes & (LOCK | REP | REPNE))
		return false;
	if (d->map == 1)
		return plain_two_byte[d->opcode];
	switch (d->opcode) {
	case 0xf6:
	case 0xf7:
		return digit < 4; /* test, not, neg */
	case 0xfe:
	case 0xff:
		return digit < 2; /* inc, dec */
	default:
		return plain_one_byte[d->opcode];
	}
}

static bool in_memory(const struct encoding *d)
{
	return d->flags & M & ~V && d->mod != 3;
}

static bool is_store(const struct encoding *d)
{
	return in_memory(d) && d->flags & RM &&
	       (d->base != X86_RSP || d->segment || d->prefixes & ADDRESS_SIZE);
}

static bool is_count_down(const struct encoding *d)
{
	return d->prefixes == LOCK && d->map == 0 && !d->vector && d->opcode == 0xff &&
	       (d->reg & 7) == 1 && in_memory(d) && d->displacement == 0 && !d->indexed &&
	       !d->segment;
}

int uprobe__insn(const uint8_t *code, size_t size, struct uprobe_insn *ret)
{
	struct uprobe_insn u = { .counts_down = X86_NONE };
	struct encoding d;
	int r = encoding__read(code, size, &d);

	if (r == 0)
		r = decode__insn(code, size, &u.insn);
	if (r < 0)
		return r;
	u.emulated = is_emulated(&d);
	u.refused = is_refused(&d);
	u.plain = is_plain(&d);
	u.stores = is_store(&d);
	u.branches_on_zero = u.insn.flow == FLOW_BRANCH && (d.opcode & 0x0e) == 0x04 &&
			     (d.map == 1 || d.opcode >> 4 == 7);
	if (is_count_down(&d))
		u.counts_down = d.base;
	if (is_endbr(&d)) { /* in the family of instructions that write a register */
		u.plain = true;
		u.insn.written = 0;
	}
	*ret = u;
	return 0;
}
