// SPDX-License-Identifier: GPL-2.0-only
/* What was measured on glibc, call by call: kind, class and place of the object. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "../../user/kinds.h"
#include "../../user/util.h"

#define OBJECT	   0x7f0000001000ULL /* 16-aligned, as malloc gives it */
#define CONTENTION CLASS_CONTENTION
#define IDLE	   CLASS_IDLE
#define T	   OP_TIMED

/* A sleep, and what it must be taken for with the stack's help and without. */
struct wait_case {
	const char *function;
	uint32_t op;
	enum value_class value;
	int64_t word; /* - object */
	enum lock_kind kind;
	enum lock_class class;
	enum lock_kind bare_kind; /* by the signature alone */
	enum lock_class bare_class;
	int64_t bare_offset;
};

/* clang-format off */
static const struct wait_case measured[] = {
	{ "pthread_mutex_lock", 0x80, VALUE_2, 0, KIND_MUTEX, CONTENTION, KIND_MUTEX, CONTENTION, 0 },
	{ "pthread_mutex_lock", 0x00, VALUE_2, 0, KIND_MUTEX, CONTENTION, KIND_MUTEX, CONTENTION, 0 },
	{ "pthread_mutex_timedlock", 0x189 | T, VALUE_2, 0, KIND_MUTEX, CONTENTION,
	  KIND_MUTEX, CONTENTION, 0 },
	{ "pthread_mutex_clocklock", 0x89 | T, VALUE_2, 0, KIND_MUTEX, CONTENTION,
	  KIND_MUTEX, CONTENTION, 0 },
	{ "pthread_mutex_lock", 0x00, VALUE_TOP, 0, KIND_MUTEX, CONTENTION,
	  KIND_MUTEX, CONTENTION, 0 }, /* robust */
	{ "pthread_mutex_lock", 0x86, VALUE_0, 0, KIND_PI_MUTEX, CONTENTION,
	  KIND_PI_MUTEX, CONTENTION, 0 },
	{ "pthread_mutex_clocklock", 0x8d | T, VALUE_0, 0, KIND_PI_MUTEX, CONTENTION,
	  KIND_PI_MUTEX, CONTENTION, 0 },
	{ "pthread_rwlock_rdlock", 0x189, VALUE_3, 8, KIND_RWLOCK_READ, CONTENTION,
	  KIND_RWLOCK_READ, CONTENTION, 8 },
	{ "pthread_rwlock_timedrdlock", 0x189 | T, VALUE_3, 8, KIND_RWLOCK_READ, CONTENTION,
	  KIND_RWLOCK_READ, CONTENTION, 8 },
	{ "pthread_rwlock_wrlock", 0x189, VALUE_2, 8, KIND_RWLOCK_WRITE, CONTENTION,
	  KIND_RWLOCK_WRITE, CONTENTION, 8 },
	{ "pthread_rwlock_wrlock", 0x189, VALUE_3, 12, KIND_RWLOCK_WRITE, CONTENTION,
	  KIND_RWLOCK_WRITE, CONTENTION, 12 },
	{ "pthread_rwlock_timedwrlock", 0x189 | T, VALUE_2, 8, KIND_RWLOCK_WRITE, CONTENTION,
	  KIND_MUTEX, CONTENTION, 0 }, /* as a timed mutex */
	{ "pthread_cond_wait", 0x189, VALUE_0, 40, KIND_COND, IDLE, KIND_COND, IDLE, 40 },
	{ "pthread_cond_wait", 0x189, VALUE_0, 44, KIND_COND, IDLE, KIND_COND, IDLE, 44 },
	{ "pthread_cond_wait", 0x109, VALUE_0, 44, KIND_COND, IDLE, KIND_COND, IDLE, 44 },
	{ "pthread_cond_timedwait", 0x189 | T, VALUE_0, 40, KIND_COND, IDLE, KIND_COND, IDLE, 40 },
	{ "pthread_cond_clockwait", 0x89 | T, VALUE_0, 44, KIND_COND, IDLE, KIND_COND, IDLE, 44 },
	{ "sem_wait", 0x189, VALUE_0, 0, KIND_SEM, CONTENTION, KIND_COND, IDLE, 40 },
	{ "sem_timedwait", 0x189 | T, VALUE_0, 0, KIND_SEM, CONTENTION, KIND_COND, IDLE, 40 },
	{ "pthread_barrier_wait", 0x80, VALUE_OTHER, 4, KIND_BARRIER, IDLE,
	  KIND_FUTEX, CONTENTION, 0 },
	{ "pthread_barrier_wait", 0x80, VALUE_0, 4, KIND_BARRIER, IDLE, KIND_PARK, IDLE, 0 },
	{ "pthread_once", 0x80, VALUE_1, 0, KIND_ONCE, CONTENTION, KIND_ONCE, CONTENTION, 0 },
	{ "pthread_join", 0x109, VALUE_OTHER, 720, KIND_JOIN, IDLE, KIND_JOIN, IDLE, 720 },
	{ "pthread_join", 0x109, VALUE_GUARD, 720, KIND_JOIN, IDLE, KIND_JOIN, IDLE, 720 },
	{ "pthread_timedjoin_np", 0x109 | T, VALUE_OTHER, 720, KIND_JOIN, IDLE,
	  KIND_JOIN, IDLE, 720 },
	{ "thrd_join", 0x109, VALUE_OTHER, 720, KIND_JOIN, IDLE, KIND_JOIN, IDLE, 720 },
	{ "puts", 0x80, VALUE_2, 0, KIND_STDIO, CONTENTION, KIND_MUTEX, CONTENTION, 0 },
	{ "fprintf", 0x80, VALUE_2, 0, KIND_STDIO, CONTENTION, KIND_MUTEX, CONTENTION, 0 },
	{ "flockfile", 0x80, VALUE_2, 0, KIND_STDIO, CONTENTION, KIND_MUTEX, CONTENTION, 0 },
	{ "fwrite", 0x80, VALUE_2, 0, KIND_STDIO, CONTENTION, KIND_MUTEX, CONTENTION, 0 },
	{ "malloc", 0x80, VALUE_2, 0, KIND_MALLOC, CONTENTION, KIND_MUTEX, CONTENTION, 0 },
	{ "free", 0x80, VALUE_2, 0, KIND_MALLOC, CONTENTION, KIND_MUTEX, CONTENTION, 0 },
	{ "posix_memalign", 0x80, VALUE_2, 0, KIND_MALLOC, CONTENTION, KIND_MUTEX, CONTENTION, 0 },
	{ "_ZNSt12__atomic_waitEv", 0x00, VALUE_OTHER, 0, KIND_FUTEX, CONTENTION,
	  KIND_FUTEX, CONTENTION, 0 }, /* libstdc++: atomic wait, latch, semaphore */
	{ "_ZNSt12__atomic_waitEv", 0x00, VALUE_0, 0, KIND_FUTEX, CONTENTION,
	  KIND_FUTEX, CONTENTION, 0 },
	{ "__cxa_guard_acquire", 0x00, VALUE_GUARD, 0, KIND_ONCE, CONTENTION,
	  KIND_ONCE, CONTENTION, 0 },
	/* C11 names */
	{ "mtx_lock", 0x80, VALUE_2, 0, KIND_MUTEX, CONTENTION, KIND_MUTEX, CONTENTION, 0 },
	{ "cnd_wait", 0x189, VALUE_0, 44, KIND_COND, IDLE, KIND_COND, IDLE, 44 },
	{ "call_once", 0x80, VALUE_1, 0, KIND_ONCE, CONTENTION, KIND_ONCE, CONTENTION, 0 },
	/* 2.31 and 2.32: an untimed wait is a plain one */
	{ "pthread_cond_wait", 0x80, VALUE_0, 40, KIND_COND, IDLE, KIND_PARK, IDLE, 0 },
	{ "pthread_join", 0x00, VALUE_OTHER, 720, KIND_JOIN, IDLE, KIND_FUTEX, CONTENTION, 0 },
	/* the call tells more than its caller */
	{ "anything", OP_WAITV | 0x80, VALUE_2, 0, KIND_FUTEX, IDLE, KIND_FUTEX, IDLE, 0 },
	{ "malloc", OP_WAITV, VALUE_0, 0, KIND_FUTEX, IDLE, KIND_FUTEX, IDLE, 0 },
	{ "pthread_cond_wait", 0x8b, VALUE_OTHER, 44, KIND_COND, IDLE, KIND_COND, IDLE, 0 },
	/* taking the mutex back: no part of the condition */
	{ "pthread_cond_wait", 0x80, VALUE_2, 0, KIND_MUTEX, CONTENTION, KIND_MUTEX, CONTENTION, 0 },
	{ "pthread_cond_timedwait", 0x00, VALUE_2, 0, KIND_MUTEX, CONTENTION,
	  KIND_MUTEX, CONTENTION, 0 },
	{ "pthread_cond_wait", 0x00, VALUE_TOP, 0, KIND_MUTEX, CONTENTION,
	  KIND_MUTEX, CONTENTION, 0 },
	{ "pthread_cond_wait", 0x86, VALUE_0, 0, KIND_PI_MUTEX, CONTENTION,
	  KIND_PI_MUTEX, CONTENTION, 0 },
	{ "cnd_timedwait", 0x80, VALUE_2, 0, KIND_MUTEX, CONTENTION, KIND_MUTEX, CONTENTION, 0 },
};

