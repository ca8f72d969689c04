// SPDX-License-Identifier: GPL-2.0-only
/*
 * What locks are called in real programs (python_waits.py), at what cost; and memory that is
 * anything but an interpreter's.
 */
#include "python_waits.h"

#include "../../user/python_locks.h"
#include "../../user/python_names.h"

#define READS_MAX 2400 /* of one search, and what is read of code objects for it */

struct counted {
	struct python_target *real;
	size_t reads;
};

static void read_counted(struct python_target *t, struct python_range *ranges, size_t n)
{
	struct counted *c = t->context;

	c->reads++;
	c->real->read(c->real, ranges, n);
}

/* Each name is the one that the program's author would give; RLocks are known for what they are. */
static void check_name(struct python_waits *w, struct python_waiter *x)
{
	struct python_wait wait =
		python_kinds__judge(&w->child.target, &x->chain, NULL, 0, x->word);
	struct counted counted = { .real = &w->child.target };
	struct python_target t = w->child.target;
	bool known, rlock;
	const char *name;

	t.read = read_counted;
	t.context = &counted;
	name = python_names__find(&t, w->codes, w->names, &x->chain, &wait, x->word, &known,
				  &rlock);
	if (strcmp(name ? name : "-", x->name))
		print_error("3.%d %s\n", w->child.layout.minor, x->label);
	assert_string_equal(name ? name : "-", x->name);
	assert_true(counted.reads <= READS_MAX);
	if (known)
		assert_int_equal(rlock, wait.kind == KIND_PY_RLOCK);
	if (name && (wait.kind == KIND_PY_RLOCK))
		assert_true(known);
}

/* The frame is gone: what was copied of it names the same, but for variables beyond the first. */
static void check_copied(struct python_waits *w, struct python_waiter *x)
{
	struct python_wait wait =
		python_kinds__judge(&w->child.target, &x->chain, NULL, 0, x->word);
	bool known, rlock;
	const char *name;

	for (size_t i = 0; i < x->chain.n; i++)
		x->chain.frames[i].address = 8;
	name = python_names__find(&w->child.target, w->codes, w->names, &x->chain, &wait, x->word,
				  &known, &rlock);
	if (name || (strcmp(x->label, "many_locals") && strcmp(x->label, "futures_wait")))
		assert_string_equal(name ? name : "-", x->name);
}

static uint64_t mix(uint64_t x)
{
	x ^= x >> 31;
	x *= 0x9e3779b97f4a7c15ULL;
	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9ULL;
	return x ^ x >> 32;
}

/* Real memory of which some words, at random, are something else. */
struct torn {
	struct python_target *real;
	uint64_t seed;
	size_t reads;
};

static void read_torn(struct python_target *t, struct python_range *ranges, size_t n)
{
	struct torn *torn = t->context;

	torn->reads++;
	torn->real->read(torn->real, ranges, n);
	for (size_t i = 0; i < n; i++) {
		uint64_t roll = torn->seed = mix(torn->seed + 1);
		uint64_t value[] = { 0, 1, roll >> 60, roll, ~0ULL, 1ULL << 40, ranges[i].address };
		uint8_t *bytes = ranges[i].bytes;

		if (ranges[i].size < 8 || roll % 12)
			continue;
		memcpy(bytes + (roll >> 8) % (ranges[i].size / 8) * 8,
		       &value[(roll >> 20) % ARRAY_SIZE(value)], 8);
	}
}

/* Memory that changes while it is read: any answer, in bounded time. */
static void check_torn(struct python_waits *w, struct python_waiter *x)
{
	for (uint64_t seed = 1; seed <= 8; seed++) {
		struct torn torn = { .real = &w->child.target, .seed = mix(seed + x->tid) };
		struct python_target t = w->child.target;
		struct python_codes *codes = python_codes__new();
		struct python_wait wait;
		bool known, rlock;

		t.read = read_torn;
		t.context = &torn;
		wait = python_kinds__judge(&t, &x->chain, NULL, 0, x->word);
		assert_true(wait.kind < KIND_COUNT && wait.user < (int)x->chain.n);
		python_names__find(&t, codes, w->names, &x->chain, &wait, x->word, &known, &rlock);
		assert_true(torn.reads < 2 * READS_MAX);
		python_codes__free(codes);
	}
}

static void check(struct python_waits *w, struct python_waiter *x)
{
	check_name(w, x);
	check_torn(w, x);
	check_copied(w, x);
}

static void test_live(void **state)
{
	int minor = *(const int *)*state;

	if (!python_waits__each(minor, check))
		skip();
}

/* A program without a file, with more globals than are looked at one by one. */
#define TEXT                                                                                   \
	"import threading, time\n"                                                             \
	"for i in range(5000): globals()['g%d' % i] = object()\n"                              \
	"lock = threading.Lock()\n"                                                            \
	"def f():\n"                                                                           \
	"  with lock: pass\n"                                                                  \
	"lock.acquire()\n"                                                                     \
	"t = threading.Thread(target=f, daemon=True)\n"                                        \
	"t.start()\n"                                                                          \
	"time.sleep(0.3)\n"                                                                    \
	"print('f', t.native_id, t.ident, 'py-lock', 'contention', 0, '__main__.lock', '-',\n" \
	"      'f', sep='\\t')\n"                                                              \
	"print('end', flush=True)\n"                                                           \
	"input()\n"

