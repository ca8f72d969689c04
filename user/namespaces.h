/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Thread numbers as programs know them -> as this program knows them. They differ where a process
 * lives in a PID namespace of its own (a container).
 */
#ifndef NAMESPACES_H
#define NAMESPACES_H

#include "processes.h"

struct namespaces;

struct namespaces *namespaces__new(struct proc *proc);
void namespaces__free(struct namespaces *n);

/*
 * The thread that process e calls `number`: one of its own, or (shared) any of its namespace. The
 * number itself where the namespace is this program's: whether there is such a thread is not asked
 * then. 0: there is none.
 */
pid_t namespaces__thread(struct namespaces *n, const struct process_entry *e, uint32_t number,
			 bool shared, uint64_t now_ns);

#endif
