// SPDX-License-Identifier: GPL-2.0-only
#include "store_schema.h"

#include <stdio.h>
#include <stdlib.h>

#include "util.h"

#define COLUMN(title, what, absent, row, member)                                                   \
	{                                                                                          \
		.name = (title), .type = (what), .null = (absent), .offset = offsetof(row, member) \
	}
#define U64(row, member)	  COLUMN(#member, TYPE_U64, NULL_NONE, row, member)
#define U64_OR_NULL(row, member)  COLUMN(#member, TYPE_U64, NULL_ZERO, row, member)
#define INT(row, member)	  COLUMN(#member, TYPE_INT, NULL_NONE, row, member)
#define BOOL(row, member)	  COLUMN(#member, TYPE_BOOL, NULL_NONE, row, member)
#define SHARE(row, member)	  COLUMN(#member, TYPE_SHARE, NULL_NONE, row, member)
#define WORD(row, member)	  COLUMN(#member, TYPE_WORD, NULL_NONE, row, member)
#define WORD_OR_NULL(row, member) COLUMN(#member, TYPE_WORD, NULL_ZERO, row, member)
#define THREAD(row, member)	  COLUMN(#member, TYPE_THREAD, NULL_NONE, row, member)
#define NAMED(row, member, absent, words)                                                       \
	{                                                                                       \
		.name = #member, .type = TYPE_ENUM, .null = (absent),                           \
		.offset = offsetof(row, member), .names = (words), .n_names = ARRAY_SIZE(words) \
	}
#define KNOWN(title, row, member, flag)                                             \
	{                                                                           \
		.name = (title), .type = TYPE_U64, .offset = offsetof(row, member), \
		.known = offsetof(row, flag)                                        \
	}
#define KNOWN_SINCE(version, title, row, member, flag)                              \
	{                                                                           \
		.name = (title), .type = TYPE_U64, .offset = offsetof(row, member), \
		.known = offsetof(row, flag), .since = (version)                    \
	}
#define STACK(row)                                                               \
	{                                                                        \
		.name = "stack", .type = TYPE_STACK, .null = NULL_ZERO,          \
		.offset = offsetof(row, frames), .more = offsetof(row, n_frames) \
	}

static const char *const gil_names[] = {
	[THREAD_GIL_UNKNOWN] = NULL,
	[THREAD_GIL_HAS] = "has",
	[THREAD_GIL_WANTS] = "wants",
	[THREAD_GIL_NONE] = "none",
};

static const struct store_column interval_columns[] = {
	COLUMN("time", TYPE_TIME, NULL_NONE, struct snapshot, time),
	U64(struct snapshot, interval_ns),
	U64(struct snapshot, number),
	WORD(struct snapshot, version),
	WORD_OR_NULL(struct snapshot, host),
	WORD_OR_NULL(struct snapshot, kernel),
	BOOL(struct snapshot, exact),
	SHARE(struct snapshot, exact_share),
	COLUMN("cpu_ns", TYPE_U64, NULL_NONE, struct snapshot, self.cpu_ns),
	COLUMN("rss_bytes", TYPE_U64, NULL_NONE, struct snapshot, self.rss_bytes),
	KNOWN("probe_ns", struct snapshot, self.probe_ns, self.probe_known),
	KNOWN("probe_runs", struct snapshot, self.probe_runs, self.probe_known),
	COLUMN("sleeps", TYPE_U64, NULL_NONE, struct snapshot, totals.sleeps),
	COLUMN("wait_ns", TYPE_U64, NULL_NONE, struct snapshot, totals.wait_ns),
	COLUMN("blocked_ns", TYPE_U64, NULL_NONE, struct snapshot, totals.blocked_ns),
	COLUMN("delay_ns", TYPE_U64, NULL_NONE, struct snapshot, totals.delay_ns),
	COLUMN("waiting", TYPE_U64, NULL_NONE, struct snapshot, totals.waiting),
	COLUMN("idle_sleeps", TYPE_U64, NULL_NONE, struct snapshot, idle.sleeps),
	COLUMN("idle_wait_ns", TYPE_U64, NULL_NONE, struct snapshot, idle.wait_ns),
	COLUMN("idle_blocked_ns", TYPE_U64, NULL_NONE, struct snapshot, idle.blocked_ns),
	COLUMN("idle_delay_ns", TYPE_U64, NULL_NONE, struct snapshot, idle.delay_ns),
	COLUMN("idle_waiting", TYPE_U64, NULL_NONE, struct snapshot, idle.waiting),
	/* rows of table thread; those that follow are only named by others */
	COLUMN("threads", TYPE_U64, NULL_NONE, struct snapshot, n_threads),
	KNOWN_SINCE(2, "single_sleeps", struct snapshot, n_sleeps, sleeps_known),
	KNOWN_SINCE(2, "sleeps_end_ns", struct snapshot, sleeps_end_ns, sleeps_known),
};

