/* SPDX-License-Identifier: GPL-2.0-only */
/* Runs a BPF iterator and collects the records that it writes. */
#ifndef ITERATOR_H
#define ITERATOR_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct bpf_link;
struct bpf_program;

/* The records of the last run; the array grows with them. Zeroed at first, free(data) at last. */
struct iteration {
	void *data;
	size_t n, capacity;
	uint64_t cut; /* how many runs ended early so far: a loss, not an error */
};

/* Each record has size bytes. 0 or -errno. */
int iterator__run(const struct bpf_link *link, size_t size, struct iteration *it);

/*
 * Adds the record of one thread, if the program writes one. Kernels before 6.1 (f0d74c4da1f0) run
 * over all threads all the same: whoever asks looks at whose record it is. 0 or -errno.
 */
int iterator__add_thread(const struct bpf_program *prog, pid_t tid, size_t size,
			 struct iteration *it);

#endif
