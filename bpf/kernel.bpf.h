/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The few kernel types the probes read, as CO-RE sees them: only the fields used, found by name in
 * the running kernel's BTF. Where a field changed, the flavour below cites the change.
 */
#ifndef KERNEL_BPF_H
#define KERNEL_BPF_H

#include <linux/types.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define PF_EXITING	     0x00000004
#define PF_IO_WORKER	     0x00000010
#define PF_FROZEN	     0x00010000 /* before 6.1 (f5d39b020809): frozen; later no user thread's */
#define PF_KTHREAD	     0x00200000
#define TASK_RUNNING	     0
#define TASK_INTERRUPTIBLE   1
#define TASK_UNINTERRUPTIBLE 2
#define TASK_STOPPED	     0x0004
#define TASK_TRACED	     0x0008
#define TASK_WAKING	     0x0200
#define TASK_NEW	     0x0800
#define TASK_RTLOCK_WAIT     0x1000
#define TASK_FROZEN	     0x8000 /* since 6.1 (f5d39b020809) */

/* include/linux/sched/jobctl.h: STOP_PENDING, TRAP_STOP, TRAP_NOTIFY, TRAP_FREEZE */
#define JOBCTL_PENDING	   (1UL << 17 | 1UL << 19 | 1UL << 20 | 1UL << 23)
#define JOBCTL_TRAP_FREEZE (1UL << 23)

#define PAGE	    4096
#define MAX_RT_PRIO 100 /* threads of the fair class have a larger prio */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	__u32 val;
} kuid_t;

typedef struct {
	unsigned long sig[1];
} sigset_t;

struct sigpending {
	sigset_t signal;
};

struct thread_info {
	__u32 status;
};

struct restart_block {
	struct {
		__u32 *uaddr;
		__u32 val;
	} futex;
};

struct signal_struct {
	atomic_t live;
	struct sigpending shared_pending;
};

struct cred {
	kuid_t uid;
};

struct cfs_rq {
	int throttle_count; /* absent without CONFIG_CFS_BANDWIDTH */
};

struct sched_entity {
	struct cfs_rq *cfs_rq; /* absent without CONFIG_FAIR_GROUP_SCHED */
};

/* A call whose return is probed: its return address was replaced. */
struct return_instance {
	unsigned long stack; /* where it stands */
	unsigned long orig_ret_vaddr;
	struct return_instance *next;
};

struct uprobe_task {
	struct return_instance *return_instances; /* the innermost first */
};

struct thread_struct {
	unsigned long fsbase; /* x86_64: the thread pointer */
};

/* By the clock of its processor. Empty without CONFIG_SCHED_INFO. */
struct sched_info {
	unsigned long long last_arrival; /* when it began to run */
	unsigned long long last_queued;	 /* wants to run since then; 0: runs, or does not want to */
};

struct task_struct {
	struct thread_info thread_info;
	struct thread_struct thread;
	unsigned int __state; /* was `state` before 5.14 (2f064a59a11f); the floor is 5.15 */
	unsigned int flags;
	int on_cpu;
	int prio;
	struct sched_entity se;
	int exit_state;
	unsigned int frozen : 1;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	__u64 start_boottime;
	__u64 self_exec_id; /* u32 before 5.7 */
	const struct cred *real_cred;
	char comm[16];
	struct signal_struct *signal;
	sigset_t blocked;
	struct sigpending pending;
	unsigned long jobctl;
	struct restart_block restart_block;
	struct uprobe_task *utask; /* NULL: it has met no user probe yet */
	unsigned long nvcsw;
	unsigned long nivcsw;
	struct sched_info sched_info;
};

/* Since 6.18 (e1fad12dcb66) threads are throttled one by one, not with their run queue. */
struct task_struct___throttled {
	bool throttled;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

#pragma clang attribute pop

#endif
