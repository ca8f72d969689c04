// SPDX-License-Identifier: GPL-2.0-only
#include "dump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uthash.h>

#include "text.h"
#include "util.h"
#include "words.h"

#define LINE_COLUMNS 100
#define TWIN_MAX     60 /* bytes of one of many threads in a line */

/* The order of the blocks. */
enum rank { RANK_WAITS_AND_HOLDS, RANK_WAITS, RANK_HOLDS, RANK_OTHER, RANK_IDLE };

/* A thread of the process, and those after it that would read the same. */
struct entry {
	const struct thread *thread;
	enum rank rank;
	const struct lock **held; /* that it owns */
	size_t n_held;
	struct entry *twin;	 /* the next one that stands in the same block */
	struct entry *last_twin; /* of the first one: the end of its twins, as many as twins says */
	size_t twins;
	bool folded; /* stands in another one's block */
	uint64_t hash;
	UT_hash_handle hh;
};

struct dump {
	const struct snapshot *s;
	pid_t pid;
	struct entry *entries;
	size_t n;
	const struct lock **owned; /* locks with an owner, by owner */
	size_t n_owned;
};

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_owned(const void *a, const void *b)
{
	const struct lock *x = *(const struct lock *const *)a, *y = *(const struct lock *const *)b;
	int order = ORDER((uintptr_t)x->owner->thread, (uintptr_t)y->owner->thread);

	order = order ? order : ORDER(y->waiting, x->waiting);
	order = order ? order : ORDER(x->pid, y->pid);
	return order ? order : ORDER(x->address, y->address);
}

static void find_owned(struct dump *d)
{
	d->owned = xcalloc(d->s->n_locks, sizeof(*d->owned));
	for (size_t i = 0; i < d->s->n_locks; i++)
		if (d->s->locks[i].owner)
			d->owned[d->n_owned++] = &d->s->locks[i];
	qsort(d->owned, d->n_owned, sizeof(*d->owned), compare_owned);
}

static void find_held(const struct dump *d, struct entry *e)
{
	size_t low = 0, high = d->n_owned;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if ((uintptr_t)d->owned[middle]->owner->thread < (uintptr_t)e->thread)
			low = middle + 1;
		else
			high = middle;
	}
	e->held = d->owned + low;
	while (low + e->n_held < d->n_owned && e->held[e->n_held]->owner->thread == e->thread)
		e->n_held++;
}

static enum rank rank_of(const struct entry *e)
{
	const struct lock *lock = e->thread->waiting_for;
	bool waits = lock && (lock->class != CLASS_IDLE || lock->deadlocked);

	if (waits)
		return e->n_held ? RANK_WAITS_AND_HOLDS : RANK_WAITS;
	if (e->n_held)
		return RANK_HOLDS;
	return lock ? RANK_IDLE : RANK_OTHER;
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = ORDER(x->rank, y->rank);

