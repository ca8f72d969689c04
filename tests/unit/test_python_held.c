// SPDX-License-Identifier: GPL-2.0-only
/* Locks that are held: by real interpreters of each version, at rest and at full speed. */
#include "python_threads_fixture.h"

#include "../../user/python_exits.h"

static const struct python_lock *by_object(const struct python_lock *locks, int n, uint64_t object)
{
	for (int i = 0; i < n; i++)
		if (locks[i].object == object)
			return &locks[i];
	return NULL;
}

/* ---- held locks ---- */

static const char *const locks_script =
	"import threading, os, sys, time\n"
	"from threading import Lock, RLock, Condition, Semaphore, get_native_id\n"
	"pipe = os.pipe()\n"
	"facts = []\n"
	"arrived = []\n"
	"started = [0]\n"
	"def hold(*locks, count=0, line=None):\n"
	"    if line is None: line = sys._getframe(1).f_lineno\n"
	"    for l in locks: facts.append('hold %d %d %d %d' % "
	"(id(l), get_native_id(), count, line))\n"
	"    arrived.append(1)\n"
	"    os.read(pipe[0], 1)\n"
	"def free(*locks):\n"
	"    for l in locks: facts.append('free %d' % id(l))\n"
	"    arrived.append(1)\n"
	"    os.read(pipe[0], 1)\n"
	"def run(f, *args):\n"
	"    started[0] += 1\n"
	"    threading.Thread(target=f, args=args, daemon=True).start()\n"
	"    while len(arrived) < started[0]: time.sleep(0.001)\n"
	"def run_waiting(f, *args):\n"
	"    run(f, *args)\n"
	"    time.sleep(0.1)\n"
	/* by acquire() nobody can say */
	"def acquired(l):\n"
	"    l.acquire()\n"
	"    free(l)\n"
	"def simple():\n"
	"    l = Lock()\n"
	"    with l:\n"
	"        hold(l)\n"
	"def nested():\n"
	"    a, b = Lock(), Lock()\n"
	"    with a:\n"
	"        with b:\n"
	"            hold(a, b)\n"
	"def both():\n"
	"    a, b = Lock(), Lock()\n"
	"    with a, b as x:\n"
	"        hold(a, b)\n"
	"def within(l):\n"
	"    with l:\n"
	"        hold(l)\n"
	"        yield 1\n"
	"def generator():\n"
	"    for x in within(Lock()): pass\n"
	"def kept(l):\n"
	"    with l:\n"
	"        yield 1\n"
	"def suspended():\n"
	"    l = Lock()\n"
	"    g = kept(l)\n"
	"    next(g)\n"
	"    free(l)\n"
	"def recursive():\n"
	"    r = RLock()\n"
	"    with r:\n"
	"        with r:\n"
	"            r.acquire()\n"
	"            hold(r, count=3)\n"
	"class Holder: pass\n"
	"holder = Holder()\n"
	"holder.r = RLock()\n"
	"holder.s = RLock()\n"
	"def take_hidden():\n"
	"    holder.r.acquire()\n"
	"    facts.append('hold %d %d 1 0' % (id(holder.r), get_native_id()))\n"
	"    holder.s.acquire()\n"
	"    facts.append('hold %d %d 1 0' % (id(holder.s), get_native_id()))\n"
	"    arrived.append(1)\n"
	"    os.read(pipe[0], 1)\n"
	"def wait_with():\n"
	"    arrived.append(1)\n"
	"    with holder.r: pass\n"
	"def wait_acquire():\n"
	"    arrived.append(1)\n"
	"    holder.s.acquire()\n"
	"def condition(c, count):\n"
	"    with c:\n"
	"        hold(c._lock, count=count)\n"
	"def wait_for(c):\n"
	"    with c:\n"
	"        arrived.append(1)\n"
	"        c.wait()\n"
	"def enter(l):\n"
	"    with Lock(): pass\n"
	"    arrived.append(1)\n"
	"    with l:\n"
	"        assert False\n"
	"def enter_inner(l):\n"
	"    a = Lock()\n"
	"    with a:\n"
	"        facts.append('hold %d %d 0 0' % (id(a), get_native_id()))\n"
	"        arrived.append(1)\n"
	"        with l:\n"
	"            assert False\n"
	"def raised(a, b):\n"
	"    with a: pass\n"
	"    try:\n"
	"        with b:\n"
	"            raise KeyError\n"
	"    except KeyError:\n"
	"        arrived.append(1)\n"
	"        os.read(pipe[0], 1)\n"
	"def raised_after(a, b):\n"
	"    try:\n"
	"        with a:\n"
	"            with b: raise KeyError\n"
	"    except KeyError: pass\n"
	"    arrived.append(1)\n"
	"    os.read(pipe[0], 1)\n"
	"def raised_inside(b):\n"
	"    a = Lock()\n"
	"    with a:\n"
	"        try:\n"
	"            with b:\n"
	"                raise KeyError\n"
	"        except KeyError:\n"
	"            hold(a)\n"
	"def at_last():\n"
	"    l = Lock()\n"
	"    with l:\n"
	"        try: pass\n"
	"        finally: hold(l)\n"
	"def loops():\n"
	"    a, b = Lock(), Lock()\n"
	"    for i in range(2):\n"
	"        with a:\n"
	"            for j in range(2):\n"
	"                with b:\n"
	"                    hold(a, b)\n"
	"def deep(n, l):\n"
	"    if n: return deep(n - 1, l)\n"
	"    hold(l, line=0)\n"
	"def recursion():\n"
	"    l = Lock()\n"
	"    with l:\n"
	"        deep(200, l)\n"
	"def comprehension():\n"
	"    l = Lock()\n"
	"    with l:\n"
	"        [hold(l, line=0) for x in [1]]\n"
	"def key():\n"
	"    l = Lock()\n"
	"    with l:\n"
	"        sorted([1, 2], key=lambda x: hold(l, line=0))\n"
	"def cells():\n"
	"    l = Lock()\n"
	"    with l:\n"
	"        hold(l)\n"
	"        (lambda: l)()\n"
	"def python_rlock():\n"
	"    r = threading._PyRLock()\n"
	"    with r:\n"
	"        hold(r._block)\n"
	"def semaphore():\n"
	"    s = Semaphore(2)\n"
	"    with s: free(s._cond._lock)\n"
	"class Guard:\n"
	"    def __init__(self): self._lock = Lock()\n"
	"    def __enter__(self): return self\n"
	"    def __exit__(self, *args): pass\n"
	"def guard(g):\n"
	"    with g:\n"
	"        arrived.append(1)\n"
	"        os.read(pipe[0], 1)\n"
	"def released(l):\n"
	"    with l:\n"
	"        l.release()\n"
	"        arrived.append(1)\n"
	"        os.read(pipe[0], 1)\n"
	"def let_go():\n"
	"    l = Lock()\n"
	"    with l:\n"
	"        l.release()\n"
	"        free(l)\n"
	"def again(l):\n"
	"    with l: free(l)\n"
	"many = {}\n"
	"exec('def large():\\n' + ''.join('    v%d = %d\\n' % (i, i) for i in range(300)) +\n"
	"     '    l = Lock()\\n    with l:\\n        hold(l)\\n', globals(), many)\n"
	"print('begin')\n"
	"for f in (simple, nested, both, generator, suspended, recursive, at_last, loops, "
	"recursion,\n"
	"          comprehension, key, cells, python_rlock, semaphore, let_go, many['large']): "
	"run(f)\n"
	"run(acquired, Lock())\n"
	"run(take_hidden); run_waiting(wait_with); run_waiting(wait_acquire)\n"
	"run(condition, Condition(Lock()), 0)\n"
	"run(condition, Condition(), 1)\n"
	"c = Condition(Lock()); run_waiting(wait_for, c); run(acquired, c._lock)\n"
	"c = Condition(Lock()); run_waiting(wait_for, c); run(condition, c, 0)\n"
	"c = Condition(); run_waiting(wait_for, c); run(condition, c, 1)\n"
	"l = Lock(); run(acquired, l); run_waiting(enter, l); run_waiting(enter_inner, l)\n"
	"for f in (raised, raised_after):\n"
	"    a, b = Lock(), Lock(); run(f, a, b); run(acquired, a); run(acquired, b)\n"
	"l = Lock(); run(raised_inside, l); run(acquired, l)\n"
	"g = Guard(); run(guard, g); run(acquired, g._lock)\n"
	"l = Lock(); run(released, l); run(again, l)\n"
	"for f in facts: print(f)\n"
	"print('end')\n"
	"os.read(pipe[0], 1)\n";

