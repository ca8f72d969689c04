/* SPDX-License-Identifier: GPL-2.0-only */
/* Runs a BPF iterator and collects the records that it writes. */
#ifndef ITERATOR_H
#define ITERATOR_H

#include <stddef.h>
#include <stdint.h>

struct bpf_link;

/* The records of the last run; the array grows with them. Zeroed at first, free(data) at last. */
struct iteration {
	void *data;
	size_t n, capacity;
	uint64_t cut; /* how many runs ended early so far: a loss, not an error */
};

/* Each record has size bytes. 0 or -errno. */
int iterator__run(const struct bpf_link *link, size_t size, struct iteration *it);

#endif
