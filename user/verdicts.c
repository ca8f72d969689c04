// SPDX-License-Identifier: GPL-2.0-only
#include "verdicts.h"

#include <stdarg.h>
#include <stdio.h>

#include "text.h"
#include "util.h"
#include "verdicts_internal.h"

#define LOST_NS		(5 * NSEC_PER_SEC) /* longer than a turn among waiters takes */
#define LOST_OVERTAKEN	100		   /* wakes: in so many, its turn would have come */
#define LOST_PER_WAITER 10		   /* the same where more than ten wait in turn */
#define CONVOY_LOAD	2.0		   /* one that waits takes turns; two are a queue */
#define CONVOY_TURNS	1000		   /* a second: so short that the handing over counts */
#define CONVOY_WAITING	2		   /* holders unknown: a queue must be seen */
#define CONVOY_HOLDERS	2		   /* one that always has it is no convoy */
#define CONVOY_PART	0.5 /* whoever has it at half of the samples is the one to look at */
#define BIG_LOAD	1.0 /* below it, most threads find it free */
#define BIG_SHARE	0.8 /* the other locks are not worth a look before it */

struct figure figure__duration(uint64_t ns)
{
	struct figure f;

	text__duration(f.text, sizeof(f.text), ns);
	return f;
}

struct figure figure__count(double n)
{
	struct figure f;

	text__count(f.text, sizeof(f.text), n);
	return f;
}

struct figure figure__load(double n)
{
	struct figure f;

	text__load(f.text, sizeof(f.text), n);
	return f;
}

bool finding__say(struct finding *f, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(f->evidence, sizeof(f->evidence), format, args);
	va_end(args);
	return true;
}

/* Of a time: load; of a count: how often an ns. 0 if there was no time. */
static double per_ns(const struct snapshot *s, double n)
{
	return s->interval_ns ? n / s->interval_ns : 0;
}

static const struct deadlock *deadlock_of(const struct judged *j)
{
	for (size_t i = 0; i < j->s->n_deadlocks; i++)
		for (size_t k = 0; k < j->s->deadlocks[i].n_threads; k++)
			if (j->s->deadlocks[i].threads[k].waits_for == j->lock)
				return &j->s->deadlocks[i];
	return NULL;
}

static bool is_deadlock(const struct judged *j, struct finding *f)
{
	const struct deadlock *d = j->lock->deadlocked ? deadlock_of(j) : NULL;

	if (!d)
		return false;
	if (d->n_threads == 1)
		return finding__say(f, "a thread waits for itself, for %s so far",
				    figure__duration(d->since_ns).text);
	return finding__say(f, "%zu threads wait for each other in a circle, for %s so far",
			    d->n_threads, figure__duration(d->since_ns).text);
}

static bool is_owner_dead(const struct judged *j, struct finding *f)
{
	const struct lock *lock = j->lock;

	if (!lock->owner_died || !lock->waiting)
		return false;
	return finding__say(f, "thread %d ended holding it; %s waiting, the longest for %s",
			    lock->owner_died, figure__count(lock->waiting).text,
			    figure__duration(lock->oldest_ns).text);
}

/* That the number of readers changes says that they come and go: none of them is stuck. */
static bool is_writer_starving(const struct judged *j, struct finding *f)
{
	const struct lock *lock = j->lock;
	const struct lock_looks *looks = &lock->looks;

	if (lock->kind != KIND_RWLOCK_WRITE || j->owner || !lock->waiting ||
	    lock->oldest_ns < STARVING_NS || looks->n < LOOKS_MIN || looks->readers < looks->n ||
	    !looks->reader_changes)
		return false;
	return finding__say(
		f, "waited for %s; readers held it at all %u looks, changes of their number: %u",
		figure__duration(lock->oldest_ns).text, looks->n, looks->reader_changes);
}

