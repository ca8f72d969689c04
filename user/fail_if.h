/* SPDX-License-Identifier: GPL-2.0-only */
/* What a comparison may fail by (--fail-if), for jobs that must notice when locks get worse. */
#ifndef FAIL_IF_H
#define FAIL_IF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct diff;

enum fail_if_what { FAIL_IF_FIGURE, FAIL_IF_NEW, FAIL_IF_DEADLOCKS };

struct fail_if {
	const char *text; /* as it was given; outlives this */
	size_t name_len;  /* of the name at its begin, which may be a glob; 0: any lock */
	enum fail_if_what what;
	int figure; /* enum diff_figure */
	bool less;
	bool ratio;   /* of B by A; else the figure of B */
	double limit; /* as in struct diff_value */
};

/* 0; or -EINVAL with a line in error. */
int fail_if__parse(const char *text, struct fail_if *ret, char *error, size_t size);

/* Have the sides what it asks for? If not, a line in error says what is missing. */
bool fail_if__can_tell(const struct fail_if *f, const struct diff *d, char *error, size_t size);

/*
 * Is it so? Then message (one line) says where. Locks whose load is below min_load on both sides
 * are left out.
 */
bool fail_if__check(const struct fail_if *f, const struct diff *d, double min_load, char *message,
		    size_t size);

/* Lists what conditions may be about. */
void fail_if__help(FILE *out);

#endif
