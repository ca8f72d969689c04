/* SPDX-License-Identifier: GPL-2.0-only */
/* The live source: maps, ring buffer and task iterator of the loaded probes. */
#ifndef SOURCE_BPF_H
#define SOURCE_BPF_H

#include "proc.h"
#include "source.h"

struct exact;
struct locktop_bpf;

/* Borrows all; exact NULL: without the exact tier. 0 or -errno. */
int source_bpf__new(struct locktop_bpf *skel, struct proc *proc, struct exact *exact,
		    struct source **ret);

#endif
