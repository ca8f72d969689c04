// SPDX-License-Identifier: GPL-2.0-only
#include "batch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "export.h"
#include "util.h"

int batch__signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0 || sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	return fd;
}

/*
 * With a command, the terminal's Ctrl-C is the command's affair and its end is ours; a second one
 * ends us. What was meant for us alone is passed on.
 */
bool batch__signalled(struct batch *b)
{
	struct signalfd_siginfo info;
	bool end = false;

	while (read(b->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (!b->command || (info.ssi_signo == SIGINT && b->interrupted))
			end = true;
		else if (info.ssi_signo == SIGINT)
			b->interrupted = true;
		else
			kill(b->command->pid, info.ssi_signo);
	}
	return end;
}

static bool is_over(struct batch *b)
{
	if (batch__signalled(b))
		return true;
	if (b->command && command__ended(b->command))
		return true;
	return b->alive && !b->alive(b->alive_ctx);
}

/* Sleeps until the deadline, keeping house meanwhile. Returns whether the run is over. */
static bool wait_until(struct batch *b, uint64_t deadline)
{
	struct pollfd fds[] = {
		{ .fd = b->signal_fd, .events = POLLIN },
		{ .fd = b->command ? b->command->pidfd : -1, .events = POLLIN },
		{ .fd = collector__fd(b->collector), .events = POLLIN },
	};

	for (;;) {
		uint64_t next = collector__tick(b->collector), now;
		struct timespec timeout;

		if (is_over(b))
			return true;
		now = util__monotonic_ns();
		if (now >= deadline)
			return false;
		next = MIN(next, deadline - now);
		timeout = (struct timespec){ next / NSEC_PER_SEC, next % NSEC_PER_SEC };
		ppoll(fds, ARRAY_SIZE(fds), &timeout, NULL);
	}
}

static int write_output(struct batch *b, struct export_run *e, const struct snapshot *s)
{
	int err = export__print(e, b->output, s);

	b->write_failed = err;
	return err;
}

static int print(struct batch *b, struct export_run *e)
{
	struct snapshot *s;
	int err;

	err = collector__interval(b->collector, &s);
	if (err)
		return err;
	if (b->take)
		err = b->take(b->take_ctx, s);
	if (!err && b->output)
		err = write_output(b, e, s);
	for (const struct fail_on *const *f = b->options->fail_on; *f && !b->found[0]; f++)
		(*f)->found(s, b->found, sizeof(b->found));
	snapshot__free(s);
	return err;
}

int batch__run(struct batch *b)
{
	const struct options *o = b->options;
	uint64_t deadline = util__monotonic_ns();
	uint64_t end = o->duration_ns ? deadline + o->duration_ns : UINT64_MAX;
	struct export_run *e = export__new(o);
	bool over = false;
	int err = 0;

	for (unsigned long n = 0; !over && !err && !b->found[0] && (!o->count || n < o->count);
	     n++) {
		uint64_t now = util__monotonic_ns();

		/* intervals keep their rhythm; after a stop or a long reading it begins anew */
		deadline += o->delay_ns;
		if (deadline < now + o->delay_ns / 2)
			deadline = now + o->delay_ns;
		over = wait_until(b, MIN(deadline, end)) || deadline >= end;
		err = print(b, e);
	}
	if (!err && b->output)
		err = write_output(b, e, NULL);
	export__free(e);
	return err;
}
