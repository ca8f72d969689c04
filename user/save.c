// SPDX-License-Identifier: GPL-2.0-only
#include "save.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "export.h"
#include "util.h"

/* Exports within one second get a number. */
#define TRIES 100

/* What is to be written. */
struct content {
	int (*write)(void *ctx, FILE *out);
	void *ctx;
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

/* A stream's own error says only that there was one; this keeps which. */
struct sink {
	int fd, err;
};

static ssize_t write_some(void *cookie, const char *bytes, size_t size)
{
	struct sink *sink = cookie;
	size_t done = 0;

	while (done < size && !sink->err) {
		ssize_t n = write(sink->fd, bytes + done, size - done);

		if (n >= 0)
			done += n;
		else if (errno != EINTR)
			sink->err = -errno;
	}
	return done;
}

/* Closes fd. */
static int write_all(int fd, const struct content *content)
{
	struct sink sink = { .fd = fd };
	FILE *out = fopencookie(&sink, "w", (cookie_io_functions_t){ .write = write_some });
	int err;

	if (!out) {
		close(fd);
		return -ENOMEM;
	}
	err = content->write(content->ctx, out);
	if (fclose(out) && !err)
		err = -EIO;
	if (!err && fsync(fd))
		err = -errno;
	if (close(fd) && !err)
		err = -errno;
	return sink.err ? sink.err : err;
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

/* An unfinished file in the directory of path, 0600. Returns its descriptor or -errno. */
static int make_draft(const char *path, char **draft)
{
	const char *slash = strrchr(path, '/');
	char *name = xasprintf("%.*s.locktop-XXXXXX", slash ? (int)(slash + 1 - path) : 0, path);
	int fd = mkostemp(name, O_CLOEXEC);

	if (fd < 0) {
		fd = -errno;
		free(name);
		return fd;
	}
	*draft = name;
	return fd;
}

static int save(const struct content *content, const char *what, time_t time, const char *suffix,
		char *name, size_t size)
{
	_cleanup_(util__freep) char *draft = NULL;
	int fd = make_draft("", &draft), err;
	char try[160];

	if (fd < 0)
		return fd;
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

struct json {
	const struct snapshot *snapshot;
	const struct options *options;
};

static int write_json(void *ctx, FILE *out)
{
	const struct json *json = ctx;

	return export_json__write(out, json->snapshot, json->options, true);
}

static int write_text(void *ctx, FILE *out)
{
	return fputs(ctx, out) < 0 ? -EIO : 0;
}

int save__snapshot(const struct snapshot *s, const struct options *o, char *name, size_t size)
{
	struct json json = { s, o };
	const struct content content = { write_json, &json };
	char host[65];

	clean_host(s, host, sizeof(host));
	return save(&content, host, s->time.tv_sec, "json", name, size);
}

static void name_dump(const struct text_page *dump, char *what, size_t size)
{
	snprintf(what, size, "dump-%d", (int)dump->pid);
}

int save__dump(const struct text_page *dump, char *name, size_t size)
{
	const struct content content = { write_text, dump->text };
	char what[32];

	name_dump(dump, what, sizeof(what));
	return save(&content, what, dump->time.tv_sec, "txt", name, size);
}

static void propose(const char *what, time_t time, const char *suffix, char *name, size_t size)
{
	struct stat st;

	for (int i = 0; i < TRIES; i++) {
		make_name(what, time, i, suffix, name, size);
		if (lstat(name, &st))
			return;
	}
}

void save__propose(const struct snapshot *s, const char *suffix, char *name, size_t size)
{
	char host[65];

	clean_host(s, host, sizeof(host));
	propose(host, s->time.tv_sec, suffix, name, size);
}

void save__propose_dump(const struct text_page *dump, char *name, size_t size)
{
	char what[32];

	name_dump(dump, what, sizeof(what));
	propose(what, dump->time.tv_sec, "txt", name, size);
}

/* What stands in the way is said before anything is written. */
static int check_place(const char *path)
{
	size_t length = strlen(path);
	struct stat st;

	if (length && path[length - 1] == '/')
		return -EISDIR;
	if (!lstat(path, &st))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EEXIST;
	return errno == ENOENT && length ? 0 : -errno;
}

int save__as(const char *path, int (*write)(void *ctx, FILE *out), void *ctx)
{
	_cleanup_(util__freep) char *draft = NULL;
	int err = check_place(path), fd;

	if (err)
		return err;
	fd = make_draft(path, &draft);
	if (fd < 0)
		return fd;
	err = write_all(fd, &(struct content){ write, ctx });
	if (!err)
		err = publish(draft, path);
	if (err)
		unlink(draft);
	return err;
}
