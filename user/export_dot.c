// SPDX-License-Identifier: GPL-2.0-only
/*
 * The wait graph for Graphviz, a digraph an interval: threads point to the locks that they wait
 * for, locks to their owners. What nobody waits for is left out, and so is the end of long queues:
 * a picture of ten thousand threads has to be readable.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "doing.h"
#include "export.h"
#include "select.h"
#include "shorten.h"
#include "text.h"
#include "util.h"
#include "wait_graph.h"
#include "words.h"

#define WAITERS_MAX  20 /* of a lock that are drawn, if the others hold nothing that is */
#define NAME_COLUMNS 48

#define RED "color=\"#c00000\", fontcolor=\"#c00000\", penwidth=2.5"

struct waiter {
	const struct thread *thread;
	uint32_t behind;
	bool deadlocked;
};

struct drawing {
	FILE *out;
	const struct snapshot *s;
	const struct graph *g;
	const struct lock **locks; /* those that are drawn */
	size_t n_locks, n_left_out;
	struct waiter *waiters;	  /* as g->queue, of each lock those first that matter most */
	bool *drawn;		  /* [s->n_locks] */
	bool *shown, *deadlocked; /* [s->n_threads] */
};

/* A lock, a thread, or the others that wait for a lock; in the order of this list. */
struct node {
	pid_t pid;
	enum { NODE_LOCK, NODE_THREAD, NODE_OTHERS } kind;
	size_t place; /* among those of its kind */
	const struct lock *lock;
	const struct thread *thread;
	size_t others;
};

/* ---- what is drawn ---- */

static int compare_waiters(const void *a, const void *b)
{
	const struct waiter *x = a, *y = b;

	if (x->deadlocked != y->deadlocked)
		return x->deadlocked ? -1 : 1;
	if (x->behind != y->behind)
		return x->behind > y->behind ? -1 : 1;
	if (x->thread->waiting_ns != y->thread->waiting_ns)
		return x->thread->waiting_ns > y->thread->waiting_ns ? -1 : 1;
	return x->thread->tid < y->thread->tid ? -1 : x->thread->tid > y->thread->tid;
}

static void mark_deadlocks(struct drawing *d)
{
	for (size_t i = 0; i < d->s->n_deadlocks; i++) {
		const struct deadlock *one = &d->s->deadlocks[i];

		for (size_t j = 0; j < one->n_threads; j++) {
			uint32_t t = wait_graph__thread(d->s, one->threads[j].thread);

			if (t != GRAPH_NONE)
				d->deadlocked[t] = true;
		}
	}
}

/* Locks that threads wait for in the graph: of the idle class as well, if they are part of it. */
static void choose_locks(struct drawing *d, const struct options *o)
{
	struct options all = *o;
	const void **rows;
	size_t n, waited_for = 0;

	all.idle = true;
	rows = select__all(d->s, &all, ENTITY_LOCK, &n);
	for (size_t i = 0; i < n; i++)
		if (d->g->waiters[wait_graph__lock(d->s, rows[i])])
			rows[waited_for++] = rows[i];
	d->locks = (const struct lock **)rows;
	d->n_locks = select__top(rows, waited_for, ENTITY_LOCK, o->top);
	d->n_left_out = waited_for - d->n_locks;
}

static const struct thread *owner_of(const struct lock *l)
{
	return l->owner ? l->owner->thread : NULL;
}

static void choose_threads(struct drawing *d)
{
	for (size_t i = 0; i < d->s->n_threads; i++) {
		uint32_t t = d->g->queue[i];

		if (t != GRAPH_NONE)
			d->waiters[i] = (struct waiter){ &d->s->threads[t], d->g->behind[t],
							 d->deadlocked[t] };
	}
	for (size_t i = 0; i < d->n_locks; i++) {
		uint32_t lock = wait_graph__lock(d->s, d->locks[i]);
		uint32_t owner = wait_graph__thread(d->s, owner_of(d->locks[i]));
		struct waiter *first = &d->waiters[d->g->queue_from[lock]];
		size_t n = d->g->waiters[lock];

		d->drawn[lock] = true;
		if (owner != GRAPH_NONE)
			d->shown[owner] = true;
		qsort(first, n, sizeof(*first), compare_waiters);
		for (size_t j = 0; j < n && j < WAITERS_MAX; j++)
			d->shown[first[j].thread - d->s->threads] = true;
	}
}

