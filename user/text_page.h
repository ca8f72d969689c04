/* SPDX-License-Identifier: GPL-2.0-only */
/* A text of many lines to be read on screen: a thread dump. */
#ifndef TEXT_PAGE_H
#define TEXT_PAGE_H

#include <stddef.h>
#include <sys/types.h>
#include <time.h>

struct text_page {
	pid_t pid;	      /* of the process that it is about */
	struct timespec time; /* when it was so */
	char *text;	      /* as it was written */
	int width;	      /* that lines are broken for */
	char **lines;	      /* clean */
	size_t n_lines, lines_capacity;
};

struct text_page *text_page__new(pid_t pid, const struct timespec *time, const char *text);
void text_page__free(struct text_page *t);

/* Breaks lines anew, at blanks, what follows set in; nothing if that is their width. */
void text_page__wrap(struct text_page *t, int width);

#endif
