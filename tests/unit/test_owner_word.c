// SPDX-License-Identifier: GPL-2.0-only
/* Locks as pthread really leaves them, and layouts of musl made by hand, to owners. */
#include "holders_fixture.h"

#include <linux/futex.h>
#include <stdio.h>
#include <string.h>

#include "../../user/owner_word.h"
#include "../../user/util.h"

static struct owner_word decode(enum owner_rule rule, const void *lock)
{
	uint8_t bytes[OWNER_BYTES];

	memcpy(bytes, lock, sizeof(bytes));
	return owner_word__decode(rule, bytes);
}

static void assert_word(struct owner_word w, uint32_t number, int readers, bool sound)
{
	assert_int_equal(w.number, number);
	assert_int_equal(w.readers, readers);
	assert_int_equal(w.sound, sound);
}

static void init(pthread_mutex_t *m, int type, int robust, int protocol, int shared)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	assert_int_equal(pthread_mutexattr_settype(&attr, type), 0);
	assert_int_equal(pthread_mutexattr_setrobust(&attr, robust), 0);
	assert_int_equal(pthread_mutexattr_setprotocol(&attr, protocol), 0);
	assert_int_equal(pthread_mutexattr_setpshared(&attr, shared), 0);
	assert_int_equal(pthread_mutex_init(m, &attr), 0);
	pthread_mutexattr_destroy(&attr);
}

/* glibc's mutexes of each type: nobody's while free, then the thread's, and nobody's again. */
static void test_mutex_types(void **state)
{
	static const int types[] = { PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE,
				     PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_ADAPTIVE_NP };

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(types); i++) {
		struct holding *h;
		pthread_mutex_t m;

		init(&m, types[i / 2], PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE,
		     i % 2 ? PTHREAD_PROCESS_SHARED : PTHREAD_PROCESS_PRIVATE);
		h = hold__begin(&mutex_calls, &m);
		assert_word(decode(OWNER_MUTEX, &m), h->tid, -1, true);
		hold__end(h);
		assert_int_equal(decode(OWNER_MUTEX, &m).number, 0);
		pthread_mutex_destroy(&m);
	}
}

/* One that is taken twice is still the same thread's; a stale owner of a free one is nobody. */
static void test_mutex_states(void **state)
{
	pthread_mutex_t m;
	uint32_t words[8];

	(void)state;
	init(&m, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE, 0);
	pthread_mutex_lock(&m);
	pthread_mutex_lock(&m);
	assert_word(decode(OWNER_MUTEX, &m), getpid(), -1, true);
	pthread_mutex_unlock(&m);
	memcpy(words, &m, sizeof(words));
	words[0] = 2; /* with waiters */
	assert_word(decode(OWNER_MUTEX, words), getpid(), -1, true);
	words[0] = 0; /* free, and the owner not yet cleared */
	assert_int_equal(decode(OWNER_MUTEX, words).number, 0);
	pthread_mutex_unlock(&m);
	pthread_mutex_destroy(&m);
}

/* Robust and PI mutexes keep the number in the futex word, beside bits for waiters and death. */
static void test_word(void **state)
{
	static const int robust[] = { PTHREAD_MUTEX_ROBUST, PTHREAD_MUTEX_STALLED };
	static const int protocols[] = { PTHREAD_PRIO_NONE, PTHREAD_PRIO_INHERIT };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct holding *h;
		pthread_mutex_t m;
		uint32_t words[8];

		init(&m, PTHREAD_MUTEX_NORMAL, robust[i], protocols[i], i);
		h = hold__begin(&mutex_calls, &m);
		assert_word(decode(OWNER_WORD, &m), h->tid, -1, true);
		memcpy(words, &m, sizeof(words));
		words[0] |= FUTEX_WAITERS;
		assert_word(decode(OWNER_WORD, words), h->tid, -1, true);
		hold__end(h);
		assert_int_equal(decode(OWNER_WORD, &m).number, 0);
		pthread_mutex_destroy(&m);
	}
}

