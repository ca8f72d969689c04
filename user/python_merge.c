// SPDX-License-Identifier: GPL-2.0-only
/* Python frames in the place of the native frames that run them. */
#include "python_frames.h"

#include <stdlib.h>
#include <string.h>

#include "python_kinds.h"
#include "util.h"

/* The interpreter's loop; compilers put suffixes behind the names of parts (".cold"). */
static bool is_loop(const struct frame *f)
{
	static const char name[] = "_PyEval_EvalFrameDefault";

	return f->function && !strncmp(f->function, name, sizeof(name) - 1) &&
	       (!f->function[sizeof(name) - 1] || f->function[sizeof(name) - 1] == '.');
}

static bool is_of(const struct frame *f, const char *file)
{
	return f->module && file && !strcmp(f->module, file);
}

/* What only leads from one Python frame to the next. With -X perf the interpreter makes code that
 * is called after a Python function and calls the loop for it. */
static bool leads(const struct frame *f, const char *interpreter)
{
	return is_of(f, interpreter) || (!f->module && frame__is_python(f));
}

/* Ends the interpreter: what is called from there on is what its end waits for. */
static bool is_end(const struct frame *f)
{
	static const char *const names[] = { "Py_FinalizeEx", "_Py_Finalize", "Py_EndInterpreter" };

	for (size_t i = 0; f->function && i < ARRAY_SIZE(names); i++)
		if (!strncmp(f->function, names[i], strlen(names[i])))
			return true;
	return false;
}

static bool starts(const struct frame *f, const char *interpreter)
{
	return !is_end(f) && (is_of(f, interpreter) || callers__is_runtime(f->module) ||
			      (f->function && !strcmp(f->function, "_start")));
}

/*
 * Where the stack ends as far as it is the program's: what starts a thread or a process is no news,
 * and it must not tell a whole stack from one that was cut before it.
 */
static size_t outer_end(const struct named_stack *stack, const char *interpreter)
{
	size_t n = stack->n_frames, least = n;

	for (size_t i = 0; i < stack->n_frames; i++)
		if (is_loop(&stack->frames[i]))
			least = i + 1;
	if (least == n) { /* no loop: what the innermost part is in stays */
		for (least = 0; least < n && !is_of(&stack->frames[least], interpreter);)
			least++;
		if (least == n)
			return n;
		least++;
	}
	while (n > least && starts(&stack->frames[n - 1], interpreter))
		n--;
	return n;
}

struct merge {
	const struct python_chain *chain;
	size_t next; /* of the chain */
	struct frame *frames;
	size_t n;
	int at, where; /* callers' frames, where they are now; -1: left out */
};

static void add_python(struct merge *m, const struct python_frame *f)
{
	m->frames[m->n++] = (struct frame){
		.function = f->function,
		.module = f->file,
		/* sites are told apart by it; of what has no name, its code is all that is known */
		.offset = f->known ? (uint64_t)f->line : f->code,
		.file = f->file,
		.line = f->line,
		.language = "python",
	};
}

/* The frames of one call of the loop: up to its shim, which may have none, or its entry frame. */
static void add_group(struct merge *m)
{
	const struct python_chain *c = m->chain;

	while (m->next < c->n) {
		const struct python_frame *f = &c->frames[m->next++];

		if (!f->shim)
			add_python(m, f);
		else
			break;
		if (f->entry && !(m->next < c->n && c->frames[m->next].shim))
			break;
	}
}

/* Native frames with the Python frames among them. false: the chain was cut, and so is the stack.
 */
static bool interleave(struct merge *m, const struct named_stack *stack, const char *interpreter)
{
	size_t end = outer_end(stack, interpreter);
	bool in_loops = false;

	for (size_t i = 0; i < end; i++) {
		const struct frame *f = &stack->frames[i];

		if (is_loop(f) && m->next < m->chain->n) {
			add_group(m);
			in_loops = true;
			if (m->next == m->chain->n && m->chain->truncated)
				return false;
			continue;
		}
		if (!in_loops && !f->function && is_of(f, interpreter))
			continue; /* of a file without names: there is nothing to be read in it */
		if (in_loops && !is_loop(f) && leads(f, interpreter) &&
		    !(is_end(f) && !(i + 1 < end && is_end(f + 1))))
			continue;
		if ((int)i == stack->callers.at)
			m->at = m->n;
		if ((int)i == stack->callers.where)
			m->where = m->n;
		m->frames[m->n++] = *f;
	}
	while (m->next < m->chain->n)
		add_group(m);
	return !m->chain->truncated;
}

static uint64_t hash_step(uint64_t hash, uint64_t value)
{
	return (hash ^ value) * 0x100000001b3ULL; /* FNV-1a, a word at a time */
}

/* Of interned strings, which stay where they are. */
static uint64_t hash_frames(const struct frame *frames, size_t n)
{
	uint64_t hash = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < n; i++) {
		hash = hash_step(hash, (uintptr_t)frames[i].function);
		hash = hash_step(hash, (uintptr_t)frames[i].module);
		hash = hash_step(hash, (uintptr_t)frames[i].build_id);
		hash = hash_step(hash, frames[i].offset);
	}
	return hash;
}

int python_frames__own(const struct frame *frames, size_t n)
{
	int innermost = -1;

	for (size_t i = 0; i < n; i++) {
		const struct frame *f = &frames[i];

		if (!f->function || !f->file || !frame__is_python(f))
			continue;
		if (!python_kinds__is_library(f->file))
			return i;
		if (innermost < 0)
			innermost = i;
	}
	return innermost;
}

void python_frames__merge(struct names *names, const struct python_chain *chain,
			  const char *interpreter, struct named_stack *stack)
{
	struct merge m = { .chain = chain, .at = -1, .where = -1 };
	bool visible = false;
	int own;

	for (size_t i = 0; i < chain->n; i++)
		visible |= !chain->frames[i].shim;
	if (!visible)
		return;
	m.frames = xcalloc(stack->n_frames + chain->n, sizeof(*m.frames));
	/* A native walk that was cut hides no Python frame. */
	stack->truncated = !interleave(&m, stack, interpreter);
	free(stack->frames);
	stack->frames = m.frames;
	stack->n_frames = m.n;
	stack->hash = hash_frames(m.frames, m.n);
	stack->callers.at = m.at;
	stack->callers.where = m.where;
	own = python_frames__own(m.frames, m.n);
	if (own >= 0) {
		stack->callers.where = own;
		stack->where_offset = m.frames[own].line;
	}
}
