/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /proc and process memory, under a root that tests can inject. Everything read here was written
 * by other people's programs.
 */
#ifndef PROC_H
#define PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct proc; /* a view of one /proc */
struct stat;

/* root: "/proc" or a test's directory. */
struct proc *proc__new(const char *root);
void proc__free(struct proc *p);

struct proc_info {
	pid_t tgid;
	pid_t ppid;
	uid_t uid;
	int threads;
	uint64_t start_ticks; /* since boot, in clock ticks: tells a reused pid */
	char comm[64];
};

/* 0 or -errno (-ESRCH: no such process). pid may be a thread's; tgid says whose. */
int proc__info(struct proc *p, pid_t pid, struct proc_info *ret);

/* The cgroup path of pid: of the v2 hierarchy if it is not at its root, else of v1. 0 or -errno. */
int proc__cgroup(struct proc *p, pid_t pid, char *buf, size_t size);
/* Is pid in this cgroup or below it, in any hierarchy? path may begin with the mount's path. */
bool proc__in_cgroup(struct proc *p, pid_t pid, const char *path);

/* comm of a thread. 0 or -errno. */
int proc__thread_comm(struct proc *p, pid_t pid, pid_t tid, char *buf, size_t size);

/* User name of uid, cached; the number as text where there is no name. Lives as long as p. */
const char *proc__user(struct proc *p, uid_t uid);

/* One mapping of a process. */
struct mapping {
	uint64_t start, end;
	uint64_t offset; /* in the file */
	uint64_t inode;
	uint32_t dev_major, dev_minor;
	bool exec, write, shared;
	const char *path; /* "" if anonymous; " (deleted)" removed */
};

struct maps {
	struct mapping *items; /* ascending */
	size_t n;
	char *paths;
};

/* 0 or -errno; *ret from malloc, for maps__free. */
int proc__maps(struct proc *p, pid_t pid, struct maps **ret);
void maps__free(struct maps *m);
const struct mapping *maps__find(const struct maps *m, uint64_t address);

/*
 * Opens the file behind a mapping as its process sees it: through /proc/PID/map_files (right for
 * deleted and replaced files), else /proc/PID/root/PATH if it still is the same inode; of a process
 * that has ended, PATH if that is the same inode of the same device. fd or -errno.
 */
int proc__open_mapped(struct proc *p, pid_t pid, const struct mapping *m);

/*
 * Looks at that file, most often without opening it. 0 or -errno; what is no regular file is
 * -ENOEXEC.
 */
int proc__stat_mapped(struct proc *p, pid_t pid, const struct mapping *m, struct stat *ret);

/*
 * A path that leads anybody to that file, of which st is known: its own, if this program sees the
 * same file there, else one under /proc/PID, good as long as the process (and, where the file was
 * deleted, the mapping) is there: *lasting tells them apart. From malloc; NULL: there is none.
 */
char *proc__mapped_path(struct proc *p, pid_t pid, const struct mapping *m, const struct stat *st,
			bool *lasting);

/* What changes when a process maps files: pages of memory in all, of code, of data. */
struct proc_sizes {
	uint64_t size, text, data; /* all 0: a kernel thread, or a process that has ended */
};
int proc__sizes(struct proc *p, pid_t pid, struct proc_sizes *ret); /* 0 or -errno */

/*
 * Opens a regular file by its path as pid sees it: symbolic links, the last one only with follow,
 * lead inside of its root. pid 0: as this program sees it. fd or -errno; -ESRCH: no such process.
 */
int proc__open_inside(struct proc *p, pid_t pid, const char *path, bool follow);

/* The number that pid has in its own namespace. 0 or -errno. */
int proc__inner_pid(struct proc *p, pid_t pid, pid_t *ret);

/* The PID namespace of a process, by its inode number; pid 0: this program's own. 0 or -errno. */
int proc__pid_namespace(struct proc *p, pid_t pid, uint64_t *ret);

/* How often a thread has left a CPU. 0 or -errno. */
int proc__switches(struct proc *p, pid_t tid, uint64_t *ret);

/* Reads another process's memory without stopping it. Bytes read (may be short) or -errno. */
ssize_t proc__read_memory(pid_t pid, uint64_t address, void *buf, size_t size);

/* Visits all processes (thread-group leaders) of this /proc. Stops when fn returns non-zero. */
int proc__each(struct proc *p, int (*fn)(pid_t pid, void *ctx), void *ctx);

/* The same for the threads of a process. */
int proc__each_thread(struct proc *p, pid_t pid, int (*fn)(pid_t tid, void *ctx), void *ctx);

/* CPU time and resident bytes of this program. */
int proc__self(struct proc *p, uint64_t *cpu_ns, uint64_t *rss_bytes);

#endif
