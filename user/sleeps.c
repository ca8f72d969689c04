// SPDX-License-Identifier: GPL-2.0-only
#include "sleeps.h"

#include <stdlib.h>
#include <time.h>

#include "util.h"

/* Of one interval: a long one must not take all memory. */
#define SLEEPS_MAX (1 << 20)

struct event {
	struct sleep_event e;
	bool kept; /* of the interval before: its lock was not in the reading yet */
};

struct sleeps {
	const struct processes *processes;
	struct proc *proc;
	int64_t to_real_ns; /* from CLOCK_MONOTONIC; taken once, see struct sleep */
	struct event *events;
	size_t n, capacity;
	uint64_t lost; /* since the last snapshot */
};

struct sleeps *sleeps__new(const struct processes *processes, struct proc *proc)
{
	struct sleeps *s = xcalloc(1, sizeof(*s));
	struct timespec real;

	s->processes = processes;
	s->proc = proc;
	clock_gettime(CLOCK_REALTIME, &real);
	s->to_real_ns = (int64_t)real.tv_sec * (int64_t)NSEC_PER_SEC + real.tv_nsec -
			(int64_t)util__monotonic_ns();
	return s;
}

void sleeps__free(struct sleeps *s)
{
	if (!s)
		return;
	free(s->events);
	free(s);
}

bool sleeps__event(struct sleeps *s, const void *data, size_t size)
{
	const struct sleep_event *e = data;

	if (size < sizeof(*e) || e->type != EVENT_SLEEP)
		return false;
	if (s->n >= SLEEPS_MAX) {
		s->lost++;
		return true;
	}
	array__grow(s->events, s->n, s->capacity);
	s->events[s->n++] = (struct event){ .e = *e };
	return true;
}

void sleeps__begin(struct sleeps *s, uint64_t now_ns)
{
	size_t left = 0;

	for (size_t i = 0; i < s->n; i++)
		if (s->events[i].e.end_ns > now_ns)
			s->events[left++] = s->events[i];
	s->n = left;
}

/* ---- one snapshot being filled ---- */

struct thread_row {
	struct {
		pid_t pid, tid;
	} key;
	const struct thread *thread;
	struct sleep *last; /* the row of its latest sleep; NULL: none yet */
	UT_hash_handle hh;
};

struct filling {
	struct sleeps *s;
	struct snapshot *snapshot;
	const struct tally *tally;
	const struct part **parts; /* by id of the key, each one's main part first */
	size_t n_parts;
	struct thread_row *threads;
};

static int compare_parts(const void *a, const void *b)
{
	const struct part *x = *(const struct part *const *)a;
	const struct part *y = *(const struct part *const *)b;

	if (x->key->id != y->key->id)
		return x->key->id < y->key->id ? -1 : 1;
	return y->main - x->main;
}

static void index_parts(struct filling *f, const struct parts *parts)
{
	f->parts = xcalloc(parts->n, sizeof(*f->parts));
	f->n_parts = parts->n;
	for (size_t i = 0; i < parts->n; i++)
		f->parts[i] = &parts->items[i];
	if (f->n_parts)
		qsort(f->parts, f->n_parts, sizeof(*f->parts), compare_parts);
}

