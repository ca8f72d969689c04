// SPDX-License-Identifier: GPL-2.0-only
/* Which files are found: over made-up /proc trees, and over this process's own mappings. */
#include <dlfcn.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <inttypes.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "proc_tree.h"

#include "../../user/libraries.h"

#define IDLE "100 1 1 10 0 20 0\n"
#define MORE "200 1 1 10 0 20 0\n"

static const char *glibc(void)
{
	Dl_info info;

	assert_int_not_equal(dladdr((void *)gnu_get_libc_version, &info), 0);
	return info.dli_fname;
}

/* Copies a file under the root, as PID/root/NAME. */
static void put_copy(struct fixture *f, const char *from, const char *to)
{
	_cleanup_(util__closep) int fd = open(from, O_RDONLY | O_CLOEXEC);
	off_t size = lseek(fd, 0, SEEK_END);
	char *bytes = xcalloc(1, (size_t)size);

	assert_int_equal(pread(fd, bytes, (size_t)size, 0), size);
	put_bytes(f, to, bytes, (size_t)size);
	free(bytes);
}

static uint64_t inode_of(struct fixture *f, const char *path)
{
	_cleanup_(util__freep) char *full = xasprintf("%s/%s", f->root, path);
	struct stat st;

	assert_int_equal(stat(full, &st), 0);
	return st.st_ino;
}

/* A process with one executable mapping of a file that is seen under PID's root. */
static void put_process(struct fixture *f, int pid, const char *statm, const char *perms,
			const char *path, uint64_t inode)
{
	_cleanup_(util__freep) char *maps = xasprintf("%d/maps", pid);
	_cleanup_(util__freep) char *sizes = xasprintf("%d/statm", pid);
	_cleanup_(util__freep) char *text =
		xasprintf("7f0000000000-7f0000001000 %s 00000000 fe:01 %" PRIu64 " %s\n"
			  "7f0000001000-7f0000002000 rw-p 00000000 00:00 0 \n",
			  perms, inode, path);

	put(f, maps, text);
	put(f, sizes, statm);
}

static void share_root(struct fixture *f, int pid, const char *target)
{
	_cleanup_(util__freep) char *root = xasprintf("%s/%d/root", f->root, pid);

	assert_int_equal(symlink(target, root), 0);
}

static void remove_process(struct fixture *f, int pid)
{
	_cleanup_(util__freep) char *command =
		xasprintf("rm '%s/%d/maps' '%s/%d/statm' && mv '%s/%d' '%s/gone%d'", f->root, pid,
			  f->root, pid, f->root, pid, f->root, pid);

	assert_int_equal(system(command), 0);
}

#define LIBC "/locktop-test/libc.so.6"

/* Two processes with one file: one library, by a path that somebody who lives leads to. */
static void test_shared(void **state)
{
	struct fixture *f = *state;
	struct libraries *l = libraries__new(f->proc);
	_cleanup_(util__freep) char *through_7 = xasprintf("%s/7/root" LIBC, f->root);
	_cleanup_(util__freep) char *through_9 = xasprintf("%s/9/root" LIBC, f->root);
	const struct library *library;
	uint64_t inode, id;
	bool by_7;

	put_copy(f, glibc(), "store" LIBC);
	inode = inode_of(f, "store" LIBC);
	put_process(f, 7, IDLE, "r-xp", LIBC, inode);
	put_process(f, 9, IDLE, "r-xp", LIBC, inode);
	assert_int_equal(libraries__count(l), 0);
	share_root(f, 7, "../store");
	share_root(f, 9, "../store");
	libraries__look(l, NULL, 0);
	assert_int_equal(libraries__count(l), 1);
	library = libraries__at(l, 0);
	id = library->id;
	assert_true(library->n_places > 20);
	assert_int_equal(library->identity.inode, inode);
	assert_true(strlen(library->build_id) == 40);
	by_7 = strcmp(library->path, through_7) == 0;
	assert_true(by_7 || strcmp(library->path, through_9) == 0);
	/* Who it was found by has gone: then the other one. */
	remove_process(f, by_7 ? 7 : 9);
	libraries__look(l, NULL, 0);
	assert_int_equal(libraries__count(l), 1);
	libraries__look(l, NULL, 0);
	library = libraries__at(l, 0);
	assert_int_equal(library->id, id);
	assert_string_equal(library->path, by_7 ? through_9 : through_7);
	/* Nobody is left. It is kept for a while, but there is no way to it. */
	remove_process(f, by_7 ? 9 : 7);
	libraries__look(l, NULL, 0);
	assert_int_equal(libraries__count(l), 1);
	assert_null(libraries__at(l, 0)->path);
	assert_int_equal(libraries__lost(l), 0);
	libraries__free(l);
}

