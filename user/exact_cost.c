// SPDX-License-Identifier: GPL-2.0-only
#include "exact_cost.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "detach.h"
#include "exact_links.h"
#include "library_file.h"
#include "locktop.skel.h"
#include "uprobes.h"
#include "util.h"

#define BATCHES 9 /* their middle counts */
#define PAIRS	50
#define HOLD_NS 5000	     /* each pair */
#define OLD	(1ULL << 32) /* calls of a lock that nothing is new about */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

typedef int (*lock_call)(pthread_mutex_t *);

struct batch_times {
	uint64_t pairs_ns; /* what the calls took */
	uint64_t held_ns;  /* between them: how long the lock was held */
};

/*
 * The lock is held for a while each time, as others do: a probe that follows upon another takes
 * less than one that comes out of nowhere.
 */
static struct batch_times run_pairs(lock_call lock)
{
	struct batch_times times = {};

	for (int i = 0; i < PAIRS; i++) {
		uint64_t begun = util__monotonic_ns(), taken, now;

		lock(&mutex);
		taken = now = util__monotonic_ns();
		while (now - taken < HOLD_NS)
			now = util__monotonic_ns();
		pthread_mutex_unlock(&mutex);
		times.held_ns += now - taken;
		times.pairs_ns += util__monotonic_ns() - begun - (now - taken);
	}
	return times;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t middle(uint64_t values[BATCHES])
{
	qsort(values, BATCHES, sizeof(values[0]), by_size);
	return values[BATCHES / 2];
}

static bool is_other(const struct lock_place *p)
{
	enum exact_op op = p->function->op;

	return op != OP_MUTEX_LOCK && op != OP_MUTEX_TRYLOCK && op != OP_MUTEX_UNLOCK;
}

enum { ENDS, CALLS, LINKS };

/* These functions, at the places that other programs have them. */
static int attach(struct locktop_bpf *skel, struct proc *proc, struct uprobe_link *ret[LINKS])
{
	const int programs[LINKS] = { [ENDS] = bpf_program__fd(skel->progs.on_lock_return),
				      [CALLS] = bpf_program__fd(skel->progs.on_lock_call) };
	_cleanup_(util__closep) int fd = -1;
	const struct mapping *m;
	struct library file = {};
	unsigned int bypass;
	struct maps *maps;
	int err = proc__maps(proc, getpid(), &maps);

	if (err)
		return err;
	m = maps__find(maps, (uintptr_t)pthread_mutex_lock);
	fd = m ? proc__open_mapped(proc, getpid(), m) : -ENOENT;
	err = MIN(fd, 0);
	if (!err && !library_file__read(fd, m->path, &file, &bypass))
		err = -ENOENT;
	maps__free(maps);
	if (!err) {
		file.path = xasprintf("/proc/self/fd/%d", fd);
		for (int i = 0; i < LINKS && !err; i++)
			err = exact_links__attach_file(&file, programs[i], i == ENDS, getpid(),
						       is_other, &ret[i]);
	}
	free(file.path);
	free(file.places);
	return err;
}

/* All keys begin with the process's number. Of the first one of this program; false: none. */
static bool find_own(const struct bpf_map *map, void *key)
{
	uint32_t pid = getpid();
	void *at = NULL;

	while (!bpf_map_get_next_key(bpf_map__fd(map), at, key)) {
		if (*(uint32_t *)key == pid)
			return true;
		at = key;
	}
	return false;
}

/* With the probes in place. The first batch finds the lock's entry, which the others begin anew. */
static int run_probed(struct locktop_bpf *skel, lock_call lock, uint64_t *pairs_ns,
		      uint64_t *hold_ns)
{
	struct exact_stats fresh = { .family = OP_MUTEX_LOCK,
				     .calls = OLD,
				     .next_sample_ns = UINT64_MAX },
			   stats;
	int fd = bpf_map__fd(skel->maps.exact_locks);
	uint64_t pairs[BATCHES], holds[BATCHES];
	struct exact_key key;

	/* no stack of it */
	skel->bss->taker_window_ns = util__monotonic_ns() - 1000;
	skel->bss->taker_window_count = UINT32_MAX / 2;
	run_pairs(lock);
	if (!find_own(skel->maps.exact_locks, &key))
		return -ENOENT;
	for (int i = 0; i < BATCHES; i++) {
		struct batch_times times;

		if (bpf_map_update_elem(fd, &key, &fresh, BPF_ANY))
			return -errno;
		times = run_pairs(lock);
		if (bpf_map_lookup_elem(fd, &key, &stats) || stats.releases != PAIRS ||
		    stats.hold_ns < times.held_ns)
			return -ENOENT;
		pairs[i] = times.pairs_ns;
		holds[i] = stats.hold_ns - times.held_ns;
	}
	*pairs_ns = middle(pairs);
	*hold_ns = middle(holds);
	return 0;
}

static uint64_t run_plain(void)
{
	uint64_t pairs[BATCHES];

	for (int i = 0; i < BATCHES; i++)
		pairs[i] = run_pairs(pthread_mutex_lock).pairs_ns;
	return middle(pairs);
}

static void forget(const struct bpf_map *map, void *key)
{
	while (find_own(map, key))
		if (bpf_map_delete_elem(bpf_map__fd(map), key))
			return;
}

/* What it costs with the probes there. This process is of the scope meanwhile. */
static int measure_probed(struct locktop_bpf *skel, uint32_t slice, uint64_t plain_ns, bool ends,
			  struct exact_cost *ret)
{
	int scope = bpf_map__fd(skel->maps.exact_scope), err;
	uint64_t pairs_ns = 0, hold_ns = 0, tries_ns, end_ns = 0;
	uint32_t pid = getpid(), one = 1;
	bool known, scoped = skel->rodata->knob_exact_scoped;
	struct exact_key lock;
	struct process_key process;

	known = find_own(skel->maps.processes, &process);
	if (scoped && bpf_map_update_elem(scope, &pid, &one, BPF_NOEXIST))
		scoped = false; /* it is there already: it stays */
	skel->bss->exact_slice = slice;
	err = run_probed(skel, pthread_mutex_lock, &pairs_ns, &hold_ns);
	if (!err && ends)
		err = run_probed(skel, pthread_mutex_trylock, &tries_ns, &end_ns);
	skel->bss->exact_slice = 0;
	if (scoped)
		bpf_map_delete_elem(scope, &pid);
	forget(skel->maps.exact_locks, &lock);
	if (!known)
		forget(skel->maps.processes, &process);
	skel->bss->taker_window_ns = skel->bss->taker_window_count = 0;
	if (err || pairs_ns <= plain_ns || !hold_ns)
		return err ? err : -ERANGE;
	ret->bias_ns = hold_ns / PAIRS;
	ret->end_bias_ns = (end_ns > hold_ns ? end_ns - hold_ns : 0) / PAIRS;
	ret->hit_ns = (pairs_ns - plain_ns) / PAIRS / 2;
	return 0;
}

int exact_cost__measure(struct locktop_bpf *skel, struct proc *proc, uint32_t slice,
			struct exact_cost *ret)
{
	struct uprobe_link *links[LINKS] = { NULL };
	uint64_t plain_ns = run_plain();
	int err = attach(skel, proc, links);

	if (!err && !links[CALLS])
		err = -ENOENT;
	if (!err)
		err = measure_probed(skel, slice, plain_ns, links[ENDS], ret);
	detach__all(links, LINKS);
	return err;
}
