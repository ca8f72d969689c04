/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A real interpreter as a child, for tests of what reads it: it runs a script, says by lines on its
 * standard output where it is, and what is true (id(), sys._getframe() ...). The tests run with
 * what interpreters there are: pyenv's under the home directory, and the system's.
 */
#ifndef PYTHON_CHILD_H
#define PYTHON_CHILD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../user/elf_file.h"
#include "../../user/proc.h"
#include "../../user/python_memory.h"
#include "../../user/util.h"

#define PYTHON_CHILD_SECONDS 30 /* to say a line: the sanitizers' builds share busy machines */

struct python_child {
	struct python_target target;
	struct python_layout layout; /* what target.layout points to */
	char interpreter[256];	     /* path of the file that holds the runtime, as in maps */
	int to, from;		     /* its standard input and output */
	char line[4096];
};

/* The n-th interpreter of version 3.minor that is here; NULL: there are no more. For free(). */
static inline char *python_child__find(int minor, size_t n)
{
	const char *home = getenv("HOME");
	char *patterns[] = {
		xasprintf("%s/.pyenv/versions/3.%d.*/bin/python3.%d", home ? home : "/root", minor,
			  minor),
		xasprintf("/usr/bin/python3.%d", minor),
		xasprintf("/usr/local/bin/python3.%d", minor),
	};
	char *ret = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		glob_t found;

		if (!ret && glob(patterns[i], 0, NULL, &found) == 0) {
			if (n < found.gl_pathc)
				ret = xstrdup(found.gl_pathv[n]);
			else
				n -= found.gl_pathc;
			globfree(&found);
		}
		free(patterns[i]);
	}
	return ret;
}

/* The next line that it says, without its end. Fails the test if none comes. */
static inline const char *python_child__line(struct python_child *c)
{
	uint64_t end = util__monotonic_ns() + PYTHON_CHILD_SECONDS * NSEC_PER_SEC;

	for (size_t n = 0; n < sizeof(c->line);) {
		struct pollfd p = { .fd = c->from, .events = POLLIN };

		assert_true(util__monotonic_ns() < end);
		if (poll(&p, 1, 1000) <= 0)
			continue;
		assert_int_equal(read(c->from, c->line + n, 1), 1);
		if (c->line[n] == '\n') {
			c->line[n] = 0;
			return c->line;
		}
		n++;
	}
	fail_msg("a line of the child is too long");
	return NULL;
}

/* The next line, a number (any base as in C). */
static inline uint64_t python_child__number(struct python_child *c)
{
	return strtoull(python_child__line(c), NULL, 0);
}

/* Says something to its standard input: "\n" ends an input(). */
static inline void python_child__say(struct python_child *c, const char *text)
{
	assert_int_equal(write(c->to, text, strlen(text)), (ssize_t)strlen(text));
}

/* Address of _PyRuntime; 0: it is not mapped yet, or has no such symbol. */
static inline uint64_t python_child__runtime(struct python_child *c)
{
	struct proc *proc = proc__new("/proc");
	struct symbols *symbols = symbols__new(proc);
	struct maps *maps = NULL;
	uint64_t ret = 0;

	assert_int_equal(proc__maps(proc, c->target.pid, &maps), 0);
	for (size_t i = 0; i < maps->n && !ret; i++) {
		const struct mapping *m = &maps->items[i];
		struct elf_file *f = m->exec && strstr(m->path, "python")
					     ? symbols__file(symbols, c->target.pid, m)
					     : NULL;
		uint64_t vaddr;

		if (!f || !elf_file__vaddr(f, m, m->start, &vaddr))
			continue;
		for (size_t k = 0; k < f->objects.n && !ret; k++)
			if (strcmp(f->objects.items[k].name, "_PyRuntime") == 0)
				ret = f->objects.items[k].address + (m->start - vaddr);
		if (ret)
			snprintf(c->interpreter, sizeof(c->interpreter), "%s", m->path);
	}
	maps__free(maps);
	symbols__free(symbols);
	proc__free(proc);
	return ret;
}

static inline void python_child__layout(struct python_child *c, int minor)
{
	uint8_t bytes[1024];

	if (minor >= 13) {
		assert_int_equal(python__read(&c->target, c->target.runtime, bytes, sizeof(bytes)),
				 0);
		assert_int_equal(python_layout__debug(bytes, sizeof(bytes), &c->layout), 0);
	} else {
		assert_non_null(python_layout__of(3, minor));
		c->layout = *python_layout__of(3, minor);
	}
	c->target.layout = &c->layout;
}

/*
 * Starts it; script: a path (from "/" on), or the program's text. Returns after the first line that
 * it says, which is in c->line: target is filled then. End it with python_child__end().
 */
static inline void python_child__start(struct python_child *c, const char *interpreter, int minor,
				       const char *script)
{
	int in[2], out[2];
	pid_t pid;

	memset(c, 0, sizeof(*c));
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(in[0], 0);
		dup2(out[1], 1);
		for (int fd = 3; fd < 64; fd++)
			close(fd);
		if (script[0] == '/')
			execl(interpreter, interpreter, "-uB", script, NULL);
		else
			execl(interpreter, interpreter, "-uB", "-c", script, NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	c->to = in[1];
	c->from = out[0];
	c->target.pid = pid;
	c->target.read = python_target__read_live;
	python_child__line(c);
	c->target.runtime = python_child__runtime(c);
	assert_true(c->target.runtime != 0);
	python_child__layout(c, minor);
}

static inline void python_child__end(struct python_child *c)
{
	kill(c->target.pid, SIGKILL);
	waitpid(c->target.pid, NULL, 0);
	close(c->to);
	close(c->from);
}

/*
 * Runs fn once for each interpreter of version 3.minor. How many there were: 0 is a reason for
 * skip().
 */
static inline size_t python_child__each(int minor, const char *script,
					void (*fn)(struct python_child *c))
{
	struct python_child c;
	size_t n = 0;

	for (char *path; (path = python_child__find(minor, n)); n++) {
		python_child__start(&c, path, minor, script);
		fn(&c);
		python_child__end(&c);
		free(path);
	}
	return n;
}

/* For memory that makes no sense, the same in each run. */
static inline uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#endif