/* ---- text ---- */

/* Clean text between quotes: what has a meaning there, or would become an entity, has none. */
static void put_text(FILE *out, const char *text)
{
	for (const char *c = text; *c; c++) {
		if (*c == '&') {
			fputs("&amp;", out);
			continue;
		}
		if (*c == '"' || *c == '\\')
			fputc('\\', out);
		fputc(*c, out);
	}
}

static void put_foreign(FILE *out, const char *text)
{
	char clean[WORDS_MAX];

	put_text(out, text__clean(clean, sizeof(clean), text && text[0] ? text : "?"));
}

static void put_duration(FILE *out, const char *before, uint64_t ns)
{
	char text[16];

	text__duration(text, sizeof(text), ns);
	fprintf(out, "%s%s", before, text);
}

static void put_load(FILE *out, const char *before, const struct drawing *d, uint64_t ns)
{
	char text[16];

	text__load(text, sizeof(text), d->s->interval_ns ? (double)ns / d->s->interval_ns : 0);
	fprintf(out, "%s%s", before, text);
}

static void put_lock_id(FILE *out, const char *what, const struct lock *l)
{
	fprintf(out, "%s_%d_%" PRIx64, what, (int)l->pid, l->address);
}

static void put_thread_id(FILE *out, const struct thread *t)
{
	fprintf(out, "thread_%d_%d", (int)t->pid, (int)t->tid);
}

/* ---- nodes ---- */

/* Does the thread's edge say what it waits for? */
static bool has_edge(const struct drawing *d, uint32_t t)
{
	uint32_t lock = wait_graph__lock(d->s, d->s->threads[t].waiting_for);

	return d->g->root_lock[t] != GRAPH_NONE && lock != GRAPH_NONE && d->drawn[lock];
}

static void put_thread(const struct drawing *d, const struct thread *t)
{
	uint32_t place = wait_graph__thread(d->s, t);
	char doing[WORDS_MAX] = "";

	put_thread_id(d->out, t);
	fputs(" [label=\"", d->out);
	put_foreign(d->out, t->comm);
	fprintf(d->out, " %d", (int)t->tid);
	if (!has_edge(d, place))
		doing__thread(doing, sizeof(doing), t);
	fputs(doing[0] ? "\\n" : "", d->out);
	put_text(d->out, doing);
	fputc('"', d->out);
	if (d->deadlocked[place])
		fputs(", fillcolor=\"#ffe3e3\", " RED, d->out);
	else if (d->g->behind[place] && d->g->root[place] == place)
		fputs(", fillcolor=\"#dcebf9\", penwidth=2", d->out);
	fputs("]\n", d->out);
}

static void put_lock(const struct drawing *d, const struct lock *l)
{
	char full[WORDS_MAX], name[WORDS_MAX], waiting[16];

	words__lock_name(full, sizeof(full), l);
	shorten__function(name, sizeof(name), full, NAME_COLUMNS, true);
	text__count(waiting, sizeof(waiting), l->waiting);
	put_lock_id(d->out, "lock", l);
	fputs(" [shape=box, label=\"", d->out);
	put_text(d->out, name);
	if (l->name && l->name[0])
		fprintf(d->out, "\\n%s 0x%" PRIx64, lock_kind_names[l->kind], l->address);
	put_load(d->out, "\\nload ", d, l->wait_ns);
	fprintf(d->out, ", %s waiting", waiting);
	put_load(d->out, ", impact ", d, l->impact_ns);
	if (l->owner_died)
		fprintf(d->out, "\\nits owner, thread %d, has exited", l->owner_died);
	if (l->readers > 0)
		fprintf(d->out, "\\nheld by %d reader%s", l->readers, l->readers == 1 ? "" : "s");
	fputc('"', d->out);
	if (l->deadlocked)
		fputs(", fillcolor=\"#ffe3e3\", " RED, d->out);
	else if (l->owner_died)
		fputs(", fillcolor=\"#e4e4e4\"", d->out);
	else if (l->class == CLASS_IDLE)
		fputs(", fillcolor=\"#f4f4f4\", fontcolor=\"#666666\"", d->out);
	else
		fputs(", fillcolor=\"#fff4d6\"", d->out);
	fputs("]\n", d->out);
}

