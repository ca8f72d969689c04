// SPDX-License-Identifier: GPL-2.0-only
/* Threads, GILs and holders of an interpreter, read at most once a look. */
#include <stdlib.h>
#include <string.h>

#include "runtime_python_internal.h"
#include "util.h"

#define THREADS_NS \
	(50 * 1000000ULL)     /* the list of threads is that old at most, where one is missing */
#define GILS_NS	 NSEC_PER_SEC /* interpreters come and go slowly */
#define INFOS_NS (2 * NSEC_PER_SEC) /* so do names of threads */

/* A condition variable's two words: of glibc, and of glibc since 2.41. */
static const int condition_words[] = { 40, 32 };

#define CONDITION_BYTES 48
#define MUTEX_BYTES	40

void python_scan__done(struct python *py)
{
	free(py->threads);
	free(py->locks);
	free(py->infos);
	free(py->info_states);
}

/* ---- GILs ---- */

static void watch_gil(struct pythons *p, struct python *py, const struct python_gil *gil)
{
	const struct python_layout *l = py->target.layout;
	struct gil_word word = { .last_holder = gil->address + l->gil.last_holder };

	for (size_t i = 0; i < ARRAY_SIZE(condition_words); i++) {
		struct gil_key key = {
			.tgid = py->key.tgid,
			.gen = py->key.gen,
			.addr = (gil->address + l->gil.condition + condition_words[i]) & ~7ULL
		};
		bool known = false;

		for (size_t j = 0; j < py->n_gil_keys && !known; j++)
			known = py->gil_keys[j].addr == key.addr;
		if (known || py->n_gil_keys >= ARRAY_SIZE(py->gil_keys))
			continue;
		py->gil_keys[py->n_gil_keys++] = key;
		if (p->source->ops->gil)
			p->source->ops->gil(p->source, &key, &word);
	}
}

void python_scan__gils(struct pythons *p, struct python *py)
{
	int n = python_threads__gils(&py->target, py->gils, PYTHON_GILS_MAX);

	if (n < 0)
		return; /* what was known stands */
	py->n_gils = n;
	for (size_t i = 0; i < py->n_gils; i++)
		watch_gil(p, py, &py->gils[i]);
}

/* Once a look. */
static void refresh_gils(struct pythons *p, struct python *py)
{
	if (py->gils_ns && py->gils_ns >= p->look_ns)
		return;
	py->gils_ns = util__monotonic_ns();
	python_scan__gils(p, py);
}

enum python_gil_part python__gil_part(const struct python *py, uint64_t address, uint64_t *gil,
				      size_t *which)
{
	const struct python_layout *l = py->target.layout;

	for (size_t i = 0; i < py->n_gils; i++) {
		uint64_t at = address - py->gils[i].address;
		const struct {
			int from, bytes;
			enum python_gil_part part;
		} rows[] = {
			{ l->gil.condition, CONDITION_BYTES, GIL_CONDITION },
			{ l->gil.mutex, MUTEX_BYTES, GIL_MUTEX },
			{ l->gil.switch_condition, CONDITION_BYTES, GIL_SWITCH },
			{ l->gil.switch_mutex, MUTEX_BYTES, GIL_MUTEX },
		};

		for (size_t j = 0; j < ARRAY_SIZE(rows); j++) {
			if (rows[j].from < 0 || at < (uint64_t)rows[j].from ||
			    at - rows[j].from >= (uint64_t)rows[j].bytes)
				continue;
			*gil = py->gils[i].address;
			*which = py->n_gils - 1 - i; /* the newest interpreter comes first */
			return rows[j].part;
		}
	}
	return GIL_NONE;
}

static uint64_t *switches_before(struct python *py, uint64_t gil)
{
	for (size_t i = 0; i < py->n_before; i++)
		if (py->before[i].gil == gil)
			return &py->before[i].switches;
	return NULL;
}

bool pythons__switches(struct pythons *p, struct python *py, uint64_t gil, uint64_t *ret)
{
	const uint64_t *before = switches_before(py, gil);

	refresh_gils(p, py);
	for (size_t i = 0; i < py->n_gils; i++) {
		if (py->gils[i].address != gil || !before)
			continue;
		*ret = py->gils[i].switches - *before;
		return true;
	}
	return false;
}

void pythons__next_interval(struct pythons *p)
{
	struct python *py, *next;

	HASH_ITER (hh, p->by_key, py, next) {
		if (!py->ready)
			continue;
		refresh_gils(p, py);
		py->n_before = py->n_gils;
		for (size_t i = 0; i < py->n_gils; i++) {
			py->before[i].gil = py->gils[i].address;
			py->before[i].switches = py->gils[i].switches;
		}
	}
}

/* ---- threads ---- */

static int compare_tids(const void *a, const void *b)
{
	const struct python_thread *x = a, *y = b;

	return (x->tid > y->tid) - (x->tid < y->tid);
}

static void read_threads(struct python *py, uint64_t now_ns)
{
	struct python_thread *threads;
	int n = python_threads__list(&py->target, &threads);

	py->threads_ns = now_ns;
	if (n < 0)
		return;
	free(py->threads);
	py->threads = threads;
	py->n_threads = n;
	if (n)
		qsort(threads, n, sizeof(*threads), compare_tids);
}

/* The number of a thread in the process's own namespace. */
static pid_t inner_number(struct pythons *p, struct python *py, pid_t tid)
{
	pid_t inner;

	if (!py->nested_known) {
		py->nested_known = true;
		py->nested = !proc__inner_pid(p->proc, py->key.tgid, &inner) &&
			     inner != (pid_t)py->key.tgid;
	}
	if (!py->nested)
		return tid;
	return proc__inner_pid(p->proc, tid, &inner) ? 0 : inner;
}

