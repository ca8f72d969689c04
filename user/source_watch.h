/* SPDX-License-Identifier: GPL-2.0-only */
/* The live source's watch over some threads: what they do (looks), and stacks of those that run. */
#ifndef SOURCE_WATCH_H
#define SOURCE_WATCH_H

#include <stddef.h>
#include <stdint.h>

#include "../bpf/locktop.h"

struct locktop_bpf;
struct watch;

/* Borrows skel. Where stacks of running threads cannot be sampled, they are not. */
struct watch *watch__new(struct locktop_bpf *skel);

/* Takes NULL. */
void watch__free(struct watch *w);

/* As source_ops.threads and source_ops.sample. */
int watch__threads(struct watch *w, const uint64_t *keys, size_t n, const struct thread_look **ret,
		   size_t *n_ret);
void watch__sample(struct watch *w, const uint64_t *keys, const struct held_word *words, size_t n,
		   uint64_t period_ns);

/* Adds what could not be watched or looked at so far. */
void watch__losses(const struct watch *w, uint64_t losses[LOSS_COUNT]);

#endif
