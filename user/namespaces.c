// SPDX-License-Identifier: GPL-2.0-only
#include "namespaces.h"

#include <stdlib.h>
#include <uthash.h>

#include "util.h"

/* How long an answer holds. Numbers are used again only after all others were. */
#define FOUND_NS    (2 * NSEC_PER_SEC)
#define MISSING_NS  (NSEC_PER_SEC / 2)
#define ANSWERS_MAX 4096

struct question {
	uint32_t tgid, gen, number, shared;
};

struct answer {
	struct question question;
	pid_t tid;
	uint64_t until_ns;
	UT_hash_handle hh;
};

/* Which namespace a process lives in. */
struct home {
	struct process_key key;
	uint64_t inode; /* 0: not known */
	UT_hash_handle hh;
};

struct namespaces {
	struct proc *proc;
	uint64_t own; /* inode of this program's; 0: not known */
	struct home *homes;
	struct answer *answers;
};

struct namespaces *namespaces__new(struct proc *proc)
{
	struct namespaces *n = xcalloc(1, sizeof(*n));

	n->proc = proc;
	proc__pid_namespace(proc, 0, &n->own);
	return n;
}

static void forget_answers(struct namespaces *n)
{
	struct answer *a, *next;

	HASH_ITER (hh, n->answers, a, next) {
		HASH_DELETE(hh, n->answers, a);
		free(a);
	}
}

static void forget_homes(struct namespaces *n)
{
	struct home *h, *next;

	HASH_ITER (hh, n->homes, h, next) {
		HASH_DELETE(hh, n->homes, h);
		free(h);
	}
}

void namespaces__free(struct namespaces *n)
{
	if (!n)
		return;
	forget_answers(n);
	forget_homes(n);
	free(n);
}

static uint64_t home_of(struct namespaces *n, const struct process_key *key)
{
	struct home *h;

	HASH_FIND(hh, n->homes, key, sizeof(*key), h);
	if (h)
		return h->inode;
	if (HASH_COUNT(n->homes) >= ANSWERS_MAX)
		forget_homes(n);
	h = xcalloc(1, sizeof(*h));
	h->key = *key;
	proc__pid_namespace(n->proc, key->tgid, &h->inode);
	HASH_ADD(hh, n->homes, key, sizeof(h->key), h);
	return h->inode;
}

struct search {
	struct namespaces *n;
	uint64_t home;
	pid_t number, found;
};

static int try_thread(pid_t tid, void *ctx)
{
	struct search *search = ctx;
	pid_t inner;

	if (proc__inner_pid(search->n->proc, tid, &inner) || inner != search->number)
		return 0;
	search->found = tid;
	return 1;
}

static int try_process(pid_t pid, void *ctx)
{
	struct search *search = ctx;
	uint64_t inode;

	if (proc__pid_namespace(search->n->proc, pid, &inode) || inode != search->home)
		return 0;
	return proc__each_thread(search->n->proc, pid, try_thread, search) == 1;
}

static pid_t look_up(struct namespaces *n, const struct question *q, uint64_t home)
{
	struct search search = { .n = n, .home = home, .number = q->number };

	proc__each_thread(n->proc, q->tgid, try_thread, &search);
	if (!search.found && q->shared)
		proc__each(n->proc, try_process, &search);
	return search.found;
}

pid_t namespaces__thread(struct namespaces *n, const struct process_entry *e, uint32_t number,
			 bool shared, uint64_t now_ns)
{
	struct question q = { e->key.tgid, e->key.gen, number, shared };
	uint64_t home = home_of(n, &e->key);
	struct answer *a;

	if (!home || home == n->own)
		return number;
	HASH_FIND(hh, n->answers, &q, sizeof(q), a);
	if (a && now_ns < a->until_ns)
		return a->tid;
	if (!a) {
		if (HASH_COUNT(n->answers) >= ANSWERS_MAX)
			forget_answers(n);
		a = xcalloc(1, sizeof(*a));
		a->question = q;
		HASH_ADD(hh, n->answers, question, sizeof(a->question), a);
	}
	a->tid = look_up(n, &q, home);
	a->until_ns = now_ns + (a->tid ? FOUND_NS : MISSING_NS);
	return a->tid;
}
