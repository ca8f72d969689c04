// SPDX-License-Identifier: GPL-2.0-only
#include "processes.h"

#include <errno.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

#define LOOK_NS	      (5 * NSEC_PER_SEC) /* comm, threads and cgroup seldom change */
#define FIRST_LOOK_NS (NSEC_PER_SEC / 2)
#define MAPS_OLD_NS   (30 * NSEC_PER_SEC) /* mappings are read anew after this time ... */
#define MAPS_MISS_NS  (NSEC_PER_SEC / 10) /* ... or after this one, if they miss an address */

void processes__init(struct processes *p, const struct options *o, struct proc *proc)
{
	*p = (struct processes){ .options = o, .proc = proc };
}

void processes__drop(struct processes *p, struct process_entry *e)
{
	HASH_DELETE(hh, p->by_key, e);
	maps__free(e->maps);
	free(e->cgroup);
	free(e);
}

void processes__done(struct processes *p)
{
	struct process_entry *e, *next;

	HASH_ITER (hh, p->by_key, e, next)
		processes__drop(p, e);
}

static bool in_scope(struct processes *p, const struct process_entry *e)
{
	const struct options *o = p->options;

	if (o->comm && fnmatch(o->comm, e->comm, 0))
		return false;
	if (o->user && (!e->uid_known || e->uid != o->uid))
		return false;
	return true;
}

/* /proc rounds to clock ticks, and the kernel's two roundings may differ by one. */
static bool near(uint64_t a, uint64_t b)
{
	return a <= b + 1 && b <= a + 1;
}

/* Asks /proc. A process that has ended keeps what was known of it. */
static void look(struct processes *p, struct process_entry *e, uint64_t now_ns)
{
	char cgroup[4096];
	struct proc_info info;

	/* a process that has just begun is still making its threads */
	e->look_ns = now_ns + (e->look_ns ? LOOK_NS : FIRST_LOOK_NS);
	if (e->ended || proc__info(p->proc, e->key.tgid, &info) || info.tgid != (pid_t)e->key.tgid)
		return;
	if (!e->start_ticks)
		e->start_ticks = info.start_ticks;
	if (!near(e->start_ticks, info.start_ticks)) { /* the number is another process's by now */
		e->ended = true;
		return;
	}
	snprintf(e->comm, sizeof(e->comm), "%s", info.comm);
	e->uid = info.uid;
	e->uid_known = true;
	e->threads = info.threads;
	if (!proc__cgroup(p->proc, e->key.tgid, cgroup, sizeof(cgroup)) &&
	    (!e->cgroup || strcmp(cgroup, e->cgroup))) {
		free(e->cgroup);
		e->cgroup = xstrdup(cgroup);
	}
	e->in_scope = in_scope(p, e) && (!p->options->cgroup ||
					 proc__in_cgroup(p->proc, e->key.tgid, p->options->cgroup));
}

/*
 * Of two lives of one pid, is a the later? An exec makes the generation grow by one (task__gen() in
 * the probes); otherwise the pid was used again, and the one seen first was first.
 */
static bool is_later(const struct process_key *a, const struct process_key *b)
{
	int32_t difference = a->gen - b->gen;

	return difference > 0 || difference < -4096;
}

/* What the kernel noted, where /proc was not asked in time. */
static void take_stats(struct processes *p, struct process_entry *e,
		       const struct process_stats *stats)
{
	snprintf(e->comm, sizeof(e->comm), "%.*s", LOCKTOP_COMM, stats->comm);
	e->start_ticks = stats->start_boottime_ns / (NSEC_PER_SEC / sysconf(_SC_CLK_TCK));
	e->uid = stats->uid;
	e->uid_known = true;
	e->in_scope = in_scope(p, e) && !p->options->cgroup;
}

struct process_entry *processes__get(struct processes *p, const struct process_key *key,
				     const struct process_stats *stats, uint64_t now_ns)
{
	struct process_entry *e, *old, *next;

	HASH_FIND(hh, p->by_key, key, sizeof(*key), e);
	if (e) {
		if (stats && !e->uid_known)
			take_stats(p, e, stats);
		return e;
	}
	e = xcalloc(1, sizeof(*e));
	e->key = *key;
	e->threads = -1;
	e->tid = key->tgid;
	e->in_scope = !p->options->comm && !p->options->user && !p->options->cgroup;
	HASH_ITER (hh, p->by_key, old, next)
		if (old->key.tgid == key->tgid)
			*(is_later(key, &old->key) ? &old->ended : &e->ended) = true;
	if (stats)
		take_stats(p, e, stats);
	HASH_ADD(hh, p->by_key, key, sizeof(e->key), e);
	look(p, e, now_ns);
	if (p->options->cgroup && !e->cgroup)
		p->cgroups_unknown++;
	return e;
}

void processes__refresh(struct processes *p, uint64_t now_ns)
{
	struct process_entry *e, *next;

	HASH_ITER (hh, p->by_key, e, next) {
		if (!e->ended && kill(e->key.tgid, 0) && errno == ESRCH)
			e->ended = true;
		if (e->ended)
			e->threads = -1;
		else if (now_ns >= e->look_ns)
			look(p, e, now_ns);
	}
}

/* The first thread may be gone, and with it what its number leads to. */
static int read_maps(struct processes *p, struct process_entry *e, struct maps **ret)
{
	int err = proc__maps(p->proc, e->tid, ret);

	if (!err && !(*ret)->n) {
		maps__free(*ret);
		err = -ESRCH;
	}
	if (err && e->thread && e->thread != e->tid && !proc__maps(p->proc, e->thread, ret)) {
		e->tid = e->thread;
		err = 0;
	}
	return err;
}

const struct maps *processes__maps(struct processes *p, struct process_entry *e, uint64_t address,
				   bool code, uint64_t now_ns)
{
	const struct mapping *m = e->maps ? maps__find(e->maps, address) : NULL;
	bool miss = !m || (code && !m->exec);
	uint64_t age = now_ns > e->maps_ns ? now_ns - e->maps_ns : 0;
	struct maps *maps;

	if (!e->ended && (!e->maps_ns || age >= (miss ? MAPS_MISS_NS : MAPS_OLD_NS)) &&
	    !read_maps(p, e, &maps)) {
		maps__free(e->maps);
		e->maps = maps;
		e->maps_ns = now_ns;
	}
	return e->maps;
}

void processes__futex(struct processes *p, const struct process_key *key,
		      const struct futex_stats *stats, uint64_t now_ns)
{
	struct process_entry *e = processes__get(p, key, NULL, now_ns);

	e->futex_delta = (struct futex_stats){
		.calls = stats->calls - e->futex.calls,
		.again = stats->again - e->futex.again,
		.wakes = stats->wakes - e->futex.wakes,
		.idle_wakes = stats->idle_wakes - e->futex.idle_wakes,
	};
	e->futex = *stats;
	e->futex_seen = true;
}
