// SPDX-License-Identifier: GPL-2.0-only
#include "proc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <uthash.h>

#include "proc_internal.h"
#include "util.h"

/* Far above what 65530 mappings (vm.max_map_count's default) take. */
#define FILE_BYTES_MAX	 (64u << 20)
#define PASSWD_BYTES_MAX (1u << 20)

/* Fields of /proc/PID/stat, counted from the one behind the name. */
enum { STAT_PPID = 1, STAT_THREADS = 17, STAT_START = 19 };

struct user_name {
	uid_t uid;
	char *name;
	UT_hash_handle hh;
};

struct proc *proc__new(const char *root)
{
	struct proc *p = xcalloc(1, sizeof(*p));

	p->root = xstrdup(root);
	return p;
}

void proc__free(struct proc *p)
{
	struct user_name *u, *next;

	if (!p)
		return;
	HASH_ITER (hh, p->users, u, next) {
		HASH_DEL(p->users, u);
		free(u->name);
		free(u);
	}
	proc_cgroup__done(p);
	free(p->root);
	free(p);
}

char *proc__path(struct proc *p, pid_t pid, const char *name)
{
	return xasprintf("%s/%d/%s", p->root, pid, name);
}

int proc__read_all(const char *path, char **ret, size_t *len)
{
	_cleanup_(util__closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t size = 16384, used = 0;
	char *buf;

	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	buf = xrealloc(NULL, size, 1);
	for (;;) {
		ssize_t n = read(fd, buf + used, size - 1 - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || size > FILE_BYTES_MAX) {
			int err = n < 0 ? -errno : -EFBIG;

			free(buf);
			return err;
		}
		if (n == 0)
			break;
		used += n;
		if (used == size - 1) {
			size *= 2;
			buf = xrealloc(buf, size, 1);
		}
	}
	buf[used] = 0;
	*ret = buf;
	if (len)
		*len = used;
	return 0;
}

/* The number in column `field` of a line of /proc/PID/status. */
static int status_number(const char *text, const char *key, int field, uint64_t *ret)
{
	size_t len = strlen(key);

	/* Newlines inside of Name are escaped by the kernel, so a line's begin can be trusted. */
	for (const char *s = text; s; s = strchr(s, '\n')) {
		char *end;

		s += *s == '\n';
		if (strncmp(s, key, len) != 0)
			continue;
		s += len;
		for (int i = 0;; i++) {
			uint64_t value;

			s += strspn(s, " \t");
			if (!isdigit((unsigned char)*s))
				return -EBADMSG;
			value = strtoull(s, &end, 10);
			if (i == field) {
				*ret = value;
				return 0;
			}
			s = end;
		}
	}
	return -EBADMSG;
}

/*
 * Splits /proc/PID/stat. The name stands in parentheses and may hold any byte, parentheses and
 * newlines too: it ends at the last one.
 */
static int parse_stat(char *text, struct proc_info *info)
{
	char *open = strchr(text, '('), *close = strrchr(text, ')'), *token, *save = NULL;
	int found = 0;

	if (!open || !close || close < open)
		return -EBADMSG;
	*close = 0;
	snprintf(info->comm, sizeof(info->comm), "%s", open + 1);
	token = strtok_r(close + 1, " \n", &save);
	for (int i = 0; token && i <= STAT_START; i++, token = strtok_r(NULL, " \n", &save)) {
		if (i == STAT_PPID)
			info->ppid = strtol(token, NULL, 10);
		else if (i == STAT_THREADS)
			info->threads = strtol(token, NULL, 10);
		else if (i == STAT_START)
			info->start_ticks = strtoull(token, NULL, 10);
		else
			continue;
		found++;
	}
	return found == 3 ? 0 : -EBADMSG;
}

int proc__info(struct proc *p, pid_t pid, struct proc_info *ret)
{
	_cleanup_(util__freep) char *stat_path = proc__path(p, pid, "stat");
	_cleanup_(util__freep) char *status_path = proc__path(p, pid, "status");
	_cleanup_(util__freep) char *stat = NULL;
	_cleanup_(util__freep) char *status = NULL;
	struct proc_info info = { 0 };
	uint64_t tgid, uid;
	int err;

	err = proc__read_all(stat_path, &stat, NULL);
	if (!err)
		err = parse_stat(stat, &info);
	if (!err)
		err = proc__read_all(status_path, &status, NULL);
	if (!err)
		err = status_number(status, "Tgid:", 0, &tgid);
	/* Of real, effective, saved and file system uid: the effective one, as ps shows. */
	if (!err)
		err = status_number(status, "Uid:", 1, &uid);
	if (err)
		return err;
	if (tgid == 0 || tgid > INT_MAX || uid > UINT32_MAX)
		return -EBADMSG;
	info.tgid = tgid;
	info.uid = uid;
	*ret = info;
	return 0;
}

int proc__thread_comm(struct proc *p, pid_t pid, pid_t tid, char *buf, size_t size)
{
	_cleanup_(util__freep) char *path = xasprintf("%s/%d/task/%d/comm", p->root, pid, tid);
	_cleanup_(util__freep) char *text = NULL;
	size_t len;
	int err;

	if (size == 0)
		return -EINVAL;
	err = proc__read_all(path, &text, &len);
	if (err)
		return err;
	/* Only the last newline is the kernel's. */
	if (len > 0 && text[len - 1] == '\n')
		text[len - 1] = 0;
	snprintf(buf, size, "%s", text);
	return 0;
}

static char *user_name(uid_t uid)
{
	struct passwd pw, *found = NULL;

	for (size_t size = 1024; size <= PASSWD_BYTES_MAX; size *= 2) {
		_cleanup_(util__freep) char *buf = xrealloc(NULL, size, 1);
		int err = getpwuid_r(uid, &pw, buf, size, &found);

		if (err == ERANGE)
			continue;
		if (err || !found)
			break;
		return xstrdup(pw.pw_name);
	}
	return xasprintf("%u", uid);
}

const char *proc__user(struct proc *p, uid_t uid)
{
	struct user_name *u;

	HASH_FIND(hh, p->users, &uid, sizeof(uid), u);
	if (!u) {
		u = xcalloc(1, sizeof(*u));
		u->uid = uid;
		u->name = user_name(uid);
		HASH_ADD(hh, p->users, uid, sizeof(uid), u);
	}
	return u->name;
}

ssize_t proc__read_memory(pid_t pid, uint64_t address, void *buf, size_t size)
{
	struct iovec local = { .iov_base = buf, .iov_len = size };
	struct iovec remote = { .iov_base = (void *)(uintptr_t)address, .iov_len = size };
	ssize_t n = process_vm_readv(pid, &local, 1, &remote, 1, 0);

	return n < 0 ? -errno : n;
}

static int each_number(const char *path, int (*fn)(pid_t pid, void *ctx), void *ctx)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int err = 0;

	if (!dir)
		return errno == ENOENT ? -ESRCH : -errno;
	while (!err && (entry = readdir(dir))) {
		char *end;
		long pid;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		errno = 0;
		pid = strtol(entry->d_name, &end, 10);
		if (*end || errno || pid <= 0 || pid > INT_MAX)
			continue;
		err = fn(pid, ctx);
	}
	closedir(dir);
	return err;
}

