// SPDX-License-Identifier: GPL-2.0-only
#include "fields.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "fields_exact.h"
#include "fields_internal.h"
#include "fields_owner.h"
#include "fields_python.h"
#include "text.h"

const char *value__text(const struct value *v)
{
	return v->text || !v->made[0] ? v->text : v->made;
}

/* How people tell locks apart: by name, else by address, which is the id's second half. */
static const char *label(const struct lock *lock)
{
	const char *address = strchr(lock->id, ':');

	if (lock->name)
		return lock->name;
	return address ? address + 1 : lock->id;
}

#define NUMBER(type, member)                                                 \
	static struct value type##_##member(const void *row)                 \
	{                                                                    \
		return number((uint64_t)((const struct type *)row)->member); \
	}
#define TEXT(type, member)                                       \
	static struct value type##_##member(const void *row)     \
	{                                                        \
		return text(((const struct type *)row)->member); \
	}

NUMBER(process, pid)
TEXT(process, comm)
TEXT(process, user)
TEXT(process, cgroup)
NUMBER(process, sleeps)
NUMBER(process, wait_ns)
NUMBER(process, blocked_ns)
NUMBER(process, delay_ns)
NUMBER(process, waiting)
NUMBER(process, idle_wait_ns)

static struct value process_runtime(const void *row)
{
	const struct process *p = row;

	return p->runtime ? text(p->runtime) : nothing();
}

static struct value process_threads(const void *row)
{
	const struct process *p = row;

	return p->threads < 0 ? unknown() : number((uint64_t)p->threads);
}

TEXT(lock, id)
NUMBER(lock, pid)
TEXT(lock, comm)
TEXT(lock, name)
TEXT(lock, name_from)
TEXT(lock, where)
NUMBER(lock, sleeps)
NUMBER(lock, wait_ns)
NUMBER(lock, blocked_ns)
NUMBER(lock, delay_ns)
NUMBER(lock, max_ns)
NUMBER(lock, timeouts)
NUMBER(lock, waiting)
NUMBER(lock, oldest_ns)
NUMBER(lock, impact_ns)
NUMBER(lock, deadlocked)

static struct value lock_address(const void *row)
{
	return (struct value){ .known = true,
			       .number = (int64_t)((const struct lock *)row)->address };
}

static struct value lock_kind(const void *row)
{
	unsigned int kind = ((const struct lock *)row)->kind;

	return text(kind < KIND_COUNT ? lock_kind_names[kind] : NULL);
}

static struct value lock_class(const void *row)
{
	unsigned int class = ((const struct lock *)row)->class;

	return text(class < CLASS_COUNT ? lock_class_names[class] : NULL);
}

static struct value lock_label(const void *row)
{
	return text(label(row));
}

static struct value lock_p50_ns(const void *row)
{
	const struct lock *lock = row;

	return hist__count(lock->hist) ? number(lock->p50_ns) : nothing();
}

static struct value lock_p99_ns(const void *row)
{
	const struct lock *lock = row;

	return hist__count(lock->hist) ? number(lock->p99_ns) : nothing();
}

static struct value lock_verdict(const void *row)
{
	const struct lock *lock = row;

	return lock->n_verdicts ? text(lock->verdicts[0].name) : nothing();
}

NUMBER(thread, pid)
NUMBER(thread, tid)
TEXT(thread, comm)
TEXT(thread, process_comm)
NUMBER(thread, sleeps)
NUMBER(thread, wait_ns)
NUMBER(thread, idle_wait_ns)

static struct value thread_waiting_for(const void *row)
{
	const struct thread *thread = row;

	return thread->waiting_for ? text(thread->waiting_for->id) : nothing();
}

static struct value thread_label(const void *row)
{
	const struct thread *thread = row;

	return thread->waiting_for ? text(label(thread->waiting_for)) : nothing();
}

static struct value thread_waiting_ns(const void *row)
{
	const struct thread *thread = row;

	return number(thread->waiting_for ? thread->waiting_ns : 0);
}

static struct value thread_state(const void *row)
{
	unsigned int state = ((const struct thread *)row)->state;

