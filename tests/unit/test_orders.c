// SPDX-License-Identifier: GPL-2.0-only
/* Made-up readings and stacks of lock orders through the graph to the inversions of a snapshot. */
#include "orders_fixture.h"

#include <inttypes.h>

pthread_mutex_t orders_test_a = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t orders_test_b = PTHREAD_MUTEX_INITIALIZER;

#define A ((uint64_t)(uintptr_t)&orders_test_a)
#define B ((uint64_t)(uintptr_t)&orders_test_b)
#define C (HEAP + 64)

static union event stack_at(uint32_t id, uint64_t addr, void *pc)
{
	union event e = event_at(EVENT_ORDER_STACK, id, fake__key(getpid(), addr, OP_EXACT), pc);

	e.e.key.gen = e.e.gen = FAKE_GEN;
	return e;
}

static bool send_stack(struct orders *o, const union event *e)
{
	return orders__event(o, e, sizeof(e->e) + e->e.stack_len);
}

/* The order that contradicts another: reported from then on, fresh once, from the lowest address.
 */
static void test_inversion(void **state)
{
	struct orders *o = begin(*state, NULL);
	const struct inversion_edge *e;
	struct maps_of m = {};
	struct snapshot *s;
	char a[32], b[32];
	int first = A < B ? 0 : 1;

	add(&m, A, B, 11)->count = 5;
	assert_int_equal(count(o, &m), 0);
	add(&m, B, A, 12);
	s = fill(o, &m);
	assert_int_equal(s->n_inversions, 1);
	assert_int_equal(s->inversions[0].pid, getpid());
	assert_string_equal(s->inversions[0].comm, "test_orders");
	assert_true(s->inversions[0].fresh);
	assert_int_equal(s->inversions[0].n_edges, 2);
	e = s->inversions[0].edges;
	snprintf(a, sizeof(a), "%d:0x%" PRIx64, getpid(), A);
	snprintf(b, sizeof(b), "%d:0x%" PRIx64, getpid(), B);
	assert_string_equal(e[first].from, a);
	assert_string_equal(e[first].to, b);
	assert_string_equal(e[!first].from, b);
	assert_string_equal(e[!first].to, a);
	assert_string_equal(e[first].from_name, "orders_test_a");
	assert_string_equal(e[first].to_name, "orders_test_b");
	assert_int_equal(e[first].tid, 11);
	assert_int_equal(e[first].count, 5);
	assert_int_equal(e[!first].tid, 12);
	assert_null(e[0].frames);
	assert_null(e[0].from_frame);
	snapshot__free(s);
	m.orders[0].count = 9;
	s = fill(o, &m);
	assert_int_equal(s->n_inversions, 1);
	assert_false(s->inversions[0].fresh);
	assert_int_equal(s->inversions[0].edges[first].count, 9);
	snapshot__free(s);
	orders__free(o);
}

/* Two cycles that share an order are two; the same one found from another order is not. */
static void test_once_each(void **state)
{
	struct orders *o = begin(*state, NULL);
	struct maps_of m = {};

	add(&m, A, B, 1);
	add(&m, B, A, 2);
	assert_int_equal(count(o, &m), 1);
	add(&m, B, C, 1);
	add(&m, C, A, 2);
	assert_int_equal(count(o, &m), 2);
	m.orders[0].gates = 0;
	m.orders[0].shared = 1; /* seen anew: nothing comes of it */
	assert_int_equal(count(o, &m), 2);
	orders__free(o);
}

/* A cycle that a gate holds back is found when the gate proves to be none. */
static void test_gates_shrink(void **state)
{
	struct orders *o = begin(*state, NULL);
	struct maps_of m = {};

	add(&m, A, B, 1)->gates = 8;
	add(&m, B, A, 2)->gates = 8;
	assert_int_equal(count(o, &m), 0);
	assert_int_equal(count(o, &m), 0);
	m.orders[1].gates = 0;
	assert_int_equal(count(o, &m), 1);
	orders__free(o);
}

