// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a Python thread waits in: by hand-made chains of frames, then by threads of the interpreters
 * that are here, one blocked in each construct (python_waits.py).
 */
#include "python_waits.h"

#include "../../user/python_names.h"

#define LIBRARY "/usr/lib/python3.11/"

/* Memory that is not there. */
static void read_nothing(struct python_target *t, struct python_range *ranges, size_t n)
{
	(void)t;
	for (size_t i = 0; i < n; i++)
		ranges[i].got = false;
}

static struct python_target nowhere(void)
{
	return (struct python_target){ .layout = python_layout__of(3, 11), .read = read_nothing };
}

static void push(struct python_chain *chain, const char *file, const char *name, uint64_t self)
{
	chain->frames[chain->n++] = (struct python_frame){
		.name = name, .function = name, .file = file, .slots = { self }, .known = true
	};
}

/* The frames of a program under which the library's are. */
static void push_program(struct python_chain *chain)
{
	push(chain, "/srv/app.py", "work", 0x77);
	push(chain, LIBRARY "threading.py", "run", 0x78);
	push(chain, LIBRARY "threading.py", "_bootstrap", 0x78);
}

static void expect(const struct python_chain *chain, const char *const *native, size_t n,
		   enum lock_kind kind, enum lock_class class, uint64_t object, int user,
		   const char *detail)
{
	struct python_target t = nowhere();
	struct python_wait w = python_kinds__judge(&t, chain, native, n, 0x1000);

	assert_string_equal(lock_kind_names[w.kind], lock_kind_names[kind]);
	assert_int_equal(w.class, class);
	assert_int_equal(w.object, object);
	assert_int_equal(w.user, user);
	if (detail)
		assert_string_equal(w.detail, detail);
	else
		assert_null(w.detail);
}

/* The library's frames decide, however many there are; self of the right one is the object. */
static void test_rows(void **state)
{
	struct python_chain c = { .n = 0 };

	push(&c, LIBRARY "threading.py", "wait", 1);
	push(&c, LIBRARY "threading.py", "wait_for", 1);
	push(&c, LIBRARY "threading.py", "_wait", 2);
	push(&c, LIBRARY "threading.py", "wait", 3);
	push_program(&c);
	expect(&c, NULL, 0, KIND_PY_BARRIER, CLASS_IDLE, 3, 4, NULL);

	c.n = 0;
	push(&c, LIBRARY "threading.py", "wait", 1);
	push(&c, LIBRARY "threading.py", "wait", 2);
	push_program(&c);
	expect(&c, NULL, 0, KIND_PY_EVENT, CLASS_IDLE, 2, 2, NULL);

	c.n = 0;
	push(&c, LIBRARY "threading.py", "wait", 1);
	push(&c, LIBRARY "queue.py", "put", 2);
	push_program(&c);
	expect(&c, NULL, 0, KIND_PY_QUEUE, CLASS_CONTENTION, 2, 2, "put");

	c.n = 0;
	push(&c, LIBRARY "threading.py", "wait", 1);
	push(&c, LIBRARY "concurrent/futures/_base.py", "result", 2);
	push_program(&c);
	expect(&c, NULL, 0, KIND_PY_CONDITION, CLASS_IDLE, 1, 2, NULL);

	c.n = 0;
	push(&c, "<frozen importlib._bootstrap>", "acquire", 9);
	push(&c, "<frozen importlib._bootstrap>", "__enter__", 8);
	push(&c, "<frozen importlib._bootstrap>", "_find_and_load", 8);
	push_program(&c);
	expect(&c, NULL, 0, KIND_PY_LOCK, CLASS_CONTENTION, 9, 3, "import");
	(void)state;
}

/* What stands for a C call between two frames is no frame of the library's or a program's. */
static void test_shims(void **state)
{
	struct python_chain c = { .n = 0 };

	push(&c, LIBRARY "threading.py", "wait", 1);
	push(&c, NULL, NULL, 0);
	c.frames[c.n - 1].shim = true;
	push(&c, LIBRARY "threading.py", "wait", 2);
	push(&c, NULL, NULL, 0);
	c.frames[c.n - 1].shim = true;
	push_program(&c);
	expect(&c, NULL, 0, KIND_PY_EVENT, CLASS_IDLE, 2, 4, NULL);
	(void)state;
}

/* A program's own functions and files may be called like the library's. */
static void test_names_of_others(void **state)
{
	struct python_chain c = { .n = 0 };

	push(&c, "/srv/queue.py", "get", 1);
	push_program(&c);
	expect(&c, NULL, 0, KIND_PY_LOCK, CLASS_CONTENTION, 0, 0, NULL);

	c.n = 0;
	push(&c, LIBRARY "threading.py", "wait", 1);
	push(&c, "/srv/queue.py", "get", 2);
	push_program(&c);
	expect(&c, NULL, 0, KIND_PY_CONDITION, CLASS_IDLE, 1, 1, NULL);

	c.n = 0;
	push(&c, LIBRARY "threading.py", "wait", 1);
	push(&c, LIBRARY "site-packages/threading.py", "wait", 2);
	push_program(&c);
	expect(&c, NULL, 0, KIND_PY_CONDITION, CLASS_IDLE, 1, 1, NULL);
	(void)state;
}

