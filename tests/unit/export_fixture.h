/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Intervals to be exported: a usual one, one with owners and deadlocks, one full of hostile names,
 * one without a row. And how they are compared with files.
 */
#ifndef EXPORT_FIXTURE_H
#define EXPORT_FIXTURE_H

#include "fixture.h"

#include <stdlib.h>

#include "../../user/export.h"

/* Names that other people gave to their processes, threads, files and functions. */
#define ESCAPE	"\x1b[2J\x1b]0;owned\x07"
#define INVALID "bad\xff\xfe\xc3"
#define FORMULA "=cmd|'/c calc'!A1"
#define QUOTES	"say \"hi\", \\ friend"
#define LINES	"two\r\nlines"
#define BIDI              \
	"abc\xe2\x80\xae" \
	"cba"

static const struct frame hostile_frames[] = {
	{ ESCAPE, INVALID, 0x10, LINES, 3, "native", NULL },
	{ NULL, NULL, UINT64_MAX, NULL, 0, NULL, NULL },
};

static inline void set_stack(struct snapshot *s, struct thread *t, const struct frame *frames,
			     size_t n)
{
	t->frames = snapshot__alloc(s, n, sizeof(*frames));
	memcpy(t->frames, frames, n * sizeof(*frames));
	t->n_frames = n;
}

static inline void set_owner(struct snapshot *s, struct lock *l, const struct thread *t,
			     enum owner_proof proof, uint64_t held_ns)
{
	l->owner = snapshot__alloc(s, 1, sizeof(*l->owner));
	*l->owner = (struct owner){ .thread = t, .proof = proof, .held_ns = held_ns };
}

static inline void add_verdict(struct snapshot *s, struct lock *l, const char *name,
			       const char *evidence, const char *advice)
{
	if (!l->verdicts)
		l->verdicts = snapshot__alloc(s, 4, sizeof(*l->verdicts));
	l->verdicts[l->n_verdicts++] = (struct verdict){ name, evidence, advice };
}

static inline void add_holder(struct snapshot *s, struct lock *l, const struct thread *t,
			      enum owner_proof proof, double share)
{
	if (!l->holders)
		l->holders = snapshot__alloc(s, 4, sizeof(*l->holders));
	l->holders[l->n_holders++] =
		(struct holder){ t, proof, share * 10, share, share * l->wait_ns };
}

/* Threads that wait, in a ring: each for what the next one has. Their locks get their owners. */
static inline void add_deadlock(struct snapshot *s, struct thread *const *threads, size_t n,
				uint64_t since_ns)
{
	struct deadlock *d;

	if (!s->deadlocks)
		s->deadlocks = snapshot__alloc(s, 4, sizeof(*s->deadlocks));
	d = &s->deadlocks[s->n_deadlocks++];
	*d = (struct deadlock){ .pid = threads[0]->pid, .since_ns = since_ns, .n_threads = n };
	d->threads = snapshot__alloc(s, n, sizeof(*d->threads));
	for (size_t i = 0; i < n; i++) {
		struct lock *l = &s->locks[threads[i]->waiting_for - s->locks];
		const struct thread *next = threads[(i + 1) % n];

		d->threads[i] = (struct deadlock_thread){ threads[i], l, next };
		threads[i]->waiting_ns = threads[i]->state_ns = since_ns + i * MS;
		l->oldest_ns = l->max_ns = since_ns + i * MS;
		set_owner(s, l, next, PROOF_LOCK_WORD, since_ns + MS);
		l->deadlocked = true;
	}
}

static inline struct thread *thread_of(struct snapshot *s, pid_t tid)
{
	for (size_t i = 0; i < s->n_threads; i++)
		if (s->threads[i].tid == tid)
			return &s->threads[i];
	return NULL;
}

static inline struct lock *lock_of(struct snapshot *s, const char *id)
{
	const struct lock *lock = fixture__lock(s, id);

	assert_non_null(lock);
	return &s->locks[lock - s->locks];
}

/* What is known of threads that wait; only rwlocks have readers. */
static inline void set_states(struct snapshot *s)
{
	for (size_t i = 0; i < s->n_locks; i++)
		if (s->locks[i].kind != KIND_RWLOCK_WRITE)
			s->locks[i].readers = -1;
	for (size_t i = 0; i < s->n_threads; i++) {
		struct thread *t = &s->threads[i];

		if (!t->waiting_for)
			continue;
		t->state = STATE_WAITING;
		t->syscall = "futex";
		t->state_ns = t->waiting_ns;
	}
}

