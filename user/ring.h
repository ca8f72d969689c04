/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads a BPF ring buffer. libbpf maps its data twice, so that no record is seen in two pieces, and
 * all of both counts as this program's memory; here the record at the end is put together instead.
 */
#ifndef RING_H
#define RING_H

#include <stddef.h>

struct ring;

/* Of a ring buffer map with so many bytes of data, a power of two. 0 or -errno. */
int ring__new(int map_fd, size_t size, struct ring **ret);
/* Takes NULL. */
void ring__free(struct ring *r);

/* Hands over all records that are there; data is valid during the call. */
void ring__consume(struct ring *r, void (*fn)(void *ctx, const void *data, size_t size), void *ctx);

#endif
