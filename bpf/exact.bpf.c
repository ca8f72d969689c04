// SPDX-License-Identifier: GPL-2.0-only
/*
 * The exact tier: every call of the lock functions, seen by probes at their entries. Whether a
 * thread had to wait is told by the lock's word at the entry and by the sleep tier; what came of a
 * call is settled when the thread is seen next. Only tries and time-outs are probed at their ends.
 */
#include "exact_ops.bpf.h"

/* A lock that was free: the thread has it since then, at the earliest. */
static __always_inline void held__since(struct exact_thread *t, __u64 addr, __u64 now)
{
	__u32 at = held__find(t, addr);
	struct held_lock *held;

	if (at >= HELD_MAX)
		return;
	held = &t->held[held__place(at)];
	if (held->depth == 1 && held->since_ns >= t->call_ns) /* not by an earlier call */
		held->since_ns = now;
}

/*
 * Part of the call that the thread is in already? Some C libraries build one function on another.
 * It comes from further down the stack, or by a jump from the very same call.
 */
static __always_inline bool is_inner(struct call *c)
{
	struct exact_thread *t = c->thread;

	if (!(t->call_inner >> c->op & 1))
		return false;
	c->ret = return_address(c);
	if (c->sp > t->call_sp || (c->sp == t->call_sp && c->ret != t->call_ret))
		return false;
	if (c->addr == t->call_addr) {
		if (!t->contended && !t->ran_ns)
			held__since(t, c->addr, bpf_ktime_get_ns());
		return true;
	}
	if (!t->cond_mutex || c->addr != t->cond_mutex)
		return false;
	if (c->op == OP_MUTEX_UNLOCK)
		return true; /* let go already */
	retake_cond(c);	     /* by this very call */
	return false;
}

/* Fills in the call. False: nobody wants to know of it. */
static __always_inline bool call__init(struct call *c, struct pt_regs *regs)
{
	struct exact_thread *t;
	__u32 tgid;

	if (!enabled || !exact_slice)
		return false;
	c->regs = regs;
	c->task = bpf_get_current_task_btf();
	t = bpf_task_storage_get(&exact_threads, c->task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!t) {
		loss__count(LOSS_STORAGE_FAILED);
		return false;
	}
	if (t->slice != exact_slice || t->exec_id != (__u32)c->task->self_exec_id) {
		/* what happened meanwhile is not known */
		t->slice = exact_slice;
		t->exec_id = c->task->self_exec_id;
		t->gen = task__gen(c->task);
		t->n = 0;
		t->call_addr = t->cond_mutex = t->ran_ns = 0;
		t->call_inner = t->returns = 0;
		tgid = c->task->tgid;
		t->ignored = tgid == exact_self ||
			     (knob_exact_scoped && !bpf_map_lookup_elem(&exact_scope, &tgid));
		if (!t->ignored)
			process__note(c->task); /* it may end before anybody looks */
	}
	if (t->ignored)
		return false;
	c->thread = t;
	return true;
}

SEC("uprobe")
int on_lock_call(struct pt_regs *regs)
{
	struct call c = { .cookie = bpf_get_attach_cookie(regs) };

	hit__count();
	c.op = COOKIE_OP(c.cookie);
	if (is_release(c.op))
		c.now = bpf_ktime_get_ns();
	if (!call__init(&c, regs))
		return 0;
	if (c.cookie & COOKIE_DEAR)
		ADD(exact_dear, 1);
	c.addr = arch__argument0(regs);
	c.sp = arch__user_sp(regs) + COOKIE_STACK(c.cookie);
	if (is_inner(&c))
		return 0;
	if (COOKIE_INNER(c.cookie) && !c.ret)
		c.ret = return_address(&c);
	if (c.op == OP_SPIN_LOCK && (c.cookie & COOKIE_TRIED)) {
		on_spin_try(&c);
		return 0;
	}
	settle(&c);
	switch (c.op) {
	case OP_MUTEX_LOCK:
	case OP_RWLOCK_RDLOCK:
	case OP_RWLOCK_WRLOCK:
	case OP_SEM_WAIT:
	case OP_SPIN_LOCK:
		on_take(&c);
		break;
	case OP_MUTEX_UNLOCK:
	case OP_RWLOCK_UNLOCK:
	case OP_SPIN_UNLOCK:
		if (c.cookie & COOKIE_RETURNS)
			begin_call(&c, false, false);
		let_go(&c, c.addr);
		break;
	case OP_SEM_POST:
		if (c.cookie & COOKIE_RETURNS)
			begin_call(&c, false, false);
		on_post(&c);
		break;
	case OP_SEM_INIT:
		on_sem_init(&c);
		break;
	case OP_COND_WAIT:
	case OP_COND_TIMEDWAIT:
		on_cond_wait(&c);
		break;
	case OP_COND_SIGNAL:
	case OP_COND_BROADCAST:
		on_signal(&c);
		break;
	case OP_MUTEX_DESTROY:
	case OP_RWLOCK_DESTROY:
		on_destroy(&c);
		break;
	case OP_BARRIER_WAIT:
	case OP_ONCE:
		on_count(&c);
		break;
	default:
		on_try(&c);
	}
	return 0;
}

