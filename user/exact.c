// SPDX-License-Identifier: GPL-2.0-only
#include "exact.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdlib.h>
#include <unistd.h>

#include "locktop.skel.h"
#include "uprobes.h"
#include "util.h"

#define WINDOW_NS    NSEC_PER_SEC	/* the budget holds for each of these */
#define LOOK_NS	     (100 * 1000000ULL) /* between looks for new files and processes ... */
#define LOOK_SOON_NS (10 * 1000000ULL)	/* ... and while a command may be starting */
#define SOON_NS	     NSEC_PER_SEC
#define MAKE_UP_MOST 5.0	       /* windows that one costly one may stand for */
#define GUARD_NS     (10 * 1000000ULL) /* between looks at the cost */
/*
 * So many processes get links of their own, which cost no others a thing. Taking a link away takes
 * 50 ms, so that for more of them one is made for all processes, and the programs choose.
 */
#define PIDS_MAX 8
/*
 * What the kernel takes to get to a program and back, which its statistics leave out. Measured,
 * with an empty program: 0.65 to 0.95 us at an emulated instruction, 12 to 15 us at one that is
 * single-stepped.
 */
#define ENTER_NS      800
#define ENTER_DEAR_NS 14000
/*
 * The statistics count from clock to clock. Programs at user probes may be preempted, so that a
 * busy machine would add whatever else it did; none takes so long by itself.
 */
#define RUN_MOST_NS 3000

struct exact_link {
	uint64_t library; /* struct library.id */
	pid_t pid;	  /* 0: all */
	struct uprobe_link *calls, *returns;
	bool failed; /* not to be tried again */
	bool wanted; /* at the latest look */
};

struct run {
	uint64_t ns, n;
};

struct exact {
	const struct options *options;
	struct locktop_bpf *skel;
	struct libraries *libraries;
	/*
	 * Probes come and go in bulk. Where they do not, they stay between time slices and count
	 * nothing (taking them away takes seconds), and are for all processes: each needs a
	 * descriptor.
	 */
	bool bulk;
	int stats_fd;
	struct exact_link *links;
	size_t n_links, links_capacity;
	struct bpf_link *futex; /* of all system calls' ends; NULL: not attached */
	uint32_t slice;		/* number of the running or the latest one */
	bool on;
	uint64_t begun_ns, on_since_ns, on_ns; /* on_ns: of slices that are over */
	uint64_t look_ns;		       /* when to look for files again */
	uint64_t window_ns, window_cost_ns;    /* start of the running window, and the cost then */
	uint64_t aim_ns;		       /* at what cost a slice ends */
};

struct exact *exact__new(const struct options *o, struct locktop_bpf *skel, struct proc *proc)
{
	struct exact *e = xcalloc(1, sizeof(*e));

	e->options = o;
	e->skel = skel;
	e->bulk = uprobes__supports_multi();
	e->libraries = libraries__new(proc);
	/* the cost must be known all the time: without it there is no budget to keep */
	e->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	return e;
}

static struct run run_of(struct bpf_program *prog)
{
	struct bpf_prog_info info = {};
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &size))
		return (struct run){};
	return (struct run){ info.run_time_ns, info.run_cnt };
}

static struct run run_time(const struct exact *e)
{
	struct run calls = run_of(e->skel->progs.on_lock_call);
	struct run returns = run_of(e->skel->progs.on_lock_return);

	return (struct run){ calls.ns + returns.ns, calls.n + returns.n };
}

uint64_t exact__enter_ns(const struct exact *e)
{
	return run_time(e).n * ENTER_NS + e->skel->bss->exact_dear * (ENTER_DEAR_NS - ENTER_NS);
}

uint64_t exact__cost_ns(const struct exact *e)
{
	struct run run = run_time(e);

	return MIN(run.ns, run.n * RUN_MOST_NS) + exact__enter_ns(e);
}

uint64_t exact__on_ns(const struct exact *e, uint64_t now_ns)
{
	return e->on_ns + (e->on && now_ns > e->on_since_ns ? now_ns - e->on_since_ns : 0);
}

