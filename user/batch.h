/* SPDX-License-Identifier: GPL-2.0-only */
/* Batch output: an interval after the other, printed. */
#ifndef BATCH_H
#define BATCH_H

#include "collector.h"
#include "command.h"
#include "output.h"

struct batch {
	const struct options *options;
	struct collector *collector;
	struct output *output; /* NULL: nothing is printed */
	/* takes each interval, before it is printed: 0 or -errno; NULL: nobody does */
	int (*take)(void *ctx, const struct snapshot *s);
	void *take_ctx;
	struct command_run *command; /* NULL: none was started */
	bool (*alive)(void *ctx);    /* is there still something to observe? NULL: always */
	void *alive_ctx;
	int signal_fd;	   /* SIGINT, SIGTERM, SIGHUP */
	bool interrupted;  /* Ctrl-C came once and was left to the command */
	char found[256];   /* "": none of options->fail_on; else what was seen, in one line */
	bool write_failed; /* batch__run's error came from the output, not from the source */
};

/*
 * Until options->count intervals are over, one of options->fail_on is seen, the command or all
 * observed processes have ended, or a signal came; the interval that this cuts short is printed
 * too. 0 or -errno.
 */
int batch__run(struct batch *b);

/* Did a signal come that ends us? Others are passed on to the command. */
bool batch__signalled(struct batch *b);

/* Blocks the signals that end a run and returns a descriptor that tells of them, or -errno. */
int batch__signals(void);

#endif
