// SPDX-License-Identifier: GPL-2.0-only
#include "collector.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "assemble.h"
#include "looks.h"
#include "orders.h"
#include "processes.h"
#include "runtime_python.h"
#include "samples.h"
#include "tally.h"
#include "util.h"

#define UNUSED_NS	(60 * NSEC_PER_SEC) /* a key or thread unused for so long is forgotten */
#define UNUSED_TIGHT_NS (2 * NSEC_PER_SEC)  /* the same when room gets short */
#define ABSENT		2 /* a sleep that ends between two halves of a reading is missing once */
#define TICK_MAX_NS	(100 * 1000000ULL)
#define DUMP_NS		(200 * 1000000ULL) /* between the two looks of a dump */

struct collector {
	const struct options *options;
	struct source *source;
	struct proc *proc;
	struct processes processes;
	struct owners *owners;
	struct samples *samples;
	struct looks *looks;
	struct orders *orders;
	struct sleeps *sleeps; /* NULL: not kept one by one */
	struct tally tally;
	struct identities *identities;
	uint64_t losses[LOSS_COUNT]; /* as read at the start of the running interval */
	struct self_cost self;
	uint64_t number;
	struct utsname uts;
	/* what is to be forgotten at the end of an interval */
	struct lock_key *gone_keys;
	size_t n_gone_keys, gone_keys_capacity;
	struct wait_key *gone_waits;
	size_t n_gone_waits, gone_waits_capacity;
	struct exact_key *gone_exact;
	size_t n_gone_exact, gone_exact_capacity;
};

struct collector *collector__new(const struct options *o, struct source *source, struct proc *proc,
				 const struct aliases *aliases,
				 const struct suppressions *suppressions)
{
	struct collector *c = xcalloc(1, sizeof(*c));

	c->options = o;
	c->source = source;
	c->proc = proc;
	processes__init(&c->processes, o, proc);
	c->owners = owners__new(proc);
	c->samples = samples__new(&c->processes, proc, c->owners, aliases);
	c->processes.pythons = pythons__new(proc, samples__names(c->samples), source);
	c->looks = looks__new(source, &c->processes, c->samples, c->owners, proc);
	c->orders = orders__new(&c->processes, c->samples, suppressions);
	if (o->events)
		c->sleeps = sleeps__new(&c->processes, proc);
	tally__init(&c->tally);
	c->identities = identities__new();
	uname(&c->uts);
	return c;
}

void collector__free(struct collector *c)
{
	if (!c)
		return;
	tally__done(&c->tally);
	identities__free(c->identities);
	looks__free(c->looks);
	orders__free(c->orders);
	sleeps__free(c->sleeps);
	pythons__free(c->processes.pythons);
	samples__free(c->samples);
	owners__free(c->owners);
	processes__done(&c->processes);
	free(c->gone_keys);
	free(c->gone_waits);
	free(c->gone_exact);
	free(c);
}

static void on_event(void *ctx, const void *data, size_t size)
{
	const struct stack_event *e = data;
	struct collector *c = ctx;

	if (size >= sizeof(struct python_event) && e->type == EVENT_PYTHON) {
		pythons__event(c->processes.pythons, data, size);
		return;
	}
	if (orders__event(c->orders, data, size) ||
	    (c->sleeps && sleeps__event(c->sleeps, data, size)))
		return;
	if (size >= sizeof(*e) && e->type == EVENT_RUNNING_STACK &&
	    e->stack_len <= size - sizeof(*e))
		looks__event(c->looks, e);
	else
		samples__event(c->samples, data, size);
}

static int drain(struct collector *c)
{
	int err = c->source->ops->drain(c->source, on_event, c);
	const uint32_t *ids;
	size_t n = samples__deep(c->samples, &ids);

	for (size_t i = 0; i < n && c->source->ops->deepen; i++)
		c->source->ops->deepen(c->source, ids[i]);
	return err;
}

uint64_t collector__tick(struct collector *c)
{
	uint64_t next = TICK_MAX_NS;

	drain(c);
	if (c->source->ops->tick)
		next = MIN(next, c->source->ops->tick(c->source, util__monotonic_ns()));
	next = MIN(next, pythons__tick(c->processes.pythons, &c->processes, util__monotonic_ns()));
	return MIN(next, looks__tick(c->looks, util__monotonic_ns()));
}

int collector__fd(struct collector *c)
{
	return c->source->ops->fd ? c->source->ops->fd(c->source) : -1;
}

