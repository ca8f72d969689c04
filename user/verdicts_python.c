// SPDX-License-Identifier: GPL-2.0-only
/*
 * Verdicts on locks of Python: what people get wrong with them again and again. Their evidence is
 * the Python frames of the lock's sites, and what the interpreter knows of its threads.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "util.h"
#include "verdicts_internal.h"

#define GIL_LOAD	  1.0 /* one thread that could run waits all the time */
#define TIMEOUTS_MIN	  3   /* fewer are no habit */
#define TIMEOUTS_PER_TURN 10  /* hardly ever had: one time in so many */
#define READERS_TURNS	  10  /* in an interval: readers come and go */

/* That threads hold, by its own calls: not what is waited for until something happens. */
static bool is_python_lock(const struct lock *lock)
{
	return lock->kind == KIND_PY_LOCK || lock->kind == KIND_PY_RLOCK;
}

static bool ends_in(const char *text, const char *end)
{
	size_t n = strlen(text), of = strlen(end);

	return n >= of && !strcmp(text + n - of, end);
}

/* name, or Class.name. */
static bool is_called(const struct frame *f, const char *name)
{
	const char *at = f->function;

	if (!at || !frame__is_python(f) || !ends_in(at, name))
		return false;
	at += strlen(at) - strlen(name);
	return at == f->function || at[-1] == '.';
}

bool verdict_python__gil_bound(const struct judged *j, struct finding *f)
{
	const struct lock *lock = j->lock;
	char switches[48] = "";
	size_t n = 0;

	if (lock->kind != KIND_GIL || j->load < GIL_LOAD)
		return false;
	for (size_t i = 0; i < j->s->n_thread_locks; i++)
		n += j->s->thread_locks[i].lock == lock;
	if (lock->switches_known)
		snprintf(switches, sizeof(switches), ", it changed hands %s times",
			 figure__count(lock->switches).text);
	return finding__say(f, "load %s: so many threads could run, but wait; %s wanted it%s",
			    figure__load(j->load).text, figure__count(n).text, switches);
}

/* ---- what the stacks of its sites pass through ---- */

/* The part of the lock's sampled wait at sites of a role for which test is true; 0: none. */
static double share_of(const struct lock *lock, enum site_role role,
		       bool (*test)(const struct site *s))
{
	double share = 0;

	for (size_t i = 0; i < lock->n_sites; i++)
		if (lock->sites[i].role == role && test(&lock->sites[i]))
			share += lock->sites[i].share;
	return MIN(share, 1);
}

/* what: "in __del__". */
static bool say_share(struct finding *f, const struct judged *j, bool (*test)(const struct site *s),
		      const char *what)
{
	double waiters = share_of(j->lock, ROLE_WAITER, test);
	double holders = share_of(j->lock, ROLE_HOLDER, test);

	if (waiters > 0)
		return finding__say(f, "%d %% of the sampled wait is %s; load %s",
				    (int)(waiters * 100 + 0.5), what, figure__load(j->load).text);
	if (holders > 0)
		return finding__say(f, "at %d %% of the sampled wait, it was held %s; load %s",
				    (int)(holders * 100 + 0.5), what, figure__load(j->load).text);
	return false;
}

static bool is_in_del(const struct site *s)
{
	for (size_t i = 0; i < s->n_frames; i++)
		if (is_called(&s->frames[i], "__del__"))
			return true;
	return false;
}

bool verdict_python__in_del(const struct judged *j, struct finding *f)
{
	return is_python_lock(j->lock) && say_share(f, j, is_in_del, "in __del__");
}

static bool is_bootstrap(const struct frame *f)
{
	return frame__is_python(f) && f->file && strstr(f->file, "importlib._bootstrap");
}

static const struct frame *innermost_python(const struct site *s)
{
	for (size_t i = 0; i < s->n_frames; i++)
		if (frame__is_python(&s->frames[i]))
			return &s->frames[i];
	return NULL;
}

/* Waits for an import itself: that another thread runs it is the lock's very purpose. */
static bool is_import_lock(const struct site *s)
{
	const struct frame *f = innermost_python(s);

	return f && is_bootstrap(f);
}

/* Some code of the program's runs because a module is executed. */
static bool is_in_import(const struct site *s)
{
	if (is_import_lock(s))
		return false;
	for (size_t i = 0; i < s->n_frames; i++)
		if (is_bootstrap(&s->frames[i]) && (is_called(&s->frames[i], "exec_module") ||
						    is_called(&s->frames[i], "_load_unlocked")))
			return true;
	return false;
}

bool verdict_python__in_import(const struct judged *j, struct finding *f)
{
	if (!is_python_lock(j->lock) || j->load < LOAD_MIN ||
	    share_of(j->lock, ROLE_WAITER, is_import_lock) > 0)
		return false;
	return say_share(f, j, is_in_import, "in a module's import");
}

