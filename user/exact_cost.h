/* SPDX-License-Identifier: GPL-2.0-only */
/* What the exact tier's probes cost here, found by probing locks of this program's own. */
#ifndef EXACT_COST_H
#define EXACT_COST_H

#include "proc.h"

struct locktop_bpf;

struct exact_cost {
	uint64_t bias_ns;     /* by which holds are measured too long, and more ... */
	uint64_t end_bias_ns; /* ... where the end of the call tells that it succeeded */
	uint64_t hit_ns; /* what one hit takes of the thread that makes it; both 0: not known */
};

/*
 * Takes some 10 ms, and leaves nothing behind. Before anything else is attached; slice is a number
 * for this alone. 0 or -errno.
 */
int exact_cost__measure(struct locktop_bpf *skel, struct proc *proc, uint32_t slice,
			struct exact_cost *ret);

#endif