	return text(state != STATE_UNKNOWN && state < STATE_COUNT ? thread_state_names[state]
								  : NULL);
}

static struct value thread_syscall(const void *row)
{
	const struct thread *thread = row;

	return thread->syscall ? text(thread->syscall) : nothing();
}

#define S FIELD_SCREEN
#define J FIELD_JSON
#define L FIELD_LEFT
#define C FIELD_CSV
#define X FIELD_EXACT
#define R FIELD_RARE
#define P ENTITY_PROCESS
#define K ENTITY_LOCK
#define T ENTITY_THREAD

/*
 * In screen order. With one blank between columns, priority 0 fits 60 columns, and 0 to 2 fill 80;
 * in the exact tier, 120.
 */
/* clang-format off */
static const struct field process_fields[] = {
	{ P, "pid", "PID", UNIT_ID, 7, S | J, 0, process_pid, "process id" },
	{ P, "user", "USER", UNIT_TEXT, 8, S | J | L, 0, process_user, "owner of the process" },
	{ P, "threads", "THREADS", UNIT_COUNT, 7, S | J, 1, process_threads, "threads it has now" },
	{ P, "waiting", "WAITING", UNIT_COUNT, 7, S | J, 0, process_waiting,
	  "threads waiting for a lock now" },
	{ P, "wait_ns", "WAIT", UNIT_LOAD, 5, S | J, 0, process_wait_ns,
	  "mean number of threads waiting (wait seconds a second)" },
	{ P, "sleeps", "SLEEP/s", UNIT_RATE, 7, S | J, 0, process_sleeps,
	  "how often a thread went to sleep on a lock" },
	{ P, "blocked_ns", "BLOCK", UNIT_LOAD, 5, S | J, 4, process_blocked_ns,
	  "part of WAIT until the thread was woken" },
	{ P, "delay_ns", "DELAY", UNIT_LOAD, 5, S | J, 0, process_delay_ns,
	  "part of WAIT from being woken to running again" },
	{ P, "idle_wait_ns", "IDLE", UNIT_LOAD, 5, S | J, 2, process_idle_wait_ns,
	  "mean number of threads waiting for work; not part of WAIT" },
	{ P, "futex_calls", "FUTEX/s", UNIT_RATE, 7, S | J | X, 3, fields_exact__futex_calls,
	  "futex calls, whether they slept or not" },
	{ P, "futex_again", "AGAIN/s", UNIT_RATE, 7, S | J | X, 3, fields_exact__futex_again,
	  "of them, waits that came back at once: the word had changed (EAGAIN)" },
	{ P, "futex_wakes", "WAKE/s", UNIT_RATE, 6, J | X, 9, fields_exact__futex_wakes,
	  "of FUTEX/s, wakes" },
	{ P, "futex_idle_wakes", "NOBODY/s", UNIT_RATE, 8, S | J | X, 3,
	  fields_exact__futex_idle_wakes, "of FUTEX/s, wakes that woke nobody" },
	{ P, "runtime", "RUNTIME", UNIT_TEXT, 12, S | J | L | R, 3, process_runtime,
	  "language runtime and its version" },
	{ P, "comm", "COMMAND", UNIT_TEXT, 15, S | J | L, 0, process_comm, "name of the process" },
	{ P, "cgroup", "CGROUP", UNIT_TEXT, 32, S | J | L, 5, process_cgroup,
	  "control group of the process" },
	{ 0 },
};

