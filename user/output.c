// SPDX-License-Identifier: GPL-2.0-only
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

static int open_temporary(struct output *o)
{
	int fd, err;

	o->temporary = xasprintf("%s.XXXXXX", o->path);
	fd = mkostemp(o->temporary, O_CLOEXEC); /* created 0600 */
	if (fd >= 0) {
		o->file = fdopen(fd, "w");
		if (o->file)
			return 0;
		err = -errno;
		close(fd);
		unlink(o->temporary);
	} else {
		err = -errno;
	}
	free(o->temporary);
	o->temporary = NULL;
	return err;
}

int output__open(struct output *o, const char *path)
{
	struct stat st;

	*o = (struct output){ .path = path };
	if (path && !*path)
		return -ENOENT;
	if (!path) {
		o->file = stdout;
		return 0;
	}
	if (stat(path, &st) || S_ISREG(st.st_mode))
		return open_temporary(o);
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	o->file = fopen(path, "we");
	return o->file ? 0 : -errno;
}

int output__write(struct output *o, const char *bytes, size_t size)
{
	if (fflush(o->file))
		return -errno;
	while (size) {
		ssize_t n = write(fileno(o->file), bytes, size);

		if (n < 0 && errno != EINTR)
			return -errno;
		bytes += n > 0 ? n : 0;
		size -= n > 0 ? n : 0;
	}
	return 0;
}

int output__commit(struct output *o)
{
	int err = 0;

	if (fflush(o->file) || ferror(o->file))
		err = errno ? -errno : -EIO;
	if (!o->path)
		return err;
	if (!err && o->temporary && fsync(fileno(o->file)))
		err = -errno;
	if (fclose(o->file) && !err)
		err = -errno;
	o->file = NULL;
	if (!err && o->temporary && rename(o->temporary, o->path))
		err = -errno;
	if (!err) {
		free(o->temporary);
		o->temporary = NULL;
	}
	output__abandon(o);
	return err;
}

void output__abandon(struct output *o)
{
	if (o->path && o->file)
		fclose(o->file);
	o->file = NULL;
	if (o->temporary)
		unlink(o->temporary);
	free(o->temporary);
	o->temporary = NULL;
}
