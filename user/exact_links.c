// SPDX-License-Identifier: GPL-2.0-only
#include "exact_links.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "exact_program.h"
#include "loader.h"
#include "locktop.skel.h"
#include "uprobes.h"
#include "util.h"

/*
 * So many processes get links of their own, which cost no others a thing. Taking a link away takes
 * 50 ms, so that for more of them one is made for all processes, and the programs choose.
 */
#define PIDS_MAX 8
/* Nearly all of those 50 ms are spent waiting: so many are taken away at a time. */
#define DETACHERS_MAX 8
#define PROGRAM_IDS   (1ULL << 63) /* of a program's files; libraries.c counts from 1 */

struct exact_link {
	uint64_t library; /* struct library.id */
	pid_t pid;	  /* 0: all */
	struct uprobe_link *calls, *returns;
	bool failed; /* not to be tried again */
	bool wanted; /* at the latest look */
};

struct exact_links {
	struct locktop_bpf *skel;
	struct proc *proc;
	struct libraries *libraries;
	bool bulk;
	struct program_file program[PROGRAM_FILES]; /* of program_pid */
	size_t n_program;
	pid_t program_pid;
	struct exact_link *links;
	size_t n, capacity;
};

struct exact_links *exact_links__new(struct locktop_bpf *skel, struct proc *proc, bool bulk)
{
	struct exact_links *l = xcalloc(1, sizeof(*l));

	l->skel = skel;
	l->proc = proc;
	l->libraries = libraries__new(proc);
	l->bulk = bulk;
	return l;
}

/* ---- taking away ---- */

struct detaching {
	struct uprobe_link **links;
	size_t n, next;
};

static void *detach_some(void *arg)
{
	struct detaching *d = arg;
	size_t i;

	while ((i = __atomic_fetch_add(&d->next, 1, __ATOMIC_RELAXED)) < d->n)
		uprobes__detach(d->links[i]);
	return NULL;
}

/* Several at a time; gone on return. This thread helps, so none needs to start. */
static void detach_all(struct uprobe_link **links, size_t n)
{
	struct detaching d = { .links = links, .n = n };
	pthread_t helpers[DETACHERS_MAX - 1];
	size_t n_helpers = 0;
	sigset_t all, old;

	sigfillset(&all); /* signals are for the thread that waits for them */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (n_helpers + 1 < MIN(n, DETACHERS_MAX) &&
	       !pthread_create(&helpers[n_helpers], NULL, detach_some, &d))
		n_helpers++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	detach_some(&d);
	while (n_helpers)
		pthread_join(helpers[--n_helpers], NULL);
}

/* Of all links, or of those that nobody wants any more. */
static void detach(struct exact_links *l, bool unwanted_only)
{
	struct uprobe_link **links = xcalloc(2 * l->n + 1, sizeof(struct uprobe_link *));
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		struct exact_link *link = &l->links[i];

		if (unwanted_only && link->wanted)
			continue;
		if (link->calls)
			links[n++] = link->calls;
		if (link->returns)
			links[n++] = link->returns;
		link->calls = link->returns = NULL;
	}
	if (n)
		detach_all(links, n);
	free(links);
}

void exact_links__detach(struct exact_links *l)
{
	detach(l, false);
}

/* ---- putting there ---- */

/* The places of a file, those whose end is wanted too apart. */
struct places {
	uint64_t *offsets, *cookies;
	size_t n;
};

/*
 * Is the end of the function probed too? Where it must be asked what came of the call, and where a
 * lock is taken behind an instruction that takes longer than most holds.
 */
static bool has_end(const struct lock_place *p)
{
	switch (p->function->op) {
	case OP_MUTEX_LOCK:
	case OP_RWLOCK_RDLOCK:
	case OP_RWLOCK_WRLOCK:
	case OP_SPIN_LOCK:
	case OP_SEM_WAIT:
		return !p->entry.emulated && !p->entry.tried;
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

/* Ends of calls first: a try that is seen must be seen to end. */
static void attach(struct exact_links *l, struct exact_link *link)
{
	int calls = bpf_program__fd(l->skel->progs.on_lock_call);
	int returns = bpf_program__fd(l->skel->progs.on_lock_return);
	const struct library *file = library_of(l, link->library);
	int err;

	if (!file || !file->path || link->calls || link->failed)
		return;
	err = exact_links__attach_file(file, returns, true, link->pid, NULL, &link->returns);
	if (!err)
		err = exact_links__attach_file(file, calls, false, link->pid, NULL, &link->calls);
	if (!err)
		return;
	uprobes__detach(link->returns);
	link->returns = NULL;
	link->failed = true;
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

		if (link->library != library || link->pid != pid)
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

/* Has the process this file as part of its program? Two probes at one place would count twice. */
static bool in_program(const struct exact_links *l, const struct library *file, pid_t pid)
{
	for (size_t i = 0; i < l->n_program && (!pid || pid == l->program_pid); i++)
		if (file_identity__equal(&l->program[i].library.identity, &file->identity))
			return true;
	return false;
}

/* A file in a process, or in all (0). */
static void want_in(struct exact_links *l, pid_t pid)
{
	size_t n = libraries__count(l->libraries);

	for (size_t i = 0; i < l->n_program && (!pid || pid == l->program_pid); i++)
		want(l, PROGRAM_IDS + i, pid);
	for (size_t i = 0; i < n; i++) {
		const struct library *file = libraries__at(l->libraries, i);

		if (!in_program(l, file, pid))
			want(l, file->id, pid);
	}
}

void exact_links__look(struct exact_links *l)
{
	size_t n;
	pid_t *pids = scope(l, &n);
	bool each = pids && l->bulk && n <= PIDS_MAX;

	libraries__look(l->libraries, pids, n);
	for (size_t i = 0; i < l->n; i++)
		l->links[i].wanted = false;
	for (size_t i = 0; each && i < n; i++)
		want_in(l, pids[i]);
	if (!each)
		want_in(l, 0);
	detach(l, true);
	for (size_t i = l->n; i-- > 0;) {
		if (!l->links[i].wanted)
			l->links[i] = l->links[--l->n];
	}
	free(pids);
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
	detach(l, false);
	for (size_t i = 0; i < l->n_program; i++)
		program_file__done(&l->program[i]);
	libraries__free(l->libraries);
	free(l->links);
	free(l);
}
