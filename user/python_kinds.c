// SPDX-License-Identifier: GPL-2.0-only
#include "python_kinds.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "python_locks.h"
#include "python_names.h"
#include "util.h"

#define MODULE_MAX 64
#define ROW_FRAMES 8
#define STACK_SCAN 40 /* slots of a frame: local variables and the value stack, mostly */
#define LOCK_DEPTH 4

/*
 * What stands between a program and its wait: modules of the standard library, fnmatch(3).
 * What is not here is a program's own, be it in the standard library or not.
 */
static const char *const library_modules[] = {
	"threading",
	"_threading_local",
	"queue",
	"importlib._bootstrap*",
	"importlib",
	"concurrent.futures.*",
	"contextlib",
	"logging",
	"logging.handlers",
	"multiprocessing.synchronize",
	"functools",
	"multiprocessing.queues",
	"multiprocessing.pool",
};

#define CONTENTION CLASS_CONTENTION
#define IDLE	   CLASS_IDLE

/*
 * Frames from the innermost one on, module.function; a longer row before what it begins with.
 * Versions differ in Thread.join alone: up to 3.12 it waits for a Lock, later in C. (With
 * 3.8.18, 3.9.18, 3.10.13, 3.11.7, 3.12.1 and 3.13.0.)
 */
static const struct row {
	const char *frames;
	enum lock_kind kind;
	enum lock_class class;
	int object; /* the frame whose first variable is the object, self; -1: the word is it */
	const char *attribute, *detail;
} rows[] = {
	{ "threading.wait threading.wait", KIND_PY_EVENT, IDLE, 1, "_cond", NULL },
	{ "threading.wait threading.wait_for threading._wait threading.wait", KIND_PY_BARRIER, IDLE,
	  3, "_cond", NULL },
	{ "threading.wait threading._enter threading.wait", KIND_PY_BARRIER, IDLE, 2, "_cond",
	  "drain" },
	{ "threading.wait threading.acquire queue.get", KIND_PY_QUEUE, IDLE, 2, "_count", "get" },
	{ "threading.wait threading.acquire", KIND_PY_SEMAPHORE, CONTENTION, 1, "_cond", NULL },
	{ "threading.wait queue.get", KIND_PY_QUEUE, IDLE, 1, "not_empty", "get" },
	{ "threading.wait queue.put", KIND_PY_QUEUE, CONTENTION, 1, "not_full", "put" },
	{ "threading.wait queue.join", KIND_PY_QUEUE, IDLE, 1, "all_tasks_done", "join" },
	{ "threading.wait", KIND_PY_CONDITION, IDLE, 0, "_lock", NULL },
	{ "threading._wait_for_tstate_lock threading.join", KIND_JOIN, IDLE, 1, "_tstate_lock",
	  NULL },
	{ "threading.join", KIND_JOIN, IDLE, 0, "_handle", NULL },
	{ "threading._shutdown", KIND_JOIN, IDLE, -1, NULL, "exit" },
	{ "importlib._bootstrap.acquire", KIND_PY_LOCK, CONTENTION, 0, "wakeup", "import" },
	{ "importlib._bootstrap.release", KIND_PY_LOCK, CONTENTION, 0, "wakeup", "import" },
	{ "importlib._bootstrap._get_module_lock", KIND_PY_LOCK, CONTENTION, -1, NULL, "import" },
	{ "importlib._bootstrap.__enter__", KIND_PY_LOCK, CONTENTION, -1, NULL, "import" },
	/* multiprocessing's condition waits for a semaphore of its own, others for their SemLock */
	{ "multiprocessing.synchronize.wait multiprocessing.synchronize.wait", KIND_PY_EVENT, IDLE,
	  1, "_cond", NULL },
	{ "multiprocessing.synchronize.wait multiprocessing.queues.join", KIND_PY_QUEUE, IDLE, 1,
	  "_cond", "join" },
	{ "multiprocessing.synchronize.wait multiprocessing.synchronize.wait_for threading._wait "
	  "threading.wait",
	  KIND_PY_BARRIER, IDLE, 3, "_cond", NULL },
	{ "multiprocessing.synchronize.wait", KIND_PY_CONDITION, IDLE, 0, "_wait_semaphore", NULL },
	{ "multiprocessing.queues.put", KIND_PY_QUEUE, CONTENTION, 0, "_sem", "put" },
};