static bool is_lost_wakeup(const struct judged *j, struct finding *f)
{
	const struct lock *lock = j->lock;

	if ((lock->kind != KIND_COND && lock->kind != KIND_SEM) || !lock->waiting ||
	    lock->oldest_ns < LOST_NS || lock->overtaken < LOST_OVERTAKEN ||
	    lock->overtaken / LOST_PER_WAITER < lock->waiting)
		return false;
	return finding__say(f, "one of %s has waited for %s, while %s wakes went to others",
			    figure__count(lock->waiting).text,
			    figure__duration(lock->oldest_ns).text,
			    figure__count(lock->overtaken).text);
}

static bool is_cpu_starved(const struct judged *j, struct finding *f)
{
	double delay = per_ns(j->s, j->lock->delay_ns);

	if (j->lock->delay_ns <= j->lock->blocked_ns || delay < LOAD_MIN)
		return false;
	return finding__say(f, "of load %s, %s is woken threads that wait for a CPU",
			    figure__load(j->load).text, figure__load(delay).text);
}

/*
 * Kinds that a thread holds and gives back. Who waits for a semaphore, a queue or a bare futex may
 * be waiting for work: that is no fault of theirs, however many turns they take. A GIL cannot be
 * split, or held shorter; there is a verdict of its own.
 */
static const bool held[KIND_COUNT] = {
	[KIND_MUTEX] = true,   [KIND_RWLOCK_READ] = true, [KIND_RWLOCK_WRITE] = true,
	[KIND_STDIO] = true,   [KIND_MALLOC] = true,	  [KIND_PI_MUTEX] = true,
	[KIND_PY_LOCK] = true, [KIND_PY_RLOCK] = true,
};

/*
 * A holder's part is how often it was found. Its part of the wait says less: a single long one may
 * be most of that. Inferred holders can only speak against changing hands: one that wakes most of
 * the waiters may be letting go and taking it back before they run.
 */
static bool changes_hands(const struct lock *lock, size_t *known, double *largest)
{
	uint64_t samples = 0;

	*known = 0;
	*largest = 0;
	for (size_t i = 0; i < lock->n_holders; i++)
		samples += lock->holders[i].samples;
	for (size_t i = 0; i < lock->n_holders; i++) {
		const struct holder *h = &lock->holders[i];
		double part = samples ? (double)h->samples / samples : h->share;

		if (part >= CONVOY_PART)
			return false;
		if (h->proof == PROOF_LAST_WAKER)
			continue;
		(*known)++;
		*largest = MAX(*largest, part);
	}
	return *known >= CONVOY_HOLDERS || lock->waiting >= CONVOY_WAITING;
}

static bool is_convoy(const struct judged *j, struct finding *f)
{
	const struct lock *lock = j->lock;
	/* who gave up was not handed anything */
	uint64_t turns = lock->sleeps > lock->timeouts ? lock->sleeps - lock->timeouts : 0;
	double rate = per_ns(j->s, turns) * NSEC_PER_SEC, largest;
	char holders[48] = "";
	size_t known;

	if (!held[lock->kind] || j->load < CONVOY_LOAD || rate < CONVOY_TURNS ||
	    !changes_hands(lock, &known, &largest))
		return false;
	if (known >= CONVOY_HOLDERS)
		snprintf(holders, sizeof(holders), ", no holder has more than %d %%",
			 (int)(largest * 100 + 0.999));
	return finding__say(f, "%s sleeps/s, load %s, %s a turn%s", figure__count(rate).text,
			    figure__load(j->load).text,
			    figure__duration(j->s->interval_ns / turns).text, holders);
}

/* Wait, for any lock, of the processes that waited for this one. */
static uint64_t wait_of_users(const struct snapshot *s, const struct lock *lock)
{
	_cleanup_(util__freep) bool *counted = NULL;
	const struct process *p = snapshot__process(s, lock->pid);
	uint64_t wait_ns = 0;
	pid_t last = 0;

	if (lock->processes <= 1)
		return p ? p->wait_ns : 0;
	counted = xcalloc(s->n_processes, sizeof(*counted));
	for (size_t i = 0; i < s->n_thread_locks; i++) {
		const struct thread_lock *tl = &s->thread_locks[i];

		if (tl->lock != lock || tl->thread->pid == last)
			continue;
		last = tl->thread->pid;
		p = snapshot__process(s, last);
		if (!p || counted[p - s->processes])
			continue;
		counted[p - s->processes] = true;
		wait_ns += p->wait_ns;
	}
	return wait_ns;
}

