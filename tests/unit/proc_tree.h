/* SPDX-License-Identifier: GPL-2.0-only */
/* A made-up /proc in a temporary directory, one for each test. */
#ifndef PROC_TREE_H
#define PROC_TREE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../user/proc.h"
#include "../../user/util.h"

struct fixture {
	char root[64];
	struct proc *proc;
};

static inline int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	strcpy(f->root, "/tmp/locktop-proc-XXXXXX");
	assert_non_null(mkdtemp(f->root));
	f->proc = proc__new(f->root);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;
	_cleanup_(util__freep) char *command = xasprintf("rm -r '%s'", f->root);

	assert_int_equal(system(command), 0);
	proc__free(f->proc);
	free(f);
	return 0;
}

/* Writes root/path, making its directories. */
static inline void put_bytes(struct fixture *f, const char *path, const void *bytes, size_t size)
{
	_cleanup_(util__freep) char *full = xasprintf("%s/%s", f->root, path);
	FILE *file;

	for (char *s = full + strlen(f->root) + 1; (s = strchr(s, '/')); s++) {
		*s = 0;
		assert_true(mkdir(full, 0700) == 0 || errno == EEXIST);
		*s = '/';
	}
	file = fopen(full, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static inline void put(struct fixture *f, const char *path, const char *text)
{
	put_bytes(f, path, text, strlen(text));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
