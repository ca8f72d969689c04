// SPDX-License-Identifier: GPL-2.0-only
#include "text_page.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

#define TAB 8

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; *text; text += *text == '\n') {
		n++;
		text += strcspn(text, "\n");
	}
	return n;
}

/* Copies a line with blanks for tabs. Returns the end of the copy, behind its NUL. */
static char *copy_line(char *to, const char *line, size_t n)
{
	const char *start = to;

	for (size_t i = 0; i < n; i++) {
		if (line[i] != '\t') {
			*to++ = line[i];
			continue;
		}
		do
			*to++ = ' ';
		while ((to - start) % TAB);
	}
	*to = 0;
	return to + 1;
}

struct text_page *text_page__new(pid_t pid, const struct timespec *time, const char *text)
{
	struct text_page *t = xcalloc(1, sizeof(*t));
	size_t size = strlen(text) + 2;
	char *to;

	for (const char *c = text; *c; c++)
		size += *c == '\t' ? TAB : 0;
	t->pid = pid;
	t->time = *time;
	t->text = xstrdup(text);
	t->lines = xcalloc(count_lines(text), sizeof(*t->lines));
	t->bytes = to = xcalloc(size, 1);
	while (*text) {
		size_t n = strcspn(text, "\n");

		t->lines[t->n_lines++] = to;
		to = copy_line(to, text, n);
		text += n + (text[n] == '\n');
	}
	return t;
}

void text_page__free(struct text_page *t)
{
	if (!t)
		return;
	free(t->text);
	free(t->lines);
	free(t->bytes);
	free(t);
}
