/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Uprobes in bulk: one program at many places of one file, as one link. The kernel takes all of
 * them away when the last file descriptor closes, so they end with us, however we end.
 */
#ifndef UPROBES_H
#define UPROBES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The program's expected_attach_type (a kprobe program's, set before it is loaded) for one link of
 * many places. A program that was loaded without it gets a perf event for each place.
 */
#define UPROBES_MULTI 48 /* include/uapi/linux/bpf.h since 6.6: BPF_TRACE_UPROBE_MULTI */

struct uprobe_spec {
	int prog_fd;
	const char *path;
	const uint64_t *offsets; /* in the file */
	const uint64_t *cookies; /* what bpf_get_attach_cookie() says at each; NULL: 0 */
	size_t n;
	bool at_return; /* of the functions that start at offsets */
	pid_t pid;	/* all threads of this process; 0: every process that maps the file */
};

struct uprobe_link;

/*
 * Does this kernel take UPROBES_MULTI, and apply pid to processes? Found by trying. (The first
 * kernels with it let only one thread of the process through.) Needs the rights that attaching
 * needs; without them, false.
 */
bool uprobes__supports_multi(void);

/*
 * All places or none. 0 or -errno: -ENOENT no such file, -ESRCH no such process, -EINVAL a place
 * outside the file, -ENOEXEC no instruction there, -EMFILE too few descriptors (perf events need
 * one a place), -ENOTSUP no uprobes here, or what else the kernel says. With perf events it first
 * waits until all that was detached before is gone: up to 0.1 s a place.
 */
int uprobes__attach(const struct uprobe_spec *spec, struct uprobe_link **ret);

/*
 * One link of many places is gone on return. Perf events go one after the other behind our back,
 * even if we end; until then the program may still run. Takes NULL.
 */
void uprobes__detach(struct uprobe_link *link);

#endif
