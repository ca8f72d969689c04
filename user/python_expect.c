// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interpreters that are there before their first wait: a command that was just started, processes
 * that run already. Found early, they have Python frames from their first wait on.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime_python_internal.h"
#include "util.h"

#define EXPECT_NS (5 * NSEC_PER_SEC) /* one that has not come up by then is found by its waits */
#define LOOK_NS	  (5 * 1000000ULL)   /* between looks at them: a program starts in 15 ms */
#define SLOW_NS	  (100 * 1000000ULL) /* the same of what is no interpreter, or not yet */

/* Does it run a program that is called python...? An exec may come yet. */
static bool is_called_python(pid_t pid)
{
	char path[64], exe[PATH_MAX];
	const char *base;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, exe, sizeof(exe) - 1);
	if (n <= 0)
		return false;
	exe[n] = 0;
	base = strrchr(exe, '/');
	return base && !strncmp(base + 1, "python", strlen("python"));
}

void pythons__expect(struct pythons *p, pid_t pid, uint64_t now_ns)
{
	struct expected *e = p->expected;

	array__grow(e, p->n_expected, p->expected_capacity);
	p->expected = e;
	p->expected[p->n_expected++] =
		(struct expected){ .pid = pid, .until_ns = now_ns + EXPECT_NS };
}

struct expect_walk {
	struct pythons *pythons;
	uint64_t now_ns;
};

static int expect_each(pid_t pid, void *ctx)
{
	struct expect_walk *w = ctx;

	if (is_called_python(pid))
		pythons__expect(w->pythons, pid, w->now_ns);
	return 0;
}

void pythons__expect_all(struct pythons *p, uint64_t now_ns)
{
	struct expect_walk w = { p, now_ns };

	proc__each(p->proc, expect_each, &w);
}

/* Which process in time it is, the kernel must say: an exec makes it another. */
static bool key_of(struct pythons *p, pid_t pid, struct process_key *ret)
{
	const struct thread_look *looks;
	uint64_t wanted = pid;
	size_t n;

	if (!p->source->ops->threads || p->source->ops->threads(p->source, &wanted, 1, &looks, &n))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (looks[i].tid != (uint32_t)pid)
			continue;
		*ret = (struct process_key){ .tgid = looks[i].tgid, .gen = looks[i].gen };
		return true;
	}
	return false;
}

/* Returns whether nothing more is to be expected of it. */
static bool look(struct pythons *p, struct processes *processes, struct expected *e,
		 uint64_t now_ns)
{
	struct process_entry *entry;
	const struct maps *maps;
	struct process_key key;
	struct python *py;

	e->look_ns = now_ns + SLOW_NS;
	if (!is_called_python(e->pid))
		return now_ns >= e->until_ns;
	e->look_ns = now_ns + LOOK_NS;
	if (!key_of(p, e->pid, &key))
		return now_ns >= e->until_ns;
	entry = processes__get(processes, &key, NULL, now_ns);
	if (!entry->in_scope || entry->ended)
		return now_ns >= e->until_ns;
	py = pythons__any(p, &key);
	if (!py || !py->found.runtime)
		entry->maps_ns = 0; /* files are mapped as it starts */
	maps = processes__maps(processes, entry, 0, false, now_ns);
	py = maps ? pythons__of(p, entry, maps, now_ns) : NULL;
	if (py && !py->n_gils && !py->found.layout.free_threaded)
		python_scan__gils(p, py); /* made somewhat later than all else */
	return (py && (py->n_gils || py->found.layout.free_threaded)) || now_ns >= e->until_ns;
}

uint64_t pythons__tick(struct pythons *p, struct processes *processes, uint64_t now_ns)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < p->n_expected;) {
		struct expected *e = &p->expected[i];

		if (now_ns >= e->look_ns && look(p, processes, e, now_ns)) {
			*e = p->expected[--p->n_expected];
			continue;
		}
		next = MIN(next, e->look_ns > now_ns ? e->look_ns - now_ns : 0);
		i++;
	}
	return next;
}
