// SPDX-License-Identifier: GPL-2.0-only
#include "text_page.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "util.h"

#define LINE_BYTES 4096 /* of a line; what is longer is cut */
#define TAB	   8
#define SET_IN	   4 /* columns of what follows a break, from where the line begins */

static void clear(struct text_page *t)
{
	for (size_t i = 0; i < t->n_lines; i++)
		free(t->lines[i]);
	t->n_lines = 0;
}

/* Copies n bytes of a line with blanks for tabs. */
static void expand(char *buf, const char *line, size_t n)
{
	size_t used = 0;

	for (size_t i = 0; i < n && used < LINE_BYTES - TAB - 1; i++) {
		if (line[i] != '\t') {
			buf[used++] = line[i];
			continue;
		}
		do
			buf[used++] = ' ';
		while (used % TAB);
	}
	buf[used] = 0;
}

/* Breaks a line; a word that is too long is cut. */
static void add_line(struct text_page *t, const char *line)
{
	int indent = strspn(line, " "), set_in = 0;

	do {
		int room = MAX(t->width - set_in, 1);
		size_t n = text__prefix(line, room), cut = n;

		while (line[n] && cut > 0 && line[cut] != ' ')
			cut--;
		/* A break near the line's begin leaves more room empty than it is worth. */
		n = cut > strspn(line, " ") + n / 3 ? cut : n;
		if (!n)
			n = strlen(line); /* a character that is wider than the screen */
		array__grow(t->lines, t->n_lines, t->lines_capacity);
		t->lines[t->n_lines++] = xasprintf("%*s%.*s", set_in, "", (int)n, line);
		line += n;
		line += strspn(line, " ");
		set_in = MIN(indent + SET_IN, t->width / 2);
	} while (*line);
}

void text_page__wrap(struct text_page *t, int width)
{
	const char *text = t->text;

	if (width == t->width)
		return;
	t->width = width;
	clear(t);
	while (*text) {
		size_t n = strcspn(text, "\n");
		char line[LINE_BYTES], clean[LINE_BYTES];

		expand(line, text, n);
		add_line(t, text__clean(clean, sizeof(clean), line));
		text += n + (text[n] == '\n');
	}
}

struct text_page *text_page__new(pid_t pid, const struct timespec *time, const char *text)
{
	struct text_page *t = xcalloc(1, sizeof(*t));

	t->pid = pid;
	t->time = *time;
	t->text = xstrdup(text);
	text_page__wrap(t, INT_MAX);
	return t;
}

void text_page__free(struct text_page *t)
{
	if (!t)
		return;
	clear(t);
	free(t->lines);
	free(t->text);
	free(t);
}
