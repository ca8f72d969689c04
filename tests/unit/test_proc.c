// SPDX-License-Identifier: GPL-2.0-only
/* proc.c and proc_cgroup.c over made-up /proc trees, and over this process. */
#include <errno.h>
#include <sys/mman.h>

#include "proc_tree.h"

#define STAT_REST \
	" S 41 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 13 0 987654 1000 20 18446744073709551615\n"
#define STATUS                                                                          \
	"Name:\tx\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t42\nNgid:\t0\nPid:\t43\n" \
	"PPid:\t41\nUid:\t1000\t1001\t1002\t1003\nGid:\t7\t7\t7\t7\nThreads:\t13\n"

/* All fields, for names that hold every byte that could break the line. */
static void test_info(void **state)
{
	static const char *const names[] = {
		"plain",       "two words",
		"a) R 1 (b",   "((",
		"))",	       "new\nline",
		"\033[31mred", "",
		"\\n",	       "kworker/u8:3+events_unbound_with_a_long_name",
	};
	struct fixture *f = *state;

	put(f, "43/status", STATUS);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_(util__freep) char *stat = xasprintf("43 (%s)%s", names[i], STAT_REST);
		struct proc_info info;

		put(f, "43/stat", stat);
		assert_int_equal(proc__info(f->proc, 43, &info), 0);
		assert_string_equal(info.comm, names[i]);
		assert_int_equal(info.tgid, 42);
		assert_int_equal(info.ppid, 41);
		assert_int_equal(info.uid, 1001);
		assert_int_equal(info.threads, 13);
		assert_int_equal(info.start_ticks, 987654);
	}
}

/* A name that imitates the lines of status: the kernel escapes its newlines. */
static void test_info_imitation(void **state)
{
	struct fixture *f = *state;
	struct proc_info info;

	put(f, "43/stat", "43 (x\nTgid:\t1)" STAT_REST);
	put(f, "43/status",
	    "Name:\tx\\nTgid:\t1\\nUid:\t0\t0\nTgid:\t42\nUid:\t1000\t1001\t1002\t1003\n");
	assert_int_equal(proc__info(f->proc, 43, &info), 0);
	assert_int_equal(info.tgid, 42);
	assert_int_equal(info.uid, 1001);
}

/* Whatever is cut off or senseless is an error, and nothing is written then. */
static void test_info_damaged(void **state)
{
	static const char *const stats[] = {
		"",	  "43",	    "43 (",	   "43 (x",
		"43 )x(", "43 (x)", "43 (x) S 41", "43 (x) S 41 1 1 1 1 1 1",
	};
	static const char *const statuses[] = {
		"",
		"Name:\tx\n",
		"Tgid:\t\nUid:\t1\t1\n",
		"Tgid:\t0\nUid:\t1\t1\n",
		"Tgid:\t42\nUid:\t1000\n",
		"Tgid:\t99999999999\nUid:\t1\t1\n",
		"Tgid:\t42\nUid:\t1\t-1\n",
	};
	struct fixture *f = *state;
	struct proc_info info = { .tgid = 7 };

	put(f, "43/status", STATUS);
	for (size_t i = 0; i < ARRAY_SIZE(stats); i++) {
		put(f, "43/stat", stats[i]);
		assert_int_equal(proc__info(f->proc, 43, &info), -EBADMSG);
	}
	put(f, "43/stat", "43 (x)" STAT_REST);
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		put(f, "43/status", statuses[i]);
		assert_int_equal(proc__info(f->proc, 43, &info), -EBADMSG);
	}
	assert_int_equal(info.tgid, 7);
	assert_int_equal(proc__info(f->proc, 44, &info), -ESRCH);
}

