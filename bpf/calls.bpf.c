// SPDX-License-Identifier: GPL-2.0-only
/*
 * Futex calls that sleeps do not show: those that came back at once, and wakes that woke nobody.
 * While it is attached, every system call of the machine pays for it: so only in the exact tier.
 */
#include "futex.bpf.h"

#define EAGAIN 11

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PROCESSES_DEFAULT);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct process_key);
	__type(value, struct futex_stats);
} futex_calls SEC(".maps");

static const struct futex_stats no_futex_stats;

static __always_inline struct futex_stats *calls__get(struct task_struct *task)
{
	struct process_key key = { .tgid = task->tgid, .gen = task__gen_fast(task) };
	struct futex_stats *stats = bpf_map_lookup_elem(&futex_calls, &key);

	if (stats)
		return stats;
	if (bpf_map_update_elem(&futex_calls, &key, &no_futex_stats, BPF_NOEXIST) &&
	    !bpf_map_lookup_elem(&futex_calls, &key))
		loss__count(LOSS_PROCESSES_FULL);
	return bpf_map_lookup_elem(&futex_calls, &key);
}

/* TP_PROTO(struct pt_regs *regs, long ret): the arguments are in the registers still */
SEC("tp_btf/sys_exit")
int on_call_end(__u64 *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx[0];
	long ret = ctx[1];
	struct task_struct *task;
	struct futex_stats *stats;
	struct syscall call = {};
	__u32 tgid, cmd;

	if (!enabled || !arch__is_futex(regs))
		return 0;
	task = bpf_get_current_task_btf();
	tgid = task->tgid;
	if (knob_exact_scoped && !bpf_map_lookup_elem(&exact_scope, &tgid))
		return 0;
	arch__syscall(task, regs, &call);
	if (call.kind != SYS_FUTEX)
		return 0;
	stats = calls__get(task);
	if (!stats)
		return 0;
	cmd = call.arg[1] & FUTEX_CMD_MASK;
	__sync_fetch_and_add(&stats->calls, 1);
	if (is_wait_command(cmd)) {
		exact__ran(task, call.arg[0], bpf_ktime_get_ns());
		if (ret == -EAGAIN)
			__sync_fetch_and_add(&stats->again, 1);
		return 0;
	}
	__sync_fetch_and_add(&stats->wakes, 1);
	if (!ret)
		__sync_fetch_and_add(&stats->idle_wakes, 1);
	return 0;
}
