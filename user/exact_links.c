// SPDX-License-Identifier: GPL-2.0-only
#include "exact_links.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "detach.h"
#include "exact_program.h"
#include "loader.h"
#include "locktop.skel.h"
#include "uprobes.h"
#include "util.h"

/*
 * So many processes get links of their own, which cost no others a thing. Each takes time to come
 * and go, so that for more of them one is made for all processes, and the programs choose; until
 * there are far fewer again.
 */
#define PIDS_MAX    8
#define PIDS_AGAIN  2
#define PROGRAM_IDS (1ULL << 63) /* of a program's files; libraries.c counts from 1 */

/*
 * A file's probes, in the order of their coming. Ends of calls come first: a try that is seen must
 * be seen to end. What may be called a million times a second comes last and goes first: between
 * the first probe and the last one calls cost and count nothing, and threads that run into probes
 * hold up the next one, by milliseconds each.
 */
enum share { ENDS, RARE, OFTEN, MUTEXES, SHARES };

struct exact_link {
	uint64_t library; /* struct library.id */
	pid_t pid;	  /* 0: all */
	struct uprobe_link *probes[SHARES];
	bool there;
	bool failed; /* not to be tried again */
	bool wanted; /* at the latest look */
	bool gone;   /* not wanted, to be taken away when there is time */
};

struct exact_links {
	struct locktop_bpf *skel;
	struct proc *proc;
	struct libraries *libraries;
	struct detacher *detacher;
	bool bulk;
	bool each;				    /* processes have links of their own */
	struct program_file program[PROGRAM_FILES]; /* of program_pid */
	size_t n_program;
	pid_t program_pid;
	struct exact_link *links;
	size_t n, capacity;
	pid_t *born; /* children since the latest look */
	size_t n_born, born_capacity;
	uint64_t late;
	uint64_t refused; /* links that could not be made */
	int error;	  /* of the latest of them; 0: none */
};

struct exact_links *exact_links__new(struct locktop_bpf *skel, struct proc *proc, bool bulk)
{
	struct exact_links *l = xcalloc(1, sizeof(*l));

	l->skel = skel;
	l->proc = proc;
	l->libraries = libraries__new(proc);
	l->detacher = detacher__new();
	l->bulk = bulk;
	return l;
}

/* ---- taking away ---- */

/* Takes the probes out of all links, or of those that are gone. How many; the caller frees *ret. */
static size_t collect(struct exact_links *l, bool gone_only, struct uprobe_link ***ret)
{
	struct uprobe_link **probes = xcalloc(SHARES * l->n, sizeof(struct uprobe_link *));
	size_t n = 0;

	for (int share = SHARES - 1; share >= 0; share--) {
		for (size_t i = 0; i < l->n; i++) {
			struct uprobe_link **p = &l->links[i].probes[share];

			if (*p && (l->links[i].gone || !gone_only))
				probes[n++] = *p;
		}
	}
	*ret = probes;
	return n;
}

/* What was collected is somebody else's from now on. */
static void let_go(struct exact_links *l, bool gone_only)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++) {
		struct exact_link *link = &l->links[i];

		if (link->gone)
			continue;
		if (!gone_only) {
			memset(link->probes, 0, sizeof(link->probes));
			link->there = false;
		}
		l->links[kept++] = *link;
	}
	l->n = kept;
}

void exact_links__detach(struct exact_links *l)
{
	struct uprobe_link **probes;
	size_t n = collect(l, false, &probes);

	let_go(l, false);
	detach__all(probes, n);
	free(probes);
}

/* Nobody that these were for is there any more: they cost nothing, and can wait. */
static void drop_gone(struct exact_links *l)
{
	struct uprobe_link **probes;
	size_t n = collect(l, true, &probes);

	if (!n || detacher__take(l->detacher, probes, n))
		let_go(l, true);
	free(probes);
}

/* ---- putting there ---- */

/* The places of a file, those whose end is wanted too apart. */
struct places {
	uint64_t *offsets, *cookies;
	size_t n;
};

/*
 * Is the end of the function probed too? Where it must be asked what came of the call, and where a
 * lock is taken or let go behind an instruction that takes longer than most holds.
 */
static bool has_end(const struct lock_place *p)
{
	switch (p->function->op) {
	case OP_MUTEX_LOCK:
	case OP_RWLOCK_RDLOCK:
	case OP_RWLOCK_WRLOCK:
	case OP_SPIN_LOCK:
	case OP_SEM_WAIT:
	case OP_MUTEX_UNLOCK:
	case OP_RWLOCK_UNLOCK:
	case OP_SEM_POST:
		return !p->entry.emulated && !p->entry.tried;
	case OP_SPIN_UNLOCK: /* glibc lets it go by that instruction itself */
		return !p->entry.emulated && p->musl;
	default:
		return p->function->at_return && !p->entry.tried;
	}
}