/* Its stack comes before the order or after it, and says where; the caller is one frame. */
static void test_stacks(void **state)
{
	struct orders *o = begin(*state, NULL);
	union event early = stack_at(1, B, pthread_mutex_lock);
	union event late = stack_at(2, A, pthread_rwlock_wrlock);
	const struct inversion_edge *ab, *ba;
	struct maps_of m = {};
	struct order_stats *stats;
	struct snapshot *s;

	assert_true(send_stack(o, &early));
	stats = add(&m, A, B, 11);
	stats->sample_id = 1;
	stats->caller = (uintptr_t)pthread_mutex_unlock + 1;
	add(&m, B, A, 12)->sample_id = 2;
	assert_int_equal(count(o, &m), 1);
	assert_true(send_stack(o, &late));
	s = fill(o, &m);
	ab = &s->inversions[0].edges[A < B ? 0 : 1];
	ba = &s->inversions[0].edges[A < B ? 1 : 0];
	assert_true(ab->n_frames >= 1);
	assert_non_null(strstr(ab->frames[0].function, "pthread_mutex_lock"));
	assert_non_null(strstr(ba->frames[0].function, "pthread_rwlock_wrlock"));
	assert_non_null(strstr(ab->from_frame->function, "pthread_mutex_unlock"));
	assert_non_null(ab->from_frame->module);
	assert_null(ba->from_frame);
	snapshot__free(s);
	orders__free(o);
}

/* Stacks that no order comes for are not kept, nor is one that comes with a number again. */
static void test_lost_stacks(void **state)
{
	struct orders *o = begin(*state, NULL);
	union event e = stack_at(1, B, pthread_mutex_lock);
	struct maps_of m = {};
	struct snapshot *s;

	send_stack(o, &e);
	send_stack(o, &e);
	for (int i = 0; i < 3; i++)
		update(o, &m);
	add(&m, A, B, 11)->sample_id = 1;
	add(&m, B, A, 12);
	s = fill(o, &m);
	assert_int_equal(s->n_inversions, 1);
	assert_null(s->inversions[0].edges[0].frames);
	assert_null(s->inversions[0].edges[1].frames);
	snapshot__free(s);
	orders__free(o);
}

/* Events that are cut short are taken, for they are nobody else's, and do nothing. */
static void test_malformed(void **state)
{
	struct orders *o = begin(*state, NULL);
	union event e = stack_at(1, B, pthread_mutex_lock), other = e;

	for (size_t size = sizeof(uint32_t); size < sizeof(e.e) + STACK_LEN; size += 13)
		assert_true(orders__event(o, &e, size));
	e.e.stack_len = UINT32_MAX;
	assert_true(orders__event(o, &e, sizeof(e)));
	assert_false(orders__event(o, &e, 3));
	other.e.type = EVENT_TAKER_STACK;
	assert_false(send_stack(o, &other));
	orders__free(o);
}

/* A lock is called what the lists call it; that name stays when it is not listed any more. */
static void test_names(void **state)
{
	struct orders *o = begin(*state, NULL);
	struct lock lock = { .pid = getpid(), .address = C, .name = "heap lock at f+0x1" };
	struct maps_of m = {};
	struct snapshot *s = snapshot__new();

	add(&m, C, A, 1);
	add(&m, A, C, 2);
	update(o, &m);
	s->locks = &lock;
	s->n_locks = 1;
	orders__fill(o, s, NOW);
	assert_string_equal(s->inversions[0].edges[0].from_name,
			    A < C ? "orders_test_a" : lock.name);
	assert_string_equal(s->inversions[0].edges[1].from_name,
			    A < C ? lock.name : "orders_test_a");
	snapshot__free(s);
	s = fill(o, &m);
	assert_string_equal(s->inversions[0].edges[0].to_name, A < C ? lock.name : "orders_test_a");
	snapshot__free(s);
	orders__free(o);
}

static struct suppressions *suppress(const char *text)
{
	char path[] = "/tmp/locktop-test-orders-XXXXXX", error[256];
	struct suppressions *s;
	int fd = mkstemp(path);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_int_equal(suppressions__load(path, &s, error, sizeof(error)), 0);
	unlink(path);
	return s;
}

/* A suppressed inversion is none, but another one of the same order is found in the same pass. */
static void test_suppressed(void **state)
{
	struct suppressions *by_names = suppress("inversion orders_test_b orders_test_a\n");
	struct suppressions *by_frame = suppress("inversion *rwlock_wrlock*\n");
	struct orders *o = begin(*state, by_names);
	union event e = stack_at(1, A, pthread_rwlock_wrlock);
	struct maps_of m = {};
	struct snapshot *s;

	add(&m, A, B, 1);
	add(&m, B, A, 2)->sample_id = 1;
	assert_int_equal(count(o, &m), 0);
	orders__free(o);

	o = begin(*state, by_frame);
	send_stack(o, &e);
	add(&m, B, C, 3);
	add(&m, C, A, 4);
	s = fill(o, &m);
	assert_int_equal(s->n_inversions, 1);
	assert_int_equal(s->inversions[0].n_edges, 3);
	snapshot__free(s);
	orders__free(o);
	suppressions__free(by_names);
	suppressions__free(by_frame);
}