static const struct store_column process_columns[] = {
	INT(struct process, pid),
	COLUMN("gen", TYPE_U32, NULL_NONE, struct process, gen),
	WORD(struct process, comm),
	WORD_OR_NULL(struct process, user),
	WORD_OR_NULL(struct process, cgroup),
	WORD_OR_NULL(struct process, runtime),
	COLUMN("threads", TYPE_INT, NULL_MINUS, struct process, threads),
	U64(struct process, sleeps),
	U64(struct process, wait_ns),
	U64(struct process, blocked_ns),
	U64(struct process, delay_ns),
	U64(struct process, waiting),
	U64(struct process, idle_wait_ns),
	BOOL(struct process, ended),
	KNOWN("futex_calls", struct process, futex_calls, calls_known),
	KNOWN("futex_again", struct process, futex_again, calls_known),
	KNOWN("futex_wakes", struct process, futex_wakes, calls_known),
	KNOWN("futex_idle_wakes", struct process, futex_idle_wakes, calls_known),
};

static const struct store_column lock_columns[] = {
	INT(struct lock, pid),
	WORD(struct lock, comm),
	U64(struct lock, address),
	NAMED(struct lock, kind, NULL_NONE, lock_kind_names),
	NAMED(struct lock, class, NULL_NONE, lock_class_names),
	WORD_OR_NULL(struct lock, name),
	WORD_OR_NULL(struct lock, name_from),
	U64(struct lock, sleeps),
	U64(struct lock, wait_ns),
	U64(struct lock, blocked_ns),
	U64(struct lock, delay_ns),
	U64(struct lock, max_ns),
	U64_OR_NULL(struct lock, p50_ns),
	U64_OR_NULL(struct lock, p99_ns),
	U64(struct lock, timeouts),
	U64(struct lock, waiting),
	U64_OR_NULL(struct lock, oldest_ns),
	COLUMN("histogram", TYPE_HIST, NULL_ZERO, struct lock, hist),
	COLUMN("processes", TYPE_U32, NULL_NONE, struct lock, processes),
	/* the innermost frame of its main waiter site that is not the C library's */
	COLUMN("place", TYPE_WORD, NULL_ZERO, struct lock, where),
	COLUMN("owner_died", TYPE_INT, NULL_ZERO, struct lock, owner_died),
	COLUMN("readers", TYPE_INT, NULL_MINUS, struct lock, readers),
	U64(struct lock, impact_ns),
	U64(struct lock, overtaken),
	BOOL(struct lock, deadlocked),
};

static const struct store_column thread_columns[] = {
	INT(struct thread, pid),
	INT(struct thread, tid),
	WORD_OR_NULL(struct thread, process_comm),
	WORD_OR_NULL(struct thread, comm),
	U64(struct thread, sleeps),
	U64(struct thread, wait_ns),
	U64(struct thread, idle_wait_ns),
	COLUMN("waiting_for", TYPE_LOCK, NULL_ZERO, struct thread, waiting_for),
	U64_OR_NULL(struct thread, waiting_ns),
	NAMED(struct thread, state, NULL_ZERO, thread_state_names),
	WORD_OR_NULL(struct thread, syscall),
	U64_OR_NULL(struct thread, state_ns),
	STACK(struct thread),
	BOOL(struct thread, truncated),
};

static const struct store_column thread_lock_columns[] = {
	THREAD(struct thread_lock, thread),
	COLUMN("lock", TYPE_LOCK, NULL_NONE, struct thread_lock, lock),
	U64(struct thread_lock, sleeps),
	U64(struct thread_lock, wait_ns),
};

