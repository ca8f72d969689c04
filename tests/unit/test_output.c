// SPDX-License-Identifier: GPL-2.0-only
/* Output that appears whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../user/output.h"
#include "../../user/util.h"

/* A directory of our own, and a file in it that is to be written. */
struct place {
	char dir[64];
	char path[96];
};

static int set_up(void **state)
{
	static struct place p;

	snprintf(p.dir, sizeof(p.dir), "/tmp/locktop-output-XXXXXX");
	if (!mkdtemp(p.dir))
		return -1;
	snprintf(p.path, sizeof(p.path), "%s/out", p.dir);
	*state = &p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	unlink(p->path);
	return rmdir(p->dir);
}

static int count_files(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	assert_non_null(d);
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void assert_content(const char *path, const char *expected)
{
	char text[256];

	assert_true(util__read_file(path, text, sizeof(text)) >= 0);
	assert_string_equal(text, expected);
}

static void put(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

/* Before the commit there is nothing at the path; after it all, readable by its owner alone. */
static void test_new_file(void **state)
{
	struct place *p = *state;
	struct output o;
	struct stat st;

	umask(0);
	assert_int_equal(output__open(&o, p->path), 0);
	fputs("one\n", o.file);
	fflush(o.file);
	assert_int_equal(access(p->path, F_OK), -1);
	fputs("two\n", o.file);
	assert_int_equal(output__commit(&o), 0);
	assert_content(p->path, "one\ntwo\n");
	assert_int_equal(stat(p->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(count_files(p->dir), 1);
	output__abandon(&o);
	assert_content(p->path, "one\ntwo\n");
}

/* A file that is there keeps its content until the new one is whole, and if it never is. */
static void test_replaces(void **state)
{
	struct place *p = *state;
	struct output o;

	put(p->path, "old\n", 0644);
	assert_int_equal(output__open(&o, p->path), 0);
	fputs("new\n", o.file);
	fflush(o.file);
	assert_content(p->path, "old\n");
	output__abandon(&o);
	assert_content(p->path, "old\n");
	assert_int_equal(count_files(p->dir), 1);
	assert_int_equal(output__open(&o, p->path), 0);
	fputs("new\n", o.file);
	assert_int_equal(output__commit(&o), 0);
	assert_content(p->path, "new\n");
	assert_int_equal(count_files(p->dir), 1);
}

/* Given up: nothing is left, however often it is said. */
static void test_abandon(void **state)
{
	struct place *p = *state;
	struct output o;

	assert_int_equal(output__open(&o, p->path), 0);
	fputs("half", o.file);
	output__abandon(&o);
	assert_null(o.file);
	assert_int_equal(count_files(p->dir), 0);
	output__abandon(&o);
	assert_int_equal(count_files(p->dir), 0);
}

/* A full device is told of at the commit; the device itself stays. */
static void test_full(void **state)
{
	struct output o;

	(void)state;
	assert_int_equal(output__open(&o, "/dev/full"), 0);
	fputs("x", o.file);
	assert_int_equal(output__commit(&o), -ENOSPC);
	assert_int_equal(access("/dev/full", F_OK), 0);
	assert_int_equal(output__open(&o, "/dev/null"), 0);
	fputs("x", o.file);
	assert_int_equal(output__commit(&o), 0);
	assert_int_equal(access("/dev/null", F_OK), 0);
}

/* A write that failed before is not forgotten at the commit. */
static void test_full_before(void **state)
{
	struct output o;

	(void)state;
	assert_int_equal(output__open(&o, "/dev/full"), 0);
	for (int i = 0; i < 100000; i++)
		fputs("more than a buffer holds\n", o.file);
	assert_true(output__commit(&o) < 0);
}

/* Paths that cannot be written are told of at once, before anything is measured. */
static void test_wrong_paths(void **state)
{
	struct place *p = *state;
	char path[128];
	struct output o;

	assert_int_equal(output__open(&o, p->dir), -EISDIR);
	snprintf(path, sizeof(path), "%s/none/out", p->dir);
	assert_int_equal(output__open(&o, path), -ENOENT);
	put(p->path, "", 0600);
	snprintf(path, sizeof(path), "%s/out", p->path);
	assert_int_equal(output__open(&o, path), -ENOTDIR);
	assert_true(output__open(&o, "/proc/locktop") < 0);
	assert_int_equal(count_files(p->dir), 1);
}

/* The same for an empty one: it names no file, and none may be made for it. */
static void test_empty_path(void **state)
{
	struct place *p = *state;
	char back[4096];
	struct output o;
	int err;

	assert_non_null(getcwd(back, sizeof(back)));
	assert_int_equal(chdir(p->dir), 0);
	err = output__open(&o, "");
	if (!err)
		output__abandon(&o);
	assert_int_equal(chdir(back), 0);
	assert_true(err < 0);
}

/* Without permission for the directory: said at once. Root has it, so another user asks. */
static void test_no_permission(void **state)
{
	struct place *p = *state;
	int status;
	pid_t pid;

	if (getuid())
		assert_int_equal(chmod(p->dir, 0500), 0);
	pid = fork();
	if (pid == 0) {
		struct output o;

		if (!getuid() && setuid(65534))
			_exit(2);
		_exit(output__open(&o, p->path) == -EACCES ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(chmod(p->dir, 0700), 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(count_files(p->dir), 0);
}

/* What must stay together is one write, behind what the file had buffered: a socket keeps writes
 * apart. */
static void test_one_write(void **state)
{
	static char sent[100000], got[sizeof(sent) + 1];
	struct output o = {};
	int fds[2];

	(void)state;
	memset(sent, 'x', sizeof(sent));
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
	o.file = fdopen(fds[0], "w");
	assert_non_null(o.file);
	fputs("before", o.file);
	assert_int_equal(output__write(&o, sent, sizeof(sent)), 0);
	assert_int_equal(recv(fds[1], got, sizeof(got), MSG_DONTWAIT), strlen("before"));
	assert_int_equal(recv(fds[1], got, sizeof(got), MSG_DONTWAIT), sizeof(sent));
	assert_memory_equal(got, sent, sizeof(sent));
	fclose(o.file);
	close(fds[1]);
}

/* It fails at once where nothing more fits. */
static void test_one_write_full(void **state)
{
	struct output o;

	(void)state;
	assert_int_equal(output__open(&o, "/dev/full"), 0);
	assert_int_equal(output__write(&o, "x", 1), -ENOSPC);
	output__abandon(&o);
}

/* A place that vanishes meanwhile fails the commit. */
static void test_vanishing_directory(void **state)
{
	struct place *p = *state;
	char dir[96], path[128];
	struct output o;

	snprintf(dir, sizeof(dir), "%s/sub", p->dir);
	snprintf(path, sizeof(path), "%s/out", dir);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(output__open(&o, path), 0);
	assert_int_equal(unlink(o.temporary), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(output__commit(&o), -ENOENT);
	assert_null(o.temporary);
}

/* A file in the making is no affair of the programs that are started meanwhile. */
static void test_not_inherited(void **state)
{
	struct place *p = *state;
	const char *paths[] = { p->path, "/dev/null" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct output o;
		int flags;

		assert_int_equal(output__open(&o, paths[i]), 0);
		flags = fcntl(fileno(o.file), F_GETFD);
		output__abandon(&o);
		assert_true(flags & FD_CLOEXEC);
	}
}

/* Without a path it is stdout, which stays open. */
static void test_stdout(void **state)
{
	struct output o;

	(void)state;
	assert_int_equal(output__open(&o, NULL), 0);
	assert_ptr_equal(o.file, stdout);
	assert_int_equal(output__commit(&o), 0);
	output__abandon(&o);
	assert_true(fcntl(STDOUT_FILENO, F_GETFD) >= 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_new_file),	   TEST(test_replaces),	     TEST(test_abandon),
		TEST(test_full),	   TEST(test_full_before),   TEST(test_wrong_paths),
		TEST(test_empty_path),	   TEST(test_no_permission), TEST(test_vanishing_directory),
		TEST(test_not_inherited),  TEST(test_stdout),	     TEST(test_one_write),
		TEST(test_one_write_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
