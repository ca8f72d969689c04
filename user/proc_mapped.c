// SPDX-License-Identifier: GPL-2.0-only
/* Files that processes map: which ones, by what path, and whether there may be new ones. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "proc_internal.h"
#include "util.h"

static char *link_path(struct proc *p, pid_t pid, const struct mapping *m)
{
	return xasprintf("%s/%d/map_files/%" PRIx64 "-%" PRIx64, p->root, pid, m->start, m->end);
}

static bool is_same(const char *path, const struct stat *st)
{
	struct stat other;

	return stat(path, &other) == 0 && S_ISREG(other.st_mode) && other.st_dev == st->st_dev &&
	       other.st_ino == st->st_ino;
}

int proc__stat_mapped(struct proc *p, pid_t pid, const struct mapping *m, struct stat *ret)
{
	_cleanup_(util__freep) char *link = NULL;
	_cleanup_(util__closep) int fd = -1;
	struct stat st;

	if (m->path[0] != '/' || m->inode == 0)
		return -ENOENT;
	link = link_path(p, pid, m);
	/* Some file systems show another inode in maps; then more has to be compared. */
	if (stat(link, &st) < 0 || st.st_ino != m->inode) {
		fd = proc__open_mapped(p, pid, m);
		if (fd < 0)
			return fd;
		if (fstat(fd, &st) < 0)
			return -errno;
	}
	if (!S_ISREG(st.st_mode))
		return -ENOEXEC;
	*ret = st;
	return 0;
}

char *proc__mapped_path(struct proc *p, pid_t pid, const struct mapping *m, const struct stat *st,
			bool *lasting)
{
	_cleanup_(util__freep) char *inside = xasprintf("%s/%d/root%s", p->root, pid, m->path);
	char *link;

	if (m->path[0] == '/' && is_same(m->path, st)) {
		*lasting = true;
		return xstrdup(m->path);
	}
	*lasting = false;
	if (is_same(inside, st))
		return xstrdup(inside);
	link = link_path(p, pid, m);
	if (is_same(link, st))
		return link;
	free(link);
	return NULL;
}

int proc__sizes(struct proc *p, pid_t pid, struct proc_sizes *ret)
{
	_cleanup_(util__freep) char *path = proc__path(p, pid, "statm");
	struct proc_sizes sizes;
	char text[256];
	int n = util__read_file(path, text, sizeof(text));

	if (n < 0)
		return n == -ENOENT ? -ESRCH : n;
	/* size resident shared text lib data dirty */
	if (sscanf(text, "%" SCNu64 " %*u %*u %" SCNu64 " %*u %" SCNu64, &sizes.size, &sizes.text,
		   &sizes.data) != 3)
		return -EBADMSG;
	*ret = sizes;
	return 0;
}
