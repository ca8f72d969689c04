// SPDX-License-Identifier: GPL-2.0-only
#include "save.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "export.h"
#include "util.h"

/* Exports within one second get a number. */
#define TRIES 100

/* A host's name is whatever its administrator wrote; only harmless characters become a file's. */
static void make_name(const struct snapshot *s, int number, char *name, size_t size)
{
	char host[65] = "", when[32] = "", suffix[16] = "";
	struct tm tm;

	snprintf(host, sizeof(host), "%s", s->host ? s->host : "unknown");
	for (char *c = host; *c; c++)
		if (!isascii(*c) || (!isalnum(*c) && *c != '.' && *c != '-'))
			*c = '_';
	if (localtime_r(&s->time.tv_sec, &tm))
		strftime(when, sizeof(when), "%Y%m%d-%H%M%S", &tm);
	if (number)
		snprintf(suffix, sizeof(suffix), "-%d", number + 1);
	snprintf(name, size, "locktop-%s-%s%s.json", host, when, suffix);
}

static int write_all(int fd, const struct snapshot *s, const struct options *o)
{
	const struct exporter *json = exporter__find("json");
	FILE *out = json ? fdopen(fd, "w") : NULL;
	int err;

	if (!out) {
		err = json ? -errno : -ENOENT;
		close(fd);
		return err;
	}
	err = json->write(out, s, o, true);
	if (!err && (fflush(out) || ferror(out)))
		err = errno ? -errno : -EIO;
	if (fclose(out) && !err)
		err = -errno;
	return err;
}

/* Gives the finished file its name; never takes the name from another. */
static int publish(const char *draft, const char *name)
{
	if (!renameat2(AT_FDCWD, draft, AT_FDCWD, name, RENAME_NOREPLACE))
		return 0;
	/* Not every file system can do that. */
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (link(draft, name))
		return -errno;
	unlink(draft);
	return 0;
}

int save__snapshot(const struct snapshot *s, const struct options *o, char *name, size_t size)
{
	char draft[] = ".locktop-XXXXXX", try[160];
	int fd = mkostemp(draft, O_CLOEXEC); /* 0600, new */
	int err;

	if (fd < 0)
		return -errno;
	err = write_all(fd, s, o);
	for (int i = 0; !err && i < TRIES; i++) {
		make_name(s, i, try, sizeof(try));
		err = publish(draft, try);
		if (!err) {
			snprintf(name, size, "%s", try);
			return 0;
		}
		if (err == -EEXIST && i + 1 < TRIES)
			err = 0;
	}
	unlink(draft);
	return err;
}
