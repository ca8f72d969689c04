/* SPDX-License-Identifier: GPL-2.0-only */
/* The sampling clock: a timer on each CPU that runs a BPF program. Switched off, it costs nothing.
 */
#ifndef SAMPLER_H
#define SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

struct sampler;

/* Does this machine let us have one? */
bool sampler__possible(void);

/*
 * Runs the program (of type perf_event) on each CPU that is there now; off at first. On all of them
 * or on none: 0 or -errno.
 */
int sampler__new(int prog_fd, struct sampler **ret);

/* Takes NULL. */
void sampler__free(struct sampler *s);

/* One run on each CPU in each period; 0: off. */
void sampler__set(struct sampler *s, uint64_t period_ns);

#endif