/* Callers of syscall(2) bring locks of their own: Rust's std, Go's runtime through cgo, hand-made. */
static const struct wait_case direct[] = {
	{ .op = 0x89, .value = VALUE_2, .kind = KIND_MUTEX, .class = CONTENTION },
	{ .op = 0x89, .value = VALUE_ALL, .kind = KIND_PARK, .class = IDLE },
	{ .op = 0x89 | T, .value = VALUE_ALL, .kind = KIND_PARK, .class = IDLE },
	{ .op = 0x89, .value = VALUE_TOP, .kind = KIND_FUTEX, .class = CONTENTION },
	{ .op = 0x89, .value = VALUE_OTHER, .kind = KIND_FUTEX, .class = IDLE },
	{ .op = 0x89 | T, .value = VALUE_0, .kind = KIND_FUTEX, .class = IDLE },
	{ .op = 0x80, .value = VALUE_2, .kind = KIND_MUTEX, .class = CONTENTION },
	{ .op = 0x80, .value = VALUE_OTHER, .kind = KIND_FUTEX, .class = CONTENTION },
	{ .op = OP_WAITV, .value = VALUE_0, .kind = KIND_FUTEX, .class = IDLE },
	{ .op = 0x86, .value = VALUE_0, .kind = KIND_PI_MUTEX, .class = CONTENTION },
};
/* clang-format on */

