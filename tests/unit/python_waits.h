/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads of a real interpreter, each blocked in a construct of its own (python_waits.py says
 * which), and what can be read of them: their frames, the word that they wait at.
 */
#ifndef PYTHON_WAITS_H
#define PYTHON_WAITS_H

#include "python_child.h"

#include "../../user/names.h"
#include "../../user/python_frames.h"
#include "../../user/python_kinds.h"
#include "../../user/python_threads.h"

#define PYTHON_WAITS_SCRIPT	 "tests/unit/python_waits.py"
#define PYTHON_WAITS_MINOR_FIRST 8
#define PYTHON_WAITS_MINOR_LAST	 13

/* One thread, and what the script says of it. */
struct python_waiter {
	char user[64], kind[32], class[32], name[96], detail[16], label[64];
	int tid;
	uint64_t ident, object;
	uint64_t word;
	struct python_chain chain;
};

struct python_waits {
	struct python_child child;
	struct proc *proc;
	struct names *names;
	struct python_codes *codes;
	struct python_thread *threads;
	int n_threads;
};

/* The futex that a thread sleeps at; 0: it does not. What lies on its own stack points to it. */
static inline uint64_t python_waits__word(struct python_waits *w, int tid)
{
	unsigned long long number, args[6], sp = 0;
	char path[64], text[256] = "";

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", w->child.target.pid, tid);
	if (util__read_file(path, text, sizeof(text)) <= 0 ||
	    sscanf(text, "%llu %llx %llx %llx %llx %llx %llx %llx", &number, &args[0], &args[1],
		   &args[2], &args[3], &args[4], &args[5], &sp) != 8 ||
	    number != 202)
		return 0;
	if (args[0] > sp && args[0] - sp < 8192)
		return python__pointer(&w->child.target, args[0] - 8);
	return args[0];
}

static inline uint64_t python_waits__state(const struct python_waits *w, uint64_t ident)
{
	for (int i = 0; i < w->n_threads; i++)
		if (w->threads[i].ident == ident)
			return w->threads[i].state;
	return 0;
}

/* The next thread of the script's; false: there are no more. */
static inline bool python_waits__next(struct python_waits *w, const char *line,
				      struct python_waiter *ret)
{
	unsigned long long ident, object;

	if (!strcmp(line, "end"))
		return false;
	memset(ret, 0, sizeof(*ret));
	assert_int_equal(
		sscanf(line,
		       "%63[^\t]\t%d\t%llu\t%31[^\t]\t%31[^\t]\t%llu\t%95[^\t]\t%15[^\t]\t%63[^\t]",
		       ret->user, &ret->tid, &ident, ret->kind, ret->class, &object, ret->name,
		       ret->detail, ret->label),
		9);
	ret->ident = ident;
	ret->object = object;
	return true;
}

static inline void python_waits__read(struct python_waits *w, struct python_waiter *waiter)
{
	uint64_t state = python_waits__state(w, waiter->ident);

	assert_true(state != 0);
	waiter->word = python_waits__word(w, waiter->tid);
	if (!waiter->word)
		print_error("%s does not wait\n", waiter->label);
	assert_true(waiter->word != 0);
	assert_int_equal(
		python_frames__read(&w->child.target, w->codes, w->names, state, &waiter->chain),
		0);
}

/*
 * Runs fn on each thread that the script tells of, with each interpreter of version 3.minor that is
 * here. How many there were. script: a path, or the program's text.
 */
static inline size_t python_waits__each_of(int minor, const char *script,
					   void (*fn)(struct python_waits *w,
						      struct python_waiter *))
{
	size_t n = 0;

	for (char *path; (path = python_child__find(minor, n)); n++) {
		struct python_waiter *waiters = xcalloc(128, sizeof(*waiters));
		struct python_waits w = { 0 };
		size_t n_waiters = 0;
		const char *line;

		python_child__start(&w.child, path, minor, script);
		for (line = w.child.line; python_waits__next(&w, line, &waiters[n_waiters]);
		     line = python_child__line(&w.child))
			assert_true(++n_waiters < 128);
		w.proc = proc__new("/proc");
		w.names = names__new(w.proc, false);
		w.codes = python_codes__new();
		w.n_threads = python_threads__list(&w.child.target, &w.threads);
		assert_true(w.n_threads > 0);
		for (size_t i = 0; i < n_waiters; i++) {
			python_waits__read(&w, &waiters[i]);
			fn(&w, &waiters[i]);
		}
		free(w.threads);
		python_codes__free(w.codes);
		names__free(w.names);
		proc__free(w.proc);
		python_child__end(&w.child);
		free(waiters);
		free(path);
	}
	return n;
}

static inline size_t python_waits__each(int minor,
					void (*fn)(struct python_waits *w, struct python_waiter *))
{
	char script[512];

	assert_non_null(realpath(PYTHON_WAITS_SCRIPT, script));
	return python_waits__each_of(minor, script, fn);
}

/* Appends a test for each version. */
static inline void python_waits__tests(struct CMUnitTest *tests, size_t *n,
				       void (*test)(void **state))
{
	static int minors[PYTHON_WAITS_MINOR_LAST + 1];
	static char names[PYTHON_WAITS_MINOR_LAST + 1][24];

	for (int i = PYTHON_WAITS_MINOR_FIRST; i <= PYTHON_WAITS_MINOR_LAST; i++) {
		minors[i] = i;
		snprintf(names[i], sizeof(names[i]), "Python 3.%d", i);
		tests[(*n)++] = (struct CMUnitTest){ names[i], test, NULL, NULL, &minors[i] };
	}
}

#endif
