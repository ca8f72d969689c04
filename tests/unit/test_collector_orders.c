// SPDX-License-Identifier: GPL-2.0-only
/* Lock orders and their stacks through a collector: reported, and forgotten with their process. */
#include "collector_fixture.h"

static void add_order(struct fake *f, pid_t pid, uint64_t from, uint64_t to, uint32_t sample_id)
{
	f->maps.order_keys[f->maps.n_orders] =
		(struct order_key){ .tgid = pid, .gen = FAKE_GEN, .from = from, .to = to };
	f->maps.orders[f->maps.n_orders++] =
		(struct order_stats){ .count = 1, .tid = 5, .others = 1, .sample_id = sample_id };
}

/* The stack reaches its order; the inversion is new once, and shown until the process has gone. */
static void test_inversion(void **state)
{
	struct fixture *x = begin(state);
	struct stack_event e = { .type = EVENT_ORDER_STACK, .sample_id = 9, .gen = FAKE_GEN };
	pid_t pid = spawn(x);
	struct snapshot *s;

	e.tid = e.tgid = pid;
	e.time_ns = x->fake.now_ns;
	e.regs.r[REGS_MAX - 1] = (uintptr_t)pthread_mutex_lock; /* where it is here, too */
	fake__event(&x->fake, &e, sizeof(e));
	add_order(&x->fake, pid, HEAP, HEAP + 64, 9);
	add_order(&x->fake, pid, HEAP + 64, HEAP, 0);
	s = interval(x);
	assert_int_equal(s->n_inversions, 1);
	assert_int_equal(s->inversions[0].pid, pid);
	assert_true(s->inversions[0].fresh);
	assert_non_null(strstr(s->inversions[0].edges[0].frames[0].function, "pthread_mutex_lock"));
	assert_null(s->inversions[0].edges[1].frames);
	s = interval(x);
	assert_false(s->inversions[0].fresh);
	assert_int_equal(x->fake.forgot_orders, 0);
	end_child(x);
	interval(x);
	s = interval(x);
	assert_int_equal(s->n_inversions, 1);
	assert_int_equal(x->fake.maps.n_orders, 0);
	assert_int_equal(interval(x)->n_inversions, 0);
}

#define MANY 1100

/* More inversions than are kept are a loss that has a name. */
static void test_lost(void **state)
{
	static struct order_key keys[2 * MANY];
	static struct order_stats orders[2 * MANY];
	struct fixture *x = begin(state);
	struct snapshot *s;
	uint64_t lost = 0;

	for (size_t i = 0; i < 2 * MANY; i++) {
		uint64_t low = HEAP + 128 * (i / 2), high = low + 64;

		keys[i] = (struct order_key){ .tgid = getpid(),
					      .gen = FAKE_GEN,
					      .from = i % 2 ? high : low,
					      .to = i % 2 ? low : high };
		orders[i] = (struct order_stats){ .count = 1, .tid = 5, .others = 1 };
	}
	for (size_t done = 0; done < 2 * MANY; done += 50) {
		memcpy(x->fake.maps.order_keys, &keys[done], 50 * sizeof(*keys));
		memcpy(x->fake.maps.orders, &orders[done], 50 * sizeof(*orders));
		x->fake.maps.n_orders = 50;
		interval(x);
	}
	s = interval(x);
	for (int i = 0; i < 4; i++, s = interval(x))
		lost += s->losses[LOSS_ORDERS_FULL];
	assert_true(lost > 0);
	assert_int_equal(s->n_inversions, 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_inversion),
		TEST(test_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
