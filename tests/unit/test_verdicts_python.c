// SPDX-License-Identifier: GPL-2.0-only
/*
 * Verdicts on locks of Python: each has a case that is just enough for it; then one figure or frame
 * after the other is taken away or set just short of its threshold, and the verdict must be gone.
 */
#include "verdicts_fixture.h"

#include <string.h>

#define BOOTSTRAP "<frozen importlib._bootstrap>"
#define PYTHON(function_, file_)                                                        \
	{                                                                               \
		.function = (function_), .module = (file_), .file = (file_), .line = 7, \
		.language = "python",                                                   \
	}
#define NATIVE(function_)                                     \
	{                                                     \
		.function = (function_), .language = "native" \
	}

/* A site with all of the sampled wait of its role. */
static struct site *add_site(struct machine *m, enum site_role role, const struct frame *frames,
			     size_t n)
{
	struct site *sites = snapshot__alloc(m->s, m->lock->n_sites + 1, sizeof(*sites));
	struct site *site = &sites[m->lock->n_sites];

	for (size_t i = 0; i < m->lock->n_sites; i++)
		sites[i] = m->lock->sites[i];
	*site = (struct site){ .role = role, .samples = 3, .share = 1, .n_frames = n };
	site->frames = snapshot__alloc(m->s, n, sizeof(*frames));
	memcpy(site->frames, frames, n * sizeof(*frames));
	m->lock->sites = sites;
	m->lock->n_sites++;
	return site;
}

#define SITE(m, role, ...)                                                        \
	do {                                                                      \
		static const struct frame frames_[] = { __VA_ARGS__ };            \
		add_site(m, role, frames_, sizeof(frames_) / sizeof(frames_[0])); \
	} while (0)

static void py_lock(struct machine *m)
{
	m->lock->kind = KIND_PY_LOCK;
	m->lock->name = "app.lock";
	m->lock->name_from = "python";
}

static struct frame *frame(struct machine *m, size_t i)
{
	return &m->lock->sites[0].frames[i];
}

static void gil(struct machine *m)
{
	m->lock->kind = KIND_GIL;
	set_load(m, 1);
	m->lock->switches_known = true;
	m->lock->switches = 400;
	m->s->thread_locks = snapshot__alloc(m->s, 2, sizeof(*m->s->thread_locks));
	m->s->n_thread_locks = 2;
	for (int i = 0; i < 2; i++)
		m->s->thread_locks[i] =
			(struct thread_lock){ .thread = m->thread, .lock = m->lock };
}

static void test_gil_bound(void **state)
{
	(void)state;
	GIVEN(gil, "GIL-bound",
	      "load 1.00: so many threads could run, but wait; 2 wanted it, it changed hands 400 "
	      "times");
	GIVEN(gil, "GIL-bound", "load 1.00: so many threads could run, but wait; 2 wanted it",
	      m.lock->switches_known = false);
	REFUSED(gil, "GIL-bound", set_load(&m, 0.99));
	REFUSED(gil, "GIL-bound", m.lock->kind = KIND_PY_LOCK);
	REFUSED(gil, "GIL-bound", m.s->interval_ns = 0);
	/* who has it does not compute: that is the cause */
	GIVEN(gil, "owner in I/O (read)", NULL, owner_now(&m, STATE_SLEEPING, NSEC_PER_SEC),
	      m.thread->syscall = "read");
	REFUSED(gil, "GIL-bound", owner_now(&m, STATE_SLEEPING, NSEC_PER_SEC),
		m.thread->syscall = "read");
	REFUSED(gil, "GIL-bound", m.lock->delay_ns = m.lock->blocked_ns + 1);
	/* it explains what these would say */
	REFUSED(gil, "one big lock", m.process->wait_ns = m.lock->wait_ns);
	REFUSED(gil, "convoy", set_load(&m, 2), m.lock->sleeps = 2000, m.lock->waiting = 2);
}

static void in_del(struct machine *m)
{
	py_lock(m);
	SITE(m, ROLE_WAITER, NATIVE("sem_wait"), PYTHON("Cache.drop", "/app.py"),
	     PYTHON("Entry.__del__", "/app.py"), PYTHON("main", "/app.py"));
}

static void held_in_del(struct machine *m)
{
	py_lock(m);
	SITE(m, ROLE_WAITER, PYTHON("main", "/app.py"));
	SITE(m, ROLE_HOLDER, PYTHON("__del__", "/app.py"), PYTHON("main", "/app.py"));
}

