/* SPDX-License-Identifier: GPL-2.0-only */
/* What options*.c share: one parse in progress, and the table of options. */
#ifndef OPTIONS_INTERNAL_H
#define OPTIONS_INTERNAL_H

#include "options.h"

struct command_row; /* of options.c */

struct parse {
	struct options *o;
	char *error;
	size_t size;
	bool format_given;
	const struct command_row *command; /* NULL: none was given */
};

/* Writes the error. Always negative. */
int options__wrong(struct parse *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One row an option: parsing, --help and the man page's list come from here. */
struct option_row {
	char letter; /* 0: none */
	const char *name;
	const char *arg; /* NULL: takes none; "[=...]": may have one */
	int (*set)(struct parse *p, const char *arg);
	const char *help;
};

/* Of options_record.c. */
int options__set_duration(struct parse *p, const char *arg);
int options__set_max_size(struct parse *p, const char *arg);
int options__set_keep(struct parse *p, const char *arg);
int options__set_events(struct parse *p, const char *arg);

/* Sleeps one by one that are kept a second, where no other number is given. */
#define EVENTS_DEFAULT 20000

#define OPTION_ROWS_MAX 64

/* The table; it ends with a row without a name. */
extern const struct option_row option_rows[];

#endif
