/* SPDX-License-Identifier: GPL-2.0-only */
/* Times and their histograms. */
#ifndef HIST_BPF_H
#define HIST_BPF_H

#include "kernel.bpf.h"
#include "locktop.h"

static __always_inline __u64 since(__u64 then, __u64 now)
{
	return now > then ? now - then : 0; /* clocks of two CPUs can differ a little */
}

static __always_inline __u32 hist__bucket(__u64 ns)
{
	__u32 log = 0;
	__u64 v = ns;

	if (ns < (1ULL << HIST_FIRST))
		return 0;
	if (v >> 32) {
		v >>= 32;
		log += 32;
	}
	if (v >> 16) {
		v >>= 16;
		log += 16;
	}
	if (v >> 8) {
		v >>= 8;
		log += 8;
	}
	if (v >> 4) {
		v >>= 4;
		log += 4;
	}
	if (v >> 2) {
		v >>= 2;
		log += 2;
	}
	log += v >> 1;
	if (log >= HIST_FIRST + HIST_DOUBLINGS)
		return HIST_BUCKETS - 1;
	return ((log - HIST_FIRST) << HIST_STEP_BITS) +
	       ((ns >> (log - HIST_STEP_BITS)) & (HIST_STEPS - 1));
}

/* The bound as Linux 6.1's verifier sees it: a comparison gets lost in a register's copy. */
static __always_inline __u32 hist__masked(__u32 bucket)
{
	__asm__ volatile("" : "+r"(bucket));
	return bucket & (HIST_BUCKETS - 1);
}

#endif
