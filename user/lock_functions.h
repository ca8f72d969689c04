/* SPDX-License-Identifier: GPL-2.0-only */
/* The functions that the exact tier probes, and where a file has them. */
#ifndef LOCK_FUNCTIONS_H
#define LOCK_FUNCTIONS_H

#include <libelf.h>

#include "../bpf/locktop.h"
#include "entry_point.h"

struct lock_function {
	const char *name; /* leading underscores and versions are other names of it */
	enum exact_op op;
	unsigned int args; /* registers that the probe needs, the lock in the first */
	bool at_return;	   /* what came of it is only known when it returns */
};

/* One function in one file. */
struct lock_place {
	const struct lock_function *function;
	uint64_t address;	  /* as linked */
	uint64_t offset;	  /* of its first instruction, in the file */
	struct entry_point entry; /* the probe goes to offset + entry.offset */
	/*
	 * Bit i: it calls or jumps to a function with operation i of this same file, or one of
	 * those does; which then is probed on behalf of the same call.
	 */
	uint32_t inner;
	bool musl; /* the objects are laid out as musl does it; else as glibc does */
};

/* NULL: it is none of them. */
const struct lock_function *lock_functions__named(const char *name);

/*
 * All functions of the table that the file defines, ascending by address, each address once.
 * Versions of one name that are different code are all there. Left out is what does nothing but
 * call another one that stands here (C11's mtx_lock of glibc, musl's sem_wait). How many; *ret from
 * malloc. 0 also if the file is damaged, or another machine's.
 */
size_t lock_functions__find(int fd, Elf *elf, struct lock_place **ret);

#endif
