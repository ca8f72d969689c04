// SPDX-License-Identifier: GPL-2.0-only
/* Threads and GILs of real interpreters of each version, and of hostile memory. */
#include "python_threads_fixture.h"

static const struct python_thread *by_tid(const struct python_thread *threads, int n, long tid)
{
	for (int i = 0; i < n; i++)
		if (threads[i].tid == tid)
			return &threads[i];
	return NULL;
}

/* ---- threads ---- */

static const char threads_script[] =
	"import threading, os\n"
	"r, w = os.pipe()\n"
	"arrived = []\n"
	"def wait():\n"
	"    arrived.append(1)\n"
	"    os.read(r, 1)\n"
	"print('begin')\n"
	"import _thread\n"
	"_thread.start_new_thread(wait, ())\n"
	"for i in range(70):\n"
	"    name = ['plain', 'na\\u00efve', 'x' * 100][i % 3] + str(i)\n"
	"    threading.Thread(target=wait, name=name, daemon=i % 2 == 0).start()\n"
	"while len(arrived) < 71: pass\n"
	"for t in threading.enumerate():\n"
	"    print(t.native_id, t.ident, int(t.daemon), t.name.encode()[:63].decode())\n"
	"print('end')\n"
	"os.read(r, 1)\n";

/* Every thread with its number, ident, name and whether it is a daemon, as threading has them; one
 * more was made without it. */
static void check_threads(struct python_child *c)
{
	struct python_thread_info infos[128];
	struct python_thread *threads;
	int n, seen = 0;
	const char *line;

	while (strcmp(line = python_child__line(c), "end") != 0) {
		const struct python_thread *thread;
		long tid = 0, ident = 0;
		int daemon = 0, at = 0;

		if (!seen++) {
			n = python_threads__list(&c->target, &threads);
			assert_int_equal(n, 72);
			assert_int_equal(python_threads__describe(&c->target, threads, n, infos),
					 0);
		}
		assert_int_equal(sscanf(line, "%ld %ld %d %n", &tid, &ident, &daemon, &at), 3);
		thread = by_tid(threads, n, tid);
		assert_non_null(thread);
		assert_int_equal(thread->ident, ident);
		assert_string_equal(infos[thread - threads].name, line + at);
		assert_int_equal(infos[thread - threads].daemon, daemon);
		infos[thread - threads].daemon = 2;
	}
	assert_int_equal(seen, 71);
	for (int i = 0; i < n; i++) {
		assert_true(threads[i].tid > 0);
		if (infos[i].daemon == 2)
			continue;
		assert_int_equal(infos[i].daemon, -1);
		assert_string_equal(infos[i].name, "");
		seen++;
	}
	assert_int_equal(seen, 72);
	free(threads);
}

/* Threads that come and go while the list is read: no wrong numbers, no endless list. */
static const char churn_script[] = "import threading\n"
				   "print('begin')\n"
				   "def go(): pass\n"
				   "while True:\n"
				   "    some = [threading.Thread(target=go) for i in range(20)]\n"
				   "    for t in some: t.start()\n"
				   "    for t in some: t.join()\n";

static void check_churn(struct python_child *c)
{
	struct python_codes *codes = python_codes__new();
	int most = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct python_thread_info infos[64];
		struct python_thread *threads;
		struct python_lock *locks;
		int n = python_threads__list(&c->target, &threads);

		assert_in_range(n, 0, 64);
		most = MAX(most, n);
		assert_int_equal(python_threads__describe(&c->target, threads, n, infos), 0);
		assert_true(python_threads__locks(&c->target, codes, names, threads, n, &locks) >=
			    0);
		free(locks);
		free(threads);
	}
	assert_true(most > 1);
	python_codes__free(codes);
}

/* ---- GILs ---- */

