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

	if (at < HELD_MAX && !t->contended && !t->ran_ns && t->held[held__place(at)].depth == 1)
		t->held[held__place(at)].since_ns = now;
}

/*
 * Part of the call that the thread is in already? Some C libraries build one function on another.
 * It comes from further down the stack, or by a jump from the very same call.
 */
static __always_inline bool is_inner(const struct call *c)
{
	struct exact_thread *t = c->thread;

	if (!(t->call_inner >> c->op & 1))
		return false;
	if (c->sp > t->call_sp || (c->sp == t->call_sp && c->ret != t->call_ret))
		return false;
	if (c->addr == t->call_addr) {
		held__since(t, c->addr, c->now);
		return true;
	}
	if (!t->cond_mutex || c->addr != t->cond_mutex)
		return false;
	if (c->op == OP_MUTEX_UNLOCK)
		return true; /* let go already */
	t->cond_mutex = 0;   /* taken back by this very call */
	return false;
}

/* Fills in the call. False: nobody wants to know of it. */
static __always_inline bool call__init(struct call *c, struct pt_regs *regs, __u64 cookie)
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
		t->ignored =
			tgid == exact_self ||
			(knob_exact_scoped && !bpf_map_lookup_elem(&exact_scope, &tgid));
		if (!t->ignored)
			process__note(c->task); /* it may end before anybody looks */
	}
	if (t->ignored)
		return false;
	c->thread = t;
	c->cookie = cookie;
	c->op = COOKIE_OP(cookie);
	c->now = bpf_ktime_get_ns();
	return true;
}

/* Of the call; a probe at the function's end may have replaced it already. */
static __always_inline __u64 return_address(const struct call *c)
{
	struct hidden_return hidden = {};
	__u64 address = 0;

	if (COOKIE_RETURNS & c->cookie) {
		task__hidden(c->task, &hidden);
		if (hidden.at == c->sp)
			return hidden.address;
	}
	bpf_probe_read_user(&address, sizeof(address), (void *)c->sp);
	return address;
}

SEC("uprobe")
int on_lock_call(struct pt_regs *regs)
{
	struct call c = {};

	if (!call__init(&c, regs, bpf_get_attach_cookie(regs)))
		return 0;
	if (c.cookie & COOKIE_DEAR)
		ADD(exact_dear, 1);
	c.addr = arch__argument0(regs);
	c.sp = arch__user_sp(regs) + COOKIE_STACK(c.cookie);
	if (c.op != OP_MUTEX_UNLOCK || c.thread->call_inner) /* nobody asks who unlocks */
		c.ret = return_address(&c);
	if (is_inner(&c))
		return 0;
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
		let_go(&c, c.addr);
		break;
	case OP_SEM_POST:
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

/* The end of a call that may fail. */
SEC("uretprobe")
int on_lock_return(struct pt_regs *regs)
{
	struct exact_stats *stats;
	struct exact_thread *t;
	struct call c = {};
	int result = arch__result(regs);
	__u64 at;

	if (!call__init(&c, regs, bpf_get_attach_cookie(regs)))
		return 0;
	t = c.thread;
	/*
	 * Functions that it is built on return too: it cannot have had the lock before. Nor before
	 * the end of a call whose first instruction takes longer than most holds.
	 */
	if (t->call_addr && !t->returns && (t->op == c.op || (t->call_inner >> c.op & 1))) {
		held__since(t, t->call_addr, c.now);
		if (t->contended && (t->op == c.op || !result))
			t->ran_ns = c.now;
	}
	if (!t->call_addr || !t->returns || t->op != c.op)
		return 0;
	c.addr = t->call_addr;
	c.ret = t->call_ret;
	at = t->ran_ns ? t->ran_ns : c.now;
	stats = exact__get(&c, c.addr);
	t->call_addr = 0;
	t->call_inner = 0;
	if (!stats)
		goto out;
	if (result && result != OWNER_DEAD) {
		ADD(stats->failures, 1);
		ADD(stats->wait_ns, t->ran_ns ? since(t->call_ns, c.now) : 0);
		stats->last_ns = c.now;
		goto out;
	}
	if (take_again(&c, true))
		goto out;
	count_taken(&c, stats, is_reader(c.op));
	if (t->contended || t->ran_ns) {
		ADD(stats->contended, 1);
		ADD(stats->wait_ns, since(t->call_ns, at));
	}
	if (is_sem(c.op))
		sem_taken(stats, at);
	note_owner(stats, c.task->pid, c.now);
	take(&c, stats, at, is_reader(c.op));
out:
	t->ran_ns = 0;
	t->returns = 0;
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
