/* SPDX-License-Identifier: GPL-2.0-only */
/* argv -> one const struct options. No global state. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "fail_if.h"
#include "fail_on.h"
#include "fields.h"

enum command {
	COMMAND_TOP,
	COMMAND_CHECK,
	COMMAND_DEMO,
	COMMAND_DUMP,
	COMMAND_RECORD,
	COMMAND_REPORT,
	COMMAND_DIFF,
	COMMAND_SERVE,
	COMMAND_HELP,
	COMMAND_VERSION
};

#define OPTIONS_PIDS_MAX    256
#define OPTIONS_FAIL_ON_MAX 8
#define OPTIONS_FILES_MAX   2
#define OPTIONS_FAIL_IF_MAX 32

struct options {
	enum command command;
	const char *files[OPTIONS_FILES_MAX]; /* that the command is about */
	int n_files;
	pid_t pids[OPTIONS_PIDS_MAX];
	int n_pids;
	const char *comm;   /* glob; NULL: any */
	const char *user;   /* as given; NULL: any */
	uid_t uid;	    /* of user */
	const char *cgroup; /* NULL: any */
	uint64_t delay_ns;
	unsigned long count;  /* 0: no end */
	uint64_t duration_ns; /* 0: no end */
	bool batch;
	bool live; /* the live screen was not excluded: no -b, -f, -o, CMD, and stdout a terminal */
	const char *format;	  /* a name in the table of export.c */
	const char *output;	  /* NULL: stdout */
	bool print;		  /* record: each interval goes to stdout as well */
	const struct field *sort; /* of locks; NULL: the default */
	const char *sort_key;	  /* as given, for the entities that have it */
	bool reverse;
	bool idle;
	unsigned int top; /* locks a process in batch output; 0: all */
	unsigned int max_locks;
	unsigned int max_threads;
	unsigned int samples_lock;   /* stack samples a second for each lock */
	unsigned int samples_second; /* and in all */
	unsigned int stack_bytes;
	unsigned int events; /* sleeps kept one by one, a second at most; 0: none */
	const struct fail_on *fail_on[OPTIONS_FAIL_ON_MAX]; /* ends with NULL */
	bool exact;					    /* the exact tier */
	pid_t exact_pids[OPTIONS_PIDS_MAX]; /* only for these; none: for all that is observed */
	int n_exact_pids;
	const char *suppressions;	/* NULL: the user's file */
	double budget;			/* percent of one CPU that the exact tier may take */
	bool debuginfod;		/* debug files may be asked for over the network */
	uint64_t max_bytes;		/* of a recording; 0: no bound */
	uint64_t keep_ns;		/* age of its oldest interval; 0: no bound */
	const char *from, *to;		/* times in a recording, as given; NULL: its ends */
	bool sum;			/* one snapshot of all intervals of a recording */
	const char *listen;		/* where to serve; NULL: the default */
	const char *tls_cert, *tls_key; /* files; NULL: without TLS */
	const char *token_file;		/* NULL: nobody is asked for a token */
	struct fail_if fail_if[OPTIONS_FAIL_IF_MAX];
	size_t n_fail_if;
	double min_load; /* locks below it are not judged by fail_if */
	char **argv;	 /* CMD ARG..., or NULL */
};

/*
 * Fills *ret. 0; or a negative value after filling error (one line without newline) for wrong
 * usage. tty: stdout is a terminal. argv must outlive *ret.
 */
int options__parse(int argc, char **argv, bool tty, struct options *ret, char *error, size_t size);

/* Prints --help, from the tables of options, fields, formats and keys. */
void options__help(FILE *out);

#endif
