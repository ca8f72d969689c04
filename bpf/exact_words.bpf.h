/* SPDX-License-Identifier: GPL-2.0-only */
/* What a lock's own words tell, and when they are read. */
#ifndef EXACT_WORDS_BPF_H
#define EXACT_WORDS_BPF_H

#include "exact.bpf.h"

#define MUTEX_RECURSIVE 1

static __always_inline bool is_reader(__u32 op)
{
	return op == OP_RWLOCK_RDLOCK || op == OP_RWLOCK_TRYRDLOCK || op == OP_RWLOCK_TIMEDRDLOCK;
}

static __always_inline bool is_sem(__u32 op)
{
	return op == OP_SEM_WAIT || op == OP_SEM_TRYWAIT || op == OP_SEM_TIMEDWAIT;
}

/* Is the lock taken, by its own words? What cannot be read is not. */
static __always_inline bool is_taken(struct call *c)
{
	__u32 words[2] = {}, first, second;
	bool musl = c->cookie & COOKIE_MUSL;

	bpf_probe_read_user(words, sizeof(words), (void *)c->addr);
	first = words[0];
	second = words[1];
	/* in registers: the verifier refuses to choose between places on the stack */
	__asm__ volatile("" : "+r"(first), "+r"(second));
	switch (c->op) {
	case OP_MUTEX_LOCK:
	case OP_MUTEX_TRYLOCK:
	case OP_MUTEX_TIMEDLOCK:
		return (musl ? second : first) != 0;
	case OP_SPIN_LOCK: /* of musl: glibc's stands behind the try */
		return first != 0;
	case OP_RWLOCK_RDLOCK:
	case OP_RWLOCK_TIMEDRDLOCK: /* glibc: bit 1, a writer has it; musl: all bits */
		return musl ? (first & 0x7fffffff) == 0x7fffffff : first & 2;
	case OP_RWLOCK_WRLOCK:
	case OP_RWLOCK_TIMEDWRLOCK:
		return musl ? first != 0 : (first & 2) || first >> 3;
	case OP_SEM_WAIT:
	case OP_SEM_TRYWAIT:
	case OP_SEM_TIMEDWAIT: /* one that is used as a lock has one holder at a time */
		c->several = (int)first > 1;
		return (int)first <= 0 && c->op != OP_SEM_TRYWAIT;
	default:
		return false;
	}
}

/* Type of a mutex: glibc's kind at 16, musl's type at 0; the same numbers. */
static __always_inline __u32 mutex_type(const struct call *c)
{
	__u32 kind = 0;

	bpf_probe_read_user(&kind, sizeof(kind),
			    (void *)(c->addr + (c->cookie & COOKIE_MUSL ? 0 : 16)));
	return kind & 3;
}

/*
 * Reading the word costs more than all else, so a mutex that is free as far as is known is free. If
 * it is not, the call will sleep, or it is another one's whose call came at the same time. musl's
 * spin before they sleep, so that theirs are read.
 */
static __always_inline bool find_taken(struct call *c, struct exact_stats *stats)
{
	bool taken;

	if (c->op == OP_MUTEX_LOCK && !(c->cookie & COOKIE_MUSL) && stats->slice == exact_slice &&
	    !stats->owner && !stats->waiting)
		return false;
	taken = is_taken(c);
	if (c->several)
		stats->multiple = 1;
	if (taken) {
		ADD(stats->waiting, 1);
	} else if (stats->slice != exact_slice) {
		stats->slice = exact_slice;
		stats->waiting = 0;
	}
	return taken;
}

#endif
