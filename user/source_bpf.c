// SPDX-License-Identifier: GPL-2.0-only
#include "source_bpf.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "exact.h"
#include "iterator.h"
#include "locktop.skel.h"
#include "map_reading.h"
#include "ring.h"
#include "source_watch.h"
#include "util.h"

#define DRAIN_NS (100 * 1000000ULL) /* between looks into the ring buffer */
#define SLICE_NS (100 * 1000000ULL) /* the kernel's BPF statistics are on this long ... */
#define SLICE_PERIOD_NS \
	(5 * NSEC_PER_SEC) /* ... in each of these: switching interrupts every CPU */

struct run_time {
	uint64_t ns, runs, missed;
};

struct source_bpf {
	struct source source;
	struct locktop_bpf *skel;
	struct proc *proc;
	struct ring *ring;
	struct ring *sleeps; /* single ones; NULL: not wanted */
	int ring_fd;
	struct map_reading locks, waits, processes, exact_locks, orders, futexes;
	struct exact *exact;	   /* NULL: without the exact tier */
	struct iteration spinning; /* of struct open_call */
	struct iteration open;	   /* of struct open_sleep */
	uint64_t open_cost_ns;	   /* CPU time that its run took */
	struct watch *watch;
	source_event_fn event_fn;
	void *event_ctx;
	/* cost slices */
	int stats_fd;
	uint64_t slice_start_ns, slice_next_ns, charged_ns;
	struct run_time at_start;
	double ns_rate, runs_rate; /* ns and runs per ns, from the latest slice */
	double probe_ns, probe_runs;
	bool probe_known;
};

static struct source_bpf *source_bpf(struct source *s)
{
	return (struct source_bpf *)s;
}

static void on_event(void *ctx, const void *data, size_t size)
{
	struct source_bpf *s = ctx;
	const struct fork_event *fork = data;

	if (s->exact && size >= sizeof(*fork) && fork->type == EVENT_FORK)
		exact__born(s->exact, fork->tgid);
	else
		s->event_fn(s->event_ctx, data, size);
}

static int drain(struct source *source, source_event_fn fn, void *ctx)
{
	struct source_bpf *s = source_bpf(source);

	s->event_fn = fn;
	s->event_ctx = ctx;
	ring__consume(s->ring, on_event, s);
	if (s->sleeps)
		ring__consume(s->sleeps, on_event, s);
	return 0;
}

static int read_open(struct source_bpf *s)
{
	uint64_t begun = util__cpu_ns();
	int err = iterator__run(s->skel->links.on_task, sizeof(struct open_sleep), &s->open);

	s->open_cost_ns = util__cpu_ns() - begun;
	return err;
}

/* Threads that spin: they are not asleep, so only the exact tier's probes know of them. */
static int read_spinning(struct source_bpf *s)
{
	return s->exact ? iterator__run(s->skel->links.on_spinning, sizeof(struct open_call),
					&s->spinning)
			: 0;
}

static int look(struct source *source, struct look *ret)
{
	struct source_bpf *s = source_bpf(source);
	int err = read_open(s);

	if (!err)
		err = read_spinning(s);
	if (err)
		return err;
	*ret = (struct look){ .now_ns = util__monotonic_ns(),
			      .open = s->open.data,
			      .n_open = s->open.n,
			      .spinning = s->spinning.data,
			      .n_spinning = s->spinning.n,
			      .cost_ns = s->open_cost_ns };
	return 0;
}

static int exact_lock(struct source *source, const struct exact_key *key, struct exact_stats *ret)
{
	struct source_bpf *s = source_bpf(source);

	if (!s->exact)
		return -ENOENT;
	return bpf_map_lookup_elem(bpf_map__fd(s->skel->maps.exact_locks), key, ret) ? -errno : 0;
}

static int threads(struct source *s, const uint64_t *keys, size_t n, const struct thread_look **ret,
		   size_t *n_ret)
{
	return watch__threads(source_bpf(s)->watch, keys, n, ret, n_ret);
}

