/* SPDX-License-Identifier: GPL-2.0-only */
/* What a trace remembers from one interval to the next: of threads and processes, not of sleeps. */
#ifndef TRACE_TRACKS_H
#define TRACE_TRACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct trace_thread {
	pid_t pid, tid;
	char *name;	   /* as the trace has it; NULL: not yet */
	bool python;	   /* the name is Python's */
	bool deadlocked;   /* that was told */
	bool seen;	   /* in this interval */
	bool introduced;   /* in this interval, its name was looked at */
	uint64_t floor_ns; /* the next slice on its track begins there, or later */
};

struct trace_process {
	pid_t pid;
	char *name;
	bool loaded; /* the counter stands above 0 */
	bool seen;
};

struct trace_tracks {
	struct dictionary *thread_numbers, *process_numbers;
	struct trace_thread *threads;
	size_t n_threads, threads_capacity;
	struct trace_process *processes;
	size_t n_processes, processes_capacity;
};

struct trace_tracks *trace_tracks__new(void);
void trace_tracks__free(struct trace_tracks *t);

/*
 * An interval begins. Threads and processes that the one before did not show are forgotten once
 * they are the larger part: programs start new ones for ever.
 */
void trace_tracks__begin(struct trace_tracks *t);

/* The place of a thread or process in its array, which it has until the next interval begins. */
size_t trace_tracks__thread(struct trace_tracks *t, pid_t pid, pid_t tid);
size_t trace_tracks__process(struct trace_tracks *t, pid_t pid);

/* Keeps a copy of the name. Was it another one, or none, before? */
bool trace_tracks__rename(char **name, const char *to);

#endif