static bool is_one_big_lock(const struct judged *j, struct finding *f)
{
	uint64_t wait_ns = j->lock->wait_ns, all_ns;

	if (!held[j->lock->kind] || j->load < BIG_LOAD)
		return false;
	all_ns = wait_of_users(j->s, j->lock);
	if (wait_ns > all_ns || wait_ns < BIG_SHARE * all_ns) /* more than all: some is unknown */
		return false;
	return finding__say(f, "%d %% of all the wait of %s, load %s",
			    (int)(100.0 * wait_ns / all_ns),
			    j->lock->processes > 1 ? "the processes that share it" : "its process",
			    figure__load(j->load).text);
}

/* Places in rows. */
enum {
	DEADLOCK,
	OWNER_DEAD,
	DAEMON_AT_EXIT,
	LOCK_IN_DEL,
	LOCK_IN_IMPORT,
	TIMING_OUT,
	OWNER_STOPPED,
	OWNER_FROZEN,
	OWNER_THROTTLED,
	OWNER_PREEMPTED,
	OWNER_IN_IO,
	OWNER_ASLEEP,
	WRITER_STARVING,
	READERS_FIRST,
	LOST_WAKEUP,
	CPU_STARVED,
	GIL_BOUND,
	CONVOY,
	ONE_BIG_LOCK,
};

#define BIT(row)     (1U << (row))
#define FOR_EVER     (BIT(DEADLOCK) | BIT(OWNER_DEAD) | BIT(DAEMON_AT_EXIT))
#define HALTED	     (FOR_EVER | BIT(OWNER_STOPPED) | BIT(OWNER_FROZEN))
#define HELD_UP	     (HALTED | BIT(OWNER_THROTTLED))
#define OWNER_TOLD   (HELD_UP | BIT(OWNER_PREEMPTED) | BIT(OWNER_IN_IO) | BIT(OWNER_ASLEEP))
#define STARVING     (BIT(WRITER_STARVING) | BIT(READERS_FIRST))
#define NOT_THE_LOCK (STARVING | BIT(CPU_STARVED))