static struct lock_key key_of(const struct wait_case *c)
{
	return (struct lock_key){ .tgid = 1,
				  .addr = OBJECT + c->word,
				  .signature = SIGNATURE(c->op, c->value) };
}

static struct kind_verdict judge(const struct wait_case *c, const char *function,
				 const uint8_t *after)
{
	struct lock_key key = key_of(c);
	struct kind_evidence evidence = { .function = function, .after = after };

	return kinds__judge(&key, &evidence);
}

static void assert_verdict(struct kind_verdict v, const struct wait_case *c, size_t row,
			   enum lock_kind kind, enum lock_class class, int64_t offset)
{
	if (v.kind == kind && v.class == class && v.offset == offset)
		return;
	fail_msg("row %zu (%s, op %#x, value %d): %s, %s, offset %lld; expected %s, %s, %lld", row,
		 c->function ? c->function : "syscall", c->op, c->value, lock_kind_names[v.kind],
		 lock_class_names[v.class], (long long)v.offset, lock_kind_names[kind],
		 lock_class_names[class], (long long)offset);
}

/* With the function on the stack, kind, class and object are right in every measured case. */
static void test_with_function(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(measured); i++) {
		const struct wait_case *c = &measured[i];

		assert_verdict(judge(c, c->function, NULL), c, i, c->kind, c->class, c->word);
	}
}

/* Without a stack the signature decides; where two look alike, the table says which one it says. */
static void test_by_signature(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(measured); i++) {
		const struct wait_case *c = &measured[i];

		assert_verdict(judge(c, NULL, NULL), c, i, c->bare_kind, c->bare_class,
			       c->bare_offset);
		/* a function that nobody knows tells nothing */
		assert_verdict(judge(c, "open_table", NULL), c, i, c->bare_kind, c->bare_class,
			       c->bare_offset);
	}
}