/* Where no frame and no object says it, the C function does. */
static void test_native(void **state)
{
	static const char *const get[] = { "__futex_abstimed_wait_common", NULL,
					   "PyThread_acquire_lock_timed",
					   "_queue_SimpleQueue_get_impl" };
	static const char *const rlock[] = { "sem_clockwait", "PyThread_acquire_lock_timed",
					     "rlock_acquire" };
	static const char *const lock[] = { "sem_wait", "PyThread_acquire_lock_timed", NULL };
	static const char *const none[] = { "sem_wait", NULL, NULL };
	static const char *const others[] = { "pthread_cond_wait", "blas_thread_server" };
	struct python_chain c = { .n = 0 };

	push_program(&c);
	expect(&c, get, ARRAY_SIZE(get), KIND_PY_QUEUE, CLASS_IDLE, 0, 0, "get");
	expect(&c, rlock, ARRAY_SIZE(rlock), KIND_PY_RLOCK, CLASS_CONTENTION, 0, 0, NULL);
	expect(&c, lock, ARRAY_SIZE(lock), KIND_PY_LOCK, CLASS_CONTENTION, 0, 0, NULL);
	assert_true(python_kinds__is_wait(get, ARRAY_SIZE(get)));
	assert_true(python_kinds__is_wait(lock, ARRAY_SIZE(lock)));
	assert_false(python_kinds__is_wait(none, ARRAY_SIZE(none)));
	assert_false(python_kinds__is_wait(others, ARRAY_SIZE(others)));
	(void)state;
}

/* No frames, frames that are not known, a chain that is full: no more is said than is known. */
static void test_odd_chains(void **state)
{
	static const struct python_chain empty;
	struct python_chain c = { .n = 0 };

	expect(&empty, NULL, 0, KIND_PY_LOCK, CLASS_CONTENTION, 0, -1, NULL);
	while (c.n < PYTHON_FRAMES_MAX)
		push(&c, LIBRARY "threading.py", "wait_for", 1);
	expect(&c, NULL, 0, KIND_PY_LOCK, CLASS_CONTENTION, 0, 0, NULL);
	for (size_t i = 0; i < c.n; i++)
		c.frames[i] = (struct python_frame){ .slots = { ~0ULL } };
	expect(&c, NULL, 0, KIND_PY_LOCK, CLASS_CONTENTION, 0, 0, NULL);
	(void)state;
}

static void test_library(void **state)
{
	assert_true(python_kinds__is_library("/usr/lib/python3.11/threading.py"));
	assert_true(python_kinds__is_library("/opt/venv/lib/python3.8/queue.py"));
	assert_true(python_kinds__is_library("/src/cpython/Lib/logging/__init__.py"));
	assert_true(python_kinds__is_library("/usr/lib/python3.11/concurrent/futures/thread.py"));
	assert_true(python_kinds__is_library("<frozen importlib._bootstrap_external>"));
	assert_true(python_kinds__is_library("threading.py"));
	assert_false(python_kinds__is_library("/usr/lib/python3.11/json/decoder.py"));
	assert_false(python_kinds__is_library("/usr/lib/python3.11/site-packages/queue.py"));
	assert_false(python_kinds__is_library("/usr/lib/python3/dist-packages/queue.py"));
	assert_false(python_kinds__is_library("/srv/threading.py"));
	assert_false(python_kinds__is_library("<string>"));
	assert_false(python_kinds__is_library("<frozen >"));
	assert_false(python_kinds__is_library("<frozen "));
	assert_false(python_kinds__is_library(".py"));
	assert_false(python_kinds__is_library("/__init__.py"));
	assert_false(python_kinds__is_library(""));
	assert_false(python_kinds__is_library(NULL));
	(void)state;
}

static void check(struct python_waits *w, struct python_waiter *x)
{
	struct python_wait wait =
		python_kinds__judge(&w->child.target, &x->chain, NULL, 0, x->word);

	if (strcmp(lock_kind_names[wait.kind], x->kind))
		print_error("3.%d %s\n", w->child.layout.minor, x->label);
	assert_string_equal(lock_kind_names[wait.kind], x->kind);
	assert_string_equal(lock_class_names[wait.class], x->class);
	assert_string_equal(wait.detail ? wait.detail : "-", x->detail);
	assert_true(wait.user >= 0);
	assert_string_equal(x->chain.frames[wait.user].name, x->user);
	if (x->object)
		assert_int_equal(wait.object, x->object);
	else if (wait.kind == KIND_PY_RLOCK)
		assert_int_equal(wait.object, 0);
}

static void test_live(void **state)
{
	int minor = *(const int *)*state;

	if (!python_waits__each(minor, check))
		skip();
}

int main(void)
{
	struct CMUnitTest tests[7 + PYTHON_WAITS_MINOR_LAST] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_shims),
		cmocka_unit_test(test_names_of_others),
		cmocka_unit_test(test_native),
		cmocka_unit_test(test_odd_chains),
		cmocka_unit_test(test_library),
	};
	size_t n = 6;

	python_waits__tests(tests, &n, test_live);
	return _cmocka_run_group_tests("python kinds", tests, n, NULL, NULL);
}
