// SPDX-License-Identifier: GPL-2.0-only
/* Thread numbers of made-up processes in PID namespaces of their own. */
#include "proc_tree.h"

#include "../../user/namespaces.h"

#define NOW (1000 * NSEC_PER_SEC)

/* Namespaces, by their inodes. */
enum { HOST = 4711, CONTAINER, ELSEWHERE };

/* A thread of a made-up process, with its numbers from the outermost namespace inwards. */
static void put_thread(struct fixture *f, pid_t pid, pid_t tid, const char *numbers)
{
	_cleanup_(util__freep) char *task = xasprintf("%d/task/%d/status", pid, tid);
	_cleanup_(util__freep) char *own = xasprintf("%d/status", tid);
	_cleanup_(util__freep) char *text =
		xasprintf("Name:\tx\nTgid:\t%d\nNSpid:\t%s\n", pid, numbers);

	put(f, task, text);
	put(f, own, text);
}

static void put_namespace(struct fixture *f, const char *process, int inode)
{
	_cleanup_(util__freep) char *dir = xasprintf("%s/ns/x", process);
	_cleanup_(util__freep) char *link = xasprintf("%s/%s/ns/pid", f->root, process);
	_cleanup_(util__freep) char *target = xasprintf("pid:[%d]", inode);

	put(f, dir, "");
	assert_int_equal(symlink(target, link), 0);
}

static pid_t thread(struct namespaces *n, pid_t pid, uint32_t number, bool shared, uint64_t now_ns)
{
	struct process_entry e = { .key = { .tgid = pid, .gen = 1 } };

	return namespaces__thread(n, &e, number, shared, now_ns);
}

/* Where numbers mean the same as here they are passed on, threads or not; nothing is looked up. */
static void test_own(void **state)
{
	struct fixture *f = *state;
	struct namespaces *n;

	put_namespace(f, "self", HOST);
	put_namespace(f, "42", HOST);
	put_thread(f, 42, 43, "43");
	n = namespaces__new(f->proc);
	assert_int_equal(thread(n, 42, 43, false, NOW), 43);
	assert_int_equal(thread(n, 42, 9999, false, NOW), 9999);
	assert_int_equal(thread(n, 42, 9999, true, NOW), 9999);
	namespaces__free(n);
}

/* In another one: a thread of the process; or, of a shared lock, of any process in it. */
static void test_other(void **state)
{
	struct fixture *f = *state;
	struct namespaces *n;

	put_namespace(f, "self", HOST);
	put_namespace(f, "500", CONTAINER);
	put_thread(f, 500, 500, "500\t1");
	put_thread(f, 500, 507, "507\t8");
	put_namespace(f, "600", CONTAINER);
	put_thread(f, 600, 600, "600\t20");
	put_thread(f, 600, 601, "601\t21");
	put_namespace(f, "700", ELSEWHERE); /* the same number means another thread there */
	put_thread(f, 700, 700, "700\t21");
	n = namespaces__new(f->proc);
	assert_int_equal(thread(n, 500, 1, false, NOW), 500);
	assert_int_equal(thread(n, 500, 8, false, NOW), 507);
	assert_int_equal(thread(n, 500, 8, true, NOW), 507);
	assert_int_equal(thread(n, 500, 21, false, NOW), 0);
	assert_int_equal(thread(n, 500, 21, true, NOW), 601);
	assert_int_equal(thread(n, 700, 21, true, NOW), 700);
	assert_int_equal(thread(n, 500, 507, true, NOW), 0); /* the host's number is not theirs */
	namespaces__free(n);
}

/* Answers hold for a while, that there is none for a shorter one; then /proc is asked again. */
static void test_caching(void **state)
{
	struct fixture *f = *state;
	struct namespaces *n;

	put_namespace(f, "self", HOST);
	put_namespace(f, "500", CONTAINER);
	put_thread(f, 500, 507, "507\t8");
	n = namespaces__new(f->proc);
	assert_int_equal(thread(n, 500, 8, false, NOW), 507);
	assert_int_equal(thread(n, 500, 9, false, NOW), 0);
	put_thread(f, 500, 507, "507\t9"); /* another life of the number */
	assert_int_equal(thread(n, 500, 8, false, NOW + NSEC_PER_SEC), 507);
	assert_int_equal(thread(n, 500, 9, false, NOW + NSEC_PER_SEC / 10), 0);
	assert_int_equal(thread(n, 500, 9, false, NOW + NSEC_PER_SEC), 507);
	assert_int_equal(thread(n, 500, 8, false, NOW + 3 * NSEC_PER_SEC), 0);
	namespaces__free(n);
}

/* A process that has gone, or a damaged /proc: numbers stay as they are, or nobody is found. */
static void test_gone(void **state)
{
	struct fixture *f = *state;
	struct namespaces *n;

	put_namespace(f, "self", HOST);
	put_namespace(f, "500", CONTAINER);
	put_thread(f, 500, 500, "");
	put_thread(f, 500, 501, "x\ty");
	put(f, "500/task/502/status", "");
	n = namespaces__new(f->proc);
	assert_int_equal(thread(n, 999, 5, true, NOW), 5);
	assert_int_equal(thread(n, 500, 5, true, NOW), 0);
	namespaces__free(n);
	namespaces__free(NULL);
}

/* More questions than are remembered: all are answered rightly. */
static void test_many(void **state)
{
	struct fixture *f = *state;
	struct namespaces *n;

	put_namespace(f, "self", HOST);
	put_namespace(f, "500", CONTAINER);
	put_thread(f, 500, 507, "507\t8");
	n = namespaces__new(f->proc);
	for (uint32_t number = 0; number < 5000; number++)
		assert_int_equal(thread(n, 500, number, false, NOW), number == 8 ? 507 : 0);
	assert_int_equal(thread(n, 500, 8, false, NOW), 507);
	namespaces__free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_own),	 TEST(test_other), TEST(test_caching),
		TEST(test_gone), TEST(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
