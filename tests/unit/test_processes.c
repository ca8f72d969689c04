// SPDX-License-Identifier: GPL-2.0-only
/* The processes behind the records: who they are, whether they are meant, and when they end. */
#include "fake_source.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "../../user/processes.h"

#define NOW    (1000 * NSEC_PER_SEC)
#define NOBODY 0x3ffffff0 /* no pid is so large */

struct fixture {
	struct options options;
	struct proc *proc;
	struct processes processes;
};

static int set_up(void **state)
{
	struct fixture *x = xcalloc(1, sizeof(*x));

	x->proc = proc__new("/proc");
	processes__init(&x->processes, &x->options, x->proc);
	*state = x;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *x = *state;

	processes__done(&x->processes);
	proc__free(x->proc);
	free(x);
	return 0;
}

static struct process_entry *get(struct fixture *x, pid_t pid, uint32_t gen,
				 const struct process_stats *stats)
{
	struct process_key key = { .tgid = pid, .gen = gen };

	return processes__get(&x->processes, &key, stats, NOW);
}

/* A process that is there is asked at once, and again after a while; one key is one entry. */
static void test_living(void **state)
{
	struct fixture *x = *state;
	struct process_entry *e = get(x, getpid(), 1, NULL);

	assert_string_equal(e->comm, "test_processes");
	assert_true(e->uid_known);
	assert_int_equal(e->uid, getuid());
	assert_int_equal(e->threads, 1);
	assert_true(e->in_scope);
	assert_non_null(e->cgroup);
	assert_false(e->ended);
	assert_ptr_equal(get(x, getpid(), 1, NULL), e);
	prctl(PR_SET_NAME, "renamed");
	processes__refresh(&x->processes, NOW + MS);
	assert_string_equal(e->comm, "test_processes");
	processes__refresh(&x->processes, NOW + 10 * NSEC_PER_SEC);
	assert_string_equal(e->comm, "renamed");
	prctl(PR_SET_NAME, "test_processes");
}

/* One that ended before anybody looked is known by what the kernel noted. */
static void test_short_lived(void **state)
{
	struct fixture *x = *state;
	struct process_stats stats = { .uid = 12, .comm = "0123456789abcdef" };
	struct process_entry *e = get(x, NOBODY, 1, &stats);

	assert_string_equal(e->comm, "0123456789abcdef"); /* whole, though without an end */
	assert_true(e->uid_known && e->uid == 12);
	assert_int_equal(e->threads, -1);
	assert_true(e->in_scope);
	processes__refresh(&x->processes, NOW);
	assert_true(e->ended);
	assert_null(processes__maps(&x->processes, e, 0x1000, false, NOW));
}

/* --comm and --user combine; what cannot be known does not match. */
static void test_scope(void **state)
{
	static const struct {
		const char *comm, *user;
		uid_t uid;
		bool in_scope;
	} cases[] = {
		{ "test_*", NULL, 0, true },
		{ "test", NULL, 0, false },
		{ "*", NULL, 0, true },
		{ NULL, "0", 0, true },
		{ NULL, "12", 12, false },
		{ "test_*", "0", 0, true },
		{ "test_*", "12", 12, false },
		{ "other", "0", 0, false },
		{ "[t]est_process?s", NULL, 0, true },
	};
	struct fixture *x = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		x->options.comm = cases[i].comm;
		x->options.user = cases[i].user;
		x->options.uid = cases[i].user && !cases[i].uid ? getuid() : cases[i].uid;
		assert_int_equal(get(x, getpid(), i, NULL)->in_scope, cases[i].in_scope);
		assert_false(get(x, NOBODY, i, NULL)->in_scope);
	}
}

/* --cgroup: our own and all above it, none beside. */
static void test_cgroup(void **state)
{
	struct fixture *x = *state;
	char own[4096];

	assert_int_equal(proc__cgroup(x->proc, getpid(), own, sizeof(own)), 0);
	x->options.cgroup = own;
	assert_true(get(x, getpid(), 1, NULL)->in_scope);
	x->options.cgroup = "/no/such/group";
	assert_false(get(x, getpid(), 2, NULL)->in_scope);
}

/* An exec makes the next generation; a pid that was used again makes another one altogether. */
static void test_generations(void **state)
{
	static const struct {
		uint32_t first, second;
		bool second_is_later;
	} cases[] = {
		{ 7, 8, true },	      { 8, 7, false },	       { 1000000, 5, true },
		{ 5, 1000000, true }, { UINT32_MAX, 0, true }, { 0, UINT32_MAX, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture *x = *state;
		struct process_entry *first = get(x, getpid(), cases[i].first, NULL);
		struct process_entry *second = get(x, getpid(), cases[i].second, NULL);

		assert_int_equal(first->ended, cases[i].second_is_later);
		assert_int_equal(second->ended, !cases[i].second_is_later);
		processes__drop(&x->processes, first);
		processes__drop(&x->processes, second);
	}
}

/* The end is seen by refresh; what was known stays. */
static void test_end(void **state)
{
	struct fixture *x = *state;
	struct process_entry *e;
	pid_t pid = fork();

	if (pid == 0) {
		for (;;)
			pause();
	}
	e = get(x, pid, 1, NULL);
	processes__refresh(&x->processes, NOW);
	assert_false(e->ended);
	assert_non_null(processes__maps(&x->processes, e, 0, false, NOW));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	processes__refresh(&x->processes, NOW);
	assert_true(e->ended);
	assert_int_equal(e->threads, -1);
	assert_string_equal(e->comm, "test_processes");
	assert_true(e->in_scope);
	assert_non_null(processes__maps(&x->processes, e, 0, false, NOW + 100 * NSEC_PER_SEC));
}

/* Mappings are read once, again when they are old, and sooner for an address that they miss. */
static void test_maps(void **state)
{
	struct fixture *x = *state;
	struct process_entry *e = get(x, getpid(), 1, NULL);
	uint64_t known = (uintptr_t)test_maps;
	const struct maps *maps = processes__maps(&x->processes, e, known, false, NOW);

	assert_non_null(maps);
	assert_non_null(maps__find(maps, known));
	assert_int_equal(e->maps_ns, NOW);
	processes__maps(&x->processes, e, known, false, NOW + NSEC_PER_SEC);
	assert_int_equal(e->maps_ns, NOW);
	processes__maps(&x->processes, e, 1, false, NOW + MS);
	assert_int_equal(e->maps_ns, NOW);
	processes__maps(&x->processes, e, 1, false, NOW + NSEC_PER_SEC);
	assert_int_equal(e->maps_ns, NOW + NSEC_PER_SEC);
	processes__maps(&x->processes, e, known, false, NOW + 60 * NSEC_PER_SEC);
	assert_int_equal(e->maps_ns, NOW + 60 * NSEC_PER_SEC);
}

/* Samples do not come in the order of their times: an earlier one is no reason to read again. */
static void test_maps_earlier(void **state)
{
	struct fixture *x = *state;
	struct process_entry *e = get(x, getpid(), 1, NULL);
	uint64_t known = (uintptr_t)test_maps;

	processes__maps(&x->processes, e, known, false, NOW);
	processes__maps(&x->processes, e, known, false, NOW - 1);
	assert_int_equal(e->maps_ns, NOW);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_living), TEST(test_short_lived),  TEST(test_scope),
		TEST(test_cgroup), TEST(test_generations),  TEST(test_end),
		TEST(test_maps),   TEST(test_maps_earlier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
