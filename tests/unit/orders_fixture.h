/* SPDX-License-Identifier: GPL-2.0-only */
/* Made-up readings of lock orders into struct orders. */
#ifndef ORDERS_FIXTURE_H
#define ORDERS_FIXTURE_H

#include "samples_fixture.h"

#include "../../user/orders.h"

#define ORDERS_MAX 32

/* What the kernel holds. */
struct maps_of {
	struct order_key keys[ORDERS_MAX];
	struct order_stats orders[ORDERS_MAX];
	size_t n;
	struct exact_key exact_keys[4];
	struct exact_stats exact[4];
	size_t n_exact;
	uint64_t now_ns;
};

static inline struct order_key key_of(uint64_t from, uint64_t to)
{
	return (struct order_key){ .tgid = getpid(), .gen = FAKE_GEN, .from = from, .to = to };
}

/* An order that more than one thread took. */
static inline struct order_stats *add(struct maps_of *m, uint64_t from, uint64_t to, uint32_t tid)
{
	m->keys[m->n] = key_of(from, to);
	m->orders[m->n] = (struct order_stats){ .count = 1, .tid = tid, .others = 1 };
	return &m->orders[m->n++];
}

static inline void update(struct orders *o, struct maps_of *m)
{
	struct records r = { .now_ns = NOW + m->now_ns,
			     .order_keys = m->keys,
			     .orders = m->orders,
			     .n_orders = m->n,
			     .exact_keys = m->exact_keys,
			     .exact = m->exact,
			     .n_exact = m->n_exact };

	m->now_ns += NSEC_PER_SEC;
	orders__update(o, &r);
}

/* The inversions after one more reading; for snapshot__free. */
static inline struct snapshot *fill(struct orders *o, struct maps_of *m)
{
	struct snapshot *s = snapshot__new();

	update(o, m);
	orders__fill(o, s, NOW + m->now_ns);
	return s;
}

static inline size_t count(struct orders *o, struct maps_of *m)
{
	struct snapshot *s = fill(o, m);
	size_t n = s->n_inversions;

	snapshot__free(s);
	return n;
}

static inline struct orders *begin(struct fixture *x, const struct suppressions *suppressions)
{
	return orders__new(&x->processes, x->samples, suppressions);
}

#endif
