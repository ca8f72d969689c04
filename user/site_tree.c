// SPDX-License-Identifier: GPL-2.0-only
#include "site_tree.h"

#include <stdlib.h>
#include <string.h>

#include "callers.h"
#include "kinds.h"
#include "python_frames.h"
#include "python_kinds.h"
#include "util.h"

#define FRAMES_MOST 1024  /* of one stack; no unwinder gives as many */
#define SHARE_LEAST 0.005 /* branches below it are one line together */
#define SHOWN_MOST  64	  /* stacks that later ones are compared with */
#define SAME_LEAST  4	  /* frames that stand above already and are worth a line instead */
#define HASH_SEED   0xcbf29ce484222325ULL

/* A place on the way outwards. Links are indices; 0, the root that is never shown, is none. */
struct node {
	const struct frame *frame; /* NULL: the mark of a cut stack */
	uint64_t path;		   /* hash of the way here: what it is known by */
	uint64_t place;		   /* hash of the frame alone */
	double share;
	uint64_t wait_ns;
	size_t sites;
	size_t first, next;
	size_t rank; /* in the order to keep; SIZE_MAX: new */
};

struct build {
	struct node *nodes;
	size_t n, capacity;
	struct site_tree *tree;
	size_t lines_capacity, order_capacity;
	uint64_t *way; /* places from the root to where lines are being added */
	size_t n_way, way_capacity;
	uint64_t *shown; /* those of each stack that is shown, outermost first, 0 after each */
	size_t n_shown, shown_capacity, stacks_shown;
};

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t n)
{
	const unsigned char *p = data;

	while (n--)
		hash = (hash ^ *p++) * 0x100000001b3ULL; /* FNV-1a */
	return hash;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
	return text ? hash_bytes(hash, text, strlen(text) + 1) : hash_bytes(hash, "\xff", 1);
}

/* What is shown as one place is one node: a source line where it is known, else an address. */
static uint64_t step(uint64_t path, const struct frame *f)
{
	bool line = f && f->file && f->line;

	if (!f)
		return hash_bytes(path, "\xfe", 1);
	path = hash_text(hash_text(path, f->function), f->module);
	if (line)
		return hash_bytes(hash_text(path, f->file), &f->line, sizeof(f->line));
	return hash_bytes(path, &f->offset, sizeof(f->offset));
}