static void sample(struct source *s, const uint64_t *keys, const struct held_word *words, size_t n,
		   uint64_t period_ns)
{
	watch__sample(source_bpf(s)->watch, keys, words, n, period_ns);
}

/* What the kernel counted for all programs of the skeleton, but for those that count themselves. */
static void read_run_time(struct source_bpf *s, struct run_time *ret)
{
	const struct bpf_program *calls = s->skel->progs.on_lock_call;
	const struct bpf_program *returns = s->skel->progs.on_lock_return;
	struct bpf_program *prog;
	uint64_t n, ns;
	bool counted = s->exact && exact__hits(s->exact, &n, &ns);

	*ret = (struct run_time){};
	bpf_object__for_each_program(prog, s->skel->obj)
	{
		struct bpf_prog_info info = {};
		uint32_t size = sizeof(info);

		if (bpf_program__fd(prog) < 0 ||
		    bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &size))
			continue;
		ret->missed += info.recursion_misses;
		if (counted && (prog == calls || prog == returns))
			continue;
		ret->ns += info.run_time_ns;
		ret->runs += info.run_cnt;
	}
}

static void charge(struct source_bpf *s, uint64_t now)
{
	uint64_t passed = now > s->charged_ns ? now - s->charged_ns : 0;

	s->probe_ns += s->ns_rate * passed;
	s->probe_runs += s->runs_rate * passed;
	s->charged_ns = now;
}

static void slice__begin(struct source_bpf *s, uint64_t now)
{
	s->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (s->stats_fd < 0) { /* not allowed: the cost stays unknown */
		s->slice_next_ns = UINT64_MAX;
		return;
	}
	s->slice_start_ns = now;
	read_run_time(s, &s->at_start);
}

static void slice__end(struct source_bpf *s, uint64_t now)
{
	struct run_time end;
	double passed = now - s->slice_start_ns;

	read_run_time(s, &end);
	close(s->stats_fd);
	s->stats_fd = -1;
	s->slice_next_ns = s->slice_start_ns + SLICE_PERIOD_NS;
	s->ns_rate = (end.ns - s->at_start.ns) / passed;
	s->runs_rate = (end.runs - s->at_start.runs) / passed;
	s->probe_known = true;
	charge(s, now);
}

/* The exact tier finds out what its probes cost first: the statistics would add to it. */
static uint64_t tick(struct source *source, uint64_t now)
{
	struct source_bpf *s = source_bpf(source);
	uint64_t exact = s->exact ? exact__tick(s->exact, now) : UINT64_MAX, next;

	if (s->stats_fd >= 0 && now >= s->slice_start_ns + SLICE_NS)
		slice__end(s, now);
	else if (s->stats_fd < 0 && now >= s->slice_next_ns)
		slice__begin(s, now);
	next = s->stats_fd >= 0 ? s->slice_start_ns + SLICE_NS : s->slice_next_ns;
	next = next > now ? MIN(next - now, DRAIN_NS) : 0;
	return MIN(next, exact);
}

static void read_self(struct source_bpf *s, struct records *ret)
{
	uint64_t hits, hits_ns;
	struct run_time run;
	int loss;

	for (loss = 0; loss < LOSS_COUNT; loss++)
		ret->losses[loss] = s->skel->bss->losses[loss];
	read_run_time(s, &run);
	ret->losses[LOSS_PROBES_MISSED] += run.missed;
	ret->losses[LOSS_ITERATOR_SHORT] += s->open.cut + s->spinning.cut;
	watch__losses(s->watch, ret->losses);
	charge(s, ret->now_ns);
	ret->self.probe_ns = s->probe_ns;
	ret->self.probe_runs = s->probe_runs;
	ret->self.probe_known = s->probe_known;
	if (s->exact) {
		ret->losses[LOSS_EXACT_LATE] += exact__late(s->exact);
		ret->losses[LOSS_EXACT_UNPROBED] += exact__unprobed(s->exact);
		if (exact__hits(s->exact, &hits, &hits_ns)) {
			ret->self.probe_ns += hits_ns;
			ret->self.probe_runs += hits;
		} else { /* it has the statistics on all the time */
			ret->self.probe_ns = run.ns + exact__enter_ns(s->exact);
			ret->self.probe_runs = run.runs;
		}
		ret->self.probe_known = true;
	}
	proc__self(s->proc, &ret->self.cpu_ns, &ret->self.rss_bytes);
}

