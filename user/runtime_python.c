// SPDX-License-Identifier: GPL-2.0-only
#include "runtime_python.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "python_find.h"
#include "python_names.h"
#include "runtime_python_internal.h"
#include "sleeper.h"
#include "util.h"

#define RETRY_FIRST_NS (5 * 1000000ULL) /* an interpreter that has not come up is asked again */
#define RETRY_MAX_NS   NSEC_PER_SEC
#define CHAINS_MAX     256	    /* copied chains whose stacks have not come */
#define CHAIN_OLD_NS   NSEC_PER_SEC /* their stacks never will */

/* Objects may change their names, and memory its objects: what was seen holds for so long. */
#define SEEN_NS		(5 * NSEC_PER_SEC)
#define SEEN_MAX	4096
#define SEEN_FRAMES	6
#define SEARCHES_SECOND 400 /* for names, in all ... */
#define SEARCHES_LINE	8   /* ... and for what waits at one line */

struct pythons *pythons__new(struct proc *proc, struct names *names, struct source *source)
{
	struct pythons *p = xcalloc(1, sizeof(*p));

	p->proc = proc;
	p->names = names;
	p->source = source;
	return p;
}

static void drop_copied(struct pythons *p, struct copied_chain *c)
{
	HASH_DELETE(hh, p->copied, c);
	free(c);
}

static void drop_seen(struct python *py, struct seen_lock *s)
{
	HASH_DELETE(hh, py->seen, s);
	free(s);
}

/* The probes forget it too: another process may get its number. */
static void drop(struct pythons *p, struct python *py)
{
	struct seen_lock *seen, *next;

	if (py->probed && p->source->ops->python)
		p->source->ops->python(p->source, py->key.tgid, NULL);
	for (size_t i = 0; i < py->n_gil_keys && p->source->ops->gil; i++)
		p->source->ops->gil(p->source, &py->gil_keys[i], NULL);
	HASH_DELETE(hh, p->by_key, py);
	python_codes__free(py->codes);
	python_scan__done(py);
	python_barriers__done(py);
	HASH_ITER (hh, py->seen, seen, next)
		drop_seen(py, seen);
	free(py);
}

void pythons__free(struct pythons *p)
{
	struct copied_chain *c, *next_chain;
	struct python *py, *next;

	if (!p)
		return;
	HASH_ITER (hh, p->by_key, py, next)
		drop(p, py);
	HASH_ITER (hh, p->copied, c, next_chain)
		drop_copied(p, c);
	free(p->expected);
	free(p);
}

struct python *pythons__any(struct pythons *p, const struct process_key *key)
{
	struct python *py;

	HASH_FIND(hh, p->by_key, key, sizeof(*key), py);
	return py;
}

void pythons__drop(struct pythons *p, const struct process_key *key)
{
	struct python *py = pythons__any(p, key);

	if (py)
		drop(p, py);
}

struct python *pythons__known(struct pythons *p, const struct process_key *key)
{
	struct python *py = p ? pythons__any(p, key) : NULL;

	return py && py->ready ? py : NULL;
}

struct python *pythons__living(struct pythons *p, pid_t pid)
{
	struct python *py, *next, *latest = NULL;

	if (!p)
		return NULL;
	/* after an exec the one before is there until its last numbers were shown */
	HASH_ITER (hh, p->by_key, py, next)
		if (py->ready && py->key.tgid == (uint32_t)pid)
			latest = py;
	return latest;
}

const char *pythons__title(struct pythons *p, const struct process_key *key)
{
	struct python *py = p ? pythons__any(p, key) : NULL;

	return py && py->title[0] ? py->title : NULL;
}

const char *python__interpreter(const struct python *py)
{
	return py->found.path;
}

struct python_target *python__target(struct python *py)
{
	return &py->target;
}

static void write_title(struct python *py)
{
	const char *why = "";

	if (!py->found.major)
		return;
	if (!py->found.supported)
		why = " (frames not read: unknown version)";
	else if (!py->found.runtime)
		why = " (frames not read: no symbols)";
	else if (py->found.layout.free_threaded)
		why = " (free-threaded: no GIL)";
	snprintf(py->title, sizeof(py->title), "CPython %d.%d%s", py->found.major, py->found.minor,
		 why);
}

/* Tells the probes where its threads keep their frames. */
static void announce(struct pythons *p, struct python *py)
{
	struct python_process process;
	struct python_thread *threads;
	int n = python_threads__list(&py->target, &threads);

	if (n < 0)
		return;
	if (python_find__slot(&py->target, threads, n, &process) && p->source->ops->python) {
		process.gen = py->key.gen;
		p->source->ops->python(p->source, py->key.tgid, &process);
		py->probed = true;
	}
	free(threads);
	python_scan__gils(p, py);
}

