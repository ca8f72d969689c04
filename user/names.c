// SPDX-License-Identifier: GPL-2.0-only
#include "names.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "elf_file.h"
#include "kinds.h"
#include "places.h"
#include "util.h"

/* An interned string; for functions, whether kinds.c knows them is asked once. */
struct string {
	UT_hash_handle hh;
	unsigned int known; /* CALLER_*, valid if asked */
	bool asked;
	char text[];
};

#define GLIBC_SLOTS 64

struct names {
	struct symbols *symbols;
	struct places *places;
	struct string *strings;
	struct {
		uint64_t id; /* elf_file__id() */
		bool is_new;
	} glibc[GLIBC_SLOTS];	     /* answers of is_new_glibc(), by id */
	struct unwind_stack scratch; /* too large for the stack */
};

struct names *names__new(struct proc *proc, bool debuginfod)
{
	struct names *n = xcalloc(1, sizeof(*n));

	n->symbols = symbols__new(proc);
	symbols__use_debuginfod(n->symbols, debuginfod);
	n->places = places__new(proc, n);
	return n;
}

void names__free(struct names *n)
{
	struct string *s, *next;

	if (!n)
		return;
	HASH_ITER (hh, n->strings, s, next) {
		HASH_DELETE(hh, n->strings, s);
		free(s);
	}
	places__free(n->places);
	symbols__free(n->symbols);
	free(n);
}

const char *names__intern(struct names *n, const char *text)
{
	struct string *s;
	size_t len;

	if (!text)
		return NULL;
	len = strlen(text);
	HASH_FIND(hh, n->strings, text, len, s);
	if (!s) {
		s = xcalloc(1, sizeof(*s) + len + 1);
		memcpy(s->text, text, len);
		HASH_ADD_KEYPTR(hh, n->strings, s->text, len, s);
	}
	return s->text;
}

/* What kinds.c knows of a function, which must be interned. */
static unsigned int known(const char *function)
{
	struct string *s = (struct string *)(function - offsetof(struct string, text));

	if (!s->asked)
		s->known = (kinds__is_lock_function(function) ? CALLER_LOCK : 0) |
			   (kinds__is_wrapper(function) ? CALLER_WRAPPER : 0);
	s->asked = true;
	return s->known;
}

static bool exports(const struct elf_file *file, const char *name)
{
	for (size_t i = 0; i < file->functions.n; i++)
		if (file->functions.items[i].exported &&
		    !strcmp(file->functions.items[i].name, name))
			return true;
	return false;
}

/* Is this a C library of glibc 2.41 or newer? By a function that came with it; asked once a file.
 */
static bool is_new_glibc(struct names *n, const struct elf_file *file)
{
	uint64_t id = file ? elf_file__id(file) : 0;
	size_t slot = id % GLIBC_SLOTS;

	if (!file)
		return false;
	if (n->glibc[slot].id != id) {
		n->glibc[slot].id = id;
		n->glibc[slot].is_new = exports(file, "sched_setattr");
	}
	return n->glibc[slot].is_new;
}

static uint64_t hash_step(uint64_t hash, uint64_t value)
{
	return (hash ^ value) * 0x100000001b3ULL; /* FNV-1a, a word at a time */
}

/* What names__stack() collects. */
struct naming {
	struct frame *frames; /* with inlined functions */
	size_t n, room;
	/* of functions as the machine has them, one for each frame of the unwinder */
	struct frame own[UNWIND_FRAMES_MAX];
	size_t index[UNWIND_FRAMES_MAX]; /* in frames */
	uint64_t offset[UNWIND_FRAMES_MAX];
	bool exported[UNWIND_FRAMES_MAX];
};

static void add_place(struct names *n, struct naming *to, int i, const struct unwind_frame *from,
		      const struct place *place)
{
	const char *module = from->mapping && from->mapping->path[0]
				     ? names__intern(n, from->mapping->path)
				     : NULL;

	for (size_t j = 0; j < place->n; j++) {
		array__grow(to->frames, to->n, to->room);
		to->frames[to->n] = place->frames[j];
		to->frames[to->n++].module = module;
	}
	to->own[i] = to->frames[to->n - 1];
	to->index[i] = to->n - 1;
	to->offset[i] = place->offset;
	to->exported[i] = place->exported;
}

/*
 * Functions of Go's runtime that go over to another stack: below them is nothing, or what another
 * function left there. Their call frame rules do not tell.
 */
