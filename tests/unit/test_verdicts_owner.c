// SPDX-License-Identifier: GPL-2.0-only
/* What the owner does: each case just enough for a verdict, then short of one figure. */
#include "verdicts_fixture.h"

static void stopped_now(struct machine *m)
{
	owner_now(m, STATE_STOPPED, 0);
	set_load(m, 0.01);
}

/* What does not end by itself is told at once, however small the load; or by its looks. */
static void test_owner_halted(void **state)
{
	(void)state;
	GIVEN(stopped_now, "owner stopped", "owner, thread 8, is stopped now; load 0.01");
	GIVEN(stopped_now, "owner stopped", "owner, thread 8, stopped for 1.20s so far; load 0.01",
	      m.thread->state_ns = 1200 * MS);
	GIVEN(stopped_now, "owner stopped", NULL, m.thread->state = STATE_TRACED);
	GIVEN(stopped_now, "owner frozen", "owner, thread 8, is frozen now; load 0.01",
	      m.thread->state = STATE_FROZEN);
	GIVEN(quiet, "owner stopped", "owner stopped at 2 of 4 looks; load 0.10",
	      set_looks(&m, STATE_TRACED, 2, 4));
	GIVEN(quiet, "owner frozen", NULL, set_looks(&m, STATE_FROZEN, 2, 4));
	NOTHING(stopped_now, m.lock->waiting = 0);
	NOTHING(stopped_now, m.owner->proof = PROOF_LAST_WAKER);
	NOTHING(stopped_now, m.owner->thread = NULL);
	NOTHING(stopped_now, m.thread->state = STATE_RUNNING);
	NOTHING(stopped_now, m.lock->class = CLASS_IDLE);
	NOTHING(quiet, set_looks(&m, STATE_STOPPED, 1, 3));
}

static void throttled_now(struct machine *m)
{
	owner_now(m, STATE_THROTTLED, 0);
}

/* A moment of throttling is nothing if hardly anybody waits. */
static void test_owner_throttled(void **state)
{
	(void)state;
	GIVEN(throttled_now, "owner throttled", "owner, thread 8, is throttled now; load 0.10");
	GIVEN(quiet, "owner throttled", "owner throttled at 5 of 9 looks; load 0.10",
	      set_looks(&m, STATE_THROTTLED, 5, 9));
	NOTHING(throttled_now, set_load(&m, 0.099));
	NOTHING(throttled_now, m.lock->waiting = 0);
	NOTHING(quiet, set_looks(&m, STATE_THROTTLED, 4, 9));
}

static void preempted(struct machine *m)
{
	set_looks(m, STATE_RUNNABLE, 2, 3);
}

/* Half of three looks and more, or both of two; one long stay makes up for looks. */
static void test_owner_preempted(void **state)
{
	(void)state;
	GIVEN(preempted, "owner preempted", "owner without a CPU at 2 of 3 looks; load 0.10");
	GIVEN(preempted, "owner preempted", NULL, set_looks(&m, STATE_RUNNABLE, 2, 4));
	GIVEN(preempted, "owner preempted", NULL, set_looks(&m, STATE_RUNNABLE, 2, 2));
	GIVEN(quiet, "owner preempted",
	      "owner, thread 8, without a CPU for 500ms so far; load 0.10",
	      owner_now(&m, STATE_RUNNABLE, 500 * MS));
	NOTHING(preempted, set_looks(&m, STATE_RUNNABLE, 2, 5));
	NOTHING(preempted, set_looks(&m, STATE_RUNNABLE, 1, 2));
	NOTHING(preempted, set_looks(&m, STATE_RUNNABLE, 1, 1));
	NOTHING(preempted, set_looks(&m, STATE_RUNNING, 9, 9));
	NOTHING(preempted, set_load(&m, 0.099));
	NOTHING(preempted, m.s->interval_ns = 0);
	NOTHING(preempted, m.lock->class = CLASS_IDLE);
	NOTHING(preempted, m.lock->owner = m.owner, m.owner->proof = PROOF_LAST_WAKER);
	NOTHING(quiet, owner_now(&m, STATE_RUNNABLE, 500 * MS - 1));
	NOTHING(quiet, owner_now(&m, STATE_RUNNABLE, 500 * MS), m.lock->waiting = 0);
	NOTHING(quiet, owner_now(&m, STATE_RUNNABLE, 500 * MS), m.owner->proof = PROOF_LAST_WAKER);
}