/* Interpreters come up some time after their process; libraries with one may be loaded late. */
static void look_for(struct pythons *p, struct python *py, const struct process_entry *e,
		     const struct maps *maps, uint64_t now_ns)
{
	py->target.pid = e->tid;
	if (!py->found.runtime || py->maps_ns != e->maps_ns) {
		python_find__interpreter(p->names, e->tid, maps, &py->found);
		py->maps_ns = e->maps_ns;
		write_title(py);
	}
	py->retry_step_ns =
		py->retry_step_ns ? MIN(2 * py->retry_step_ns, RETRY_MAX_NS) : RETRY_FIRST_NS;
	py->retry_ns = now_ns + py->retry_step_ns;
	if (!py->found.supported || !py->found.runtime)
		return;
	py->target.layout = &py->found.layout;
	py->target.runtime = py->found.runtime;
	py->target.read = python_target__read_live;
	if (!python_find__is_ready(&py->target))
		return;
	py->ready = true;
	py->codes = python_codes__new();
	announce(p, py);
}

struct python *pythons__of(struct pythons *p, struct process_entry *e, const struct maps *maps,
			   uint64_t now_ns)
{
	struct python *py = p ? pythons__any(p, &e->key) : NULL;

	if (!p || e->ended)
		return NULL;
	if (!py) {
		py = xcalloc(1, sizeof(*py));
		py->key = e->key;
		HASH_ADD(hh, p->by_key, key, sizeof(py->key), py);
	}
	if (!py->ready && now_ns >= py->retry_ns &&
	    (py->found.runtime || py->maps_ns != e->maps_ns))
		look_for(p, py, e, maps, now_ns);
	py->target.pid = e->tid;
	return py->ready ? py : NULL;
}

/* ---- chains ---- */

static void drop_old_chains(struct pythons *p, uint64_t now_ns)
{
	struct copied_chain *c, *next;

	HASH_ITER (hh, p->copied, c, next)
		if (now_ns - c->event.time_ns > CHAIN_OLD_NS || HASH_COUNT(p->copied) > CHAINS_MAX)
			drop_copied(p, c);
}

void pythons__event(struct pythons *p, const void *data, size_t size)
{
	const struct python_event *e = data;
	struct copied_chain *c, *old;
	uint32_t tid;

	if (size < sizeof(*e) || e->n > PYTHON_FRAMES_MAX ||
	    size < sizeof(*e) + e->n * sizeof(e->heads[0]))
		return;
	c = xcalloc(1, sizeof(*c) + e->n * sizeof(e->heads[0]));
	memcpy(&c->event, e, sizeof(*e) + e->n * sizeof(e->heads[0]));
	tid = e->tid;
	HASH_FIND(hh, p->copied, &tid, sizeof(tid), old);
	if (old)
		drop_copied(p, old);
	c->tid = tid;
	HASH_ADD(hh, p->copied, tid, sizeof(c->tid), c);
	if (HASH_COUNT(p->copied) > CHAINS_MAX / 2)
		drop_old_chains(p, e->time_ns);
}

/* The thread's state, as its process has it. */
static uint64_t state_of(struct pythons *p, struct python *py, pid_t tid)
{
	const struct python_thread *t = python_scan__thread(p, py, tid);

	return t ? t->state : 0;
}

const struct python_chain *pythons__chain(struct pythons *p, struct python *py,
					  const struct raw_stack *raw)
{
	uint32_t tid = raw->tid;
	struct copied_chain *c;
	uint64_t state;

	if (!tid)
		return NULL;
	p->chain.gil_holder = 0;
	HASH_FIND(hh, p->copied, &tid, sizeof(tid), c);
	if (c && c->event.time_ns == raw->now_ns && c->event.gen == py->key.gen) {
		python_frames__decode(&py->target, py->codes, p->names, c->event.heads, c->event.n,
				      &p->chain);
		p->chain.truncated |= c->event.truncated;
		p->chain.gil_holder = c->event.gil_holder;
		drop_copied(p, c);
		return p->chain.n ? &p->chain : NULL;
	}
	state = state_of(p, py, tid);
	if (!state || python_frames__read(&py->target, py->codes, p->names, state, &p->chain) ||
	    !p->chain.n || !sleeper__is_at(tid, raw->regs))
		return NULL;
	return &p->chain;
}

/* ---- locks ---- */

static size_t native_functions(const struct named_stack *stack, const char **ret, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < stack->n_frames && n < max && !frame__is_python(&stack->frames[i]);
	     i++)
		if (stack->frames[i].function)
			ret[n++] = stack->frames[i].function;
	return n;
}

/* Is it the interpreter itself that waits, or takes the lock, not a C extension of others? */
static bool is_own(const struct python *py, const struct named_stack *stack)
{
	for (size_t i = 0; i < stack->n_frames && !frame__is_python(&stack->frames[i]); i++) {
		const char *module = stack->frames[i].module;

		if (!module || (module != py->found.path && !callers__is_runtime(module) &&
				!strstr(module, "/lib-dynload/_multiprocessing.")))
			return false;
	}
	return true;
}

