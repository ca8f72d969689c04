// SPDX-License-Identifier: GPL-2.0-only
#include "sum.h"

#include <stdlib.h>
#include <string.h>

#include "sum_internal.h"
#include "util.h"
#include "verdicts.h"

struct sum *sum__new(void)
{
	struct sum *sum = xcalloc(1, sizeof(*sum));

	sum->s = snapshot__new();
	sum->end_lock = &sum->first_lock;
	return sum;
}

static void free_rows(struct sum *sum)
{
	struct sum_process *p, *next_process;
	struct sum_thread *t, *next_thread;
	struct sum_part *part, *next_part;

	HASH_ITER (hh, sum->processes, p, next_process) {
		HASH_DELETE(hh, sum->processes, p);
		free(p);
	}
	HASH_ITER (hh, sum->threads, t, next_thread) {
		HASH_DELETE(hh, sum->threads, t);
		free(t);
	}
	HASH_ITER (hh, sum->parts, part, next_part) {
		HASH_DELETE(hh, sum->parts, part);
		free(part);
	}
	HASH_CLEAR(hh, sum->texts); /* the text itself is in the snapshot's memory */
}

void sum__free(struct sum *sum)
{
	if (!sum)
		return;
	free_rows(sum);
	HASH_CLEAR(hh, sum->locks);
	for (struct sum_lock *l = sum->first_lock, *next; l; l = next) {
		next = l->after;
		sum_lock__free(l);
	}
	free(sum->thread_of);
	free(sum->lock_of);
	free(sum->fresh);
	snapshot__free(sum->last);
	snapshot__free(sum->s);
	free(sum);
}

/* The table only finds text; the snapshot owns what it is given. */
const char *sum__text(struct sum *sum, const char *text)
{
	struct sum_text *found;
	size_t length;

	if (!text)
		return NULL;
	length = strlen(text);
	HASH_FIND(hh, sum->texts, text, length, found);
	if (!found) {
		found = snapshot__alloc(sum->s, 1, sizeof(*found) + length + 1);
		memcpy(found->text, text, length);
		HASH_ADD_KEYPTR(hh, sum->texts, found->text, length, found);
	}
	return found->text;
}

struct frame *sum__frames(struct sum *sum, const struct frame *frames, size_t n)
{
	struct frame *to = snapshot__alloc(sum->s, n, sizeof(*to));

	for (size_t i = 0; i < n; i++) {
		to[i] = frames[i];
		to[i].function = sum__text(sum, frames[i].function);
		to[i].module = sum__text(sum, frames[i].module);
		to[i].file = sum__text(sum, frames[i].file);
		to[i].language = sum__text(sum, frames[i].language);
		to[i].build_id = sum__text(sum, frames[i].build_id);
	}
	return to;
}

static void add_totals(struct totals *to, const struct totals *from)
{
	to->sleeps += from->sleeps;
	to->wait_ns += from->wait_ns;
	to->blocked_ns += from->blocked_ns;
	to->delay_ns += from->delay_ns;
	to->waiting = from->waiting;
}

static void add_head(struct sum *sum, const struct snapshot *from)
{
	struct snapshot *s = sum->s;

	s->version = sum__text(sum, from->version);
	s->host = sum__text(sum, from->host);
	s->kernel = sum__text(sum, from->kernel);
	s->time = from->time;
	s->number = from->number;
	s->interval_ns += from->interval_ns;
	s->exact |= from->exact;
	if (from->exact)
		sum->exact_ns += from->exact_share * (double)from->interval_ns;
	for (int i = 0; i < LOSS_COUNT; i++)
		s->losses[i] += from->losses[i];
	s->self.cpu_ns += from->self.cpu_ns;
	s->self.rss_bytes = MAX(s->self.rss_bytes, from->self.rss_bytes);
	if (from->self.probe_known) {
		s->self.probe_known = true;
		s->self.probe_ns += from->self.probe_ns;
		s->self.probe_runs += from->self.probe_runs;
		sum->probe_known_ns += (double)from->interval_ns;
	}
	add_totals(&s->totals, &from->totals);
	add_totals(&s->idle, &from->idle);
}

