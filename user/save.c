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

/* What is to be written: one of these. */
struct content {
	const struct snapshot *snapshot;
	const struct options *options;
	const struct text_page *dump;
};

/* locktop-WHAT-YYYYmmdd-HHMMSS[-NUMBER].SUFFIX */
static void make_name(const char *what, time_t time, int number, const char *suffix, char *name,
		      size_t size)
{
	char when[32] = "", count[16] = "";
	struct tm tm;

	if (localtime_r(&time, &tm))
		strftime(when, sizeof(when), "%Y%m%d-%H%M%S", &tm);
	if (number)
		snprintf(count, sizeof(count), "-%d", number + 1);
	snprintf(name, size, "locktop-%s-%s%s.%s", what, when, count, suffix);
}

/* A host's name is whatever its administrator wrote; only harmless characters become a file's. */
static void clean_host(const struct snapshot *s, char *host, size_t size)
{
	snprintf(host, size, "%s", s->host ? s->host : "unknown");
	for (char *c = host; *c; c++)
		if (!isascii(*c) || (!isalnum(*c) && *c != '.' && *c != '-'))
			*c = '_';
}

static int write_content(FILE *out, const struct content *content)
{
	const struct exporter *json = exporter__find("json");

	if (content->dump)
		return fputs(content->dump->text, out) < 0 ? (errno ? -errno : -EIO) : 0;
	return json ? json->write(out, content->snapshot, content->options, true) : -ENOENT;
}

static int write_all(int fd, const struct content *content)
{
	FILE *out = fdopen(fd, "w");
	int err;

	if (!out) {
		err = -errno;
		close(fd);
		return err;
	}
	err = write_content(out, content);
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

static int save(const struct content *content, const char *what, time_t time, const char *suffix,
		char *name, size_t size)
{
	char draft[] = ".locktop-XXXXXX", try[160];
	int fd = mkostemp(draft, O_CLOEXEC); /* 0600, new */
	int err;

	if (fd < 0)
		return -errno;
	err = write_all(fd, content);
	for (int i = 0; !err && i < TRIES; i++) {
		make_name(what, time, i, suffix, try, sizeof(try));
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

int save__snapshot(const struct snapshot *s, const struct options *o, char *name, size_t size)
{
	const struct content content = { .snapshot = s, .options = o };
	char host[65];

	clean_host(s, host, sizeof(host));
	return save(&content, host, s->time.tv_sec, "json", name, size);
}

int save__dump(const struct text_page *dump, char *name, size_t size)
{
	const struct content content = { .dump = dump };
	char what[32];

	snprintf(what, sizeof(what), "dump-%d", (int)dump->pid);
	return save(&content, what, dump->time.tv_sec, "txt", name, size);
}
