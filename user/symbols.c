// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two caches. `files` holds what was read, by the file's identity on disk. `seen` remembers which
 * of them a mapping of a process led to, so that a look-up opens nothing: device and inode alone do
 * not name a file (btrfs shows one device for all its subvolumes), and what stood behind them a
 * while ago may have been replaced.
 */
#include "symbols.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>
#include <uthash.h>
#include <utlist.h>

#include "elf_file.h"
#include "frames.h"
#include "step_code.h"
#include "util.h"

#define FILES_MAX	256
#define FILES_BYTES	((size_t)16 << 20) /* beyond it, files not needed for long are dropped */
#define UNUSED_NS	(30 * NSEC_PER_SEC)
#define FILES_BYTES_MAX ((size_t)256 << 20) /* beyond it, nothing more is read */
#define SEEN_MAX	8192
#define SEEN_NS		(5 * NSEC_PER_SEC)
#define VDSO_BYTES_MAX	(64 << 10)

struct entry {
	struct file_identity key;
	struct elf_file *file; /* NULL: no ELF file */
	uint64_t used_ns;
	struct entry *prev, *next;
	UT_hash_handle hh;
};

struct seen_key {
	uint64_t pid, device, inode, place; /* place: of files without an inode */
};

struct seen {
	struct seen_key key;
	struct entry *entry; /* NULL: could not be opened */
	uint64_t checked_ns;
	UT_hash_handle hh;
};

struct symbols {
	struct proc *proc;
	struct entry *files;
	struct entry *recent; /* the same, latest used first */
	size_t n_files, bytes;
	struct seen *seen;
	struct frames *frames;
	struct step_code *step_code;
	bool debuginfod;
};

struct symbols *symbols__new(struct proc *proc)
{
	struct symbols *s = xcalloc(1, sizeof(*s));

	s->proc = proc;
	s->frames = frames__new();
	s->step_code = step_code__new();
	return s;
}

static void forget_seen(struct symbols *s, const struct entry *entry)
{
	struct seen *seen, *next;

	HASH_ITER (hh, s->seen, seen, next) {
		if (entry && seen->entry != entry)
			continue;
		HASH_DEL(s->seen, seen);
		free(seen);
	}
}

static void drop(struct symbols *s, struct entry *e)
{
	HASH_DEL(s->files, e);
	DL_DELETE(s->recent, e);
	s->n_files--;
	s->bytes -= e->file ? e->file->bytes : 0;
	elf_file__free(e->file);
	free(e);
}

void symbols__free(struct symbols *s)
{
	if (!s)
		return;
	forget_seen(s, NULL);
	while (s->recent)
		drop(s, s->recent);
	frames__free(s->frames);
	step_code__free(s->step_code);
	free(s);
}

void symbols__use_debuginfod(struct symbols *s, bool use)
{
	s->debuginfod = use;
}

struct frames *symbols__frames(struct symbols *s)
{
	return s->frames;
}

struct step_code *symbols__step_code(struct symbols *s)
{
	return s->step_code;
}

static void touch(struct symbols *s, struct entry *e)
{
	e->used_ns = util__monotonic_ns();
	if (e == s->recent)
		return;
	DL_DELETE(s->recent, e);
	DL_PREPEND(s->recent, e);
}

static void drop_oldest(struct symbols *s)
{
	struct entry *oldest = s->recent->prev;

	forget_seen(s, oldest);
	drop(s, oldest);
}

void symbols__tidy(struct symbols *s)
{
	uint64_t now_ns = s->bytes > FILES_BYTES ? util__monotonic_ns() : 0;

	/* What is in use stays, however much it is: it would be read over and over. */
	while (s->bytes > FILES_BYTES && now_ns - s->recent->prev->used_ns >= UNUSED_NS)
		drop_oldest(s);
}

static struct entry *add(struct symbols *s, const struct file_identity *key, struct elf_file *file)
{
	struct entry *e = xcalloc(1, sizeof(*e));

	e->key = *key;
	e->file = file;
	HASH_ADD(hh, s->files, key, sizeof(e->key), e);
	DL_PREPEND(s->recent, e);
	s->n_files++;
	s->bytes += file ? file->bytes : 0;
	e->used_ns = util__monotonic_ns();
	while (s->n_files > SYMBOLS_FILES_KEPT &&
	       (s->n_files > FILES_MAX || s->bytes > FILES_BYTES))
		drop_oldest(s);
	return e;
}