static const struct store_column deadlock_columns[] = {
	INT(struct deadlock, pid),
	U64(struct deadlock, since_ns),
};

static const struct store_column inversion_columns[] = {
	INT(struct inversion, pid),
	WORD(struct inversion, comm),
	BOOL(struct inversion, fresh),
};

static const struct store_column sleep_columns[] = {
	THREAD(struct sleep, thread),
	COLUMN("lock", TYPE_LOCK, NULL_NONE, struct sleep, lock),
	COLUMN("waker", TYPE_THREAD, NULL_ZERO, struct sleep, waker),
	U64(struct sleep, start_ns),
	U64(struct sleep, woken_ns),
	U64(struct sleep, end_ns),
	NAMED(struct sleep, ended, NULL_NONE, sleep_end_names),
	BOOL(struct sleep, earlier),
	BOOL(struct sleep, resumed),
	BOOL(struct sleep, inferred),
};

static const struct store_column site_columns[] = {
	NAMED(struct site, role, NULL_NONE, site_role_names),
	U64(struct site, samples),
	SHARE(struct site, share),
	U64(struct site, wait_ns),
	STACK(struct site),
	BOOL(struct site, truncated),
};

static const struct store_column owner_columns[] = {
	THREAD(struct owner, thread),
	NAMED(struct owner, proof, NULL_NONE, owner_proof_names),
	U64_OR_NULL(struct owner, held_ns),
};

static const struct store_column holder_columns[] = {
	THREAD(struct holder, thread), NAMED(struct holder, proof, NULL_NONE, owner_proof_names),
	U64(struct holder, samples),   SHARE(struct holder, share),
	U64(struct holder, wait_ns),
};

static const struct store_column looks_columns[] = {
	COLUMN("looks", TYPE_U32, NULL_NONE, struct lock, looks.n),
	COLUMN("owned", TYPE_U32, NULL_NONE, struct lock, looks.owned),
	COLUMN("readers", TYPE_U32, NULL_NONE, struct lock, looks.readers),
	COLUMN("reader_changes", TYPE_U32, NULL_NONE, struct lock, looks.reader_changes),
	COLUMN("syscall", TYPE_WORD, NULL_ZERO, struct lock, looks.syscall),
	COLUMN("syscalls", TYPE_U32, NULL_NONE, struct lock, looks.syscalls),
	COLUMN("owner_states", TYPE_STATES, NULL_ZERO, struct lock, looks.state),
};

static const struct store_column exact_columns[] = {
	KNOWN("acquisitions", struct lock, acquisitions, exact),
	U64(struct lock, read_acquisitions),
	U64(struct lock, contended),
	U64(struct lock, try_failures),
	U64(struct lock, releases),
	U64(struct lock, signals),
	U64(struct lock, call_wait_ns),
	KNOWN("hold_ns", struct lock, hold_ns, hold_known),
	U64(struct lock, read_hold_ns),
	U64_OR_NULL(struct lock, max_hold_ns),
	U64(struct lock, owner_changes),
	COLUMN("hold_histogram", TYPE_HIST, NULL_ZERO, struct lock, hold_hist),
};

static const struct store_column switches_columns[] = {
	KNOWN("switches", struct lock, switches, switches_known),
	KNOWN("forced_switches", struct lock, forced_switches, switches_known),
};

static const struct store_column python_lock_columns[] = {
	COLUMN("parties", TYPE_I64, NULL_MINUS, struct python_lock_state, parties),
	COLUMN("arrived", TYPE_I64, NULL_MINUS, struct python_lock_state, arrived),
	COLUMN("capacity", TYPE_I64, NULL_MINUS, struct python_lock_state, capacity),
	COLUMN("size", TYPE_I64, NULL_MINUS, struct python_lock_state, size),
	COLUMN("recursion", TYPE_I64, NULL_MINUS, struct python_lock_state, recursion),
};

static const struct store_column missing_columns[] = {
	{ .name = "thread", .type = TYPE_THREAD }, /* the row is the pointer */
};

static const struct store_column verdict_columns[] = {
	WORD(struct verdict, name),
	COLUMN("evidence", TYPE_TEXT, NULL_ZERO, struct verdict, evidence),
	WORD_OR_NULL(struct verdict, advice),
};