/* Data, other people's code, no ELF files, other inodes, processes that end: nothing. */
static void test_nothing(void **state)
{
	struct fixture *f = *state;
	struct libraries *l = libraries__new(f->proc);
	uint64_t inode;

	put_copy(f, glibc(), "7/root" LIBC);
	inode = inode_of(f, "7/root" LIBC);
	put_process(f, 7, IDLE, "r--p", LIBC, inode);
	put_copy(f, "/bin/true", "8/root/true");
	put_process(f, 8, IDLE, "r-xp", "/true", inode_of(f, "8/root/true"));
	put(f, "9/root/text", "\177ELF and so on");
	put_process(f, 9, IDLE, "r-xp", "/text", inode_of(f, "9/root/text"));
	put_process(f, 10, IDLE, "r-xp", LIBC, inode + 1000);
	share_root(f, 10, "../7/root");
	put(f, "11/statm", IDLE);
	put(f, "12/statm", "nonsense");
	put(f, "13/statm", "0 0 0 0 0 0 0\n");
	put(f, "14/maps", "");
	for (int i = 0; i < 3; i++)
		libraries__look(l, NULL, 0);
	assert_int_equal(libraries__count(l), 0);
	assert_int_equal(libraries__lost(l), 0);
	libraries__free(l);
}

/* Something is mapped later: seen by the sizes, or when it is said. Only pids that are asked for.
 */
static void test_later(void **state)
{
	struct fixture *f = *state;
	struct libraries *l = libraries__new(f->proc);
	const pid_t other = 6, pid = 7;
	uint64_t inode;

	put_copy(f, glibc(), "7/root" LIBC);
	inode = inode_of(f, "7/root" LIBC);
	put_process(f, 7, IDLE, "r--p", LIBC, inode);
	libraries__look(l, &pid, 1);
	put_process(f, 7, IDLE, "r-xp", LIBC, inode);
	libraries__look(l, &pid, 1);
	assert_int_equal(libraries__count(l), 0); /* maps was not read again */
	libraries__look(l, &other, 1);
	assert_int_equal(libraries__count(l), 0);
	libraries__look(l, &pid, 1); /* as if it were new */
	assert_int_equal(libraries__count(l), 1);
	libraries__free(l);

	l = libraries__new(f->proc);
	put_process(f, 7, IDLE, "r--p", LIBC, inode);
	libraries__look(l, &pid, 1);
	put_process(f, 7, MORE, "r-xp", LIBC, inode);
	libraries__look(l, &pid, 1);
	assert_int_equal(libraries__count(l), 1);
	libraries__free(l);
}

/* One process maps more of such files than there is room for: each that got none is counted. */
static void test_too_many(void **state)
{
	enum { FILES = 66, ROOM = 64 };
	struct fixture *f = *state;
	struct libraries *l = libraries__new(f->proc);
	const pid_t pid = 7;
	char *maps;
	size_t size;
	FILE *out = open_memstream(&maps, &size);

	for (int i = 0; i < FILES; i++) {
		_cleanup_(util__freep) char *name = xasprintf("7/root/libc%d", i);

		put_copy(f, glibc(), name);
		fprintf(out, "7f%06x000000-7f%06x001000 r-xp 00000000 fe:01 %" PRIu64 " /libc%d\n",
			i, i, inode_of(f, name), i);
	}
	fclose(out);
	put(f, "7/maps", maps);
	put(f, "7/statm", IDLE);
	libraries__look(l, &pid, 1);
	assert_int_equal(libraries__lost(l), FILES - ROOM);
	assert_true(libraries__count(l) >= ROOM);
	libraries__free(l);
	free(maps);
}

/* A file that changes is another library. */
static void test_replaced(void **state)
{
	struct fixture *f = *state;
	struct libraries *l = libraries__new(f->proc);
	const pid_t pid = 7;

	put_copy(f, glibc(), "7/root" LIBC);
	put_process(f, 7, IDLE, "r-xp", LIBC, inode_of(f, "7/root" LIBC));
	libraries__look(l, &pid, 1);
	put_copy(f, glibc(), "7/root" LIBC ".new");
	{
		_cleanup_(util__freep) char *from = xasprintf("%s/7/root" LIBC ".new", f->root);
		_cleanup_(util__freep) char *to = xasprintf("%s/7/root" LIBC, f->root);

		assert_int_equal(rename(from, to), 0);
	}
	put_process(f, 7, MORE, "r-xp", LIBC, inode_of(f, "7/root" LIBC));
	libraries__look(l, &pid, 1);
	assert_int_equal(libraries__count(l), 2);
	assert_true(libraries__at(l, 0)->id < libraries__at(l, 1)->id);
	assert_int_not_equal(libraries__at(l, 0)->identity.inode,
			     libraries__at(l, 1)->identity.inode);
	libraries__free(l);
}

