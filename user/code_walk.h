/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a function without call frame rules returns to, from its code alone: its instructions are
 * followed from a place where a thread stands to each return. What compilers make has the same
 * stack depth at an instruction whichever path led there.
 */
#ifndef CODE_WALK_H
#define CODE_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Instructions that may be looked at for one answer, those of called functions with them. */
#define CODE_WALK_INSNS 8192
#define CODE_WAYS_MAX	4

/* Bytes of code from vaddr on: how many there are at *ret, 0 for none. Few only at the very end. */
struct code_reader {
	size_t (*read)(void *context, uint64_t vaddr, const uint8_t **ret);
	void *context;
};

/* Registers that outlive a call, without the stack pointer. */
enum { SAVED_RBX, SAVED_RBP, SAVED_R12, SAVED_R13, SAVED_R14, SAVED_R15, SAVED_COUNT };
extern const uint8_t saved_dwarf_numbers[SAVED_COUNT];

/* An address: the stack pointer, or if by_fp the frame pointer, where the walk began + offset. */
struct code_place {
	bool by_fp;
	int32_t offset;
};

/* A way back to the caller. */
struct code_way {
	struct code_place pc;	/* the return address; above it the caller's stack begins */
	int32_t popped;		/* bytes of arguments that the return removes */
	uint8_t same, restored; /* bit i: saved register i is unchanged, or read from its place */
	struct code_place saved[SAVED_COUNT];
};

struct code_step {
	unsigned int n;
	struct code_way ways[CODE_WAYS_MAX]; /* which differ; one of them is the true one */
	bool complete;			     /* there are no other ways */
	bool outermost; /* what a callee returns here ends the thread: nothing called this */
};

struct code_walker; /* memory to work in */
struct code_walker *code_walker__new(void);
void code_walker__free(struct code_walker *w);

/* From the instruction at vaddr; end: of its function, 0 if unknown. False: there is no code. */
bool code_walk__from(struct code_walker *w, const struct code_reader *reader, uint64_t vaddr,
		     uint64_t end, struct code_step *ret);

/* Is there a call in the bytes that end at vaddr? */
bool code_walk__after_call(const struct code_reader *reader, uint64_t vaddr);

#endif