/* Waiters that share a node, because they have none of their own. */
static size_t count_others(const struct drawing *d, const struct lock *l)
{
	uint32_t lock = wait_graph__lock(d->s, l);
	size_t n = 0;

	for (uint32_t q = d->g->queue_from[lock]; q < d->g->queue_from[lock + 1]; q++)
		n += !d->shown[d->g->queue[q]];
	return n;
}

static int compare_nodes(const void *a, const void *b)
{
	const struct node *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

/* All that is drawn, process by process. */
static struct node *list_nodes(const struct drawing *d, size_t *n)
{
	struct node *nodes = xcalloc(2 * d->n_locks + d->s->n_threads, sizeof(*nodes));

	*n = 0;
	for (size_t i = 0; i < d->n_locks; i++) {
		struct node node = { d->locks[i]->pid, NODE_LOCK, i, d->locks[i], NULL, 0 };

		nodes[(*n)++] = node;
		node.kind = NODE_OTHERS;
		node.others = count_others(d, d->locks[i]);
		if (node.others)
			nodes[(*n)++] = node;
	}
	for (size_t i = 0; i < d->s->n_threads; i++) {
		const struct thread *t = &d->s->threads[i];

		if (d->shown[i])
			nodes[(*n)++] = (struct node){ t->pid, NODE_THREAD, i, NULL, t, 0 };
	}
	qsort(nodes, *n, sizeof(*nodes), compare_nodes);
	return nodes;
}

static void put_process(const struct drawing *d, const struct node *node)
{
	put_foreign(d->out, node->lock ? node->lock->comm : node->thread->process_comm);
	fprintf(d->out, " %d", (int)node->pid);
}

static void put_node(const struct drawing *d, const struct node *node)
{
	switch (node->kind) {
	case NODE_LOCK:
		put_lock(d, node->lock);
		break;
	case NODE_THREAD:
		put_thread(d, node->thread);
		break;
	case NODE_OTHERS:
		put_lock_id(d->out, "more", node->lock);
		fprintf(d->out, " [shape=plaintext, style=\"\", label=\"... %zu more\"]\n",
			node->others);
		break;
	}
}

/* Processes have frames of their own where there are several; one stands in the head line. */
static void put_nodes(const struct drawing *d, const struct node *nodes, size_t n)
{
	bool several = n && nodes[0].pid != nodes[n - 1].pid;

	for (size_t i = 0; i < n; i++) {
		if (several && (!i || nodes[i].pid != nodes[i - 1].pid)) {
			fprintf(d->out, "subgraph cluster_%d {\nlabel=\"", (int)nodes[i].pid);
			put_process(d, &nodes[i]);
			fputs("\"\n", d->out);
		}
		put_node(d, &nodes[i]);
		if (several && (i + 1 == n || nodes[i].pid != nodes[i + 1].pid))
			fputs("}\n", d->out);
	}
}

/* ---- edges ---- */

static void put_waits(const struct drawing *d, const struct lock *l)
{
	uint32_t lock = wait_graph__lock(d->s, l);

	for (uint32_t q = d->g->queue_from[lock]; q < d->g->queue_from[lock + 1]; q++) {
		const struct waiter *w = &d->waiters[q];

		if (!d->shown[w->thread - d->s->threads])
			continue;
		put_thread_id(d->out, w->thread);
		fputs(" -> ", d->out);
		put_lock_id(d->out, "lock", l);
		put_duration(d->out, " [label=\"waits ", w->thread->waiting_ns);
		fprintf(d->out, "\"%s]\n", w->deadlocked ? ", " RED : "");
	}
	if (!count_others(d, l))
		return;
	put_lock_id(d->out, "more", l);
	fputs(" -> ", d->out);
	put_lock_id(d->out, "lock", l);
	fputc('\n', d->out);
}

static void put_owner(const struct drawing *d, const struct lock *l)
{
	uint32_t owner = wait_graph__thread(d->s, owner_of(l));
	bool inferred;

	if (owner == GRAPH_NONE)
		return;
	inferred = l->owner->proof == PROOF_LAST_WAKER;
	put_lock_id(d->out, "lock", l);
	fputs(" -> ", d->out);
	put_thread_id(d->out, owner_of(l));
	fputs(" [label=\"", d->out);
	if (l->owner->held_ns)
		put_duration(d->out, "held ", l->owner->held_ns);
	fprintf(d->out, "%s%s%s\"", l->owner->held_ns ? "\\n" : "",
		owner_proof_names[l->owner->proof], inferred ? "\\n(inferred)" : "");
	if (inferred)
		fputs(", style=dashed", d->out);
	if (l->deadlocked && d->deadlocked[owner])
		fputs(", " RED, d->out);
	fputs("]\n", d->out);
}

/* ---- the graph ---- */

/* When and where, and what is not there. */
static void put_head(const struct drawing *d, const struct node *nodes, size_t n)
{
	char time[32];
	struct tm tm;

	gmtime_r(&d->s->time.tv_sec, &tm);
	strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%SZ", &tm);
	fputs("digraph locktop {\nlabel=\"", d->out);
	put_foreign(d->out, d->s->host);
	fprintf(d->out, "  %s", time);
	if (n && nodes[0].pid == nodes[n - 1].pid) {
		fputs("  ", d->out);
		put_process(d, &nodes[0]);
	}
	if (!n)
		fputs("\\lno thread waits for a lock", d->out);
	if (d->n_left_out)
		fprintf(d->out, "\\l... and %zu more lock%s (--top 0 shows all)", d->n_left_out,
			d->n_left_out == 1 ? "" : "s");
	fputs("\\l\"\n"
	      "graph [rankdir=LR, labelloc=t, labeljust=l, nodesep=0.2, ranksep=0.7,\n"
	      "  fontname=\"Helvetica\", fontsize=12, color=\"#999999\", style=rounded]\n"
	      "node [fontname=\"Helvetica\", fontsize=11, shape=ellipse, style=filled,\n"
	      "  fillcolor=\"#ffffff\", color=\"#555555\"]\n"
	      "edge [fontname=\"Helvetica\", fontsize=9, color=\"#555555\"]\n",
	      d->out);
}

int export_dot__write(FILE *out, const struct snapshot *s, const struct options *o, bool first)
{
	struct graph *g = wait_graph__new(s, o->idle);
	struct drawing d = { .out = out, .s = s, .g = g };
	struct node *nodes;
	size_t n;

	(void)first;
	d.waiters = xcalloc(s->n_threads, sizeof(*d.waiters));
	d.drawn = xcalloc(s->n_locks, sizeof(*d.drawn));
	d.shown = xcalloc(s->n_threads, sizeof(*d.shown));
	d.deadlocked = xcalloc(s->n_threads, sizeof(*d.deadlocked));
	mark_deadlocks(&d);
	choose_locks(&d, o);
	choose_threads(&d);
	nodes = list_nodes(&d, &n);
	put_head(&d, nodes, n);
	put_nodes(&d, nodes, n);
	for (size_t i = 0; i < d.n_locks; i++) {
		put_waits(&d, d.locks[i]);
		put_owner(&d, d.locks[i]);
	}
	fputs("}\n", out);
	free(nodes);
	free(d.deadlocked);
	free(d.shown);
	free(d.drawn);
	free(d.waiters);
	free(d.locks);
	graph__free(g);
	return ferror(out) ? -EIO : 0;
}
