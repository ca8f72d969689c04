// SPDX-License-Identifier: GPL-2.0-only
#include "diff_read.h"

#include <errno.h>
#include <sys/stat.h>

#include "store.h"
#include "util.h"

/* Opened read-only, and not a directory: those open, and then fail to be read. */
static int open_file(const char *path, FILE **ret, char *error, size_t size)
{
	struct stat st;
	FILE *file = fopen(path, "re");
	int err = file ? 0 : -errno;

	if (file && !fstat(fileno(file), &st) && S_ISDIR(st.st_mode))
		err = -EISDIR;
	if (err) {
		snprintf(error, size, "%s: %s", path, strerror(-err));
		if (file)
			fclose(file);
		return err;
	}
	*ret = file;
	return 0;
}

/* No line of JSON begins as a recording does ("SQLite format 3"). */
static bool is_recording(FILE *file)
{
	int c = getc(file);

	ungetc(c, file); /* EOF stays what it is */
	return c == 'S';
}

static int read_interval(struct store *store, size_t index, struct diff_side *side, char *error,
			 size_t size)
{
	char why[STORE_ERROR];
	struct snapshot *s;
	int err = store__read(store, index, &s, why);

	if (err) {
		snprintf(error, size, "%s", why);
		return err;
	}
	if (s->interval_ns)
		err = diff_side__add(side, s);
	else
		err = -EINVAL;
	if (err == -ENOSPC)
		snprintf(error, size, "%s: more than %d locks", side->path, DIFF_LOCKS);
	else if (err)
		snprintf(error, size, "%s: an interval without length", side->path);
	snapshot__free(s);
	return err;
}

static int read_recording(struct diff_side *side, char *error, size_t size)
{
	struct store *store;
	char why[STORE_ERROR];
	int err = store__open(side->path, &store, why);

	if (err) {
		snprintf(error, size, "%s", why);
		return err;
	}
	for (size_t i = 0, n = store__count(store); i < n && !err; i++)
		err = read_interval(store, i, side, error, size);
	store__close(store);
	return err;
}

int diff_read(const char *path, bool idle, struct diff_side **ret, char *error, size_t size)
{
	struct diff_side *side;
	FILE *file;
	int err = open_file(path, &file, error, size);

	if (err)
		return err;
	side = diff_side__new(path, idle);
	if (is_recording(file))
		err = read_recording(side, error, size);
	else
		err = diff_read__json(file, side, error, size);
	fclose(file);
	if (!err && !side->intervals) {
		snprintf(error, size, "%s: there is no interval in it", path);
		err = -ENODATA;
	}
	if (err)
		diff_side__free(side);
	else
		*ret = side;
	return err;
}