/* Orders of a destroyed lock are forgotten, its inversion is not; the next lock there is another.
 */
static void test_destroyed(void **state)
{
	struct orders *o = begin(*state, NULL);
	const struct order_key *gone;
	struct maps_of m = {};

	add(&m, A, B, 1);
	add(&m, B, A, 2);
	add(&m, B, C, 1);
	assert_int_equal(count(o, &m), 1);
	assert_int_equal(orders__forget(o, NOW, &gone), 0);
	m.exact_keys[0] = (struct exact_key){ getpid(), FAKE_GEN, A };
	m.exact[0].lives = 1;
	m.n_exact = 1;
	assert_int_equal(count(o, &m), 1);
	assert_int_equal(orders__forget(o, NOW, &gone), 2);
	for (int i = 0; i < 2; i++)
		assert_true(gone[i].from == A || gone[i].to == A);
	m.n = 0;
	add(&m, C, A, 1)->to_life = 1;
	add(&m, A, B, 2)->from_life = 1;
	assert_int_equal(count(o, &m), 2); /* by B -> C */
	orders__free(o);
}

/* A process that has ended shows its inversions once more, then all of it is forgotten. */
static void test_ended(void **state)
{
	struct fixture *x = *state;
	struct process_key key = { .tgid = getpid(), .gen = FAKE_GEN };
	struct orders *o = begin(x, NULL);
	const struct order_key *gone;
	struct process_entry *p;
	struct maps_of m = {};

	add(&m, A, B, 1);
	add(&m, B, A, 2);
	assert_int_equal(count(o, &m), 1);
	p = processes__get(&x->processes, &key, NULL, NOW);
	p->ended = true;
	assert_int_equal(orders__forget(o, NOW, &gone), 0);
	p->reported = true;
	assert_int_equal(count(o, &m), 1);
	assert_int_equal(orders__forget(o, NOW, &gone), 2);
	m.n = 0;
	assert_int_equal(count(o, &m), 0);
	orders__free(o);
}

/* A process out of scope has no inversions to show. */
static void test_scope(void **state)
{
	struct fixture *x = *state;
	struct orders *o = begin(x, NULL);
	struct maps_of m = {};

	x->options.comm = "another";
	add(&m, A, B, 1);
	add(&m, B, A, 2);
	assert_int_equal(count(o, &m), 0);
	orders__free(o);
}

#define MANY 16000

/*
 * What does not fit is counted. Before that, orders unused for a minute make room.
 */
static void test_full(void **state)
{
	static struct order_key keys[MANY + 1000];
	static struct order_stats stats[MANY + 1000];
	struct orders *o = begin(*state, NULL);
	struct records r = { .now_ns = NOW, .order_keys = keys, .orders = stats, .n_orders = MANY };
	const struct order_key *gone;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		keys[i] = key_of(HEAP + i, HEAP + i + 1);
		stats[i] = (struct order_stats){ .count = 1, .tid = 1, .others = 1 };
	}
	r.n_orders = ARRAY_SIZE(keys);
	orders__update(o, &r);
	assert_int_equal(orders__lost(o), ARRAY_SIZE(keys) - 16384);
	orders__free(o);

	o = begin(*state, NULL);
	r.n_orders = MANY;
	orders__update(o, &r);
	for (size_t i = 0; i < 100; i++)
		stats[i].count++;
	r.now_ns += 61 * NSEC_PER_SEC;
	orders__update(o, &r);
	assert_int_equal(orders__forget(o, r.now_ns, &gone), MANY - 100);
	assert_int_equal(orders__forget(o, r.now_ns, &gone), 0);
	orders__free(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_inversion), TEST(test_once_each),   TEST(test_gates_shrink),
		TEST(test_stacks),    TEST(test_lost_stacks), TEST(test_malformed),
		TEST(test_names),     TEST(test_suppressed),  TEST(test_destroyed),
		TEST(test_ended),     TEST(test_scope),	      TEST(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