/* What is not known now may have been before. */
static void keep_text(struct sum *sum, const char **to, const char *from)
{
	if (from)
		*to = sum__text(sum, from);
}

static void add_process(struct sum *sum, const struct process *from)
{
	struct process_key key = { .tgid = from->pid, .gen = from->gen };
	struct sum_process *p;
	struct process *to;

	HASH_FIND(hh, sum->processes, &key, sizeof(key), p);
	if (!p) {
		p = xcalloc(1, sizeof(*p));
		p->key = key;
		p->row = (struct process){ .pid = from->pid, .gen = from->gen, .threads = -1 };
		HASH_ADD(hh, sum->processes, key, sizeof(p->key), p);
	}
	p->stamp = sum->n;
	to = &p->row;
	keep_text(sum, &to->comm, from->comm);
	keep_text(sum, &to->user, from->user);
	keep_text(sum, &to->cgroup, from->cgroup);
	keep_text(sum, &to->runtime, from->runtime);
	to->threads = from->threads;
	to->sleeps += from->sleeps;
	to->wait_ns += from->wait_ns;
	to->blocked_ns += from->blocked_ns;
	to->delay_ns += from->delay_ns;
	to->waiting = from->waiting;
	to->idle_wait_ns += from->idle_wait_ns;
	to->ended |= from->ended;
	to->calls_known |= from->calls_known;
	to->futex_calls += from->futex_calls;
	to->futex_again += from->futex_again;
	to->futex_wakes += from->futex_wakes;
	to->futex_idle_wakes += from->futex_idle_wakes;
}

/* Which life of a number: of a process that lives, if there is one. */
struct life {
	pid_t pid;
	bool ended;
	uint32_t gen;
};

static int compare_lives(const void *a, const void *b)
{
	const struct life *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->ended - y->ended;
}

static struct life *find_lives(const struct snapshot *s)
{
	struct life *lives = xcalloc(s->n_processes, sizeof(*lives));

	for (size_t i = 0; i < s->n_processes; i++)
		lives[i] = (struct life){ s->processes[i].pid, s->processes[i].ended,
					  s->processes[i].gen };
	qsort(lives, s->n_processes, sizeof(*lives), compare_lives);
	return lives;
}

