/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * x86-64 instructions as unwinding needs them: how long one is, where control goes, what becomes
 * of the stack pointer and which registers no longer hold what they held. What is not known is
 * refused, never guessed.
 */
#ifndef DECODE_X86_64_H
#define DECODE_X86_64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INSN_LENGTH_MAX 15

/* Registers by their numbers in instructions, which are not those of DWARF. */
enum { X86_RAX = 0, X86_RBX = 3, X86_RSP = 4, X86_RBP = 5, X86_RDI = 7, X86_REGISTERS = 16 };
#define X86_NONE 0xff

enum insn_flow {
	FLOW_NEXT,     /* the next instruction */
	FLOW_JUMP,     /* target */
	FLOW_BRANCH,   /* target or the next instruction */
	FLOW_CALL,     /* target; then, most often, the next instruction */
	FLOW_CALL_BY,  /* the same through a register or memory */
	FLOW_JUMP_BY,  /* through a register or an indexed table */
	FLOW_JUMP_VIA, /* through one word of memory, as tail calls and a PLT do */
	FLOW_RETURN,
	FLOW_STOP, /* does not go on: ud2, hlt, int3 */
};

/* A place on the stack, or a value of the stack pointer: base + offset before the instruction. */
struct insn_place {
	uint8_t base; /* X86_RSP, X86_RBP, or X86_NONE: not known */
	int32_t offset;
};

struct insn {
	uint8_t length;
	enum insn_flow flow;
	int64_t target;	      /* from the first byte of the instruction */
	struct insn_place sp; /* the stack pointer afterwards; of a return: before it */
	uint16_t popped;      /* of a return: bytes of arguments that it removes */
	uint8_t loaded;	      /* register that got the 8 bytes at `from`, or X86_NONE */
	struct insn_place from;
	uint8_t pushed;	  /* register that was put at the new sp, or X86_NONE */
	bool passes_on;	  /* copies rax to rdi: what was returned is the next argument */
	uint16_t written; /* bit i: register i got another value; neither sp nor loaded */
};

/*
 * Decodes the instruction at code[0]. 0, or -ENODATA if size bytes are too few, -EILSEQ if it is
 * none that is known here.
 */
int decode__insn(const uint8_t *code, size_t size, struct insn *ret);

#endif