/* C functions, by the beginning of their name. In order: what says more comes first. */
static const struct native_row {
	const char *prefix;
	enum lock_kind kind;
	enum lock_class class;
	const char *detail;
} native_rows[] = {
	{ "_queue_SimpleQueue_get", KIND_PY_QUEUE, IDLE, "get" },
	{ "simplequeue_get", KIND_PY_QUEUE, IDLE, "get" },
	{ "rlock_acquire", KIND_PY_RLOCK, CONTENTION, NULL },
	{ "_thread_RLock_acquire", KIND_PY_RLOCK, CONTENTION, NULL },
	{ "thread_PyThread_shutdown", KIND_JOIN, IDLE, "exit" },
	{ "thread_shutdown", KIND_JOIN, IDLE, "exit" },
	{ "ThreadHandle_join", KIND_JOIN, IDLE, NULL },
	{ "_imp_acquire_lock", KIND_PY_LOCK, CONTENTION, "import" },
	{ "_PyImport_AcquireLock", KIND_PY_LOCK, CONTENTION, "import" },
	{ "_multiprocessing_SemLock_acquire", KIND_PY_SEMAPHORE, CONTENTION, NULL },
	{ "semlock_acquire", KIND_PY_SEMAPHORE, CONTENTION, NULL },
	{ "lock_PyThread_acquire", KIND_PY_LOCK, CONTENTION, NULL },
	{ "lock_acquire", KIND_PY_LOCK, CONTENTION, NULL },
	{ "PyThread_acquire_lock", KIND_PY_LOCK, CONTENTION, NULL },
	{ "_PyMutex_Lock", KIND_PY_LOCK, CONTENTION, NULL },
	{ "PyMutex_Lock", KIND_PY_LOCK, CONTENTION, NULL },
	{ "_PySemaphore_", KIND_PY_LOCK, CONTENTION, NULL },
	{ "_PyParkingLot_", KIND_PY_LOCK, CONTENTION, NULL },
};

static const struct type_row {
	enum lock_kind kind;
	enum lock_class class;
	const char *detail;
} type_rows[] = {
	[PYTHON_LOCK] = { KIND_PY_LOCK, CONTENTION, NULL },
	[PYTHON_RLOCK] = { KIND_PY_RLOCK, CONTENTION, NULL },
	[PYTHON_MUTEX] = { KIND_PY_LOCK, CONTENTION, NULL },
	[PYTHON_SEMAPHORE] = { KIND_PY_SEMAPHORE, CONTENTION, NULL },
	[PYTHON_SIMPLE_QUEUE] = { KIND_PY_QUEUE, IDLE, "get" },
};

/*
 * Where the standard library's files are: .../python3.N/, a zip of it, Lib/ of its sources; or
 * bare, in programs that were frozen. NULL: elsewhere.
 */
static const char *in_library(const char *file)
{
	const char *last = NULL;

	for (const char *p = strchr(file, '/'); p; p = strchr(p + 1, '/')) {
		const char *dir = p;

		while (dir > file && dir[-1] != '/')
			dir--;
		if (!strncmp(dir, "Lib/", 4) || !strncmp(dir, "python3", 7))
			last = p + 1;
	}
	return last ? last : strchr(file, '/') ? NULL : file;
}