/* The kernel clears the number when a robust mutex' owner dies: then nobody is blamed. */
static void test_robust_owner_died(void **state)
{
	pthread_mutex_t m;

	(void)state;
	init(&m, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE, 0);
	hold__die(&mutex_calls, &m);
	assert_true(*(uint32_t *)&m & FUTEX_OWNER_DIED);
	assert_int_equal(decode(OWNER_WORD, &m).number, 0);
	assert_int_equal(pthread_mutex_lock(&m), EOWNERDEAD);
	pthread_mutex_consistent(&m);
	assert_int_equal(decode(OWNER_WORD, &m).number, getpid());
	pthread_mutex_unlock(&m);
	pthread_mutex_destroy(&m);
}

/* A writer is named; of readers only the number is known; of a free one nothing is said. */
static void test_rwlock(void **state)
{
	pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;
	struct holding *readers[3], *writer;

	(void)state;
	assert_word(decode(OWNER_RWLOCK, &l), 0, 0, true);
	writer = hold__begin(&writer_calls, &l);
	assert_word(decode(OWNER_RWLOCK, &l), writer->tid, 0, true);
	hold__end(writer);
	for (int i = 0; i < 3; i++)
		readers[i] = hold__begin(&reader_calls, &l);
	assert_word(decode(OWNER_RWLOCK, &l), 0, 3, true);
	for (int i = 0; i < 3; i++)
		hold__end(readers[i]);
	assert_word(decode(OWNER_RWLOCK, &l), 0, 0, true);
	pthread_rwlock_destroy(&l);
}

static int lock_file(void *file)
{
	flockfile(file);
	return 0;
}

static int unlock_file(void *file)
{
	funlockfile(file);
	return 0;
}

/* glibc's stdio lock leads to the owner's descriptor, and that to its number. */
static void test_stdio(void **state)
{
	static const struct lock_calls calls = { lock_file, unlock_file };
	FILE *f = fopen("/dev/null", "w");
	struct owner_word w;
	struct holding *h;
	uint32_t number;

	(void)state;
	assert_non_null(f);
	h = hold__begin(&calls, f);
	w = decode(OWNER_STDIO, f->_lock);
	assert_word(w, 0, -1, true);
	assert_true(w.descriptor == (uint64_t)h->thread);
	memcpy(&number, (const char *)(uintptr_t)w.descriptor + DESCRIPTOR_NUMBER, sizeof(number));
	assert_int_equal(number, h->tid);
	hold__end(h);
	assert_true(decode(OWNER_STDIO, f->_lock).descriptor == 0);
	fclose(f);
}

/* A thread that is joined holds, so to speak, its own end: the number is in its descriptor. */
static void test_join(void **state)
{
	pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
	struct holding *h = hold__begin(&mutex_calls, &m);

	(void)state;
	assert_word(decode(OWNER_JOIN, (const char *)h->thread + DESCRIPTOR_NUMBER), h->tid, -1,
		    true);
	hold__end(h);
}

