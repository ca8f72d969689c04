/* SPDX-License-Identifier: GPL-2.0-only */
/* Names for tests of what is read of Python's threads, and a test for each version. */
#ifndef PYTHON_THREADS_FIXTURE_H
#define PYTHON_THREADS_FIXTURE_H

#include "python_child.h"

#include "../../user/python_threads.h"

#define ROUNDS 200 /* of reading what runs */

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

static inline long tid_of(const struct python_thread *threads, int n, uint64_t state)
{
	for (int i = 0; i < n; i++)
		if (threads[i].state == state)
			return threads[i].tid;
	return 0;
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

#endif