/* The most telling first. */
static const struct row {
	const char *name;
	bool (*judge)(const struct judged *j, struct finding *f);
	unsigned int unless; /* verdicts before it that explain the same wait, or contradict it */
	bool idle;	     /* of the idle class too */
	const char *advice;
} rows[] = {
	[DEADLOCK] = { "deadlock", is_deadlock, 0, true,
		       "only a restart ends it; take locks in one order everywhere, none twice" },
	[OWNER_DEAD] = { "owner dead", is_owner_dead, FOR_EVER, false,
			 "never coming back: restart; unlock on every way out, or a robust mutex" },
	[DAEMON_AT_EXIT] = { "daemon thread at exit", verdict_python__daemon_at_exit, FOR_EVER,
			     false, "daemon threads are cut off at exit: end and join them first" },
	[LOCK_IN_DEL] = { "lock in __del__", verdict_python__in_del, 0, false,
			  "__del__ runs anywhere, even in who has the lock: close by hand, with" },
	[LOCK_IN_IMPORT] = { "lock while importing", verdict_python__in_import, 0, false,
			     "imports hold their module's lock: start work after they are done" },
	[TIMING_OUT] = { "timing out", verdict_python__timing_out, FOR_EVER, false,
			 "trying again ends no deadlock: who has it? one order everywhere" },
	[OWNER_STOPPED] = { "owner stopped", verdict_owner__stopped, FOR_EVER, false,
			    "let it go on: kill -CONT, or detach the debugger" },
	[OWNER_FROZEN] = { "owner frozen", verdict_owner__frozen, HALTED, false,
			   "thaw its control group; freeze those that share a lock together" },
	[OWNER_THROTTLED] = { "owner throttled", verdict_owner__throttled, HALTED, false,
			      "raise its control group's CPU quota (cpu.max), or fewer threads" },
	[OWNER_PREEMPTED] = { "owner preempted", verdict_owner__preempted, HELD_UP, false,
			      "more CPU, fewer threads, no low priority for who takes this lock" },
	[OWNER_IN_IO] = { "owner in I/O", verdict_owner__in_io, HELD_UP, false,
			  "do the I/O outside of the critical section: copy under the lock" },
	[OWNER_ASLEEP] = { "owner asleep", verdict_owner__asleep, HELD_UP, false,
			   "do not sleep under a lock: unlock first, or wait for a condition" },
	[WRITER_STARVING] = { "writer starving", is_writer_starving, OWNER_TOLD, false,
			      "PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP, shorter reads, RCU" },
	[READERS_FIRST] = { "writer starving", verdict_python__writer_starving, FOR_EVER, false,
			    "let new readers wait while a writer does; or one plain Lock" },
	[LOST_WAKEUP] = { "lost wake-up?", is_lost_wakeup, FOR_EVER, true,
			  "signal under the mutex, broadcast if waiters differ, test in a loop" },
	[CPU_STARVED] = { "CPU-starved", is_cpu_starved, FOR_EVER, false,
			  "more CPU, or fewer threads: the lock is not the cause" },
	[GIL_BOUND] = { "GIL-bound", verdict_python__gil_bound, OWNER_TOLD | NOT_THE_LOCK, false,
			"processes in place of threads, or work in C that lets go of the GIL" },
	[CONVOY] = { "convoy", is_convoy, OWNER_TOLD | NOT_THE_LOCK, false,
		     "hold it shorter, batch, one lock per resource, a queue, a fair lock" },
	[ONE_BIG_LOCK] = { "one big lock", is_one_big_lock, HELD_UP | NOT_THE_LOCK, false,
			   "one lock per resource: split it by table, bucket, shard" },
};

bool verdicts__describe(size_t i, struct verdict *ret)
{
	if (i >= ARRAY_SIZE(rows))
		return false;
	*ret = (struct verdict){ .name = rows[i].name, .advice = rows[i].advice };
	return true;
}

static void write_verdict(struct snapshot *s, const struct row *row, const struct finding *f,
			  struct verdict *ret)
{
	char name[64];

	ret->name = row->name;
	if (f->detail[0]) {
		snprintf(name, sizeof(name), "%.32s (%.24s)", row->name, f->detail);
		ret->name = snapshot__string(s, name);
	}
	ret->evidence = snapshot__string(s, f->evidence);
	ret->advice = row->advice;
}

static void judge_lock(struct snapshot *s, struct lock *lock, struct judged_call *call)
{
	struct judged j = { .s = s, .lock = lock, .load = per_ns(s, lock->wait_ns), .call = call };
	struct finding findings[ARRAY_SIZE(rows)];
	unsigned int given = 0;

	j.inferred = lock->owner && lock->owner->proof == PROOF_LAST_WAKER;
	j.owner = j.inferred || !lock->owner || !lock->owner->thread ? NULL : lock->owner;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if ((lock->class == CLASS_IDLE && !rows[i].idle) || (given & rows[i].unless))
			continue;
		findings[i].detail[0] = 0;
		if (rows[i].judge(&j, &findings[i]))
			given |= BIT(i);
	}
	lock->n_verdicts = 0;
	lock->verdicts =
		given ? snapshot__alloc(s, __builtin_popcount(given), sizeof(*lock->verdicts))
		      : NULL;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (given & BIT(i))
			write_verdict(s, &rows[i], &findings[i],
				      &lock->verdicts[lock->n_verdicts++]);
}

void verdicts__judge(struct snapshot *s)
{
	struct judged_call call = {};

	for (size_t i = 0; i < s->n_locks; i++)
		judge_lock(s, &s->locks[i], &call);
}