static const struct store_column python_thread_columns[] = {
	WORD_OR_NULL(struct python_row, name),
	COLUMN("daemon", TYPE_INT, NULL_MINUS, struct python_row, daemon),
	NAMED(struct python_row, gil, NULL_ZERO, gil_names),
};

static const struct store_column deadlock_thread_columns[] = {
	THREAD(struct deadlock_thread, thread),
	COLUMN("waits_for", TYPE_LOCK, NULL_NONE, struct deadlock_thread, waits_for),
	THREAD(struct deadlock_thread, held_by),
};

static const struct store_column inversion_edge_columns[] = {
	COLUMN("from_id", TYPE_CHARS, NULL_NONE, struct inversion_edge, from),
	COLUMN("to_id", TYPE_CHARS, NULL_NONE, struct inversion_edge, to),
	WORD_OR_NULL(struct inversion_edge, from_name),
	WORD_OR_NULL(struct inversion_edge, to_name),
	INT(struct inversion_edge, tid),
	U64(struct inversion_edge, count),
	STACK(struct inversion_edge),
	BOOL(struct inversion_edge, truncated),
	COLUMN("from_frame", TYPE_FRAME, NULL_ZERO, struct inversion_edge, from_frame),
};

static bool has_looks(const void *lock)
{
	return ((const struct lock *)lock)->looks.n != 0;
}

static bool has_exact(const void *lock)
{
	return ((const struct lock *)lock)->exact;
}

static bool has_switches(const void *lock)
{
	return ((const struct lock *)lock)->switches_known;
}

#define TABLE(title, plural, rows) \
	.name = (title), .view = (plural), .columns = (rows), .n_columns = ARRAY_SIZE(rows)
#define ARRAY(of, row, items, n)                                             \
	.shape = SHAPE_ARRAY, .parent = (of), .array = offsetof(row, items), \
	.count = offsetof(row, n), .row_size = sizeof(*((row *)0)->items)
#define POINTER(of, row, item)                                                \
	.shape = SHAPE_POINTER, .parent = (of), .array = offsetof(row, item), \
	.row_size = sizeof(*((row *)0)->item)
#define PART(of, test) .shape = SHAPE_PART, .parent = (of), .present = (test)

/*
 * Of a sleep: the lock and the threads that it names. As SELECTs, which cost nothing where nobody
 * asks for them.
 */
static const char sleep_extra[] =
	"strftime('%Y-%m-%dT%H:%M:%fZ', t.start_ns / 1e9, 'unixepoch') AS at, "
	"(SELECT id FROM locks WHERE interval = i.interval AND lock = t.lock) AS lock_id, "
	"(SELECT coalesce(name, place) FROM locks WHERE interval = i.interval AND "
	"lock = t.lock) AS lock_name, "
	"(SELECT kind FROM locks WHERE interval = i.interval AND lock = t.lock) AS kind, "
	"(SELECT class FROM locks WHERE interval = i.interval AND lock = t.lock) AS class, "
	"(SELECT pid FROM threads WHERE interval = i.interval AND thread = t.thread) AS pid, "
	"(SELECT tid FROM threads WHERE interval = i.interval AND thread = t.thread) AS tid, "
	"(SELECT comm FROM threads WHERE interval = i.interval AND thread = t.thread) AS comm, "
	"(SELECT pid FROM threads WHERE interval = i.interval AND thread = t.waker) AS waker_pid, "
	"(SELECT tid FROM threads WHERE interval = i.interval AND thread = t.waker) AS waker_tid, "
	"(SELECT comm FROM threads WHERE interval = i.interval AND thread = t.waker) AS "
	"waker_comm, "
	"t.end_ns - t.start_ns AS wait_ns, t.woken_ns - t.start_ns AS blocked_ns, "
	"t.end_ns - t.woken_ns AS delay_ns";