/*
 * The lock itself, where its waiters sleep on words of their own: from 3.13 on they park on a
 * semaphore on their stack, and the address of what they wait for stands right before it.
 */
static uint64_t parked_for(const struct python *py, uint64_t word, const uint8_t *before,
			   bool on_stack)
{
	uint64_t lock;

	if (!on_stack || !before || py->found.layout.minor < 13)
		return word;
	memcpy(&lock, before + WORDS_BEFORE - sizeof(lock), sizeof(lock));
	return lock;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	return (hash ^ value) * 0x100000001b3ULL;
}

/* The innermost frames decide: the construct's, and those of who uses it. */
static uint64_t place_of(const struct python_chain *chain, uint64_t word, uint64_t lock)
{
	uint64_t hash = mix(mix(0xcbf29ce484222325ULL, word), lock);

	for (size_t i = 0; i < chain->n && i < SEEN_FRAMES; i++) {
		hash = mix(hash, chain->frames[i].code);
		hash = mix(hash, chain->frames[i].instruction);
		hash = mix(hash, chain->frames[i].slots[0]);
	}
	return hash;
}

static struct seen_lock *find_seen(struct python *py, uint64_t place, uint64_t now_ns)
{
	struct seen_lock *s, *next;

	HASH_FIND(hh, py->seen, &place, sizeof(place), s);
	if (s && now_ns - s->since_ns < SEEN_NS)
		return s;
	if (s)
		drop_seen(py, s);
	HASH_ITER (hh, py->seen, s, next) { /* in the order that they came in */
		if (now_ns - s->since_ns < SEEN_NS && HASH_COUNT(py->seen) < SEEN_MAX)
			break;
		drop_seen(py, s);
	}
	s = xcalloc(1, sizeof(*s));
	s->place = place;
	HASH_ADD(hh, py->seen, place, sizeof(s->place), s);
	return s;
}

/*
 * A search takes a third of a millisecond: lines that make objects all the time get no more than
 * this, and those go by the line.
 */
static bool may_search(struct pythons *p, const struct python_chain *chain, uint64_t now_ns)
{
	uint64_t line = 0xcbf29ce484222325ULL;
	struct searched *slot;

	for (size_t i = 0; i < chain->n && i < SEEN_FRAMES; i++)
		line = mix(mix(line, chain->frames[i].code), chain->frames[i].instruction);
	if (now_ns - p->window_ns >= NSEC_PER_SEC) {
		memset(p->searched, 0, sizeof(p->searched));
		p->window_ns = now_ns;
		p->searches = 0;
	}
	slot = &p->searched[(line ^ line >> 32) % ARRAY_SIZE(p->searched)];
	if (slot->line != line)
		*slot = (struct searched){ .line = line };
	return slot->n++ < SEARCHES_LINE && p->searches++ < SEARCHES_SECOND;
}

/* Returns whether the name was looked for: of an object, whichever lock of it is waited for. */
static bool find_name(struct pythons *p, struct python *py, const struct python_chain *chain,
		      uint64_t lock, uint64_t now_ns, struct python_lock_seen *ret)
{
	uint64_t object = ret->wait.object ? ret->wait.object : lock;
	struct seen_lock *s = find_seen(py, place_of(chain, object, UINT64_MAX), now_ns);
	bool known = false;

	if (!s->since_ns) {
		if (!may_search(p, chain, now_ns))
			return false;
		s->since_ns = now_ns;
		s->seen.name = python_names__find(&py->target, py->codes, p->names, chain,
						  &ret->wait, lock, &known, &s->seen.rlock);
		s->seen.rlock &= known;
	}
	ret->name = s->seen.name;
	ret->rlock = s->seen.rlock;
	return true;
}

bool pythons__see(struct pythons *p, struct python *py, const struct python_chain *chain,
		  const struct named_stack *stack, uint64_t word, const uint8_t *before,
		  bool on_stack, struct python_lock_seen *ret)
{
	const char *native[PYTHON_NATIVE_MAX];
	size_t n_native = native_functions(stack, native, PYTHON_NATIVE_MAX);
	uint64_t lock = parked_for(py, word, before, on_stack), now = util__monotonic_ns(), place;
	struct seen_lock *s;

	if (!is_own(py, stack) && !python_kinds__is_wait(native, n_native))
		return false;
	place = place_of(chain, word, lock);
	s = find_seen(py, place, now);
	if (!s->since_ns) {
		struct python_lock_seen seen = {
			.wait = python_kinds__judge(&py->target, chain, native, n_native, lock)
		};
		bool looked = find_name(p, py, chain, lock, now, &seen);

		s = find_seen(py, place, now);
		s->seen = seen;
		s->since_ns = looked ? now : 0;
		if (s->seen.wait.kind == KIND_PY_LOCK && s->seen.rlock)
			s->seen.wait.kind = KIND_PY_RLOCK;
		if (!s->seen.wait.object && lock != word)
			s->seen.wait.object = lock;
	}
	*ret = s->seen;
	return true;
}