/* Threads at each other's locks, in each way that one can be; the last deadlock is in two. */
static inline void add_hostile_owners(struct snapshot *s)
{
	struct thread *ring[] = { &s->threads[0], &s->threads[2] };

	for (size_t i = 0; i < s->n_threads; i++)
		set_stack(s, &s->threads[i], hostile_frames, ARRAY_SIZE(hostile_frames));
	add_deadlock(s, ring, 2, 3000 * MS);
	for (size_t i = 2; i < s->n_locks; i++) {
		struct thread *t = &s->threads[2 * i + 1];

		t->state = STATE_SLEEPING;
		t->syscall = ESCAPE;
		t->truncated = true;
		set_owner(s, &s->locks[i], t, i % 2 ? PROOF_LOCK_WORD : PROOF_LAST_WAKER, 0);
		add_holder(s, &s->locks[i], t, PROOF_LAST_WAKER, 1);
		add_verdict(s, &s->locks[i], i % 2 ? ESCAPE : FORMULA, INVALID LINES, BIDI QUOTES);
	}
	s->locks[s->n_locks - 1].owner = NULL;
	s->locks[s->n_locks - 1].owner_died = 4194304;
}

static inline void add_hostile(struct snapshot *s)
{
	static const char *const names[] = { ESCAPE, INVALID, FORMULA, QUOTES, LINES, BIDI, "+1" };
	struct site *site;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct fixture_lock f = fixture_locks[0];

		f.pid = 70 + i;
		f.comm = f.name = f.where = names[i];
		f.waiting = 1;
		fixture__add_lock(s, &f);
	}
	site = snapshot__alloc(s, 1, sizeof(*site));
	site->frames = snapshot__alloc(s, ARRAY_SIZE(hostile_frames), sizeof(*site->frames));
	memcpy(site->frames, hostile_frames, sizeof(hostile_frames));
	site->n_frames = ARRAY_SIZE(hostile_frames);
	site->share = 1;
	site->truncated = true;
	s->locks[s->n_locks - 1].sites = site;
	s->locks[s->n_locks - 1].n_sites = 1;
	fixture__add_processes(s);
	s->processes[0].user = ESCAPE;
	s->processes[0].cgroup = FORMULA;
	s->processes[0].runtime = INVALID;
	s->processes[1].user = NULL;
	s->processes[1].threads = -1;
	fixture__add_threads(s);
	set_states(s);
	add_hostile_owners(s);
}

static inline struct snapshot *plain(void)
{
	struct snapshot *s = fixture__new(1);

	s->time.tv_nsec = 123999999;
	s->self.probe_known = true;
	s->self.probe_ns = 7 * MS;
	s->self.probe_runs = 84000;
	set_states(s);
	return s;
}

#define TABLE_LOCK   "4242:0x55d0c0a81040"
#define LOG_LOCK     "4242:0x7f10a4000b60"
#define SLOTS	     "977:0x5581f2a40a20"
#define ARENA	     "977:0x5581f2a40b00"
#define CONFIG_LOCK  "977:0x5581f2a40c00"
#define SESSION_LOCK "31337:0x7ffd10203100"

static const struct frame lock_frames[] = {
	{ "__lll_lock_wait", FIXTURE_LIBC, 0x88000, NULL, 0, "native", NULL },
	{ "pthread_mutex_lock", FIXTURE_LIBC, 0x8a2b0, NULL, 0, "native", NULL },
	{ "open_table", FIXTURE_DB, 0x41f20, "/build/db/sql/table_cache.cc", 412, "native", NULL },
	{ "main", FIXTURE_DB, 0x21000, NULL, 0, "native", NULL },
};

static const struct frame read_frames[] = {
	{ "read", FIXTURE_LIBC, 0xf81a0, NULL, 0, "native", NULL },
	{ "refill", "/usr/bin/queued", 0x1200, "refill.c", 31, "native", NULL },
	{ NULL, "/usr/bin/queued", 0x1100, NULL, 0, NULL, NULL },
};

/* A thread that holds its lock while it is in a read; one that has ended; readers. */
static inline void add_holding(struct snapshot *s)
{
	struct lock *slots = lock_of(s, SLOTS), *config = lock_of(s, CONFIG_LOCK);
	struct thread *reading = thread_of(s, 1128);

	reading->comm = "queue/2";
	reading->state = STATE_SLEEPING;
	reading->syscall = "read";
	reading->state_ns = 1200 * MS;
	reading->truncated = true;
	set_stack(s, reading, read_frames, ARRAY_SIZE(read_frames));
	set_owner(s, slots, reading, PROOF_LAST_WAKER, 0);
	slots->impact_ns = slots->wait_ns;
	add_holder(s, slots, reading, PROOF_LAST_WAKER, 0.6);
	add_verdict(s, slots, "owner in I/O (read)", "asleep in read at 9 of 10 looks",
		    "do the I/O before taking the lock");
	lock_of(s, ARENA)->owner_died = 1179;
	config->readers = 3;
	add_verdict(s, config, "writer starving", "readers at 10 of 10 looks", "use a fair lock");
	add_verdict(s, config, "convoy", "12 wakes", NULL);
}

