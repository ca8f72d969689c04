/* SPDX-License-Identifier: GPL-2.0-only */
/* Sole owner of the skeleton: open -> configure -> load -> attach -> enable. */
#ifndef LOADER_H
#define LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "options.h"

struct locktop_bpf;

/*
 * Loads and attaches the probes; nothing is counted yet. scoped: only processes given to
 * loader__scope_add and their children. 0, or -errno after filling error with one line that says
 * what to do.
 */
int loader__new(const struct options *o, bool scoped, struct locktop_bpf **ret, char *error,
		size_t size);

/* Detaches everything. Takes NULL. */
void loader__free(struct locktop_bpf *skel);

/* Adds a process to the scope. 0 or -errno. */
int loader__scope_add(struct locktop_bpf *skel, pid_t pid);

/* Adds a process to the scope of the exact tier. 0 or -errno. */
int loader__exact_add(struct locktop_bpf *skel, pid_t pid);

bool loader__exact_has(struct locktop_bpf *skel, pid_t pid);

bool loader__scope_has(struct locktop_bpf *skel, pid_t pid);

/* Is any process of the scope still alive? */
bool loader__scope_alive(struct locktop_bpf *skel);

/* Ends all processes of the scope: for those that descend from a command of ours. */
void loader__scope_kill(struct locktop_bpf *skel);

/* Counting begins. */
void loader__enable(struct locktop_bpf *skel);

#endif
