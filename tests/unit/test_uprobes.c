// SPDX-License-Identifier: GPL-2.0-only
/*
 * Uprobes in bulk, on functions of this program: whether a breakpoint is there can be read from
 * their first byte, whether the program ran from a map. Needs root; else all but one are skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/bpf.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../user/uprobes.h"
#include "../../user/util.h"

#define SELF	 "/proc/self/exe"
#define PLACES	 3
#define PATIENCE (20 * NSEC_PER_SEC)

static void (*volatile inside)(void); /* called in the middle of each place */

/* different bodies, or the compiler may make one of them */
#define PLACE(name, value)                               \
	static __attribute__((noinline)) int name(int x) \
	{                                                \
		if (inside)                              \
			inside();                        \
		return x + (value);                      \
	}
PLACE(place0, 10)
PLACE(place1, 20)
PLACE(place2, 30)
static int (*volatile const places[PLACES])(int) = { place0, place1, place2 };

static uint64_t offsets[PLACES];
static const uint64_t cookies[PLACES] = { 1, 2, 0 };
static uint8_t first_bytes[PLACES];

struct style {
	bool multi;
	int map, prog;
};

/* Where in its file the code at an address stands. */
static uint64_t file_offset(const void *p)
{
	FILE *f = fopen("/proc/self/maps", "r");
	uint64_t at = (uintptr_t)p, start, end, offset, found = 0;
	char line[512];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &offset) == 3 && at >= start &&
		    at < end)
			found = at - start + offset;
	fclose(f);
	assert_true(found);
	return found;
}

static uint8_t byte_at(size_t i)
{
	return *(volatile uint8_t *)(uintptr_t)places[i];
}

static size_t breakpoints(void)
{
	size_t n = 0;

	for (size_t i = 0; i < PLACES; i++)
		n += byte_at(i) != first_bytes[i];
	return n;
}

/* Bounded wait: perf events go slowly. */
static void wait_until_gone(void)
{
	uint64_t end = util__monotonic_ns() + PATIENCE;

	while (breakpoints() && util__monotonic_ns() < end)
		usleep(1000);
	assert_int_equal(breakpoints(), 0);
}

/* map[cookie] += 1 */
static int load(int map, bool multi)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_get_attach_cookie },
		{ .code = BPF_STX | BPF_MEM | BPF_W, .dst_reg = 10, .src_reg = 0, .off = -4 },
		{ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = 1, .src_reg = 1, .imm = map },
		{},
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 2, .src_reg = 10 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 2, .imm = -4 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_map_lookup_elem },
		{ .code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = 0, .off = 2 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 1, .imm = 1 },
		{ .code = BPF_STX | BPF_ATOMIC | BPF_DW, .dst_reg = 0, .src_reg = 1 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = multi ? UPROBES_MULTI : 0);

	return bpf_prog_load(BPF_PROG_TYPE_KPROBE, NULL, "GPL", code, ARRAY_SIZE(code), &opts);
}

static uint64_t hits(const struct style *s, uint32_t key)
{
	uint64_t value = 0;

	assert_int_equal(bpf_map_lookup_elem(s->map, &key, &value), 0);
	return value;
}

static void call(int times)
{
	for (int n = 0; n < times; n++)
		for (int i = 0; i < PLACES; i++)
			assert_int_equal(places[i](n), n + 10 * (i + 1));
}

static struct uprobe_spec all_places(const struct style *s)
{
	return (struct uprobe_spec){
		.prog_fd = s->prog,
		.path = SELF,
		.offsets = offsets,
		.cookies = cookies,
		.n = PLACES,
	};
}