	order = order ? order : ORDER(y->thread->waiting_ns, x->thread->waiting_ns);
	return order ? order : ORDER(x->thread->tid, y->thread->tid);
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
	for (; text && *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	return (hash ^ 0xff) * 0x100000001b3;
}

static uint64_t hash_thread(const struct thread *t)
{
	uint64_t hash = hash_text(0xcbf29ce484222325, t->syscall);

	hash = (hash ^ t->state ^ (uintptr_t)t->waiting_for) * 0x100000001b3;
	for (size_t i = 0; i < t->n_frames; i++) {
		hash = hash_text(hash, t->frames[i].function);
		hash = (hash ^ t->frames[i].offset) * 0x100000001b3;
	}
	return hash;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool same_python(const struct python_row *a, const struct python_row *b)
{
	return a && b ? a->daemon == b->daemon && a->gil == b->gil : a == b;
}

/* Would their blocks read the same, but for their numbers, names and times? */
static bool is_twin(const struct thread *a, const struct thread *b)
{
	if (a->state != b->state || a->waiting_for != b->waiting_for ||
	    a->n_frames != b->n_frames || a->truncated != b->truncated ||
	    !same_text(a->syscall, b->syscall) || !same_python(a->python, b->python))
		return false;
	for (size_t i = 0; i < a->n_frames; i++) {
		const struct frame *f = &a->frames[i], *g = &b->frames[i];

		if (f->offset != g->offset || f->line != g->line ||
		    !same_text(f->function, g->function) || !same_text(f->module, g->module) ||
		    !same_text(f->file, g->file))
			return false;
	}
	return true;
}

/* Threads that hold nothing and stand at the same place share the block of the first of them. */
static void fold(struct dump *d)
{
	struct entry *table = NULL, *first;

	for (size_t i = 0; i < d->n; i++) {
		struct entry *e = &d->entries[i];

		if (e->n_held)
			continue;
		e->hash = hash_thread(e->thread);
		HASH_FIND(hh, table, &e->hash, sizeof(e->hash), first);
		if (!first) {
			e->last_twin = e;
			HASH_ADD(hh, table, hash, sizeof(e->hash), e);
		} else if (is_twin(first->thread, e->thread)) {
			first->last_twin = first->last_twin->twin = e;
			first->twins++;
			e->folded = true;
		}
	}
	HASH_CLEAR(hh, table);
}

static void find_threads(struct dump *d)
{
	d->entries = xcalloc(d->s->n_threads, sizeof(*d->entries));
	for (size_t i = 0; i < d->s->n_threads; i++) {
		struct entry *e = &d->entries[d->n];

		if (d->s->threads[i].pid != d->pid)
			continue;
		e->thread = &d->s->threads[i];
		find_held(d, e);
		e->rank = rank_of(e);
		d->n++;
	}
	qsort(d->entries, d->n, sizeof(*d->entries), compare_entries);
}

static void print_head(FILE *out, const struct dump *d)
{
	const struct process *p = snapshot__process(d->s, d->pid);
	const char *comm = p ? p->comm : d->n ? d->entries[0].thread->process_comm : NULL;
	char clean[256], time[32];
	struct tm tm;

	localtime_r(&d->s->time.tv_sec, &tm);
	strftime(time, sizeof(time), "%Y-%m-%d %H:%M:%S", &tm);
	fprintf(out, "%s", text__clean(clean, sizeof(clean), comm ? comm : "?"));
	fprintf(out, " (process %d)", (int)d->pid);
	if (p && p->user)
		fprintf(out, " of user %s", text__clean(clean, sizeof(clean), p->user));
	if (p && p->runtime)
		fprintf(out, ", %s", text__clean(clean, sizeof(clean), p->runtime));
	fprintf(out, ": %zu thread%s at %s", d->n, d->n == 1 ? "" : "s", time);
	if (d->s->host)
		fprintf(out, " on %s", text__clean(clean, sizeof(clean), d->s->host));
	fputc('\n', out);
}

static void print_deadlocks(FILE *out, const struct dump *d)
{
	for (size_t i = 0; i < d->s->n_deadlocks; i++) {
		const struct deadlock *deadlock = &d->s->deadlocks[i];
		bool ours = false;

		for (size_t j = 0; j < deadlock->n_threads; j++)
			ours |= deadlock->threads[j].thread->pid == d->pid;
		if (!ours)
			continue;
		fputc('\n', out);
		words__deadlock(out, deadlock);
	}
}

/* Who has what the thread waits for. */
static void print_owner(FILE *out, const struct dump *d, const struct thread *t)
{
	const struct lock *lock = t->waiting_for;
	char text[WORDS_MAX];

	if (lock->owner_died)
		fprintf(out, ", held by thread %d, which has ended: nobody will let go of it",
			lock->owner_died);
	else if (lock->owner && lock->owner->thread == t)
		fprintf(out, ", which it holds itself (%s)", words__proof(lock->owner->proof));
	else if (lock->owner)
		fprintf(out, ", held by %s (%s)",
			words__thread(text, sizeof(text), lock->owner->thread, d->pid),
			words__proof(lock->owner->proof));
	else if (lock->readers > 0)
		fprintf(out, ", held by %d reader%s", lock->readers, lock->readers == 1 ? "" : "s");
}

/*
 * Ages are the least that they can be: what slept or stood before observation began has done so for
 * longer than is known, and a dump may begin its own.
 */
static void print_state(FILE *out, const struct dump *d, const struct thread *t)
{
	static const char *const words[STATE_COUNT] = {
		[STATE_UNKNOWN] = "state not known",
		[STATE_RUNNING] = "running",
		[STATE_RUNNABLE] = "wants a CPU and has none",
		[STATE_WAITING] = "waiting for a futex",
		[STATE_SLEEPING] = "asleep",
		[STATE_BLOCKED] = "asleep uninterruptibly",
		[STATE_STOPPED] = "stopped by a signal",
		[STATE_TRACED] = "stopped by a debugger",
		[STATE_FROZEN] = "frozen by its control group",
		[STATE_THROTTLED] = "throttled by its control group",
		[STATE_EXITED] = "ended",
	};
	char text[WORDS_MAX], age[16];

	if (t->waiting_for) {
		text__duration(age, sizeof(age), t->waiting_ns);
		fprintf(out, "waiting at least %s for %s", age,
			words__lock(text, sizeof(text), t->waiting_for));
		print_owner(out, d, t);
		return;
	}
	fputs((unsigned int)t->state < STATE_COUNT ? words[t->state] : words[STATE_UNKNOWN], out);
	if (t->syscall)
		fprintf(out, " in %s", text__clean(text, sizeof(text), t->syscall));
	text__duration(age, sizeof(age), t->state_ns);
	if (t->state_ns)
		fprintf(out, " for at least %s", age);
}

static void print_held(FILE *out, const struct entry *e)
{
	char text[WORDS_MAX];

	for (size_t i = 0; i < e->n_held; i++)
		fprintf(out, "%s%s (%llu waiting%s)",
			i ? ", " : "  holds: ", words__lock_name(text, sizeof(text), e->held[i]),
			(unsigned long long)e->held[i]->waiting,
			e->held[i]->owner->proof == PROOF_LAST_WAKER ? ", inferred" : "");
	if (e->n_held)
		fputc('\n', out);
}

static void print_stack(FILE *out, const struct thread *t)
{
	char text[WORDS_MAX];

	for (size_t i = 0; i < t->n_frames; i++)
		fprintf(out, "  #%-2zu %s\n", i, words__frame(text, sizeof(text), &t->frames[i]));
	if (t->truncated)
		fputs("  [truncated]\n", out);
	if (!t->n_frames)
		fprintf(out, "  stack not taken%s\n",
			t->state == STATE_RUNNING ? " (running)" : "");
}

/* " 101", or where threads have names of their own " worker-1 101,". */
static void twin_words(char *buf, size_t size, const struct entry *twin, pid_t pid)
{
	const struct thread *t = twin->thread;
	char who[WORDS_MAX];

	if (t->python && t->python->name)
		snprintf(buf, size, " %.*s%s", TWIN_MAX, words__thread(who, sizeof(who), t, pid),
			 twin->twin ? "," : "");
	else
		snprintf(buf, size, " %d", (int)t->tid);
}

/* "  and 30 more threads like this: 101 102 ...", over as many lines as it takes. */
static void print_twins(FILE *out, const struct entry *e, pid_t pid)
{
	int column;

	if (!e->twins)
		return;
	column = fprintf(out, "  and %zu more thread%s like this:", e->twins,
			 e->twins == 1 ? "" : "s");
	for (const struct entry *twin = e->twin; twin; twin = twin->twin) {
		char who[TWIN_MAX * 4];

		twin_words(who, sizeof(who), twin, pid);
		if (column + text__columns(who) > LINE_COLUMNS) {
			fputs("\n   ", out);
			column = 3;
		}
		fputs(who, out);
		column += text__columns(who);
	}
	fputc('\n', out);
}

/* " (daemon, has the GIL)" */
static void print_python(FILE *out, const struct python_row *p)
{
	static const char *const gil[] = {
		[THREAD_GIL_HAS] = "has the GIL", [THREAD_GIL_WANTS] = "wants the GIL"
	};
	const char *has = p && p->gil < ARRAY_SIZE(gil) ? gil[p->gil] : NULL;
	bool daemon = p && p->daemon > 0;

	if (has || daemon)
		fprintf(out, " (%s%s%s)", daemon ? "daemon" : "", daemon && has ? ", " : "",
			has ? has : "");
}

static void print_entry(FILE *out, const struct dump *d, const struct entry *e)
{
	char text[WORDS_MAX];

	fprintf(out, "\nthread %s", words__thread(text, sizeof(text), e->thread, d->pid));
	print_python(out, e->thread->python);
	fputs(": ", out);
	print_state(out, d, e->thread);
	fputc('\n', out);
	print_held(out, e);
	print_stack(out, e->thread);
	print_twins(out, e, d->pid);
}

int dump__write(FILE *out, const struct snapshot *s, pid_t pid)
{
	struct dump d = { .s = s, .pid = pid };
	int err;

	find_owned(&d);
	find_threads(&d);
	fold(&d);
	errno = 0;
	print_head(out, &d);
	print_deadlocks(out, &d);
	for (size_t i = 0; i < d.n; i++)
		if (!d.entries[i].folded)
			print_entry(out, &d, &d.entries[i]);
	err = ferror(out) ? -(errno ? errno : EIO) : 0;
	free(d.entries);
	free(d.owned);
	return err;
}
