/* SPDX-License-Identifier: GPL-2.0-only */
/* The events of a trace, each as viewers want it. */
#ifndef TRACE_EVENTS_H
#define TRACE_EVENTS_H

#include "model.h"
#include "trace_json.h"
#include "trace_layout.h"

/* The name of a process, or of a thread if tid is not 0. */
void trace_events__name(struct trace_json *j, pid_t pid, pid_t tid, const char *name);

/* A sleep's slice; with a mark also that, on the track of who woke it, and an arrow numbered id. */
void trace_events__sleep(struct trace_json *j, const struct trace_slice *slice, uint64_t id);

/* A thread that waits at the end, for what is known until then. */
void trace_events__waiting(struct trace_json *j, const struct thread *t, uint64_t begin_ns,
			   uint64_t end_ns);

/* The mean number of a process's threads that waited, from then on. */
void trace_events__load(struct trace_json *j, pid_t pid, uint64_t at_ns, double load);

void trace_events__deadlock(struct trace_json *j, const struct deadlock *d, uint64_t at_ns);

/* What is missing of the interval that begins then; nothing, if nothing is. */
void trace_events__losses(struct trace_json *j, const uint64_t *losses, uint64_t at_ns);

/* The interval that would begin then has no single sleeps. */
void trace_events__gap(struct trace_json *j, uint64_t at_ns);

#endif
