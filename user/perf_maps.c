// SPDX-License-Identifier: GPL-2.0-only
/* Which process has which file, whose it is, and when it is read again. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uthash.h>

#include "elf_file.h"
#include "perf_map.h"
#include "util.h"

#define BYTES_MAX   ((off_t)64 << 20) /* of one file; a larger one is not read */
#define TOTAL_BYTES ((size_t)96 << 20)
#define ENTRIES_MAX 256
#define LOOK_NS	    NSEC_PER_SEC
#define COST	    50 /* a file that takes long to read is read that much more seldom: 2 % */

struct entry {
	pid_t pid;
	struct file_identity identity;
	struct perf_map *map; /* NULL: none */
	size_t bytes;
	uint64_t look_ns; /* when to look at it again */
	UT_hash_handle hh;
};

struct perf_maps {
	struct proc *proc;
	struct entry *entries; /* uthash: the one looked at last comes last */
	size_t bytes;
};

struct perf_maps *perf_maps__new(struct proc *proc)
{
	struct perf_maps *p = xcalloc(1, sizeof(*p));

	p->proc = proc;
	return p;
}

static void clear(struct perf_maps *p, struct entry *e)
{
	perf_map__free(e->map);
	p->bytes -= e->bytes;
	e->map = NULL;
	e->bytes = 0;
}

static void drop(struct perf_maps *p, struct entry *e)
{
	HASH_DEL(p->entries, e);
	clear(p, e);
	free(e);
}

void perf_maps__free(struct perf_maps *p)
{
	struct entry *e, *next;

	if (!p)
		return;
	HASH_ITER (hh, p->entries, e, next)
		drop(p, e);
	free(p);
}

/* The file, if it is one that may be believed. -ESRCH: the process has ended. */
static int open_map(struct perf_maps *p, pid_t pid)
{
	struct proc_info info;
	struct stat st;
	char path[64];
	pid_t inner;
	int fd, err;

	err = proc__inner_pid(p->proc, pid, &inner);
	if (!err)
		err = proc__info(p->proc, pid, &info);
	if (err)
		return err;
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", inner);
	/* Links are for those who want somebody else's file to be read. */
	fd = proc__open_inside(p->proc, pid, path, false);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) == 0 && (st.st_uid == info.uid || st.st_uid == 0) &&
	    st.st_size <= BYTES_MAX)
		return fd;
	close(fd);
	return -EACCES;
}

static struct perf_map *read_map(int fd, size_t size)
{
	char *text = xrealloc(NULL, size + 1, 1);
	size_t len = 0;

	while (len < size) {
		ssize_t n = pread(fd, text + len, size - len, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) /* it was cut meanwhile: what is there is what counts */
			break;
		len += n;
	}
	return perf_map__parse(text, len);
}

static void look(struct perf_maps *p, struct entry *e, uint64_t now_ns)
{
	_cleanup_(util__closep) int fd = open_map(p, e->pid);
	struct file_identity identity;
	uint64_t begin_ns;

	e->look_ns = now_ns + LOOK_NS;
	if (fd < 0 || file_identity__of(fd, &identity) < 0) {
		/* What a process had before it ended is still true of its stacks. */
		if (fd != -ESRCH)
			clear(p, e);
		return;
	}
	if (e->map && file_identity__equal(&identity, &e->identity))
		return;
	clear(p, e);
	begin_ns = util__monotonic_ns();
	e->map = read_map(fd, identity.size);
	e->identity = identity;
	e->bytes = 2 * identity.size; /* and about as much for the regions */
	p->bytes += e->bytes;
	e->look_ns += COST * (util__monotonic_ns() - begin_ns);
}

static void make_room(struct perf_maps *p, const struct entry *keep)
{
	struct entry *e, *next;

	HASH_ITER (hh, p->entries, e, next) {
		if (p->bytes <= TOTAL_BYTES && HASH_COUNT(p->entries) <= ENTRIES_MAX)
			return;
		if (e != keep)
			drop(p, e);
	}
}

const char *perf_maps__name(struct perf_maps *p, pid_t pid, uint64_t address, uint64_t now_ns)
{
	struct entry *e;

	HASH_FIND_INT(p->entries, &pid, e);
	if (!e) {
		e = xcalloc(1, sizeof(*e));
		e->pid = pid;
		HASH_ADD_INT(p->entries, pid, e);
	}
	if (now_ns >= e->look_ns) {
		look(p, e, now_ns);
		/* uthash keeps the order of adding. */
		HASH_DEL(p->entries, e);
		HASH_ADD_INT(p->entries, pid, e);
		make_room(p, e);
	}
	return e->map ? perf_map__find(e->map, address) : NULL;
}