/* Layouts of musl: type and word of a mutex, the word of a rwlock. */
static void test_musl(void **state)
{
	static const struct {
		enum owner_rule rule;
		uint32_t words[8], number;
		int readers;
		bool sound;
	} cases[] = {
		/* a normal mutex says only that it is taken */
		{ OWNER_MUSL_MUTEX, { 0, 0x80000010 }, 0, -1, false },
		{ OWNER_MUSL_MUTEX, { 1, 0x80000000 | 4711 }, 4711, -1, true },
		{ OWNER_MUSL_MUTEX, { 2, 4711 }, 4711, -1, true },
		{ OWNER_MUSL_MUTEX, { 4, 4711 }, 4711, -1, true },	 /* robust */
		{ OWNER_MUSL_MUTEX, { 128 | 4, 4711 }, 4711, -1, true }, /* and shared */
		{ OWNER_MUSL_MUTEX, { 128, 16 }, 0, -1, false },
		{ OWNER_MUSL_MUTEX, { 4, 0x40000000 }, 0, -1, true }, /* its owner died */
		{ OWNER_MUSL_MUTEX, { 1, 0 }, 0, -1, true },
		{ OWNER_MUSL_RWLOCK, { 0 }, 0, 0, true },
		{ OWNER_MUSL_RWLOCK, { 3 }, 0, 3, true },
		{ OWNER_MUSL_RWLOCK, { 0x80000003 }, 0, 3, true }, /* with waiters */
		{ OWNER_MUSL_RWLOCK, { 0x7fffffff }, 0, 0, true },
		{ OWNER_MUSL_RWLOCK, { 0xffffffff }, 0, 0, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_word(decode(cases[i].rule, cases[i].words), cases[i].number,
			    cases[i].readers, cases[i].sound);
}

/* What is no mutex of glibc's is told by one word that does not fit. */
static void test_unsound(void **state)
{
	static const uint32_t fine[8] = { 2, 0, 4711, 1, 0 };
	static const struct {
		int at;
		uint32_t value;
	} cases[] = { { 0, 3 }, { 0, UINT32_MAX }, { 0, 4711 | FUTEX_WAITERS },
		      { 3, 0 }, { 4, 1024 },	   { 4, UINT32_MAX } };

	(void)state;
	assert_word(decode(OWNER_MUTEX, fine), 4711, -1, true);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t words[8];

		memcpy(words, fine, sizeof(words));
		words[cases[i].at] = cases[i].value;
		assert_false(decode(OWNER_MUTEX, words).sound);
	}
	assert_word(decode(OWNER_NONE, fine), 0, -1, false);
	assert_word(decode((enum owner_rule)99, fine), 0, -1, false);
}

/* The kernel gives no thread a number above 4194304: it is no owner, whatever the layout. */
static void test_out_of_range(void **state)
{
	static const struct {
		enum owner_rule rule;
		int at;
	} cases[] = { { OWNER_MUTEX, 2 },
		      { OWNER_WORD, 0 },
		      { OWNER_JOIN, 0 },
		      { OWNER_RWLOCK, 6 },
		      { OWNER_MUSL_MUTEX, 1 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t words[8] = { 1, 0, 0, 1 };

		words[cases[i].at] = 4 << 20;
		assert_int_equal(decode(cases[i].rule, words).number, 4 << 20);
		words[cases[i].at]++;
		assert_int_equal(decode(cases[i].rule, words).number, 0);
		assert_false(decode(cases[i].rule, words).sound);
	}
}

/* Any bytes in any layout: an answer in range. */
static void test_any_bytes(void **state)
{
	unsigned int seed = 17;

	(void)state;
	for (int n = 0; n < 200000; n++) {
		uint8_t bytes[OWNER_BYTES];
		struct owner_word w;

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = rand_r(&seed) >> 7;
		w = owner_word__decode(n % (OWNER_JOIN + 2), bytes);
		assert_true(w.number <= 4 << 20);
		assert_true(w.readers >= -1);
	}
}

/* From a futex word to the object and the place of the number, for each layout. */
static void test_addresses(void **state)
{
	static const struct {
		enum owner_rule rule;
		int64_t offset;		/* of the word */
		int64_t begins, number; /* from the object; -1: nowhere */
	} cases[] = {
		{ OWNER_MUTEX, 0, 0, 8 },	 { OWNER_RWLOCK, 8, 0, 24 },
		{ OWNER_RWLOCK, 12, 0, 24 },	 { OWNER_MUSL_MUTEX, 4, 0, 4 },
		{ OWNER_WORD, 0, 0, 0 },	 { OWNER_JOIN, 720, 720, 720 },
		{ OWNER_MUSL_RWLOCK, 0, 0, -1 }, { OWNER_STDIO, 0, 0, -1 },
	};
	const uint64_t object = 0x7f0000001000;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t from, at;
		uint32_t mask;

		from = owner_word__address(cases[i].rule, object + cases[i].offset,
					   cases[i].offset);
		at = owner_word__number_at(cases[i].rule, from, &mask);
		assert_true(from == object + cases[i].begins);
		assert_true(at == (cases[i].number < 0 ? 0 : object + cases[i].number));
		assert_int_equal(mask, cases[i].number < 0 ? 0 : FUTEX_TID_MASK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mutex_types), cmocka_unit_test(test_mutex_states),
		cmocka_unit_test(test_word),	    cmocka_unit_test(test_robust_owner_died),
		cmocka_unit_test(test_rwlock),	    cmocka_unit_test(test_stdio),
		cmocka_unit_test(test_join),	    cmocka_unit_test(test_musl),
		cmocka_unit_test(test_unsound),	    cmocka_unit_test(test_out_of_range),
		cmocka_unit_test(test_any_bytes),   cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
