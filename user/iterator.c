// SPDX-License-Identifier: GPL-2.0-only
#include "iterator.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <unistd.h>

#include "util.h"

#define READ_BYTES 65536 /* the least room for a read: the kernel fills a page or several */

/* Adds the records of one run: at most `most`. */
static int add(int link_fd, size_t size, size_t most, struct iteration *it)
{
	_cleanup_(util__closep) int fd = bpf_iter_create(link_fd);
	size_t bytes = it->n * size, before = it->n;

	if (fd < 0)
		return -errno;
	while (it->n - before < most) {
		size_t room = it->capacity * size - bytes;
		ssize_t n;

		if (room < READ_BYTES) {
			it->capacity += it->capacity / 2 + READ_BYTES / size + 1;
			it->data = xrealloc(it->data, it->capacity, size);
			continue;
		}
		n = read(fd, (char *)it->data + bytes, room);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			it->cut++;
		if (n <= 0)
			break;
		bytes += n;
		it->n = bytes / size;
	}
	return 0;
}

int iterator__run(const struct bpf_link *link, size_t size, struct iteration *it)
{
	it->n = 0;
	return add(bpf_link__fd(link), size, SIZE_MAX, it);
}

int iterator__add_thread(const struct bpf_program *prog, pid_t tid, size_t size,
			 struct iteration *it)
{
	union bpf_iter_link_info info = { .task.tid = tid };
	LIBBPF_OPTS(bpf_link_create_opts, opts, .iter_info = &info, .iter_info_len = sizeof(info));
	_cleanup_(util__closep) int fd =
		bpf_link_create(bpf_program__fd(prog), 0, BPF_TRACE_ITER, &opts);

	return fd < 0 ? -errno : add(fd, size, 1, it);
}
