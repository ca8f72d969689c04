/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Chains of Python frames, as the probes copied them or as they stand in memory -> functions,
 * files and lines; merged with the native frames of the same stack.
 */
#ifndef PYTHON_FRAMES_H
#define PYTHON_FRAMES_H

#include "names.h"
#include "python_code.h"

/* What is known of one Python frame. Copied: what it points to may have changed since. */
struct python_frame {
	uint64_t address;	      /* of the frame; it may be gone, or another one's */
	uint64_t code, globals;	      /* objects */
	uint64_t slots[PYTHON_SLOTS]; /* the first local variables; 0: none */
	int64_t instruction;	      /* bytes into the code; -1: not begun */
	bool entry; /* the C function that runs it was called for it: native frames come next */
	bool shim;  /* 3.12 on: stands for the C call itself, is no frame of a program */
	/* found by its code object; strings interned */
	const char *function; /* qualified from 3.11 on */
	const char *name;     /* without its class */
	const char *file;
	int line; /* 0: unknown */
	bool known;
};

struct python_chain {
	struct python_frame frames[PYTHON_FRAMES_MAX]; /* innermost first, shims included */
	size_t n;
	bool truncated;
	uint64_t gil_holder; /* state of the thread that has the GIL that this one waits for; 0:
				none */
};

/* Decodes what the probes copied; heads innermost first. Names are looked up (python_code). */
void python_frames__decode(struct python_target *t, struct python_codes *codes, struct names *names,
			   const struct python_head *heads, size_t n, struct python_chain *ret);

/*
 * The chain of a thread that does not run now, from its thread state. 0, -EAGAIN: it moved while it
 * was read (whether the thread stayed where it was is the caller's to check too), or -errno.
 */
int python_frames__read(struct python_target *t, struct python_codes *codes, struct names *names,
			uint64_t thread_state, struct python_chain *ret);

/*
 * Puts the Python frames in place of the native frames of the interpreter's loop
 * (_PyEval_EvalFrameDefault) that run them: one native frame stands for all frames up to its entry
 * frame. Native frames of the interpreter's own file between and outside of loops are left out
 * (what has a name in the innermost part, up to the first loop, stays: sem_wait, the acquire
 * function); those of extension modules stay. Python frames that no native frame was found for (a
 * cut or failed native walk) come at the end. What starts threads and processes, outside of all
 * Python frames, is left out: so a stack is the same whether its native walk was cut or not, and it
 * is truncated if the chain is. Changes stack->frames, n_frames, truncated, hash (to one of
 * functions, files and lines: code objects come and go), and callers: `at` follows its frame,
 * `where` becomes that of python_frames__own(), where_offset its line. In python_merge.c.
 *
 * interpreter: path of the file that holds the loop, as in frame.module.
 */
void python_frames__merge(struct names *names, const struct python_chain *chain,
			  const char *interpreter, struct named_stack *stack);

/*
 * The innermost Python frame outside of the standard library's synchronization modules, in a merged
 * stack: an index; else the innermost Python frame; -1: there is none. Pure.
 */
int python_frames__own(const struct frame *frames, size_t n);

#endif