/* Programs whose locks are not those of the C library are named, while they run. */
static void test_bypass(void **state)
{
	struct fixture *f = *state;
	struct libraries *l = libraries__new(f->proc);
	struct bypass found[BYPASS_KINDS];
	const pid_t pid = 7;

	put_copy(f, "/bin/true", "7/root/x/libjvm.so");
	put_process(f, 7, IDLE, "r-xp", "/x/libjvm.so", inode_of(f, "7/root/x/libjvm.so"));
	assert_int_equal(libraries__bypass(l, found), 0);
	libraries__look(l, &pid, 1);
	assert_int_equal(libraries__count(l), 0);
	assert_int_equal(libraries__bypass(l, found), 1);
	assert_string_equal(found[0].runtime, "Java");
	assert_string_equal(found[0].path, "/x/libjvm.so");
	assert_int_equal(found[0].files, 1);
	libraries__look(l, NULL, 0);
	assert_int_equal(libraries__bypass(l, found), 1);
	remove_process(f, 7);
	libraries__look(l, NULL, 0);
	assert_int_equal(libraries__bypass(l, found), 0);
	libraries__free(l);
}

/* Programs of other compilers, where the machine has built them. */
static void test_bypass_programs(void **state)
{
	static const struct {
		const char *file, *runtime;
	} programs[] = {
		{ "build/workloads/rust-plain", "Rust" },
		{ "build/workloads/rust-stripped", "Rust" },
		{ "build/workloads/waits-go", "Go" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		struct libraries *l = libraries__new(f->proc);
		struct bypass found[BYPASS_KINDS];
		const pid_t pid = 7;

		if (access(programs[i].file, R_OK) == 0) {
			put_copy(f, programs[i].file, "7/root/program");
			put_process(f, 7, IDLE, "r-xp", "/program", inode_of(f, "7/root/program"));
			libraries__look(l, &pid, 1);
			assert_int_equal(libraries__bypass(l, found), 1);
			assert_string_equal(found[0].runtime, programs[i].runtime);
		}
		libraries__free(l);
	}
}

static const struct library *with_inode(const struct libraries *l, uint64_t inode)
{
	for (size_t i = 0; i < libraries__count(l); i++) {
		if (libraries__at(l, i)->identity.inode == inode)
			return libraries__at(l, i);
	}
	return NULL;
}

/* This process: its C library by its own path; one that was deleted by the mapping. */
static void test_live(void **state)
{
	struct fixture *f = *state;
	struct proc *proc = proc__new("/proc");
	struct libraries *l = libraries__new(proc);
	_cleanup_(util__freep) char *copy = xasprintf("%s/libc.so.6", f->root);
	const struct library *library;
	const pid_t pid = getpid();
	struct stat st, same;
	void *code;
	int fd;

	put_copy(f, glibc(), "libc.so.6");
	fd = open(copy, O_RDONLY | O_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(unlink(copy), 0);
	code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(code, MAP_FAILED);
	close(fd);
	libraries__look(l, &pid, 1);
	assert_int_equal(stat(glibc(), &same), 0);
	library = with_inode(l, same.st_ino);
	assert_non_null(library);
	assert_null(strstr(library->path, "/proc/"));
	assert_int_equal(stat(library->path, &same), 0);
	assert_int_equal(same.st_ino, library->identity.inode);
	library = with_inode(l, st.st_ino);
	if (geteuid() == 0) {
		assert_non_null(library);
		assert_non_null(strstr(library->path, "/map_files/"));
		assert_int_equal(stat(library->path, &same), 0);
		assert_true(same.st_ino == st.st_ino && same.st_dev == st.st_dev);
	}
	munmap(code, 4096);
	libraries__free(l);
	proc__free(proc);
}

/* More processes than there are files: each file is opened once. */
static void test_many(void **state)
{
	enum { PROCESSES = 200 };
	struct fixture *f = *state;
	struct libraries *l = libraries__new(f->proc);
	uint64_t inode;

	put_copy(f, glibc(), "store" LIBC);
	inode = inode_of(f, "store" LIBC);
	for (int pid = 100; pid < 100 + PROCESSES; pid++) {
		put_process(f, pid, IDLE, "r-xp", LIBC, inode);
		share_root(f, pid, "../store");
	}
	libraries__look(l, NULL, 0);
	assert_int_equal(libraries__count(l), 1);
	for (int pid = 100; pid < 100 + PROCESSES; pid++)
		remove_process(f, pid);
	libraries__look(l, NULL, 0);
	assert_null(libraries__at(l, 0)->path);
	libraries__free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_shared),	    TEST(test_nothing),	 TEST(test_later),
		TEST(test_too_many),	    TEST(test_replaced), TEST(test_bypass),
		TEST(test_bypass_programs), TEST(test_live),	 TEST(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