/* Only the kernel's own newline goes; a long name is cut, not overrun. */
static void test_thread_comm(void **state)
{
	struct fixture *f = *state;
	char buf[16], small[4];

	put(f, "43/task/44/comm", "a (b)\nc\n\n");
	assert_int_equal(proc__thread_comm(f->proc, 43, 44, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "a (b)\nc\n");
	assert_int_equal(proc__thread_comm(f->proc, 43, 44, small, sizeof(small)), 0);
	assert_string_equal(small, "a (");
	put(f, "43/task/44/comm", "");
	assert_int_equal(proc__thread_comm(f->proc, 43, 44, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "");
	assert_int_equal(proc__thread_comm(f->proc, 43, 45, buf, sizeof(buf)), -ESRCH);
}

/* The version 2 path unless it is the root, then the first of version 1 that is not. */
static void test_cgroup(void **state)
{
	static const struct {
		const char *text, *path;
	} cases[] = {
		{ "0::/user.slice/a b\n", "/user.slice/a b" },
		{ "4:memory:/docker/x\n1:name=systemd:/s\n0::/unified/y\n", "/unified/y" },
		{ "9:name=systemd:/\n4:memory:/docker/x\n0::/\n", "/docker/x" },
		{ "9:name=systemd:/\n0::/\n", "/" },
		{ "0::/a:b:c (deleted)\n", "/a:b:c" },
		{ "garbage\n:\n0::\n3:cpu:relative\n2:cpu,cpuacct:/ok\n", "/ok" },
	};
	struct fixture *f = *state;
	char buf[64], small[8];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		put(f, "43/cgroup", cases[i].text);
		assert_int_equal(proc__cgroup(f->proc, 43, buf, sizeof(buf)), 0);
		assert_string_equal(buf, cases[i].path);
	}
	put(f, "43/cgroup", "");
	assert_int_equal(proc__cgroup(f->proc, 43, buf, sizeof(buf)), -ENODATA);
	put(f, "43/cgroup", "0::/longer than the buffer\n");
	assert_int_equal(proc__cgroup(f->proc, 43, small, sizeof(small)), -ENAMETOOLONG);
	assert_int_equal(proc__cgroup(f->proc, 44, buf, sizeof(buf)), -ESRCH);
}

/* In a group or below it, by cgroup path or by the path under a mount; a name's begin is not
 * enough. */
static void test_in_cgroup(void **state)
{
	static const struct {
		const char *path;
		bool in;
	} cases[] = {
		{ "/app.slice", true },
		{ "app.slice/", true },
		{ "/app.slice/one.service", true },
		{ "/app.slice/one", false },
		{ "/app", false },
		{ "/app.slice/one.service/deeper", false },
		{ "/limited", true },
		{ "/", true },
		{ "/sys/fs/cgroup/unified/app.slice", true },
		{ "/sys/fs/cgroup/memory/limited/", true },
		{ "/sys/fs/cgroup/memory/app.slice", false },
		{ "/sys/fs/cgroup/cpu,cpuacct/limited", false },
		{ "/sys/fs/cgroup/cpu,cpuacct/fast lane", true },
		{ "/odd mount/fast lane", true },
		{ "/sys/fs/cgroup/unified", true },
		{ "/nowhere", false },
	};
	struct fixture *f = *state;

	put(f, "mounts",
	    "proc /proc proc rw 0 0\nbroken\n"
	    "cgroup2 /sys/fs/cgroup/unified cgroup2 rw,nosuid 0 0\n"
	    "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n"
	    "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\n"
	    "cgroup /odd\\040mount cgroup rw,cpu,cpuacct 0 0\n");
	put(f, "43/cgroup",
	    "4:memory:/limited\n2:cpu,cpuacct:/fast lane/x\n0::/app.slice/one.service\n");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (proc__in_cgroup(f->proc, 43, cases[i].path) != cases[i].in)
			fail_msg("%s: expected %d", cases[i].path, cases[i].in);
	}
	assert_false(proc__in_cgroup(f->proc, 44, "/"));
}

static int note_pid(pid_t pid, void *ctx)
{
	int *sum = ctx;

	*sum += pid;
	return pid == 99 ? 5 : 0;
}

/* Only names that are process ids count; a non-zero answer ends the walk and is handed on. */
static void test_each(void **state)
{
	struct fixture *f = *state;
	int sum = 0;

	put(f, "12/x", "");
	put(f, "3000/x", "");
	put(f, "12x/x", "");
	put(f, "self/x", "");
	put(f, "0/x", "");
	put(f, "99999999999999999999/x", "");
	assert_int_equal(proc__each(f->proc, note_pid, &sum), 0);
	assert_int_equal(sum, 3012);
	put(f, "99/x", "");
	assert_int_equal(proc__each(f->proc, note_pid, &sum), 5);
}

/* Resident pages from statm; a damaged one is an error. */
static void test_self(void **state)
{
	struct fixture *f = *state;
	uint64_t cpu_ns = 0, rss_bytes = 0;

	put(f, "self/statm", "100 25 7 1 0 9 0\n");
	assert_int_equal(proc__self(f->proc, &cpu_ns, &rss_bytes), 0);
	assert_int_equal(rss_bytes, 25 * sysconf(_SC_PAGESIZE));
	assert_true(cpu_ns > 0);
	put(f, "self/statm", "100");
	assert_int_equal(proc__self(f->proc, &cpu_ns, &rss_bytes), -EBADMSG);
}

/* root has its name, a uid that nobody has its number; asked twice, the same string. */
static void test_user(void **state)
{
	struct fixture *f = *state;
	const char *root = proc__user(f->proc, 0);

	assert_string_equal(root, "root");
	assert_string_equal(proc__user(f->proc, 3999999999u), "3999999999");
	assert_ptr_equal(proc__user(f->proc, 0), root);
}

static int add_thread(pid_t tid, void *ctx)
{
	long *sum = ctx;

	*sum += tid;
	return *sum > 0 && *sum < 43;
}

static void link_to(struct fixture *f, const char *path, const char *target)
{
	_cleanup_(util__freep) char *full = xasprintf("%s/%s", f->root, path);

	unlink(full);
	assert_int_equal(symlink(target, full), 0);
}