/* A child that does not outlive a test that failed. */
static pid_t child(void)
{
	pid_t pid = fork();

	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static size_t descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static int setup(void **state, bool multi)
{
	struct style *s = xcalloc(1, sizeof(*s));

	*state = s;
	s->multi = multi;
	s->prog = -1;
	for (size_t i = 0; i < PLACES; i++) {
		offsets[i] = file_offset((void *)(uintptr_t)places[i]);
		first_bytes[i] = byte_at(i);
	}
	s->map = bpf_map_create(BPF_MAP_TYPE_ARRAY, NULL, 4, 8, PLACES, NULL);
	if (s->map >= 0 && (!multi || uprobes__supports_multi()))
		s->prog = load(s->map, multi);
	return 0;
}

static int setup_multi(void **state)
{
	return setup(state, true);
}

static int setup_events(void **state)
{
	return setup(state, false);
}

static int teardown(void **state)
{
	struct style *s = *state;

	util__closep(&s->map);
	util__closep(&s->prog);
	free(s);
	return 0;
}

static struct style *style(void **state)
{
	struct style *s = *state;

	if (s->prog < 0)
		skip(); /* not permitted, or this kernel has no such links */
	return s;
}

/* Nothing to attach, and no process at all: refused before the kernel is asked; no output. */
static void test_refused(void **state)
{
	uint64_t offset = 0;
	struct uprobe_spec spec = { .prog_fd = -1, .path = SELF, .offsets = &offset };
	struct uprobe_link *link = NULL;

	(void)state;
	assert_int_equal(uprobes__attach(&spec, &link), -EINVAL);
	spec.n = 1;
	spec.pid = -1;
	assert_int_equal(uprobes__attach(&spec, &link), -EINVAL);
	spec.pid = 0;
	spec.n = SIZE_MAX / 2;
	assert_int_equal(uprobes__attach(&spec, &link), -EINVAL);
	spec.n = 1;
	assert_true(uprobes__attach(&spec, &link) < 0); /* no program */
	assert_null(link);
	uprobes__detach(NULL);
}

/* Every call at every place is seen once, under its own cookie; then nothing is left. */
static void test_counts(void **state)
{
	struct style *s = style(state);
	struct uprobe_spec spec = all_places(s);
	size_t open = descriptors();
	struct uprobe_link *link;

	for (int round = 1; round <= 2; round++) { /* the second one must not see anything twice */
		assert_int_equal(uprobes__attach(&spec, &link), 0);
		assert_int_equal(breakpoints(), PLACES);
		call(100);
		places[1](0);
		assert_int_equal(hits(s, 0), 100 * round);
		assert_int_equal(hits(s, 1), 100 * round);
		assert_int_equal(hits(s, 2), 101 * round);
		uprobes__detach(link);
		assert_int_equal(descriptors(), open);
		if (s->multi)
			assert_int_equal(breakpoints(), 0);
	}
	wait_until_gone();
	call(10);
	assert_int_equal(hits(s, 0), 200);
}

static const struct style *watched;
static uint64_t hits_inside;

static void look_inside(void)
{
	hits_inside += hits(watched, 0);
}

/* At return, and not before; without cookies. */
static void test_return(void **state)
{
	struct style *s = style(state);
	struct uprobe_spec spec = all_places(s);
	struct uprobe_link *link;

	spec.at_return = true;
	spec.cookies = NULL;
	assert_int_equal(uprobes__attach(&spec, &link), 0);
	watched = s;
	hits_inside = 0;
	inside = look_inside;
	places[0](0);
	inside = NULL;
	assert_int_equal(hits_inside, 0);
	assert_int_equal(hits(s, 0), 1);
	call(50);
	assert_int_equal(hits(s, 0), 1 + 50 * PLACES);
	uprobes__detach(link);
	wait_until_gone();
}

static void *call_in_thread(void *arg)
{
	(void)arg;
	for (int n = 0; n < 100; n++)
		places[0](n);
	return NULL;
}

/* Of one process: all its threads, none of its children's. */
static void test_own_process(void **state)
{
	struct style *s = style(state);
	struct uprobe_spec spec = all_places(s);
	struct uprobe_link *link;
	pthread_t thread;
	int status;
	pid_t pid;

	spec.pid = getpid();
	assert_int_equal(uprobes__attach(&spec, &link), 0);
	call_in_thread(NULL);
	assert_int_equal(pthread_create(&thread, NULL, call_in_thread, NULL), 0);
	pthread_join(thread, NULL);
	assert_int_equal(hits(s, 1), 200);
	pid = child();
	if (pid == 0) {
		call_in_thread(NULL);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(hits(s, 1), 200);
	uprobes__detach(link);
	wait_until_gone();
}

/* Of another process: we are not touched, although we map the same file. */
static void test_other_process(void **state)
{
	struct style *s = style(state);
	struct uprobe_spec spec = all_places(s);
	struct uprobe_link *link;

	spec.pid = child();
	if (spec.pid == 0) {
		pause();
		_exit(0);
	}
	assert_int_equal(uprobes__attach(&spec, &link), 0);
	assert_int_equal(breakpoints(), 0);
	call(100);
	assert_int_equal(hits(s, 0), 0);
	kill(spec.pid, SIGKILL);
	waitpid(spec.pid, NULL, 0);
	uprobes__detach(link);
	link = NULL;
	assert_int_equal(uprobes__attach(&spec, &link), -ESRCH);
	assert_null(link);
}

/* One bad place, and there is none; no file; no descriptors left. */
static void test_all_or_none(void **state)
{
	struct style *s = style(state);
	uint64_t bad[PLACES] = { offsets[0], offsets[1], 1ULL << 40 };
	struct uprobe_spec spec = all_places(s);
	struct uprobe_link *link = NULL;
	struct rlimit limit, low;
	size_t open;

	open = descriptors();
	spec.offsets = bad;
	assert_int_equal(uprobes__attach(&spec, &link), -EINVAL);
	wait_until_gone();
	spec = all_places(s);
	spec.path = "/nonexistent";
	assert_int_equal(uprobes__attach(&spec, &link), -ENOENT);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = dup(0);
	close(low.rlim_cur);
	spec = all_places(s);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	assert_int_equal(uprobes__attach(&spec, &link), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	wait_until_gone();
	assert_null(link);
	assert_int_equal(descriptors(), open);
}

/* Detaching works when nothing can be opened any more. */
static void test_detach_without_descriptors(void **state)
{
	struct style *s = style(state);
	struct uprobe_spec spec = all_places(s);
	struct rlimit limit, low;
	struct uprobe_link *link;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(uprobes__attach(&spec, &link), 0);
	low = limit;
	low.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	uprobes__detach(link);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(breakpoints(), 0);
}

/* A process with probes that is killed at any moment leaves none, whether they are in use or on
 * their way out. */
static void test_killed(void **state)
{
	struct style *s = style(state);
	struct uprobe_spec spec = all_places(s);

	for (int detached = 0; detached < 2; detached++) {
		struct uprobe_link *link;
		int ready[2];
		pid_t pid;
		char byte;

		assert_int_equal(pipe(ready), 0);
		pid = child();
		if (pid == 0) {
			if (uprobes__attach(&spec, &link))
				_exit(1);
			if (detached)
				uprobes__detach(link);
			if (write(ready[1], "", 1) == 1)
				pause();
			_exit(1);
		}
		close(ready[1]);
		assert_int_equal(read(ready[0], &byte, 1), 1);
		close(ready[0]);
		if (!detached)
			assert_int_equal(breakpoints(), PLACES);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		wait_until_gone();
	}
}

/* What takes the probes away behind our back holds nothing else open: a reader sees our end. */
static void test_holds_nothing_else(void **state)
{
	struct style *s = style(state);
	struct uprobe_spec spec = all_places(s);
	bool seen = false;

	/* a busy machine may be late: once is enough */
	for (int attempt = 0; attempt < 5 && !seen; attempt++) {
		struct uprobe_link *link;
		int ends[2];
		struct pollfd end;

		assert_int_equal(uprobes__attach(&spec, &link), 0);
		assert_int_equal(pipe(ends), 0);
		uprobes__detach(link);
		close(ends[1]);
		end = (struct pollfd){ .fd = ends[0], .events = POLLIN };
		assert_int_equal(poll(&end, 1, PATIENCE / 1000000), 1);
		assert_int_equal(end.revents, POLLHUP);
		close(ends[0]);
		seen = breakpoints() > 0;
	}
	assert_true(seen);
	wait_until_gone();
}

#define BOTH(f)                                                      \
	{ #f " (one link)", f, setup_multi, teardown, NULL },        \
	{                                                            \
#f " (perf events)", f, setup_events, teardown, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		BOTH(test_counts),
		BOTH(test_return),
		BOTH(test_own_process),
		BOTH(test_other_process),
		BOTH(test_all_or_none),
		BOTH(test_detach_without_descriptors),
		BOTH(test_killed),
		cmocka_unit_test_setup_teardown(test_holds_nothing_else, setup_events, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
