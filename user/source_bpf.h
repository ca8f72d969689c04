/* SPDX-License-Identifier: GPL-2.0-only */
/* The live source: maps, ring buffer and task iterator of the loaded probes. */
#ifndef SOURCE_BPF_H
#define SOURCE_BPF_H

#include "proc.h"
#include "source.h"

struct locktop_bpf;

/* Borrows skel and proc. 0 or -errno. */
int source_bpf__new(struct locktop_bpf *skel, struct proc *proc, struct source **ret);

#endif
