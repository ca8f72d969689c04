// SPDX-License-Identifier: GPL-2.0-only
#include "python_search_internal.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

#define READS_MAX  2000
#define WORD_DEPTH 3
#define LEVELS	   3 /* self.a.b, and the items of what that is */

static void read_bounded(struct python_target *t, struct python_range *ranges, size_t n)
{
	struct python_search *s = t->context;

	if (s->reads >= READS_MAX) {
		for (size_t i = 0; i < n; i++)
			ranges[i].got = false;
		return;
	}
	s->reads++;
	s->real->read(s->real, ranges, n);
}

struct python_search *python_search__new(struct python_target *t, uint64_t object, uint64_t word)
{
	struct python_search *s = xcalloc(1, sizeof(*s));

	s->target = *t;
	s->target.read = read_bounded;
	s->target.context = s;
	s->real = t;
	s->object = object;
	s->word = word;
	return s;
}

void python_search__free(struct python_search *s)
{
	free(s);
}

struct python_target *python_search__target(struct python_search *s)
{
	return &s->target;
}

const struct python_node *python_search__parent(const struct python_search *s,
						const struct python_node *node)
{
	return node->parent >= 0 ? &s->nodes[node->parent] : NULL;
}

uint64_t python_search__variable(const struct python_search *s, uint32_t index)
{
	return index < s->n_slots ? s->variables[index] : 0;
}

/* Reads nodes from `first` on. */
static void fill(struct python_search *s, size_t first)
{
	while (first < s->n) {
		struct python_object objects[64];
		uint64_t addresses[64];
		size_t n = MIN(s->n - first, ARRAY_SIZE(addresses));

		for (size_t i = 0; i < n; i++)
			addresses[i] = s->nodes[first + i].object.address;
		python_locks__read(&s->target, addresses, n, objects);
		for (size_t i = 0; i < n; i++) {
			s->nodes[first + i].object = objects[i];
			if (s->nodes[first + i].named ||
			    s->nodes[first + i].via == PYTHON_VIA_LOCAL)
				python_expand__follow(s, &s->nodes[first + i]);
		}
		first += n;
	}
}

static bool is_itself(struct python_search *s, struct python_node *node)
{
	uint64_t word;

	if (s->object)
		return node->object.address == s->object;
	if (!python_locks__may_be(&s->target, &node->object, s->word))
		return false;
	node->lock = python_locks__type(&s->target, &node->object, &word);
	return node->lock != PYTHON_NO_LOCK;
}

/* Is it built on the lock? */
static bool is_around(struct python_search *s, struct python_node *node)
{
	uint64_t word;

	if (s->object || !python_expand__type(s, node->object.type).construct)
		return false;
	node->lock = python_locks__inner(&s->target, node->object.address, WORD_DEPTH, &word);
	return node->lock != PYTHON_NO_LOCK && word == s->word;
}

static bool is_expanded(const struct python_node *node)
{
	return node->named || node->via == PYTHON_VIA_LOCAL;
}

/*
 * A variable is called what its function likes; a global that the code does not name may be left
 * from a loop.
 */
enum rank { RANK_NAMED, RANK_GLOBAL, RANK_LOCAL };

static enum rank rank_of(const struct python_node *node)
{
	if (node->via == PYTHON_VIA_LOCAL)
		return RANK_LOCAL;
	return node->via == PYTHON_VIA_GLOBAL && !node->named ? RANK_GLOBAL : RANK_NAMED;
}

/* The lock itself before what is built on it: so it has one name in all the frames that use it. */
static struct python_node *find(struct python_search *s, size_t first, size_t end, enum rank rank)
{
	for (size_t i = first; i < end; i++)
		if (rank_of(&s->nodes[i]) == rank && is_itself(s, &s->nodes[i]))
			return &s->nodes[i];
	for (size_t i = first; i < end; i++)
		if (rank_of(&s->nodes[i]) == rank && is_expanded(&s->nodes[i]) &&
		    is_around(s, &s->nodes[i]))
			return &s->nodes[i];
	return NULL;
}

static size_t read_tuple(struct python_search *s, uint64_t tuple, uint64_t *ret, size_t max)
{
	int n = tuple ? python__tuple(&s->target, tuple, ret, max) : 0;

	return n > 0 ? n : 0;
}

/* Names of the slots: from 3.11 on one tuple has them all. */
static size_t read_variables(struct python_search *s, const struct python_code *code, uint64_t at)
{
	const struct python_layout *l = s->target.layout;
	const int more[] = { l->code.cell_names, l->code.free_names };
	size_t n = read_tuple(s, code->variables, s->variables, PYTHON_SEARCH_SLOTS);

	for (size_t i = 0; i < ARRAY_SIZE(more); i++)
		if (more[i] != PYTHON_ABSENT)
			n += read_tuple(s, python__pointer(&s->target, at + more[i]),
					s->variables + n, PYTHON_SEARCH_SLOTS - n);
	return n;
}

static void read_slots(struct python_search *s, const struct python_frame *frame, size_t n)
{
	const struct python_layout *l = s->target.layout;
	uint64_t mask = ~(uint64_t)l->frame.tag_bits;

	s->n_slots = n;
	memset(s->slots, 0, sizeof(s->slots));
	if ((python__pointer(&s->target, frame->address + l->frame.code) & mask) != frame->code ||
	    python__read(&s->target, frame->address + l->frame.slots, s->slots, n * 8) != 0)
		memcpy(s->slots, frame->slots, MIN(n, (size_t)PYTHON_SLOTS) * 8);
	for (size_t i = 0; i < n; i++)
		s->slots[i] &= mask;
}

/* A method's self is no name: whoever called it knows one. */
static bool is_self(struct python_search *s, const struct python_node *node)
{
	char name[8];

	return node->via == PYTHON_VIA_LOCAL && node->index == 0 && s->n_slots &&
	       python__string(&s->target, s->variables[0], name, sizeof(name)) == 0 &&
	       !strcmp(name, "self");
}

const struct python_node *python_search__frame(struct python_search *s,
					       const struct python_frame *frame,
					       const struct python_code *code, bool variables)
{
	const struct python_node *found = NULL;
	size_t first = 0, roots = 0, end;

	s->n = 0;
	s->n_names = read_tuple(s, code->names, s->names, PYTHON_SEARCH_NAMES);
	read_slots(s, frame, read_variables(s, code, frame->code));
	python_expand__variables(s);
	python_expand__globals(s, frame->globals);
	for (int level = 0; level <= LEVELS && !found; level++) {
		fill(s, first);
		end = s->n;
		roots = level ? roots : end;
		found = find(s, first, end, RANK_NAMED);
		for (size_t i = first; i < end && level < LEVELS && !found; i++)
			if (is_expanded(&s->nodes[i]))
				python_expand__node(s, i, level == LEVELS - 1);
		first = end;
	}
	if (!found)
		found = find(s, 0, roots, RANK_GLOBAL);
	if (!found && variables)
		found = find(s, 0, roots, RANK_LOCAL);
	return found && !is_self(s, found) ? found : NULL;
}
