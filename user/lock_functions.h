/* SPDX-License-Identifier: GPL-2.0-only */
/* The functions that the exact tier probes, and where a file has them. */
#ifndef LOCK_FUNCTIONS_H
#define LOCK_FUNCTIONS_H

#include <libelf.h>

#include "entry_point.h"

enum exact_op {
	OP_MUTEX_LOCK,
	OP_MUTEX_TRYLOCK,
	OP_MUTEX_TIMEDLOCK, /* timed is with a clock too */
	OP_MUTEX_UNLOCK,
	OP_MUTEX_DESTROY,
	OP_RWLOCK_RDLOCK,
	OP_RWLOCK_WRLOCK,
	OP_RWLOCK_TRYRDLOCK,
	OP_RWLOCK_TRYWRLOCK,
	OP_RWLOCK_TIMEDRDLOCK,
	OP_RWLOCK_TIMEDWRLOCK,
	OP_RWLOCK_UNLOCK,
	OP_RWLOCK_DESTROY,
	OP_SPIN_LOCK,
	OP_SPIN_TRYLOCK,
	OP_SPIN_UNLOCK,
	OP_SEM_WAIT,
	OP_SEM_TRYWAIT,
	OP_SEM_TIMEDWAIT,
	OP_SEM_POST,
	OP_COND_WAIT,
	OP_COND_TIMEDWAIT,
	OP_COND_SIGNAL,
	OP_COND_BROADCAST,
	OP_BARRIER_WAIT,
	OP_ONCE,
	EXACT_OPS,
};

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
	 * Bit i: it calls or jumps to a function with operation i of this same file, which then is
	 * probed on behalf of the same call.
	 */
	uint32_t inner;
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
