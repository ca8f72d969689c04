/* SPDX-License-Identifier: GPL-2.0-only */
/* What proc.c, proc_cgroup.c and proc_maps.c share; nobody else includes it. */
#ifndef PROC_INTERNAL_H
#define PROC_INTERNAL_H

#include "proc.h"

struct user_name; /* proc.c */

struct cgroup_mount {
	char *path;
	char *options; /* of v1: its controllers are among them */
	bool v2;
};

struct proc {
	char *root;
	struct user_name *users; /* uthash */
	struct cgroup_mount *mounts;
	size_t n_mounts;
	bool mounts_read;
};

/* Path of a file of a process under p's root; from malloc. */
char *proc__path(struct proc *p, pid_t pid, const char *name);

/*
 * Reads a file whose size is not known before, NUL-terminated, from malloc. 0 or -errno; what
 * means that the process is gone becomes -ESRCH.
 */
int proc__read_all(const char *path, char **ret, size_t *len);

void proc_cgroup__done(struct proc *p);

#endif
