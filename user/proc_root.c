// SPDX-License-Identifier: GPL-2.0-only
/* Files that no mapping leads to, by their path as a process sees it. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proc_internal.h"
#include "util.h"

int proc__open_inside(struct proc *p, pid_t pid, const char *path, bool follow)
{
	_cleanup_(util__freep) char *root = pid ? proc__path(p, pid, "root") : xstrdup("/");
	_cleanup_(util__closep) int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(util__closep) int fd = -1;
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW),
		.resolve = RESOLVE_IN_ROOT,
	};
	char self[64];
	struct stat st;
	int ret;

	if (dir < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOEXEC;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	ret = open(self, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return ret < 0 ? -errno : ret;
}

int proc__inner_pid(struct proc *p, pid_t pid, pid_t *ret)
{
	_cleanup_(util__freep) char *path = proc__path(p, pid, "status");
	_cleanup_(util__freep) char *text = NULL;
	long value = 0;
	char *s, *end;
	int err;

	err = proc__read_all(path, &text, NULL);
	if (err)
		return err;
	/* Newlines inside of Name are escaped by the kernel. */
	s = strstr(text, "\nNSpid:");
	if (!s)
		return -EBADMSG;
	end = s + strlen("\nNSpid:");
	do { /* one for each namespace, the innermost last */
		s = end + strspn(end, " \t");
		if (!isdigit((unsigned char)*s))
			break;
		value = strtol(s, &end, 10);
	} while (end > s);
	if (value <= 0 || value > INT_MAX)
		return -EBADMSG;
	*ret = value;
	return 0;
}

int proc__pid_namespace(struct proc *p, pid_t pid, uint64_t *ret)
{
	_cleanup_(util__freep) char *path =
		pid ? proc__path(p, pid, "ns/pid") : xasprintf("%s/self/ns/pid", p->root);
	unsigned long long inode;
	char link[64];
	ssize_t n = readlink(path, link, sizeof(link) - 1);

	if (n < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	link[n] = 0;
	if (sscanf(link, "pid:[%llu]", &inode) != 1)
		return -EBADMSG;
	*ret = inode;
	return 0;
}
