/* SPDX-License-Identifier: GPL-2.0-only */
/* Totals of locks, of threads on them, and the processes' names: maps, look-ups, histograms. */
#ifndef TOTALS_BPF_H
#define TOTALS_BPF_H

#include "hist.bpf.h"
#include "state.bpf.h"

/* Hash maps are preallocated: nothing may be allocated while a run queue is locked. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LOCKS_DEFAULT);
	__type(key, struct lock_key);
	__type(value, struct lock_stats);
} locks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, THREADS_DEFAULT);
	__type(key, struct wait_key);
	__type(value, struct wait_stats);
} waits SEC(".maps");

/* A new lock starts from these zeros: too large for the BPF stack. */
static const struct lock_stats no_stats;

__u32 last_lock_id = 0;

/*
 * The lock's totals, made if this is the first sleep on it. NULL: no room. *new_process is set if
 * it is the first of its process.
 */
static __always_inline struct lock_stats *lock__get(struct task_struct *task,
						    const struct lock_key *key, __u32 val,
						    bool *new_process)
{
	struct lock_stats *stats = bpf_map_lookup_elem(&locks, key);

	if (stats)
		return stats;
	bpf_map_update_elem(&locks, key, &no_stats, BPF_NOEXIST);
	stats = bpf_map_lookup_elem(&locks, key);
	if (!stats)
		return NULL;
	if (!stats->id) {
		__u32 id = __sync_fetch_and_add(&last_lock_id, 1) + 1;

		if (!__sync_val_compare_and_swap(&stats->id, 0, id)) {
			stats->val = val;
			*new_process = process__note(task);
		}
	}
	return stats;
}

static __always_inline void waits__add(struct task_struct *task, const struct sleep_state *s,
				       __u32 lock_id, __u64 wait_ns, __u64 now)
{
	struct wait_key key = { .tid = task->pid, .lock_id = lock_id };
	struct wait_stats *stats = bpf_map_lookup_elem(&waits, &key);

	if (!stats) {
		struct wait_stats first = { .tgid = s->key.tgid };

		bpf_probe_read_kernel(first.comm, sizeof(first.comm), task->comm);
		bpf_map_update_elem(&waits, &key, &first, BPF_NOEXIST);
		stats = bpf_map_lookup_elem(&waits, &key);
		if (!stats) {
			loss__count(LOSS_THREADS_FULL);
			return;
		}
	}
	stats->wait_ns += wait_ns; /* only its own thread writes here */
	stats->last_ns = now;
	if (!(s->flags & OPEN_RESUMED))
		stats->sleeps++;
}

#endif