static bool same_text(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

static unsigned int known(const char *function)
{
	return (kinds__is_lock_function(function) ? CALLER_LOCK : 0) |
	       (kinds__is_wrapper(function) ? CALLER_WRAPPER : 0);
}

/*
 * From the program's own line to where its threads begin. What threading has outside of that is the
 * same for every thread.
 */
static bool python_bounds(const struct site *site, size_t *from, size_t *to)
{
	int own = python_frames__own(site->frames, site->n_frames);
	size_t n = site->n_frames;

	if (own < 0)
		return false;
	*from = own;
	while (!site->truncated && n > *from + 1 && frame__is_python(&site->frames[n - 1]) &&
	       site->frames[n - 1].file && python_kinds__is_library(site->frames[n - 1].file))
		n--;
	*to = n;
	return true;
}

/*
 * From the caller of the lock function to main() or the thread's own start function. What the C
 * library has outside of those is the same for every thread, and no news.
 */
static void bounds(const struct site *site, size_t *from, size_t *to)
{
	static const bool exported[FRAMES_MOST];
	size_t n = MIN(site->n_frames, (size_t)FRAMES_MOST);
	struct callers c;
	const char *inner;

	if (python_bounds(site, from, to))
		return;
	c = callers__find(site->frames, n, exported, known);
	*from = c.where > 0 ? c.where : 0;
	*to = n;
	for (size_t i = *from; i < n; i++)
		if (same_text(site->frames[i].function, "main"))
			*to = i + 1;
	inner = n ? site->frames[0].module : NULL;
	if (!*from || site->truncated || same_text(inner, site->frames[*from].module))
		return;
	while (*to > *from + 1 && same_text(inner, site->frames[*to - 1].module))
		--*to;
}

static size_t new_node(struct build *b, const struct frame *frame, uint64_t path)
{
	array__grow(b->nodes, b->n, b->capacity);
	b->nodes[b->n] = (struct node){ .frame = frame, .path = path, .rank = SIZE_MAX };
	b->nodes[b->n].place = step(HASH_SEED, frame) | 1;
	return b->n++;
}

static size_t child(struct build *b, size_t parent, const struct frame *frame)
{
	uint64_t path = step(b->nodes[parent].path, frame);
	size_t i = b->nodes[parent].first;

	while (i && b->nodes[i].path != path)
		i = b->nodes[i].next;
	if (i)
		return i;
	i = new_node(b, frame, path);
	b->nodes[i].next = b->nodes[parent].first;
	b->nodes[parent].first = i;
	return i;
}

static void credit(struct build *b, size_t i, const struct site *site)
{
	b->nodes[i].share += site->share;
	b->nodes[i].wait_ns += site->wait_ns;
	b->nodes[i].sites++;
}

static void add_site(struct build *b, const struct site *site)
{
	size_t from, to, at = 0;

	bounds(site, &from, &to);
	credit(b, at, site);
	for (size_t i = from; i < to; i++) {
		at = child(b, at, &site->frames[i]);
		credit(b, at, site);
	}
	if (site->truncated)
		credit(b, child(b, at, NULL), site);
	b->tree->n_sites++;
	b->tree->samples += site->samples;
	b->tree->wait_ns += site->wait_ns;
}

struct rank {
	uint64_t path;
	size_t rank;
};

static int compare_ranks(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;

	return x->path < y->path ? -1 : x->path > y->path;
}

static void rank_nodes(struct build *b, const struct site_tree *earlier)
{
	struct rank *ranks = xcalloc(earlier->n_order, sizeof(*ranks));

	for (size_t i = 0; i < earlier->n_order; i++)
		ranks[i] = (struct rank){ earlier->order[i], i };
	qsort(ranks, earlier->n_order, sizeof(*ranks), compare_ranks);
	for (size_t i = 1; i < b->n; i++) {
		struct rank wanted = { .path = b->nodes[i].path }, *found;

		found = bsearch(&wanted, ranks, earlier->n_order, sizeof(*ranks), compare_ranks);
		if (found)
			b->nodes[i].rank = found->rank;
	}
	free(ranks);
}

static int compare_nodes(const void *a, const void *b)
{
	const struct node *x = *(const struct node *const *)a, *y = *(const struct node *const *)b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (x->share != y->share)
		return x->share > y->share ? -1 : 1;
	return x->path < y->path ? -1 : x->path > y->path;
}

/* From malloc, in the order to be shown; *n of them. */
static const struct node **children(const struct build *b, const struct node *parent, size_t *n)
{
	const struct node **list = NULL;
	size_t capacity = 0;

	*n = 0;
	for (size_t i = parent->first; i; i = b->nodes[i].next) {
		array__grow(list, *n, capacity);
		list[(*n)++] = &b->nodes[i];
	}
	if (*n)
		qsort(list, *n, sizeof(*list), compare_nodes);
	return list;
}

static struct tree_line *add_line(struct build *b, const struct node *node,
				  const struct tree_line *like)
{
	struct site_tree *t = b->tree;
	struct tree_line *line;

	array__grow(t->lines, t->n_lines, b->lines_capacity);
	array__grow(t->order, t->n_order, b->order_capacity);
	t->order[t->n_order++] = node->path;
	line = &t->lines[t->n_lines++];
	*line = *like;
	line->frame = node->frame;
	line->mark = node->frame ? TREE_FRAME : TREE_TRUNCATED;
	line->share = node->share;
	line->wait_ns = node->wait_ns;
	line->sites = node->sites;
	return line;
}

/* Small branches are one line, unless there is but one, or all are. */
static bool small(const struct node *root, const struct node *n)
{
	return root->share > 0 && n->share < SHARE_LEAST * root->share;
}

static void add_children(struct build *b, const struct node *parent, int depth, uint64_t guides);

static void enter(struct build *b, const struct node *node)
{
	array__grow(b->way, b->n_way, b->way_capacity);
	b->way[b->n_way++] = node->place;
}

/* How many of the outermost places of the way here end a stack that is shown already. */
static size_t same_as_shown(const struct build *b)
{
	size_t best = 0, n = 0;
	bool same = true;

	for (size_t i = 0; i < b->n_shown; i++) {
		if (!b->shown[i]) {
			n = 0;
			same = true;
			continue;
		}
		same = same && n < b->n_way && b->shown[i] == b->way[b->n_way - 1 - n];
		n += same;
		best = MAX(best, n);
	}
	return best;
}

static void note_shown(struct build *b)
{
	if (b->stacks_shown++ >= SHOWN_MOST)
		return;
	for (size_t i = b->n_way; i-- > 0;) {
		array__grow(b->shown, b->n_shown, b->shown_capacity);
		b->shown[b->n_shown++] = b->way[i];
	}
	array__grow(b->shown, b->n_shown, b->shown_capacity);
	b->shown[b->n_shown++] = 0;
}

static const struct node *only_way_on(const struct build *b, const struct node *node)
{
	const struct node *next = &b->nodes[node->first];

	return node->first && !next->next && next->sites == node->sites ? next : NULL;
}

/* A branch: its first line with figures, then its callers for as long as there is one way on. */
static void add_branch(struct build *b, const struct node *node, int depth, uint64_t guides,
		       bool last)
{
	struct tree_line like = { .head = true, .last = last, .depth = depth, .guides = guides };
	size_t before = b->n_way, same = 0, length;
	const struct node *end = node;

	enter(b, node);
	for (const struct node *n = node; (n = only_way_on(b, n)); end = n)
		enter(b, n);
	length = b->n_way - before;
	if (!end->first) {
		same = MIN(same_as_shown(b), length - 1);
		note_shown(b);
	}
	same = same >= SAME_LEAST ? same : 0;
	for (size_t i = 0; i < length - same; i++, node = only_way_on(b, node)) {
		add_line(b, node, &like);
		like.head = false;
	}
	if (same) {
		struct tree_line *line = add_line(b, node, &like);

		line->mark = TREE_SAME;
		line->frames = same;
	}
	if (!last && depth < 64)
		guides |= 1ULL << depth;
	add_children(b, end, depth + 1, guides);
	b->n_way = before;
}

static void add_more(struct build *b, const struct node **hidden, size_t n, int depth,
		     uint64_t guides)
{
	struct tree_line *line, like = { .head = true, .last = true, .depth = depth };
	struct node sum = { .path = step(hidden[0]->path, NULL) };

	like.guides = guides;
	for (size_t i = 0; i < n; i++) {
		sum.share += hidden[i]->share;
		sum.wait_ns += hidden[i]->wait_ns;
		sum.sites += hidden[i]->sites;
	}
	line = add_line(b, &sum, &like);
	line->mark = TREE_MORE;
}

static void add_children(struct build *b, const struct node *parent, int depth, uint64_t guides)
{
	size_t n, n_hidden = 0, n_shown = 0;
	const struct node **list = children(b, parent, &n);
	const struct node **hidden = xcalloc(n, sizeof(*hidden));

	for (size_t i = 0; i < n; i++) {
		if (small(&b->nodes[0], list[i]))
			hidden[n_hidden++] = list[i];
		else
			list[n_shown++] = list[i];
	}
	if (n_hidden == 1)
		list[n_shown++] = hidden[--n_hidden];
	for (size_t i = 0; i < n_shown; i++)
		add_branch(b, list[i], depth, guides, i + 1 == n_shown && !n_hidden);
	if (n_hidden)
		add_more(b, hidden, n_hidden, depth, guides);
	free(list);
	free(hidden);
}

struct site_tree *site_tree__new(const struct lock *lock, enum site_role role,
				 const struct site_tree *earlier)
{
	struct build b = { .tree = xcalloc(1, sizeof(*b.tree)) };

	new_node(&b, NULL, HASH_SEED);
	for (size_t i = 0; i < lock->n_sites; i++)
		if (lock->sites[i].role == role)
			add_site(&b, &lock->sites[i]);
	if (earlier && earlier->n_order)
		rank_nodes(&b, earlier);
	add_children(&b, &b.nodes[0], 0, 0);
	free(b.nodes);
	free(b.way);
	free(b.shown);
	return b.tree;
}

void site_tree__free(struct site_tree *t)
{
	if (!t)
		return;
	free(t->lines);
	free(t->order);
	free(t);
}
