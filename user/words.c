// SPDX-License-Identifier: GPL-2.0-only
#include "words.h"

#include <inttypes.h>
#include <string.h>

#include "callers.h"
#include "kinds.h"
#include "python_frames.h"
#include "text.h"
#include "util.h"

#define INNER_FRAMES   64UL /* among these the caller of a lock function is looked for */
#define NAME_MAX_BYTES 400  /* of one foreign name: what is longer is cut */

char *words__thread(char *buf, size_t size, const struct thread *t, pid_t pid)
{
	char comm[64], process[64];

	const char *name = t->python && t->python->name ? t->python->name : t->comm;

	text__clean(comm, sizeof(comm), name && name[0] ? name : "?");
	if (t->pid == pid) {
		snprintf(buf, size, "%s %d", comm, (int)t->tid);
		return buf;
	}
	text__clean(process, sizeof(process), t->process_comm ? t->process_comm : "?");
	snprintf(buf, size, "%s %d of %s (process %d)", comm, (int)t->tid, process, (int)t->pid);
	return buf;
}

static const char *kind(const struct lock *l)
{
	return (unsigned int)l->kind < KIND_COUNT ? lock_kind_names[l->kind] : "lock";
}

char *words__lock(char *buf, size_t size, const struct lock *l)
{
	char name[NAME_MAX_BYTES] = "";

	if (l->name)
		text__clean(name, sizeof(name), l->name);
	snprintf(buf, size, "%s %s%s0x%" PRIx64, kind(l), name, name[0] ? " " : "", l->address);
	return buf;
}

char *words__lock_name(char *buf, size_t size, const struct lock *l)
{
	if (l->name && l->name[0])
		return text__clean(buf, MIN(size, (size_t)NAME_MAX_BYTES), l->name);
	snprintf(buf, size, "%s 0x%" PRIx64, kind(l), l->address);
	return buf;
}

static const char *base_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path;
}

char *words__frame(char *buf, size_t size, const struct frame *f)
{
	const char *base = base_name(f->module);
	char function[NAME_MAX_BYTES], place[NAME_MAX_BYTES] = "";

	if (base)
		text__clean(place, sizeof(place), base);
	if (!f->function || !f->function[0]) {
		snprintf(buf, size, "%s%s0x%" PRIx64, place, place[0] ? "+" : "", f->offset);
		return buf;
	}
	text__clean(function, sizeof(function), f->function);
	if (f->file && f->line) {
		text__clean(place, sizeof(place), base_name(f->file));
		snprintf(buf, size, "%s (%s:%d)", function, place, f->line);
	} else {
		snprintf(buf, size, place[0] ? "%s (%s)" : "%s", function, place);
	}
	return buf;
}

const char *words__proof(enum owner_proof proof)
{
	static const char *const words[PROOF_COUNT] = {
		[PROOF_LOCK_WORD] = "read from the lock",
		[PROOF_EXACT] = "seen taking it",
		[PROOF_PYTHON] = "read from the interpreter",
		[PROOF_LAST_WAKER] = "inferred: it let the last waiter go",
	};

	return (unsigned int)proof < PROOF_COUNT ? words[proof] : "not known how";
}

static unsigned int known(const char *function)
{
	return (kinds__is_lock_function(function) ? CALLER_LOCK : 0) |
	       (kinds__is_wrapper(function) ? CALLER_WRAPPER : 0);
}

const struct frame *words__own_frame(const struct frame *frames, size_t n)
{
	static const bool exported[INNER_FRAMES]; /* which of them are is not remembered */
	struct callers callers = callers__find(frames, MIN(n, INNER_FRAMES), exported, known);
	int python = python_frames__own(frames, n);

	if (python >= 0)
		return &frames[python];
	return callers.where >= 0 ? &frames[callers.where] : NULL;
}

static void print_deadlocked(FILE *out, const struct deadlock_thread *d, pid_t pid)
{
	const struct frame *own = words__own_frame(d->thread->frames, d->thread->n_frames);
	char text[WORDS_MAX];

	fprintf(out, "  %s waits for", words__thread(text, sizeof(text), d->thread, pid));
	if (d->waits_for)
		fprintf(out, " %s", words__lock(text, sizeof(text), d->waits_for));
	else
		fputs(" a lock", out);
	if (own)
		fprintf(out, " in %s", words__frame(text, sizeof(text), own));
	if (d->held_by == d->thread)
		fputs(", which it holds itself\n", out);
	else
		fprintf(out, ", held by %s\n", words__thread(text, sizeof(text), d->held_by, pid));
}

void words__deadlock(FILE *out, const struct deadlock *d)
{
	const struct thread *first = d->n_threads ? d->threads[0].thread : NULL;
	char comm[64], age[16];

	text__clean(comm, sizeof(comm), first && first->process_comm ? first->process_comm : "?");
	text__duration(age, sizeof(age), d->since_ns);
	fprintf(out, "DEADLOCK in %s (process %d) for at least %s: ", comm, (int)d->pid, age);
	if (d->n_threads == 1)
		fputs("a thread waits for itself\n", out);
	else
		fprintf(out, "%zu threads wait for each other\n", d->n_threads);
	for (size_t i = 0; i < d->n_threads; i++)
		print_deadlocked(out, &d->threads[i], d->pid);
}

char *words__edge_lock(char *buf, size_t size, const char *id, const char *name)
{
	const char *colon = strchr(id, ':');

	if (!name || !name[0])
		name = colon ? colon + 1 : id;
	return text__clean(buf, MIN(size, (size_t)NAME_MAX_BYTES), name);
}

const struct frame *words__edge_frame(const struct inversion_edge *edge)
{
	const struct frame *own = words__own_frame(edge->frames, edge->n_frames);

	return own || !edge->n_frames ? own : &edge->frames[0];
}

static void print_edge(FILE *out, const struct inversion_edge *e)
{
	char text[WORDS_MAX], from[WORDS_MAX];

	words__edge_lock(from, sizeof(from), e->from, e->from_name);
	fprintf(out, "  %s was wanted ", words__edge_lock(text, sizeof(text), e->to, e->to_name));
	fprintf(out, "while %s was held, %" PRIu64 " time%s, first by thread %d\n", from, e->count,
		e->count == 1 ? "" : "s", (int)e->tid);
	for (size_t i = 0; i < e->n_frames; i++)
		fprintf(out, "    %s %s\n", i ? "  " : "in",
			words__frame(text, sizeof(text), &e->frames[i]));
	if (!e->n_frames)
		fputs("    its stack was not sampled\n", out);
	else if (e->truncated)
		fputs("       [truncated]\n", out);
	if (e->from_frame)
		fprintf(out, "    %s had been taken in %s\n", from,
			words__frame(text, sizeof(text), e->from_frame));
}

void words__inversion(FILE *out, const struct inversion *inversion)
{
	char comm[64];

	text__clean(comm, sizeof(comm), inversion->comm ? inversion->comm : "?");
	fprintf(out,
		"ORDER INVERSION in %s (process %d): %zu locks are taken in orders that contradict "
		"each other\n",
		comm, (int)inversion->pid, inversion->n_edges);
	for (size_t i = 0; i < inversion->n_edges; i++)
		print_edge(out, &inversion->edges[i]);
}
