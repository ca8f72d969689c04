// SPDX-License-Identifier: GPL-2.0-only
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util.h"

static void child(struct command_run *c, char **argv, int (*run)(void), int go, int fail,
		  const struct sigaction *old, pid_t parent)
{
	ssize_t n;
	char byte;
	int err;

	close(c->go_fd);
	close(c->fail_fd);
	if (run)
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* it has no purpose without us */
	if (run && getppid() != parent)
		_exit(1);
	while ((n = read(go, &byte, 1)) < 0 && errno == EINTR)
		;
	if (n != 1) /* the observer ended before it let us go */
		_exit(1);
	close(go);
	sigaction(SIGCHLD, old, NULL);
	if (run) {
		close(fail);
		_exit(run());
	}
	execvp(argv[0], argv);
	err = errno;
	if (write(fail, &err, sizeof(err)) < 0)
		_exit(126);
	_exit(err == ENOENT ? 127 : 126);
}

int command__start(struct command_run *c, char **argv, int (*run)(void))
{
	struct sigaction standard = { .sa_handler = SIG_DFL }, old;
	pid_t parent = getpid();
	int go[2], fail[2], err;

	if (pipe2(go, O_CLOEXEC))
		return -errno;
	if (pipe2(fail, O_CLOEXEC)) {
		err = -errno;
		close(go[0]);
		close(go[1]);
		return err;
	}
	*c = (struct command_run){ .go_fd = go[1], .fail_fd = fail[0], .pidfd = -1 };
	/* where its children's ends are ignored, a program cannot learn their status */
	sigaction(SIGCHLD, &standard, &old);
	c->pid = fork();
	if (c->pid == 0)
		child(c, argv, run, go[0], fail[1], &old, parent);
	err = c->pid < 0 ? -errno : 0;
	close(go[0]);
	close(fail[1]);
	if (err) {
		close(go[1]);
		close(fail[0]);
		return err;
	}
	c->pidfd = syscall(SYS_pidfd_open, c->pid, 0);
	return 0;
}

int command__go(struct command_run *c)
{
	int err = 0;
	ssize_t n;

	n = write(c->go_fd, "", 1);
	if (n < 0)
		err = errno;
	close(c->go_fd);
	c->go_fd = -1;
	/* ends with nothing when the child closes its end by executing */
	while ((n = read(c->fail_fd, &err, sizeof(err))) < 0 && errno == EINTR)
		;
	close(c->fail_fd);
	c->fail_fd = -1;
	return n == sizeof(err) ? -err : 0;
}

bool command__ended(struct command_run *c)
{
	int status;

	if (c->ended || waitpid(c->pid, &status, WNOHANG) != c->pid)
		return c->ended;
	c->ended = true;
	c->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return true;
}

void command__stop(struct command_run *c)
{
	int status;

	if (c->pid > 0 && !c->ended) {
		kill(c->pid, SIGKILL);
		while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
			;
		c->ended = true;
	}
	util__closep(&c->go_fd);
	util__closep(&c->fail_fd);
	util__closep(&c->pidfd);
	*c = (struct command_run){ .ended = true, .go_fd = -1, .fail_fd = -1, .pidfd = -1 };
}