static int line_of(struct python_child *c, struct python_codes *codes,
		   const struct python_lock *lock)
{
	const struct python_code *code = python_codes__at(codes, &c->target, names, lock->code);

	return code ? python_code__line(c->target.layout, code, lock->instruction) : 0;
}

/* Locks of every shape of block are held by those who hold them, at the line where they are; and
 * by nobody where it cannot be said: acquire(), blocks that wait to be entered or were left. */
static void check_locks(struct python_child *c)
{
	struct python_codes *codes = python_codes__new();
	struct python_thread *threads = NULL;
	struct python_lock *locks = NULL;
	int n = 0, n_locks = 0, n_held = 0, n_facts = 0;
	const char *line;

	while (strcmp(line = python_child__line(c), "end") != 0) {
		unsigned long object = 0, tid = 0, count = 0, at = 0;
		const struct python_lock *lock;

		if (!threads) {
			n = python_threads__list(&c->target, &threads);
			n_locks =
				python_threads__locks(&c->target, codes, names, threads, n, &locks);
			assert_true(n_locks > 0);
		}
		n_facts++;
		if (sscanf(line, "free %lu", &object) == 1) {
			lock = by_object(locks, n_locks, object);
			if (lock && lock->holder)
				fail_msg("3.%d: nobody has lock %lx: %s", c->layout.minor, object,
					 line);
			continue;
		}
		assert_int_equal(sscanf(line, "hold %lu %lu %lu %lu", &object, &tid, &count, &at),
				 4);
		lock = by_object(locks, n_locks, object);
		if (!lock || tid_of(threads, n, lock->holder) != (long)tid)
			fail_msg("3.%d: holder of: %s", c->layout.minor, line);
		n_held++;
		assert_int_equal(lock->count, count);
		assert_int_equal(lock->rlock, count > 0);
		assert_true(lock->word != 0);
		if (at)
			assert_int_equal(line_of(c, codes, lock), at);
	}
	assert_int_equal(n_facts, 37);
	/* The interpreter's own locks are held by nobody. */
	for (int i = 0; i < n_locks; i++)
		n_held -= locks[i].holder != 0;
	assert_int_equal(n_held, 0);
	free(locks);
	free(threads);
	python_codes__free(codes);
}

