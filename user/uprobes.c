// SPDX-License-Identifier: GPL-2.0-only
#include "uprobes.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util.h"

#define MULTI_RETURN 1 /* include/uapi/linux/bpf.h: BPF_F_UPROBE_MULTI_RETURN */
#define PMU	     "/sys/bus/event_source/devices/uprobe/"

struct uprobe_link {
	size_t n;
	int fds[]; /* BPF links */
};

/* union bpf_attr's link_create, with the part that came in 6.6 */
struct multi_attr {
	uint32_t prog_fd, target_fd, attach_type, flags;
	uint64_t path, offsets, ref_ctr_offsets, cookies;
	uint32_t cnt, multi_flags;
	int32_t pid;
	uint32_t zero;
};

/* A descriptor or -errno. */
static int link_multi(const struct uprobe_spec *spec)
{
	struct multi_attr attr = {
		.prog_fd = spec->prog_fd,
		.attach_type = UPROBES_MULTI,
		.path = (uintptr_t)spec->path,
		.offsets = (uintptr_t)spec->offsets,
		.cookies = (uintptr_t)spec->cookies,
		.cnt = spec->n,
		.multi_flags = spec->at_return ? MULTI_RETURN : 0,
		.pid = spec->pid,
	};
	int fd = syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));

	return fd < 0 ? -errno : fd;
}

bool uprobes__supports_multi(void)
{
	static const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K }, /* r0 = 0 */
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = UPROBES_MULTI);
	_cleanup_(util__closep) int fd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, NULL, "GPL", nothing,
						       ARRAY_SIZE(nothing), &opts);
	uint64_t offset = 0;
	struct uprobe_spec spec = { .prog_fd = fd, .path = "/", .offsets = &offset, .n = 1 };

	if (fd < 0)
		return false;
	/* nothing can be attached to a directory: only a kernel that knows the call says so */
	if (link_multi(&spec) != -EBADF)
		return false;
	/* those that apply pid to processes (6.10, 46ba0e49b642) look at it before the path */
	spec.pid = -1;
	return link_multi(&spec) == -EINVAL;
}
