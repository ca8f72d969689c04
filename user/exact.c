// SPDX-License-Identifier: GPL-2.0-only
#include "exact.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "exact_cost.h"
#include "exact_links.h"
#include "features.h"
#include "locktop.skel.h"
#include "uprobes.h"
#include "util.h"

#define WINDOW_NS    NSEC_PER_SEC	/* the budget holds for each of these */
#define LOOK_NS	     (100 * 1000000ULL) /* between looks for new files and processes ... */
#define LOOK_SOON_NS (10 * 1000000ULL)	/* ... and while a command may be starting */
#define SOON_NS	     NSEC_PER_SEC
#define AIM_MOST     0.9	       /* of the budget: late looks at the cost come on top */
#define MAKE_UP_MOST 5.0	       /* windows that one costly one may stand for */
#define GUARD_NS     (10 * 1000000ULL) /* between looks at the cost, at most ... */
#define GUARD_MIN_NS (1 * 1000000ULL)  /* ... and at least */
#define GUARD_NICE   -15
/*
 * What the kernel takes to get to a program and back, which its statistics leave out, where it
 * can not be measured here. With an empty program: 0.65 to 0.95 us at an emulated instruction, 12
 * to 15 us at one that is single-stepped.
 */
#define ENTER_NS      800
#define ENTER_DEAR_NS 14000
/*
 * The statistics count from clock to clock. Programs at user probes may be preempted, so that a
 * busy machine would add whatever else it did; none takes so long by itself.
 */
#define RUN_MOST_NS 3000

struct run {
	uint64_t ns, n;
};

/*
 * The budget must be kept whatever else this program is about: reading symbols may take it a tenth
 * of a second. So a thread of its own guards the cost, and takes the probes away.
 */
struct exact {
	const struct options *options;
	struct locktop_bpf *skel;
	struct proc *proc;
	/*
	 * Probes come and go in bulk. Where they do not, they stay between time slices and count
	 * nothing: taking them away takes seconds.
	 */
	bool bulk;
	int stats_fd;
	struct exact_cost cost;
	uint64_t begun_ns;
	bool starting; /* a command may be */
	pthread_t guard;
	bool guarded;
	/* `probes` is held for as long as it takes to put them there or take them away: */
	pthread_mutex_t probes;
	pthread_cond_t changed; /* on, or end */
	bool end;
	struct exact_links *links;
	struct bpf_link *futex;		    /* of all system calls' ends; NULL: not attached */
	uint64_t look_ns;		    /* when to look for files again */
	uint64_t window_ns, window_cost_ns; /* start of the running window, and the cost then */
	uint64_t aim_ns;		    /* at what cost a slice ends */
	/* `state` for a moment only; what it guards is written with `probes` held too: */
	pthread_mutex_t state;
	uint32_t slice; /* number of the running or the latest one */
	bool on;
	uint64_t on_since_ns, on_ns; /* on_ns: of slices that are over */
	uint64_t on_cost_ns;	     /* the cost when the slice began */
};

struct exact *exact__new(const struct options *o, struct locktop_bpf *skel, struct proc *proc)
{
	struct exact *e = xcalloc(1, sizeof(*e));
	pthread_condattr_t clock;

	e->options = o;
	e->skel = skel;
	e->bulk = uprobes__supports_multi();
	e->proc = proc;
	e->links = exact_links__new(skel, proc, e->bulk);
	pthread_mutex_init(&e->probes, NULL);
	pthread_mutex_init(&e->state, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&e->changed, &clock);
	pthread_condattr_destroy(&clock);
	e->stats_fd = -1;
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

/* What one hit takes is known, so that it is enough to count them. */
static bool counts(const struct exact *e)
{
	return e->cost.hit_ns;
}

static uint64_t count_hits(const struct exact *e)
{
	uint64_t n = 0;

	for (int i = 0; i < HIT_CPUS; i++)
		n += __atomic_load_n(&e->skel->bss->exact_hits[i * HIT_WORDS], __ATOMIC_RELAXED);
	return n;
}

static struct run run_time(const struct exact *e)
{
	struct run calls, returns;