/* Two threads that wait for each other, one that waits for itself, and the above. */
static inline struct snapshot *owned(void)
{
	static const struct fixture_lock config = { 977,
						    "queued",
						    0x5581f2a40c00,
						    KIND_RWLOCK_WRITE,
						    CLASS_CONTENTION,
						    "config_lock",
						    "reload",
						    2,
						    500,
						    400,
						    1 };
	struct snapshot *s = fixture__empty(4);
	struct thread *ring[2], *self;

	for (size_t i = 0; i < ARRAY_SIZE(fixture_locks); i++) {
		struct fixture_lock f = fixture_locks[i];

		f.waiting += f.pid == 31337 && f.class == CLASS_CONTENTION;
		fixture__add_lock(s, &f);
	}
	fixture__add_lock(s, &config);
	fixture__add_sites(s, &s->locks[0]);
	fixture__add_processes(s);
	fixture__add_threads(s);
	set_states(s);
	ring[0] = thread_of(s, 4243);
	ring[1] = thread_of(s, 4293);
	self = thread_of(s, 31638);
	ring[0]->comm = "db/1";
	ring[1]->comm = "db/2";
	set_stack(s, ring[0], lock_frames, ARRAY_SIZE(lock_frames));
	set_stack(s, ring[1], lock_frames, ARRAY_SIZE(lock_frames));
	add_deadlock(s, ring, 2, 3200 * MS);
	add_deadlock(s, &self, 1, 61 * NSEC_PER_SEC);
	add_holder(s, lock_of(s, TABLE_LOCK), ring[1], PROOF_LOCK_WORD, 0.75);
	add_holder(s, lock_of(s, TABLE_LOCK), thread_of(s, 4244), PROOF_LAST_WAKER, 0.25);
	lock_of(s, TABLE_LOCK)->impact_ns = 2950 * MS;
	add_holding(s);
	return s;
}

/* Figures of the exact tier as large as they can be, and locks in orders with hostile names. */
static inline void add_hostile_exact(struct snapshot *s)
{
	static struct frame frame = { BIDI, QUOTES, 5, LINES, 7, "native", NULL };
	const struct fixture_exact huge = { .acquisitions = UINT64_MAX,
					    .contended = UINT64_MAX,
					    .hold_ms = UINT64_MAX / MS,
					    .max_hold_us = UINT64_MAX / 1000,
					    .releases = 1,
					    .hold_known = true };

	s->exact = true;
	s->exact_share = 0.5;
	for (size_t i = 0; i < s->n_locks; i += 2)
		fixture__set_exact(&s->locks[i], &huge);
	s->inversions = snapshot__alloc(s, 1, sizeof(*s->inversions));
	s->n_inversions = 1;
	*s->inversions = (struct inversion){ .pid = 70, .comm = ESCAPE, .fresh = true };
	s->inversions->edges = snapshot__alloc(s, 2, sizeof(*s->inversions->edges));
	s->inversions->n_edges = 2;
	for (int i = 0; i < 2; i++) {
		struct inversion_edge *e = &s->inversions->edges[i];

		*e = fixture__edge(s, s->locks[i].id, s->locks[!i].id, hostile_frames,
				   ARRAY_SIZE(hostile_frames));
		e->from_name = i ? INVALID : LINES;
		e->to_name = i ? LINES : INVALID;
		e->from_frame = &frame;
		e->count = UINT64_MAX;
	}
}

static inline struct snapshot *hostile(void)
{
	struct snapshot *s = fixture__empty(2);

	add_hostile(s);
	add_hostile_exact(s);
	s->losses[LOSS_LOCKS_FULL] = 12;
	return s;
}

/* The exact tier, on for all of the interval. */
static inline struct snapshot *exact(void)
{
	struct snapshot *s = fixture__new(5);

	fixture__add_exact(s, 1);
	fixture__add_inversions(s);
	set_states(s);
	return s;
}

/* The same in slices, without an inversion. */
static inline struct snapshot *sliced(void)
{
	struct snapshot *s = fixture__new(6);

	fixture__add_exact(s, 0.12);
	set_states(s);
	return s;
}

static inline struct snapshot *empty(void)
{
	return fixture__empty(3);
}

