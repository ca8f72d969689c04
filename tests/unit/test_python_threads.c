// SPDX-License-Identifier: GPL-2.0-only
/* Threads, GILs and held locks of real interpreters of each version, and of hostile memory. */
#include "python_child.h"

#include "../../user/python_threads.h"

#define ROUNDS	200
#define LINE	512
#define IDS_MAX 64

static struct names *names;
static struct proc *proc;

static int set_up(void **state)
{
	(void)state;
	proc = proc__new("/proc");
	names = names__new(proc, false);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	names__free(names);
	proc__free(proc);
	return 0;
}

static const struct python_thread *by_tid(const struct python_thread *threads, int n, long tid)
{
	for (int i = 0; i < n; i++)
		if (threads[i].tid == tid)
			return &threads[i];
	return NULL;
}

static long tid_of(const struct python_thread *threads, int n, uint64_t state)
{
	for (int i = 0; i < n; i++)
		if (threads[i].state == state)
			return threads[i].tid;
	return 0;
}

static const struct python_lock *by_object(const struct python_lock *locks, int n, uint64_t object)
{
	for (int i = 0; i < n; i++)
		if (locks[i].object == object)
			return &locks[i];
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
	assert_false(python_threads__ending(&c->target));
	free(threads);
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
	for (int round = 0; round < ROUNDS; round++) {
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

static const char ending_script[] =
	"import os, sys\n"
	"class Last:\n"
	"    def __init__(self): self.read, self.write = os.read, os.write\n"
	"    def __del__(self):\n"
	"        self.write(1, b'ending\\n')\n"
	"        self.read(0, 1)\n"
	"last = Last()\n"
	"print('begin')\n"
	"os.read(0, 1)\n";

/* The runtime is ending when modules are taken apart, not before. */
static void check_ending(struct python_child *c)
{
	assert_false(python_threads__ending(&c->target));
	python_child__say(c, "\n");
	assert_string_equal(python_child__line(c), "ending");
	assert_true(python_threads__ending(&c->target));
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
	python_threads__ending(t);
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

#define ON_EACH(what, first, script)                                          \
	static void test_##what(void **state)                                 \
	{                                                                     \
		size_t n = 0;                                                 \
                                                                              \
		(void)state;                                                  \
		for (int minor = (first); minor <= 14; minor++)               \
			n += python_child__each(minor, script, check_##what); \
		if (!n)                                                       \
			skip();                                               \
	}

ON_EACH(threads, 8, threads_script)
ON_EACH(locks, 8, locks_script)
ON_EACH(running, 8, running_script)
ON_EACH(churn, 8, churn_script)
ON_EACH(gil, 8, gil_script)
ON_EACH(free_gil, 8, free_gil_script)
ON_EACH(interpreters, 8, interpreters_script)
ON_EACH(ending, 8, ending_script)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads),	     cmocka_unit_test(test_locks),
		cmocka_unit_test(test_running),	     cmocka_unit_test(test_churn),
		cmocka_unit_test(test_gil),	     cmocka_unit_test(test_free_gil),
		cmocka_unit_test(test_interpreters), cmocka_unit_test(test_ending),
		cmocka_unit_test(test_hostile),	     cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