static void test_in_del(void **state)
{
	(void)state;
	GIVEN(in_del, "lock in __del__", "100 % of the sampled wait is in __del__; load 0.10");
	GIVEN(in_del, "lock in __del__", "25 % of the sampled wait is in __del__; load 0.10",
	      m.lock->sites[0].share = 0.25);
	GIVEN(in_del, "lock in __del__", NULL, m.lock->kind = KIND_PY_RLOCK);
	GIVEN(in_del, "lock in __del__", NULL, frame(&m, 2)->function = "__del__"); /* up to 3.10 */
	GIVEN(held_in_del, "lock in __del__",
	      "at 100 % of the sampled wait, it was held in __del__; load 0.10");
	NOTHING(held_in_del, m.lock->sites[1].role = ROLE_WAKER);
	NOTHING(in_del, frame(&m, 2)->function = "not__del__");
	NOTHING(in_del, frame(&m, 2)->function = "Entry.__del__.<locals>.f");
	NOTHING(in_del, frame(&m, 2)->function = NULL);
	NOTHING(in_del, frame(&m, 2)->language = "native");
	NOTHING(in_del, frame(&m, 2)->language = NULL);
	NOTHING(in_del, m.lock->sites[0].share = 0);
	NOTHING(in_del, m.lock->kind = KIND_MUTEX);
	NOTHING(in_del, m.lock->class = CLASS_IDLE, m.lock->kind = KIND_PY_EVENT);
}

static void in_import(struct machine *m)
{
	py_lock(m);
	set_load(m, 0.1);
	SITE(m, ROLE_WAITER, NATIVE("sem_wait"), PYTHON("register", "/app.py"),
	     PYTHON("<module>", "/plugin.py"), PYTHON("_call_with_frames_removed", BOOTSTRAP),
	     PYTHON("SourceLoader.exec_module", "<frozen importlib._bootstrap_external>"),
	     PYTHON("_load_unlocked", BOOTSTRAP), PYTHON("main", "/app.py"));
}

/* The holder of a module's lock runs the module: that is no news. */
static void import_lock(struct machine *m)
{
	in_import(m);
	m->lock->sites[0].role = ROLE_HOLDER;
	SITE(m, ROLE_WAITER, NATIVE("sem_wait"), PYTHON("_ModuleLock.acquire", BOOTSTRAP),
	     PYTHON("main", "/app.py"));
}

static void test_in_import(void **state)
{
	(void)state;
	GIVEN(in_import, "lock while importing",
	      "100 % of the sampled wait is in a module's import; load 0.10");
	GIVEN(in_import, "lock while importing", NULL, frame(&m, 5)->function = NULL);
	GIVEN(in_import, "lock while importing", NULL, frame(&m, 4)->function = "x");
	GIVEN(in_import, "lock while importing",
	      "at 100 % of the sampled wait, it was held in a module's import; load 0.10",
	      m.lock->sites[0].role = ROLE_HOLDER);
	NOTHING(in_import, frame(&m, 4)->function = "x", frame(&m, 5)->function = NULL);
	NOTHING(in_import, frame(&m, 4)->file = "/mine.py", frame(&m, 5)->file = "/mine.py");
	NOTHING(in_import, set_load(&m, 0.09));
	NOTHING(in_import, m.lock->kind = KIND_FUTEX);
	NOTHING(import_lock);
}

static void at_exit(struct machine *m)
{
	struct python_row *row = snapshot__alloc(m->s, 1, sizeof(*row));

	py_lock(m);
	m->lock->oldest_ns = 3 * NSEC_PER_SEC;
	SITE(m, ROLE_WAITER, NATIVE("sem_wait"), PYTHON("bye", "/app.py"), NATIVE("Py_FinalizeEx"));
	owner_now(m, STATE_RUNNING, 0);
	m->owner->proof = PROOF_PYTHON;
	row->daemon = 1;
	m->thread->python = row;
}

/* The same, by the library's Python. */
static void at_exit_by(struct machine *m, const char *file, const char *function)
{
	at_exit(m);
	frame(m, 2)->language = "python";
	frame(m, 2)->file = file;
	frame(m, 2)->function = function;
}

static void at_shutdown(struct machine *m)
{
	at_exit_by(m, "/usr/lib/python3.11/threading.py", "_shutdown");
}

static void at_pool_exit(struct machine *m)
{
	at_exit_by(m, "/usr/lib/python3.11/concurrent/futures/thread.py", "_python_exit");
}

static void set_daemon(struct machine *m, int daemon)
{
	struct python_row *row = snapshot__alloc(m->s, 1, sizeof(*row));

	row->daemon = daemon;
	m->thread->python = row;
}

static void test_daemon_at_exit(void **state)
{
	const char *name = "daemon thread at exit";

	(void)state;
	GIVEN(at_exit, name,
	      "the interpreter ends and has waited for 3.00s; thread 8, a daemon, holds it");
	GIVEN(at_exit, name, NULL, frame(&m, 2)->function = "_Py_Finalize.constprop.0");
	GIVEN(at_shutdown, name, NULL);
	GIVEN(at_pool_exit, name, NULL);
	NOTHING(at_shutdown, frame(&m, 2)->file = "/app/mythreading.py");
	NOTHING(at_shutdown, frame(&m, 2)->function = "stop");
	NOTHING(at_exit, frame(&m, 2)->function = "Py_RunMain");
	NOTHING(at_exit, m.lock->waiting = 0);
	NOTHING(at_exit, m.lock->owner = NULL);
	NOTHING(at_exit, m.owner->proof = PROOF_LAST_WAKER);
	NOTHING(at_exit, m.thread->python = NULL);
	NOTHING(at_exit, set_daemon(&m, 0));
	NOTHING(at_exit, set_daemon(&m, -1));
	/* what the owner does explains nothing then */
	REFUSED(at_exit, "owner asleep", set_load(&m, 1), m.thread->state = STATE_SLEEPING,
		m.thread->state_ns = NSEC_PER_SEC);
	GIVEN(at_exit, name, NULL, set_load(&m, 1), m.thread->state = STATE_SLEEPING,
	      m.thread->state_ns = NSEC_PER_SEC);
}

