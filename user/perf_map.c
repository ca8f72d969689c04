// SPDX-License-Identifier: GPL-2.0-only
/* The text of one file -> regions. Written by whatever program it is about. */
#include "perf_map.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

#define LINES_MAX (1u << 20)

struct line {
	uint64_t start, end;
	uint32_t name; /* offset in the text */
	uint32_t order;
};

struct region {
	uint64_t start, end;
	uint32_t name;
};

struct perf_map {
	char *text;
	struct region *regions;
	size_t n;
};

/* Digits up to a blank. Returns what is behind it, NULL if it is no number. */
static const char *hexadecimal(const char *s, uint64_t *ret)
{
	uint64_t value = 0;
	int digits = 0;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		s += 2;
	for (;; s++, digits++) {
		unsigned int digit = (unsigned char)*s - '0';

		if (digit > 9) {
			digit = ((unsigned char)*s | 0x20) - 'a';
			if (digit > 5)
				break;
			digit += 10;
		}
		value = value << 4 | digit;
	}
	if (digits < 1 || digits > 16 || *s != ' ')
		return NULL;
	*ret = value;
	return s + 1;
}

/* s is ended by NUL. */
static bool parse_line(const char *text, const char *s, struct line *ret)
{
	uint64_t start, size;

	s = hexadecimal(s, &start);
	s = s ? hexadecimal(s, &size) : NULL;
	if (!s || !*s || size == 0 || start + size < start)
		return false;
	*ret = (struct line){ .start = start, .end = start + size, .name = s - text };
	return true;
}

static int by_start(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* Lines that cover one address, the one written last on top. */
struct heap {
	const struct line **items;
	size_t n;
};

static void heap_push(struct heap *h, const struct line *line)
{
	size_t i = h->n++;

	for (; i > 0 && h->items[(i - 1) / 2]->order < line->order; i = (i - 1) / 2)
		h->items[i] = h->items[(i - 1) / 2];
	h->items[i] = line;
}

static void heap_pop(struct heap *h)
{
	const struct line *line = h->items[--h->n];
	size_t i = 0, child;

	for (; (child = 2 * i + 1) < h->n; i = child) {
		if (child + 1 < h->n && h->items[child + 1]->order > h->items[child]->order)
			child++;
		if (h->items[child]->order < line->order)
			break;
		h->items[i] = h->items[child];
	}
	h->items[i] = line;
}

static void add_region(struct perf_map *m, const struct line *line, uint64_t start, uint64_t end)
{
	struct region *last = m->n ? &m->regions[m->n - 1] : NULL;

	if (last && last->name == line->name && last->end == start)
		last->end = end;
	else
		m->regions[m->n++] = (struct region){ start, end, line->name };
}

/*
 * Sorted lines -> regions. Code is replaced and its place used again, so lines overlap: each
 * address belongs to the line written last. Every round takes in a line or drops one, so there are
 * at most twice as many regions.
 */
static void fill(struct perf_map *m, const struct line *lines, size_t n)
{
	struct heap heap = { .items = xcalloc(n, sizeof(*heap.items)) };
	uint64_t at = 0;
	size_t i = 0;

	m->regions = xcalloc(2 * n, sizeof(*m->regions));
	while (i < n || heap.n > 0) {
		uint64_t end;

		if (heap.n == 0)
			at = lines[i].start;
		while (i < n && lines[i].start <= at)
			heap_push(&heap, &lines[i++]);
		while (heap.n > 0 && heap.items[0]->end <= at)
			heap_pop(&heap);
		if (heap.n == 0)
			continue;
		end = i < n ? MIN(lines[i].start, heap.items[0]->end) : heap.items[0]->end;
		add_region(m, heap.items[0], at, end);
		at = end;
	}
	free(heap.items);
	m->regions = xrealloc(m->regions, m->n, sizeof(*m->regions));
}

struct perf_map *perf_map__parse(char *text, size_t len)
{
	struct perf_map *m = xcalloc(1, sizeof(*m));
	size_t n = 0, capacity = 0;
	struct line *lines = NULL;
	char *next;

	m->text = text;
	/* What stands behind the last newline may be half of a line that is being written. */
	for (char *s = text; n < LINES_MAX && (next = memchr(s, '\n', text + len - s));
	     s = next + 1) {
		struct line line;

		*next = 0;
		if (!parse_line(text, s, &line))
			continue;
		line.order = n;
		array__grow(lines, n, capacity);
		lines[n++] = line;
	}
	if (n > 0)
		qsort(lines, n, sizeof(*lines), by_start);
	fill(m, lines, n);
	free(lines);
	return m;
}

void perf_map__free(struct perf_map *m)
{
	if (!m)
		return;
	free(m->text);
	free(m->regions);
	free(m);
}

const char *perf_map__find(const struct perf_map *m, uint64_t address)
{
	size_t low = 0, high = m->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (address < m->regions[middle].start)
			high = middle;
		else if (address >= m->regions[middle].end)
			low = middle + 1;
		else
			return m->text + m->regions[middle].name;
	}
	return NULL;
}
