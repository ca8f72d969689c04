// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading a process's maps takes the kernel microseconds for each mapping; statm is one line, and
 * the pages of memory that it counts change when a file is mapped or another program begins. So
 * maps is read of new processes, where statm changed, and for good measure twice a minute. A
 * process that has just begun is asked often, for it is about to execute its program and to load
 * what that needs; an old one about once a second.
 */
#include "libraries.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uthash.h>

#include "library_file.h"
#include "util.h"

#define CHECK_NS      (3 * NSEC_PER_SEC / 4)
#define MAPS_NS	      (24 * NSEC_PER_SEC)
#define SPREAD	      16 /* processes first seen together are looked at again apart */
#define UNUSED_NS     (60 * NSEC_PER_SEC)
#define FILES_MAX     16384
#define LIBRARIES_MAX 1024
#define PROCESSES_MAX 32768
#define USED_MAX      64 /* files of interest in one process */

struct file {
	struct library library; /* its identity is the key */
	unsigned int bypass;	/* mask of bypass_kinds */
	char *seen_as;		/* path in the maps of whoever had it first */
	pid_t path_pid;		/* library.path is good while this one lives; 0: for ever */
	size_t users;
	uint64_t unused_ns; /* since when there are none */
	UT_hash_handle hh;
};

struct process {
	pid_t pid;
	struct proc_sizes sizes;
	uint64_t first_ns, check_ns, maps_ns; /* seen first; when to ask for sizes, for maps */
	uint64_t round;
	bool changed;
	struct file **used;
	size_t n_used;
	UT_hash_handle hh;
};

struct libraries {
	struct proc *proc;
	struct file *files;	     /* all, with what is of no interest, to open each once */
	struct file **kept;	     /* those of interest, ascending by id */
	const struct library **list; /* those with functions among them */
	size_t n_kept, n_list, n_others;
	struct process *processes;
	uint64_t round, last_id, lost, now_ns;
};

struct libraries *libraries__new(struct proc *proc)
{
	struct libraries *l = xcalloc(1, sizeof(*l));

	l->proc = proc;
	l->kept = xcalloc(LIBRARIES_MAX, sizeof(l->kept[0]));
	l->list = xcalloc(LIBRARIES_MAX, sizeof(l->list[0]));
	return l;
}

static bool of_interest(const struct file *f)
{
	return f->library.n_places > 0 || f->bypass;
}

static void drop_file(struct libraries *l, struct file *f)
{
	HASH_DEL(l->files, f);
	free(f->library.path);
	free(f->library.places);
	free(f->seen_as);
	free(f);
}

static void release(struct libraries *l, struct process *p)
{
	for (size_t i = 0; i < p->n_used; i++) {
		if (--p->used[i]->users == 0)
			p->used[i]->unused_ns = l->now_ns;
	}
	free(p->used);
	p->used = NULL;
	p->n_used = 0;
}

/* Paths through this process lead nowhere any more; others that map the files may give new ones. */
static void forget_paths(struct libraries *l, pid_t pid)
{
	bool any = false;
	struct process *p, *next;

	for (size_t i = 0; i < l->n_kept; i++) {
		struct file *f = l->kept[i];

		if (f->path_pid != pid)
			continue;
		free(f->library.path);
		f->library.path = NULL;
		f->path_pid = 0;
		any |= f->users > 0;
	}
	if (!any)
		return;
	HASH_ITER (hh, l->processes, p, next)
		for (size_t i = 0; i < p->n_used; i++)
			p->changed |= !p->used[i]->library.path;
}

static void drop_process(struct libraries *l, struct process *p)
{
	HASH_DEL(l->processes, p);
	release(l, p);
	free(p);
}

void libraries__free(struct libraries *l)
{
	struct process *p, *next_process;
	struct file *f, *next_file;

	if (!l)
		return;
	HASH_ITER (hh, l->processes, p, next_process)
		drop_process(l, p);
	HASH_ITER (hh, l->files, f, next_file)
		drop_file(l, f);
	free(l->kept);
	free(l->list);
	free(l);
}