static void timing_out(struct machine *m)
{
	py_lock(m);
	set_load(m, 0.1);
	memset(m->lock->hist, 0, sizeof(m->lock->hist));
	m->lock->timeouts = 3;
	m->lock->hist[5] = 3;
}

static void test_timing_out(void **state)
{
	(void)state;
	GIVEN(timing_out, "timing out", "3 time-outs, had 0 times; load 0.10");
	GIVEN(timing_out, "timing out", "3 time-outs, had 0 times; load 0.10; thread 8 holds it",
	      owner_now(&m, STATE_RUNNING, 0));
	GIVEN(timing_out, "timing out", NULL, m.lock->kind = KIND_PY_RLOCK);
	GIVEN(timing_out, "timing out", "20 time-outs, had 2 times; load 0.10",
	      m.lock->timeouts = 20, m.lock->hist[5] = 22);
	NOTHING(timing_out, m.lock->timeouts = 20, m.lock->hist[5] = 23);
	NOTHING(timing_out, m.lock->timeouts = m.lock->hist[5] = 2);
	NOTHING(timing_out, m.lock->hist[6] = 1);
	NOTHING(timing_out, set_load(&m, 0.09));
	NOTHING(timing_out, m.lock->kind = KIND_PY_SEMAPHORE);
	NOTHING(timing_out, m.lock->kind = KIND_PY_EVENT, m.lock->class = CLASS_IDLE);
}

/* Two locks of one object; the second one is the readers'. */
static void readers_first(struct machine *m)
{
	struct lock *locks = snapshot__alloc(m->s, 2, sizeof(*locks));

	py_lock(m);
	m->lock->name = "RWLock._writer_lock";
	m->lock->oldest_ns = 500 * MS;
	m->lock->wait_ns = 0;
	locks[0] = locks[1] = *m->lock;
	locks[1].name = "RWLock._readers_lock";
	locks[1].sleeps = 10;
	locks[1].waiting = 0;
	locks[1].oldest_ns = 0;
	m->s->locks = locks;
	m->s->n_locks = 2;
	m->lock = &locks[0];
}

#define OTHER m.s->locks[1]

static void test_writer_starving(void **state)
{
	const char *name = "writer starving";

	(void)state;
	GIVEN(readers_first, name,
	      "waited for 500ms; the readers' lock beside it was taken 10 times");
	GIVEN(readers_first, name,
	      "waited for 500ms; the readers' lock beside it was taken 600 times", OTHER.sleeps = 0,
	      OTHER.exact = true, OTHER.acquisitions = 600);
	GIVEN(readers_first, name, NULL, m.lock->name = "RWLock.resource");
	GIVEN(readers_first, name, NULL, m.lock->name = "RWLock.w", OTHER.name = "RWLock.nReaders");
	GIVEN(readers_first, name, NULL, m.lock->name = "app.write_mutex",
	      OTHER.name = "app.count");
	GIVEN(readers_first, name, NULL, owner_now(&m, STATE_RUNNING, 0),
	      m.owner->proof = PROOF_EXACT); /* the first reader took it */
	/* one thread holds it by a with block: these are no readers */
	NOTHING(readers_first, owner_now(&m, STATE_RUNNING, 0), m.owner->proof = PROOF_PYTHON);
	NOTHING(readers_first, m.lock->oldest_ns = 500 * MS - 1);
	NOTHING(readers_first, m.lock->waiting = 0);
	NOTHING(readers_first, m.lock->kind = KIND_PY_RLOCK);
	NOTHING(readers_first, m.lock->name_from = "site");
	NOTHING(readers_first, m.lock->name = NULL);
	NOTHING(readers_first, m.lock->name = "writer");
	NOTHING(readers_first, m.lock->name = "OtherLock._writer_lock");
	NOTHING(readers_first, m.lock->name = "RWLock.x.writer_lock");
	NOTHING(readers_first, m.lock->name = "Pool.results", OTHER.name = "Pool.thread_lock");
	NOTHING(readers_first, m.lock->name = "Pool.results", OTHER.name = "Pool.ready");
	NOTHING(readers_first, OTHER.sleeps = 9);
	NOTHING(readers_first, OTHER.timeouts = 1);
	NOTHING(readers_first, OTHER.oldest_ns = 500 * MS);
	NOTHING(readers_first, OTHER.pid = 9);
	NOTHING(readers_first, OTHER.kind = KIND_PY_EVENT);
	NOTHING(readers_first, OTHER.name = NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gil_bound),  cmocka_unit_test(test_in_del),
		cmocka_unit_test(test_in_import),  cmocka_unit_test(test_daemon_at_exit),
		cmocka_unit_test(test_timing_out), cmocka_unit_test(test_writer_starving),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
