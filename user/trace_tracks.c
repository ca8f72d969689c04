// SPDX-License-Identifier: GPL-2.0-only
#include "trace_tracks.h"

#include <stdlib.h>
#include <string.h>

#include "dictionary.h"
#include "util.h"

#define FORGET_MIN 4096 /* below, nothing is won by forgetting */

struct thread_key {
	pid_t pid, tid;
};

struct trace_tracks *trace_tracks__new(void)
{
	struct trace_tracks *t = xcalloc(1, sizeof(*t));

	t->thread_numbers = dictionary__new();
	t->process_numbers = dictionary__new();
	return t;
}

void trace_tracks__free(struct trace_tracks *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_threads; i++)
		free(t->threads[i].name);
	for (size_t i = 0; i < t->n_processes; i++)
		free(t->processes[i].name);
	free(t->threads);
	free(t->processes);
	dictionary__free(t->thread_numbers);
	dictionary__free(t->process_numbers);
	free(t);
}

static size_t thread_number(struct trace_tracks *t, pid_t pid, pid_t tid, size_t next)
{
	const struct thread_key key = { pid, tid };

	return (size_t)dictionary__number(t->thread_numbers, &key, sizeof(key), (int64_t)next);
}

static size_t process_number(struct trace_tracks *t, pid_t pid, size_t next)
{
	return (size_t)dictionary__number(t->process_numbers, &pid, sizeof(pid), (int64_t)next);
}

static void forget_threads(struct trace_tracks *t)
{
	size_t left = 0;

	dictionary__clear(t->thread_numbers);
	for (size_t i = 0; i < t->n_threads; i++) {
		struct trace_thread *thread = &t->threads[i];

		if (!thread->seen) {
			free(thread->name);
			continue;
		}
		thread_number(t, thread->pid, thread->tid, left);
		t->threads[left++] = *thread;
	}
	t->n_threads = left;
}

static void forget_processes(struct trace_tracks *t)
{
	size_t left = 0;

	dictionary__clear(t->process_numbers);
	for (size_t i = 0; i < t->n_processes; i++) {
		struct trace_process *process = &t->processes[i];

		if (!process->seen) {
			free(process->name);
			continue;
		}
		process_number(t, process->pid, left);
		t->processes[left++] = *process;
	}
	t->n_processes = left;
}

static bool is_mostly_unseen(size_t n, size_t seen)
{
	return n > FORGET_MIN && n > 2 * seen;
}

void trace_tracks__begin(struct trace_tracks *t)
{
	size_t threads = 0, processes = 0;

	for (size_t i = 0; i < t->n_threads; i++)
		threads += t->threads[i].seen;
	for (size_t i = 0; i < t->n_processes; i++)
		processes += t->processes[i].seen;
	if (is_mostly_unseen(t->n_threads, threads))
		forget_threads(t);
	if (is_mostly_unseen(t->n_processes, processes))
		forget_processes(t);
	for (size_t i = 0; i < t->n_threads; i++)
		t->threads[i].seen = t->threads[i].introduced = false;
	for (size_t i = 0; i < t->n_processes; i++)
		t->processes[i].seen = false;
}

size_t trace_tracks__thread(struct trace_tracks *t, pid_t pid, pid_t tid)
{
	size_t i = thread_number(t, pid, tid, t->n_threads);

	if (i == t->n_threads) {
		array__grow(t->threads, t->n_threads, t->threads_capacity);
		t->threads[t->n_threads++] = (struct trace_thread){ .pid = pid, .tid = tid };
	}
	t->threads[i].seen = true;
	return i;
}

size_t trace_tracks__process(struct trace_tracks *t, pid_t pid)
{
	size_t i = process_number(t, pid, t->n_processes);

	if (i == t->n_processes) {
		array__grow(t->processes, t->n_processes, t->processes_capacity);
		t->processes[t->n_processes++] = (struct trace_process){ .pid = pid };
	}
	t->processes[i].seen = true;
	return i;
}

bool trace_tracks__rename(char **name, const char *to)
{
	if (*name && !strcmp(*name, to))
		return false;
	free(*name);
	*name = xstrdup(to);
	return true;
}