static bool begins_stack(const char *function)
{
	static const char *const names[] = { "runtime.mcall", "runtime.systemstack" };

	for (size_t i = 0; function && i < ARRAY_SIZE(names); i++) {
		size_t len = strlen(names[i]);

		if (!strncmp(function, names[i], len) && (!function[len] || function[len] == '.'))
			return true;
	}
	return false;
}

/*
 * Who called whom is judged by the functions that the machine has: what was inlined is known of
 * some files only, and a lock's name must not depend on whether its debug file is there.
 */
void names__stack(struct names *n, pid_t pid, const struct maps *maps, const struct user_regs *regs,
		  const void *stack, size_t stack_len, struct named_stack *ret)
{
	struct unwind_stack *u = &n->scratch;
	struct naming to = { .n = 0 };
	struct named_stack out = { .hash = 0xcbf29ce484222325ULL };

	symbols__tidy(n->symbols);
	unwind__stack(n->symbols, pid, maps, regs, stack, stack_len, u);
	for (int i = 0; i < u->n; i++) {
		out.hash = hash_step(out.hash, u->frames[i].pc);
		add_place(n, &to, i, &u->frames[i], places__at(n->places, pid, &u->frames[i]));
		if (begins_stack(to.own[i].function)) {
			u->n = i + 1;
			u->truncated = false;
		}
	}
	out.frames = xrealloc(to.frames, to.n, sizeof(*to.frames));
	out.n_frames = to.n;
	out.truncated = u->truncated;
	out.callers = callers__find(to.own, u->n, to.exported, known);
	if (out.callers.at >= 0) {
		out.new_cond = is_new_glibc(n, u->frames[out.callers.at].file);
		out.callers.at = to.index[out.callers.at];
	}
	if (out.callers.where >= 0) {
		out.where_offset = to.offset[out.callers.where];
		out.callers.where = to.index[out.callers.where];
	}
	*ret = out;
}

/*
 * Zeroed data (.bss) beyond the file's last page is anonymous memory right behind the file's
 * mapping: it goes on in the same numbering.
 */
static const struct mapping *data_mapping(const struct maps *maps, const struct mapping *m)
{
	if (m->path[0] || m == maps->items)
		return m;
	return m[-1].end == m->start && m[-1].path[0] == '/' && m[-1].write ? &m[-1] : m;
}

struct static_name names__data(struct names *n, pid_t pid, const struct maps *maps,
			       uint64_t address)
{
	const struct mapping *m = maps ? maps__find(maps, address) : NULL;
	struct static_name out = {};
	_cleanup_(util__freep) char *text = NULL, *member = NULL;
	const struct symbol *symbol;
	struct elf_file *file;
	uint64_t vaddr;

	if (!m)
		return out;
	m = data_mapping(maps, m);
	file = m->path[0] == '/' ? symbols__file(n->symbols, pid, m) : NULL;
	if (!file || !elf_file__vaddr(file, m, m->start, &vaddr))
		return out;
	vaddr += address - m->start;
	symbol = elf_file__symbol(file, vaddr, true);
	if (symbol)
		member = places__member(n->places, pid, m, file, symbol->address,
					vaddr - symbol->address);
	if (member)
		text = xasprintf("%s%s", places__name(n->places, symbol->name), member);
	else if (!symbol)
		text = xasprintf("%s+0x%" PRIx64, strrchr(m->path, '/') + 1, vaddr);
	else if (vaddr != symbol->address)
		text = xasprintf("%s+0x%" PRIx64, places__name(n->places, symbol->name),
				 vaddr - symbol->address);
	out.name = text ? names__intern(n, text) : places__name(n->places, symbol->name);
	out.from = symbol ? "symbol" : "mapping";
	out.module = names__intern(n, m->path);
	return out;
}

bool names__object(struct names *n, pid_t pid, const struct mapping *m, const char *name,
		   uint64_t *address)
{
	struct elf_file *file = symbols__file(n->symbols, pid, m);
	uint64_t vaddr;

	if (!file || !elf_file__vaddr(file, m, m->start, &vaddr))
		return false;
	for (size_t i = 0; i < file->objects.n; i++) {
		const struct symbol *symbol = &file->objects.items[i];

		if (strcmp(symbol->name, name))
			continue;
		*address = m->start + (symbol->address - vaddr);
		return true;
	}
	return false;
}