static void forget_others(struct libraries *l)
{
	struct file *f, *next;

	HASH_ITER (hh, l->files, f, next) {
		if (!of_interest(f))
			drop_file(l, f);
	}
	l->n_others = 0;
}

/* Reads it, whatever it is, so that it is read once. NULL if it can't be read, or is one too many.
 */
static struct file *add_file(struct libraries *l, pid_t pid, const struct mapping *m)
{
	_cleanup_(util__closep) int fd = proc__open_mapped(l->proc, pid, m);
	struct file_identity identity;
	struct file *f;

	if (fd < 0 || file_identity__of(fd, &identity) < 0)
		return NULL;
	HASH_FIND(hh, l->files, &identity, sizeof(identity), f);
	if (f)
		return f;
	f = xcalloc(1, sizeof(*f));
	f->library.identity = identity;
	library_file__read(fd, m->path, &f->library, &f->bypass);
	if (of_interest(f) && l->n_kept == LIBRARIES_MAX) {
		l->lost++;
		free(f->library.places);
		free(f);
		return NULL;
	}
	if (!of_interest(f) && l->n_others++ >= FILES_MAX)
		forget_others(l);
	HASH_ADD(hh, l->files, library.identity, sizeof(f->library.identity), f);
	if (of_interest(f)) {
		f->library.id = ++l->last_id;
		f->seen_as = xstrdup(m->path);
		l->kept[l->n_kept++] = f;
	}
	return f;
}

static struct file *file_of(struct libraries *l, pid_t pid, const struct mapping *m,
			    struct stat *st)
{
	struct file_identity identity;
	struct file *f;

	if (proc__stat_mapped(l->proc, pid, m, st) < 0)
		return NULL;
	identity = (struct file_identity){
		.device = st->st_dev,
		.inode = st->st_ino,
		.size = st->st_size,
		.seconds = st->st_mtim.tv_sec,
		.nanoseconds = st->st_mtim.tv_nsec,
	};
	HASH_FIND(hh, l->files, &identity, sizeof(identity), f);
	return f ? f : add_file(l, pid, m);
}

static void use(struct libraries *l, struct process *p, struct file *f)
{
	for (size_t i = 0; i < p->n_used; i++) {
		if (p->used[i] == f)
			return;
	}
	if (p->n_used == USED_MAX) {
		l->lost++;
		return;
	}
	p->used = xrealloc(p->used, p->n_used + 1, sizeof(p->used[0]));
	p->used[p->n_used++] = f;
	f->users++;
}

static void read_maps(struct libraries *l, struct process *p, const struct maps *maps)
{
	const struct mapping *last = NULL;

	release(l, p);
	for (size_t i = 0; i < maps->n; i++) {
		const struct mapping *m = &maps->items[i];
		struct file *f;
		struct stat st;
		bool lasting;

		if (!m->exec || m->inode == 0 || m->path[0] != '/' ||
		    (last && last->inode == m->inode && last->dev_major == m->dev_major &&
		     last->dev_minor == m->dev_minor && strcmp(last->path, m->path) == 0))
			continue;
		last = m;
		f = file_of(l, p->pid, m, &st);
		if (!f || !of_interest(f))
			continue;
		use(l, p, f);
		/* The mapping that a path of this process's leads by may be another by now. */
		if (!f->library.path || f->path_pid == p->pid) {
			free(f->library.path);
			f->library.path = proc__mapped_path(l->proc, p->pid, m, &st, &lasting);
			f->path_pid = f->library.path && !lasting ? p->pid : 0;
		}
	}
}

static bool equal(const struct proc_sizes *a, const struct proc_sizes *b)
{
	return a->size == b->size && a->text == b->text && a->data == b->data;
}