/* Voluntary switches and the others are summed up; a name that imitates their lines is a name. */
static void test_switches(void **state)
{
	static const char *const damaged[] = {
		"",
		"Name:\tx\nvoluntary_ctxt_switches:\t7\n",
		"Name:\tx\nnonvoluntary_ctxt_switches:\t7\n",
		"voluntary_ctxt_switches:\t-1\nnonvoluntary_ctxt_switches:\t7\n",
		"voluntary_ctxt_switches:\nnonvoluntary_ctxt_switches:\t7\n",
	};
	struct fixture *f = *state;
	uint64_t switches = 5;

	put(f, "43/status",
	    "Name:\tvoluntary_ctxt_switches:\\nvoluntary_ctxt_switches:\t1\n"
	    "voluntary_ctxt_switches:\t150\nnonvoluntary_ctxt_switches:\t4294967296\n");
	assert_int_equal(proc__switches(f->proc, 43, &switches), 0);
	assert_true(switches == 4294967296 + 150);
	for (size_t i = 0; i < ARRAY_SIZE(damaged); i++) {
		put(f, "43/status", damaged[i]);
		assert_int_equal(proc__switches(f->proc, 43, &switches), -EBADMSG);
	}
	assert_int_equal(proc__switches(f->proc, 44, &switches), -ESRCH);
	assert_true(switches == 4294967296 + 150);
}

/* Every thread that has a number for a name, until the visitor has enough. */
static void test_each_thread(void **state)
{
	struct fixture *f = *state;
	long sum = 0;

	put(f, "43/task/43/comm", "");
	put(f, "43/task/44/comm", "");
	put(f, "43/task/4x/comm", "");
	put(f, "43/task/self/comm", "");
	put(f, "45/task/46/comm", "");
	assert_int_equal(proc__each_thread(f->proc, 43, add_thread, &sum), 0);
	assert_int_equal(sum, 43 + 44);
	sum = -43; /* enough is more than nothing */
	assert_int_equal(proc__each_thread(f->proc, 45, add_thread, &sum), 1);
	assert_int_equal(proc__each_thread(f->proc, 47, add_thread, &sum), -ESRCH);
}

/* The inode in a link's text, for a process and for this program; damaged ones are errors. */
static void test_pid_namespace(void **state)
{
	static const char *const damaged[] = { "pid:[]", "net", "pid:4026531836", "4026531836" };
	struct fixture *f = *state;
	uint64_t inode = 5;

	put(f, "43/ns/x", "");
	put(f, "self/ns/x", "");
	for (size_t i = 0; i < ARRAY_SIZE(damaged); i++) {
		link_to(f, "43/ns/pid", damaged[i]);
		assert_int_equal(proc__pid_namespace(f->proc, 43, &inode), -EBADMSG);
	}
	assert_int_equal(proc__pid_namespace(f->proc, 44, &inode), -ESRCH);
	assert_int_equal(inode, 5);
	link_to(f, "43/ns/pid", "pid:[4026531836]");
	link_to(f, "self/ns/pid", "pid:[17]");
	assert_int_equal(proc__pid_namespace(f->proc, 43, &inode), 0);
	assert_true(inode == 4026531836);
	assert_int_equal(proc__pid_namespace(f->proc, 0, &inode), 0);
	assert_int_equal(inode, 17);
}

/* The real /proc: this process, its mappings, the file behind one of them. */
static void test_real(void **state)
{
	struct proc *p = proc__new("/proc");
	const struct mapping *m;
	struct proc_info info;
	struct maps *maps;
	char magic[4];
	int fd;

	(void)state;
	assert_int_equal(proc__info(p, getpid(), &info), 0);
	assert_int_equal(info.tgid, getpid());
	assert_int_equal(info.ppid, getppid());
	assert_int_equal(info.uid, geteuid());
	assert_true(info.threads >= 1);
	assert_string_equal(info.comm, program_invocation_short_name);
	assert_int_equal(proc__maps(p, getpid(), &maps), 0);
	m = maps__find(maps, (uintptr_t)test_real);
	assert_non_null(m);
	assert_true(m->exec);
	fd = proc__open_mapped(p, getpid(), m);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, magic, 4), 4);
	assert_memory_equal(magic, "\177ELF", 4);
	close(fd);
	maps__free(maps);
	proc__free(p);
}

/* A read that runs into memory that is not there is short; one that begins there is an error. */
static void test_read_memory(void **state)
{
	size_t page = sysconf(_SC_PAGESIZE);
	char *memory =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char buf[64];

	(void)state;
	assert_true(memory != MAP_FAILED);
	assert_int_equal(munmap(memory + page, page), 0);
	memset(memory, 7, page);
	assert_int_equal(proc__read_memory(getpid(), (uintptr_t)memory, buf, 64), 64);
	assert_int_equal(buf[63], 7);
	assert_int_equal(proc__read_memory(getpid(), (uintptr_t)memory + page - 10, buf, 64), 10);
	assert_int_equal(proc__read_memory(getpid(), (uintptr_t)memory + page, buf, 64), -EFAULT);
	munmap(memory, page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_info),	TEST(test_info_imitation), TEST(test_info_damaged),
		TEST(test_thread_comm), TEST(test_cgroup),	   TEST(test_in_cgroup),
		TEST(test_each),	TEST(test_self),	   TEST(test_user),
		TEST(test_real),	TEST(test_read_memory),	   TEST(test_switches),
		TEST(test_each_thread), TEST(test_pid_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
