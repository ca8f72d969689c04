// SPDX-License-Identifier: GPL-2.0-only
#include "uprobes.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util.h"

#define MULTI_RETURN 1 /* include/uapi/linux/bpf.h: BPF_F_UPROBE_MULTI_RETURN */
#define PMU	     "/sys/bus/event_source/devices/uprobe/"

struct uprobe_link {
	size_t n;
	int fds[]; /* BPF links; room for one more */
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

static int attach_multi(const struct uprobe_spec *spec, struct uprobe_link *link)
{
	int fd = link_multi(spec);

	if (fd < 0)
		return fd;
	link->fds[link->n++] = fd;
	return 0;
}

/* A number in a file of the kind of perf event: they differ from machine to machine. */
static int read_pmu(const char *path, const char *format, unsigned int *ret)
{
	char buf[64];
	unsigned int number;
	int err = util__read_file(path, buf, sizeof(buf));

	if (err < 0)
		return err == -ENOENT ? -ENOTSUP : err;
	if (sscanf(buf, format, &number) != 1)
		return -ENOTSUP;
	*ret = number;
	return 0;
}

/* The program on one perf event, which lives as long as its BPF link. A descriptor or -errno. */
static int link_event(const struct uprobe_spec *spec, size_t i, struct perf_event_attr *attr)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts,
		    .perf_event.bpf_cookie = spec->cookies ? spec->cookies[i] : 0);
	_cleanup_(util__closep) int event = -1;
	int fd;

	attr->probe_offset = spec->offsets[i];
	event = syscall(SYS_perf_event_open, attr, spec->pid ? spec->pid : -1, spec->pid ? -1 : 0,
			-1, PERF_FLAG_FD_CLOEXEC);
	if (event < 0)
		return -errno;
	fd = bpf_link_create(spec->prog_fd, event, BPF_PERF_EVENT, &opts);
	return fd < 0 ? -errno : fd;
}

static int attach_events(const struct uprobe_spec *spec, struct uprobe_link *link)
{
	struct perf_event_attr attr = { .size = sizeof(attr),
					.uprobe_path = (uintptr_t)spec->path };
	unsigned int type, bit;
	int err;

	err = read_pmu(PMU "type", "%u", &type);
	if (!err)
		err = read_pmu(PMU "format/retprobe", "config:%u", &bit);
	if (err)
		return err;
	attr.type = type;
	attr.config = spec->at_return ? 1ULL << (bit & 63) : 0;
	/* a program that is still being taken away from a place would run there twice */
	while (waitpid(-1, NULL, __WCLONE) > 0 || errno == EINTR)
		;
	for (size_t i = 0; i < spec->n; i++) {
		int fd = link_event(spec, i, &attr);

		if (fd < 0)
			return fd;
		link->fds[link->n++] = fd;
	}
	return 0;
}

int uprobes__attach(const struct uprobe_spec *spec, struct uprobe_link **ret)
{
	struct uprobe_link *link;
	int err;

	if (!spec->n || spec->n > INT_MAX || spec->pid < 0)
		return -EINVAL;
	link = xcalloc(1, sizeof(*link) + (spec->n + 1) * sizeof(link->fds[0]));
	err = attach_multi(spec, link);
	/* no kernel with it, or no program for it; a place that cannot be is refused here again */
	if (err == -EINVAL)
		err = attach_events(spec, link);
	if (err) {
		uprobes__detach(link);
		return err;
	}
	*ret = link;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* All that this process does: it keeps the links until we have let them go, and then ends. */
static void keep_links(const struct uprobe_link *link, int released)
{
	unsigned int next = 0;
	char byte;

	prctl(PR_SET_NAME, "locktop-detach");
	for (size_t i = 0; i < link->n; i++) {
		if ((unsigned int)link->fds[i] > next)
			close_range(next, link->fds[i] - 1, 0);
		next = link->fds[i] + 1;
	}
	close_range(next, UINT_MAX, 0);
	while (read(released, &byte, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

/*
 * The kernel lets perf events go one after the other, with grace periods for each: seconds in all.
 * They pass to whoever closes them last, so a child does; it makes no signal when it ends. If there
 * can be no child, we wait ourselves.
 */
static void hand_over(struct uprobe_link *link, int *done)
{
	int released[2];

	if (pipe2(released, O_CLOEXEC))
		return;
	link->fds[link->n++] = released[0];
	*done = released[1];
	qsort(link->fds, link->n, sizeof(link->fds[0]), by_number);
	if (syscall(SYS_clone, 0, NULL, NULL, NULL, 0) == 0)
		keep_links(link, released[0]);
}

void uprobes__detach(struct uprobe_link *link)
{
	_cleanup_(util__closep) int done = -1;

	if (!link)
		return;
	if (link->n > 1)
		hand_over(link, &done);
	for (size_t i = 0; i < link->n; i++)
		close(link->fds[i]);
	free(link);
}