/* ---- links ---- */

static void detach(struct exact_link *link)
{
	uprobes__detach(link->calls);
	uprobes__detach(link->returns);
	link->calls = link->returns = NULL;
}

/* The places of a file, those whose end is wanted too apart. */
struct places {
	uint64_t *offsets, *cookies;
	size_t n;
};

static uint64_t cookie_of(const struct lock_place *p)
{
	return COOKIE(p->function->op,
		      (p->musl ? COOKIE_MUSL : 0) | (p->entry.tried ? COOKIE_TRIED : 0) |
			      (p->entry.emulated ? 0 : COOKIE_DEAR) |
			      (p->function->at_return ? COOKIE_RETURNS : 0),
		      p->entry.stack, p->inner);
}

static struct places places_of(const struct library *l, bool at_return)
{
	struct places p = { .offsets = xcalloc(l->n_places, sizeof(uint64_t)),
			    .cookies = xcalloc(l->n_places, sizeof(uint64_t)) };

	for (size_t i = 0; i < l->n_places; i++) {
		const struct lock_place *from = &l->places[i];

		if (from->entry.refused ||
		    (at_return && (!from->function->at_return || from->entry.tried)))
			continue;
		p.offsets[p.n] = from->offset + (at_return ? 0 : from->entry.offset);
		p.cookies[p.n++] = cookie_of(from);
	}
	return p;
}

static int attach_places(const struct library *l, struct bpf_program *prog, bool at_return,
			 pid_t pid, struct uprobe_link **ret)
{
	struct places p = places_of(l, at_return);
	struct uprobe_spec spec = { .prog_fd = bpf_program__fd(prog),
				    .path = l->path,
				    .offsets = p.offsets,
				    .cookies = p.cookies,
				    .n = p.n,
				    .at_return = at_return,
				    .pid = pid };
	int err = p.n ? uprobes__attach(&spec, ret) : 0;

	free(p.offsets);
	free(p.cookies);
	return err;
}

static const struct library *library_of(const struct exact *e, uint64_t id)
{
	for (size_t i = 0; i < libraries__count(e->libraries); i++)
		if (libraries__at(e->libraries, i)->id == id)
			return libraries__at(e->libraries, i);
	return NULL;
}

/* Ends of calls first: a try that is seen must be seen to end. */
static void attach(struct exact *e, struct exact_link *link)
{
	const struct library *l = library_of(e, link->library);
	int err;

	if (!l || !l->path || link->calls || link->failed)
		return;
	err = attach_places(l, e->skel->progs.on_lock_return, true, link->pid, &link->returns);
	if (!err)
		err = attach_places(l, e->skel->progs.on_lock_call, false, link->pid, &link->calls);
	if (!err)
		return;
	detach(link);
	link->failed = true;
}

static void want_link(struct exact *e, uint64_t library, pid_t pid)
{
	for (size_t i = 0; i < e->n_links; i++) {
		struct exact_link *link = &e->links[i];

		if (link->library != library || link->pid != pid)
			continue;
		link->wanted = true;
		return;
	}
	array__grow(e->links, e->n_links, e->links_capacity);
	e->links[e->n_links++] =
		(struct exact_link){ .library = library, .pid = pid, .wanted = true };
}

/* The processes of the scope; NULL: all. */
static pid_t *scope(struct exact *e, size_t *n)
{
	int fd = bpf_map__fd(e->skel->maps.exact_scope);
	uint32_t key, *at = NULL;
	size_t capacity = 0;
	pid_t *pids = NULL;

	*n = 0;
	if (!e->skel->rodata->knob_exact_scoped)
		return NULL;
	array__grow(pids, *n, capacity);
	while (!bpf_map_get_next_key(fd, at, &key)) {
		array__grow(pids, *n, capacity);
		pids[(*n)++] = key;
		at = &key;
	}
	return pids;
}