const struct python_thread *python_scan__thread(struct pythons *p, struct python *py, pid_t tid)
{
	struct python_thread wanted = { .tid = inner_number(p, py, tid) }, *found = NULL;

	for (int tries = 0; tries < 2 && !found && wanted.tid; tries++) {
		uint64_t now = util__monotonic_ns();

		if (py->n_threads)
			found = bsearch(&wanted, py->threads, py->n_threads, sizeof(wanted),
					compare_tids);
		if (!found && now - py->threads_ns < THREADS_NS)
			break;
		if (!found)
			read_threads(py, now);
	}
	return found;
}

pid_t pythons__thread_of(struct pythons *p, struct python *py, uint64_t state)
{
	for (int tries = 0; tries < 2 && state; tries++) {
		uint64_t now = util__monotonic_ns();

		for (size_t i = 0; i < py->n_threads; i++)
			if (py->threads[i].state == state)
				return py->threads[i].tid;
		if (now - py->threads_ns < THREADS_NS)
			break;
		read_threads(py, now);
	}
	return 0;
}

/* ---- holders ---- */

void pythons__look(struct pythons *p, uint64_t now_ns)
{
	if (p)
		p->look_ns = util__monotonic_ns();
}

static int compare_words(const void *a, const void *b)
{
	const struct python_lock *x = a, *y = b;

	return (x->word > y->word) - (x->word < y->word);
}

static void refresh_locks(struct pythons *p, struct python *py)
{
	struct python_lock *locks;
	int n;

	if (py->locks_ns && py->locks_ns >= p->look_ns)
		return;
	py->locks_ns = util__monotonic_ns();
	free(py->locks);
	py->locks = NULL;
	py->n_locks = 0;
	read_threads(py, py->locks_ns);
	n = python_threads__locks(&py->target, py->codes, p->names, py->threads, py->n_threads,
				  &locks);
	if (n < 0)
		return;
	py->locks = locks;
	py->n_locks = n;
	if (n)
		qsort(locks, n, sizeof(*locks), compare_words);
}

pid_t pythons__owner(struct pythons *p, struct python *py, uint64_t word, bool *told)
{
	struct python_lock wanted = { .word = word }, *found;
	uint64_t gil;
	size_t which;

	*told = false;
	if (python__gil_part(py, word, &gil, &which) == GIL_CONDITION) {
		refresh_gils(p, py);
		*told = true;
		for (size_t i = 0; i < py->n_gils; i++)
			if (py->gils[i].address == gil)
				return pythons__thread_of(p, py, py->gils[i].holder);
		return 0;
	}
	refresh_locks(p, py);
	found = py->n_locks
			? bsearch(&wanted, py->locks, py->n_locks, sizeof(wanted), compare_words)
			: NULL;
	if (!found)
		return 0;
	*told = found->holder || found->rlock;
	return pythons__thread_of(p, py, found->holder);
}

int64_t pythons__recursion(struct pythons *p, struct python *py, uint64_t word)
{
	struct python_lock wanted = { .word = word }, *found;

	refresh_locks(p, py);
	found = py->n_locks
			? bsearch(&wanted, py->locks, py->n_locks, sizeof(wanted), compare_words)
			: NULL;
	return found && found->rlock && found->holder ? (int64_t)found->count : -1;
}

/* ---- names ---- */

static void read_infos(struct python *py)
{
	py->infos_ns = util__monotonic_ns();
	free(py->infos);
	free(py->info_states);
	py->infos = xcalloc(py->n_threads, sizeof(*py->infos));
	py->info_states = xcalloc(py->n_threads, sizeof(*py->info_states));
	py->n_infos = 0;
	if (!py->n_threads ||
	    python_threads__describe(&py->target, py->threads, py->n_threads, py->infos))
		return;
	py->n_infos = py->n_threads;
	for (size_t i = 0; i < py->n_threads; i++)
		py->info_states[i] = py->threads[i].state;
}

static const struct python_thread_info *find_info(const struct python *py, uint64_t state)
{
	for (size_t i = 0; i < py->n_infos; i++)
		if (py->info_states[i] == state)
			return &py->infos[i];
	return NULL;
}

/* A thread that is not among them is new. */
static const struct python_thread_info *info_of(struct python *py, uint64_t state)
{
	const struct python_thread_info *info = find_info(py, state);
	uint64_t age = util__monotonic_ns() - py->infos_ns;

	if (info ? age < INFOS_NS : py->infos_ns && age < THREADS_NS)
		return info;
	read_infos(py);
	return find_info(py, state);
}

bool pythons__thread(struct pythons *p, struct python *py, pid_t tid,
		     struct python_thread_seen *ret)
{
	const struct python_thread *t = python_scan__thread(p, py, tid);
	const struct python_thread_info *info;
	uint64_t state;

	if (!t)
		return false;
	*ret = (struct python_thread_seen){ .daemon = -1 };
	state = t->state;
	info = info_of(py, state);
	if (info) {
		ret->name = info->name[0] ? names__intern(p->names, info->name) : NULL;
		ret->daemon = info->daemon;
	}
	if (py->found.layout.free_threaded)
		return true;
	refresh_gils(p, py);
	for (size_t i = 0; i < py->n_gils; i++) {
		if (ret->gil == GIL_UNKNOWN)
			ret->gil = GIL_HAS_NOT;
		if (py->gils[i].holder == state)
			ret->gil = GIL_HAS;
	}
	return true;
}
