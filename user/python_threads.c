// SPDX-License-Identifier: GPL-2.0-only
#include "python_threads.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

#define INTERPRETERS_MAX 256
#define TRIES		 3
#define TID_MAX		 (1 << 22) /* PID_MAX_LIMIT of 64-bit kernels */

/*
 * struct pthread on x86_64: its own address stands at 16 in glibc's, where the number is at 720
 * (measured on 2.31 to 2.36); in musl's at 0, between two neighbours at 16 and 24, each itself if
 * there is no other thread, and the number is at 48 (1.2.3).
 */
#define DESCRIPTOR_SELF	    2 /* in words */
#define DESCRIPTOR_NEXT	    3
#define GLIBC_THREAD_NUMBER 720
#define MUSL_THREAD_NUMBER  48

struct list {
	struct python_thread *threads;
	size_t n, capacity;
};

static int interpreters(struct python_target *t, uint64_t *ret, size_t max)
{
	uint64_t at;
	size_t n = 0;

	if (python__read(t, t->runtime + t->layout->runtime.interpreters_head, &at, sizeof(at)))
		return -EFAULT;
	while (at && n < max) {
		for (size_t i = 0; i < n; i++)
			if (ret[i] == at)
				return (int)n;
		ret[n++] = at;
		at = python__pointer(t, at + t->layout->interpreter.next);
	}
	return (int)n;
}

/* The thread's number by its C library, which every thread of a process shares. */
static pid_t number_of(struct python_target *t, uint64_t descriptor)
{
	uint64_t words[4];
	int32_t number;
	bool glibc;

	if (python__read(t, descriptor, words, sizeof(words)))
		return 0;
	glibc = words[DESCRIPTOR_SELF] == descriptor && words[DESCRIPTOR_NEXT] != descriptor;
	if (python__int32(t, descriptor + (glibc ? GLIBC_THREAD_NUMBER : MUSL_THREAD_NUMBER),
			  &number) ||
	    number < 0 || number > TID_MAX)
		return 0;
	return number;
}

/* One thread's state. 0; -EAGAIN: it is none of this interpreter's (any more). */
static int read_thread(struct python_target *t, struct python_thread *thread, uint64_t *next)
{
	const struct python_layout *l = t->layout;
	uint64_t interpreter, number = 0;
	struct python_range ranges[] = {
		{ .address = thread->state + l->thread.next, .bytes = next, .size = 8 },
		{ .address = thread->state + l->thread.interpreter, &interpreter, .size = 8 },
		{ .address = thread->state + l->thread.thread_id, &thread->ident, .size = 8 },
		{ .address = thread->state + l->thread.native_thread_id, &number, .size = 8 },
	};
	bool native = l->thread.native_thread_id != PYTHON_ABSENT;

	t->read(t, ranges, native ? 4 : 3);
	for (int i = 0; i < (native ? 4 : 3); i++)
		if (!ranges[i].got)
			return -EAGAIN;
	if (interpreter != thread->interpreter)
		return -EAGAIN;
	if (native)
		thread->tid = number <= TID_MAX ? (pid_t)number : 0;
	else
		thread->tid = thread->ident ? number_of(t, thread->ident) : 0;
	return 0;
}

/* Adds an interpreter's threads. A state may be freed while the list is followed. */
static int add_threads(struct python_target *t, uint64_t interpreter, struct list *list)
{
	uint64_t at = python__pointer(t, interpreter + t->layout->interpreter.threads_head);

	while (at && list->n < PYTHON_THREADS_MAX) {
		struct python_thread thread = { .state = at, .interpreter = interpreter };

		if (read_thread(t, &thread, &at))
			return -EAGAIN;
		array__grow(list->threads, list->n, list->capacity);
		list->threads[list->n++] = thread;
	}
	return 0;
}

static int by_state(const void *a, const void *b)
{
	const struct python_thread *x = a, *y = b;

	return x->state < y->state ? -1 : x->state > y->state;
}

/* A list that comes to its end goes through no state twice; one that is cut may be a ring. */
static void drop_repeated(struct list *list)
{
	size_t n = 0;

	if (list->n < PYTHON_THREADS_MAX)
		return;
	qsort(list->threads, list->n, sizeof(*list->threads), by_state);
	for (size_t i = 0; i < list->n; i++)
		if (!n || list->threads[n - 1].state != list->threads[i].state)
			list->threads[n++] = list->threads[i];
	list->n = n;
}

int python_threads__list(struct python_target *t, struct python_thread **ret)
{
	uint64_t found[INTERPRETERS_MAX];
	struct list list = { 0 };
	int n, err = -EAGAIN;

	for (int try = 0; try < TRIES && err; try++) {
		n = interpreters(t, found, INTERPRETERS_MAX);
		if (n < 0) {
			free(list.threads);
			return n;
		}
		list.n = 0;
		err = 0;
		for (int i = 0; i < n; i++) {
			/* What one interpreter's list lost does not hide the others'. */
			if (add_threads(t, found[i], &list))
				err = -EAGAIN;
		}
	}
	drop_repeated(&list);
	*ret = list.threads;
	return (int)list.n;
}

/* ---- what threading.py knows ---- */

static int by_ident(const void *a, const void *b)
{
	const struct python_thread *x = *(const struct python_thread *const *)a;
	const struct python_thread *y = *(const struct python_thread *const *)b;

	return x->ident < y->ident ? -1 : x->ident > y->ident;
}

/* A Thread's attributes as they are met: the same str objects name them in all Threads, and there
 * is one True and one False. */