/* The interpreter waits there before it ends, or what it calls does. */
static bool is_at_exit(const struct site *s)
{
	static const char *const natives[] = { "Py_FinalizeEx", "_Py_Finalize",
					       "Py_EndInterpreter" };
	static const struct {
		const char *file, *function;
	} calls[] = {
		{ "/threading.py", "_shutdown" },
		{ "/concurrent/futures/thread.py", "_python_exit" },
		{ "/multiprocessing/util.py", "_exit_function" },
	};

	for (size_t i = 0; i < s->n_frames; i++) {
		const struct frame *f = &s->frames[i];

		for (size_t k = 0; f->function && k < ARRAY_SIZE(natives); k++)
			if (!frame__is_python(f) &&
			    !strncmp(f->function, natives[k], strlen(natives[k])))
				return true;
		for (size_t k = 0; f->file && k < ARRAY_SIZE(calls); k++)
			if (is_called(f, calls[k].function) && ends_in(f->file, calls[k].file))
				return true;
	}
	return false;
}

/* Such a thread ends wherever it is, or never runs again: what it holds is not let go. */
bool verdict_python__daemon_at_exit(const struct judged *j, struct finding *f)
{
	const struct thread *owner = j->owner ? j->owner->thread : NULL;

	if (!owner || !owner->python || owner->python->daemon != 1 || !j->lock->waiting ||
	    share_of(j->lock, ROLE_WAITER, is_at_exit) <= 0)
		return false;
	return finding__say(f,
			    "the interpreter ends and has waited for %s; thread %d, a daemon, "
			    "holds it",
			    figure__duration(j->lock->oldest_ns).text, owner->tid);
}

/* ---- figures ---- */

bool verdict_python__timing_out(const struct judged *j, struct finding *f)
{
	const struct lock *lock = j->lock;
	uint64_t ended = hist__count(lock->hist);
	uint64_t had = ended > lock->timeouts ? ended - lock->timeouts : 0;
	char holder[32] = "";

	if (!is_python_lock(lock) || j->load < LOAD_MIN || lock->timeouts < TIMEOUTS_MIN ||
	    had > lock->timeouts / TIMEOUTS_PER_TURN)
		return false;
	if (j->owner)
		snprintf(holder, sizeof(holder), "; thread %d holds it", j->owner->thread->tid);
	return finding__say(f, "%s time-outs, had %s times; load %s%s",
			    figure__count(lock->timeouts).text, figure__count(had).text,
			    figure__load(j->load).text, holder);
}

/* A word of a name: readers, num_readers, nReaders; not thread, ready. */
static bool has_word(const char *name, const char *word)
{
	const char *at = name;

	for (; (at = strcasestr(at, word)); at++)
		if ((at == name || !isalpha(at[-1]) || isupper(at[0])) &&
		    tolower(at[strlen(word)]) != 'y')
			return true;
	return false;
}

/* Where the attribute's name begins; NULL: no name that the program gave it. */
static const char *attribute(const struct lock *lock)
{
	const char *dot = lock->name && lock->name_from && !strcmp(lock->name_from, "python")
				  ? strrchr(lock->name, '.')
				  : NULL;

	return dot ? dot + 1 : NULL;
}

/* Do two locks stand beside each other, one for readers to count themselves by? */
static bool counts_readers(const struct lock *readers, const struct lock *writer)
{
	const char *r = attribute(readers), *w = attribute(writer);

	if (!r || !w || readers->pid != writer->pid || readers->kind != KIND_PY_LOCK ||
	    r - readers->name != w - writer->name ||
	    strncmp(readers->name, writer->name, w - writer->name) != 0)
		return false;
	return has_word(r, "read") > has_word(w, "read") ||
	       has_word(w, "writ") > has_word(r, "writ");
}

static uint64_t turns_of(const struct lock *lock)
{
	uint64_t turns = lock->sleeps > lock->timeouts ? lock->sleeps - lock->timeouts : 0;

	return lock->exact ? MAX(turns, lock->acquisitions) : turns;
}

/*
 * The writer's lock is held by all readers together: the first one took it, the last one will let
 * it go. So no `with` block of a thread holds it, but threads keep coming to the readers' lock.
 */
bool verdict_python__writer_starving(const struct judged *j, struct finding *f)
{
	const struct lock *writer = j->lock;

	if (writer->kind != KIND_PY_LOCK || !writer->waiting || writer->oldest_ns < STARVING_NS ||
	    (j->owner && j->owner->proof != PROOF_EXACT) || !attribute(writer))
		return false;
	for (size_t i = 0; i < j->s->n_locks; i++) {
		const struct lock *readers = &j->s->locks[i];

		if (readers == writer || readers->oldest_ns >= STARVING_NS ||
		    turns_of(readers) < READERS_TURNS || !counts_readers(readers, writer))
			continue;
		return finding__say(f,
				    "waited for %s; the readers' lock beside it was taken %s times",
				    figure__duration(writer->oldest_ns).text,
				    figure__count(turns_of(readers)).text);
	}
	return false;
}
