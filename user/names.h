/* SPDX-License-Identifier: GPL-2.0-only */
/* Addresses -> names: frames of a stack, the caller of a lock function, the symbol of a lock. */
#ifndef NAMES_H
#define NAMES_H

#include "callers.h"
#include "model.h"
#include "unwind.h"

struct python_chain;
struct names; /* interned strings and symbol tables */

/* debuginfod: the servers in DEBUGINFOD_URLS may be asked for debug files. */
struct names *names__new(struct proc *proc, bool debuginfod);
void names__free(struct names *n);

/* One copy of each string, as long as n lives. NULL for NULL. */
const char *names__intern(struct names *n, const char *text);

/* What a stack says. frames from malloc, its strings interned. */
struct named_stack {
	struct frame *frames; /* innermost first */
	size_t n_frames;
	bool truncated;
	uint64_t hash; /* of the addresses */
	struct callers callers;
	bool new_cond;	       /* the lock function is of glibc 2.41 or newer */
	uint64_t where_offset; /* of the calling frame in its function, if that is known */
	/* the Python frames among them, until the next stack is named; NULL: there are none */
	const struct python_chain *python;
};

void names__stack(struct names *n, pid_t pid, const struct maps *maps, const struct user_regs *regs,
		  const void *stack, size_t stack_len, struct named_stack *ret);

/* What lies at an address, as far as it is static. Interned. */
struct static_name {
	const char *name; /* "symbol", "symbol.member", "symbol+0x10"; "file+0x10"; NULL: none */
	const char *from; /* "symbol" or "mapping" */
	const char *module;
};

/* Where a process has the object of this name, of the file behind a mapping. false: there is none.
 */
bool names__object(struct names *n, pid_t pid, const struct mapping *m, const char *name,
		   uint64_t *address);

struct static_name names__data(struct names *n, pid_t pid, const struct maps *maps,
			       uint64_t address);

#endif
