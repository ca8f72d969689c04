/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPython processes: finds the interpreter in a process, tells the probes where its frames are, and
 * answers what the rest of locktop asks of it: frames of a stack, what a lock is and is called, who
 * holds it, what a thread is. How memory is read stands in the modules python_*.
 */
#ifndef RUNTIME_PYTHON_H
#define RUNTIME_PYTHON_H

#include "processes.h"
#include "python_kinds.h"
#include "python_threads.h"
#include "samples.h"
#include "source.h"
#include "stacks.h"

struct pythons; /* all of them */
struct python;	/* an interpreter's process */

/* Borrows all. */
struct pythons *pythons__new(struct proc *proc, struct names *names, struct source *source);
void pythons__free(struct pythons *p);

/* EVENT_PYTHON: kept until the stack comes that it belongs to. What is malformed is dropped. */
void pythons__event(struct pythons *p, const void *data, size_t size);

/* The interpreter of a process, NULL: it has none, or none that is ready. maps: its mappings. */
struct python *pythons__of(struct pythons *p, struct process_entry *e, const struct maps *maps,
			   uint64_t now_ns);

/* The same if it was found before. */
struct python *pythons__known(struct pythons *p, const struct process_key *key);

/* Looks for an interpreter in this process before it waits for anything, for some seconds; in all
 * processes that run a program of that name. */
void pythons__expect(struct pythons *p, pid_t pid, uint64_t now_ns);
void pythons__expect_all(struct pythons *p, uint64_t now_ns);
/* The time until it wants to be called again. */
uint64_t pythons__tick(struct pythons *p, struct processes *processes, uint64_t now_ns);

/* The same whether or not there is an interpreter: what is kept of a process. */
struct python *pythons__any(struct pythons *p, const struct process_key *key);

/* The same of the process that has this number now. */
struct python *pythons__living(struct pythons *p, pid_t pid);

/* "CPython 3.11", with what is wrong in parentheses; NULL: no Python. */
const char *pythons__title(struct pythons *p, const struct process_key *key);

void pythons__drop(struct pythons *p, const struct process_key *key);

/*
 * The Python frames of a stack: those that the probe copied with it, or of a thread that is still
 * where the stack was taken, as they stand in its memory. NULL: none. Valid until the next call.
 */
const struct python_chain *pythons__chain(struct pythons *p, struct python *py,
					  const struct raw_stack *raw);

/* Path of the file with the interpreter's loop, interned. */
const char *python__interpreter(const struct python *py);

/* What a Python thread waits for. */
struct python_lock_seen {
	struct python_wait wait;
	const char *name; /* interned; NULL: not found */
	bool rlock;
};

/*
 * stack: merged with chain. word: as in lock_key; before: the WORDS_BEFORE bytes before it, or
 * NULL. false: no construct of Python (a lock of a C extension, say).
 */
bool pythons__see(struct pythons *p, struct python *py, const struct python_chain *chain,
		  const struct named_stack *stack, uint64_t word, const uint8_t *before,
		  bool on_stack, struct python_lock_seen *ret);

/* Is it a word of a GIL of this process? gil: the address of all of it; which: 0 for the main
 * interpreter's, then in the order of their making, as far as they are there. */
#define GIL_BYTES_MAX 1024 /* its parts stand no further apart */
enum python_gil_part python__gil_part(const struct python *py, uint64_t address, uint64_t *gil,
				      size_t *which);

/* ---- at a look: what was read holds until the next one begins ---- */

void pythons__look(struct pythons *p, uint64_t now_ns);

/* Number, in its own namespace, of the thread that holds the lock or GIL with this word; 0: nobody,
 * or not known. told: the interpreter says who has it, or that nobody has. */
pid_t pythons__owner(struct pythons *p, struct python *py, uint64_t word, bool *told);

/* How often the owner of the reentrant lock with this word has taken it; -1: not known. */
int64_t pythons__recursion(struct pythons *p, struct python *py, uint64_t word);

struct python_target *python__target(struct python *py);

/* A thread came to a barrier: it waits there, or let the others go on. */
#define PYTHON_PARTIES 64 /* so many are remembered */
void python__came(struct python *py, uint64_t barrier, pid_t tid);

/* Those that came before and are not among the n that wait there now; valid until the next call. */
size_t python__missing(struct python *py, uint64_t barrier, const pid_t *tids, size_t n,
		       const pid_t **ret);

/* The number of the thread whose state this is, in its own namespace; 0: none. */
pid_t pythons__thread_of(struct pythons *p, struct python *py, uint64_t state);

/* What the interpreter knows of a thread. */
enum python_gil_state { GIL_UNKNOWN, GIL_HAS, GIL_HAS_NOT };
struct python_thread_seen {
	const char *name; /* of threading; interned; NULL: none */
	int daemon;	  /* -1: not known */
	enum python_gil_state gil;
};

/* tid: as this machine counts. false: no thread of the interpreter. */
bool pythons__thread(struct pythons *p, struct python *py, pid_t tid,
		     struct python_thread_seen *ret);

/* How often the GIL at this address changed hands since the last pythons__next_interval(). */
bool pythons__switches(struct pythons *p, struct python *py, uint64_t gil, uint64_t *ret);

void pythons__next_interval(struct pythons *p);

#endif
