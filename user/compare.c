// SPDX-License-Identifier: GPL-2.0-only
#include "compare.h"

#include <errno.h>
#include <string.h>

#include "diff.h"
#include "diff_read.h"

static int print(const struct diff *d, const struct options *o, struct output *output, char *error)
{
	bool json = !strcmp(o->format, "json");
	int err =
		json ? diff_json__write(output->file, d, o) : diff_text__write(output->file, d, o);

	if (!err)
		err = output__commit(output);
	if (err)
		snprintf(error, COMPARE_LINE, "cannot write to %s: %s",
			 o->output ? o->output : "stdout", strerror(-err));
	return err;
}

/* What cannot be told must not look as if all were well. */
static int judge(const struct diff *d, const struct options *o, char *found, char *error)
{
	for (size_t i = 0; i < o->n_fail_if; i++)
		if (!fail_if__can_tell(&o->fail_if[i], d, error, COMPARE_LINE))
			return -ENODATA;
	for (size_t i = 0; i < o->n_fail_if && !found[0]; i++)
		fail_if__check(&o->fail_if[i], d, o->min_load, found, COMPARE_LINE);
	return 0;
}

int compare__run(const struct options *o, struct output *output, char found[COMPARE_LINE],
		 char error[COMPARE_LINE])
{
	struct diff_side *sides[DIFF_SIDES] = {};
	struct diff *d = NULL;
	int err = 0;

	found[0] = 0;
	for (int i = 0; i < DIFF_SIDES && !err; i++)
		err = diff_read(o->files[i], o->idle, &sides[i], error, COMPARE_LINE);
	if (!err) {
		d = diff__new(sides[DIFF_A], sides[DIFF_B]);
		err = print(d, o, output, error);
	}
	if (!err)
		err = judge(d, o, found, error);
	diff__free(d);
	for (int i = 0; i < DIFF_SIDES; i++)
		diff_side__free(sides[i]);
	return err;
}