/* glibc's aliases: one to three underscores in front mean the same function. */
static void test_aliases(void **state)
{
	static const char *const prefixes[] = { "_", "__", "___" };
	char name[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(measured); i++) {
		const struct wait_case *c = &measured[i];
		struct kind_verdict plain = judge(c, c->function, NULL);

		for (size_t j = 0; j < ARRAY_SIZE(prefixes); j++) {
			snprintf(name, sizeof(name), "%s%s", prefixes[j], c->function);
			assert_verdict(judge(c, name, NULL), c, i, plain.kind, plain.class,
				       plain.offset);
		}
	}
	assert_true(kinds__is_lock_function("_IO_puts"));
	assert_true(kinds__is_lock_function("__libc_malloc"));
	assert_true(kinds__is_lock_function("__printf_chk"));
}

/* A wait through syscall(2) is judged by rows of its own, never as glibc's. */
static void test_syscall(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(direct); i++) {
		const struct wait_case *c = &direct[i];

		assert_verdict(judge(c, "syscall", NULL), c, i, c->kind, c->class, 0);
	}
	assert_true(kinds__is_lock_function("syscall")); /* who calls it is worth naming */
}

/* The words behind a semaphore's value tell it from a condition where the stack is missing. */
static void test_semaphore_words(void **state)
{
	static const struct {
		uint32_t words[2];
		enum lock_kind kind;
	} cases[] = {
		{ { 0, 1 }, KIND_SEM },	       { { 0, 31 }, KIND_SEM },
		{ { 0, 0 }, KIND_COND },       { { 2, 1 }, KIND_COND },
		{ { 0, 1 << 20 }, KIND_COND }, { { 0, UINT32_MAX }, KIND_COND },
	};
	const struct wait_case c = { .op = 0x189, .value = VALUE_0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t after[WORDS_AFTER] = {};
		struct kind_verdict v;

		memcpy(after, cases[i].words, sizeof(cases[i].words));
		v = judge(&c, NULL, after);
		assert_int_equal(v.kind, cases[i].kind);
		assert_int_equal(v.class, v.kind == KIND_SEM ? CLASS_CONTENTION : CLASS_IDLE);
		assert_int_equal(v.offset, v.kind == KIND_SEM ? 0 : 40);
		assert_int_equal(judge(&c, "sem_wait", after).kind, KIND_SEM);
		assert_int_equal(judge(&c, "pthread_cond_wait", after).kind, KIND_COND);
	}
}

/* Any key gets a verdict that can be printed: signatures come from other people's calls. */
static void test_any_signature(void **state)
{
	const struct kind_evidence none = {};

	(void)state;
	for (uint32_t op = 0; op < 0x1000; op++) {
		for (uint32_t value = 0; value <= UINT16_MAX; value += value < 16 ? 1 : 4099) {
			struct lock_key key = { .addr = op & 7, .signature = SIGNATURE(op, value) };
			struct kind_verdict v = kinds__judge(&key, &none);

			assert_true(v.kind < KIND_COUNT);
			assert_true(v.class < CLASS_COUNT);
		}
	}
}

/* musl's pthread_once waits under no name; its library tells it from glibc's barrier. */
static void test_musl_once(void **state)
{
	const struct lock_key key = { .addr = OBJECT, .signature = SIGNATURE(0x80, VALUE_3) };
	struct kind_evidence evidence = { .library = "/lib/ld-musl-x86_64.so.1" };
	struct kind_verdict v = kinds__judge(&key, &evidence);

	(void)state;
	assert_int_equal(v.kind, KIND_ONCE);
	assert_int_equal(v.class, CLASS_CONTENTION);
	assert_int_equal(v.offset, 0);
	evidence.library = "/lib/x86_64-linux-gnu/libc.so.6";
	assert_int_equal(kinds__judge(&key, &evidence).kind, KIND_FUTEX);
	evidence.library = NULL;
	assert_int_equal(kinds__judge(&key, &evidence).kind, KIND_FUTEX);
	evidence.function = "__pthread_once_full";
	assert_int_equal(kinds__judge(&key, &evidence).kind, KIND_ONCE);
}