	if (counts(e))
		return (struct run){ .n = count_hits(e) };
	calls = run_of(e->skel->progs.on_lock_call);
	returns = run_of(e->skel->progs.on_lock_return);
	return (struct run){ calls.ns + returns.ns, calls.n + returns.n };
}

static uint64_t cost_of(const struct exact *e, struct run run)
{
	uint64_t dear = e->skel->bss->exact_dear * (ENTER_DEAR_NS - ENTER_NS);

	if (counts(e))
		return run.n * e->cost.hit_ns + dear;
	return MIN(run.ns, run.n * RUN_MOST_NS) + run.n * ENTER_NS + dear;
}

bool exact__hits(const struct exact *e, uint64_t *n, uint64_t *ns)
{
	struct run run = run_time(e);

	if (!counts(e))
		return false;
	*n = run.n;
	*ns = cost_of(e, run);
	return true;
}

uint64_t exact__enter_ns(const struct exact *e)
{
	struct run run = run_time(e);
	uint64_t cost = cost_of(e, run);

	return cost > run.ns ? cost - run.ns : 0;
}

static uint64_t cost_ns(const struct exact *e)
{
	return cost_of(e, run_time(e));
}

/* With `state` held. */
static uint64_t on_ns(const struct exact *e, uint64_t now_ns)
{
	return e->on_ns + (e->on && now_ns > e->on_since_ns ? now_ns - e->on_since_ns : 0);
}

uint64_t exact__on_ns(struct exact *e, uint64_t now_ns)
{
	uint64_t ns;

	pthread_mutex_lock(&e->state);
	ns = on_ns(e, now_ns);
	pthread_mutex_unlock(&e->state);
	return ns;
}

/* ---- time slices; all with `probes` held ---- */

/*
 * Without it, what was measured elsewhere must do, and the kernel's statistics, all the time: there
 * is no budget to keep but by the cost. Later calls of this program are nobody's.
 */
static void calibrate(struct exact *e)
{
	if (e->slice)
		return;
	if (e->bulk && !exact_cost__measure(e->skel, e->proc, ++e->slice, &e->cost)) {
		e->skel->bss->exact_bias_ns = e->cost.bias_ns;
		e->skel->bss->exact_end_bias_ns = e->cost.end_bias_ns;
	}
	if (!counts(e))
		e->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	e->skel->bss->exact_self = getpid();
}

static void turn_on(struct exact *e)
{
	calibrate(e);
	exact_links__attach(e->links);
	if (e->on)
		return;
	e->futex = bpf_program__attach(e->skel->progs.on_call_end);
	pthread_mutex_lock(&e->state);
	e->on = true;
	e->skel->bss->exact_slice = ++e->slice;
	e->on_since_ns = util__monotonic_ns();
	e->on_cost_ns = cost_ns(e);
	pthread_mutex_unlock(&e->state);
	pthread_cond_signal(&e->changed);
}

static void turn_off(struct exact *e)
{
	pthread_mutex_lock(&e->state);
	e->skel->bss->exact_slice = 0;
	e->on_ns = on_ns(e, util__monotonic_ns());
	e->on = false;
	pthread_mutex_unlock(&e->state);
	if (e->bulk)
		exact_links__detach(e->links);
	bpf_link__destroy(e->futex);
	e->futex = NULL;
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
	uint64_t cost = cost_ns(e), allowed = allowed_ns(e), spent = cost - e->window_cost_ns;

	if (!e->window_ns)
		e->aim_ns = allowed / 2;
	else if (spent > allowed)
		e->aim_ns = MAX((uint64_t)((double)e->aim_ns * allowed / spent), allowed / 16);
	else
		e->aim_ns = MIN(e->aim_ns + e->aim_ns / 8, (uint64_t)(AIM_MOST * allowed));
	e->window_ns = now_ns;
	e->window_cost_ns = cost;
}

/* Windows that cost too much, all of them, come to the aim still, and not to the whole budget. */
static uint64_t window_end(const struct exact *e)
{
	uint64_t spent = cost_ns(e) - e->window_cost_ns;
	double times = (double)spent / (AIM_MOST * allowed_ns(e));

	return e->window_ns + (uint64_t)(WINDOW_NS * MIN(MAX(times, 1.0), MAKE_UP_MOST));
}

static bool at_aim(const struct exact *e)
{
	return (counts(e) || e->stats_fd >= 0) && cost_ns(e) - e->window_cost_ns > e->aim_ns;
}

/* When to look at the cost again: before the aim is reached, at the pace of the slice so far. */
static uint64_t guard_ns(const struct exact *e)
{
	uint64_t cost = cost_ns(e), end = e->window_cost_ns + e->aim_ns;
	double passed = util__monotonic_ns() - e->on_since_ns, spent = cost - e->on_cost_ns;
	double left = end > cost && spent > 0 ? passed / spent * (double)(end - cost) : GUARD_NS;

	if (end <= cost || passed < GUARD_MIN_NS)
		return GUARD_MIN_NS;
	return MAX(MIN(left / 2, GUARD_NS), GUARD_MIN_NS);
}

static void *guard(void *arg)
{
	struct exact *e = arg;

	/* it must not wait for the CPUs that the probes take; where that is not allowed, it may */
	setpriority(PRIO_PROCESS, 0, GUARD_NICE);
	features__drop_privileges(false);
	pthread_mutex_lock(&e->probes);
	while (!e->end) {
		uint64_t until;
		struct timespec at;

		if (!e->on) {
			pthread_cond_wait(&e->changed, &e->probes);
			continue;
		}
		until = util__monotonic_ns() + guard_ns(e);
		at = (struct timespec){ until / NSEC_PER_SEC, until % NSEC_PER_SEC };
		pthread_cond_timedwait(&e->changed, &e->probes, &at);
		if (e->on && !e->end && at_aim(e))
			turn_off(e);
	}
	pthread_mutex_unlock(&e->probes);
	return NULL;
}

static uint64_t look_again_ns(const struct exact *e, uint64_t now_ns)
{
	return now_ns + (e->starting && now_ns < e->begun_ns + SOON_NS ? LOOK_SOON_NS : LOOK_NS);
}

static uint64_t tick(struct exact *e, uint64_t now_ns)
{
	bool fresh = !e->window_ns || now_ns >= window_end(e);
	uint64_t next;

	if (fresh)
		begin_window(e, now_ns);
	else if (e->on && at_aim(e))
		turn_off(e);
	if (!e->on && !fresh)
		return MAX(window_end(e), now_ns) - now_ns;
	if (now_ns >= e->look_ns) {
		if (exact_links__look(e->links))
			turn_off(e);
		e->look_ns = look_again_ns(e, now_ns);
	}
	turn_on(e);
	next = MIN(e->look_ns, window_end(e));
	next = MAX(next, now_ns) - now_ns;
	return e->guarded ? next : MIN(next, GUARD_NS);
}

uint64_t exact__tick(struct exact *e, uint64_t now_ns)
{
	uint64_t next;

	if (pthread_mutex_trylock(&e->probes)) /* they are being taken away */
		return GUARD_NS;
	if (!e->begun_ns) {
		e->begun_ns = now_ns;
		e->guarded = !util__start_thread(&e->guard, guard, e);
	}
	next = tick(e, now_ns);
	pthread_mutex_unlock(&e->probes);
	return next;
}

void exact__prepare(struct exact *e, const char *program, pid_t pid)
{
	e->starting = true;
	exact_links__prepare(e->links, program, pid);
}

void exact__born(struct exact *e, pid_t pid)
{
	bool on;

	pthread_mutex_lock(&e->state);
	on = e->on;
	pthread_mutex_unlock(&e->state);
	if (on) /* else nobody's calls are known */
		exact_links__born(e->links, pid);
	e->look_ns = 0;
}

uint64_t exact__late(const struct exact *e)
{
	return exact_links__late(e->links);
}

int exact__refused(const struct exact *e)
{
	return exact_links__refused(e->links);
}

uint64_t exact__unprobed(const struct exact *e)
{
	return exact_links__unprobed(e->links);
}

void exact__free(struct exact *e)
{
	if (!e)
		return;
	pthread_mutex_lock(&e->probes);
	e->end = true;
	pthread_cond_signal(&e->changed);
	pthread_mutex_unlock(&e->probes);
	if (e->guarded)
		pthread_join(e->guard, NULL);
	turn_off(e);
	exact_links__free(e->links);
	if (e->stats_fd >= 0)
		close(e->stats_fd);
	pthread_cond_destroy(&e->changed);
	pthread_mutex_destroy(&e->probes);
	pthread_mutex_destroy(&e->state);
	free(e);
}