static void look_into(struct libraries *l, struct process *p)
{
	uint64_t spread = (uint64_t)p->pid % SPREAD;
	struct proc_sizes sizes;
	struct maps *maps;

	if (!p->changed && l->now_ns < p->check_ns)
		return;
	if (proc__sizes(l->proc, p->pid, &sizes) < 0)
		return;
	p->check_ns =
		l->now_ns + MIN(l->now_ns - p->first_ns, CHECK_NS + CHECK_NS / SPREAD * spread);
	if (!p->changed && equal(&sizes, &p->sizes) && l->now_ns < p->maps_ns)
		return;
	p->changed = false;
	p->sizes = sizes;
	p->maps_ns = l->now_ns + MAPS_NS + MAPS_NS / SPREAD * spread;
	if (sizes.size == 0) {
		release(l, p);
		return;
	}
	if (proc__maps(l->proc, p->pid, &maps) < 0)
		return;
	read_maps(l, p, maps);
	maps__free(maps);
}

static int look(pid_t pid, void *context)
{
	struct libraries *l = context;
	struct process *p;

	HASH_FIND_INT(l->processes, &pid, p);
	if (!p) {
		if (HASH_COUNT(l->processes) >= PROCESSES_MAX) {
			l->lost++;
			return 0;
		}
		p = xcalloc(1, sizeof(*p));
		p->pid = pid;
		p->first_ns = l->now_ns;
		p->changed = true;
		HASH_ADD_INT(l->processes, pid, p);
	}
	p->round = l->round;
	look_into(l, p);
	return 0;
}

/* What nobody has mapped for long is dropped; the list is made anew of what is left. */
static void tidy(struct libraries *l)
{
	struct process *p, *next;
	size_t n = 0;

	HASH_ITER (hh, l->processes, p, next) {
		pid_t pid = p->pid;

		if (p->round == l->round)
			continue;
		drop_process(l, p);
		forget_paths(l, pid);
	}
	l->n_list = 0;
	for (size_t i = 0; i < l->n_kept; i++) {
		struct file *f = l->kept[i];

		if (f->users == 0 && l->now_ns - f->unused_ns >= UNUSED_NS) {
			drop_file(l, f);
			continue;
		}
		l->kept[n++] = f;
		if (f->library.n_places > 0)
			l->list[l->n_list++] = &f->library;
	}
	l->n_kept = n;
}

void libraries__look(struct libraries *l, const pid_t *pids, size_t n)
{
	l->round++;
	l->now_ns = util__monotonic_ns();
	if (!pids)
		proc__each(l->proc, look, l);
	for (size_t i = 0; pids && i < n; i++)
		look(pids[i], l);
	tidy(l);
}

bool libraries__maps(const struct libraries *l, pid_t pid, const struct library *library)
{
	const struct process *p;

	HASH_FIND_INT(l->processes, &pid, p);
	for (size_t i = 0; p && i < p->n_used; i++)
		if (&p->used[i]->library == library)
			return true;
	return false;
}

size_t libraries__count(const struct libraries *l)
{
	return l->n_list;
}

const struct library *libraries__at(const struct libraries *l, size_t i)
{
	return l->list[i];
}

uint64_t libraries__lost(const struct libraries *l)
{
	return l->lost;
}

static const struct {
	const char *runtime, *locks;
} bypasses[BYPASS_KINDS] = {
	[BYPASS_GO] = { "Go", "sync.Mutex and the runtime's locks" },
	[BYPASS_RUST] = { "Rust", "std::sync locks" },
	[BYPASS_JAVA] = { "Java", "monitors and java.util.concurrent" },
};

size_t libraries__bypass(const struct libraries *l, struct bypass ret[BYPASS_KINDS])
{
	size_t n = 0;

	for (unsigned int kind = 0; kind < BYPASS_KINDS; kind++) {
		struct bypass b = { bypasses[kind].runtime, bypasses[kind].locks, 0, NULL };

		for (size_t i = 0; i < l->n_kept; i++) {
			const struct file *f = l->kept[i];

			if (f->users == 0 || !(f->bypass & 1u << kind))
				continue;
			b.path = b.files++ ? b.path : f->seen_as;
		}
		if (b.files > 0)
			ret[n++] = b;
	}
	return n;
}
