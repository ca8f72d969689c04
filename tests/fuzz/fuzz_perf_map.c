// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files of JIT compilers: each address is what the last line says that covers it. Lines are
 * read here a second time, the simple way.
 */
#include "../../user/perf_map.h"
#include "../../user/util.h"
#include "fuzz.h"

#define LINES_MAX 512

struct line {
	uint64_t start, end;
	const char *name;
};

/* Digits up to a blank, at most 16, after an 0x that may be left out. */
static const char *number(const char *s, uint64_t *ret)
{
	size_t digits;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		s += 2;
	digits = strspn(s, "0123456789abcdefABCDEF");
	if (digits < 1 || digits > 16 || s[digits] != ' ')
		return NULL;
	*ret = strtoull(s, NULL, 16);
	return s + digits + 1;
}

static size_t read_lines(char *text, size_t size, struct line *lines)
{
	size_t n = 0;
	char *end;

	for (char *s = text; n < LINES_MAX && (end = memchr(s, '\n', text + size - s));
	     s = end + 1) {
		uint64_t start, len;
		const char *name;

		*end = 0;
		name = number(s, &start);
		name = name ? number(name, &len) : NULL;
		if (name && *name && len && start + len >= start)
			lines[n++] = (struct line){ start, start + len, name };
	}
	return n;
}

static void check(const struct perf_map *m, const struct line *lines, size_t n, uint64_t address)
{
	const char *name = perf_map__find(m, address);
	size_t i = n;

	while (i > 0 && (address < lines[i - 1].start || address >= lines[i - 1].end))
		i--;
	PROMISE(!name == !i);
	PROMISE(!name || strcmp(name, lines[i - 1].name) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct line lines[LINES_MAX];
	char *text = xcalloc(1, size + 1), *copy = xcalloc(1, size + 1);
	struct perf_map *m;
	size_t n;

	memcpy(text, data, size);
	memcpy(copy, data, size);
	n = read_lines(copy, size, lines);
	m = perf_map__parse(text, size);
	for (size_t i = 0; i < n && n < LINES_MAX; i++) {
		check(m, lines, n, lines[i].start - 1);
		check(m, lines, n, lines[i].start);
		check(m, lines, n, lines[i].end - 1);
		check(m, lines, n, lines[i].end);
	}
	perf_map__free(m);
	free(copy);
	return 0;
}