static const char gil_script[] =
	"import threading, os, sys\n"
	"def spin():\n"
	"    while True: pass\n"
	"print('begin')\n"
	"for i in range(2): threading.Thread(target=spin, daemon=True).start()\n"
	"print('spins')\n"
	"spin()\n";

/* A GIL that threads fight for has one of them as holder most of the time, and changes hands. */
static void check_gil(struct python_child *c)
{
	struct python_thread *threads;
	struct python_gil gil, first;
	int n, held = 0;

	python_child__line(c);
	n = python_threads__list(&c->target, &threads);
	assert_int_equal(python_threads__gils(&c->target, &first, 1), 1);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(python_threads__gils(&c->target, &gil, 1), 1);
		assert_true(!gil.holder || tid_of(threads, n, gil.holder) > 0);
		assert_int_equal(gil.holder != 0, gil.locked);
		assert_true(tid_of(threads, n, gil.last_holder) > 0);
		held += gil.locked;
		usleep(1000);
	}
	assert_true(held > 50);
	assert_true(gil.switches > first.switches && gil.switches - first.switches < 1000);
	assert_int_equal(gil.interpreter, threads[0].interpreter);
	free(threads);
}

static const char free_gil_script[] = "import os\n"
				      "r, w = os.pipe()\n"
				      "print('begin')\n"
				      "os.read(r, 1)\n";

/* One that nobody has: the last holder stays, but is none. */
static void check_free_gil(struct python_child *c)
{
	struct python_gil gil = { .locked = true };

	for (int i = 0; i < 1000 && gil.locked; i++) {
		assert_int_equal(python_threads__gils(&c->target, &gil, 1), 1);
		usleep(1000);
	}
	assert_false(gil.locked);
	assert_int_equal(gil.holder, 0);
	assert_true(gil.last_holder != 0);
}

static const char interpreters_script[] =
	"import os, sys, threading\n"
	"try: import _interpreters as i\n"
	"except ImportError: import _xxsubinterpreters as i\n"
	"r, w = os.pipe()\n"
	"print('begin')\n"
	"a, b = i.create(), i.create()\n"
	"run = lambda: (i.run_string if hasattr(i, 'run_string') else i.exec)(a, "
	"'import os; os.write(1, b\"inside\\\\n\"); os.read(%d, 1)' % r)\n"
	"threading.Thread(target=run, daemon=True).start()\n"
	"os.read(r, 1)\n";

/* Sub-interpreters: their threads are listed, and from 3.12 on each has a GIL of its own. */
static void check_interpreters(struct python_child *c)
{
	struct python_thread *threads;
	struct python_gil gils[8];
	int n, n_gils, others = 0;

	assert_string_equal(python_child__line(c), "inside");
	n = python_threads__list(&c->target, &threads);
	assert_true(n >= 3);
	for (int i = 0; i < n; i++)
		others += threads[i].interpreter != threads[0].interpreter;
	assert_true(others > 0 && others < n);
	n_gils = python_threads__gils(&c->target, gils, ARRAY_SIZE(gils));
	assert_int_equal(n_gils, c->layout.minor >= 12 ? 3 : 1);
	for (int i = 1; i < n_gils; i++)
		assert_int_not_equal(gils[i].address, gils[i - 1].address);
	free(threads);
}

/* ---- hostile memory ---- */

/* Every pointer leads to the same place: lists and chains are rings. */
static void read_ring(struct python_target *t, struct python_range *ranges, size_t n)
{
	(void)t;
	for (size_t i = 0; i < n; i++) {
		const uint64_t here = 0x10000;

		for (uint32_t k = 0; k < ranges[i].size; k++)
			((uint8_t *)ranges[i].bytes)[k] = here >> (ranges[i].address + k) % 8 * 8;
		ranges[i].got = true;
	}
}