/* "/usr/lib/python3.11/concurrent/futures/thread.py" -> "concurrent.futures.thread". */
static bool module_of(const char *file, char *buf, size_t size)
{
	const char *path;
	size_t len;

	if (!file)
		return false;
	if (!strncmp(file, "<frozen ", 8)) {
		path = file + 8;
		len = strcspn(path, ">");
	} else {
		path = in_library(file);
		len = path ? strlen(path) : 0;
		if (len < 3 || strcmp(path + len - 3, ".py"))
			return false;
		len -= 3;
		if (len > 9 && !strncmp(path + len - 9, "/__init__", 9))
			len -= 9;
	}
	if (len == 0 || len >= size)
		return false;
	for (size_t i = 0; i < len; i++)
		buf[i] = path[i] == '/' ? '.' : path[i];
	buf[len] = 0;
	return true;
}

bool python_kinds__is_library(const char *file)
{
	char module[MODULE_MAX];

	if (!module_of(file, module, sizeof(module)))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(library_modules); i++)
		if (!fnmatch(library_modules[i], module, 0))
			return true;
	return false;
}

/* The frames of programs among a chain's, and the first few as rows name them. */
struct view {
	const struct python_chain *chain;
	int frames[PYTHON_FRAMES_MAX];
	size_t n;
	char first[ROW_FRAMES][2 * MODULE_MAX];
	size_t n_first;
};

static void view_init(struct view *v, const struct python_chain *chain)
{
	v->chain = chain;
	v->n = v->n_first = 0;
	for (size_t i = 0; i < chain->n; i++)
		if (!chain->frames[i].shim)
			v->frames[v->n++] = i;
	for (size_t i = 0; i < v->n && i < ROW_FRAMES; i++) {
		const struct python_frame *f = &chain->frames[v->frames[i]];
		char module[MODULE_MAX];

		if (!f->known || !f->name || !module_of(f->file, module, sizeof(module)))
			return;
		snprintf(v->first[i], sizeof(v->first[i]), "%s.%s", module, f->name);
		v->n_first = i + 1;
	}
}

/* How many frames a row names if the stack begins with them; 0: it does not. */
static size_t matches(const struct row *row, const struct view *v)
{
	const char *p = row->frames;
	size_t n = 0;

	while (*p) {
		size_t len = strcspn(p, " ");

		if (n == v->n_first || strlen(v->first[n]) != len || strncmp(v->first[n], p, len))
			return 0;
		n++;
		p += len;
		p += strspn(p, " ");
	}
	return n;
}

static const struct python_frame *frame_at(const struct view *v, size_t i)
{
	return &v->chain->frames[v->frames[i]];
}

/* self of a method; where an inner function uses it too, it stands in a cell. */
static uint64_t self_of(struct python_target *t, const struct view *v, size_t i)
{
	uint64_t self = frame_at(v, i)->slots[0];
	char name[8];

	if (self && python__type_name(t, self, name, sizeof(name)) == 0 && !strcmp(name, "cell"))
		self = python__pointer(t, self + t->layout->lock.lock);
	return self;
}

static int user_of(const struct view *v, size_t from)
{
	for (size_t i = from; i < v->n; i++)
		if (frame_at(v, i)->known && !python_kinds__is_library(frame_at(v, i)->file))
			return v->frames[i];
	return from < v->n ? v->frames[from] : -1; /* a thread of the library's own */
}

static void set_type(struct python_wait *w, enum python_lock_type type)
{
	w->kind = type_rows[type].kind;
	w->class = type_rows[type].class;
	w->detail = type_rows[type].detail;
}

/*
 * Methods that take a lock which the program has not called by itself: with a Condition, or back
 * when the wait for it is over; and the RLock that is written in Python.
 */
static const struct method_row {
	const char *frame, *attribute;
	bool reentrant;
} method_rows[] = {
	{ "threading.wait", "_lock", false },
	{ "threading.__enter__", "_lock", false },
	{ "threading._acquire_restore", "_lock", false },
	{ "threading._acquire_restore", "_block", true },
	{ "threading.acquire", "_block", true },
	{ "multiprocessing.synchronize.wait", "_lock", false },
	{ "multiprocessing.synchronize.__enter__", "_lock", false },
	{ "multiprocessing.synchronize.__enter__", "_semlock", false },
};

