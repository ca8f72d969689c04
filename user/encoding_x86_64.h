/* SPDX-License-Identifier: GPL-2.0-only */
/* An x86-64 instruction taken apart, for decode_x86_64.c, which says what it does. */
#ifndef ENCODING_X86_64_H
#define ENCODING_X86_64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an opcode takes and which operands it writes. 0: not an instruction. */
enum {
	V = 1 << 0,	/* valid */
	M = 1 << 1 | V, /* ModRM */
	B = 1 << 2 | V, /* 1 byte of immediate */
	Z = 1 << 3 | V, /* 4 bytes, or 2 with the operand size prefix */
	H = 1 << 4 | V, /* 2 bytes */
	S = 1 << 5 | V, /* 1 byte to the target */
	L = 1 << 6 | V, /* 4 bytes to the target */
	RM = 1 << 7,	/* writes r/m */
	REG = 1 << 8,	/* writes reg */
	OP = 1 << 9,	/* writes the register in the opcode's low bits */
	BYTE = 1 << 10, /* operands are bytes */
	SIMD = 1 << 11, /* never writes the stack pointer: 4 is another kind of register */
};

/* Mandatory legacy prefixes. */
enum { OPERAND_SIZE = 1, ADDRESS_SIZE = 2, REPNE = 4, REP = 8, LOCK = 16 };

struct encoding {
	const uint8_t *code;
	size_t size, at;
	unsigned int prefixes;
	bool has_rex, vector, segment; /* segment: not the flat one */
	uint8_t w, r, x, b;	       /* bits of REX or what takes its place */
	uint8_t map, opcode, vvvv;
	uint16_t flags;
	/* of ModRM */
	uint8_t mod, reg, rm, base;
	bool indexed;
	int32_t displacement;
	int64_t immediate; /* the last one, sign-extended */
};

/* 0, or -errno as decode__insn(). */
int encoding__read(const uint8_t *code, size_t size, struct encoding *ret);

#endif
