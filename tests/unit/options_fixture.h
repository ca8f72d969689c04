/* SPDX-License-Identifier: GPL-2.0-only */
/* Command lines as words, and what becomes of them. */
#ifndef OPTIONS_FIXTURE_H
#define OPTIONS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "../../user/options.h"
#include "../../user/util.h"

#define ARGS_MAX 12

/* A command line in the making: a copy, as getopt_long moves words about. */
struct line {
	char *argv[ARGS_MAX + 2];
	int argc;
	char error[512];
};

static inline int parse(struct line *l, bool tty, struct options *o, const char *const *args)
{
	l->argc = 1;
	l->argv[0] = (char *)"locktop";
	while (*args) {
		assert_true(l->argc <= ARGS_MAX);
		l->argv[l->argc++] = (char *)*args++;
	}
	l->argv[l->argc] = NULL;
	snprintf(l->error, sizeof(l->error), "untouched");
	return options__parse(l->argc, l->argv, tty, o, l->error, sizeof(l->error));
}

#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NO_ARGS	  ((const char *const[]){ NULL })

static inline void assert_fine(const char *const *args, struct options *o)
{
	static struct line l; /* o->argv is a part of it */

	if (parse(&l, true, o, args))
		fail_msg("%s: %s", args[0], l.error);
	assert_string_equal(l.error, "untouched");
}

/* Refused in one line that names this; nothing is filled in. */
static inline void assert_wrong(const char *const *args, const char *named)
{
	struct options o = { .count = 4711 };
	struct line l;

	if (parse(&l, true, &o, args) >= 0)
		fail_msg("%s %s is taken", args[0], args[1] ?: "");
	if (!strstr(l.error, named))
		fail_msg("%s %s: no '%s' in: %s", args[0], args[1] ?: "", named, l.error);
	assert_true(*l.error && strcmp(l.error, "untouched"));
	assert_null(strchr(l.error, '\n'));
	assert_int_equal(o.count, 4711);
}

#endif
