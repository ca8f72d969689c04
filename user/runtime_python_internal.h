/* SPDX-License-Identifier: GPL-2.0-only */
/* What runtime_python.c (which process, which frames) and python_scan.c (who holds what) share. */
#ifndef RUNTIME_PYTHON_INTERNAL_H
#define RUNTIME_PYTHON_INTERNAL_H

#include <uthash.h>

#include "python_find.h"
#include "runtime_python.h"

#define PYTHON_NATIVE_MAX 16 /* native frames looked at before the interpreter's loop */
#define PYTHON_GILS_MAX	  16 /* interpreters of one process whose GILs are watched */

struct copied_chain {
	uint32_t tid;
	UT_hash_handle hh;
	struct python_event event; /* with its heads behind it */
};

/* What a stack was found to wait for: the search takes a hundred times longer than to find it here.
 */
struct seen_lock {
	uint64_t place; /* by hash: the frames, their objects, the lock's word */
	uint64_t since_ns;
	struct python_lock_seen seen;
	UT_hash_handle hh;
};

/* The threads that come to a barrier. */
struct barrier_seen {
	uint64_t object;
	pid_t tids[PYTHON_PARTIES];
	size_t n;
	UT_hash_handle hh;
};

struct python {
	struct process_key key;
	struct barrier_seen *barriers;
	pid_t missing[PYTHON_PARTIES]; /* answer of python__missing() */
	struct seen_lock *seen;	       /* the oldest first */
	struct python_found found;
	struct python_target target;
	struct python_codes *codes;
	char title[64];
	bool ready;  /* its memory can be read */
	bool probed; /* the probes know of it */
	uint64_t maps_ns, retry_ns, retry_step_ns;
	struct gil_key gil_keys[2 * PYTHON_GILS_MAX]; /* that the probes know of */
	size_t n_gil_keys;
	/* what python_scan.c read last: */
	struct python_gil gils[PYTHON_GILS_MAX];
	size_t n_gils;
	uint64_t gils_ns;
	struct {
		uint64_t gil, switches;
	} before[PYTHON_GILS_MAX]; /* at the end of the interval before */
	size_t n_before;
	struct python_thread *threads; /* ascending by number */
	size_t n_threads;
	uint64_t threads_ns;
	struct python_lock *locks; /* ascending by word */
	size_t n_locks;
	uint64_t locks_ns;
	struct python_thread_info *infos; /* of n_infos threads, ascending by state */
	uint64_t *info_states;
	size_t n_infos;
	uint64_t infos_ns;
	bool nested; /* its threads have other numbers in its namespace */
	bool nested_known;
	UT_hash_handle hh;
};

/* A process that may be an interpreter, or become one. */
struct expected {
	pid_t pid;
	uint64_t until_ns, look_ns;
};

struct pythons {
	struct expected *expected;
	size_t n_expected, expected_capacity;
	struct proc *proc;
	struct names *names;
	struct source *source;
	struct python *by_key;
	struct copied_chain *copied;
	uint64_t look_ns;      /* when the running look began */
	uint64_t window_ns;    /* of the bound on searches for names ... */
	unsigned int searches; /* ... so many so far */
	struct searched {
		uint64_t line;
		unsigned int n;
	} searched[256]; /* the same by line; of two that meet here the later counts anew */
	struct python_chain chain; /* the latest; too large for the stack */
};

/* Its GILs, read now; the probes are told of new ones. */
void python_scan__gils(struct pythons *p, struct python *py);

/* tid: as this machine counts. NULL: no thread of the interpreter. */
const struct python_thread *python_scan__thread(struct pythons *p, struct python *py, pid_t tid);

void python_scan__done(struct python *py);
void python_barriers__done(struct python *py);

#endif
