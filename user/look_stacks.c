// SPDX-License-Identifier: GPL-2.0-only
#include "look_stacks.h"

#include <stdlib.h>

#include "looks.h"
#include "sleeper.h"
#include "util.h"

#define READS_LOOK  32 /* stacks read at one look: the others had their turn, or get it */
#define SAMPLED_MAX 64 /* threads sampled as they run */
#define PERIOD_NS   (NSEC_PER_SEC / 97) /* of running, between two samples on one CPU */

void look_stacks__init(struct look_stacks *s, struct source *source, struct processes *processes,
		       struct samples *samples, struct proc *proc)
{
	*s = (struct look_stacks){
		.source = source, .processes = processes, .samples = samples, .proc = proc
	};
}

void look_stacks__done(struct look_stacks *s)
{
	free(s->sampled);
	free(s->words);
}

static bool name(struct look_stacks *s, struct look_thread *t, const struct raw_stack *raw,
		 uint32_t tgid, uint32_t gen)
{
	struct process_key key = { .tgid = tgid, .gen = gen };
	struct process_entry *process = processes__get(s->processes, &key, NULL, raw->now_ns);
	struct named_stack stack;

	process->thread = t->tid;
	if (stacks__name(samples__names(s->samples), s->processes, process, raw, &stack))
		return false;
	free(t->stack.frames);
	t->stack = stack;
	t->stack_ns = raw->now_ns;
	return true;
}

/* Returns whether the stack was read now: one that has not run since has the same one still. */
static bool read_stack(struct look_stacks *s, struct look_thread *t, uint64_t now_ns)
{
	static struct sleeper_memory memory; /* too large for the stack */
	struct raw_stack raw = {
		.regs = &t->now.regs, .bytes = memory.stack, .now_ns = now_ns, .tid = t->tid
	};

	if (t->now.state == STATE_EXITED || sleeper__read_stack(s->proc, &t->now, &memory))
		return false;
	raw.len = memory.len;
	if (!name(s, t, &raw, t->now.tgid, t->now.gen))
		return false;
	t->stack_switches = t->now.switches;
	return true;
}

static void add_sampled(struct look_stacks *s, uint64_t key, const struct held_word *word)
{
	array__grow(s->sampled, s->n_sampled, s->capacity);
	array__grow(s->words, s->n_sampled, s->words_capacity);
	s->words[s->n_sampled] = *word;
	s->sampled[s->n_sampled++] = key;
}

/* Locks come in no order: of those that one thread holds, the one looked at first stands for all.
 */
static void sample_running(struct look_stacks *s, const struct look_thread *t,
			   const struct look_lock *lock)
{
	struct held_word word = { lock->number_at, lock->number, lock->number_mask };

	for (size_t i = 0; i < s->n_sampled; i++)
		if (s->sampled[i] == t->tid)
			return;
	if (s->n_sampled < SAMPLED_MAX)
		add_sampled(s, t->tid, &word);
}

void look_stacks__take(struct look_stacks *s, struct looks *l, struct look_lock **locks, size_t n,
		       uint64_t passed_ns, uint64_t now_ns)
{
	size_t before = s->n_sampled;
	int reads = 0;

	s->n_sampled = 0;
	for (size_t i = 0; i < n; i++) {
		const struct look_lock *lock = locks[i];
		struct look_thread *t = lock->owner ? looks__thread(l, lock->owner) : NULL;
		bool fresh = false;

		if (!t || !lock->waiters)
			continue;
		if (t->now.state == STATE_RUNNING || t->now.state == STATE_RUNNABLE)
			sample_running(s, t, lock);
		if (t->now.state == STATE_RUNNING)
			continue;
		if (!t->stack.frames || t->stack_switches != t->now.switches) {
			if (reads++ >= READS_LOOK)
				continue;
			fresh = read_stack(s, t, now_ns);
			if (!fresh)
				continue;
		}
		samples__held(s->samples, &lock->key, &t->stack, lock->waiters * passed_ns, fresh,
			      now_ns);
	}
	if (s->source->ops->sample && (s->n_sampled || before))
		s->source->ops->sample(s->source, s->sampled, s->words, s->n_sampled, PERIOD_NS);
}

void look_stacks__dump(struct look_stacks *s, struct looks *l, const pid_t *pids, size_t n,
		       uint64_t now_ns)
{
	struct look_thread *t, *next, *threads = looks__threads(l);
	const struct held_word none = {};

	HASH_ITER (hh, threads, t, next)
		if (t->present && looks__dumps(l, t->now.tgid) && t->now.state != STATE_RUNNING &&
		    t->stack_switches != t->now.switches)
			read_stack(s, t, now_ns);
	for (size_t i = 0; i < n; i++)
		add_sampled(s, pids[i] | WATCH_PROCESS, &none);
	if (s->source->ops->sample)
		s->source->ops->sample(s->source, s->sampled, s->words, s->n_sampled, PERIOD_NS);
}

void look_stacks__event(struct look_stacks *s, struct looks *l, struct look_lock *locks,
			const struct stack_event *e)
{
	struct look_thread *t = looks__thread(l, e->tid);
	struct raw_stack raw = stacks__of_event(e);
	struct look_lock *lock, *next;

	if (!t || t->now.tgid != e->tgid || t->now.gen != e->gen ||
	    !name(s, t, &raw, e->tgid, e->gen))
		return;
	t->stack_switches = UINT64_MAX; /* it runs on: the next look reads anew */
	HASH_ITER (hh, locks, lock, next)
		if (lock->owner == (pid_t)t->tid && lock->waiters)
			samples__held(s->samples, &lock->key, &t->stack, lock->waiters * PERIOD_NS,
				      true, e->time_ns);
}
