// SPDX-License-Identifier: GPL-2.0-only
#include "iterator.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <unistd.h>

#include "util.h"

#define READ_BYTES 65536 /* the least room for a read: the kernel fills a page or several */

int iterator__run(const struct bpf_link *link, size_t size, struct iteration *it)
{
	_cleanup_(util__closep) int fd = bpf_iter_create(bpf_link__fd(link));
	size_t bytes = 0;

	it->n = 0;
	if (fd < 0)
		return -errno;
	for (;;) {
		size_t room = it->capacity * size - bytes;
		ssize_t n;

		if (room < READ_BYTES) {
			it->capacity = 2 * it->capacity + READ_BYTES / size + 1;
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
	}
	it->n = bytes / size;
	return 0;
}