int proc__each(struct proc *p, int (*fn)(pid_t pid, void *ctx), void *ctx)
{
	return each_number(p->root, fn, ctx);
}

int proc__each_thread(struct proc *p, pid_t pid, int (*fn)(pid_t tid, void *ctx), void *ctx)
{
	_cleanup_(util__freep) char *path = proc__path(p, pid, "task");

	return each_number(path, fn, ctx);
}

int proc__switches(struct proc *p, pid_t tid, uint64_t *ret)
{
	_cleanup_(util__freep) char *path = proc__path(p, tid, "status");
	_cleanup_(util__freep) char *text = NULL;
	uint64_t voluntary, other;
	int err = proc__read_all(path, &text, NULL);

	if (!err)
		err = status_number(text, "voluntary_ctxt_switches:", 0, &voluntary);
	if (!err)
		err = status_number(text, "nonvoluntary_ctxt_switches:", 0, &other);
	if (!err)
		*ret = voluntary + other;
	return err;
}

int proc__self(struct proc *p, uint64_t *cpu_ns, uint64_t *rss_bytes)
{
	_cleanup_(util__freep) char *path = xasprintf("%s/self/statm", p->root);
	struct timespec ts;
	uint64_t pages;
	char buf[128];
	int len = util__read_file(path, buf, sizeof(buf));

	if (len < 0)
		return len;
	if (sscanf(buf, "%*u %" SCNu64, &pages) != 1)
		return -EBADMSG;
	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) < 0)
		return -errno;
	*cpu_ns = (uint64_t)ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
	*rss_bytes = pages * sysconf(_SC_PAGESIZE);
	return 0;
}