static const struct field lock_fields[] = {
	{ K, "id", "ID", UNIT_TEXT, 22, J | L, 9, lock_id, "process and address of the lock" },
	{ K, "pid", "PID", UNIT_ID, 7, S | J, 0, lock_pid, "process id" },
	{ K, "address", "ADDRESS", UNIT_ADDRESS, 14, J, 9, lock_address,
	  "where the lock lies in its process" },
	{ K, "kind", "KIND", UNIT_TEXT, 12, S | J | L, 0, lock_kind, "what kind of lock it is" },
	{ K, "class", "CLASS", UNIT_TEXT, 10, S | J | L, 9, lock_class,
	  "contention, or idle: waiting for work, an event or an end" },
	{ K, "name", "NAME", UNIT_TEXT, 16, J | L, 9, lock_name, "name of the lock" },
	{ K, "name_from", "NAMED", UNIT_TEXT, 8, J | L, 9, lock_name_from,
	  "what the name was taken from" },
	{ K, "waiting", "WAITING", UNIT_COUNT, 7, S | J, 0, lock_waiting, "threads waiting now" },
	{ K, "wait_ns", "WAIT", UNIT_LOAD, 5, S | J, 0, lock_wait_ns,
	  "mean number of threads waiting (wait seconds a second)" },
	{ K, "impact_ns", "IMPACT", UNIT_LOAD, 6, S | J, 5, lock_impact_ns,
	  "mean number of threads that would not wait without this lock" },
	{ K, "sleeps", "SLEEP/s", UNIT_RATE, 7, S | J, 1, lock_sleeps,
	  "how often a thread went to sleep on it" },
	{ K, "blocked_ns", "BLOCK", UNIT_LOAD, 5, J, 9, lock_blocked_ns,
	  "part of WAIT until the thread was woken" },
	{ K, "delay_ns", "DELAY", UNIT_LOAD, 5, S | J, 7, lock_delay_ns,
	  "part of WAIT from being woken to running again" },
	{ K, "p50_ns", "P50", UNIT_DURATION, 6, S | J, 8, lock_p50_ns,
	  "half of the waits that ended were shorter" },
	{ K, "p99_ns", "P99", UNIT_DURATION, 6, S | J, 0, lock_p99_ns,
	  "99 of 100 waits that ended were shorter" },
	{ K, "max_ns", "MAX", UNIT_DURATION, 6, S | J, 7, lock_max_ns,
	  "longest wait, those still going on included" },
	{ K, "oldest_ns", "OLDEST", UNIT_DURATION, 6, S | J, 7, lock_oldest_ns,
	  "how long the thread that waits longest has waited by now" },
	{ K, "timeouts", "TIMEOUT/s", UNIT_RATE, 9, J, 9, lock_timeouts,
	  "how often a wait ended by its time-out" },
	{ K, "switches", "SWITCH/s", UNIT_RATE, 8, J, 9, fields_python__switches,
	  "of a GIL: how often it changed hands" },
	{ K, "forced_switches", "FORCED/s", UNIT_RATE, 8, J, 9, fields_python__forced_switches,
	  "of a GIL: how often who had it was made to let go of it" },
	{ K, "acquisitions", "ACQUIRE/s", UNIT_RATE, 9, S | J | X, 1, fields_exact__acquisitions,
	  "how often it was taken (of what nobody takes, as a barrier: calls)" },
	{ K, "contended", "CONTEND/s", UNIT_RATE, 9, J | X, 9, fields_exact__contended,
	  "how often it was not free when wanted" },
	{ K, "contention", "CONT%", UNIT_RATIO, 5, S | J | X, 1, fields_exact__contention,
	  "share of ACQUIRE/s that was not free when wanted" },
	{ K, "hold_ns", "HOLD", UNIT_LOAD, 5, S | J | X, 2, fields_exact__hold,
	  "share of time that it was held (semaphore, readers: mean number)" },
	{ K, "avg_hold_ns", "AVGHOLD", UNIT_DURATION, 7, S | J | X, 2, fields_exact__avg_hold,
	  "mean time that it was held" },
	{ K, "max_hold_ns", "MAXHOLD", UNIT_DURATION, 7, S | J | X, 2, fields_exact__max_hold,
	  "longest time that it was held" },
	{ K, "call_wait_ns", "CALLWAIT", UNIT_LOAD, 8, J | X, 9, fields_exact__call_wait,
	  "mean number of threads that want it, spinning included" },
	{ K, "avg_wait_ns", "AVGWAIT", UNIT_DURATION, 7, S | J | X, 7, fields_exact__avg_wait,
	  "mean time from the call until it was had, spinning included" },
	{ K, "try_failures", "TRYFAIL/s", UNIT_RATE, 9, J | X, 9, fields_exact__try_failures,
	  "how often a try to take it failed, or a time-out passed" },
	{ K, "read_acquisitions", "READ/s", UNIT_RATE, 6, J | X, 9, fields_exact__read_acquisitions,
	  "part of ACQUIRE/s by readers" },
	{ K, "read_hold_ns", "READHOLD", UNIT_LOAD, 8, J | X, 9, fields_exact__read_hold,
	  "part of HOLD by readers" },
	{ K, "owner_changes", "CHANGE/s", UNIT_RATE, 8, J | X, 9, fields_exact__owner_changes,
	  "how often another thread took it than before" },
	{ K, "signals", "SIGNAL/s", UNIT_RATE, 8, J | X, 9, fields_exact__signals,
	  "how often a condition variable was signalled" },
	{ K, "owner_tid", "OWNER TID", UNIT_ID, 9, C, 9, fields_owner__tid,
	  "number of the thread that holds it" },
	{ K, "owner_proof", "PROOF", UNIT_TEXT, 10, C | L, 9, fields_owner__proof,
	  "how it is known who holds it" },
	{ K, "owner_died", "DIED", UNIT_ID, 7, J, 9, fields_owner__died,
	  "number of the thread that ended while it held the lock" },
	{ K, "readers", "READERS", UNIT_COUNT, 7, J, 9, fields_owner__readers,
	  "how many hold it for reading now" },
	{ K, "deadlocked", "DEADLOCK", UNIT_FLAG, 8, J, 9, lock_deadlocked,
	  "threads wait for each other for ever here" },
	{ K, "comm", "COMMAND", UNIT_TEXT, 12, S | L, 2, lock_comm, "name of the process" },
	{ K, "lock", "LOCK", UNIT_TEXT, 16, S | L, 0, lock_label,
	  "name of the lock, else its address" },
	{ K, "owner", "OWNER", UNIT_TEXT, 16, S | C | L, 3, fields_owner__words,
	  "thread that holds it (?: inferred), or how many readers do" },
	{ K, "verdict", "VERDICT", UNIT_TEXT, 16, S | C | L, 4, lock_verdict,
	  "what is wrong with it, in a word" },
	{ K, "where", "WHERE", UNIT_TEXT, 19, S | L, 6, lock_where,
	  "function that waits most, outside the C library" },
	{ 0 },
};

