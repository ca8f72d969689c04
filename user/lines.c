// SPDX-License-Identifier: GPL-2.0-only
#include "lines.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>
#include <uthash.h>

#include "util.h"

#define FILES_MAX  32
#define BYTES_MAX  ((size_t)12 << 20) /* beyond it, what was used longest ago is given back */
#define IDLE_NS	   (3 * NSEC_PER_SEC)
#define TRIM_BYTES ((size_t)1 << 20)  /* what was this large goes back to the system at once */
#define RETRY_NS   (5 * NSEC_PER_SEC) /* a file that could not be opened */
#define CUTS_MAX   3		      /* so often may the time not suffice for a file */

/* Time for DWARF: saved up while there is nothing to do, spent at the begin of an observation. */
#define SHARE	   20 /* one part in so many of one CPU */
#define SAVED_NS   ((int64_t)(NSEC_PER_SEC / 2))
#define LOOK_UP_NS ((int64_t)(NSEC_PER_SEC / 4)) /* of one address */
#define LEAST_NS   1000000

struct entry {
	uint64_t id;		     /* of the elf_file */
	struct dwarf_source *source; /* NULL: not open */
	size_t bytes;
	unsigned int cuts, member_cuts;
	uint64_t used_ns, retry_ns;
	UT_hash_handle hh;
};

struct lines {
	struct proc *proc;
	struct entry *entries; /* uthash, in the order of the last use */
	size_t bytes;
	int64_t time_ns; /* may be spent */
	uint64_t refilled_ns, tidied_ns;
};

struct lines *lines__new(struct proc *proc)
{
	struct lines *l = xcalloc(1, sizeof(*l));

	l->proc = proc;
	l->time_ns = SAVED_NS;
	l->refilled_ns = util__monotonic_ns();
	return l;
}

static void close_source(struct lines *l, struct entry *e)
{
	dwarf_source__free(e->source);
	if (e->bytes >= TRIM_BYTES)
		malloc_trim(0);
	l->bytes -= e->bytes;
	e->source = NULL;
	e->bytes = 0;
}

static void drop(struct lines *l, struct entry *e)
{
	HASH_DEL(l->entries, e);
	close_source(l, e);
	free(e);
}

void lines__free(struct lines *l)
{
	struct entry *e, *next;

	if (!l)
		return;
	HASH_ITER (hh, l->entries, e, next)
		drop(l, e);
	free(l);
}

void lines__tidy(struct lines *l)
{
	uint64_t now_ns = util__monotonic_ns();
	struct entry *e, *next;

	if (now_ns - l->tidied_ns < NSEC_PER_SEC)
		return;
	l->tidied_ns = now_ns;
	HASH_ITER (hh, l->entries, e, next) {
		if (now_ns - e->used_ns < IDLE_NS)
			break;
		close_source(l, e);
	}
}

/* The file that the DWARF is in, if it still is the one that it was found in. */
static int open_place(struct lines *l, pid_t pid, const struct mapping *m,
		      const struct dwarf_place *place)
{
	struct file_identity identity;
	int fd, err;

	if (place->in == DWARF_OWN)
		fd = proc__open_mapped(l->proc, pid, m);
	else
		fd = proc__open_inside(l->proc, place->pid ? pid : 0, place->path, true);
	if (fd < 0)
		return fd;
	err = file_identity__of(fd, &identity);
	if (!err && !file_identity__equal(&identity, &place->identity))
		err = -ESTALE;
	if (!err)
		return fd;
	close(fd);
	return err;
}

static struct entry *get(struct lines *l, uint64_t id, uint64_t now_ns)
{
	struct entry *e;

	HASH_FIND(hh, l->entries, &id, sizeof(id), e);
	if (e)
		HASH_DEL(l->entries, e);
	else
		e = xcalloc(1, sizeof(*e));
	e->id = id;
	e->used_ns = now_ns;
	HASH_ADD(hh, l->entries, id, sizeof(e->id), e);
	return e;
}

static void make_room(struct lines *l, const struct entry *keep)
{
	struct entry *e, *next;

	HASH_ITER (hh, l->entries, e, next) {
		if (l->bytes <= BYTES_MAX && HASH_COUNT(l->entries) <= FILES_MAX)
			return;
		if (e == keep)
			continue;
		if (HASH_COUNT(l->entries) > FILES_MAX)
			drop(l, e);
		else
			close_source(l, e);
	}
}