const struct store_table store_tables[STORE_TABLES] = {
	[STORE_TABLE_INTERVAL] = { TABLE("interval", "intervals", interval_columns),
				   .shape = SHAPE_SNAPSHOT, .row_size = sizeof(struct snapshot),
				   .extra = "strftime('%Y-%m-%dT%H:%M:%fZ', t.time / 1e9, "
					    "'unixepoch') "
					    "AS at" },
	[STORE_TABLE_PROCESS] = { TABLE("process", "processes", process_columns),
				  ARRAY(STORE_TABLE_INTERVAL, struct snapshot, processes,
					n_processes) },
	[STORE_TABLE_LOCK] = { TABLE("lock", "locks", lock_columns),
			       ARRAY(STORE_TABLE_INTERVAL, struct snapshot, locks, n_locks),
			       .extra = "printf('%d:0x%x', t.pid, t.address) AS id" },
	[STORE_TABLE_THREAD] = { TABLE("thread", "threads", thread_columns),
				 ARRAY(STORE_TABLE_INTERVAL, struct snapshot, threads, n_threads) },
	[STORE_TABLE_THREAD_LOCK] = { TABLE("thread_lock", "thread_locks", thread_lock_columns),
				      ARRAY(STORE_TABLE_INTERVAL, struct snapshot, thread_locks,
					    n_thread_locks) },
	[STORE_TABLE_DEADLOCK] = { TABLE("deadlock", "deadlocks", deadlock_columns),
				   ARRAY(STORE_TABLE_INTERVAL, struct snapshot, deadlocks,
					 n_deadlocks) },
	[STORE_TABLE_INVERSION] = { TABLE("inversion", "inversions", inversion_columns),
				    ARRAY(STORE_TABLE_INTERVAL, struct snapshot, inversions,
					  n_inversions) },
	[STORE_TABLE_SLEEP] = { TABLE("sleep", "sleeps", sleep_columns),
				ARRAY(STORE_TABLE_INTERVAL, struct snapshot, sleeps, n_sleeps),
				.extra = sleep_extra, .since = 2 },
	[STORE_TABLE_SITE] = { TABLE("site", "sites", site_columns),
			       ARRAY(STORE_TABLE_LOCK, struct lock, sites, n_sites) },
	[STORE_TABLE_OWNER] = { TABLE("owner", "owners", owner_columns),
				POINTER(STORE_TABLE_LOCK, struct lock, owner) },
	[STORE_TABLE_HOLDER] = { TABLE("holder", "holders", holder_columns),
				 ARRAY(STORE_TABLE_LOCK, struct lock, holders, n_holders) },
	[STORE_TABLE_LOOKS] = { TABLE("look", "looks", looks_columns),
				PART(STORE_TABLE_LOCK, has_looks) },
	[STORE_TABLE_EXACT] = { TABLE("exact_lock", "exact_locks", exact_columns),
				PART(STORE_TABLE_LOCK, has_exact) },
	[STORE_TABLE_SWITCHES] = { TABLE("gil", "gils", switches_columns),
				   PART(STORE_TABLE_LOCK, has_switches) },
	[STORE_TABLE_PYTHON_LOCK] = { TABLE("python_lock", "python_locks", python_lock_columns),
				      POINTER(STORE_TABLE_LOCK, struct lock, python) },
	[STORE_TABLE_ABSENTEE] = { TABLE("absentee", "absentees", missing_columns),
				   ARRAY(STORE_TABLE_PYTHON_LOCK, struct python_lock_state, missing,
					 n_missing) },
	[STORE_TABLE_VERDICT] = { TABLE("verdict", "verdicts", verdict_columns),
				  ARRAY(STORE_TABLE_LOCK, struct lock, verdicts, n_verdicts) },
	[STORE_TABLE_PYTHON_THREAD] = { TABLE("python_thread", "python_threads",
					      python_thread_columns),
					POINTER(STORE_TABLE_THREAD, struct thread, python) },
	[STORE_TABLE_DEADLOCK_THREAD] = { TABLE("deadlock_thread", "deadlock_threads",
						deadlock_thread_columns),
					  ARRAY(STORE_TABLE_DEADLOCK, struct deadlock, threads,
						n_threads),
					  .rows_min = 1 },
	[STORE_TABLE_INVERSION_EDGE] = { TABLE("inversion_edge", "inversion_edges",
					       inversion_edge_columns),
					 ARRAY(STORE_TABLE_INVERSION, struct inversion, edges,
					       n_edges),
					 .rows_min = 2 },
};
