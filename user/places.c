// SPDX-License-Identifier: GPL-2.0-only
#include "places.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "demangle.h"
#include "lines.h"
#include "names.h"
#include "perf_map.h"
#include "util.h"

#define KEPT_MAX      16384
#define DEMANGLED_MAX 16384
#define RETRY_NS      NSEC_PER_SEC
#define TIDY_ASKED    64 /* frames: a few stacks */

struct place_key {
	uint64_t file, vaddr;
};

struct entry {
	struct place_key key;
	struct place place;
	uint64_t retry_ns; /* 0: all that can be known of it is */
	UT_hash_handle hh;
};

/* A symbol and what it means, interned; the symbol itself, without a language, if not mangled. */
struct demangled {
	const char *name, *language;
	UT_hash_handle hh;
	char symbol[];
};

struct places {
	struct names *names;
	struct lines *lines;
	struct perf_maps *maps;
	struct entry *entries; /* uthash: the oldest first */
	struct demangled *demangled;
	unsigned long asked;
	struct frame outside; /* of code in no file */
	struct place outside_place;
};

struct places *places__new(struct proc *proc, struct names *names)
{
	struct places *p = xcalloc(1, sizeof(*p));

	p->names = names;
	p->lines = lines__new(proc);
	p->maps = perf_maps__new(proc);
	return p;
}

static void drop(struct places *p, struct entry *e)
{
	HASH_DEL(p->entries, e);
	free(e->place.frames);
	free(e);
}

static void forget_demangled(struct places *p)
{
	struct demangled *d, *next;

	HASH_ITER (hh, p->demangled, d, next) {
		HASH_DEL(p->demangled, d);
		free(d);
	}
}

void places__free(struct places *p)
{
	struct entry *e, *next;

	if (!p)
		return;
	HASH_ITER (hh, p->entries, e, next)
		drop(p, e);
	forget_demangled(p);
	lines__free(p->lines);
	perf_maps__free(p->maps);
	free(p);
}

static const struct demangled *demangle(struct places *p, const char *symbol)
{
	size_t len = strlen(symbol);
	struct demangled *d;
	char *name;

	HASH_FIND(hh, p->demangled, symbol, len, d);
	if (d)
		return d;
	if (HASH_COUNT(p->demangled) >= DEMANGLED_MAX)
		forget_demangled(p);
	d = xcalloc(1, sizeof(*d) + len + 1);
	memcpy(d->symbol, symbol, len);
	name = demangle__name(symbol, &d->language);
	d->name = names__intern(p->names, name ? name : symbol);
	free(name);
	HASH_ADD_KEYPTR(hh, p->demangled, d->symbol, len, d);
	return d;
}

const char *places__name(struct places *p, const char *symbol)
{
	return demangle(p, symbol)->name;
}

char *places__member(struct places *p, pid_t pid, const struct mapping *m, const struct elf_file *f,
		     uint64_t vaddr, uint64_t offset)
{
	return lines__member(p->lines, pid, m, f, vaddr, offset);
}

/* Sets function and language of a frame from a symbol. */
static void set_function(struct places *p, struct frame *f, const char *symbol)
{
	const struct demangled *d = demangle(p, symbol);

	f->function = d->name;
	if (d->language)
		f->language = d->language;
}

/* 0 or -EAGAIN: there may be more to know later. */
static int fill(struct places *p, pid_t pid, const struct unwind_frame *from, struct place *place)
{
	const struct symbol *symbol = elf_file__symbol(from->file, from->vaddr, false);
	const char *build_id = names__intern(p->names, elf_file__build_id(from->file));
	struct source_code code = { .n = 0 };
	int err = lines__at(p->lines, pid, from->mapping, from->file, from->vaddr, &code);

	place->n = MAX(code.n, (size_t)1);
	place->frames = xcalloc(place->n, sizeof(*place->frames));
	for (size_t i = 0; i < place->n; i++) {
		struct frame *f = &place->frames[i];

		f->language = "native";
		f->offset = from->vaddr;
		f->build_id = build_id;
		if (i >= code.n)
			break;
		f->file = names__intern(p->names, code.frames[i].file);
		f->line = code.frames[i].line;
		if (code.frames[i].function)
			set_function(p, f, code.frames[i].function);
	}
	source_code__done(&code);
	if (symbol) {
		set_function(p, &place->frames[place->n - 1], symbol->name);
		place->exported = symbol->exported;
		place->offset = from->vaddr - symbol->address;
	}
	return err == -EAGAIN ? err : 0;
}

/* CPython's own lines are py::FUNCTION:FILE; others have formats of their own, and many. */
static void set_generated(struct places *p, struct frame *f, const char *name)
{
	const char *file = strncmp(name, "py::", 4) == 0 ? strrchr(name, ':') : NULL;
	_cleanup_(util__freep) char *function = NULL;

	f->language = "jit";
	if (!file || file < name + 4) {
		f->function = names__intern(p->names, name);
		return;
	}
	function = xasprintf("%.*s", (int)MIN(file - name - 4, 4096), name + 4);
	f->language = "python";
	f->function = names__intern(p->names, function);
	f->file = names__intern(p->names, file + 1);
}

/* Code in no file: a just-in-time compiler's, if anybody's. */
static const struct place *outside(struct places *p, pid_t pid, const struct unwind_frame *from)
{
	const char *name = NULL;

	p->outside = (struct frame){ .language = "native", .offset = from->lookup };
	p->outside_place = (struct place){ .frames = &p->outside, .n = 1 };
	if (from->mapping && from->mapping->exec)
		name = perf_maps__name(p->maps, pid, from->lookup, util__monotonic_ns());
	if (name)
		set_generated(p, &p->outside, name);
	return &p->outside_place;
}

const struct place *places__at(struct places *p, pid_t pid, const struct unwind_frame *from)
{
	struct place_key key;
	struct entry *e;

	if (++p->asked % TIDY_ASKED == 0)
		lines__tidy(p->lines);
	if (!from->file)
		return outside(p, pid, from);
	key = (struct place_key){ .file = elf_file__id(from->file), .vaddr = from->vaddr };
	HASH_FIND(hh, p->entries, &key, sizeof(key), e);
	if (e && (!e->retry_ns || util__monotonic_ns() < e->retry_ns))
		return &e->place;
	if (e)
		drop(p, e);
	else if (HASH_COUNT(p->entries) >= KEPT_MAX)
		drop(p, p->entries);
	e = xcalloc(1, sizeof(*e));
	e->key = key;
	if (fill(p, pid, from, &e->place) == -EAGAIN)
		e->retry_ns = util__monotonic_ns() + RETRY_NS;
	HASH_ADD(hh, p->entries, key, sizeof(e->key), e);
	return &e->place;
}
