// SPDX-License-Identifier: GPL-2.0-only
#include "elf_debug.h"

#include <errno.h>
#include <gelf.h>
#include <limits.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "debuginfod.h"
#include "elf_file.h"
#include "util.h"

#define ID_BYTES_MIN  8 /* a short one could be met by chance */
#define LINK_BYTES    4096
#define CHECKED_BYTES ((off_t)256 << 20) /* a larger file is not read for its checksum */

#define DEBUG_DIRECTORY "/usr/lib/debug"

struct wanted {
	struct build_id id;	 /* none if it is too short */
	char link[NAME_MAX + 1]; /* "": none */
	uint32_t checksum;
};

/* NAME, NUL, padding to a multiple of 4, checksum. */
static void read_link(Elf *elf, struct wanted *ret)
{
	Elf_Scn *scn = elf_file__find(elf, ".gnu_debuglink");
	Elf_Data *data = scn ? elf_file__section(scn, LINK_BYTES) : NULL;
	const char *name = data ? data->d_buf : NULL;
	size_t len = data ? strnlen(name, data->d_size) : 0, at = (len + 4) & ~(size_t)3;

	/* A name, not a path: whoever made the file does not choose the directory. */
	if (len == 0 || len > NAME_MAX || memchr(name, '/', len) || at + 4 > data->d_size)
		return;
	memcpy(ret->link, name, len);
	memcpy(&ret->checksum, name + at, sizeof(ret->checksum));
}

static bool right_checksum(int fd, uint32_t wanted)
{
	_cleanup_(util__freep) unsigned char *buf = xrealloc(NULL, 65536, 1);
	uint32_t sum = 0;
	struct stat st;
	off_t offset = 0;
	ssize_t n;

	if (fstat(fd, &st) < 0 || st.st_size > CHECKED_BYTES)
		return false;
	while (offset < st.st_size && (n = pread(fd, buf, 65536, offset)) > 0) {
		sum = lzma_crc32(buf, n, sum);
		offset += n;
	}
	return offset >= st.st_size && sum == wanted;
}

/* Does this file belong to the one that is wanted, and does it say more than that one? */
static bool belongs(int fd, const struct wanted *w)
{
	struct build_id found = { .n = 0 };
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	bool useful = elf && elf_kind(elf) == ELF_K_ELF &&
		      (elf_file__find(elf, ".symtab") || elf_file__find(elf, ".debug_info"));

	if (useful)
		elf_build_id__read(elf, &found);
	elf_end(elf);
	if (!useful || !w->id.n)
		return useful && right_checksum(fd, w->checksum);
	return found.n == w->id.n && memcmp(found.bytes, w->id.bytes, found.n) == 0;
}

/* Takes path over. */
static int try(const struct elf_debug_search *search, const struct wanted *w, char *path,
	       struct elf_debug *ret)
{
	pid_t roots[] = { search->pid, 0 };

	for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
		int fd = proc__open_inside(search->proc, roots[i], path, true);

		if (fd < 0)
			continue;
		if (belongs(fd, w)) {
			*ret = (struct elf_debug){ .fd = fd, .pid = roots[i], .path = path };
			return 0;
		}
		close(fd);
	}
	free(path);
	return -ENOENT;
}

static int try_id(const struct elf_debug_search *search, const struct wanted *w,
		  struct elf_debug *ret)
{
	char id[BUILD_ID_TEXT];

	if (!w->id.n)
		return -ENOENT;
	elf_build_id__text(&w->id, id);
	return try(search, w, xasprintf(DEBUG_DIRECTORY "/.build-id/%.2s/%s.debug", id, id + 2),
		   ret);
}

static int try_link(const struct elf_debug_search *search, const struct wanted *w,
		    struct elf_debug *ret)
{
	const char *base = strrchr(search->path, '/');
	int dir = base ? (int)MIN(base - search->path, PATH_MAX) : 0, err;

	if (!w->link[0])
		return -ENOENT;
	err = try(search, w, xasprintf("%.*s/%s", dir, search->path, w->link), ret);
	if (err)
		err = try(search, w, xasprintf("%.*s/.debug/%s", dir, search->path, w->link), ret);
	if (err)
		err = try(search, w,
			  xasprintf(DEBUG_DIRECTORY "%.*s/%s", dir, search->path, w->link), ret);
	return err;
}

static int try_servers(const struct elf_debug_search *search, const struct wanted *w,
		       struct elf_debug *ret)
{
	char *path;
	int fd;

	if (!search->debuginfod || !w->id.n)
		return -ENOENT;
	fd = debuginfod__fetch(w->id.bytes, w->id.n, &path);
	if (fd < 0)
		return fd;
	if (!belongs(fd, w)) {
		free(path);
		close(fd);
		return -ENOENT;
	}
	*ret = (struct elf_debug){ .fd = fd, .path = path };
	return 0;
}

int elf_debug__find(const struct elf_debug_search *search, Elf *elf, const struct build_id *id,
		    struct elf_debug *ret)
{
	struct wanted w = { .link = "" };
	int err;

	if (id->n >= ID_BYTES_MIN)
		w.id = *id;
	read_link(elf, &w);
	err = try_id(search, &w, ret);
	if (err)
		err = try_link(search, &w, ret);
	if (err)
		err = try_servers(search, &w, ret);
	return err;
}