static inline int compare_sleep_ends(const void *a, const void *b)
{
	const struct sleep *x = a, *y = b;

	return x->end_ns < y->end_ns ? -1 : x->end_ns > y->end_ns;
}

/* Up to three sleeps of each thread, before the one that it is in: woken by others, or by none. */
static inline struct snapshot *with_sleeps(struct snapshot *s)
{
	uint64_t end = (uint64_t)s->time.tv_sec * NSEC_PER_SEC + s->time.tv_nsec;
	struct thread *nameless = snapshot__alloc(s, 1, sizeof(*nameless));

	*nameless = (struct thread){ .pid = 4242, .tid = 4999 };
	s->sleeps_known = true;
	s->sleeps_end_ns = end;
	s->sleeps = snapshot__alloc(s, 3 * s->n_thread_locks, sizeof(*s->sleeps));
	for (size_t i = 0; i < 3 * s->n_thread_locks; i++) {
		size_t number = i / 3, next = (number + 1) % s->n_thread_locks;
		const struct thread_lock *row = &s->thread_locks[number];
		uint64_t asleep = row->thread->waiting_for ? row->thread->waiting_ns : 0;
		uint64_t start = end - s->interval_ns + (i % 3) * 300 * MS + number * 7 * MS / 3;
		struct sleep sleep = { .thread = row->thread,
				       .lock = row->lock,
				       .waker = s->thread_locks[next].thread,
				       .start_ns = start - (number ? 0 : 3 * MS),
				       .woken_ns = start + 2 * MS,
				       .end_ns = start + 2 * MS + 40123,
				       .ended = END_WOKEN,
				       .earlier = !i,
				       .resumed = i % 7 == 6,
				       .inferred = i % 5 == 4 };

		if (i == 1)
			sleep.waker = nameless;
		if (i % 4 == 3) {
			sleep.waker = NULL;
			sleep.ended = i % 8 == 3 ? END_TIMEOUT : END_OTHER;
		}
		if (sleep.end_ns + asleep <= end)
			s->sleeps[s->n_sleeps++] = sleep;
	}
	if (s->n_sleeps)
		qsort(s->sleeps, s->n_sleeps, sizeof(*s->sleeps), compare_sleep_ends);
	return s;
}

/* Compares text with tests/golden/NAME; LOCKTOP_GOLDEN_UPDATE=1 writes that anew. */
static inline void assert_golden(const char *name, const char *text)
{
	char path[128], *expected = xcalloc(1, 1 << 20);
	FILE *file;

	snprintf(path, sizeof(path), "tests/golden/%s", name);
	if (getenv("LOCKTOP_GOLDEN_UPDATE")) {
		file = fopen(path, "w");
		assert_non_null(file);
		fputs(text, file);
		fclose(file);
	}
	file = fopen(path, "r");
	if (!file)
		fail_msg("%s is missing", path);
	expected[fread(expected, 1, (1 << 20) - 1, file)] = 0;
	fclose(file);
	if (strcmp(text, expected))
		print_message("%s is now:\n%s\n", path, text);
	assert_string_equal(text, expected);
	free(expected);
}

/* One interval in one format; first: that of an output. Documents have this one alone. */
static inline char *export_bytes(const char *format, const struct snapshot *s,
				 const struct options *o, bool first, size_t *size)
{
	const struct exporter *e = exporter__find(format);
	struct options one = *o;
	char *bytes = NULL;
	FILE *f = open_memstream(&bytes, size);

	one.format = format;
	assert_int_equal(e->write ? e->write(f, s, o, first) : export__one(f, s, &one), 0);
	fclose(f);
	return bytes;
}

static inline char *export(const char *format, const struct snapshot *s, const struct options *o,
			   bool first)
{
	size_t size;
	char *text = export_bytes(format, s, o, first, &size);

	assert_int_equal(strlen(text), size);
	return text;
}

/* A document of these intervals, whole; for free(). */
static inline char *export_document(const char *format, struct snapshot *const *rows, size_t n,
				    const struct options *o, size_t *size)
{
	struct options options = *o;
	struct export_run *run;
	char *bytes;
	FILE *f = open_memstream(&bytes, size);

	options.format = format;
	run = export__new(&options);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(export__add(run, f, rows[i]), 0);
	assert_int_equal(export__end(run, f), 0);
	export__free(run);
	fclose(f);
	return bytes;
}

/* Is the line in the text, whole? */
static inline bool has_line(const char *text, const char *line)
{
	size_t n = strlen(line);

	for (const char *at = text; (at = strstr(at, line)); at++)
		if ((at == text || at[-1] == '\n') && at[n] == '\n')
			return true;
	return false;
}

#endif