static int read_exact(struct source_bpf *s, struct records *ret)
{
	int err;

	if (!s->exact)
		return 0;
	err = map_reading__read(s->skel->maps.exact_locks, &s->exact_locks);
	ret->exact_on = true;
	ret->exact_ns = exact__on_ns(s->exact, ret->now_ns);
	if (!err)
		err = map_reading__read(s->skel->maps.orders, &s->orders);
	if (!err)
		err = map_reading__read(s->skel->maps.futex_calls, &s->futexes);
	if (!err)
		err = read_spinning(s);
	ret->futex_keys = s->futexes.keys;
	ret->futexes = s->futexes.values;
	ret->n_futexes = s->futexes.n;
	ret->exact_keys = s->exact_locks.keys;
	ret->exact = s->exact_locks.values;
	ret->n_exact = s->exact_locks.n;
	ret->exact_max = bpf_map__max_entries(s->skel->maps.exact_locks);
	ret->order_keys = s->orders.keys;
	ret->orders = s->orders.values;
	ret->n_orders = s->orders.n;
	ret->spinning = s->spinning.data;
	ret->n_spinning = s->spinning.n;
	return err;
}

/*
 * Closed sleeps are read before open ones: a sleep that ends between the two is missed until the
 * next reading, which the collector levels out; the other order would count it twice.
 */
static int read_all(struct source *source, struct records *ret)
{
	struct source_bpf *s = source_bpf(source);
	struct records out = { .locks_max = bpf_map__max_entries(s->skel->maps.locks),
			       .waits_max = bpf_map__max_entries(s->skel->maps.waits) };
	int err;

	out.epoch = s->skel->bss->epoch;
	s->skel->bss->epoch = out.epoch + 1;
	err = map_reading__read(s->skel->maps.waits, &s->waits);
	if (!err)
		err = map_reading__read(s->skel->maps.locks, &s->locks);
	if (!err)
		err = read_open(s);
	out.now_ns = util__monotonic_ns();
	if (!err)
		err = map_reading__read(s->skel->maps.processes, &s->processes);
	if (!err)
		err = read_exact(s, &out);
	if (err)
		return err;
	out.lock_keys = s->locks.keys;
	out.locks = s->locks.values;
	out.n_locks = s->locks.n;
	out.wait_keys = s->waits.keys;
	out.waits = s->waits.values;
	out.n_waits = s->waits.n;
	out.process_keys = s->processes.keys;
	out.processes = s->processes.values;
	out.n_processes = s->processes.n;
	out.open = s->open.data;
	out.n_open = s->open.n;
	out.look_cost_ns = s->open_cost_ns;
	read_self(s, &out);
	*ret = out;
	return 0;
}

static void forget(struct bpf_map *map, const void *keys, size_t n)
{
	size_t size = bpf_map__key_size(map);

	for (size_t i = 0; i < n; i++)
		bpf_map_delete_elem(bpf_map__fd(map), (const char *)keys + i * size);
}

static void forget_locks(struct source *s, const struct lock_key *keys, size_t n)
{
	forget(source_bpf(s)->skel->maps.locks, keys, n);
}

static void forget_waits(struct source *s, const struct wait_key *keys, size_t n)
{
	forget(source_bpf(s)->skel->maps.waits, keys, n);
}

static void forget_processes(struct source *s, const struct process_key *keys, size_t n)
{
	forget(source_bpf(s)->skel->maps.processes, keys, n);
}

static void forget_exact(struct source *s, const struct exact_key *keys, size_t n)
{
	forget(source_bpf(s)->skel->maps.exact_locks, keys, n);
}