static uint64_t cookie_of(const struct lock_place *p)
{
	return COOKIE(p->function->op,
		      (p->musl ? COOKIE_MUSL : 0) | (p->entry.tried ? COOKIE_TRIED : 0) |
			      (p->entry.emulated ? 0 : COOKIE_DEAR) |
			      (has_end(p) ? COOKIE_RETURNS : 0),
		      p->entry.stack, p->inner);
}

static struct places places_of(const struct library *l, bool at_return,
			       bool (*skip)(const struct lock_place *p))
{
	struct places p = { .offsets = xcalloc(l->n_places, sizeof(uint64_t)),
			    .cookies = xcalloc(l->n_places, sizeof(uint64_t)) };

	for (size_t i = 0; i < l->n_places; i++) {
		const struct lock_place *from = &l->places[i];

		if (from->entry.refused || (skip && skip(from)) || (at_return && !has_end(from)))
			continue;
		p.offsets[p.n] = from->offset + (at_return ? 0 : from->entry.offset);
		p.cookies[p.n++] = cookie_of(from);
	}
	return p;
}

int exact_links__attach_file(const struct library *file, int prog_fd, bool at_return, pid_t pid,
			     bool (*skip)(const struct lock_place *p), struct uprobe_link **ret)
{
	struct places p = places_of(file, at_return, skip);
	struct uprobe_spec spec = { .prog_fd = prog_fd,
				    .path = file->path,
				    .offsets = p.offsets,
				    .cookies = p.cookies,
				    .n = p.n,
				    .at_return = at_return,
				    .pid = pid };
	struct uprobe_link *link = NULL;
	int err = p.n ? uprobes__attach(&spec, &link) : 0;

	free(p.offsets);
	free(p.cookies);
	if (!err)
		*ret = link;
	return err;
}

static const struct library *library_of(const struct exact_links *l, uint64_t id)
{
	if (id >= PROGRAM_IDS)
		return &l->program[id - PROGRAM_IDS].library;
	for (size_t i = 0; i < libraries__count(l->libraries); i++)
		if (libraries__at(l->libraries, i)->id == id)
			return libraries__at(l->libraries, i);
	return NULL;
}

static enum share share_of(const struct lock_place *p)
{
	switch (p->function->op) {
	case OP_MUTEX_LOCK:
	case OP_MUTEX_UNLOCK:
		return MUTEXES;
	case OP_RWLOCK_RDLOCK:
	case OP_RWLOCK_WRLOCK:
	case OP_RWLOCK_UNLOCK:
	case OP_SPIN_LOCK:
	case OP_SPIN_UNLOCK:
	case OP_SEM_WAIT:
	case OP_SEM_POST:
		return OFTEN;
	default:
		return RARE;
	}
}

static bool not_rare(const struct lock_place *p)
{
	return share_of(p) != RARE;
}

static bool not_often(const struct lock_place *p)
{
	return share_of(p) != OFTEN;
}

static bool no_mutex(const struct lock_place *p)
{
	return share_of(p) != MUTEXES;
}

/* The process has ended, or the file is no longer where it was: nothing is lost. */
static bool is_over(int err)
{
	return err == -ESRCH || err == -ENOENT;
}

static void attach(struct exact_links *l, struct exact_link *link)
{
	static bool (*const skip[SHARES])(const struct lock_place *p) = {
		[RARE] = not_rare,
		[OFTEN] = not_often,
		[MUTEXES] = no_mutex,
	};
	int calls = bpf_program__fd(l->skel->progs.on_lock_call);
	int ends = bpf_program__fd(l->skel->progs.on_lock_return);
	const struct library *file = library_of(l, link->library);
	int err = 0;

	if (!file || !file->path || link->there || link->failed || !link->wanted)
		return;
	for (enum share i = 0; i < SHARES && !err; i++)
		err = exact_links__attach_file(file, i == ENDS ? ends : calls, i == ENDS, link->pid,
					       skip[i], &link->probes[i]);
	link->there = !err;
	link->failed = err;
	if (err && !is_over(err)) {
		l->refused++;
		l->error = err;
	}
	for (int i = 0; i < SHARES && err; i++) {
		uprobes__detach(link->probes[i]);
		link->probes[i] = NULL;
	}
}

void exact_links__attach(struct exact_links *l)
{
	for (size_t i = 0; i < l->n; i++)
		attach(l, &l->links[i]);
}

/* ---- where ---- */

static void want(struct exact_links *l, uint64_t library, pid_t pid)
{
	for (size_t i = 0; i < l->n; i++) {
		struct exact_link *link = &l->links[i];

		if (link->library != library || link->pid != pid || link->gone)
			continue;
		link->wanted = true;
		return;
	}
	array__grow(l->links, l->n, l->capacity);
	l->links[l->n++] = (struct exact_link){ .library = library, .pid = pid, .wanted = true };
}

