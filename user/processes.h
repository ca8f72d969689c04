/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The processes behind the records: names, owners, scope, mappings. One entry for each process_key,
 * so that a reused pid or an exec is another process.
 */
#ifndef PROCESSES_H
#define PROCESSES_H

#include <uthash.h>

#include "options.h"
#include "proc.h"
#include "source.h"

struct process_entry {
	struct process_key key;
	char comm[64];
	char *cgroup; /* NULL: unknown */
	uid_t uid;
	bool uid_known;
	int threads;		  /* -1: unknown */
	bool in_scope;		  /* of --comm, --user, --cgroup; -p is the kernel's to keep */
	bool ended;		  /* no such process any more, or it went on to another program */
	bool reported;		  /* a reading came after its end: its last numbers were shown */
	pid_t tid;		  /* its mappings and memory are read by this thread's number ... */
	pid_t thread;		  /* ... or this one's, seen lately, if that thread has gone */
	uint64_t start_ticks;	  /* 0: unknown */
	uint64_t look_ns;	  /* when to look into /proc again */
	struct futex_stats futex; /* as read */
	struct futex_stats futex_delta; /* of the latest interval */
	bool futex_seen;		/* by the exact tier */
	struct maps *maps;
	uint64_t maps_ns;
	UT_hash_handle hh;
};

struct pythons;

struct processes {
	const struct options *options;
	struct proc *proc;
	struct process_entry *by_key;
	struct pythons *pythons;  /* those of them that are interpreters; NULL: not asked for */
	uint64_t cgroups_unknown; /* ended before their control group was read */
};

void processes__init(struct processes *p, const struct options *o, struct proc *proc);
void processes__done(struct processes *p);

/* The entry, made if need be; /proc is asked at once. stats: what the kernel noted, or NULL. */
struct process_entry *processes__get(struct processes *p, const struct process_key *key,
				     const struct process_stats *stats, uint64_t now_ns);

/* Looks again where it is time to, and marks the processes that ended. */
void processes__refresh(struct processes *p, uint64_t now_ns);

/*
 * Its mappings, read anew if they are old or miss this address; code: it must be executable. NULL:
 * they cannot be had. Valid until the next call for the same process.
 */
const struct maps *processes__maps(struct processes *p, struct process_entry *e, uint64_t address,
				   bool code, uint64_t now_ns);

/* Takes in the cumulative counters of a reading. */
void processes__futex(struct processes *p, const struct process_key *key,
		      const struct futex_stats *stats, uint64_t now_ns);

void processes__drop(struct processes *p, struct process_entry *e);

#endif
