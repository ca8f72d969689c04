// SPDX-License-Identifier: GPL-2.0-only
/* /proc/PID/maps, and the files behind its lines. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "proc_internal.h"
#include "util.h"

static const char deleted_suffix[] = " (deleted)";

/* Reads a number of the base and the byte behind it, which must be `end`. NULL if it is not so. */
static char *number(char *s, unsigned int base, char end, uint64_t *ret)
{
	uint64_t value = 0;
	char *begin = s;

	for (;; s++) {
		unsigned int digit;

		if (*s >= '0' && *s <= '9')
			digit = *s - '0';
		else if (*s >= 'a' && *s <= 'f')
			digit = *s - 'a' + 10;
		else
			break;
		if (digit >= base || value > (UINT64_MAX - digit) / base)
			return NULL;
		value = value * base + digit;
	}
	if (s == begin || *s != end)
		return NULL;
	*ret = value;
	return s + 1;
}

/* A newline in a path is printed as \012; nothing else is escaped, not even the backslash. */
static void decode_path(char *s)
{
	char *to = strstr(s, "\\012");

	if (!to)
		return;
	for (s = to; *s;) {
		if (memcmp(s, "\\012", MIN(strlen(s) + 1, 4)) == 0) {
			*to++ = '\n';
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = 0;
}

/* START-END PERMS OFFSET MAJOR:MINOR INODE [PATH], ended by NUL. */
static bool parse_line(char *s, struct mapping *m)
{
	uint64_t major, minor;
	size_t len;
	char *perms;

	s = number(s, 16, '-', &m->start);
	s = s ? number(s, 16, ' ', &m->end) : NULL;
	if (!s || strnlen(s, 5) < 5 || s[4] != ' ')
		return false;
	perms = s;
	s = number(s + 5, 16, ' ', &m->offset);
	s = s ? number(s, 16, ':', &major) : NULL;
	s = s ? number(s, 16, ' ', &minor) : NULL;
	if (!s)
		return false;
	len = strspn(s, "0123456789");
	/* Mappings without a file may end right behind the inode. */
	if (!number(s, 10, s[len], &m->inode))
		return false;
	s += len;
	if (m->start >= m->end || major > UINT32_MAX || minor > UINT32_MAX || (*s && *s != ' '))
		return false;
	s += strspn(s, " ");
	m->write = perms[1] == 'w';
	m->exec = perms[2] == 'x';
	m->shared = perms[3] == 's';
	m->dev_major = major;
	m->dev_minor = minor;
	len = strlen(s);
	if (len >= sizeof(deleted_suffix) &&
	    strcmp(s + len - (sizeof(deleted_suffix) - 1), deleted_suffix) == 0)
		s[len - (sizeof(deleted_suffix) - 1)] = 0;
	decode_path(s);
	m->path = s;
	return true;
}

/* Of the text, only this is kept: most mappings of a process with many threads have no path. */
static void keep_paths(struct maps *maps)
{
	size_t size = 0;
	char *paths, *to;

	for (size_t i = 0; i < maps->n; i++)
		size += strlen(maps->items[i].path) + 1;
	paths = to = xcalloc(size, 1);
	for (size_t i = 0; i < maps->n; i++) {
		const char *path = maps->items[i].path;

		maps->items[i].path = to;
		to = stpcpy(to, path) + 1;
	}
	maps->paths = paths;
	maps->items = xrealloc(maps->items, maps->n, sizeof(*maps->items));
}

int proc__maps(struct proc *p, pid_t pid, struct maps **ret)
{
	_cleanup_(util__freep) char *path = proc__path(p, pid, "maps");
	_cleanup_(util__freep) char *text = NULL;
	size_t capacity = 0, len;
	struct maps *maps;
	uint64_t last = 0;
	char *s;
	int err;

	err = proc__read_all(path, &text, &len);
	if (err)
		return err;
	maps = xcalloc(1, sizeof(*maps));
	for (s = text; s < text + len;) {
		char *end = memchr(s, '\n', text + len - s);
		struct mapping m = { 0 };

		if (!end)
			end = text + len;
		*end = 0;
		/*
		 * A map that changes while it is read can show a range twice; the search in
		 * maps__find needs them in order.
		 */
		if (parse_line(s, &m) && m.start >= last) {
			array__grow(maps->items, maps->n, capacity);
			maps->items[maps->n++] = m;
			last = m.end;
		}
		s = end + 1;
	}
	keep_paths(maps);
	*ret = maps;
	return 0;
}

void maps__free(struct maps *m)
{
	if (!m)
		return;
	free(m->items);
	free(m->paths);
	free(m);
}

const struct mapping *maps__find(const struct maps *m, uint64_t address)
{
	size_t low = 0, high = m->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct mapping *item = &m->items[middle];

		if (address < item->start)
			high = middle;
		else if (address >= item->end)
			low = middle + 1;
		else
			return item;
	}
	return NULL;
}

/*
 * Opens a path for reading if it is a regular file. O_PATH first: opening a device or a FIFO has
 * effects or blocks, looking at it does neither. accept judges the file that is really open.
 */
static int open_regular(const char *path, const struct mapping *m,
			bool (*accept)(int fd, const struct stat *st, const struct mapping *m))
{
	_cleanup_(util__closep) int fd = open(path, O_PATH | O_CLOEXEC);
	char self[64];
	struct stat st;
	int ret;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOEXEC;
	if (!accept(fd, &st, m))
		return -ESTALE;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	ret = open(self, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return ret < 0 ? -errno : ret;
}

/* Overlay and btrfs report another device in stat than in maps, but the same inode number. */
static bool same_inode(int fd, const struct stat *st, const struct mapping *m)
{
	(void)fd;
	return st->st_ino == m->inode;
}

/*
 * A map_files link leads to the mapped file whatever its numbers are; the range can only have been
 * mapped anew since maps was read. Then the path differs.
 */
static bool same_link(int fd, const struct stat *st, const struct mapping *m)
{
	char self[64], path[PATH_MAX + sizeof(deleted_suffix)];
	size_t len = strlen(m->path);
	ssize_t n;

	if (same_inode(fd, st, m))
		return true;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	n = readlink(self, path, sizeof(path) - 1);
	if (n < 0)
		return false;
	path[n] = 0;
	return strncmp(path, m->path, len) == 0 &&
	       (!path[len] || strcmp(path + len, deleted_suffix) == 0);
}

/* By a path that is not the process's own, only the very file will do. */
static bool same_file(int fd, const struct stat *st, const struct mapping *m)
{
	return same_inode(fd, st, m) && major(st->st_dev) == m->dev_major &&
	       minor(st->st_dev) == m->dev_minor;
}

int proc__open_mapped(struct proc *p, pid_t pid, const struct mapping *m)
{
	_cleanup_(util__freep) char *link = NULL;
	_cleanup_(util__freep) char *path = NULL;
	int fd, here;

	if (m->path[0] != '/' || m->inode == 0)
		return -ENOENT;
	link = xasprintf("%s/%d/map_files/%" PRIx64 "-%" PRIx64, p->root, pid, m->start, m->end);
	fd = open_regular(link, m, same_link);
	if (fd >= 0)
		return fd;
	path = xasprintf("%s/%d/root%s", p->root, pid, m->path);
	fd = open_regular(path, m, same_inode);
	if (fd != -ENOENT)
		return fd;
	/* A process that has ended leads nowhere any more; its file most often is still there. */
	here = open_regular(m->path, m, same_file);
	return here < 0 ? fd : here;
}