/*
 * The end of a call that is known already. Functions that it is built on end too: it cannot have
 * had the lock before. Nor before the end of one whose first instruction takes longer than most
 * holds; nor does a lock that is let go so come free earlier.
 */
static __always_inline void on_known_end(struct call *c, int result)
{
	struct exact_thread *t = c->thread;
	struct exact_stats *stats;
	__u64 at;

	if (is_release(c->op)) {
		stats = t->op == c->op ? exact__get(c, t->call_addr) : NULL;
		if (stats && stats->released_ns < c->now - exact_bias_ns)
			stats->released_ns = c->now - exact_bias_ns;
		return;
	}
	if (t->op != c->op && !(t->call_inner >> c->op & 1))
		return;
	at = exact_end_bias_ns + bpf_ktime_get_ns();
	if (!t->contended && !t->ran_ns)
		held__since(t, t->call_addr, at);
	else if (t->op == c->op || !result || result == OWNER_DEAD)
		t->ran_ns = at;
}

/* The end of a call that may have failed. */
static __always_inline void on_tried(struct call *c, int result)
{
	struct exact_thread *t = c->thread;
	struct exact_stats *stats;
	__u64 at = t->ran_ns ? t->ran_ns : c->now;
	__u32 sample;

	c->addr = t->call_addr;
	c->ret = t->call_ret;
	t->call_addr = 0;
	t->call_inner = 0;
	stats = exact__get(c, c->addr);
	if (!stats)
		return;
	if (result && result != OWNER_DEAD) {
		ADD(stats->failures, 1);
		ADD(stats->wait_ns, t->ran_ns ? since(t->call_ns, c->now) : 0);
		stats->last_ns = c->now;
		return;
	}
	if (take_again(c, true))
		return;
	if (t->contended || t->ran_ns) {
		ADD(stats->contended, 1);
		ADD(stats->wait_ns, since(t->call_ns, at));
	}
	count_taken(c, stats, is_reader(c->op));
	sample = taker__sample(c, stats);
	c->now += exact_end_bias_ns;
	if (is_sem(c->op))
		stats->taken_ns = c->now;
	note_owner(stats, c->task->pid, c->now);
	take(c, stats, c->now, sample, is_reader(c->op));
}

SEC("uretprobe")
int on_lock_return(struct pt_regs *regs)
{
	struct call c = { .cookie = bpf_get_attach_cookie(regs), .now = bpf_ktime_get_ns() };
	struct exact_thread *t;

	hit__count();
	c.op = COOKIE_OP(c.cookie);
	if (!call__init(&c, regs))
		return 0;
	t = c.thread;
	if (!t->call_addr)
		return 0;
	if (!t->returns) {
		on_known_end(&c, arch__result(regs));
	} else if (t->op == c.op) {
		on_tried(&c, arch__result(regs));
		t->ran_ns = 0;
		t->returns = 0;
	}
	return 0;
}

/* Writes one struct open_call for each thread that spins. */
SEC("iter/task")
int on_spinning(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct open_call out = {};
	struct exact_thread *t;

	if (!task || (task->flags & (PF_KTHREAD | PF_EXITING | PF_IO_WORKER)))
		return 0;
	t = bpf_task_storage_get(&exact_threads, task, 0, 0);
	if (!t || !t->call_addr || t->op != OP_SPIN_LOCK || !t->contended ||
	    t->slice != exact_slice)
		return 0;
	out.key.tgid = task->tgid;
	out.key.gen = task__gen(task);
	out.key.addr = t->call_addr;
	out.start_ns = t->call_ns;
	out.tid = task->pid;
	out.op = t->op;
	out.sequence = t->sequence;
	bpf_probe_read_kernel(out.comm, sizeof(out.comm), task->comm);
	arch__user_regs((struct pt_regs *)bpf_task_pt_regs(task), &out.regs);
	bpf_seq_write(ctx->meta->seq, &out, sizeof(out));
	return 0;
}