/* ---- at full speed ---- */

static const char running_script[] =
	"import threading\n"
	"from threading import Lock, RLock, Condition, get_native_id\n"
	"S, A, C = Lock(), Lock(), Condition(Lock())\n"
	"said = []\n"
	"def touch(l):\n"
	"    with l:\n"
	"        sum(range(100))\n"
	"def work(l, m, r):\n"
	"    said.append('%d %d %d %d' % (get_native_id(), id(l), id(m), id(r)))\n"
	"    n = 0\n"
	"    while True:\n"
	"        n += 1\n"
	"        with l:\n"
	"            with m: n += 1\n"
	"        touch(l)\n"
	"        with S: n += 1\n"
	"        touch(m)\n"
	"        touch(S)\n"
	"        if A.acquire(False): A.release()\n"
	"        with r:\n"
	"            for i in range(3):\n"
	"                with l: touch(m)\n"
	"        try:\n"
	"            with m: raise KeyError\n"
	"        except KeyError: n += 1\n"
	"        with C: C.notify()\n"
	"def take_a():\n"
	"    while True:\n"
	"        with Lock():\n"
	"            pass\n"
	"        A.acquire()\n"
	"        touch(Lock())\n"
	"        A.release()\n"
	"        with C: C.wait(0.001)\n"
	"print('begin')\n"
	"for i in range(4): threading.Thread(target=work, args=(Lock(), Lock(), RLock()),"
	" daemon=True).start()\n"
	"threading.Thread(target=take_a, daemon=True).start()\n"
	"while len(said) < 4: pass\n"
	"for s in said: print(s)\n"
	"print(id(A))\n"
	"threading.Event().wait()\n";

struct own {
	long tid;
	uint64_t locks[3];
};

