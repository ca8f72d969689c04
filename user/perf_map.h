/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of code that a just-in-time compiler made, from the file that many of them write for
 * profilers: /tmp/perf-PID.map, lines of START SIZE NAME in hexadecimal.
 */
#ifndef PERF_MAP_H
#define PERF_MAP_H

#include "proc.h"

/* The code regions of one file: sorted, none overlaps another. */
struct perf_map;

/* Takes text over (from malloc). Lines that make no sense are left out; later ones win. */
struct perf_map *perf_map__parse(char *text, size_t len);
void perf_map__free(struct perf_map *m);
/* Valid as long as m; NULL if no line covers the address. */
const char *perf_map__find(const struct perf_map *m, uint64_t address);

/* Those of all processes, read when they are needed, and again when they have changed. */
struct perf_maps;

struct perf_maps *perf_maps__new(struct proc *proc);
void perf_maps__free(struct perf_maps *p);

/*
 * NULL if the process has no such file, or one that neither it nor root owns: anybody can write to
 * /tmp. Valid until the next call. now_ns: of util__monotonic_ns().
 */
const char *perf_maps__name(struct perf_maps *p, pid_t pid, uint64_t address, uint64_t now_ns);

#endif
