// SPDX-License-Identifier: GPL-2.0-only
#include "ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util.h"

/*
 * Three parts: a page with the consumer's position, which is ours to write; one with the
 * producer's; and the data. Positions only grow.
 */
struct ring {
	size_t size, page;
	unsigned long *consumer;
	const unsigned long *producer;
	const uint8_t *data;
	uint8_t *joined; /* a record that goes on at the start */
	size_t joined_size;
};

/* What could be mapped stays in r, for ring__free(). */
static int map(struct ring *r, int fd)
{
	void *consumer = mmap(NULL, r->page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	const void *producer;

	if (consumer == MAP_FAILED)
		return -errno;
	r->consumer = consumer;
	producer = mmap(NULL, r->page + r->size, PROT_READ, MAP_SHARED, fd, r->page);
	if (producer == MAP_FAILED)
		return -errno;
	r->producer = producer;
	r->data = (const uint8_t *)producer + r->page;
	return 0;
}

int ring__new(int map_fd, size_t size, struct ring **ret)
{
	struct ring *r = xcalloc(1, sizeof(*r));
	int err;

	r->size = size;
	r->page = sysconf(_SC_PAGESIZE);
	err = map(r, map_fd);
	if (err) {
		ring__free(r);
		return err;
	}
	*ret = r;
	return 0;
}

void ring__free(struct ring *r)
{
	if (!r)
		return;
	if (r->consumer)
		munmap(r->consumer, r->page);
	if (r->producer)
		munmap((void *)r->producer, r->page + r->size);
	free(r->joined);
	free(r);
}

/* In one piece. */
static const void *record(struct ring *r, size_t at, size_t len)
{
	size_t first = r->size - at;

	if (len <= first)
		return r->data + at;
	if (len > r->joined_size) {
		r->joined = xrealloc(r->joined, len, 1);
		r->joined_size = len;
	}
	memcpy(r->joined, r->data + at, first);
	memcpy(r->joined + first, r->data, len - first);
	return r->joined;
}

void ring__consume(struct ring *r, void (*fn)(void *ctx, const void *data, size_t size), void *ctx)
{
	unsigned long at = *r->consumer;

	while (at < __atomic_load_n(r->producer, __ATOMIC_ACQUIRE)) {
		const uint32_t *header = (const uint32_t *)(r->data + at % r->size);
		uint32_t word = __atomic_load_n(header, __ATOMIC_ACQUIRE);
		size_t len = word & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

		if (word & BPF_RINGBUF_BUSY_BIT || len > r->size)
			return; /* it is being written */
		if (!(word & BPF_RINGBUF_DISCARD_BIT))
			fn(ctx, record(r, (at + BPF_RINGBUF_HDR_SZ) % r->size, len), len);
		at += (len + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8;
		__atomic_store_n(r->consumer, at, __ATOMIC_RELEASE);
	}
}