static int read_records(struct collector *c, struct records *r)
{
	int err = c->source->ops->read(c->source, r);

	if (err)
		return err;
	for (size_t i = 0; i < r->n_processes; i++)
		processes__get(&c->processes, &r->process_keys[i], &r->processes[i], r->now_ns);
	for (size_t i = 0; i < r->n_futexes; i++)
		processes__futex(&c->processes, &r->futex_keys[i], &r->futexes[i], r->now_ns);
	err = drain(c);
	if (err)
		return err;
	r->losses[LOSS_CGROUPS_UNKNOWN] += c->processes.cgroups_unknown;
	processes__refresh(&c->processes, r->now_ns);
	tally__update(&c->tally, r);
	orders__update(c->orders, r);
	r->losses[LOSS_ORDERS_FULL] += orders__lost(c->orders);
	return 0;
}

static void forget_key(struct collector *c, struct tally_key *k)
{
	k->gone = true;
	samples__drop(c->samples, &k->key);
	if (!k->present)
		return;
	if (k->exact) {
		array__grow(c->gone_exact, c->n_gone_exact, c->gone_exact_capacity);
		c->gone_exact[c->n_gone_exact++] = (struct exact_key){ .tgid = k->key.tgid,
								       .gen = k->key.gen,
								       .addr = k->key.addr };
		return;
	}
	array__grow(c->gone_keys, c->n_gone_keys, c->gone_keys_capacity);
	c->gone_keys[c->n_gone_keys++] = k->key;
}

static void forget_wait(struct collector *c, struct tally_wait *w)
{
	w->gone = true;
	if (!w->present)
		return;
	array__grow(c->gone_waits, c->n_gone_waits, c->gone_waits_capacity);
	c->gone_waits[c->n_gone_waits++] =
		(struct wait_key){ .tid = w->id.tid, .lock_id = w->id.key->id };
}

/* Ended before the latest reading, which so has its last numbers. */
static bool is_over(struct collector *c, const struct lock_key *key)
{
	struct process_key process = { .tgid = key->tgid, .gen = key->gen };
	struct process_entry *e;

	HASH_FIND(hh, c->processes.by_key, &process, sizeof(process), e);
	return e && e->reported;
}

static bool is_unused(uint64_t last_ns, uint64_t now_ns, uint64_t limit_ns)
{
	return last_ns && now_ns > last_ns && now_ns - last_ns > limit_ns;
}

/* A lock that is held has an owner to remember, as long as there is room. */
static bool is_unused_exact(const struct tally_key *k, const struct records *r)
{
	bool tight = r->exact_max && r->n_exact > r->exact_max / 2;

	return (tight || !tally_exact__is_held(k->exact)) && !k->exact->spinners &&
	       is_unused(k->last_ns, r->now_ns, tight ? UNUSED_TIGHT_NS : UNUSED_NS);
}

/*
 * Makes room in the kernel's maps: entries of processes that have ended, whose last numbers were
 * just read, and entries unused for long (waits on a stack make new addresses for ever).
 */
static void forget(struct collector *c, const struct records *r)
{
	uint64_t unused_lock = r->n_locks > r->locks_max / 2 ? UNUSED_TIGHT_NS : UNUSED_NS;
	uint64_t unused_wait = r->n_waits > r->waits_max / 2 ? UNUSED_TIGHT_NS : UNUSED_NS;
	const struct order_key *orders;
	struct tally_wait *w, *next_wait;
	struct tally_key *k, *next_key;
	size_t n_orders;

	c->n_gone_keys = c->n_gone_waits = c->n_gone_exact = 0;
	HASH_ITER (hh, c->tally.keys, k, next_key)
		if (!k->open_n && (is_over(c, &k->key) || k->absent >= ABSENT ||
				   (k->exact ? is_unused_exact(k, r)
					     : is_unused(k->last_ns, r->now_ns, unused_lock))))
			forget_key(c, k);
	HASH_ITER (hh, c->tally.waits, w, next_wait)
		if (w->id.key->gone ||
		    (!w->waiting &&
		     (w->absent >= ABSENT || is_unused(w->last_ns, r->now_ns, unused_wait))))
			forget_wait(c, w);
	c->source->ops->forget_locks(c->source, c->gone_keys, c->n_gone_keys);
	c->source->ops->forget_waits(c->source, c->gone_waits, c->n_gone_waits);
	if (c->n_gone_exact && c->source->ops->forget_exact)
		c->source->ops->forget_exact(c->source, c->gone_exact, c->n_gone_exact);
	tally__sweep(&c->tally);
	n_orders = orders__forget(c->orders, r->now_ns, &orders);
	if (n_orders)
		c->source->ops->forget_orders(c->source, orders, n_orders);
}

/* An ended process stays for the interval that its last numbers are shown in. */
static void forget_processes(struct collector *c)
{
	struct process_entry *e, *next;

	HASH_ITER (hh, c->processes.by_key, e, next) {
		if (!e->ended)
			continue;
		if (!e->reported) {
			e->reported = true;
			continue;
		}
		c->source->ops->forget_processes(c->source, &e->key, 1);
		if (e->futex_seen && c->source->ops->forget_futexes)
			c->source->ops->forget_futexes(c->source, &e->key, 1);
		pythons__drop(c->processes.pythons, &e->key);
		processes__drop(&c->processes, e);
	}
}