static int check_own(const struct own *own, const struct python_thread *threads, int n,
		     const struct python_lock *locks, int n_locks, int minor)
{
	int held = 0;

	for (int k = 0; k < 3; k++) {
		const struct python_lock *lock = by_object(locks, n_locks, own->locks[k]);

		if (!lock || !lock->holder)
			continue;
		held++;
		if (tid_of(threads, n, lock->holder) != own->tid)
			fail_msg("3.%d: a lock of thread %ld (%d) is said to be held by %ld", minor,
				 own->tid, k, tid_of(threads, n, lock->holder));
	}
	return held;
}

/* While threads run, what only one of them ever takes is held by that one or by nobody; what is
 * only taken by acquire() by nobody. */
static void check_running(struct python_child *c)
{
	struct python_codes *codes = python_codes__new();
	struct own owns[4];
	uint64_t acquired;
	int held = 0;

	for (size_t i = 0; i < ARRAY_SIZE(owns); i++)
		assert_int_equal(sscanf(python_child__line(c), "%ld %lu %lu %lu", &owns[i].tid,
					&owns[i].locks[0], &owns[i].locks[1], &owns[i].locks[2]),
				 4);
	acquired = python_child__number(c);
	/* on a busy machine the threads may not run for many rounds */
	for (int round = 0; round < ROUNDS || (held <= ROUNDS / 20 && round < 20 * ROUNDS);
	     round++) {
		struct python_thread *threads;
		struct python_lock *locks;
		const struct python_lock *lock;
		int n = python_threads__list(&c->target, &threads), n_locks;

		assert_int_equal(n, 6);
		n_locks = python_threads__locks(&c->target, codes, names, threads, n, &locks);
		assert_true(n_locks >= 0);
		for (size_t i = 0; i < ARRAY_SIZE(owns); i++)
			held += check_own(&owns[i], threads, n, locks, n_locks, c->layout.minor);
		lock = by_object(locks, n_locks, acquired);
		assert_true(!lock || !lock->holder);
		free(threads);
		free(locks);
	}
	assert_true(held > ROUNDS / 20);
	python_codes__free(codes);
}

/* Memory of 3.14's shape, which no interpreter here has: words from MADE on. */
#define MADE 0x10000

static void read_made(struct python_target *t, struct python_range *ranges, size_t n)
{
	const uint8_t *bytes = t->context;

	for (size_t i = 0; i < n; i++) {
		uint64_t at = ranges[i].address - MADE;

		ranges[i].got = at < 1024 && ranges[i].size <= 1024 - at;
		if (ranges[i].got)
			memcpy(ranges[i].bytes, bytes + at, ranges[i].size);
	}
}

/* A made-up type at this place, in words: its name stands behind the pointer to it. */
static uint64_t make_type(uint64_t *words, size_t at, const char *name)
{
	words[at + 3] = MADE + 8 * (at + 4);
	memcpy(&words[at + 4], name, strlen(name) + 1);
	return MADE + 8 * at;
}

/* From 3.14 on a block keeps the object and, below it, a function that is not bound. */
static void test_apart(void **state)
{
	uint64_t words[128] = { 0 };
	struct python_layout layout = *python_layout__of(3, 13);
	struct python_target t = { .layout = &layout, .read = read_made, .context = words };
	struct python_types types = { .types = { 0 } };
	struct python_slot slot = { .object = MADE, .below = MADE + 64 };
	bool rlock = true;

	(void)state;
	layout.minor = 14;
	layout.locks_inside = true;
	words[1] = make_type(words, 24, "_thread.lock");
	words[8 + 1] = make_type(words, 48, "method_descriptor");
	assert_int_equal(python_exits__lock(&t, &types, &slot, &rlock), MADE);
	assert_false(rlock);
	/* A lock that lies there for another reason. */
	slot.below = MADE;
	assert_int_equal(python_exits__lock(&t, &types, &slot, &rlock), 0);
	/* Nor does it say anything in the versions before. */
	slot.below = MADE + 64;
	layout.locks_inside = false;
	assert_int_equal(python_exits__lock(&t, &types, &slot, &rlock), 0);
}

ON_EACH(locks, 8, locks_script)
ON_EACH(running, 8, running_script)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_locks),
		cmocka_unit_test(test_running),
		cmocka_unit_test(test_apart),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
