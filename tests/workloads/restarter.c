// SPDX-License-Identifier: GPL-2.0-only
/*
 * restarter: a futex wait with a relative time-out, stopped and continued in its middle: the kernel
 * goes on with it as restart_syscall. The time that it was stopped for is no wait.
 */
#include "workload.h"

#define WAIT_NS NS_SECOND
#define STOP_NS (200 * NS_MS)

static struct shared {
	_Atomic uint32_t word;
	uint64_t stopped_ns, restarted;
} * s;

static void disturb(pid_t pid)
{
	unsigned long long word;
	uint64_t start;

	await_asleep(pid, pid, &s->word, sizeof(s->word));
	pause_ns(WAIT_NS / 4);
	start = now_ns();
	kill(pid, SIGSTOP);
	while (thread_state(pid, pid) != 'T')
		pause_ns(50000);
	pause_ns(STOP_NS);
	kill(pid, SIGCONT);
	s->stopped_ns = now_ns() - start;
	while (now_ns() - start < WAIT_NS / 2 && !s->restarted) {
		pause_ns(NS_MS);
		s->restarted = thread_call(pid, pid, &word) == SYS_restart_syscall;
	}
	_exit(0);
}

int main(void)
{
	struct timespec limit = timespec_of(WAIT_NS);
	pid_t pid = getpid(), child;
	uint64_t start, wait_ns;
	long ret;

	s = shared_page(sizeof(*s));
	child = fork();
	if (child < 0)
		die("fork: %s", strerror(errno));
	if (!child)
		disturb(pid);
	start = now_ns();
	ret = syscall(SYS_futex, &s->word, FUTEX_WAIT, 0, &limit, NULL, 0);
	wait_ns = now_ns() - start;
	if (ret != -1 || errno != ETIMEDOUT)
		die("futex: %ld, %s", ret, strerror(errno));
	waitpid(child, NULL, 0);
	if (!s->restarted)
		die("the wait was not restarted");
	printf("{\"pid\":%d,\"lock\":\"%p\",\"kind\":\"futex\",\"wait_ns\":%llu,\"stopped_ns\":%"
	       "llu,"
	       "\"timeouts\":1}\n",
	       pid, (void *)&s->word, (unsigned long long)(wait_ns - s->stopped_ns),
	       (unsigned long long)s->stopped_ns);
	return 0;
}
