// SPDX-License-Identifier: GPL-2.0-only
#include "python_find.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

#define MINOR_FIRST 8 /* without a version: the ones that are tried, the newest first */
#define MINOR_LAST  12

/*
 * Thread-specific data from the thread pointer on: glibc's struct pthread holds the first 32 slots
 * of two words each at 784 (x86_64, 2.31 to 2.40 read in disassemblies of pthread_getspecific);
 * musl's holds the address of a table at 128.
 */
#define GLIBC_SLOTS	784
#define GLIBC_SLOTS_MAX 32
#define MUSL_TABLE	128
#define MUSL_SLOTS_MAX	128

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* "python3.11", "libpython3.8.so.1.0", "/usr/lib/python3.9/...": the numbers after "python". */
static bool parse_version(const char *text, int *major, int *minor)
{
	const char *at = text;

	while ((at = strstr(at, "python"))) {
		at += strlen("python");
		if (sscanf(at, "%1d.%2d", major, minor) == 2)
			return true;
	}
	return false;
}

/* Py_Version since 3.11: 0x030b02f0. */
static bool read_version(pid_t pid, uint64_t address, struct python_found *f)
{
	unsigned long version;

	if (proc__read_memory(pid, address, &version, sizeof(version)) != sizeof(version) ||
	    version >> 24 > 9)
		return false;
	f->major = version >> 24;
	f->minor = version >> 16 & 0xff;
	return true;
}

static bool find_debug_offsets(pid_t pid, struct python_found *f)
{
	uint8_t bytes[4096];
	ssize_t n = proc__read_memory(pid, f->runtime, bytes, sizeof(bytes));

	if (n <= 0 || python_layout__debug(bytes, n, &f->layout))
		return false;
	f->major = f->layout.major;
	f->minor = f->layout.minor;
	return true;
}

/* Without a version, the memory must tell: a wrong layout does not fit. */
static bool try_layouts(pid_t pid, struct python_found *f)
{
	for (int minor = MINOR_LAST; minor >= MINOR_FIRST; minor--) {
		const struct python_layout *layout = python_layout__of(3, minor);
		struct python_target t = { .layout = layout,
					   .runtime = f->runtime,
					   .pid = pid,
					   .read = python_target__read_live };

		if (!layout || !python_find__is_ready(&t))
			continue;
		f->layout = *layout;
		f->major = 3;
		f->minor = minor;
		return true;
	}
	return false;
}

/* The file of this mapping has a runtime: of which version? */
static void identify(struct names *names, pid_t pid, const struct maps *maps,
		     const struct mapping *m, struct python_found *f)
{
	const struct python_layout *layout;
	uint64_t at;

	f->supported = true;
	if (find_debug_offsets(pid, f))
		return;
	if (!names__object(names, pid, m, "Py_Version", &at) || !read_version(pid, at, f)) {
		bool told = parse_version(base_name(m->path), &f->major, &f->minor);

		for (size_t i = 0; !told && i < maps->n; i++)
			told = parse_version(maps->items[i].path, &f->major, &f->minor);
		if (!told) {
			f->supported = try_layouts(pid, f);
			return;
		}
	}
	layout = python_layout__of(f->major, f->minor);
	f->supported = layout && f->minor < 13; /* those that come with their offsets need them */
	if (f->supported)
		f->layout = *layout;
}

void python_find__interpreter(struct names *names, pid_t pid, const struct maps *maps,
			      struct python_found *ret)
{
	const char *last = "", *program = NULL;

	*ret = (struct python_found){};
	for (size_t i = 0; i < maps->n; i++) {
		const struct mapping *m = &maps->items[i];
		bool named;

		if (m->path[0] != '/' || !strcmp(m->path, last))
			continue;
		last = m->path;
		named = strstr(base_name(m->path), "python");
		/* an interpreter may be linked into any program, which comes first */
		if (!named && program)
			continue;
		program = m->path;
		if (names__object(names, pid, m, "_PyRuntime", &ret->runtime)) {
			ret->path = names__intern(names, m->path);
			identify(names, pid, maps, m, ret);
			return;
		}
		if (named && !ret->major && !strncmp(base_name(m->path), "python", 6) &&
		    parse_version(base_name(m->path), &ret->major, &ret->minor))
			ret->path = names__intern(names, m->path);
	}
}

bool python_find__is_ready(struct python_target *t)
{
	const struct python_layout *l = t->layout;
	uint64_t interpreter = python__pointer(t, t->runtime + l->runtime.interpreters_head);
	uint64_t thread =
		interpreter ? python__pointer(t, interpreter + l->interpreter.threads_head) : 0;

	return thread && python__pointer(t, thread + l->thread.interpreter) == interpreter;
}

bool python_find__slot(struct python_target *t, const struct python_thread *threads, size_t n,
		       struct python_process *ret)
{
	const struct python_layout *l = t->layout;
	bool indirect = l->thread.cframe != PYTHON_ABSENT;
	int32_t key;

	if (l->runtime.key < 0 || python__int32(t, t->runtime + l->runtime.key, &key) || key < 0 ||
	    key >= MUSL_SLOTS_MAX)
		return false;
	*ret = (struct python_process){ .frame = indirect ? l->thread.cframe : l->thread.frame,
					.cframe = indirect ? l->thread.frame : -1,
					.previous = l->frame.previous,
					.slots = l->frame.slots };
	for (size_t i = 0; i < n; i++) {
		uint64_t self = threads[i].ident, table;

		ret->slot = GLIBC_SLOTS + 16 * key + 8;
		ret->indirect = -1;
		if (key < GLIBC_SLOTS_MAX &&
		    python__pointer(t, self + ret->slot) == threads[i].state)
			return true;
		table = python__pointer(t, self + MUSL_TABLE);
		ret->slot = MUSL_TABLE;
		ret->indirect = 8 * key;
		if (table && python__pointer(t, table + ret->indirect) == threads[i].state)
			return true;
	}
	return false;
}