/* The parts of a key; NULL: it has none in this interval. */
static const struct part *const *find_parts(const struct filling *f, uint32_t id, size_t *n)
{
	size_t low = 0, high = f->n_parts;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (f->parts[middle]->key->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	for (*n = 0; low + *n < f->n_parts && f->parts[low + *n]->key->id == id;)
		++*n;
	return *n ? &f->parts[low] : NULL;
}

/*
 * The lock that was waited for. A word that serves several call sites does not tell: how deep the
 * stack was may; else it is taken for the one that waits most.
 */
static const struct lock *lock_of(const struct part *const *parts, size_t n, uint64_t sp,
				  bool *inferred)
{
	const struct site_place *place = depths__place(&parts[0]->sample->depths, sp);

	*inferred = n > 1;
	for (size_t i = 0; i < n && n > 1 && place; i++) {
		if (!site_place__equal(&parts[i]->site->place, place))
			continue;
		*inferred = false;
		return parts[i]->lock;
	}
	return parts[0]->lock;
}

static struct thread_row *add_thread(struct filling *f, const struct thread *t)
{
	struct thread_row *row = xcalloc(1, sizeof(*row));

	row->key.pid = t->pid;
	row->key.tid = t->tid;
	row->thread = t;
	HASH_ADD(hh, f->threads, key, sizeof(row->key), row);
	return row;
}

static void free_threads(struct filling *f)
{
	struct thread_row *row, *next;

	HASH_ITER (hh, f->threads, row, next) {
		HASH_DELETE(hh, f->threads, row);
		free(row);
	}
}

/* A thread that did not wait in this interval, or not for long enough to be read: no row. */
static const struct thread *new_thread(struct filling *f, pid_t pid, pid_t tid)
{
	struct thread *t = snapshot__alloc(f->snapshot, 1, sizeof(*t));
	const struct process *process = snapshot__process(f->snapshot, pid);
	char comm[LOCKTOP_COMM + 1];

	t->pid = pid;
	t->tid = tid;
	if (!proc__thread_comm(f->s->proc, pid, tid, comm, sizeof(comm)))
		t->comm = snapshot__string(f->snapshot, comm);
	if (process)
		t->process_comm = process->comm;
	else if (!proc__thread_comm(f->s->proc, pid, pid, comm, sizeof(comm)))
		t->process_comm = snapshot__string(f->snapshot, comm);
	return t;
}

static struct thread_row *find_thread(struct filling *f, pid_t pid, pid_t tid)
{
	const struct thread_row wanted = { .key = { pid, tid } };
	struct thread_row *row;

	HASH_FIND(hh, f->threads, &wanted.key, sizeof(wanted.key), row);
	return row ? row : add_thread(f, new_thread(f, pid, tid));
}

static uint64_t real_ns(const struct filling *f, uint64_t ns)
{
	return ns + (uint64_t)f->s->to_real_ns;
}

static void set_end(struct filling *f, struct sleep *sleep, const struct sleep_event *e)
{
	/* clocks of two CPUs: what comes later may be read earlier */
	sleep->woken_ns = MAX(real_ns(f, e->woken_ns), sleep->start_ns);
	sleep->end_ns = MAX(real_ns(f, e->end_ns), sleep->woken_ns);
	sleep->ended = e->ended < END_COUNT ? (enum sleep_end)e->ended : END_OTHER;
	sleep->waker = e->waker ? find_thread(f, e->waker_tgid, e->waker)->thread : NULL;
}

/* The rest of an interrupted sleep is one row with what was before, if that is in the interval. */
static void add_sleep(struct filling *f, const struct sleep_event *e,
		      const struct part *const *parts, size_t n)
{
	struct thread_row *row = find_thread(f, e->tgid, e->tid);
	bool inferred;
	const struct lock *lock = lock_of(parts, n, e->sp, &inferred);
	struct sleep *sleep = row->last;

	if (!(e->flags & OPEN_RESUMED) || !sleep || sleep->lock != lock) {
		sleep = &f->snapshot->sleeps[f->snapshot->n_sleeps++];
		*sleep = (struct sleep){ .thread = row->thread,
					 .lock = lock,
					 .start_ns = real_ns(f, e->start_ns),
					 .earlier = e->flags & OPEN_ADOPTED,
					 .resumed = e->flags & OPEN_RESUMED,
					 .inferred = inferred };
		row->last = sleep;
	}
	set_end(f, sleep, e);
}

/* Of a process that is not shown. */
static bool is_out_of_scope(const struct filling *f, uint32_t lock_id)
{
	const struct tally_key *k;
	const struct process_entry *p;
	struct process_key process;

	HASH_FIND(hh_id, f->tally->by_id, &lock_id, sizeof(lock_id), k);
	if (!k)
		return false;
	process = (struct process_key){ .tgid = k->key.tgid, .gen = k->key.gen };
	HASH_FIND(hh, f->s->processes->by_key, &process, sizeof(process), p);
	return p && !p->in_scope;
}

/*
 * A sleep that ended while the totals were read may be in the next interval's only. Returns whether
 * it waits for that.
 */
static bool take(struct filling *f, struct event *event)
{
	size_t n;
	const struct part *const *parts = find_parts(f, event->e.lock_id, &n);

	if (parts)
		add_sleep(f, &event->e, parts, n);
	else if (is_out_of_scope(f, event->e.lock_id))
		return false;
	else if (!event->kept)
		return event->kept = true;
	else
		f->s->lost++;
	return false;
}

static int compare_ends(const void *a, const void *b)
{
	const struct sleep *x = a, *y = b;

	return x->end_ns < y->end_ns ? -1 : x->end_ns > y->end_ns;
}

void sleeps__fill(struct sleeps *s, struct snapshot *snapshot, const struct parts *parts,
		  const struct tally *tally)
{
	struct filling f = { .s = s, .snapshot = snapshot, .tally = tally };
	uint64_t now_ns = tally->now_ns;
	size_t left = 0;

	snapshot->sleeps_known = true;
	snapshot->sleeps_end_ns = real_ns(&f, now_ns);
	snapshot->sleeps = snapshot__alloc(snapshot, s->n, sizeof(*snapshot->sleeps));
	index_parts(&f, parts);
	for (size_t i = 0; i < snapshot->n_threads; i++)
		add_thread(&f, &snapshot->threads[i]);
	for (size_t i = 0; i < s->n; i++)
		if (s->events[i].e.end_ns > now_ns || take(&f, &s->events[i]))
			s->events[left++] = s->events[i];
	s->n = left;
	if (snapshot->n_sleeps)
		qsort(snapshot->sleeps, snapshot->n_sleeps, sizeof(*snapshot->sleeps),
		      compare_ends);
	snapshot->losses[LOSS_EVENTS_DROPPED] += s->lost;
	s->lost = 0;
	free_threads(&f);
	free(f.parts);
}
