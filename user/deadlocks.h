/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Cycles of waiting threads through time. A cycle is a deadlock when a second look finds it with
 * every wait unchanged: then none of its threads ran in between, so what each held at the first
 * look it held all along. Chains that move are never confirmed. Pure.
 */
#ifndef DEADLOCKS_H
#define DEADLOCKS_H

#include <stdbool.h>

#include "model.h"

/* A thread of a cycle: it waits for key, which the next one holds; the last one's, the first. */
struct deadlock_wait {
	struct lock_key key;
	uint64_t start_ns;   /* of its sleep, or of the rest of it after a signal */
	uint64_t carried_ns; /* of an interrupted sleep: its parts before */
	uint32_t sequence;
	uint32_t tid, tgid;
	bool resumed; /* the sleep goes on after a signal */
};

struct deadlock_cycle {
	struct deadlock_wait *waits;
	size_t n;
	bool confirmed;
	bool seen; /* in the running look */
};

struct deadlocks {
	struct deadlock_cycle *items;
	size_t n, capacity;
	uint64_t then_ns; /* of the look before */
};

void deadlocks__done(struct deadlocks *d);

/* A look begins; its cycles follow. */
void deadlocks__begin(struct deadlocks *d);
/* Copies waits, which may be reordered. */
void deadlocks__see(struct deadlocks *d, struct deadlock_wait *waits, size_t n);
/* The look is over: what it did not see is none. */
void deadlocks__end(struct deadlocks *d, uint64_t now_ns);

/* How long it has stood: age of its youngest wait. */
uint64_t deadlock_cycle__age(const struct deadlock_cycle *c, uint64_t now_ns);

#endif
