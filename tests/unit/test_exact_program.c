// SPDX-License-Identifier: GPL-2.0-only
/* The files that a command will begin with, found as execvp() finds them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>
#include <libgen.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exact_program.h"
#include "util.h"

static char *libc_path;
static struct proc *proc;

static int note_libc(struct dl_phdr_info *info, size_t size, void *data)
{
	if (strstr(info->dlpi_name, "/libc.so.6"))
		libc_path = xstrdup(info->dlpi_name);
	return libc_path != NULL;
}

static void need_libc(void)
{
	if (!libc_path || access(libc_path, X_OK))
		skip(); /* another C library, or one that cannot be executed */
}

static size_t count(const char *program)
{
	struct program_file files[PROGRAM_FILES];
	size_t n = exact_program__read(proc, program, files);

	for (size_t i = 0; i < n; i++)
		program_file__done(&files[i]);
	return n;
}

/* A C library can be executed: it stands for a program that brings its own lock functions. */
static void test_own_file(void **state)
{
	struct program_file files[PROGRAM_FILES];
	struct stat st, through;
	size_t n;

	need_libc();
	n = exact_program__read(proc, libc_path, files);
	assert_true(n >= 1);
	assert_true(files[0].library.n_places > 10);
	/* the path that the kernel is given leads to the file that was read */
	assert_int_equal(stat(libc_path, &st), 0);
	assert_int_equal(stat(files[0].library.path, &through), 0);
	assert_int_equal(st.st_ino, through.st_ino);
	assert_int_equal(files[0].library.identity.inode, st.st_ino);
	for (size_t i = 0; i < n; i++)
		program_file__done(&files[i]);
}

/* PATH: what is not there, or is a directory, is passed over; without a slash only PATH counts. */
static void test_path(void **state)
{
	_cleanup_(util__freep) char *copy = NULL;
	_cleanup_(util__freep) char *path = NULL;
	_cleanup_(util__freep) char *old = xstrdup(getenv("PATH") ?: "");
	char dir[] = "/tmp/locktop-program-XXXXXX", inner[64];

	need_libc();
	copy = xstrdup(libc_path);
	assert_non_null(mkdtemp(dir));
	snprintf(inner, sizeof(inner), "%s/libc.so.6", dir);
	assert_int_equal(mkdir(inner, 0755), 0);
	path = xasprintf("/nonexistent:%s:%s", dir, dirname(copy));
	setenv("PATH", path, 1);
	assert_true(count("libc.so.6") >= 1);
	setenv("PATH", dir, 1);
	assert_int_equal(count("libc.so.6"), 0);
	setenv("PATH", old, 1);
	rmdir(inner);
	rmdir(dir);
}

/* Nothing there, nothing to execute, no ELF file, a pipe that nobody writes to. */
static void test_none(void **state)
{
	char dir[] = "/tmp/locktop-program-XXXXXX", pipe[64];

	assert_int_equal(count(""), 0);
	assert_int_equal(count("/nonexistent"), 0);
	assert_int_equal(count("/"), 0);
	assert_int_equal(count("/etc/passwd"), 0);
	assert_non_null(mkdtemp(dir));
	snprintf(pipe, sizeof(pipe), "%s/pipe", dir);
	assert_int_equal(mkfifo(pipe, 0755), 0);
	assert_int_equal(count(pipe), 0);
	unlink(pipe);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_file),
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_none),
	};
	int failed;

	dl_iterate_phdr(note_libc, NULL);
	proc = proc__new("/proc");
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	proc__free(proc);
	free(libc_path);
	return failed;
}
