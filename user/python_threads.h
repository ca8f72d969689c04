/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The threads of a CPython process, what the interpreter knows of them, and the locks that they
 * hold: RLocks record their owner; a Lock taken by a `with` block is on the value stack of the
 * frame that runs the block. The process is neither stopped nor written to; what moved while it was
 * read is left out.
 */
#ifndef PYTHON_THREADS_H
#define PYTHON_THREADS_H

#include "python_frames.h"

#define PYTHON_THREADS_MAX 4096

struct python_thread {
	uint64_t state; /* address of its PyThreadState */
	uint64_t interpreter;
	uint64_t ident; /* pthread_self() */
	pid_t tid;	/* in the interpreter's PID namespace; 0: unknown */
};

/* All threads of all interpreters; *ret for free(). Their number, or -errno. */
int python_threads__list(struct python_target *t, struct python_thread **ret);

/* What threading.py knows of a thread. */
struct python_thread_info {
	char name[64]; /* "": none: it was not made by threading */
	int daemon;    /* -1: not known */
};

/* threading._active, read once for all: infos[i] for threads[i]. 0 or -errno. */
int python_threads__describe(struct python_target *t, const struct python_thread *threads, size_t n,
			     struct python_thread_info *infos);

/* One GIL. */
struct python_gil {
	uint64_t address;     /* of its struct */
	uint64_t interpreter; /* the first that uses it */
	uint64_t holder;      /* thread state; 0: nobody has it */
	uint64_t last_holder;
	uint64_t switches; /* so far */
	bool locked;
};

/* The GILs of all interpreters, each once, at most max. Their number, or -errno. */
int python_threads__gils(struct python_target *t, struct python_gil *gils, size_t max);

/* A lock that was seen in some frame. */
struct python_lock {
	uint64_t object;
	uint64_t word;	 /* its sem_t, or the one byte of 3.13.1 on */
	uint64_t holder; /* thread state; 0: not known, or nobody */
	uint32_t count;	 /* of an RLock: how often its owner took it */
	bool rlock;
	uint64_t code;	     /* of the frame whose `with` block holds it; 0: none */
	int64_t instruction; /* of that frame */
};

/*
 * All locks that frames of these threads hold by `with` (Lock, RLock; Condition, Semaphore by their
 * lock), and all RLocks that they have at hand, with their owners. *ret for free(). Their number,
 * or -errno. A lock that two threads seem to hold has no holder.
 */
int python_threads__locks(struct python_target *t, struct python_codes *codes, struct names *names,
			  const struct python_thread *threads, size_t n, struct python_lock **ret);

#endif