/* Words that are numbers, flags, texts, or pointers among a few places. */
static void read_noise(struct python_target *t, struct python_range *ranges, size_t n)
{
	static const char texts[][8] = { "code", "method", "_lock", "_thread", "wait", "dict" };
	uint64_t *seed = t->context;

	for (size_t i = 0; i < n; i++) {
		for (uint32_t k = 0; k < ranges[i].size; k += 8) {
			uint64_t r = *seed =
				*seed * 6364136223846793005ULL + 1442695040888963407ULL;
			uint64_t word = 0x10000 + (r >> 40) % 64 * 8;

			if ((r >> 33) % 4 == 0)
				word = (r >> 50) % 3 ? (r >> 50) % 40 : r;
			else if ((r >> 33) % 16 == 1)
				memcpy(&word, texts[(r >> 50) % ARRAY_SIZE(texts)], 8);
			memcpy((uint8_t *)ranges[i].bytes + k, &word, MIN(ranges[i].size - k, 8U));
		}
		ranges[i].got = (*seed >> 60) != 0;
	}
}

static void read_nothing(struct python_target *t, struct python_range *ranges, size_t n)
{
	(void)t;
	for (size_t i = 0; i < n; i++)
		ranges[i].got = false;
}

/* All that there is on one target; what comes is bounded. The number of threads listed. */
static int drive(struct python_target *t)
{
	struct python_codes *codes = python_codes__new();
	struct python_thread *threads = NULL, made_up[64];
	struct python_thread_info infos[64];
	struct python_gil gils[16];
	struct python_lock *locks = NULL;
	int n = python_threads__list(t, &threads), ret = n;

	assert_in_range(n + 4096, 0, 4096 + PYTHON_THREADS_MAX);
	assert_in_range(python_threads__gils(t, gils, ARRAY_SIZE(gils)) + 4096, 0, 4096 + 16);
	for (size_t i = 0; i < ARRAY_SIZE(made_up); i++)
		made_up[i] = (struct python_thread){ .state = 0x10000 + 8 * i,
						     .ident = i / 2,
						     .tid = 1 };
	python_threads__describe(t, made_up, ARRAY_SIZE(made_up), infos);
	if (python_threads__locks(t, codes, names, made_up, ARRAY_SIZE(made_up), &locks) >= 0)
		free(locks);
	if (n >= 0)
		free(threads);
	python_codes__free(codes);
	return ret;
}

/* Rings, noise and nothing at all: no crash, no endless walk. */
static void test_hostile(void **state)
{
	(void)state;
	for (int minor = 8; minor <= 13; minor++) {
		struct python_target t = { .layout = python_layout__of(3, minor),
					   .runtime = 0x20000 };
		uint64_t begin = util__monotonic_ns();

		t.read = read_nothing;
		assert_int_equal(drive(&t), -EFAULT);
		t.read = read_ring;
		assert_int_equal(drive(&t), 1);
		t.read = read_noise;
		for (uint64_t seed = 0; seed < 20; seed++) {
			uint64_t noise = seed * 77 + minor;

			t.context = &noise;
			drive(&t);
		}
		assert_true(util__monotonic_ns() - begin < 60 * NSEC_PER_SEC);
	}
}

/* A process without threads has no locks; an empty list is one. */
static void test_empty(void **state)
{
	struct python_target t = { .layout = python_layout__of(3, 11), .read = read_nothing };
	struct python_codes *codes = python_codes__new();
	struct python_lock *locks;

	(void)state;
	assert_int_equal(python_threads__locks(&t, codes, names, NULL, 0, &locks), 0);
	free(locks);
	python_codes__free(codes);
}

ON_EACH(threads, 8, threads_script)
ON_EACH(churn, 8, churn_script)
ON_EACH(gil, 8, gil_script)
ON_EACH(free_gil, 8, free_gil_script)
ON_EACH(interpreters, 8, interpreters_script)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads),	     cmocka_unit_test(test_churn),
		cmocka_unit_test(test_gil),	     cmocka_unit_test(test_free_gil),
		cmocka_unit_test(test_interpreters), cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