static void reads(struct machine *m)
{
	set_looks(m, STATE_SLEEPING, 3, 6);
	m->lock->looks.syscall = "read";
	m->lock->looks.syscalls = 2;
}

static void reads_long(struct machine *m)
{
	owner_now(m, STATE_SLEEPING, 500 * MS);
	m->thread->syscall = "read";
	m->lock->looks.n = m->lock->looks.owned = m->lock->looks.state[STATE_SLEEPING] = 1;
}

static void test_owner_in_io(void **state)
{
	(void)state;
	GIVEN(reads, "owner in I/O (read)",
	      "owner asleep at 3 of 6 looks, at 2 in read; load 0.10");
	GIVEN(reads_long, "owner in I/O (read)",
	      "owner, thread 8, asleep for 500ms so far, in read; load 0.10");
	/* in turn interruptibly and not */
	GIVEN(reads, "owner in I/O (fsync)", NULL, m.lock->looks.syscall = "fsync",
	      m.lock->looks.state[STATE_SLEEPING] = 1, m.lock->looks.state[STATE_BLOCKED] = 2);
	GIVEN(reads, "owner in I/O (page fault)",
	      "owner asleep at 3 of 6 looks, in a page fault; load 0.10",
	      set_looks(&m, STATE_BLOCKED, 3, 6));
	GIVEN(reads_long, "owner in I/O (page fault)", NULL, m.thread->syscall = NULL,
	      m.thread->state = STATE_BLOCKED);
	REFUSED(reads, "owner asleep");
	NOTHING(reads, set_looks(&m, STATE_SLEEPING, 2, 6));
	NOTHING(reads, set_looks(&m, STATE_WAITING, 6, 6));
	NOTHING(reads, set_load(&m, 0.099));
	NOTHING(reads, m.lock->owner = m.owner, m.owner->proof = PROOF_LAST_WAKER);
	NOTHING(reads_long, m.thread->state_ns = 500 * MS - 1);
	NOTHING(reads_long, m.lock->owner = NULL);
	NOTHING(reads_long, m.lock->class = CLASS_IDLE);
}

static void test_owner_asleep(void **state)
{
	(void)state;
	GIVEN(reads, "owner asleep (clock_nanosleep)",
	      "owner asleep at 3 of 6 looks, at 2 in clock_nanosleep; load 0.10",
	      m.lock->looks.syscall = "clock_nanosleep");
	GIVEN(reads_long, "owner asleep (wait4)", NULL, m.thread->syscall = "wait4");
	/* no call that has a name: a program of another kind than the machine's */
	GIVEN(reads, "owner asleep", "owner asleep at 3 of 6 looks; load 0.10",
	      m.lock->looks.syscall = NULL);
	REFUSED(reads, "owner in I/O (clock_nanosleep)", m.lock->looks.syscall = "clock_nanosleep");
}

/* Which calls are I/O: by what they wait for. */
static void test_calls(void **state)
{
	static const char *const io[] = {
		"read",		  "pwritev2",	     "recvmmsg",   "sendfile",	   "accept4",
		"poll",		  "pselect6",	     "epoll_wait", "epoll_pwait2", "fdatasync",
		"sync",		  "sync_file_range", "openat",	   "close",	   "newfstatat",
		"statx",	  "getdents64",	     "flock",	   "fcntl",	   "msync",
		"io_uring_enter", "unlinkat",	     "connect",	   "renameat2",	   "readahead",
	};
	static const char *const others[] = {
		"nanosleep", "clock_nanosleep", "wait4",      "pause", "rt_sigtimedwait",
		"mmap",	     "munmap",		"semtimedop", "futex", "",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(io) + ARRAY_SIZE(others); i++) {
		bool is_io = i < ARRAY_SIZE(io);
		const char *call = is_io ? io[i] : others[i - ARRAY_SIZE(io)];
		char name[64];

		snprintf(name, sizeof(name), call[0] ? "owner %s (%s)" : "owner %s",
			 is_io ? "in I/O" : "asleep", call);
		GIVEN(reads, name, NULL, m.lock->looks.syscall = call);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_owner_halted),	cmocka_unit_test(test_owner_throttled),
		cmocka_unit_test(test_owner_preempted), cmocka_unit_test(test_owner_in_io),
		cmocka_unit_test(test_owner_asleep),	cmocka_unit_test(test_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