/* The first one of a number, in a sorted table. */
static uint32_t gen_of(const struct life *lives, size_t n, pid_t pid)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (lives[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && lives[low].pid == pid ? lives[low].gen : 0;
}

static struct sum_thread *add_thread(struct sum *sum, const struct thread *from, uint32_t gen)
{
	struct sum_thread_key key = { .pid = from->pid, .gen = gen, .tid = from->tid };
	struct sum_thread *t;

	HASH_FIND(hh, sum->threads, &key, sizeof(key), t);
	if (!t) {
		t = xcalloc(1, sizeof(*t));
		t->key = key;
		t->row.pid = from->pid;
		t->row.tid = from->tid;
		HASH_ADD(hh, sum->threads, key, sizeof(t->key), t);
	}
	t->stamp = sum->n;
	keep_text(sum, &t->row.comm, from->comm);
	keep_text(sum, &t->row.process_comm, from->process_comm);
	t->row.sleeps += from->sleeps;
	t->row.wait_ns += from->wait_ns;
	t->row.idle_wait_ns += from->idle_wait_ns;
	return t;
}

static void add_part(struct sum *sum, const struct snapshot *s, const struct thread_lock *from)
{
	struct sum_part_key key = {};
	struct sum_part *part;

	if (!from->thread || !from->lock)
		return;
	key.thread = sum->thread_of[from->thread - s->threads];
	key.lock = sum->lock_of[from->lock - s->locks];
	HASH_FIND(hh, sum->parts, &key, sizeof(key), part);
	if (!part) {
		part = xcalloc(1, sizeof(*part));
		part->key = key;
		HASH_ADD(hh, sum->parts, key, sizeof(part->key), part);
	}
	part->sleeps += from->sleeps;
	part->wait_ns += from->wait_ns;
}

void sum__add(struct sum *sum, struct snapshot *s)
{
	struct life *lives = find_lives(s);

	sum->n++;
	add_head(sum, s);
	for (size_t i = 0; i < s->n_processes; i++)
		add_process(sum, &s->processes[i]);
	sum->lock_of = xrealloc(sum->lock_of, s->n_locks, sizeof(*sum->lock_of));
	for (size_t i = 0; i < s->n_locks; i++) {
		const struct lock *from = &s->locks[i];
		struct sum_lock_key key = { .pid = from->pid, .address = from->address };

		key.gen = gen_of(lives, s->n_processes, from->pid);
		sum->lock_of[i] = sum_lock__add(sum, &key, from);
	}
	sum->thread_of = xrealloc(sum->thread_of, s->n_threads, sizeof(*sum->thread_of));
	for (size_t i = 0; i < s->n_threads; i++)
		sum->thread_of[i] = add_thread(sum, &s->threads[i],
					       gen_of(lives, s->n_processes, s->threads[i].pid));
	for (size_t i = 0; i < s->n_thread_locks; i++)
		add_part(sum, s, &s->thread_locks[i]);
	sum_last__note(sum, s);
	free(lives);
	snapshot__free(sum->last);
	sum->last = s;
}

static void finish_processes(struct sum *sum)
{
	struct snapshot *s = sum->s;

	s->processes = snapshot__alloc(s, HASH_COUNT(sum->processes), sizeof(*s->processes));
	for (struct sum_process *p = sum->processes; p; p = p->hh.next) {
		if (p->stamp != sum->n)
			p->row.waiting = 0;
		s->processes[s->n_processes++] = p->row;
	}
}

static void finish_threads(struct sum *sum)
{
	struct snapshot *s = sum->s;

	s->threads = snapshot__alloc(s, HASH_COUNT(sum->threads), sizeof(*s->threads));
	for (struct sum_thread *t = sum->threads; t; t = t->hh.next) {
		t->index = s->n_threads;
		s->threads[s->n_threads++] = t->row;
	}
}

static void finish_locks(struct sum *sum)
{
	struct snapshot *s = sum->s;
	size_t n = 0;

	for (struct sum_lock *l = sum->first_lock; l; l = l->after)
		n++;
	s->locks = snapshot__alloc(s, n, sizeof(*s->locks));
	for (struct sum_lock *l = sum->first_lock; l; l = l->after) {
		l->index = s->n_locks++;
		sum_lock__finish(sum, l, &s->locks[l->index]);
	}
}

static void finish_parts(struct sum *sum)
{
	struct snapshot *s = sum->s;

	s->thread_locks = snapshot__alloc(s, HASH_COUNT(sum->parts), sizeof(*s->thread_locks));
	for (struct sum_part *p = sum->parts; p; p = p->hh.next)
		s->thread_locks[s->n_thread_locks++] =
			(struct thread_lock){ &s->threads[p->key.thread->index],
					      &s->locks[p->key.lock->index], p->sleeps,
					      p->wait_ns };
}

static void finish_head(struct sum *sum)
{
	struct snapshot *s = sum->s;
	double known = sum->probe_known_ns;

	if (s->exact)
		s->exact_share = s->interval_ns ? sum->exact_ns / (double)s->interval_ns : 0;
	if (!s->self.probe_known || known <= 0 || known >= (double)s->interval_ns)
		return;
	s->self.probe_ns = (double)s->self.probe_ns / known * (double)s->interval_ns;
	s->self.probe_runs = (double)s->self.probe_runs / known * (double)s->interval_ns;
}

struct snapshot *sum__finish(struct sum *sum)
{
	struct snapshot *s;

	if (sum->n <= 1) {
		s = sum->last;
		sum->last = NULL;
		sum__free(sum);
		return s;
	}
	finish_head(sum);
	finish_processes(sum);
	finish_threads(sum);
	finish_locks(sum);
	finish_parts(sum);
	sum_last__fill(sum);
	verdicts__judge(sum->s);
	s = sum->s;
	sum->s = NULL;
	sum__free(sum);
	return s;
}