static const struct field thread_fields[] = {
	{ T, "pid", "PID", UNIT_ID, 7, S | J, 1, thread_pid, "process id" },
	{ T, "tid", "TID", UNIT_ID, 7, S | J, 0, thread_tid, "thread id" },
	{ T, "wait_ns", "WAIT", UNIT_LOAD, 5, S | J, 0, thread_wait_ns,
	  "share of time that it waited" },
	{ T, "idle_wait_ns", "IDLE", UNIT_LOAD, 5, S, 4, thread_idle_wait_ns,
	  "share of time that it waited for work; not part of WAIT" },
	{ T, "sleeps", "SLEEP/s", UNIT_RATE, 7, S | J, 2, thread_sleeps,
	  "how often it went to sleep on a lock" },
	{ T, "waiting_ns", "AGE", UNIT_DURATION, 6, S | J, 0, thread_waiting_ns,
	  "how long it has been waiting by now" },
	{ T, "state", "STATE", UNIT_TEXT, 9, S | J | L, 5, thread_state,
	  "what it does now; known of those that wait, or hold what others want" },
	{ T, "syscall", "SYSCALL", UNIT_TEXT, 12, S | J | L, 6, thread_syscall,
	  "system call that it is asleep in" },
	{ T, "process", "PROCESS", UNIT_TEXT, 15, S | L, 3, thread_process_comm,
	  "name of its process" },
	{ T, "label", "COMMAND", UNIT_TEXT, 15, S | L, 0, fields_python__called,
	  "name of the thread, as its program calls it" },
	{ T, "comm", "COMM", UNIT_TEXT, 15, J | L, 9, thread_comm, "name of the thread" },
	{ T, "name", "NAME", UNIT_TEXT, 15, J | L, 9, fields_python__name,
	  "name that the interpreter knows it by (Python)" },
	{ T, "daemon", "DAEMON", UNIT_TEXT, 6, J | L, 9, fields_python__daemon,
	  "is it a daemon thread (Python)" },
	{ T, "gil", "GIL", UNIT_TEXT, 5, J | L, 9, fields_python__gil,
	  "whether it has the GIL, wants it, or neither (Python)" },
	{ T, "waiting_for", "WAITING FOR ID", UNIT_TEXT, 22, J | L, 9, thread_waiting_for,
	  "id of the lock that it waits for" },
	{ T, "lock", "WAITING FOR", UNIT_TEXT, 17, S | L, 0, thread_label,
	  "lock that it waits for: name, else address" },
	{ 0 },
};
/* clang-format on */

