/* SPDX-License-Identifier: GPL-2.0-only */
/* Who holds a lock, as its own memory says: reads the words and turns them into threads. */
#ifndef OWNERS_H
#define OWNERS_H

#include "kinds.h"
#include "namespaces.h"
#include "processes.h"

/* A lock that is asked about, and the answer. */
struct owner_query {
	const struct lock_key *key;
	const struct kind_verdict *verdict;
	const struct process_entry *process;
	/* found: */
	bool read;		/* its memory could be read */
	struct owner_word word; /* valid if read */
	pid_t tid;	    /* thread of that number; 0: nobody, not recorded, or not to be found.
			       It need not be alive, nor of the right process. */
	uint64_t number_at; /* where the number stands, and which bits it has; 0, 0: nowhere */
	uint32_t number_mask;
};

struct owners;

struct owners *owners__new(struct proc *proc);
void owners__free(struct owners *o);

/* Fills in the answers. Processes are neither stopped nor attached to. */
void owners__read(struct owners *o, struct owner_query *queries, size_t n, uint64_t now_ns);

/* The same from the words that came with a sampled sleep: who held it when the sleep began; or 0.
 */
pid_t owners__at_sleep(struct owners *o, const struct kind_verdict *verdict,
		       const struct process_entry *process, const struct stack_event *e);

/* The thread with this number in its process's own namespace, as this machine counts; 0: none. */
pid_t owners__thread(struct owners *o, const struct process_entry *process, uint32_t number,
		     uint64_t now_ns);

/* May its owner be a thread of another process? */
bool owners__shared(const struct lock_key *key, const struct kind_verdict *verdict);

#endif