/* True if the word is that of the lock that the method takes. */
static bool takes_lock(struct python_target *t, const struct view *v, uint64_t word,
		       struct python_wait *w)
{
	for (size_t i = 0; i < ARRAY_SIZE(method_rows); i++) {
		const struct method_row *row = &method_rows[i];
		enum python_lock_type type;
		uint64_t lock, inner;

		if (!v->n_first || strcmp(v->first[0], row->frame))
			continue;
		lock = python__attribute(t, self_of(t, v, 0), row->attribute);
		type = lock ? python_locks__inner(t, lock, LOCK_DEPTH, &inner) : PYTHON_NO_LOCK;
		if (type == PYTHON_NO_LOCK || inner != word)
			continue;
		set_type(w, row->reentrant ? PYTHON_RLOCK : type);
		w->attribute = row->attribute;
		return true;
	}
	return false;
}

/* A Lock, an RLock or a SimpleQueue in the innermost frame: by the object itself. */
static bool by_object(struct python_target *t, const struct view *v, uint64_t word,
		      struct python_wait *w)
{
	const struct python_layout *l = t->layout;
	enum python_lock_type type;
	uint64_t object = 0, code, slots[STACK_SCAN];
	const struct python_frame *f;

	if (!v->n)
		return false;
	f = frame_at(v, 0);
	code = python__pointer(t, f->address + l->frame.code) & ~(uint64_t)l->frame.tag_bits;
	if (code == f->code &&
	    python__read(t, f->address + l->frame.slots, slots, sizeof(slots)) == 0) {
		for (size_t i = 0; i < STACK_SCAN; i++)
			slots[i] &= ~(uint64_t)l->frame.tag_bits;
		object = python_locks__among(t, slots, STACK_SCAN, word, &type);
	}
	if (!object) /* it has gone on, or another frame stands there */
		object = python_locks__among(t, f->slots, PYTHON_SLOTS, word, &type);
	if (!object)
		return false;
	set_type(w, type);
	w->object = type == PYTHON_SIMPLE_QUEUE ? object : 0;
	return true;
}

static const struct native_row *native_row(const char *const *native, size_t n)
{
	for (size_t r = 0; r < ARRAY_SIZE(native_rows); r++)
		for (size_t i = 0; i < n; i++)
			if (native[i] && !strncmp(native[i], native_rows[r].prefix,
						  strlen(native_rows[r].prefix)))
				return &native_rows[r];
	return NULL;
}

static void by_native(const char *const *native, size_t n, struct python_wait *w)
{
	const struct native_row *row = native_row(native, n);

	if (!row)
		return;
	w->kind = row->kind;
	w->class = row->class;
	w->detail = row->detail;
}

bool python_kinds__is_wait(const char *const *native, size_t n)
{
	return native_row(native, n);
}

struct python_wait python_kinds__judge(struct python_target *t, const struct python_chain *chain,
				       const char *const *native, size_t n_native, uint64_t word)
{
	struct python_wait w = { .kind = KIND_PY_LOCK, .class = CLASS_CONTENTION, .user = -1 };
	struct view v;

	view_init(&v, chain);
	for (size_t r = 0; r < ARRAY_SIZE(rows); r++) {
		const struct row *row = &rows[r];
		size_t n = matches(row, &v);

		if (!n)
			continue;
		w.user = user_of(&v, n);
		if (takes_lock(t, &v, word, &w))
			return w;
		w.kind = row->kind;
		w.class = row->class;
		w.attribute = row->attribute;
		w.detail = row->detail;
		if (row->object >= 0)
			w.object = self_of(t, &v, row->object);
		return w;
	}
	w.user = user_of(&v, 0);
	if (!takes_lock(t, &v, word, &w) && !by_object(t, &v, word, &w))
		by_native(native, n_native, &w);
	return w;
}