static struct snapshot *new_snapshot(struct collector *c)
{
	struct snapshot *s = snapshot__new();

	s->version = LOCKTOP_VERSION;
	s->host = snapshot__string(s, c->uts.nodename);
	s->kernel = snapshot__string(s, c->uts.release);
	clock_gettime(CLOCK_REALTIME, &s->time);
	return s;
}

static void fill_head(struct collector *c, struct snapshot *s, const struct records *r)
{
	s->interval_ns = c->tally.now_ns - c->tally.then_ns;
	s->number = ++c->number;
	s->exact = r->exact_on;
	s->exact_share = c->tally.exact_share;
	for (int i = 0; i < LOSS_COUNT; i++)
		s->losses[i] = r->losses[i] - c->losses[i];
	s->self = (struct self_cost){
		.cpu_ns = r->self.cpu_ns - c->self.cpu_ns,
		.rss_bytes = r->self.rss_bytes,
		.probe_ns = r->self.probe_ns - c->self.probe_ns,
		.probe_runs = r->self.probe_runs - c->self.probe_runs,
		.probe_known = r->self.probe_known,
	};
}

void collector__expect(struct collector *c, const pid_t *pids, size_t n)
{
	uint64_t now = util__monotonic_ns();

	for (size_t i = 0; i < n; i++)
		pythons__expect(c->processes.pythons, pids[i], now);
	if (!n)
		pythons__expect_all(c->processes.pythons, now);
	pythons__tick(c->processes.pythons, &c->processes, now);
}

int collector__start(struct collector *c)
{
	struct records r;
	int err = read_records(c, &r);

	if (err)
		return err;
	memcpy(c->losses, r.losses, sizeof(c->losses));
	c->self = r.self;
	samples__next_interval(c->samples);
	if (c->sleeps)
		sleeps__begin(c->sleeps, r.now_ns);
	return 0;
}

int collector__interval(struct collector *c, struct snapshot **ret)
{
	struct snapshot *s;
	struct records r;
	struct look look;
	int err = read_records(c, &r);

	if (err)
		return err;
	look = (struct look){ .now_ns = r.now_ns,
			      .open = r.open,
			      .n_open = r.n_open,
			      .spinning = r.spinning,
			      .n_spinning = r.n_spinning,
			      .cost_ns = r.look_cost_ns };
	looks__interval(c->looks, &look, &c->tally);
	s = new_snapshot(c);
	fill_head(c, s, &r);
	assemble(s, c->identities, &c->tally, c->samples, &c->processes, c->looks, c->sleeps);
	orders__fill(c->orders, s, r.now_ns);
	memcpy(c->losses, r.losses, sizeof(c->losses));
	c->self = r.self;
	forget(c, &r);
	forget_processes(c);
	samples__next_interval(c->samples);
	looks__next_interval(c->looks);
	pythons__next_interval(c->processes.pythons);
	*ret = s;
	return 0;
}

/* Stacks of running threads come meanwhile. */
static void wait_for_samples(struct collector *c)
{
	const struct timespec step = { .tv_nsec = DUMP_NS / 4 };

	for (int i = 0; i < 4; i++) {
		nanosleep(&step, NULL);
		drain(c);
	}
}

static bool any_there(struct collector *c, const pid_t *pids, size_t n)
{
	struct proc_info info;

	for (size_t i = 0; i < n; i++)
		if (!proc__info(c->proc, pids[i], &info))
			return true;
	return false;
}

/* Figures are those of open sleeps only: the running interval keeps its own. */
static struct snapshot *assemble_dump(struct collector *c, const struct look *look)
{
	struct records r = { .now_ns = look->now_ns,
			     .open = look->open,
			     .n_open = look->n_open,
			     .spinning = look->spinning,
			     .n_spinning = look->n_spinning };
	struct snapshot *s = new_snapshot(c);
	struct tally tally;

	tally__init(&tally);
	tally__update(&tally, &r);
	assemble(s, c->identities, &tally, c->samples, &c->processes, c->looks, NULL);
	tally__done(&tally);
	return s;
}

int collector__dump(struct collector *c, const pid_t *pids, size_t n, struct snapshot **ret)
{
	struct look look;
	int err;

	if (!any_there(c, pids, n))
		return -ESRCH;
	looks__dump(c->looks, pids, n);
	err = looks__now(c->looks, NULL);
	if (!err) {
		wait_for_samples(c);
		err = looks__now(c->looks, &look);
	}
	if (!err)
		*ret = assemble_dump(c, &look);
	looks__dump(c->looks, NULL, 0);
	return err;
}