static void test_text(void **state)
{
	size_t n = 0;

	for (int minor = PYTHON_WAITS_MINOR_FIRST; minor <= PYTHON_WAITS_MINOR_LAST; minor++)
		n += python_waits__each_of(minor, TEXT, check);
	if (!n)
		skip();
	(void)state;
}

/* Of the script below: constructs, each with the lock that it leads to. */
#define WORDS                                                                                \
	"import threading, queue\n"                                                          \
	"class Timed:\n"                                                                     \
	"  def __init__(self): self.n = 1; self.inner = threading.Lock()\n"                  \
	"class Two:\n"                                                                       \
	"  def __init__(self): self.a = threading.Lock(); self.b = threading.Lock()\n"       \
	"c, q, p, t = threading.Condition(), queue.Queue(), threading._PyRLock(), Timed()\n" \
	"s = threading.Semaphore()\n"                                                        \
	"pairs = [(c, c._lock), (q, q.mutex), (p, p._block), (t, t.inner),\n"                \
	"         (s, s._cond._lock), (q.not_full, q.mutex), (c._lock, c._lock)]\n"          \
	"none = [Two(), 3, 'x', [c], {}, None, Timed, type]\n"                               \
	"print('go')\n"                                                                      \
	"for a, b in pairs: print(id(a)); print(id(b))\n"                                    \
	"print(0)\n"                                                                         \
	"for a in none: print(id(a))\n"                                                      \
	"print(0, flush=True)\n"                                                             \
	"input()\n"

static uint64_t word_of(struct python_target *t, uint64_t object, int depth)
{
	uint64_t word;

	return python_locks__inner_any(t, object, depth, &word) != PYTHON_NO_LOCK ? word : 0;
}

/* A construct's lock is found through it; what has none or two has no lock. */
static void check_words(struct python_child *c)
{
	uint64_t object, lock;
	size_t n = 0;

	while ((object = python_child__number(c))) {
		lock = python_child__number(c);
		assert_int_equal(word_of(&c->target, object, 3),
				 python__pointer(&c->target, lock + c->layout.lock.lock));
		n++;
	}
	assert_int_equal(n, 7);
	while ((object = python_child__number(c)))
		assert_int_equal(word_of(&c->target, object, 3), 0);
}

static void test_words(void **state)
{
	size_t n = 0;

	for (int minor = PYTHON_WAITS_MINOR_FIRST; minor <= PYTHON_WAITS_MINOR_LAST; minor++)
		n += python_child__each(minor, WORDS, check_words);
	if (!n)
		skip();
	(void)state;
}

/* Bytes of all addresses, the same at each reading; now and then an address that can be read. */
struct noise {
	uint64_t seed;
	size_t reads;
};

static void read_noise(struct python_target *t, struct python_range *ranges, size_t n)
{
	struct noise *noise = t->context;

	noise->reads++;
	for (size_t i = 0; i < n; i++) {
		uint8_t *bytes = ranges[i].bytes;
		uint64_t value = 0;

		for (uint32_t k = 0; k < ranges[i].size; k++) {
			if (k % 8 == 0) {
				value = mix(noise->seed + ranges[i].address + k);
				if (value % 4 == 0) /* small: a length, a size */
					value %= 300;
				else if (value % 4 == 1) /* leads on, to where others lead */
					value = 0x10000 + value % 64 * 8;
			}
			bytes[k] = value >> (k % 8 * 8);
		}
		ranges[i].got = ranges[i].address >= 4096;
	}
}

/* Memory that is nothing in particular leads nowhere, within bounds. */
static void test_noise(void **state)
{
	struct proc *proc = proc__new("/proc");
	struct names *names = names__new(proc, false);

	for (uint64_t seed = 1; seed <= 60; seed++) {
		int minor = PYTHON_WAITS_MINOR_FIRST + seed % 6;
		struct noise noise = { .seed = mix(seed) };
		struct python_target t = { .layout = python_layout__of(3, minor),
					   .read = read_noise,
					   .context = &noise };
		struct python_codes *codes = python_codes__new();
		struct python_chain chain = { .n = 5 };
		struct python_wait wait;
		bool known, rlock;

		for (size_t i = 0; i < chain.n; i++) {
			struct python_frame *f = &chain.frames[i];

			*f = (struct python_frame){ .known = true, .name = "f", .file = "/f.py" };
			f->address = mix(seed + i);
			f->code = 0x10000 + mix(i) % 64 * 8;
			f->globals = 0x10000 + mix(i + 9) % 64 * 8;
			for (size_t k = 0; k < PYTHON_SLOTS; k++)
				f->slots[k] = 0x10000 + mix(i + k) % 64 * 8;
		}
		wait = python_kinds__judge(&t, &chain, NULL, 0, 0x10000);
		python_names__find(&t, codes, names, &chain, &wait, 0x10000, &known, &rlock);
		wait = (struct python_wait){ .object = 0x10040, .detail = "import" };
		python_names__find(&t, codes, names, &chain, &wait, 0, &known, &rlock);
		word_of(&t, 0x10008, 4);
		assert_true(noise.reads < 20000);
		python_codes__free(codes);
	}
	names__free(names);
	proc__free(proc);
	(void)state;
}

int main(void)
{
	struct CMUnitTest tests[3 + PYTHON_WAITS_MINOR_LAST] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_noise),
	};
	size_t n = 3;

	python_waits__tests(tests, &n, test_live);
	return _cmocka_run_group_tests("python names", tests, n, NULL, NULL);
}