/* How each lock records its owner, and whether that may be relied on. */
static void test_owner_rules(void **state)
{
	static const char musl[] = "/lib/ld-musl-x86_64.so.1";
	static const struct {
		const char *function, *library;
		uint32_t op;
		enum value_class value;
		enum owner_rule rule;
		bool sure;
	} cases[] = {
		{ "pthread_mutex_lock", NULL, 0x80, VALUE_2, OWNER_MUTEX, true },
		{ "pthread_mutex_lock", NULL, 0x00, VALUE_2, OWNER_MUTEX, true },
		{ "pthread_mutex_timedlock", NULL, 0x189 | T, VALUE_2, OWNER_MUTEX, true },
		{ "pthread_mutex_lock", NULL, 0x00, VALUE_TOP, OWNER_WORD, true },
		{ "pthread_mutex_lock", NULL, 0x86, VALUE_0, OWNER_WORD, true },
		{ NULL, NULL, 0x8d | T, VALUE_0, OWNER_WORD, true }, /* the kernel's own layout */
		{ NULL, NULL, 0x80, VALUE_2, OWNER_MUTEX, false },
		{ "open_table", NULL, 0x80, VALUE_2, OWNER_MUTEX, false },
		{ "pthread_cond_wait", NULL, 0x80, VALUE_2, OWNER_MUTEX, false },
		{ "pthread_cond_wait", NULL, 0x189, VALUE_0, OWNER_NONE, true },
		{ "pthread_rwlock_rdlock", NULL, 0x189, VALUE_3, OWNER_RWLOCK, true },
		{ "pthread_rwlock_wrlock", NULL, 0x189, VALUE_2, OWNER_RWLOCK, true },
		{ "pthread_join", NULL, 0x109, VALUE_OTHER, OWNER_JOIN, true },
		{ "puts", NULL, 0x80, VALUE_2, OWNER_STDIO, true },
		{ "malloc", NULL, 0x80, VALUE_2, OWNER_NONE, true },
		{ "sem_wait", NULL, 0x189, VALUE_0, OWNER_NONE, true },
		{ "pthread_barrier_wait", NULL, 0x80, VALUE_OTHER, OWNER_NONE, true },
		{ "pthread_once", NULL, 0x80, VALUE_1, OWNER_NONE, true },
		{ "pthread_mutex_lock", musl, 0x80, VALUE_TOP, OWNER_MUSL_MUTEX, true },
		{ "pthread_rwlock_wrlock", musl, 0x80, VALUE_ALL, OWNER_MUSL_RWLOCK, true },
		{ "pthread_rwlock_rdlock", musl, 0x80, VALUE_TOP, OWNER_MUSL_RWLOCK, true },
		{ "puts", musl, 0x80, VALUE_TOP, OWNER_WORD, true },
		{ "pthread_join", musl, 0x80, VALUE_2, OWNER_NONE, true },
		{ "syscall", NULL, 0x80, VALUE_2, OWNER_NONE, false }, /* of somebody's make */
		{ "syscall", NULL, 0x86, VALUE_0, OWNER_WORD, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct lock_key key = { .addr = OBJECT,
					      .signature = SIGNATURE(cases[i].op, cases[i].value) };
		struct kind_evidence evidence = { .function = cases[i].function,
						  .library = cases[i].library };
		struct kind_verdict v = kinds__judge(&key, &evidence);

		if (v.owner != cases[i].rule || v.sure != cases[i].sure)
			fail_msg("row %zu: rule %d, %ssure", i, v.owner, v.sure ? "" : "not ");
		evidence.on_stack = true; /* one word for many locks */
		if (SIGNATURE_VALUE(key.signature) != VALUE_0)
			assert_true(kinds__judge(&key, &evidence).by_site);
		evidence.on_stack = false;
		evidence.wrapper = "std::sys::sync::mutex::futex::Mutex::lock_contended";
		if (cases[i].rule != OWNER_WORD) /* a runtime's lock has a layout of its own */
			assert_int_equal(kinds__judge(&key, &evidence).owner, OWNER_NONE);
	}
}

/* Functions of programs are no lock functions because their names end alike. */
static void test_user_functions(void **state)
{
	static const char *const names[] = {
		"main",		 "worker",	    "open_table",
		"free_list",	 "my_malloc_stats", "process_inputs",
		"build_targets", "draw_widgets",    "collect_outputs",
		"input_check",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (kinds__is_lock_function(names[i]))
			fail_msg("%s is taken for a lock function", names[i]);
	assert_false(kinds__is_lock_function(NULL));
	assert_false(kinds__is_lock_function(""));
	assert_false(kinds__is_lock_function("____"));
}

/* Families of the exact tier: a table, without any stack, and nothing known of the layout. */
static void test_exact(void **state)
{
	static const struct {
		enum exact_op op;
		enum lock_kind kind;
		enum lock_class class;
	} rows[] = {
		{ OP_MUTEX_TIMEDLOCK, KIND_MUTEX, CONTENTION },
		{ OP_RWLOCK_RDLOCK, KIND_RWLOCK_WRITE, CONTENTION }, /* FUTEX_LOCK_PI as a number */
		{ OP_SPIN_TRYLOCK, KIND_SPIN, CONTENTION },
		{ OP_SEM_POST, KIND_SEM, CONTENTION },
		{ OP_SEM_INIT, KIND_SEM, CONTENTION },
		{ OP_COND_SIGNAL, KIND_COND, IDLE },
		{ OP_BARRIER_WAIT, KIND_BARRIER, IDLE },
		{ OP_ONCE, KIND_ONCE, CONTENTION },
	};
	struct kind_evidence none = {};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t family = exact_family(rows[i].op);
		struct lock_key key = { .addr = OBJECT + 44, .signature = OP_EXACT | family };
		struct kind_verdict v = kinds__judge(&key, &none);

		assert_int_equal(v.kind, rows[i].kind);
		assert_int_equal(v.class, rows[i].class);
		assert_int_equal(v.offset, 0);
		assert_int_equal(v.owner, OWNER_NONE);
		assert_true(v.sure);
		assert_false(v.by_site);
	}
	for (uint32_t op = EXACT_OPS; op < OP_EXACT; op += 97) { /* from a newer kernel part, say */
		struct lock_key key = { .addr = OBJECT, .signature = OP_EXACT | op };

		assert_int_equal(kinds__judge(&key, &none).kind, KIND_FUTEX);
		assert_false(kinds__judge(&key, &none).sure);
	}
}

/* A sleep without a stack, on an object whose family is known: as if its function were. */
static void test_judged_as(void **state)
{
	struct lock_key sem = { .addr = OBJECT, .signature = SIGNATURE(0x189, VALUE_0) };
	struct lock_key reader = { .addr = OBJECT + 8, .signature = SIGNATURE(0x189, VALUE_3) };
	struct lock_key writer = { .addr = OBJECT + 12, .signature = SIGNATURE(0x189, VALUE_3) };
	struct lock_key mutex = { .addr = OBJECT, .signature = SIGNATURE(0x80, VALUE_2) };
	struct kind_verdict v = kinds__judge_as(&sem, OP_SEM_WAIT);

	assert_int_equal(v.kind, KIND_SEM);
	assert_int_equal(v.offset, 0);
	assert_true(v.sure);
	v = kinds__judge_as(&sem, OP_COND_WAIT);
	assert_int_equal(v.kind, KIND_COND);
	assert_int_equal(v.offset, 40);
	v = kinds__judge_as(&reader, OP_RWLOCK_WRLOCK);
	assert_int_equal(v.kind, KIND_RWLOCK_READ);
	assert_int_equal(v.offset, 8);
	assert_int_equal(v.owner, OWNER_RWLOCK);
	v = kinds__judge_as(&writer, OP_RWLOCK_WRLOCK);
	assert_int_equal(v.kind, KIND_RWLOCK_WRITE);
	assert_int_equal(v.offset, 12);
	v = kinds__judge_as(&mutex, OP_MUTEX_LOCK);
	assert_int_equal(v.owner, OWNER_MUTEX);
	assert_false(kinds__judge_as(&mutex, OP_SPIN_LOCK).sure); /* nobody sleeps on those */
	assert_false(kinds__judge_as(&mutex, EXACT_OPS).sure);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact),		cmocka_unit_test(test_judged_as),
		cmocka_unit_test(test_with_function),	cmocka_unit_test(test_by_signature),
		cmocka_unit_test(test_aliases),		cmocka_unit_test(test_syscall),
		cmocka_unit_test(test_semaphore_words), cmocka_unit_test(test_any_signature),
		cmocka_unit_test(test_user_functions),	cmocka_unit_test(test_musl_once),
		cmocka_unit_test(test_owner_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
