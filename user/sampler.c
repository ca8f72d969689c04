// SPDX-License-Identifier: GPL-2.0-only
#include "sampler.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util.h"

struct sampler {
	uint64_t period_ns; /* 0: off */
	int n;
	int fds[];
};

/*
 * The software clock: it is there without a PMU too, and its ticks are timer interrupts, not NMIs,
 * which the program relies on. A CPU that idles is not sampled, but its timer would wake it.
 */
static int open_clock(int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = NSEC_PER_SEC,
		.disabled = 1,
		.exclude_idle = 1,
	};
	int fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

bool sampler__possible(void)
{
	int cpu = sched_getcpu();
	int fd = open_clock(cpu < 0 ? 0 : cpu);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* Without a link: the program goes with the event, which closing its only descriptor ends. */
static int add_clock(struct sampler *s, int cpu, int prog_fd)
{
	int fd = open_clock(cpu);

	if (fd == -ENODEV) /* this CPU is not there, or offline */
		return 0;
	if (fd < 0)
		return fd;
	s->fds[s->n++] = fd;
	return ioctl(fd, PERF_EVENT_IOC_SET_BPF, prog_fd) ? -errno : 0;
}

int sampler__new(int prog_fd, struct sampler **ret)
{
	int cpus = libbpf_num_possible_cpus(), err = 0;
	struct sampler *s;

	if (cpus < 0)
		return cpus;
	s = xcalloc(1, sizeof(*s) + cpus * sizeof(s->fds[0]));
	for (int cpu = 0; cpu < cpus && !err; cpu++)
		err = add_clock(s, cpu, prog_fd);
	if (err) {
		sampler__free(s);
		return err;
	}
	*ret = s;
	return 0;
}

void sampler__free(struct sampler *s)
{
	for (int i = 0; s && i < s->n; i++)
		close(s->fds[i]);
	free(s);
}

void sampler__set(struct sampler *s, uint64_t period_ns)
{
	if (period_ns == s->period_ns)
		return;
	for (int i = 0; i < s->n; i++) {
		/* a CPU that went offline took its event with it: nothing to be done */
		if (period_ns)
			ioctl(s->fds[i], PERF_EVENT_IOC_PERIOD, &period_ns);
		if (!period_ns != !s->period_ns)
			ioctl(s->fds[i], period_ns ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE,
			      0);
	}
	s->period_ns = period_ns;
}
