/* SPDX-License-Identifier: GPL-2.0-only */
/* A program started to be observed: held until the probes watch it, its exit status passed on. */
#ifndef COMMAND_H
#define COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

struct command_run {
	pid_t pid;
	int pidfd;
	int go_fd;   /* closing it lets the child go */
	int fail_fd; /* the child's errno if it could not be executed */
	bool ended;
	int status; /* exit status as a shell would give it; valid if ended */
};

/* Forks; the child waits before it executes argv, or calls run if that is not NULL. 0 or -errno. */
int command__start(struct command_run *c, char **argv, int (*run)(void));

/* Lets the child go. 0, or -errno if argv could not be executed. */
int command__go(struct command_run *c);

/* Has it ended? Collects its status. */
bool command__ended(struct command_run *c);

/* Ends a child that is still there (a demo's; one that never went). */
void command__stop(struct command_run *c);

#endif