/* A look-up going on. */
struct spending {
	struct entry *entry;
	int fd;
	uint64_t begin_ns, deadline_ns;
};

static void account(struct lines *l, struct entry *e)
{
	l->bytes -= e->bytes;
	e->bytes = dwarf_source__bytes(e->source);
	l->bytes += e->bytes;
}

/* Spends time on one address. */
static int look_up(struct lines *l, struct entry *e, int fd, uint64_t deadline_ns, uint64_t vaddr,
		   struct source_code *ret)
{
	int err;

	if (!e->source) {
		e->source = dwarf_source__new(fd, deadline_ns);
		if (!e->source)
			return -ENOENT;
	}
	err = dwarf_source__at(e->source, fd, deadline_ns, vaddr, ret);
	account(l, e);
	if (util__monotonic_ns() < deadline_ns)
		return err;
	/* What was read may be a part only: of the addresses' units, or of their contents. */
	if (!err)
		source_code__done(ret);
	close_source(l, e);
	e->cuts++;
	return e->cuts < CUTS_MAX ? -EAGAIN : -ENOENT;
}

/* Opens the file with the DWARF if it is worth it: 0, or an error of lines__at(). */
static int start(struct lines *l, pid_t pid, const struct mapping *m, const struct elf_file *f,
		 struct spending *ret)
{
	uint64_t begin_ns = util__monotonic_ns();
	struct entry *e;
	int fd;

	if (f->dwarf_place.in == DWARF_NOWHERE)
		return -ENOENT;
	l->time_ns = MIN(l->time_ns + (int64_t)((begin_ns - l->refilled_ns) / SHARE), SAVED_NS);
	l->refilled_ns = begin_ns;
	if (l->time_ns < LEAST_NS)
		return -EAGAIN;
	e = get(l, f->id, begin_ns);
	if (e->cuts >= CUTS_MAX)
		return -ENOENT;
	if (begin_ns < e->retry_ns)
		return -EAGAIN;
	fd = open_place(l, pid, m, &f->dwarf_place);
	if (fd < 0) {
		e->retry_ns = begin_ns + RETRY_NS;
		return -EAGAIN;
	}
	*ret = (struct spending){ .entry = e, .fd = fd, .begin_ns = begin_ns };
	ret->deadline_ns = begin_ns + MIN(l->time_ns, LOOK_UP_NS);
	return 0;
}

static void finish(struct lines *l, const struct spending *s)
{
	close(s->fd);
	make_room(l, s->entry);
	l->time_ns -= util__monotonic_ns() - s->begin_ns;
}

int lines__at(struct lines *l, pid_t pid, const struct mapping *m, const struct elf_file *f,
	      uint64_t vaddr, struct source_code *ret)
{
	struct spending s;
	int err = start(l, pid, m, f, &s);

	if (err)
		return err;
	err = look_up(l, s.entry, s.fd, s.deadline_ns, vaddr, ret);
	finish(l, &s);
	return err;
}

/* Spends time on one variable. */
static char *look_up_member(struct lines *l, const struct spending *s, uint64_t vaddr,
			    uint64_t offset)
{
	struct entry *e = s->entry;
	char *path = NULL;

	if (!e->source) {
		e->source = dwarf_source__new(s->fd, s->deadline_ns);
		if (!e->source)
			return NULL;
		if (util__monotonic_ns() >= s->deadline_ns) {
			/* Maybe not all units are known. */
			close_source(l, e);
			e->member_cuts++;
			return NULL;
		}
	}
	path = dwarf_source__member(e->source, s->fd, s->deadline_ns, vaddr, offset);
	account(l, e);
	if (util__monotonic_ns() < s->deadline_ns)
		return path;
	free(path);
	e->member_cuts++;
	return NULL;
}

char *lines__member(struct lines *l, pid_t pid, const struct mapping *m, const struct elf_file *f,
		    uint64_t vaddr, uint64_t offset)
{
	struct spending s;
	char *path = NULL;

	if (start(l, pid, m, f, &s) < 0)
		return NULL;
	if (s.entry->member_cuts < CUTS_MAX)
		path = look_up_member(l, &s, vaddr, offset);
	finish(l, &s);
	return path;
}