struct attributes {
	uint64_t name_key, daemon_key, bools[2]; /* known so far */
	uint64_t name, daemon;			 /* of this Thread */
};

static int take_attribute(void *ctx, struct python_target *t, uint64_t key, uint64_t value)
{
	struct attributes *a = ctx;
	char text[16];

	if ((!a->name_key || !a->daemon_key) && !python__string(t, key, text, sizeof(text))) {
		if (!strcmp(text, "_name"))
			a->name_key = key;
		else if (!strcmp(text, "_daemonic"))
			a->daemon_key = key;
	}
	if (key == a->name_key)
		a->name = value;
	else if (key == a->daemon_key)
		a->daemon = value;
	return a->name && a->daemon;
}

static int is_true(struct python_target *t, struct attributes *a)
{
	char type[8];
	int64_t value;

	for (int i = 0; i < 2; i++)
		if (a->bools[i] == a->daemon)
			return i;
	if (python__type_name(t, a->daemon, type, sizeof(type)) || strcmp(type, "bool") ||
	    python__integer(t, a->daemon, &value))
		return -1;
	a->bools[value == 1] = a->daemon;
	return value == 1;
}

static void describe(struct python_target *t, struct attributes *a, uint64_t object,
		     struct python_thread_info *info)
{
	a->name = a->daemon = 0;
	python__attributes_each(t, object, take_attribute, a);
	if (!a->name)
		a->name = python__attribute(t, object, "_name");
	if (!a->daemon)
		a->daemon = python__attribute(t, object, "_daemonic");
	if (python__string(t, a->name, info->name, sizeof(info->name)))
		info->name[0] = 0;
	info->daemon = a->daemon ? is_true(t, a) : -1;
}

struct describing {
	const struct python_thread **sorted; /* by ident */
	const struct python_thread *first;
	size_t n;
	uint64_t interpreter;
	struct attributes attributes;
	struct python_thread_info *infos;
};

/* One thread that threading knows: its ident, its Thread. */
static int describe_active(void *ctx, struct python_target *t, uint64_t key, uint64_t value)
{
	struct describing *d = ctx;
	size_t low = 0, high = d->n;
	int64_t ident;

	if (python__integer(t, key, &ident))
		return 0;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (d->sorted[middle]->ident < (uint64_t)ident)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < d->n && d->sorted[low]->ident == (uint64_t)ident; low++)
		if (d->sorted[low]->interpreter == d->interpreter)
			describe(t, &d->attributes, value, &d->infos[d->sorted[low] - d->first]);
	return 0;
}

int python_threads__describe(struct python_target *t, const struct python_thread *threads, size_t n,
			     struct python_thread_info *infos)
{
	uint64_t found[INTERPRETERS_MAX];
	struct describing d = { .first = threads, .n = n, .infos = infos };
	int n_found = interpreters(t, found, INTERPRETERS_MAX);

	if (n_found < 0)
		return n_found;
	d.sorted = xcalloc(n ? n : 1, sizeof(*d.sorted));
	for (size_t i = 0; i < n; i++) {
		infos[i] = (struct python_thread_info){ .daemon = -1 };
		d.sorted[i] = &threads[i];
	}
	qsort(d.sorted, n, sizeof(*d.sorted), by_ident);
	for (int i = 0; i < n_found; i++) {
		uint64_t modules = python__pointer(t, found[i] + t->layout->interpreter.modules);
		uint64_t threading = python__dict_value(t, modules, "threading");
		uint64_t active = threading ? python__attribute(t, threading, "_active") : 0;

		d.interpreter = found[i];
		d.attributes = (struct attributes){ 0 }; /* each interpreter has its own */
		if (active)
			python__dict_each(t, active, describe_active, &d);
	}
	free(d.sorted);
	return 0;
}

/* ---- GILs ---- */

static int read_gil(struct python_target *t, struct python_gil *ret)
{
	const struct python_layout *l = t->layout;
	struct python_gil gil = *ret;
	int32_t locked;
	struct python_range ranges[] = {
		{ .address = gil.address + l->gil.last_holder, &gil.last_holder, .size = 8 },
		{ .address = gil.address + l->gil.locked, &locked, .size = sizeof(locked) },
		{ .address = gil.address + l->gil.switches, &gil.switches, .size = 8 },
	};

	t->read(t, ranges, ARRAY_SIZE(ranges));
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (!ranges[i].got)
			return -EFAULT;
	gil.locked = locked == 1;
	gil.holder = gil.locked ? gil.last_holder : 0;
	*ret = gil;
	return 0;
}

int python_threads__gils(struct python_target *t, struct python_gil *gils, size_t max)
{
	const struct python_layout *l = t->layout;
	uint64_t found[INTERPRETERS_MAX];
	int n_found = interpreters(t, found, INTERPRETERS_MAX);
	size_t n = 0;

	if (n_found < 0 || l->free_threaded)
		return MIN(n_found, 0);
	for (int i = 0; i < n_found && n < max; i++) {
		struct python_gil gil = { .interpreter = found[i] };
		bool seen = false;

		gil.address = l->runtime.gil != PYTHON_ABSENT
				      ? t->runtime + l->runtime.gil
				      : python__pointer(t, found[i] + l->interpreter.gil);
		for (size_t k = 0; k < n; k++)
			seen = seen || gils[k].address == gil.address;
		if (!seen && gil.address && !read_gil(t, &gil))
			gils[n++] = gil;
	}
	return (int)n;
}