static struct entry *find(struct symbols *s, const struct file_identity *key)
{
	struct entry *e;

	HASH_FIND(hh, s->files, key, sizeof(*key), e);
	if (e)
		touch(s, e);
	return e;
}

/* NULL if it can't be opened, or nothing more fits. */
static struct entry *open_file(struct symbols *s, pid_t pid, const struct mapping *m)
{
	_cleanup_(util__closep) int fd = proc__open_mapped(s->proc, pid, m);
	const struct elf_debug_search search = {
		.proc = s->proc,
		.pid = pid,
		.path = m->path,
		.debuginfod = s->debuginfod,
	};
	struct file_identity key;
	struct entry *e;

	if (fd < 0 || file_identity__of(fd, &key) < 0)
		return NULL;
	e = find(s, &key);
	if (e || s->bytes > FILES_BYTES_MAX)
		return e;
	return add(s, &key, elf_file__read(fd, &search));
}

/*
 * The vDSO has no file, only memory. All processes of a kernel share it, so that of this program
 * is taken: other processes could have written to theirs. 32-bit programs have another, which is
 * read from each of them.
 */
static struct entry *open_vdso(struct symbols *s, pid_t pid, const struct mapping *m)
{
	bool wide = m->start > UINT32_MAX;
	uint64_t own = getauxval(AT_SYSINFO_EHDR), address = wide && own ? own : m->start;
	struct file_identity key = { .device = UINT64_MAX, .size = m->end - m->start };
	struct elf_file *file = NULL;
	struct entry *e;
	char *image;

	pid = wide && own ? getpid() : pid;
	key.inode = wide && own ? 0 : pid;
	e = find(s, &key);
	if (e || key.size > VDSO_BYTES_MAX)
		return e;
	image = xcalloc(1, key.size);
	if (proc__read_memory(pid, address, image, key.size) == (ssize_t)key.size)
		file = elf_file__image(image, key.size);
	else
		free(image);
	return add(s, &key, file);
}

struct elf_file *symbols__file(struct symbols *s, pid_t pid, const struct mapping *m)
{
	bool vdso = strcmp(m->path, "[vdso]") == 0;
	uint64_t now = util__monotonic_ns();
	struct seen_key key = {
		.pid = pid,
		.device = (uint64_t)m->dev_major << 32 | m->dev_minor,
		.inode = m->inode,
		.place = vdso ? m->start : 0,
	};
	struct entry *entry;
	struct seen *seen;

	if (!vdso && (m->inode == 0 || m->path[0] != '/'))
		return NULL;
	HASH_FIND(hh, s->seen, &key, sizeof(key), seen);
	if (seen && now - seen->checked_ns < SEEN_NS) {
		if (seen->entry)
			touch(s, seen->entry);
		return seen->entry ? seen->entry->file : NULL;
	}
	entry = vdso ? open_vdso(s, pid, m) : open_file(s, pid, m);
	/* Opening a file may have dropped others, and what was seen of them. */
	HASH_FIND(hh, s->seen, &key, sizeof(key), seen);
	if (!seen) {
		if (HASH_COUNT(s->seen) >= SEEN_MAX)
			forget_seen(s, NULL);
		seen = xcalloc(1, sizeof(*seen));
		seen->key = key;
		HASH_ADD(hh, s->seen, key, sizeof(seen->key), seen);
	}
	/* A process that has ended opens nothing any more; what it had mapped is still true. */
	if (entry)
		seen->entry = entry;
	seen->checked_ns = now;
	return seen->entry ? seen->entry->file : NULL;
}

ssize_t symbols__read(struct symbols *s, pid_t pid, const struct mapping *m,
		      const struct elf_file *file, uint64_t offset, void *buf, size_t size)
{
	_cleanup_(util__closep) int fd = proc__open_mapped(s->proc, pid, m);
	struct file_identity key;
	struct entry *e;
	ssize_t n;
	int r;

	if (fd < 0)
		return fd;
	r = file_identity__of(fd, &key);
	if (r < 0)
		return r;
	HASH_FIND(hh, s->files, &key, sizeof(key), e);
	if (!e || e->file != file)
		return -ESTALE;
	n = pread(fd, buf, size, (off_t)offset);
	return n < 0 ? -errno : n;
}
