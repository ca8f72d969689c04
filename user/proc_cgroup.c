// SPDX-License-Identifier: GPL-2.0-only
/* /proc/PID/cgroup: one line a hierarchy, ID:CONTROLLERS:PATH; version 2 has the ID 0. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proc_internal.h"
#include "util.h"

struct line {
	const char *controllers; /* "" in version 2 */
	char *path;
	bool v2;
};

static void cut_suffix(char *s, const char *suffix)
{
	size_t len = strlen(s), cut = strlen(suffix);

	if (len > cut && strcmp(s + len - cut, suffix) == 0)
		s[len - cut] = 0;
}

/* Takes the next line off *text. False at the end; lines without sense are passed over. */
static bool next_line(char **text, struct line *ret)
{
	char *line;

	while ((line = strsep(text, "\n"))) {
		char *controllers = strchr(line, ':');
		char *path = controllers ? strchr(controllers + 1, ':') : NULL;

		if (!path || path[1] != '/')
			continue;
		*controllers++ = 0;
		*path++ = 0;
		/* The kernel says so when the directory was removed under the process. */
		cut_suffix(path, " (deleted)");
		ret->controllers = controllers;
		ret->path = path;
		ret->v2 = strcmp(line, "0") == 0 && !*controllers;
		return true;
	}
	return false;
}

static int read_cgroup(struct proc *p, pid_t pid, char **ret)
{
	_cleanup_(util__freep) char *path = proc__path(p, pid, "cgroup");

	return proc__read_all(path, ret, NULL);
}

int proc__cgroup(struct proc *p, pid_t pid, char *buf, size_t size)
{
	_cleanup_(util__freep) char *text = NULL;
	const char *best = NULL;
	struct line line;
	char *rest;
	int err = read_cgroup(p, pid, &text);

	if (err)
		return err;
	rest = text;
	while (next_line(&rest, &line)) {
		bool at_root = strcmp(line.path, "/") == 0;

		if (line.v2 && !at_root) {
			best = line.path;
			break;
		}
		if (!best || (strcmp(best, "/") == 0 && !at_root))
			best = line.path;
	}
	if (!best)
		return -ENODATA;
	if ((size_t)snprintf(buf, size, "%s", best) >= size)
		return -ENAMETOOLONG;
	return 0;
}

/* Blanks in /proc/mounts are octal escapes. */
static void unescape(char *s)
{
	char *to = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			*to++ = (s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0');
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = 0;
}

static void read_mounts(struct proc *p)
{
	_cleanup_(util__freep) char *path = xasprintf("%s/mounts", p->root);
	_cleanup_(util__freep) char *text = NULL;
	size_t capacity = 0;
	char *rest, *line;

	p->mounts_read = true;
	if (proc__read_all(path, &text, NULL) < 0)
		return;
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		char *save = NULL, *dir, *type, *options;

		strtok_r(line, " ", &save);
		dir = strtok_r(NULL, " ", &save);
		type = strtok_r(NULL, " ", &save);
		options = strtok_r(NULL, " ", &save);
		if (!options || (strcmp(type, "cgroup") != 0 && strcmp(type, "cgroup2") != 0))
			continue;
		unescape(dir);
		array__grow(p->mounts, p->n_mounts, capacity);
		p->mounts[p->n_mounts++] = (struct cgroup_mount){
			.path = xstrdup(dir),
			.options = xstrdup(options),
			.v2 = strcmp(type, "cgroup2") == 0,
		};
	}
}

void proc_cgroup__done(struct proc *p)
{
	for (size_t i = 0; i < p->n_mounts; i++) {
		free(p->mounts[i].path);
		free(p->mounts[i].options);
	}
	free(p->mounts);
}

/* Is the item (of len bytes) one of a comma-separated list? */
static bool in_list(const char *list, const char *item, size_t len)
{
	for (; *list; list += strcspn(list, ","), list += *list == ',') {
		if (strcspn(list, ",") == len && memcmp(list, item, len) == 0)
			return true;
	}
	return false;
}

/* Does this mount show the hierarchy of this line? */
static bool mount_shows(const struct cgroup_mount *m, const struct line *line)
{
	const char *s = line->controllers;

	if (m->v2 || line->v2)
		return m->v2 && line->v2;
	for (; *s; s += strcspn(s, ","), s += *s == ',') {
		if (in_list(m->options, s, strcspn(s, ",")))
			return true;
	}
	return false;
}

/* What remains of path below dir, "" if it is dir itself; NULL if it is elsewhere. */
static const char *below(const char *path, const char *dir, size_t len)
{
	while (len > 0 && dir[len - 1] == '/')
		len--;
	if (strncmp(path, dir, len) != 0 || (path[len] && path[len] != '/'))
		return NULL;
	return path + len;
}

bool proc__in_cgroup(struct proc *p, pid_t pid, const char *path)
{
	_cleanup_(util__freep) char *wanted = xasprintf("%s%s", *path == '/' ? "" : "/", path);
	_cleanup_(util__freep) char *text = NULL;
	struct line line;
	char *rest;

	for (size_t len = strlen(wanted); len > 0 && wanted[len - 1] == '/'; len--)
		wanted[len - 1] = 0;
	if (read_cgroup(p, pid, &text) < 0)
		return false;
	if (!p->mounts_read)
		read_mounts(p);
	rest = text;
	while (next_line(&rest, &line)) {
		if (below(line.path, wanted, strlen(wanted)))
			return true;
		for (size_t i = 0; i < p->n_mounts; i++) {
			const struct cgroup_mount *m = &p->mounts[i];
			const char *inside = below(wanted, m->path, strlen(m->path));

			if (inside && mount_shows(m, &line) &&
			    below(line.path, inside, strlen(inside)))
				return true;
		}
	}
	return false;
}
