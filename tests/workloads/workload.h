/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the workloads share. A workload times itself, synchronises by polling (never by a futex that
 * it is not about), and prints its truth as one line of JSON: when it ends, or as soon as what it
 * is about stands still.
 */
#ifndef WORKLOAD_H
#define WORKLOAD_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define UNUSED	    __attribute__((unused))
#define NOINLINE    __attribute__((noinline)) /* a function that stacks must show */
#define KEEP_FRAME  __asm__ volatile("")      /* after a call: it stays a call, not a jump */
#define NS_MS	    1000000ULL
#define NS_SECOND   1000000000ULL
#define SKIPPED	    77 /* exit status: this machine has not what the workload is about */
#define THREADS_MAX 256

/* x86 system calls that wait on a futex: futex, futex_waitv, futex_wait; i386: futex, futex_time64
 */
#define FUTEX_CALLS                     \
	{                               \
		202, 449, 455, 240, 422 \
	}

static UNUSED __attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

/* Result of a call that returns an error number, as pthread_* do. */
static UNUSED void must(int err, const char *what)
{
	if (err)
		die("%s: %s", what, strerror(err));
}

static UNUSED uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_SECOND + t.tv_nsec;
}

static UNUSED struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){ .tv_sec = ns / NS_SECOND, .tv_nsec = ns % NS_SECOND };
}

/* The time ns from now by a clock, for timed waits. */
static UNUSED struct timespec deadline(clockid_t clock, uint64_t ns)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return timespec_of(t.tv_sec * NS_SECOND + t.tv_nsec + ns);
}

/* Sleeps, and not in a futex. */
static UNUSED void pause_ns(uint64_t ns)
{
	struct timespec t = timespec_of(ns);

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

static UNUSED void spin_ns(uint64_t ns)
{
	uint64_t end = now_ns() + ns;

	while (now_ns() < end)
		;
}

/* Polls until *word is at least value. */
static UNUSED void await(const _Atomic int *word, int value)
{
	while (atomic_load(word) < value)
		pause_ns(50000);
}

/* The number of this thread as /proc has it: the one outside, in a PID namespace. */
static UNUSED pid_t outer_tid(void)
{
	char link[64] = "";
	int pid, tid;

	if (readlink("/proc/thread-self", link, sizeof(link) - 1) < 0 ||
	    sscanf(link, "%d/task/%d", &pid, &tid) != 2)
		die("/proc/thread-self: %s", strerror(errno));
	return tid;
}

static UNUSED pid_t outer_pid(void)
{
	char link[64] = "";

	if (readlink("/proc/self", link, sizeof(link) - 1) < 0)
		die("/proc/self: %s", strerror(errno));
	return atoi(link);
}

/* Reads a small file of /proc; false if it is gone. Not by stdio: fopen takes locks of its own. */
static UNUSED bool proc_read(char *buf, size_t size, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n < 0)
		return false;
	buf[n] = '\0';
	return true;
}

/* The state letter of a thread: S, D, R, T... */
static UNUSED char thread_state(pid_t pid, pid_t tid)
{
	char path[64], line[512], *p;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	if (!proc_read(line, sizeof(line), path))
		die("%s: %s", path, strerror(errno));
	p = strrchr(line, ')');
	return p && p[1] ? p[2] : '?';
}

/* The number of the system call that a thread sleeps in, and its first argument; or -1. */
static UNUSED int thread_call(pid_t pid, pid_t tid, unsigned long long *argument)
{
	char path[64], line[256];
	int nr;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", pid, tid);
	if (!proc_read(line, sizeof(line), path))
		die("%s: %s", path, strerror(errno));
	return sscanf(line, "%d %llx", &nr, argument) == 2 ? nr : -1; /* "running" */
}

/*
 * Is the thread off-CPU in a wait on a futex word inside [from, from + size)? In state S: inside
 * the same call it may also be kept from running by a page fault, which is no wait.
 */
static UNUSED bool asleep_on(pid_t pid, pid_t tid, const volatile void *from, size_t size)
{
	static const int calls[] = FUTEX_CALLS;
	unsigned long long word;
	int nr = thread_call(pid, tid, &word);
	size_t i;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (nr == calls[i])
			return word - (uintptr_t)from < size && thread_state(pid, tid) == 'S';
	return false;
}

/* The same, as a bounded wait. */
static UNUSED void await_asleep(pid_t pid, pid_t tid, const volatile void *from, size_t size)
{
	uint64_t end = now_ns() + 10 * NS_SECOND;

	while (!asleep_on(pid, tid, from, size)) {
		if (now_ns() > end)
			die("thread %d never slept", tid);
		pause_ns(50000);
	}
}

/* A shared, zeroed mapping that children inherit at the same address. */
static UNUSED void *shared_page(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	return p;
}

/* A process that ends with this one; in it, 0. The calling thread must be the main one. */
static UNUSED pid_t fork_child(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (!pid && prctl(PR_SET_PDEATHSIG, SIGKILL))
		die("prctl: %s", strerror(errno));
	return pid;
}

static UNUSED void thread_start(void *(*start)(void *), void *arg)
{
	pthread_t thread;

	must(pthread_create(&thread, NULL, start, arg), "pthread_create");
	pthread_detach(thread);
}

/* The address of an object, for the truth. */
static UNUSED const char *address(char buf[32], const volatile void *object)
{
	snprintf(buf, 32, "0x%lx", (unsigned long)(uintptr_t)object);
	return buf;
}

static UNUSED void pin_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity: %s", strerror(errno));
}

/* The lowest CPU that this process may run on. */
static UNUSED int first_cpu(void)
{
	cpu_set_t set;
	int cpu = 0;

	if (sched_getaffinity(0, sizeof(set), &set))
		die("sched_getaffinity: %s", strerror(errno));
	while (cpu < CPU_SETSIZE - 1 && !CPU_ISSET(cpu, &set))
		cpu++;
	return cpu;
}

/* Argument i as a number, or a default. */
static UNUSED double argument(int argc, char **argv, int i, double otherwise)
{
	char *end;
	double n;

	if (i >= argc)
		return otherwise;
	n = strtod(argv[i], &end);
	if (*end || end == argv[i] || n < 0)
		die("%s: not a number: %s", argv[0], argv[i]);
	return n;
}

static UNUSED int threads_argument(int argc, char **argv, int i, int otherwise)
{
	double n = argument(argc, argv, i, otherwise);

	if (n < 1 || n > THREADS_MAX)
		die("%s: 1 to %d threads", argv[0], THREADS_MAX);
	return n;
}

/* CPU time of a thread so far. */
static UNUSED uint64_t thread_cpu_ns(pthread_t thread)
{
	struct timespec t;
	clockid_t clock;

	must(pthread_getcpuclockid(thread, &clock), "pthread_getcpuclockid");
	clock_gettime(clock, &t);
	return t.tv_sec * NS_SECOND + t.tv_nsec;
}

#endif
