// SPDX-License-Identifier: GPL-2.0-only
#include "diff_read.h"

#include <errno.h>
#include <sys/stat.h>

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

int diff_read(const char *path, bool idle, struct diff_side **ret, char *error, size_t size)
{
	struct diff_side *side;
	FILE *file;
	int err = open_file(path, &file, error, size);

	if (err)
		return err;
	side = diff_side__new(path, idle);
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