static const struct field *const tables[ENTITY_COUNT] = {
	[ENTITY_PROCESS] = process_fields,
	[ENTITY_LOCK] = lock_fields,
	[ENTITY_THREAD] = thread_fields,
};

const struct field *fields__of(enum entity entity)
{
	return tables[entity];
}

/* Is this the key of f, with or without its unit? */
static bool is_named(const struct field *f, const char *key, size_t len)
{
	size_t full = strlen(f->key), bare = full;

	if (full > 3 && !strcmp(f->key + full - 3, "_ns"))
		bare -= 3;
	return (len == full || len == bare) && !strncmp(f->key, key, len);
}

const struct field *fields__find(enum entity entity, const char *key)
{
	size_t len = strlen(key);
	const struct field *f;

	for (f = tables[entity]; f->key; f++)
		if (is_named(f, key, len))
			return f;
	for (f = tables[entity]; f->key; f++)
		if ((f->flags & FIELD_SCREEN) && !strcasecmp(f->title, key))
			return f;
	return NULL;
}

bool field__is_known(const struct field *f, const void *const *rows, size_t n)
{
	bool known = !(f->flags & FIELD_RARE);

	for (size_t i = 0; i < n && !known; i++)
		known = f->get(rows[i]).known;
	return known;
}

const struct field *fields__default_sort(enum entity entity)
{
	return fields__find(entity, "wait_ns");
}

void field__format(const struct field *f, const void *row, uint64_t interval_ns, char *buf,
		   size_t size)
{
	struct value v = f->get(row);
	uint64_t n = (uint64_t)MAX(v.number, (int64_t)0);

	if (!v.known || f->unit == UNIT_TEXT) {
		const char *text = value__text(&v);

		text__clean(buf, size, text ? text : "?");
		return;
	}
	switch (f->unit) {
	case UNIT_TEXT:
		break;
	case UNIT_ID:
		snprintf(buf, size, "%" PRId64, v.number);
		break;
	case UNIT_COUNT:
		text__count(buf, size, (double)n);
		break;
	case UNIT_RATE:
		text__count(buf, size,
			    interval_ns ? (double)n * NSEC_PER_SEC / (double)interval_ns
					: (double)n);
		break;
	case UNIT_LOAD:
		if (interval_ns)
			text__load(buf, size, (double)n / (double)interval_ns);
		else
			text__duration(buf, size, n);
		break;
	case UNIT_DURATION:
		text__duration(buf, size, n);
		break;
	case UNIT_ADDRESS:
		snprintf(buf, size, "0x%" PRIx64, (uint64_t)v.number);
		break;
	case UNIT_FLAG:
		snprintf(buf, size, "%s", n ? "yes" : "no");
		break;
	case UNIT_RATIO:
		text__percent(buf, size, (double)n / VALUE_WHOLE);
		break;
	}
}

void field__format_scaled(const struct field *f, const void *row, uint64_t interval_ns, bool scaled,
			  char *buf, size_t size)
{
	scaled = field__is_scaled(f, scaled) && size > 1 && f->get(row).known;
	if (scaled)
		*buf = '~';
	field__format(f, row, interval_ns, buf + scaled, size - scaled);
}

bool field__is_scaled(const struct field *f, bool scaled)
{
	return scaled && f->entity == ENTITY_LOCK && (f->flags & FIELD_EXACT);
}

bool fields__scaled(const struct snapshot *s)
{
	return s->exact && s->exact_share < 1;
}