static void forget_orders(struct source *s, const struct order_key *keys, size_t n)
{
	forget(source_bpf(s)->skel->maps.orders, keys, n);
}

static void forget_futexes(struct source *s, const struct process_key *keys, size_t n)
{
	forget(source_bpf(s)->skel->maps.futex_calls, keys, n);
}

static int ring_fd(struct source *s)
{
	return source_bpf(s)->ring_fd;
}

static void python(struct source *s, uint32_t tgid, const struct python_process *process)
{
	int fd = bpf_map__fd(source_bpf(s)->skel->maps.pythons);

	/* when it is full, the frames of further ones are read by user space alone */
	if (process)
		bpf_map_update_elem(fd, &tgid, process, BPF_ANY);
	else
		bpf_map_delete_elem(fd, &tgid);
}

static void gil(struct source *s, const struct gil_key *key, const struct gil_word *word)
{
	int fd = bpf_map__fd(source_bpf(s)->skel->maps.gils);

	if (word)
		bpf_map_update_elem(fd, key, word, BPF_ANY);
	else
		bpf_map_delete_elem(fd, key);
}

static void deepen(struct source *s, uint32_t lock_id)
{
	uint32_t one = 1;

	/* when it is full, the stacks of further locks stay cut, and say so */
	bpf_map_update_elem(bpf_map__fd(source_bpf(s)->skel->maps.deep_locks), &lock_id, &one,
			    BPF_ANY);
}

static void source_free(struct source *source)
{
	struct source_bpf *s = source_bpf(source);

	if (s->stats_fd >= 0)
		close(s->stats_fd);
	ring__free(s->ring);
	ring__free(s->sleeps);
	if (s->ring_fd >= 0)
		close(s->ring_fd);
	map_reading__done(&s->locks);
	map_reading__done(&s->waits);
	map_reading__done(&s->processes);
	map_reading__done(&s->exact_locks);
	map_reading__done(&s->orders);
	map_reading__done(&s->futexes);
	free(s->spinning.data);
	free(s->open.data);
	watch__free(s->watch);
	free(s);
}

static const struct source_ops ops = {
	.read = read_all,
	.drain = drain,
	.look = look,
	.threads = threads,
	.sample = sample,
	.python = python,
	.gil = gil,
	.exact_lock = exact_lock,
	.forget_exact = forget_exact,
	.forget_orders = forget_orders,
	.forget_futexes = forget_futexes,
	.forget_locks = forget_locks,
	.forget_waits = forget_waits,
	.forget_processes = forget_processes,
	.deepen = deepen,
	.tick = tick,
	.fd = ring_fd,
	.free = source_free,
};

/*
 * The map itself polls readable while there is any record; seen through this, when a program wanted
 * to be heard.
 */
static int open_rings(struct source_bpf *s)
{
	const struct bpf_map *map = s->skel->maps.events;
	struct epoll_event event = { .events = EPOLLIN };
	int err = ring__new(bpf_map__fd(map), bpf_map__max_entries(map), &s->ring);

	if (!err && s->skel->rodata->knob_events_second)
		err = ring__new(bpf_map__fd(s->skel->maps.sleep_events),
				bpf_map__max_entries(s->skel->maps.sleep_events), &s->sleeps);
	s->ring_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!err &&
	    (s->ring_fd < 0 || epoll_ctl(s->ring_fd, EPOLL_CTL_ADD, bpf_map__fd(map), &event)))
		err = -errno;
	return err;
}

int source_bpf__new(struct locktop_bpf *skel, struct proc *proc, struct exact *exact,
		    struct source **ret)
{
	struct source_bpf *s = xcalloc(1, sizeof(*s));
	int err;

	s->source.ops = &ops;
	s->skel = skel;
	s->proc = proc;
	s->exact = exact;
	s->stats_fd = -1;
	s->charged_ns = util__monotonic_ns();
	err = open_rings(s);
	if (err) {
		source_free(&s->source);
		return err;
	}
	s->watch = watch__new(skel);
	*ret = &s->source;
	return 0;
}