static void look(struct exact *e)
{
	size_t n, n_libraries;
	pid_t *pids = scope(e, &n);
	bool each = pids && e->bulk && n <= PIDS_MAX;

	libraries__look(e->libraries, pids, n);
	n_libraries = libraries__count(e->libraries);
	for (size_t i = 0; i < e->n_links; i++)
		e->links[i].wanted = false;
	for (size_t i = 0; i < n_libraries; i++) {
		const struct library *l = libraries__at(e->libraries, i);

		for (size_t j = 0; each && j < n; j++)
			want_link(e, l->id, pids[j]);
		if (!each)
			want_link(e, l->id, 0);
	}
	for (size_t i = e->n_links; i-- > 0;) {
		if (e->links[i].wanted)
			continue;
		detach(&e->links[i]);
		e->links[i] = e->links[--e->n_links];
	}
	free(pids);
}

/* ---- time slices ---- */

static void turn_on(struct exact *e)
{
	for (size_t i = 0; i < e->n_links; i++)
		attach(e, &e->links[i]);
	if (e->on)
		return;
	e->futex = bpf_program__attach(e->skel->progs.on_call_end);
	e->on = true;
	e->skel->bss->exact_slice = ++e->slice;
	e->on_since_ns = util__monotonic_ns();
}

static void turn_off(struct exact *e)
{
	e->skel->bss->exact_slice = 0;
	e->on_ns = exact__on_ns(e, util__monotonic_ns());
	e->on = false;
	bpf_link__destroy(e->futex);
	e->futex = NULL;
	for (size_t i = 0; i < e->n_links && e->bulk; i++)
		detach(&e->links[i]);
}

/* What a window may cost. */
static uint64_t allowed_ns(const struct exact *e)
{
	return WINDOW_NS / 100 * e->options->budget;
}

/*
 * A slice ends when its cost has come to the aim, and then costs somewhat more: until it is
 * noticed, and until the probes are gone. So the aim follows what windows came to. One that cost
 * too much all the same is made up for: the next one begins later.
 */
static void begin_window(struct exact *e, uint64_t now_ns)
{
	uint64_t cost = exact__cost_ns(e), allowed = allowed_ns(e),
		 spent = cost - e->window_cost_ns;

	if (!e->window_ns)
		e->aim_ns = allowed / 2;
	else if (spent > allowed)
		e->aim_ns = MAX((uint64_t)((double)e->aim_ns * allowed / spent), allowed / 16);
	else
		e->aim_ns = MIN(e->aim_ns + e->aim_ns / 8, allowed / 10 * 9);
	e->window_ns = now_ns;
	e->window_cost_ns = cost;
}

static uint64_t window_end(const struct exact *e)
{
	uint64_t spent = exact__cost_ns(e) - e->window_cost_ns;
	double times = (double)spent / allowed_ns(e);

	return e->window_ns + (uint64_t)(WINDOW_NS * MIN(MAX(times, 1.0), MAKE_UP_MOST));
}

static bool at_aim(const struct exact *e)
{
	return e->stats_fd >= 0 && exact__cost_ns(e) - e->window_cost_ns > e->aim_ns;
}

uint64_t exact__tick(struct exact *e, uint64_t now_ns)
{
	bool starting, fresh = !e->window_ns || now_ns >= window_end(e);

	if (!e->begun_ns)
		e->begun_ns = now_ns;
	starting = now_ns < e->begun_ns + SOON_NS;
	if (fresh)
		begin_window(e, now_ns);
	else if (e->on && at_aim(e))
		turn_off(e);
	if (!e->on && !fresh)
		return MAX(window_end(e), now_ns) - now_ns;
	if (now_ns >= e->look_ns) {
		look(e);
		e->look_ns = now_ns + (starting ? LOOK_SOON_NS : LOOK_NS);
	}
	turn_on(e);
	return GUARD_NS;
}

void exact__hurry(struct exact *e)
{
	e->look_ns = 0;
}

void exact__free(struct exact *e)
{
	if (!e)
		return;
	turn_off(e);
	for (size_t i = 0; i < e->n_links; i++)
		detach(&e->links[i]);
	libraries__free(e->libraries);
	if (e->stats_fd >= 0)
		close(e->stats_fd);
	free(e->links);
	free(e);
}