/* The processes of the scope; NULL: all. */
static pid_t *scope(struct exact_links *l, size_t *n)
{
	int fd = bpf_map__fd(l->skel->maps.exact_scope);
	uint32_t key, *at = NULL;
	size_t capacity = 0;
	pid_t *pids = NULL;

	*n = 0;
	if (!l->skel->rodata->knob_exact_scoped)
		return NULL;
	array__grow(pids, *n, capacity);
	while (!bpf_map_get_next_key(fd, at, &key)) {
		array__grow(pids, *n, capacity);
		pids[(*n)++] = key;
		at = &key;
	}
	return pids;
}

/* A file of the program, for a process or all (0): is it to have links there, as part of it? */
static bool is_program_of(const struct exact_links *l, const struct program_file *f, pid_t pid)
{
	return !pid || pid == l->program_pid || f->alone;
}

/* Has the process this file as part of its program? Two probes at one place would count twice. */
static bool in_program(const struct exact_links *l, const struct library *file, pid_t pid)
{
	for (size_t i = 0; i < l->n_program; i++)
		if (is_program_of(l, &l->program[i], pid) &&
		    file_identity__equal(&l->program[i].library.identity, &file->identity))
			return true;
	return false;
}

/*
 * The files of a process, or of all (0). A program without a loader has its locks in itself: others
 * than its own processes hardly pay for one link for all, which its children have from the first.
 */
static void want_in(struct exact_links *l, pid_t pid)
{
	size_t n = libraries__count(l->libraries);

	for (size_t i = 0; i < l->n_program; i++)
		if (is_program_of(l, &l->program[i], pid))
			want(l, PROGRAM_IDS + i, l->program[i].alone ? 0 : pid);
	for (size_t i = 0; i < n; i++) {
		const struct library *file = libraries__at(l->libraries, i);

		if (!in_program(l, file, pid))
			want(l, file->id, pid);
	}
}

/* Has the process files that only a link of its own makes known? */
static bool needs_own(const struct exact_links *l, pid_t pid)
{
	for (size_t i = 0; i < libraries__count(l->libraries); i++) {
		const struct library *file = libraries__at(l->libraries, i);

		if (!in_program(l, file, pid) && libraries__maps(l->libraries, pid, file))
			return true;
	}
	return false;
}

/*
 * A child runs from its fork on, and a link of its own comes after a grace period of the kernel's
 * at the earliest: what it called until then is not known. Nor is what one called that has ended.
 */
static void count_late(struct exact_links *l)
{
	bool alone = l->n_program && l->program[0].alone;

	for (size_t i = 0; l->each && i < l->n_born; i++)
		l->late +=
			loader__exact_has(l->skel, l->born[i]) ? needs_own(l, l->born[i]) : !alone;
	l->n_born = 0;
}

bool exact_links__look(struct exact_links *l)
{
	size_t n;
	pid_t *pids = scope(l, &n);
	bool before = l->each, any = l->n > 0;

	l->each = pids && l->bulk && n <= (l->each || !any ? PIDS_MAX : PIDS_AGAIN);
	libraries__look(l->libraries, pids, n);
	for (size_t i = 0; i < l->n; i++)
		l->links[i].wanted = false;
	for (size_t i = 0; l->each && i < n; i++)
		want_in(l, pids[i]);
	if (!l->each)
		want_in(l, 0);
	for (size_t i = 0; i < l->n; i++)
		l->links[i].gone |= !l->links[i].wanted;
	free(pids);
	count_late(l);
	if (any && l->each != before)
		return true;
	drop_gone(l);
	return false;
}

void exact_links__born(struct exact_links *l, pid_t pid)
{
	array__grow(l->born, l->n_born, l->born_capacity);
	l->born[l->n_born++] = pid;
}

uint64_t exact_links__late(const struct exact_links *l)
{
	return l->late;
}

uint64_t exact_links__unprobed(const struct exact_links *l)
{
	return libraries__lost(l->libraries) + l->refused;
}

int exact_links__refused(const struct exact_links *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->links[i].there)
			return 0;
	return l->error;
}

void exact_links__prepare(struct exact_links *l, const char *program, pid_t pid)
{
	if (l->n_program || !l->skel->rodata->knob_exact_scoped || !loader__exact_has(l->skel, pid))
		return;
	l->n_program = exact_program__read(l->proc, program, l->program);
	l->program_pid = pid;
}

void exact_links__free(struct exact_links *l)
{
	if (!l)
		return;
	exact_links__detach(l);
	detacher__free(l->detacher);
	for (size_t i = 0; i < l->n_program; i++)
		program_file__done(&l->program[i]);
	libraries__free(l->libraries);
	free(l->links);
	free(l->born);
	free(l);
}
